// Package openclaw knows OpenClaw's own formats and habits: where it keeps
// config, state and skills, what its settings mean, how it resolves the name
// of a tool. It judges nothing.
package openclaw

import (
	"time"

	"github.com/openseawall/seawall/internal/host"
)

// Install is one OpenClaw on a machine: running or not, bare or in a container.
type Install struct {
	Version     string // of the package that is installed; "" when it was not found
	PackageDir  string // node_modules/openclaw
	StateDir    string // ~/.openclaw, or OPENCLAW_STATE_DIR
	State       host.FileInfo
	ConfigPath  string
	ConfigInfo  host.FileInfo
	Config      *Config // nil when absent or unreadable; ConfigError says why
	ConfigError string
	// IncludeRoots are further directories that the config may include files from.
	IncludeRoots []string

	Owner     string        // user who owns the state directory
	Process   *host.Process // the gateway, when it runs bare
	Container string        // name of the container it runs in, or ""
	Unit      string        // systemd unit, "user@1000.service/openclaw-gateway.service" for a user unit, or ""

	// Credentials are what OpenClaw can show to providers beside the keys in the
	// config, and ModelsFiles the providers that it has beside those in it.
	Credentials []Credential
	ModelsFiles []ModelsFile
	// EnvironmentFiles are those its environment comes from, there or not.
	EnvironmentFiles []string
	// Unsure is what could not be read of these, each with its reason: there may
	// be routes that Routes does not list.
	Unsure []string

	Workspaces []string
	Files      []File // what matters in the state directory and the workspaces
	Skills     []Skill
	Wishes     []Wish // rules about approvals that stand only in prose
	// Paired are devices, nodes and standing permissions; PairedUnknown says why
	// they could not be read.
	Paired        []host.Paired
	PairedUnknown string
	Unreadable    []string // what could not be read, each with its reason
}

// SetUp reports whether anyone has put the installation to use: it has a state
// directory, a running gateway or a container. A package alone does nothing.
func (i Install) SetUp() bool { return i.StateDir != "" || i.Process != nil || i.Container != "" }

// File is one file of the state directory or a workspace that a control looks
// at: configs and their backups, credentials, databases, memory, bootstrap files.
type File struct {
	host.FileInfo
	Kind string // config, config-backup, credential, database, memory, bootstrap, log, env, backup, session, history, login, git
	// Secrets names the rules of the secrets found in its text ("openai-key"),
	// with the line; never their values.
	Secrets []SecretAt
}

// SecretAt is a secret's place.
type SecretAt struct {
	Rule string
	Line int
}

// Skill is an installed skill.
type Skill struct {
	Name, Path, Root string // Root: workspace, agents, managed, extra, bundled
	Source           string // "clawhub", "git", "local", "" when nobody wrote it down
	Pinned           string // version or commit, when known
	Shadows          bool   // hides a bundled skill of the same name
	Modified         time.Time
	Files            int
	Findings         []string // from reading it: "pipes a download into a shell (SKILL.md:12)"
	Writable         bool     // by someone other than its owner
}
