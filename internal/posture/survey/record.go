package survey

import (
	"encoding/json"
	"fmt"
	"os"
	"path"
	"strings"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/posture"
	"github.com/openseawall/seawall/internal/posture/texts"
)

// Save writes a recorded machine to a file that only its owner may read.
func Save(r *host.Recorder, path string) error {
	mask := &texts.Mask{}
	if err := os.WriteFile(path, r.Archive(mask.Text), 0o600); err != nil {
		return fmt.Errorf("writing the recorded machine: %w", err)
	}
	return nil
}

// discreet takes out of a recording what is nobody's business: keys in configs,
// the words of memories, logs and credentials, and scripts that were handed to
// a program as one argument.
func discreet(r *host.Recorder, f *posture.Facts) {
	mask := &texts.Mask{}
	for _, in := range f.OpenClaw.Value {
		r.Rewrite(mask.Config, "file", in.ConfigPath)
		for _, file := range in.Files {
			rewrite := mask.Private
			switch file.Kind {
			case "config":
				rewrite = mask.Config
			case "config-backup":
				rewrite = mask.OldConfig
			case "env": // its values are gone already
				continue
			}
			r.Rewrite(rewrite, "file", path.Clean(file.Path))
		}
	}
	r.Rewrite(func(answer string) string { return arguments(mask, answer) }, "run", "seawall:processes")
}

// longArgument is more than an option or a path has.
const longArgument = 300

// arguments leaves of long arguments, and of those with several lines, only the
// marks of their secrets.
func arguments(mask *texts.Mask, answer string) string {
	var processes []host.Process
	if json.Unmarshal([]byte(answer), &processes) != nil {
		return answer
	}
	for _, p := range processes {
		for i, arg := range p.Args {
			if i > 0 && (len(arg) > longArgument || strings.Contains(arg, "\n")) {
				p.Args[i] = strings.TrimSpace("(long) " + strings.TrimSpace(mask.Private(arg)))
			}
		}
	}
	out, err := json.Marshal(processes)
	if err != nil {
		return answer
	}
	return string(out)
}
