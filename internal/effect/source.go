package effect

import "slices"

// ownSources are where the results of OpenClaw's own tools come from.
var ownSources = map[string]Class{}

func init() {
	for class, names := range map[Class]string{
		FromWeb:      `web_fetch web_search browser canvas`,
		FromFiles:    `read ls edit write apply_patch file_fetch dir_fetch dir_list file_write`,
		FromCommands: `exec process terminal nodes mobile_ui node_inference`,
		FromMemory:   `memory_get memory_search get_goal`,
		FromChat: `message conversations_list conversations_send conversations_turn sessions sessions_history sessions_list sessions_search
			sessions_send sessions_spawn subagents agents_wait transcripts talk_voice`,
	} {
		for name := range wordSet(names) {
			ownSources[name] = class
		}
	}
}

// classes are where what a noun names comes from, the most telling first.
var classes = []struct {
	of   noun
	from Class
}{
	{aMail, FromMail}, {aDate, FromCalendar}, {aMemory, FromMemory}, {aTalk, FromChat}, {aPerson, FromContacts},
	{aFile, FromFiles}, {aProgram, FromCommands}, {aPage, FromWeb}, {anAccess | aPayment | aRoutine | aDevice, FromOther},
}

// takesURL reports whether one of the arguments is an address by its name.
func (s Schema) takesURL() bool {
	for key := range s.properties() {
		if k, _ := argWord(last(wordsOf(key, 8))); k == URL {
			return true
		}
	}
	return false
}

// Source says where a tool's results come from, and whether they are private: for
// nobody's eyes but the operator's and those he shows them to. What a tool that
// nobody named before brings is private unless it is plainly about the world.
func Source(tool string, s Schema) (from Class, private bool) {
	if _, own := tools[tool]; own {
		from, ok := ownSources[tool]
		if !ok {
			from = FromOther
		}
		return from, from != FromWeb
	}
	if t, ok := foreign(tool); ok {
		switch {
		case slices.Contains(t.kinds, Execute):
			return FromCommands, true
		case slices.Contains(t.kinds, Send):
			return FromWeb, false
		}
		return FromFiles, true
	}
	u := useOf(tool, s)
	n := u.about
	if said := wordsOf(s.Description[:min(len(s.Description), maxDescription)], 12); n == noNoun && len(said) > 0 {
		n, u.worldly = nounsOf(said), worldly(said[1:])
	}
	if n == aClock {
		return FromOther, false
	}
	if u.looksOnly() && u.head&aPage != 0 && s.takesURL() {
		return FromWeb, false // it gets what stands at an address
	}
	if u.worldly || u.does(reaching) && u.head&aDevice == 0 {
		return FromWeb, false
	}
	for _, c := range classes {
		if n&c.of != 0 {
			return c.from, c.from != FromWeb
		}
	}
	return FromOther, true
}
