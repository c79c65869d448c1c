package wire

import "encoding/json"

// Usage is what an answer used, in tokens, as its provider says. Input is without
// what was read from a cache or written to one.
type Usage struct {
	Input, Output, CacheRead, CacheWrite int64
	// Known tells that the provider said it. Chat completions do so in a stream only
	// where they are asked to (stream_options.include_usage).
	Known bool
}

// Meter is a Judge that wants to know what an answer used. It is told once, when
// the answer is over, however it ended.
type Meter interface {
	Used(Usage)
}

// reported is the usage object of all three formats, each of which has its own
// names:
// https://platform.openai.com/docs/api-reference/chat/object
// https://platform.openai.com/docs/api-reference/responses/object
// https://docs.anthropic.com/en/api/messages
type reported struct {
	Prompt     float64 `json:"prompt_tokens"`
	Completion float64 `json:"completion_tokens"`
	Input      float64 `json:"input_tokens"`
	Output     float64 `json:"output_tokens"`
	// Of OpenAI's, what came out of a cache is a part of the input.
	PromptDetails cached `json:"prompt_tokens_details"`
	InputDetails  cached `json:"input_tokens_details"`
	// Anthropic's input is without both.
	Written float64 `json:"cache_creation_input_tokens"`
	Read    float64 `json:"cache_read_input_tokens"`
}

type cached struct {
	Tokens float64 `json:"cached_tokens"`
}

// meter takes in what an event, or a whole answer, says of usage. Each later word
// is about the whole answer so far, so the highest counts.
func (w *rewriter) meter(root value) {
	for _, at := range [...]value{root, root.get("response"), root.get("message")} {
		u := at.get("usage")
		if u.kind() != '{' {
			continue
		}
		var r reported
		if json.Unmarshal(u.raw(), &r) != nil {
			continue
		}
		fromCache := count(r.PromptDetails.Tokens) + count(r.InputDetails.Tokens)
		w.usage.Known = true
		w.usage.Input = max(w.usage.Input, count(r.Prompt)+count(r.Input)-fromCache)
		w.usage.Output = max(w.usage.Output, count(r.Completion)+count(r.Output))
		w.usage.CacheRead = max(w.usage.CacheRead, fromCache+count(r.Read))
		w.usage.CacheWrite = max(w.usage.CacheWrite, count(r.Written))
	}
}

// mostTokens is more than any answer has.
const mostTokens = 1 << 40

// count is a number of tokens, whatever a provider writes.
func count(n float64) int64 {
	return int64(max(0, min(n, mostTokens)))
}

// tell tells the judge what the answer used, if it wants to know.
func (w *rewriter) tell() {
	if m, ok := w.judge.(Meter); ok {
		m.Used(w.usage)
	}
}
