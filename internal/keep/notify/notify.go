// Package notify sends short messages to the operator, where and only where he
// said.
//
//	URL ──Add──▶ notify.json ──Send──▶ ntfy, Telegram, e-mail, … (shoutrrr's services)
//
// An address holds a token, so it is kept like a key and never printed: a
// destination is named by its number and its service. What is sent must hold no
// secret of the machine; whoever writes a message sees to that, and Send takes
// out what looks like one.
package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/nicholas-fedor/shoutrrr"
	"github.com/nicholas-fedor/shoutrrr/pkg/types"

	"github.com/openseawall/seawall/internal/detect"
	"github.com/openseawall/seawall/internal/plain"
	"github.com/openseawall/seawall/internal/state"
)

const (
	most    = 16 // destinations
	longest = 4096
	// patience is how long one destination may take.
	patience = 15 * time.Second
)

// kept is what the file holds.
type kept struct {
	Destinations []Destination `json:"destinations"`
	// Pulse is asked for after each audit, so that whoever waits for it (a
	// dead man's switch) misses it when the machine is down.
	Pulse string `json:"pulse,omitempty"`
}

// Destination is where messages go.
type Destination struct {
	Number int       `json:"number"`
	URL    string    `json:"url"`
	Added  time.Time `json:"added"`
}

// Service names the kind of a destination: "ntfy", "telegram", "smtp".
func (d Destination) Service() string { return service(d.URL) }

func service(address string) string {
	scheme, _, _ := strings.Cut(address, ":")
	return plain.Line(strings.ToLower(scheme))
}

// Message is one message. Title is one line; Text may have several, and may be
// empty.
type Message struct{ Title, Text string }

// Failure says that a destination did not take a message. It names no address.
type Failure struct {
	Destination Destination
	Err         error
}

func (f Failure) Error() string {
	return fmt.Sprintf("destination %d (%s) did not take the message: %v", f.Destination.Number, f.Destination.Service(), f.Err)
}

// Add keeps a destination. The address is one of shoutrrr's
// (https://shoutrrr.nickfedor.com/): ntfy://ntfy.sh/TOPIC, telegram://TOKEN@telegram?chats=…,
// smtp://USER:PASSWORD@HOST:587/?from=…&to=….
func Add(dir *state.Dir, address string, now time.Time) (Destination, error) {
	d := Destination{Number: 1, URL: strings.TrimSpace(address), Added: now}
	if len(d.URL) > longest {
		return d, fmt.Errorf("the address is longer than %d bytes", longest)
	}
	if _, err := shoutrrr.CreateSender(d.URL); err != nil {
		return d, fmt.Errorf("this address of the service %q is not one that messages can be sent to: %s. The services and the form of each: https://shoutrrr.nickfedor.com/", d.Service(), discreet(err, d.URL))
	}
	return d, change(dir, func(k *kept) error {
		for _, old := range k.Destinations {
			if old.URL == d.URL {
				return fmt.Errorf("messages go there already, as destination %d", old.Number)
			}
			d.Number = max(d.Number, old.Number+1)
		}
		if len(k.Destinations) == most {
			return fmt.Errorf("there are %d destinations, which is the most: take one out first, with `seawall notify remove NUMBER`", most)
		}
		k.Destinations = append(k.Destinations, d)
		return nil
	})
}

// Remove takes a destination out.
func Remove(dir *state.Dir, number int) error {
	return change(dir, func(k *kept) error {
		for i, d := range k.Destinations {
			if d.Number == number {
				k.Destinations = append(k.Destinations[:i], k.Destinations[i+1:]...)
				return nil
			}
		}
		return fmt.Errorf("there is no destination %d: `seawall notify list` shows them", number)
	})
}

// SetPulse keeps the address that is asked for after each audit; "" ends it.
func SetPulse(dir *state.Dir, address string) error {
	if u, err := url.Parse(address); address != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
		return errors.New("this is no address that can be asked for: it begins with https:// (or http://) and a host")
	}
	return change(dir, func(k *kept) error { k.Pulse = address; return nil })
}

