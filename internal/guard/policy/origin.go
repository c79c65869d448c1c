package policy

// Origin is where the values of a call come from, and who will see what it sends,
// as package origin says. The zero value is a call that nobody is known to have
// wanted.
type Origin struct {
	// Values are the origins of all decisive values: "operator", "vouched",
	// "quoted", "person", "system", "agent", "web", "mail", "files", "commands",
	// "calendar", "contacts", "memory", "chat", "other", "unknown".
	Values []string
	// Decided tells that every decisive value is the operator's own, or vouched
	// for: nobody else has chosen what the call does, and to whom.
	Decided bool
	// Quoted tells that a decisive value stands in what the operator pasted or
	// forwarded, and nowhere in what he said himself.
	Quoted bool
	// Private are the classes of private sources (effect.Class) whose content may
	// go along with what is sent.
	Private []string
	// Named tells that the operator's words named that content.
	Named bool
	// Audience is who will see what is sent: AudienceNobody, …
	Audience string
	// Asker is who began the turn: AskerOperator, …
	Asker string
	// Link tells that all it does with the world is to fetch URLs that stand whole,
	// as links, in texts that no detector marked, with nothing added.
	Link bool
	// Own tells that the agent made, in this session, all that it deletes.
	Own bool
	// Recoverable tells that git can give back all that it deletes.
	Recoverable bool
}

// Who will see what a call or a reply sends.
const (
	AudienceNobody   = ""         // nothing is sent, or to a machine only
	AudienceAsker    = "asker"    // whoever reads the conversation that asked
	AudienceOperator = "operator" // the operator alone: his own paired channels
	AudienceOthers   = "others"
)

// Who began a turn.
const (
	AskerOperator = "operator"
	AskerOrder    = "order" // a job that the operator vouched for
	AskerOther    = "other"
	AskerUnknown  = ""
)
