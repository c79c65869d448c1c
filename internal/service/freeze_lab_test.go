//go:build lab

package service_test

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/openseawall/seawall/internal/guard/operator"
)

// TestTheButtonFreezes presses the page's button in a browser: the next turn is
// answered by the door, the page says so first, and has no button that thaws.
func TestTheButtonFreezes(t *testing.T) {
	m := build(t)
	p := m.up()
	b := browse(t)
	within(t, b, chromedp.Navigate(link.FindString(p.Output())))
	within(t, b, chromedp.WaitVisible(`button[hx-post="/freeze"]`))
	script[bool](t, b, "window.confirm = () => true; true")
	readable(t, b)
	within(t, b, chromedp.Click(`button[hx-post="/freeze"]`))
	if said := within(t, b, chromedp.Text(`[role="status"]`)); !strings.Contains(said, "seawall thaw") {
		t.Errorf("the page says %q", said)
	}
	if f := operator.FrozenIn(m.dir()); f == nil || f.By != "you, on the page" {
		t.Errorf("%v", f)
	}
	if answer := m.ask("list"); !strings.Contains(answer, "the agent is frozen") {
		t.Errorf("the door answers %s", answer)
	}
	within(t, b, chromedp.WaitVisible(`//h1[text()="frozen"]`))
	if script[bool](t, b, `document.querySelector('button[hx-post="/freeze"]') !== null`) {
		t.Error("what is frozen can be frozen")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.said) > 0 {
		t.Errorf("the browser complains: %s", b.said)
	}
}
