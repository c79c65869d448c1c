package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

// The provider is a process of its own, as it would be in life: it reads a
// request whole and answers at once, in the way that this header names.
const answerHeader = "X-Bench-Answer"

const (
	answerText = "text" // about 700 bytes of JSON
	answerCall = "call" // one call of a tool
	answerLive = "live" // a stream of tokens, one every tokenGap
	answerHold = "hold" // a stream that stays open after its first token
	answerSlow = "slow" // answerText, after thinking
)

const (
	tokens   = 40
	tokenGap = 5 * time.Millisecond
	// thinking is less than any model takes to its first token.
	thinking = 50 * time.Millisecond
)

// leftPath tells when a client left a stream for the last time.
const leftPath = "/left"

// left is that time, in nanoseconds.
var left atomic.Int64

// serve is the process of the provider ("provider") or of a proxy to the
// address that follows ("proxy"), which is Go's own and reads nothing: what a
// second hop costs by itself. It prints its address and ends when its standard
// input does.
func serve(args []string) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	if args[0] == "proxy" {
		return http.Serve(l, plainProxy(args[1], &http.Transport{MaxIdleConnsPerHost: atOnce, DisableCompression: true}))
	}
	return http.Serve(l, http.HandlerFunc(answer))
}

func plainProxy(to string, through http.RoundTripper) http.Handler {
	proxy := &httputil.ReverseProxy{
		Transport: through, FlushInterval: -1,
		Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(&url.URL{Scheme: "http", Host: to}) },
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Else a stream breaks off whose provider is quicker than the request's end.
		_ = http.NewResponseController(w).EnableFullDuplex()
		proxy.ServeHTTP(w, r)
	})
}

var said = whole(object{"role": "assistant", "content": strings.Repeat("The report is ready, and the folder is in order. ", 9)}, "stop")

var answers = map[string][]byte{
	answerText: said,
	answerSlow: said,
	answerCall: whole(object{"role": "assistant", "content": nil, "tool_calls": []any{object{
		"id": "call_1", "type": "function", "function": object{"name": "exec", "arguments": `{"command":"ls -l reports"}`}}}}, "tool_calls"),
}

func whole(message object, reason string) []byte {
	b, err := json.Marshal(object{"id": "chatcmpl-bench", "object": "chat.completion", "created": 1764000000, "model": "bench-1",
		"choices": []any{object{"index": 0, "message": message, "finish_reason": reason}},
		"usage":   object{"prompt_tokens": 15000, "completion_tokens": 120, "total_tokens": 15120}})
	if err != nil {
		panic(err)
	}
	return b
}

func answer(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == leftPath {
		fmt.Fprint(w, left.Load())
		return
	}
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return
	}
	kind := r.Header.Get(answerHeader)
	if kind == answerLive || kind == answerHold {
		stream(w, r, kind)
		return
	}
	if kind == answerSlow {
		time.Sleep(thinking)
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(answers[kind])
}

func stream(w http.ResponseWriter, r *http.Request, kind string) {
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	out := http.NewResponseController(w)
	// A token says when it was sent, so that its way can be measured.
	send := func(delta string) {
		fmt.Fprintf(w, "data: {\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",\"created\":1764000000,\"model\":\"bench-1\",\"choices\":[{\"index\":0,\"delta\":{%s},\"finish_reason\":null}]}\n\n", delta)
		_ = out.Flush()
	}
	for i := range tokens {
		if i > 0 {
			time.Sleep(tokenGap)
		}
		send(fmt.Sprintf(`"content":"word %d "`, time.Now().UnixNano()))
		if kind == answerHold {
			<-r.Context().Done()
			left.Store(time.Now().UnixNano())
			return
		}
	}
	fmt.Fprint(w, "data: {\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",\"created\":1764000000,\"model\":\"bench-1\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n")
}
