package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
)

// writer writes what agents read: prose, Markdown, source code, logs and JSON.
// It is not random bytes, on which a detector has nothing to do.
type writer struct{ *rand.Rand }

var (
	nouns      = strings.Fields("account archive backup branch budget build cache calendar channel client commit config container contract customer dashboard dataset deadline deploy device document draft email endpoint event export feature file folder forecast gateway group image index inventory invoice issue job journal key label ledger letter library list log machine mailbox meeting member memory message meter model module network node note number order package page parser partner patch payment pipeline plan policy port preview process product profile project proposal queue quota receipt record region release reminder report request review route sample schedule schema script section sensor server service session sheet signal snapshot source storage summary supplier survey table task team template tenant test thread ticket timer token tool topic trace update upload user vendor version volume window worker workspace")
	verbs      = strings.Fields("add archive arrange build check clean close collect compare copy count create describe draft edit explain export fetch file find finish fix follow format gather group hold import keep label list load map measure merge move name note open order pack parse plan prepare print publish pull push read record remove rename render repair replace reply review run save schedule search select send set share show sort split start store summarise sync tag test trace translate update upload use verify watch write")
	adjectives = strings.Fields("active annual blue broken clear cold common complete current daily deep early empty external fast final first flat fresh full general green hidden high idle internal large last late local long main minor missing monthly narrow new next old open partial plain present private public quick quiet raw recent related remote round second separate shared short simple single slow small spare stable stale static strict third tidy total upper useful usual valid vast weekly whole wide")
	sentences  = []string{
		"The %[2]s %[1]s has %[5]d entries, and the %[3]s was changed on Tuesday.",
		"Please %[4]s the %[1]s before the %[2]s %[3]s is opened again.",
		"When a %[1]s is %[2]s, %[4]s it and put the result into the %[3]s.",
		"We moved the %[1]s to another %[3]s because it was too %[2]s.",
		"You may %[4]s every %[2]s %[1]s; a %[3]s needs %[5]d minutes at most.",
		"It isn't clear why the %[1]s of %[5]d was %[2]s: the %[3]s says nothing about it.",
		"Use `%[4]s --%[1]s=%[5]d` for a %[2]s %[3]s.",
		"Then the %[3]s follows, which is the %[2]s part of the %[1]s (see section %[5]d).",
		"\"%[2]s %[1]s\" is what the team calls it, not the %[3]s.",
		"Prices for the %[1]s start at €%[5]d; the %[2]s %[3]s is free.",
	}
)

func (w *writer) pick(words []string) string { return words[w.IntN(len(words))] }

func (w *writer) sentence() string {
	return fmt.Sprintf(w.pick(sentences), w.pick(nouns), w.pick(adjectives), w.pick(nouns), w.pick(verbs), w.IntN(9000))
}

func (w *writer) paragraph(n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(w.sentence())
	}
	return b.String()
}

func (w *writer) ask() string {
	return fmt.Sprintf("[Tue 2026-11-24 %02d:%02d UTC] %s", w.IntN(24), w.IntN(60), w.paragraph(2))
}

// manual is a system prompt of about size bytes.
func (w *writer) manual(size int) string {
	var b strings.Builder
	b.WriteString("You are a personal assistant running inside OpenClaw.\n")
	for b.Len() < size {
		fmt.Fprintf(&b, "\n## %s %s\n\n%s\n\n", w.pick(adjectives), w.pick(nouns), w.paragraph(3))
		for range 4 {
			fmt.Fprintf(&b, "- **%s**: %s\n", w.pick(nouns), w.sentence())
		}
		if w.IntN(3) == 0 {
			fmt.Fprintf(&b, "\n```sh\n%s --%s %s\n```\n", w.pick(verbs), w.pick(nouns), w.path("md"))
		}
	}
	return b.String()[:size]
}

// page is a web page turned into text, of about size bytes.
func (w *writer) page(size int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n", w.pick(nouns))
	for b.Len() < size {
		fmt.Fprintf(&b, "%s\n\n* [%s](https://%s.example/%s)\n* %s\n\n", w.paragraph(4), w.pick(nouns), w.pick(nouns), w.pick(nouns), w.sentence())
	}
	return b.String()
}

func (w *writer) path(kind string) string {
	return fmt.Sprintf("%s/%s/%s_%d.%s", w.pick(nouns), w.pick(nouns), w.pick(nouns), w.IntN(900), kind)
}

func (w *writer) source(path string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "// %s\npackage %s\n\nimport (\n\t\"context\"\n\t\"fmt\"\n)\n", path, w.pick(nouns))
	for range 4 {
		n, m := w.pick(nouns), w.pick(nouns)
		fmt.Fprintf(&b, "\n// %s\nfunc (s *Store) %s%d(ctx context.Context, %s string) (int, error) {\n", w.sentence(), w.pick(verbs), w.IntN(99), n)
		fmt.Fprintf(&b, "\tfor i, %s := range s.%ss {\n\t\tif %s.Name == %s && i > %d {\n\t\t\treturn i, nil\n\t\t}\n\t}\n", m, m, m, n, w.IntN(64))
		fmt.Fprintf(&b, "\treturn 0, fmt.Errorf(\"%s %%q: no such %s\", %s)\n}\n", w.pick(verbs), m, n)
	}
	return b.String()
}

func (w *writer) log(lines int) string {
	var b strings.Builder
	for range lines {
		fmt.Fprintf(&b, "2026-11-%02dT%02d:%02d:%02d.%03dZ INFO %s[%d]: %s %s in %d ms\n", 1+w.IntN(24), w.IntN(24), w.IntN(60), w.IntN(60), w.IntN(1000),
			w.pick(nouns), w.IntN(32000), w.pick(verbs), w.path("ts"), w.IntN(5000))
	}
	return b.String()
}

func (w *writer) records(n int) string {
	all := make([]object, n)
	for i := range all {
		all[i] = object{"id": w.IntN(1 << 30), "name": w.pick(adjectives) + " " + w.pick(nouns), "note": w.sentence(),
			"tags": []string{w.pick(nouns), w.pick(nouns)}, "total": float64(w.IntN(100000)) / 100, "open": w.IntN(2) == 0}
	}
	b, err := json.MarshalIndent(object{"items": all, "next": nil}, "", "  ")
	if err != nil {
		panic(err)
	}
	return string(b)
}
