package demo

import (
	"encoding/json"
	"io"
	"net/http"
	"sync"
)

// provider answers every request as the present scene says.
type provider struct {
	mu    sync.Mutex
	scene play
	body  string
	asked bool
}

func (p *provider) next(scene play) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.scene, p.body, p.asked = scene, "", false
}

// saw returns the body of the request that reached the provider, if one did.
func (p *provider) saw() (body string, asked bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.body, p.asked
}

// ServeHTTP implements http.Handler.
func (p *provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		http.Error(w, "the request broke off", http.StatusBadRequest)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.body, p.asked = string(body), true
	m, reason := message{Role: "assistant", Content: p.scene.say}, "stop"
	if p.scene.command != "" {
		m, reason = message{Role: "assistant", ToolCalls: []toolCall{call("exec", map[string]string{"command": p.scene.command})}}, "tool_calls"
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{
		"id": "chatcmpl-demo", "object": "chat.completion", "created": 0, "model": "demo",
		"choices": []any{map[string]any{"index": 0, "message": m, "finish_reason": reason}},
		"usage":   map[string]int{"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
	})
}
