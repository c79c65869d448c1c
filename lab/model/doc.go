// Package model is a scripted model: one HTTP server that speaks the three
// wire formats OpenClaw uses, streaming and not, and answers what a test tells
// it to.
//
//	POST …/chat/completions   OpenAI chat completions
//	POST …/responses          OpenAI responses
//	POST …/messages           Anthropic messages (and …/messages/count_tokens)
//	GET  …/models
//
// A [Script] decides each answer. The events have the shapes, fields and order
// of the real services. Every request is kept for a test to look at, and what
// the real services would refuse (a call without its result, a result without
// its call, a changed signature) is refused with their status and words.
package model

// API is a wire format, by OpenClaw's names.
type API string

// The three formats.
const (
	Chat      API = "openai-completions"
	Responses API = "openai-responses"
	Anthropic API = "anthropic-messages"
)

// APIs lists the three formats, for tables.
var APIs = []API{Chat, Responses, Anthropic}