// List returns the destinations, and whether a pulse is sent.
func List(dir *state.Dir) (list []Destination, pulse bool, err error) {
	k, err := load(dir)
	return k.Destinations, k.Pulse != "", err
}

// Send sends a message to every destination. It returns how many took it and,
// joined, a [Failure] for each that did not.
func Send(ctx context.Context, dir *state.Dir, m Message) (taken int, err error) {
	k, err := load(dir)
	if err != nil {
		return 0, err
	}
	for _, d := range k.Destinations {
		if e := d.send(ctx, m); e != nil {
			err = errors.Join(err, Failure{d, e})
			continue
		}
		taken++
	}
	return taken, err
}

// send hands a message to the service. shoutrrr knows no context, so what takes
// too long is left behind, and ends by the service's own time limit.
func (d Destination) send(ctx context.Context, m Message) error {
	sender, err := shoutrrr.CreateSender(d.URL)
	if err != nil {
		return errors.New(discreet(err, d.URL))
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	sent := make(chan error, 1)
	go func() {
		params := types.Params{}
		params.SetTitle(plain.Line(tidy(m.Title)))
		text := tidy(m.Text)
		if text == "" {
			text = tidy(m.Title)
		}
		sent <- errors.Join(sender.Send(text, &params)...)
	}()
	select {
	case err := <-sent:
		if err != nil {
			return errors.New(discreet(err, d.URL))
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("no answer within %s", patience)
	}
}

// Beat asks for the pulse's address, where there is one.
func Beat(ctx context.Context, dir *state.Dir) error {
	k, err := load(dir)
	if err != nil || k.Pulse == "" {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ask, err := http.NewRequestWithContext(ctx, http.MethodGet, k.Pulse, nil)
	if err == nil {
		var answer *http.Response
		if answer, err = http.DefaultClient.Do(ask); err == nil {
			answer.Body.Close()
			if answer.StatusCode >= 400 {
				err = errors.New(answer.Status)
			}
		}
	}
	if err != nil {
		return fmt.Errorf("the address of the pulse did not answer: %s", discreet(err, k.Pulse))
	}
	return nil
}

// discreet is what an error says, without the address and its parts: services
// put both into their errors.
func discreet(err error, address string) string {
	said := tidy(err.Error())
	parts := []string{address}
	if u, e := url.Parse(address); e == nil {
		password, _ := u.User.Password()
		parts = append(parts, u.Redacted(), u.RequestURI(), password, u.User.Username(), u.Path)
		for _, values := range u.Query() {
			parts = append(parts, values...)
		}
		parts = append(parts, strings.Split(u.Path, "/")...)
	}
	for _, p := range parts {
		if len(p) > 3 {
			said = strings.ReplaceAll(said, p, "…")
		}
		if escaped := url.QueryEscape(p); len(p) > 3 && escaped != p {
			said = strings.ReplaceAll(said, escaped, "…")
		}
	}
	return said
}

// tidy is a text as it may be sent and printed: no control characters but line
// ends, no secrets, bounded.
func tidy(s string) string {
	if len(s) > longest {
		s = strings.ToValidUTF8(s[:longest], "") + " …"
	}
	s = plain.Text(s)
	return detect.Redact(s, detect.Secrets(s), detect.DefaultMark)
}

func load(dir *state.Dir) (k kept, err error) {
	content, err := dir.Read(state.Notify)
	if errors.Is(err, fs.ErrNotExist) {
		return k, nil
	}
	if err != nil {
		return k, err
	}
	return parse(dir, content)
}

func change(dir *state.Dir, f func(*kept) error) error {
	return dir.Change(state.Notify, func(old []byte) ([]byte, error) {
		k, err := parse(dir, old)
		if err != nil {
			return nil, err
		}
		if err := f(&k); err != nil {
			return nil, err
		}
		return json.MarshalIndent(k, "", "  ")
	})
}

func parse(dir *state.Dir, content []byte) (k kept, err error) {
	if len(content) == 0 {
		return k, nil
	}
	if json.Unmarshal(content, &k) != nil {
		return k, fmt.Errorf("%s is damaged, so nobody is told anything: delete it, and say again where messages go (seawall notify add)", dir.Path(state.Notify))
	}
	return k, nil
}
