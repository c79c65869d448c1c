package change

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/openseawall/seawall/internal/host"
	"github.com/openseawall/seawall/internal/openclaw"
)

// A value of a JSON file, or of an OpenClaw config (JSON5), is set in place: the
// text around it stays.

func (e JSON) wish(d *draft, c Change) error {
	s, err := d.file(e.Path, c)
	if err != nil {
		return err
	}
	if err := s.claim(openclaw.JoinPath(e.Key), fmt.Sprint(e.Value, e.Unset)); err != nil {
		return err
	}
	text := s.After.Content
	if len(bytes.TrimSpace(text)) == 0 {
		if e.Unset {
			return nil
		}
		text = []byte("{\n}\n")
	}
	if !jsontext.Value(text).IsValid() {
		return fmt.Errorf("%s is no valid JSON: mend it first", e.Path)
	}
	config, err := openclaw.ParseConfig(text)
	if err != nil {
		return fmt.Errorf("%s: %w", e.Path, err)
	}
	next, err := config.Edit(openclaw.Edit{Path: e.Key, Set: e.Value, Delete: e.Unset})
	if err != nil {
		return fmt.Errorf("%s: %w", e.Path, err)
	}
	if !jsontext.Value(next).IsValid() {
		return fmt.Errorf("%s: the changed text would be no valid JSON; please report it", e.Path)
	}
	d.content(s, next, c)
	return nil
}

func (e OpenClaw) wish(d *draft, c Change) error {
	config, err := openclaw.LoadConfig(d.ctx, overlay{Host: host.Live(), d: d}, e.Config)
	if errors.Is(err, host.ErrAbsent) {
		return fmt.Errorf("there is no config %s", e.Config)
	}
	if err != nil {
		return err
	}
	files, _, err := config.EditFiles(openclaw.Edit{Path: e.Path, Set: e.Value, Delete: e.Unset})
	if err != nil {
		return err
	}
	for name, text := range files {
		if name == "" {
			name = e.Config
		}
		s, err := d.file(path.Clean(name), c)
		if err != nil {
			return err
		}
		if err := s.claim(openclaw.JoinPath(e.Path), fmt.Sprint(e.Value, e.Unset)); err != nil {
			return err
		}
		s.Config = e.Config
		d.content(s, text, c)
	}
	return nil
}

// overlay is the machine as the draft would leave it, as far as its files.
type overlay struct {
	host.Host
	d *draft
}

func (o overlay) ReadFile(_ context.Context, name string) ([]byte, error) {
	s, err := o.d.step(KindFile, path.Clean(name))
	if err != nil {
		return nil, err
	}
	if !s.After.There {
		return nil, fmt.Errorf("reading %s: %w", name, host.ErrAbsent)
	}
	return s.After.Content, nil
}

func (o overlay) Stat(ctx context.Context, name string) (host.FileInfo, error) {
	info, err := o.Host.Stat(ctx, filepath.Join(o.d.m.Root, name))
	info.Path = name
	return info, err
}
