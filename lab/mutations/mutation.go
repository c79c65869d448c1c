package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"golang.org/x/tools/txtar"

	"github.com/openseawall/seawall/internal/openclaw"
)

// Mutation is one weakening of a hardened machine, as data.
type Mutation struct {
	Name    string `yaml:"name"`
	What    string `yaml:"what"`
	Base    string `yaml:"base"`    // "" is the machine without Docker, "container" the one with it
	Control string `yaml:"control"` // which has to speak
	// Source is a published incident, a CVE or a check of somebody else's, where
	// the weakening comes from one.
	Source string `yaml:"source"`
	// Bench is the check of docker-bench-security that asks for the same.
	Bench string `yaml:"bench"`

	SSHD      map[string]string            `yaml:"sshd"`      // keyword to value
	Sysctl    map[string]string            `yaml:"sysctl"`    // key to value
	Config    map[string]any               `yaml:"config"`    // path in openclaw.json to value; null takes it out
	Chmod     map[string]string            `yaml:"chmod"`     // path to octal mode
	Write     map[string]string            `yaml:"write"`     // path to text
	Append    map[string]string            `yaml:"append"`    // path to text
	Remove    []string                     `yaml:"remove"`    // paths
	Replace   map[string][2]string         `yaml:"replace"`   // path to old and new text
	Container map[string]any               `yaml:"container"` // path in docker inspect to value
	Daemon    map[string]any               `yaml:"daemon"`    // path in daemon.json to value
	Info      map[string]any               `yaml:"info"`      // path in docker info to value
	Unit      map[string]map[string]string `yaml:"unit"`      // systemd unit to its properties
	Process   map[string]any               `yaml:"process"`
	Socket    map[string]any               `yaml:"socket"`
	Install   []string                     `yaml:"install"`
	Purge     []string                     `yaml:"purge"`
	Apt       map[string]string            `yaml:"apt"`    // key to value; "" takes it out
	Answer    map[string]string            `yaml:"answer"` // a command to what it says
	NFT       *ruleset                     `yaml:"nft"`
}

// ruleset is what is done to the live rules.
type ruleset struct {
	Policy map[string]string `yaml:"policy"` // chain to policy
	Flush  []string          `yaml:"flush"`  // chains
	Delete []string          `yaml:"delete"` // rules that hold this text
}

//go:embed mutations.yaml
var list []byte

// Mutations reads the list.
func Mutations() ([]Mutation, error) {
	d := yaml.NewDecoder(bytes.NewReader(list))
	d.KnownFields(true)
	var all []Mutation
	if err := d.Decode(&all); err != nil {
		return nil, fmt.Errorf("mutations.yaml: %w", err)
	}
	return all, nil
}

// hardened are the recorded machines on which nothing is wrong.
const hardened = "internal/posture/controls/testdata"

// machine is a recorded machine that is being changed: its sections by what they
// answer, which is their name without attributes.
type machine struct {
	sections map[string]*txtar.File
	overlay  []*txtar.File
	config   string // path of openclaw.json
}

// base reads one of the hardened machines; root is the repository's.
func base(root, name string) ([]byte, error) {
	if name != "" {
		name = "-" + name
	}
	return os.ReadFile(filepath.Join(root, hardened, "base"+name+".txtar"))
}

// Overlay is what a mutation changes in a recorded machine, as its own sections.
func (m Mutation) Overlay(recorded []byte) (_ []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("mutation %s: %v", m.Name, p)
		}
	}()
	w := newMachine(recorded)
	m.apply(w)
	return w.text(), nil
}

func newMachine(recorded []byte) *machine {
	w := &machine{sections: map[string]*txtar.File{}}
	for _, f := range txtar.Parse(recorded).Files {
		w.sections[asked(f.Name)] = &f
		if strings.HasSuffix(asked(f.Name), "/openclaw.json") {
			w.config = strings.TrimPrefix(asked(f.Name), "file ")
		}
	}
	return w
}

// text is what was changed, as an overlay.
func (w *machine) text() []byte {
	var a txtar.Archive
	for _, f := range w.overlay {
		a.Files = append(a.Files, *f)
	}
	return txtar.Format(&a)
}

// attribute matches the attributes of a section's name.
var attribute = regexp.MustCompile(` (mode|owner|size|mtime)=(".*?"|\S+)`)

func asked(name string) string { return attribute.ReplaceAllString(name, "") }

