package model

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

// FuzzDecoder: whatever is said to be encoded is read within its bound or is
// an error, and what was encoded comes back.
func FuzzDecoder(f *testing.F) {
	names := []string{"identity", "gzip", "deflate", "br", "zstd"}
	for i, name := range names {
		f.Add(uint8(i), encodings[name]("hello "+strings.Repeat("a", 300)))
		f.Add(uint8(i), []byte(name))
	}
	const bound = 1 << 20
	f.Fuzz(func(t *testing.T, which uint8, body []byte) {
		name := names[int(which)%len(names)]
		read := func(b []byte) ([]byte, error) {
			r, err := decoder(name, io.NopCloser(bytes.NewReader(b)))
			if err != nil {
				return nil, err
			}
			defer func() { _ = r.Close() }()
			return io.ReadAll(io.LimitReader(r, bound+1))
		}
		if content, err := read(body); err == nil && len(content) > bound+1 {
			t.Fatalf("%s: %d bytes", name, len(content))
		}
		if len(body) > 1<<16 {
			return
		}
		content, err := read(encodings[name](string(body)))
		if err != nil || !bytes.Equal(content, body) {
			t.Fatalf("%s: %q came back as %q, %v", name, body, content, err)
		}
	})
}
