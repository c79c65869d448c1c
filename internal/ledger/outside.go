package ledger

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/journal"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/openseawall/seawall/internal/state"
)

// A checkpoint that left the machine is what a record that was rewritten or
// replaced as a whole cannot answer to. Besides journald they go where the
// operator says: a file or a URL that only appends.
const (
	outsideFile = "checkpoints.json"
	failingFile = "checkpoints.failing" // why the last one did not leave; gone when it did
	sendEvery   = 10_000                // rows, or a minute, whichever comes first
	sendTimeout = 10 * time.Second
	maxOutside  = 64 << 20 // bytes of checkpoints that are read
)

// Outside is where checkpoints go besides journald; both may be empty.
type Outside struct {
	File string `json:"file,omitempty"` // absolute; each is appended to it
	URL  string `json:"url,omitempty"`  // http or https; each is sent to it by POST
}

// ParseOutside reads a place as a person names it.
func ParseOutside(place string) (Outside, error) {
	if u, err := url.Parse(place); err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" {
		return Outside{URL: place}, nil
	}
	if !filepath.IsAbs(place) {
		return Outside{}, fmt.Errorf("%q is neither a URL nor the whole path of a file (/mnt/…)", place)
	}
	return Outside{File: filepath.Clean(place)}, nil
}

// Failing says why checkpoints do not leave the machine, as the doors last tried,
// and since when; "" when they do.
func Failing(dir *state.Dir) (why string, since time.Time) {
	content, err := dir.Read(failingFile)
	if err != nil {
		return "", since
	}
	if info, err := os.Lstat(dir.Path(failingFile)); err == nil {
		since = info.ModTime()
	}
	return string(content), since
}

// String names the place, "" when there is none.
func (o Outside) String() string { return o.File + o.URL }

// LoadOutside reads where checkpoints go.
func LoadOutside(dir *state.Dir) (o Outside, err error) {
	_, err = dir.Load(outsideFile, &o, "run `seawall log checkpoint --to PLACE` again")
	return o, err
}

// SaveOutside sets where checkpoints go; a running Seawall follows within a
// minute.
func SaveOutside(dir *state.Dir, o Outside) error {
	content, err := json.Marshal(o)
	if err != nil {
		return err
	}
	return dir.Write(outsideFile, append(content, '\n'))
}

// Send sends one checkpoint there.
func (o Outside) Send(ctx context.Context, checkpoint []byte) error {
	if o.File != "" {
		if err := appendTo(o.File, checkpoint); err != nil {
			return fmt.Errorf("a checkpoint could not be appended to %s: %w", o.File, cause(err))
		}
	}
	if o.URL != "" {
		if err := post(ctx, o.URL, checkpoint); err != nil {
			return fmt.Errorf("a checkpoint could not be sent to %s: %w", host(o.URL), err)
		}
	}
	return nil
}

// HandOver makes the file another user's, and makes it where it is not there.
// Only root can. Where the folder is that user's already there is nothing to
// do, and no name in it that root would trust.
func (o Outside) HandOver(uid int) error {
	err := handOver(o.File, uid)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // which Send says
	}
	if err != nil {
		return fmt.Errorf("giving %s to the account that the doors run as: %w", o.File, cause(err))
	}
	return nil
}

func handOver(path string, uid int) error {
	folder, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer folder.Close()
	if info, err := folder.Stat("."); err != nil || owner(info) == uid {
		return err
	}
	f, err := state.OpenPlain(folder, filepath.Base(path), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil || owner(info) == uid:
		return err
	case info.Sys().(*syscall.Stat_t).Nlink > 1:
		return errors.New("it has a second name: name another")
	}
	return f.Chown(uid, -1)
}

func owner(info os.FileInfo) int { return int(info.Sys().(*syscall.Stat_t).Uid) }

// appendTo appends a checkpoint and an empty line. The file is opened for
// nothing else, so that chattr +a or a mount that only appends may hold it.
func appendTo(path string, checkpoint []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(bytes.Clone(checkpoint), '\n'))
	return errors.Join(err, f.Sync(), f.Close())
}