// edit returns a section to change; it panics where nobody recorded it.
func (w *machine) edit(question string) *txtar.File {
	for _, f := range w.overlay {
		if asked(f.Name) == question {
			return f
		}
	}
	f, ok := w.sections[question]
	if !ok {
		panic("nobody recorded " + question)
	}
	c := *f
	c.Data = bytes.Clone(f.Data)
	w.overlay = append(w.overlay, &c)
	return &c
}

func (w *machine) add(name, text string) {
	w.overlay = append(w.overlay, &txtar.File{Name: name, Data: []byte(ended(text))})
}

func ended(text string) string {
	if text != "" && !strings.HasSuffix(text, "\n") {
		return text + "\n"
	}
	return text
}

const (
	showUnits = "run systemctl show --all -p Id,LoadState,ActiveState,SubState,UnitFileState,FragmentPath,User,ExecStart,TimersCalendar,TimersMonotonic,Unit,Triggers *.service *.timer *.socket"
	dpkgList  = `run dpkg-query -W -f "${db:Status-Abbrev}\\t${Package}\\t${Version}\\n"`
)

func (m Mutation) apply(w *machine) {
	for _, q := range []string{"run sshd -T", "run sshd -T -C user=root,host=stranger.invalid,addr=203.0.113.1"} {
		for _, key := range sorted(m.SSHD) {
			f := w.edit(q)
			text := regexp.MustCompile(`(?m)^`+key+` .*\n`).ReplaceAllString(string(f.Data), "")
			if m.SSHD[key] != "" {
				text += key + " " + m.SSHD[key] + "\n"
			}
			f.Data = []byte(text)
		}
	}
	for _, key := range sorted(m.Sysctl) {
		w.add("file /proc/sys/"+strings.ReplaceAll(key, ".", "/")+" mode=0644 owner=0:0", m.Sysctl[key])
	}
	w.json("file "+w.config, m.Config)
	if m.Container != nil {
		for q := range w.sections {
			if strings.HasPrefix(q, "docker /containers/") && strings.HasSuffix(q, "/json") {
				w.json(q, m.Container)
			}
		}
	}
	w.json("file /etc/docker/daemon.json", m.Daemon)
	w.json("docker /info", m.Info)
	for _, p := range sorted(m.Write) {
		w.add("file "+p+" mode=0644 owner=0:0", m.Write[p])
	}
	for _, p := range sorted(m.Append) {
		f := w.edit("file " + p)
		f.Data = []byte(string(f.Data) + ended(m.Append[p]))
	}
	for _, p := range sorted(m.Replace) {
		f := w.edit("file " + p)
		if !bytes.Contains(f.Data, []byte(m.Replace[p][0])) {
			panic(p + " does not hold " + m.Replace[p][0])
		}
		f.Data = bytes.ReplaceAll(f.Data, []byte(m.Replace[p][0]), []byte(m.Replace[p][1]))
	}
	for _, p := range sorted(m.Chmod) {
		w.chmod(p, m.Chmod[p])
	}
	for _, p := range m.Remove {
		w.add("absent file "+p, "")
	}
	for _, name := range sorted(m.Unit) {
		w.unit(name, m.Unit[name])
	}
	w.element("run seawall:processes", m.Process)
	w.element("run seawall:sockets", m.Socket)
	if len(m.Install)+len(m.Purge) > 0 {
		f := w.edit(dpkgList)
		for _, p := range m.Install {
			f.Data = append(f.Data, "ii \t"+p+"\t1.0\n"...)
		}
		for _, p := range m.Purge {
			f.Data = regexp.MustCompile(`(?m)^ii \t`+p+`\t.*\n`).ReplaceAll(f.Data, nil)
		}
	}
	for _, key := range sorted(m.Apt) {
		f := w.edit("run apt-config dump")
		f.Data = regexp.MustCompile(`(?m)^`+regexp.QuoteMeta(key)+` .*\n`).ReplaceAll(f.Data, nil)
		if v := m.Apt[key]; v != "" {
			f.Data = append(f.Data, key+" \""+v+"\";\n"...)
		}
	}
	for _, q := range sorted(m.Answer) {
		w.add(q, m.Answer[q])
	}
	if m.NFT != nil {
		m.NFT.apply(w)
	}
}

// chmod gives a recorded path another mode, which keeps its kind and owner.
func (w *machine) chmod(p, mode string) {
	for _, kind := range []string{"file ", "dir ", "stat "} {
		if _, ok := w.sections[kind+p]; ok {
			f := w.edit(kind + p)
			f.Name = regexp.MustCompile(` mode=([a-z]?)\d+`).ReplaceAllString(f.Name, " mode=${1}"+mode)
			return
		}
	}
	w.add("dir "+p+" mode="+mode+" owner=0:0", "")
}

