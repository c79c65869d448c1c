# Seawall's build and tests. Needs Go (the version in go.mod) and make.
#
#   make build       bin/seawall, static
#   make test        everything: says what it will install, asks, then checks, unit and lab tests (root)
#   make test-unit   what needs no root and installs nothing
#
# The rest is below, each with a line.

# Debian's own place for a Go that was unpacked by hand.
export PATH := $(PATH):/usr/local/go/bin

VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS  := -s -w -X main.linked=$(VERSION)
GOBUILD  := CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)'
FUZZTIME ?= 60s

# The folders with tests that need real servers.
LAB = $(shell find . -name '*_lab_test.go' -not -path './.*' -exec dirname {} + | sort -u)

# What takes longest, and mostly waits: it begins first, beside the others.
SLOW = ./lab/wall ./lab/debian

.PHONY: build build-all man dist dist-check test test-unit lab lint fuzz bench bruteforce attacks harden-proof detect replay clean

build:
	$(GOBUILD) -o bin/seawall ./cmd/seawall

# For both machines that Seawall runs on.
build-all:
	GOOS=linux GOARCH=amd64 $(GOBUILD) -o bin/seawall-linux-amd64 ./cmd/seawall
	GOOS=linux GOARCH=arm64 $(GOBUILD) -o bin/seawall-linux-arm64 ./cmd/seawall

# Man pages and completions, from the command tree.
man: export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct)
man: build
	mkdir -p dist/completions
	bin/seawall man dist/man
	bin/seawall completion bash >dist/completions/seawall.bash
	bin/seawall completion zsh >dist/completions/_seawall
	bin/seawall completion fish >dist/completions/seawall.fish

# All that is released, in dist/: programs, packages, SBOMs, sums.
dist:
	@scripts/dist.sh

# The same, twice in two folders, and compared: takes some minutes.
dist-check:
	@scripts/dist-check.sh

test:
	@scripts/prepare.sh
	@scripts/lint.sh
	@scripts/test.sh -race -tags lab -p 3 -- $(SLOW) ./...

test-unit:
	@scripts/test.sh -- ./...

# The lab alone. OPENCLAW=VERSION tries another OpenClaw than the pinned one: it says
# what is other in it, and the tests say what broke.
lab: export SEAWALL_LAB_OPENCLAW = $(OPENCLAW)
lab:
	@scripts/prepare.sh
	@if [ -n "$(OPENCLAW)" ]; then go run ./lab changes; fi
	@scripts/test.sh -tags lab -- $(LAB)

# gofmt, vet and staticcheck, over the lab's tests as well.
lint:
	@scripts/lint.sh

# Each fuzz target for FUZZTIME.
fuzz:
	@scripts/fuzz.sh $(FUZZTIME)

# The tables of bench/: the door, the audit and the rivals beside them.
bench:
	@go run ./bench

# Single weakenings of a hardened machine, and who notices: Seawall, Lynis,
# OpenClaw's own audit. Root; writes docs/mutations.md.
mutations:
	@go run ./lab/mutations -compare -docs

# Attacks of a hijacked model on a real OpenClaw, alone and behind Seawall, and what an
# ordinary operator has done: who is asked what. Root, 10 minutes.
attacks:
	@go test -tags lab,proof ./lab/wall -run '^(TestAttacks|TestJobs)$$' -count=1 -timeout 30m -v

# What a real Debian 12 with a real OpenClaw is after harden, and after its rollback:
# writes docs/harden-proof.md. Root, 10 minutes.
harden-proof:
	@SEAWALL_PROOF_TABLE=$(CURDIR)/docs/harden-proof.md go test -tags lab,proof ./lab/debian -run '^TestHardened$$' -count=1 -timeout 30m -v

# A replayed brute force from 3,000 addresses against a real sshd, for nothing, fail2ban
# alone and Seawall: the table of docs/firewall.md. Root, 20 minutes.
bruteforce:
	@SEAWALL_BRUTEFORCE=full go test -tags lab ./lab/packets -run '^TestBruteForce$$' -count=1 -timeout 60m -v | grep -A5 'addresses of'

# How well the detectors do on labelled data, which is not in this repository:
# DATA names its folder.
DATA ?= ../shared/data
detect:
	@go run ./bench/detect -data $(DATA)
	@go run ./bench/commands -data $(DATA)/commands.jsonl.gz

# What the guard decides on recorded calls of AgentDojo, of which DATA has two suites.
replay:
	@go run ./bench/replay -data $(DATA)/agentdojo

clean:
	rm -rf bin dist .cache
