package effect

// Schema is how a tool was offered to the model. Its zero value is a tool of
// which nothing but the name is known.
type Schema struct {
	Name        string
	Description string
	Parameters  []byte // JSON Schema of the arguments, an object
	// Settled are the kinds that the operator has settled for this tool (see
	// `seawall policy tool`); nil leaves them to the name, description and schema.
	Settled []Kind
}

// ArgKind says what an argument is in a call.
type ArgKind string

const (
	Recipient ArgKind = "recipient" // whom something goes to, or who gets access: an address, a channel, an account
	URL       ArgKind = "url"
	Host      ArgKind = "host"
	Path      ArgKind = "path"   // a local file that is read, sent, written or deleted
	Amount    ArgKind = "amount" // money, or how much of something that costs it
	Command   ArgKind = "command"
	Code      ArgKind = "code"
	Measure   ArgKind = "measure" // how much of what costs nothing: a temperature, a port, a number of replicas
	Object    ArgKind = "object"  // what is deleted, changed, booked or shared, by its name or id
	Access    ArgKind = "access"  // a role, a permission, a visibility
	Package   ArgKind = "package" // what a package manager installs
	// Act is the tool itself, of a call that acts and has no other value that
	// decides: a status is posted, everything is deleted. Its value is the tool's
	// name; AsksFor tells whether words ask for it.
	Act ArgKind = "act"
	// Script is a file that is run. What it does was decided by whoever wrote it, so
	// its name decides nothing.
	Script ArgKind = "script"
	// Remote is a git remote by its name. Where it leads stands in the repository's
	// configuration, a change of which is an action of its own, so the name decides
	// nothing unless the agent has changed it.
	Remote ArgKind = "remote"
	// What follows says what goes along or is asked for, not where it goes.
	Content ArgKind = "content"
	Query   ArgKind = "query"
	Time    ArgKind = "time"
	Other   ArgKind = "other" // a limit, a format, a flag
)

// Decides reports whether an argument of this kind says what a call does to
// whom, so that whoever chose it has decided the call. The others only carry
// something.
func (k ArgKind) Decides() bool {
	switch k {
	case Content, Query, Time, Other, Remote, Script:
		return false
	}
	return true
}

// Argument is one value of a call.
type Argument struct {
	Path  string // where it stands: "to", "cc[1]", "request.url"; "command" for a piece of a shell command
	Kind  ArgKind
	Value string // as written; a number as in the JSON
}

// Class is a class of places that a tool's results come from.
type Class string

const (
	FromWeb      Class = "web"
	FromMail     Class = "mail"
	FromFiles    Class = "files" // local files and file stores
	FromCommands Class = "commands"
	FromCalendar Class = "calendar"
	FromContacts Class = "contacts"
	FromMemory   Class = "memory"
	FromChat     Class = "chat"
	FromOther    Class = "other"
)
