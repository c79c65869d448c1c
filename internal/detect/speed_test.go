package detect

import (
	"strings"
	"testing"
)

// prose is 60 kB of what an agent's turn mostly is: sentences, JSON, code.
func prose() string {
	const page = `The gateway keeps its state in one folder. If you want to move it, stop the service first, copy the folder, and set the path in the config. ` +
		`{"type":"function","function":{"name":"read","description":"Read a file from the workspace. Use offset and limit for large files.","parameters":{"type":"object","properties":{"path":{"type":"string"},"limit":{"type":"number"}},"required":["path"]}}}` + "\n" +
		"func main() {\n\tif err := run(os.Args[1:]); err != nil {\n\t\tfmt.Fprintln(os.Stderr, err)\n\t\tos.Exit(1)\n\t}\n}\n" +
		"- Keep answers short. Prefer the tools you were given; ask before you delete anything. Die Sonne scheint über München.\n"
	return strings.Repeat(page, 60<<10/len(page)+1)[:60<<10]
}

func BenchmarkSecrets(b *testing.B) {
	text := prose()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		Secrets(text)
	}
}

func BenchmarkStream(b *testing.B) {
	text := prose()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		s := NewStream(nil, nil)
		for i := 0; i+20 < len(text); i += 20 {
			s.Write(text[i : i+20])
		}
		s.Close()
	}
}
