package openclaw

// PolicyName is the name under which OpenClaw's tool policy and its hooks know
// a tool: in lower case, trimmed, aliases resolved (normalizeToolPolicyName,
// src/agents/tool-policy-shared.ts).
func PolicyName(name string) string { return policyName(name) }
