package effect

// recipientKeys are the names under which OpenClaw's tools, and those of MCP
// servers, take whom a message is for.
var recipientKeys = []string{"to", "target", "targets", "recipient", "recipients", "cc", "bcc", "chatId", "chat_id", "channelId", "sessionKey", "address"}

// recipients notes whom a call that sends is for.
func (r *recorder) recipients(args map[string]any) {
	if !r.kinds[Send] {
		return
	}
	for _, name := range recipientKeys {
		switch v := args[name].(type) {
		case string:
			r.add(&r.e.To, v)
		case []any:
			for _, one := range v {
				if s, ok := one.(string); ok {
					r.add(&r.e.To, s)
				}
			}
		}
	}
}
