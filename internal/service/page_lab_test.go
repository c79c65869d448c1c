//go:build lab

package service_test

import (
	"context"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// browser is Debian's Chromium, and what its pages asked for and complained of.
type browser struct {
	ctx context.Context
	mu  sync.Mutex
	// asked are the addresses it fetched, said what it wrote to its console.
	asked, said []string
}

func browse(t *testing.T) *browser {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath("chromium"), chromedp.NoSandbox,
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-background-networking", true))
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	b := &browser{ctx: ctx}
	err := chromedp.Listen(ctx, func(event any) {
		b.mu.Lock()
		defer b.mu.Unlock()
		switch e := event.(type) {
		case *network.EventRequestWillBeSent:
			b.asked = append(b.asked, e.Request.URL)
		case *runtime.EventExceptionThrown:
			b.said = append(b.said, e.ExceptionDetails.Text)
		case *log.EventEntryAdded:
			if e.Entry.Source != log.EntrySourceNetwork { // that a page was refused
				b.said = append(b.said, e.Entry.Text)
			}
		}
	})
	if err == nil {
		_, err = chromedp.Call(ctx, network.Enable, network.EnableParams{})
	}
	if err != nil {
		t.Fatalf("starting chromium: %v", err)
	}
	return b
}

// within does something that may take a minute at most.
func within[T any](t *testing.T, b *browser, action chromedp.Action[T]) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 3*time.Minute)
	defer cancel()
	v, err := chromedp.Run(ctx, action)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// script evaluates JavaScript in the page.
func script[T any](t *testing.T, b *browser, text string) T {
	t.Helper()
	return within(t, b, chromedp.Evaluate[T](text))
}

// link is the login link that up printed.
var link = regexp.MustCompile(`http://127\.0\.0\.1:\d+/login\?token=[A-Z2-7]+`)

// TestThePageInABrowser opens the one-time link as a person does and watches a
// decision appear.
func TestThePageInABrowser(t *testing.T) {
	m := build(t)
	p := m.up()
	address := link.FindString(p.Output())
	if address == "" {
		t.Fatal("up printed no link")
	}
	origin := "http://" + m.instance().Page
	b := browse(t)
	within(t, b, chromedp.Navigate(address))
	label, title := within(t, b, chromedp.Text("#label")), within(t, b, chromedp.Title())
	if label == "" || !strings.EqualFold(title, label+" · Seawall") || within(t, b, chromedp.Location()) != origin+"/" || script[string](t, b, "document.cookie") != "" {
		t.Errorf("label %q, title %q, at %q", label, title, within(t, b, chromedp.Location()))
	}
	// A decision appears without loading the page again.
	script[bool](t, b, "window.same = true")
	if !allowed(m.ask("list")) {
		t.Fatal("the call did not pass")
	}
	within(t, b, chromedp.WaitVisible(`//section[@aria-labelledby="decisions"]//td/strong[text()="exec"]`))
	row := within(t, b, chromedp.Text(`section[aria-labelledby="decisions"] tbody tr`))
	if !script[bool](t, b, "window.same === true") {
		t.Error("the page was loaded again")
	}
	if !strings.Contains(row, "allow") || !strings.Contains(row, `{"command":"ls"}`) {
		t.Errorf("the row is %q", row)
	}
	readable(t, b)

	// A second use of the link is refused, and the first browser stays.
	other := browse(t)
	within(t, other, chromedp.Navigate(address))
	if heading, text := within(t, other, chromedp.Text("h1")), within(t, other, chromedp.Text("main")); heading != "Locked" || !strings.Contains(text, "seawall page") {
		t.Errorf("the second browser reads %q, %q", heading, text)
	}
	within(t, b, chromedp.Navigate(origin+"/"))
	if again := within(t, b, chromedp.Text("#label")); again != label {
		t.Errorf("the first browser reads %q", again)
	}
	for _, b := range []*browser{b, other} {
		b.mu.Lock()
		for _, asked := range b.asked {
			if !strings.HasPrefix(asked, origin+"/") {
				t.Errorf("the page fetched %s", asked)
			}
		}
		if len(b.said) > 0 {
			t.Errorf("the browser complains: %s", b.said)
		}
		b.mu.Unlock()
	}
}

// readable checks what everybody needs to read a page (WCAG 2.2: 1.1.1, 1.3.1,
// 2.4.1, 2.4.2, 2.4.6, 3.1.1), in the browser's own tree.
func readable(t *testing.T, b *browser) {
	t.Helper()
	check, err := os.ReadFile("testdata/readable.js")
	if err != nil {
		t.Fatal(err)
	}
	for _, scheme := range []string{"light", "dark"} {
		ctx := b.ctx
		if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}); err != nil {
			t.Fatal(err)
		}
		for _, problem := range script[[]string](t, b, string(check)) {
			t.Errorf("the page, %s: %s", scheme, problem)
		}
	}
}