func post(ctx context.Context, to string, checkpoint []byte) error {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(checkpoint))
	if err != nil {
		return errors.New("it is no URL")
	}
	r.Header.Set("Content-Type", "text/plain; charset=utf-8")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		var of *url.Error
		if errors.As(err, &of) {
			err = of.Err // without the URL, in which a token may stand
		}
		return err
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<16))
	if res.StatusCode >= 300 {
		return fmt.Errorf("it answered %s", res.Status)
	}
	return nil
}

// host is what of a URL may be said.
func host(s string) string {
	if u, err := url.Parse(s); err == nil {
		return u.Scheme + "://" + u.Host
	}
	return "the URL"
}

func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// publisher sends checkpoints out, never on the way of a row to the disk.
type publisher struct {
	dir     *state.Dir
	queue   chan []byte // at most one; a newer one takes its place
	done    chan struct{}
	mu      sync.Mutex
	sent    []byte   // the last that was queued
	rows    int64    // of it
	trouble string   // why the last one did not go out
	older   string   // the record is, than a checkpoint that had left
	news    []string // for the record
}

// Publish sends checkpoints to journald and to the operator's place, until
// Close: a minute or ten thousand rows after the last one, and at the end. What
// goes wrong stands in the record and in Trouble. It also looks whether the
// record has gone back behind a checkpoint that had left.
func (l *Ledger) Publish(dir *state.Dir) {
	p := &publisher{dir: dir, queue: make(chan []byte, 1), done: make(chan struct{})}
	p.trouble, _ = Failing(dir)
	if o, err := LoadOutside(dir); err != nil {
		p.failed(err)
	} else {
		p.compare(o, l.verifier, l.opened)
	}
	for _, row := range l.lookAtDisk() {
		p.news = append(p.news, row.Why)
	}
	go p.run()
	l.publisher.Store(p)
}

// compare looks for checkpoints in the operator's place that tell of more than
// the record does.
func (p *publisher) compare(o Outside, verifier note.Verifier, have tlog.Tree) {
	outside, err := o.read()
	if err != nil {
		p.failed(err)
		return
	}
	if older := behind(o.File, outside, verifier, have); older != "" {
		p.lag(older)
	}
}

// due reports whether a checkpoint of so many rows should leave.
func (p *publisher) due(rows int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return rows-p.rows >= sendEvery
}

// send queues a checkpoint that was not sent yet.
func (p *publisher) send(checkpoint []byte, rows int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if checkpoint == nil || bytes.Equal(checkpoint, p.sent) && p.trouble == "" {
		return
	}
	p.sent, p.rows = checkpoint, rows
	select {
	case <-p.queue:
	default:
	}
	p.queue <- checkpoint
}

func (p *publisher) run() {
	defer close(p.done)
	for checkpoint := range p.queue {
		if journal.Enabled() {
			_ = journal.Send(string(checkpoint), journal.PriInfo, map[string]string{"SYSLOG_IDENTIFIER": "seawall", "SEAWALL_CHECKPOINT": "1"})
		}
		o, err := LoadOutside(p.dir)
		if err == nil {
			err = o.Send(context.Background(), checkpoint)
		}
		p.failed(err)
	}
}

// failed remembers why a checkpoint did not go out, or that it did (nil).
func (p *publisher) failed(err error) {
	now := ""
	if err != nil {
		now = err.Error()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if now != p.trouble {
		p.trouble = now
		if now == "" {
			_ = p.dir.Remove(failingFile)
			now = "checkpoints leave the machine again"
		} else {
			_ = p.dir.Write(failingFile, []byte(now)) // on a full disk the record says it
		}
		p.news = append(p.news, now)
	}
}

// lag remembers that a checkpoint which had left tells of more than there is.
func (p *publisher) lag(what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.older, p.news = what, append(p.news, what)
}

// problems is what an operator should know of, as it is now.
func (p *publisher) problems() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return []string{p.older, p.trouble}
}

// take returns what is to be told in the record.
func (p *publisher) take() []Row {
	p.mu.Lock()
	defer p.mu.Unlock()
	var rows []Row
	for _, what := range p.news {
		rows = append(rows, bounded(Row{Kind: Event, Why: what}))
	}
	p.news = nil
	return rows
}

func (p *publisher) close() {
	close(p.queue)
	<-p.done
}
