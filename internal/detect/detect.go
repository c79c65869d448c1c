// Package detect reads text and says what it found: words that try to command
// the model, and secrets. A detector lowers the noise; it is never the
// guarantee (that is origin and policy).
package detect

// Kind is what a finding is about.
type Kind string

const (
	// Injection is text that tries to command the model against its operator.
	Injection Kind = "injection"
	// Secret is a credential.
	Secret Kind = "secret"
)

// Verdict is how sure a detector is. Only Malicious replaces or blocks;
// Suspicious marks and never stops anything alone.
type Verdict uint8

const (
	Clean Verdict = iota
	Suspicious
	Malicious
)

// Finding is one thing found in a text. It never contains the secret itself.
type Finding struct {
	Kind       Kind
	Rule       string // stable id: "injection-override", "openai-key"
	Title      string // for a person: "an OpenAI API key"
	Start, End int    // byte offsets into the text
	Verdict    Verdict
}

// Direction says where the text is going; what is an attack in one is an
// ordinary sentence in the other.
type Direction uint8

const (
	// FromPerson is a message somebody wrote to the agent.
	FromPerson Direction = iota
	// FromTool is the result of a tool: a page, a file, the output of a command.
	FromTool
	// FromModel is the model's answer.
	FromModel
)
