package wire

import (
	"cmp"
	"slices"
	"strconv"
)

// edits are changes to a JSON text at the places where its values stand; what
// no edit touches is copied as it is.
type edits []edit

type edit struct {
	at, end int32
	with    []byte
}

// replace puts raw JSON where v stands, whatever was to stand there before.
func (e *edits) replace(v value, raw []byte) {
	n := v.node()
	for i, x := range *e {
		if x.at == n.start && x.end == n.end {
			(*e)[i].with = raw
			return
		}
	}
	*e = append(*e, edit{n.start, n.end, raw})
}

// text puts a string where v stands.
func (e *edits) text(v value, s string) { e.replace(v, quote(nil, s)) }

// number puts an integer where v stands, unless it stands there already.
func (e *edits) number(v value, n int) {
	if old, ok := v.number(); ok && old == float64(n) {
		return
	}
	e.replace(v, quoteInt(n))
}

// add puts a member at the beginning of an object.
func (e *edits) add(object value, name string, raw []byte) {
	b := append(quote(nil, name), ':')
	b = append(b, raw...)
	n := object.node()
	if n.first != 0 {
		b = append(b, ',')
	}
	*e = append(*e, edit{n.start + 1, n.start + 1, b})
}

// push puts an element at the end of an array.
func (e *edits) push(array value, raw []byte) {
	n := array.node()
	if n.first != 0 {
		raw = append([]byte{','}, raw...)
	}
	*e = append(*e, edit{n.end - 1, n.end - 1, raw})
}

// set puts a member of an object, there or not.
func (e *edits) set(object value, name string, raw []byte) {
	if v := object.get(name); v.ok() {
		e.replace(v, raw)
		return
	}
	e.add(object, name, raw)
}

// drop takes members or elements out of an object or array, and their commas;
// it is called once for each.
func (e *edits) drop(container value, gone func(value) bool) {
	kept := false
	for v := container.first(); v.ok(); v = v.next() {
		if !gone(v) {
			kept = true
			continue
		}
		n := v.node()
		at, end := n.start, n.end
		if n.nameEnd != 0 {
			at = n.name
		}
		switch {
		case kept:
			at = v.t.nodes[n.prev].end
		case n.next != 0:
			after := &v.t.nodes[n.next]
			end = after.start
			if after.nameEnd != 0 {
				end = after.name
			}
		}
		*e = append(*e, edit{at, end, nil})
	}
}

// apply appends src with all edits made. Of edits that overlap the first
// counts.
func (e edits) apply(dst, src []byte) []byte {
	slices.SortStableFunc(e, func(a, b edit) int { return cmp.Compare(a.at, b.at) })
	pos := int32(0)
	for _, x := range e {
		if x.at < pos {
			continue
		}
		dst = append(dst, src[pos:x.at]...)
		dst = append(dst, x.with...)
		pos = x.end
	}
	return append(dst, src[pos:]...)
}

// splice gives a value with edits made inside it.
func (v value) splice(e edits) []byte {
	n := v.node()
	for i := range e {
		e[i].at -= n.start
		e[i].end -= n.start
	}
	return e.apply(nil, v.raw())
}

// appendMembers appends the members of an object but some, each with a comma
// before it.
func appendMembers(dst []byte, object value, but ...string) []byte {
	if object.kind() != '{' {
		return dst
	}
	for m := object.first(); m.ok(); m = m.next() {
		if name := string(m.key()); !slices.Contains(but, name) {
			dst = quote(append(dst, ','), name)
			dst = append(append(dst, ':'), m.raw()...)
		}
	}
	return dst
}

func quoteInt(n int) []byte { return strconv.AppendInt(nil, int64(n), 10) }

func parseFloat(raw []byte) (float64, bool) {
	f, err := strconv.ParseFloat(string(raw), 64)
	return f, err == nil
}
