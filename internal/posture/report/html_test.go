package report

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/openseawall/seawall/internal/posture"
)

func htmlOf(t *testing.T, a *posture.Audit) string {
	t.Helper()
	var b bytes.Buffer
	if err := HTML(&b, a); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func firstFinding(t *testing.T, a *posture.Audit) *posture.Item {
	t.Helper()
	for _, r := range a.Results {
		if len(r.Findings) > 0 {
			return &r.Findings[0]
		}
	}
	t.Fatal("nothing was found")
	return nil
}

// TestHTMLSaysAll looks for everything that the audit says.
func TestHTMLSaysAll(t *testing.T) {
	a := worstAudit(t)
	firstFinding(t, a).Accepted = &posture.Acceptance{By: "anna", Why: "it is meant so", Until: time.Date(2027, 1, 2, 0, 0, 0, 0, time.UTC)}
	a.Tally()
	shown := words(t, htmlOf(t, a))
	want := []string{a.Verdict, counts(a.Counts), a.Host.Name, "accepted by anna until 2 January 2027: it is meant so"}
	for _, l := range a.Blast {
		want = append(want, l.Reach, l.Who, l.Undo, l.Narrow)
	}
	for _, r := range a.Results {
		switch r.Outcome {
		case posture.Failed:
			want = append(want, r.Title, r.ID, r.Why, r.Advice, r.Source)
			for _, f := range r.Findings {
				want = append(want, f.Detail)
			}
		case posture.Unknown:
			want = append(append(want, r.Title), r.Reasons...)
		default:
			want = append(want, r.ID)
		}
	}
	for _, w := range want {
		if !strings.Contains(shown, strings.Join(strings.Fields(clean(w)), " ")) {
			t.Errorf("the page does not say %q", w)
		}
	}
}

// TestHTMLFetchesNothing also has the machine try to bring in what would.
func TestHTMLFetchesNothing(t *testing.T) {
	a := worstAudit(t)
	evil := `"><script src="http://x.example/a.js"></script><img src=http://x.example onerror=alert(1)>` + "\x1b[2J"
	a.Host.Name, a.Verdict = evil, evil
	a.Changes, a.Since = []string{evil}, &a.Time
	f := firstFinding(t, a)
	f.Object, f.Detail = evil, evil
	root, err := html.Parse(strings.NewReader(htmlOf(t, a)))
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for n := range root.Descendants() {
		if n.Type == html.TextNode && strings.ContainsRune(n.Data, 0x1b) {
			t.Error("a control character is in the page")
		}
		if n.Type != html.ElementNode {
			continue
		}
		switch n.Data {
		case "script", "img", "link", "iframe", "object", "embed", "base", "form":
			t.Errorf("the page has a <%s>", n.Data)
		}
		for _, attr := range n.Attr {
			switch {
			case attr.Key == "src", strings.HasPrefix(attr.Key, "on"), attr.Key == "href" && !strings.HasPrefix(attr.Val, "#"):
				t.Errorf("<%s> has %s=%q", n.Data, attr.Key, attr.Val)
			case attr.Key == "id" && ids[attr.Val]:
				t.Errorf("two elements are #%s", attr.Val)
			case attr.Key == "id":
				ids[attr.Val] = true
			}
		}
	}
	for n := range root.Descendants() {
		for _, attr := range n.Attr {
			if attr.Key == "href" && !ids[attr.Val[1:]] {
				t.Errorf("%s leads nowhere", attr.Val)
			}
		}
	}
}

// TestHTMLOfAnEmptyAudit is of a machine of which nothing was read.
func TestHTMLOfAnEmptyAudit(t *testing.T) {
	if got := htmlOf(t, &posture.Audit{Verdict: "Nothing is known."}); !strings.Contains(got, "Nothing is known.") || !strings.HasSuffix(got, "</html>\n") {
		t.Errorf("the page is %s", got)
	}
}

var tags = regexp.MustCompile(`<[^>]*>`)

// words is what a reader sees of a page, without its markup.
func words(t *testing.T, page string) string {
	t.Helper()
	return strings.Join(strings.Fields(html.UnescapeString(tags.ReplaceAllString(page, ""))), " ")
}