// json changes a JSON section at some paths.
func (w *machine) json(question string, values map[string]any) {
	if len(values) == 0 {
		return
	}
	f := w.edit(question)
	var whole map[string]any
	if err := json.Unmarshal(f.Data, &whole); err != nil {
		panic(question + ": " + err.Error())
	}
	for _, p := range sorted(values) {
		put(whole, openclaw.SplitPath(p), values[p])
	}
	text, err := json.MarshalIndent(whole, "", " ")
	if err != nil {
		panic(err)
	}
	f.Data = append(text, '\n')
}

func put(m map[string]any, keys []string, v any) {
	for _, k := range keys[:len(keys)-1] {
		next, ok := m[k].(map[string]any)
		if !ok {
			next = map[string]any{}
			m[k] = next
		}
		m = next
	}
	if last := keys[len(keys)-1]; v == nil {
		delete(m, last)
	} else {
		m[last] = v
	}
}

// element adds one element to a recorded list.
func (w *machine) element(question string, e map[string]any) {
	if len(e) == 0 {
		return
	}
	f := w.edit(question)
	var all []map[string]any
	if err := json.Unmarshal(f.Data, &all); err != nil {
		panic(question + ": " + err.Error())
	}
	n := maps.Clone(all[len(all)-1])
	maps.Copy(n, e)
	text, err := json.Marshal(append(all, n))
	if err != nil {
		panic(err)
	}
	f.Data = append(text, '\n')
}

// unit gives a systemd unit other properties, or makes one.
func (w *machine) unit(name string, properties map[string]string) {
	f := w.edit(showUnits)
	block := regexp.MustCompile(`(?s)Id=` + regexp.QuoteMeta(name) + `\n.*?(\n\n|$)`)
	text := string(f.Data)
	was := block.FindString(text)
	is := was
	if was == "" {
		is = "Id=" + name + "\nLoadState=loaded\nActiveState=active\nSubState=running\nUnitFileState=enabled\nFragmentPath=/etc/systemd/system/" + name + "\nUser=\nExecStart=\n\n"
	}
	for _, p := range sorted(properties) {
		is = regexp.MustCompile(`(?m)^`+p+`=.*$`).ReplaceAllLiteralString(is, p+"="+properties[p])
	}
	if was == "" {
		text = strings.TrimRight(text, "\n") + "\n\n\n" + is
	} else {
		text = strings.Replace(text, was, is, 1)
	}
	f.Data = []byte(ended(text))
}

// apply changes the rules in both of nft's forms.
func (r ruleset) apply(w *machine) {
	f, g := w.edit("run nft -j list ruleset"), w.edit("run nft -a list ruleset")
	var whole struct {
		NFTables []map[string]map[string]any `json:"nftables"`
	}
	if err := json.Unmarshal(f.Data, &whole); err != nil {
		panic(err)
	}
	text := string(g.Data)
	handles := map[string]bool{}
	for line := range strings.Lines(text) {
		body, handle, ok := strings.Cut(strings.TrimSpace(line), " # handle ")
		if ok && !strings.HasSuffix(body, "{") && slices.ContainsFunc(r.Delete, func(d string) bool { return strings.Contains(body, d) }) {
			handles[handle] = true
			text = strings.Replace(text, line, "", 1)
		}
	}
	whole.NFTables = slices.DeleteFunc(whole.NFTables, func(o map[string]map[string]any) bool {
		rule := o["rule"]
		return rule != nil && (handles[fmt.Sprint(rule["handle"])] || slices.Contains(r.Flush, fmt.Sprint(rule["chain"])))
	})
	for _, chain := range r.Flush {
		text = regexp.MustCompile(`(?ms)(^\tchain `+chain+` \{.*?\n\t\ttype [^\n]*\n).*?(^\t\})`).ReplaceAllString(text, "$1$2")
	}
	for chain, policy := range r.Policy {
		for _, o := range whole.NFTables {
			if c := o["chain"]; c != nil && c["name"] == chain && c["policy"] != nil {
				c["policy"] = policy
			}
		}
		text = regexp.MustCompile(`(chain `+chain+` \{ # handle \d+\n\t\ttype [^;]*; policy )\w+;`).ReplaceAllString(text, "${1}"+policy+";")
	}
	b, err := json.Marshal(whole)
	if err != nil {
		panic(err)
	}
	f.Data, g.Data = append(b, '\n'), []byte(text)
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
