package effect

import "strings"

// option is one flag of a command and its value, if it takes one.
type option struct {
	name  string // with its dashes
	value word
	has   bool
}

// grammar says how a program reads its flags.
type grammar struct {
	short string   // letters that take a value
	long  []string // long flags that take a value as the next argument
	stop  bool     // flags end at the first operand
}

// parse splits arguments into flags and operands.
func (g grammar) parse(args []word) (opts []option, rest []word) {
	for i := 0; i < len(args); i++ {
		t := args[i].text
		switch {
		case t == "--":
			return opts, append(rest, args[i+1:]...)
		case len(t) < 2 || t[0] != '-':
			if g.stop {
				return opts, args[i:]
			}
			rest = append(rest, args[i])
		case strings.HasPrefix(t, "--"):
			opts, i = g.longFlag(opts, args, i)
		default:
			opts, i = g.cluster(opts, args, i)
		}
	}
	return opts, rest
}

func (g grammar) longFlag(opts []option, args []word, i int) ([]option, int) {
	name, value, has := strings.Cut(args[i].text, "=")
	o := option{name: name, has: has}
	if has {
		o.value = args[i]
		o.value.text = value
		return append(opts, o), i
	}
	for _, l := range g.long {
		if l == name && i+1 < len(args) {
			o.value, o.has = args[i+1], true
			i++
			break
		}
	}
	return append(opts, o), i
}

// cluster reads -abc, -ofile and -o file.
func (g grammar) cluster(opts []option, args []word, i int) ([]option, int) {
	t := args[i].text
	for j := 1; j < len(t); j++ {
		o := option{name: "-" + t[j:j+1]}
		if strings.IndexByte(g.short, t[j]) < 0 {
			opts = append(opts, o)
			continue
		}
		if j+1 < len(t) {
			o.value, o.has = args[i], true
			o.value.text = t[j+1:]
		} else if i+1 < len(args) {
			o.value, o.has = args[i+1], true
			i++
		}
		return append(opts, o), i
	}
	return opts, i
}

func has(opts []option, names ...string) bool {
	_, ok := find(opts, names...)
	return ok
}

func find(opts []option, names ...string) (option, bool) {
	for _, o := range opts {
		for _, n := range names {
			if o.name == n {
				return o, true
			}
		}
	}
	return option{}, false
}

// first is the nth operand's text, or "".
func first(ws []word, n int) string {
	if n < len(ws) {
		return ws[n].text
	}
	return ""
}
