package model

import (
	"bytes"
	"encoding/json"
)

// obj is a JSON object with its members in the order given: name, value, name,
// value.
func obj(members ...any) json.RawMessage {
	b := []byte{'{'}
	for i := 0; i < len(members); i += 2 {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, encode(members[i])...)
		b = append(b, ':')
		b = append(b, encode(members[i+1])...)
	}
	return append(b, '}')
}

// list is a JSON array, [] when empty.
func list(items ...json.RawMessage) json.RawMessage {
	if len(items) == 0 {
		return json.RawMessage("[]")
	}
	return encode(items)
}

// encode writes < and & as they are, as the services do.
func encode(v any) json.RawMessage {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic("scripted model: " + err.Error()) // a value of ours that is no JSON
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}

// text reads a content that is a string, null, or a list of parts with text.
func text(content json.RawMessage) string {
	var s string
	if json.Unmarshal(content, &s) == nil {
		return s
	}
	var parts []struct {
		Text    string          `json:"text"`
		Content json.RawMessage `json:"content"`
	}
	_ = json.Unmarshal(content, &parts)
	for _, p := range parts {
		s += p.Text
	}
	return s
}

// isObject reports whether text is the JSON of an object.
func isObject(text string) bool {
	var fields map[string]json.RawMessage
	return json.Unmarshal([]byte(text), &fields) == nil && fields != nil
}
