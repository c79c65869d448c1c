package model

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/openseawall/seawall/internal/guard/wire"
)

type closed bool

func (c *closed) Close() error { *c = true; return nil }

func TestAnswerIsWhatWasWritten(t *testing.T) {
	broken := errors.New("the provider went away")
	for _, test := range []struct {
		name        string
		ends, wants error
	}{
		{"to its end", nil, nil},
		{"ended with a notice", &wire.Ended{Failure: wire.CutOff}, nil},
		{"broken off", broken, broken},
	} {
		t.Run(test.name, func(t *testing.T) {
			var source closed
			reused := make([]byte, 5)
			a := rewritten(func(w io.Writer) error {
				for _, piece := range []string{"one, ", "two, ", "", "three"} {
					if _, err := w.Write(append(reused[:0], piece...)); err != nil {
						return err
					}
				}
				return test.ends
			}, &source)
			got, err := io.ReadAll(iotest.OneByteReader(a))
			if string(got) != "one, two, three" || !errors.Is(err, test.wants) {
				t.Errorf("read %q, %v", got, err)
			}
			if err := a.Close(); err != nil || !bool(source) {
				t.Errorf("closed: %v, its source: %v", err, source)
			}
		})
	}
}

func TestWholeAnswerHasItsLength(t *testing.T) {
	broken := errors.New("the provider went away")
	for _, test := range []struct{ ends, wants error }{
		{nil, nil}, {&wire.Ended{Failure: wire.Malformed}, nil}, {broken, broken},
	} {
		var source, body closed
		res := &http.Response{Header: http.Header{"Content-Length": {"3"}}, ContentLength: 3, Body: struct {
			io.Reader
			io.Closer
		}{nil, &body}}
		err := replace(res, func(w io.Writer) error {
			_, err := io.WriteString(w, "longer")
			return errors.Join(err, test.ends)
		}, &source)
		got, _ := io.ReadAll(res.Body)
		if !errors.Is(err, test.wants) || string(got) != "longer" || res.ContentLength != 6 || res.Header.Get("Content-Length") != "6" {
			t.Errorf("%v: got %q of %d (%q), %v", test.ends, got, res.ContentLength, res.Header.Get("Content-Length"), err)
		}
		if !bool(source) || !bool(body) {
			t.Errorf("%v: closed are source %v and body %v", test.ends, source, body)
		}
	}
}

func TestAnswerIsWrittenAsItIsRead(t *testing.T) {
	var written []string
	a := rewritten(func(w io.Writer) error {
		for _, piece := range []string{"first", "second"} {
			written = append(written, piece)
			if _, err := io.Copy(w, strings.NewReader(piece)); err != nil {
				return err
			}
		}
		return nil
	})
	got := make([]byte, 64)
	n, err := a.Read(got)
	if err != nil || !bytes.Equal(got[:n], []byte("first")) || len(written) != 1 {
		t.Fatalf("the first read gave %q, %v, when %q was written", got[:n], err, written)
	}
	if err := a.Close(); err != nil || len(written) != 1 {
		t.Errorf("after Close (%v) the rewriter went on to %q", err, written)
	}
}
