package posture

// When says whether anything stands between the agent and an effect.
type When string

const (
	Freely When = "freely" // it just happens
	Asks   When = "asks"   // a person is asked first
	Never  When = "never"  // it is refused
	Unsure When = "unsure" // what decides it could not be read; to be read as freely
)

// Line is one line of the blast radius: a thing that goes wrong if the agent
// misbehaves for five minutes. Package probe computes them; here they are data,
// so that an audit can carry them.
type Line struct {
	Kind string `json:"kind"` // commands, files, secrets, orders, messages, network, jobs, itself, exposed
	// Reach says in a few words what it reaches, Objects name it: mounts,
	// secrets by name, channels, ports.
	Reach   string   `json:"reach"`
	Objects []string `json:"objects,omitempty"`
	When    When     `json:"when"`
	Who     string   `json:"who"`    // who is asked, and what happens without an answer
	Undo    string   `json:"undo"`   // how it is undone
	Narrow  string   `json:"narrow"` // the one change that narrows it most
	// Weight orders lines: the size of the loss, 0 to 100, less when a person is asked.
	Weight   int      `json:"weight"`
	Agent    string   `json:"agent,omitempty"`    // which OpenClaw, when there are several
	Controls []string `json:"controls,omitempty"` // ids of the controls that guard it
}
