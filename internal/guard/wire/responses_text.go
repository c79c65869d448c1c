package wire

import "strings"

// readTexts follows the texts of an event about an item.
func (r *responses) readTexts(e *event, it *item, root value) error {
	n, _ := root.get("content_index").number()
	switch kind := root.get("type").str(); kind {
	case "response.output_text.delta", "response.text.delta", "response.refusal.delta":
		return r.readText(e, it, n, root.get("delta"), false)
	case "response.output_text.done", "response.text.done":
		return r.readText(e, it, n, root.get("text"), true)
	case "response.refusal.done":
		return r.readText(e, it, n, root.get("refusal"), true)
	case "response.content_part.added", "response.content_part.done":
		return r.readPart(e, it, n, root.get("part"))
	case "response.output_item.added", "response.output_item.done":
		return r.readParts(e, it, root.get("item"))
	}
	return nil
}

// readParts follows the texts of an item that is stated as a whole.
func (r *responses) readParts(e *event, it *item, v value) error {
	n := 0.0
	for p := v.get("content").items(); p.ok(); p = p.next() {
		if err := r.readPart(e, it, n, p); err != nil {
			return err
		}
		n++
	}
	return nil
}

func (r *responses) readPart(e *event, it *item, n float64, p value) error {
	for _, name := range []string{"text", "refusal"} {
		if err := r.readText(e, it, n, p.get(name), true); err != nil {
			return err
		}
	}
	return nil
}

// readText follows more of a text, or a statement of the whole of it, in which
// only what was not streamed is new.
func (r *responses) readText(e *event, it *item, n float64, v value, whole bool) error {
	s := v.str()
	if s == "" || it.kind == "reasoning" || it.call != nil {
		return nil
	}
	t, at := it.text(n), 0
	if whole {
		rest, more := strings.CutPrefix(s, t.read.String())
		if !more || rest == "" {
			return nil
		}
		s, at = rest, t.read.Len()
	}
	switch {
	case t == r.last:
	case t.order == 0:
		r.texts++
		t.order = r.texts
		r.watch.part()
	default:
		return errTextOrder
	}
	r.last = t
	t.read.WriteString(s)
	return r.watch.read(e, v, s, at)
}
