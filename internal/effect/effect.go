// Package effect says what an action can do: the tools of OpenClaw and their
// arguments, and shell commands by parsing them. It decides nothing; policy
// does, over what is said here.
package effect

// Kind is one way in which an action touches the world. An action has any
// number of them.
type Kind string

const (
	Read    Kind = "read"    // reads local data
	Write   Kind = "write"   // changes local files or state
	Execute Kind = "execute" // runs code
	Send    Kind = "send"    // makes data leave the machine (a fetched URL is a message sent)
	Spend   Kind = "spend"   // costs money
	Destroy Kind = "destroy" // deletes or overwrites what cannot be brought back
	Widen   Kind = "widen"   // widens access: users, keys, permissions, listeners, schedules, skills, plugins
	Guard   Kind = "guard"   // changes Seawall or OpenClaw's own guards
)

// Danger is a combination that no sane job needs, named so that policy can
// forbid it.
type Danger string

const (
	CredentialRead   Danger = "credential-read"   // reads a file that holds credentials
	CredentialSend   Danger = "credential-send"   // a credential file or variable goes to the network
	DownloadExecute  Danger = "download-execute"  // a download is run (curl … | sh and its many forms)
	DisableGuard     Danger = "disable-guard"     // stops, edits or removes Seawall or OpenClaw's guards
	ReverseShell     Danger = "reverse-shell"     // hands a shell to the network
	EncodedExecute   Danger = "encoded-execute"   // runs what it decodes
	DestructiveWide  Danger = "destructive-wide"  // rm -rf /, mkfs, dd onto a disk
	PersistenceWrite Danger = "persistence-write" // cron, units, shell rc, authorized_keys
)

// Effects is all that is known of one action.
type Effects struct {
	Kinds    []Kind            // sorted, no duplicates
	Dangers  []Danger          // sorted, no duplicates
	Evidence map[Danger]string // the piece of the action that shows it, secrets cut out
	Shows    map[Kind]string   // the piece of a command that sends, destroys, …; of Execute, that nobody can read
	Reads    []string          // paths read, as written
	Writes   []string          // paths written or deleted, as written
	Hosts    []string          // hosts reached: lower case, no port
	URLs     []string
	Commands []string // names of the programs run, in order
	To       []string // of a tool that sends: whom it names, as written
	// Opaque is true when part of the action cannot be read: an expansion that
	// decides a command name, code in a language nobody parses, an unknown tool.
	Opaque bool
	// Unseen is true when it runs code of which nobody can say what it does: it may
	// send, destroy and widen, whatever Kinds say.
	Unseen bool
	// ParseError is why a shell command could not be parsed, or "".
	ParseError string
}
