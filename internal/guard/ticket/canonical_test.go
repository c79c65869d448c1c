package ticket

import "testing"

func TestOneCall(t *testing.T) {
	for _, c := range []struct {
		name, tool, wire, hook string
	}{
		{"order and spaces", "exec", `{"command":"ls", "timeout": 5}`, `{"timeout":5,"command":"ls"}`},
		{"escapes", "exec", `{"command":"\u006cs \u00fc"}`, `{"command":"ls ü"}`},
		{"number", "exec", `{"timeout":1e1}`, `{"timeout":10}`},
		{"number in a text", "exec", `{"timeout":" 10 "}`, `{"timeout":10}`},
		{"number as a text", "message", `{"target":12345}`, `{"target":"12345"}`},
		{"truth in a text", "exec", `{"background":"true"}`, `{"background":true}`},
		{"truth as a number", "exec", `{"background":1}`, `{"background":true}`},
		{"nothing becomes an empty text", "exec", `{"workdir":null,"command":"ls"}`, `{"workdir":"","command":"ls"}`},
		{"nothing becomes zero", "exec", `{"timeout":null}`, `{"timeout":0}`},
		{"list in a text", "message", `{"targets":"[\"a\", \"b\"]"}`, `{"targets":["a","b"]}`},
		{"object in a text", "tool_call", `{"id":"web_fetch","args":"{\"url\":\"http://a.example\"}"}`, `{"id":"web_fetch","args":{"url":"http://a.example"}}`},
		{"a call that stands whole in args", "tool_call", `{"args":{"id":"web_fetch","url":"http://a.example"}}`, `{"id":"web_fetch","url":"http://a.example"}`},
		{"a lone edit", "edit", `{"path":"a","oldText":"1","newText":"2"}`, `{"path":"a","edits":[{"oldText":"1","newText":"2"}]}`},
		{"edits in a text", "edit", `{"path":"a","edits":"[{\"oldText\":\"1\",\"newText\":\"2\",\"why\":\"x\"}]"}`, `{"path":"a","edits":[{"oldText":"1","newText":"2"}]}`},
		{"edits and a lone one", "edit", `{"path":"a","edits":[{"oldText":"1","newText":"2"}],"oldText":"3","newText":"4"}`, `{"path":"a","edits":[{"oldText":"1","newText":"2"},{"oldText":"3","newText":"4"}]}`},
		{"code mode", "exec", `{"code":"await x()"}`, `{"code":"await x()","command":"await x()"}`},
		{"pinned to its host", "exec", `{"command":"ls","security":"full","ask":"off"}`, `{"command":"ls","host":"gateway"}`},
		{"another name for a message", "sessions_send", `{"to":"main","text":"hi"}`, `{"to":"main","message":"hi"}`},
		{"a rest of XML", "exec", `{"command":"ls</arg_value>>"}`, `{"command":"ls"}`},
		{"a rest of XML behind a path", "read", `{"path":"a</arg_value>>"}`, `{"path":"a"}`},
		{"alias", "Bash", `{"command":"ls"}`, `{"command":"ls"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			wire, hook := ticket(t, c.tool, c.wire), ticket(t, c.tool, c.hook)
			if wire != hook {
				t.Error("the door and the hook do not mean the same call")
			}
			again := ticket(t, c.tool, c.hook)
			if again != hook {
				t.Error("the same arguments have two forms")
			}
		})
	}
}

func TestAnotherCall(t *testing.T) {
	for _, c := range []struct {
		name, tool, a, b string
	}{
		{"another value", "exec", `{"command":"ls"}`, `{"command":"id"}`},
		{"another name", "exec", `{"command":"ls"}`, `{"Command":"ls"}`},
		{"one more", "exec", `{"command":"ls"}`, `{"command":"ls","host":"node"}`},
		{"another host", "exec", `{"command":"ls"}`, `{"command":"ls","host":"node","node":"n1"}`},
		{"spaces in a text", "exec", `{"command":"ls"}`, `{"command":"ls "}`},
		{"order of a list", "message", `{"targets":["a","b"]}`, `{"targets":["b","a"]}`},
		{"an empty item", "message", `{"targets":["a",""]}`, `{"targets":["a"]}`},
		{"another edit", "edit", `{"path":"a","oldText":"1","newText":"2"}`, `{"path":"a","oldText":"1","newText":"3"}`},
		{"more edits", "edit", `{"path":"a","edits":[{"oldText":"1","newText":"2"}]}`, `{"path":"a","edits":[{"oldText":"1","newText":"2"},{"oldText":"3","newText":"4"}]}`},
		{"code and another command", "exec", `{"code":"a()"}`, `{"code":"a()","command":"b()"}`},
		{"a message beside another", "sessions_send", `{"message":"hi"}`, `{"message":"ho","text":"hi"}`},
		{"names that differ to one reader alone", "exec", `{"command":"ls","__proto__":"x"}`, `{"command":"ls"}`},
	} {
		if ticket(t, c.tool, c.a) == ticket(t, c.tool, c.b) {
			t.Errorf("%s: two calls have one ticket", c.name)
		}
	}
}

func TestNoCertainReading(t *testing.T) {
	for _, args := range []string{
		`{"command":"ls","command":"id"}`, `{"command":"ls"`, `["ls"]`, `"ls"`, `null x`, ``, `{"n":1e999}`, "{\"a\":\"\xff\"}", `{"a":"\ud800"}`,
	} {
		if k, err := Of("a", "t", "exec", []byte(args)); err == nil {
			t.Errorf("%s has the ticket %x", args, k.Args)
		}
	}
}

// FuzzCanonical: nothing panics, and a form is its own form, so that a value
// that OpenClaw has made of it before the hook has the same.
func FuzzCanonical(f *testing.F) {
	f.Add("exec", `{"command":"ls","timeout":"5","env":{"A":null},"x":"[1,{\"y\":\"2\"}]"}`)
	f.Add("edit", `{"path":"a","edits":"[{}]","oldText":"1","newText":"2"}`)
	f.Add("tool_call", `{"args":{"id":"x","args":{}}}`)
	f.Fuzz(func(t *testing.T, tool, args string) {
		form, err := canonical(tool, []byte(args))
		if err != nil {
			return
		}
		// Moves look at texts that are texts no more.
		again, err := canonical("", form)
		if err != nil || string(again) != string(form) {
			t.Errorf("%s became %s, and that %s (%v)", args, form, again, err)
		}
	})
}
