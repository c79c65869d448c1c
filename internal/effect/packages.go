package effect

import "strings"

// manager is a package manager.
type manager struct {
	manifest string // what it installs from where nothing is named
	system   bool   // its packages are the machine's, and their scripts run as root
	short    string // flags with a value that is no package
}

var managers = map[string]manager{
	"npm": {manifest: "package.json"}, "pnpm": {manifest: "package.json", short: "CF"}, "yarn": {manifest: "package.json"}, "bunx": {manifest: "package.json"},
	"pip": {manifest: "requirements.txt", short: "rcteidf"}, "pip3": {manifest: "requirements.txt", short: "rcteidf"}, "pipx": {short: "p"},
	"gem": {short: "vinsP"}, "composer": {manifest: "composer.json", short: "d"}, "conda": {manifest: "environment.yml", short: "npcf"}, "clawhub": {}, "rustup": {}, "cpan": {}, "luarocks": {},
	"apt": {system: true, short: "toc"}, "apt-get": {system: true, short: "toc"}, "aptitude": {system: true, short: "to"}, "yum": {system: true}, "dnf": {system: true}, "apk": {system: true, short: "Xp"},
	"pacman": {system: true}, "zypper": {system: true}, "brew": {system: true}, "snap": {system: true}, "flatpak": {system: true}, "dpkg": {system: true}, "rpm": {system: true},
	"emerge": {system: true}, "port": {system: true}, "nix-env": {system: true},
}

func init() {
	for name := range managers {
		if name != "bunx" {
			define(packages, kinds(Execute), name)
		}
	}
}

// What the commands of package managers do.
var (
	packageGets = wordSet(`install i add ci in get update upg upgrade up create init dlx exec x global require download tool sync reinstall full-upgrade
		dist-upgrade build-dep tap inject -S -Sy -Syu -U -i -ivh -Uvh --install -y -iA`)
	packageDrops = wordSet(`uninstall remove rm purge autoremove un unlink delete erase -R -Rs -Rns -r -P -e --remove --purge clean autoclean cleanup`)
	packageTells = wordSet(`publish login logout adduser token owner deprecate unpublish push dist-tag access team profile star org hook yank upload`)
	packageLooks = wordSet(`list ls ll la show view search info outdated audit why explain freeze check config-get bin prefix root help version -l -L -Q -Qi -Ql -s
		--version -v -V -h --help list-installed deps depends rdepends policy cache doctor docs fund pack ping query licenses history`)
	packageSets = wordSet(`config set alias source channel`)
)

// registries are the flags by which a manager is sent to another place.
var registries = wordSet(`--registry --index-url -i --extra-index-url --find-links -f --source --index --channel -c --repository --repository-url`)

// packages judges a package manager. What a project's own files name is as good as
// the project; what the call names is chosen by whoever wrote the call.
func packages(s *shell, c *call) flow {
	m := managers[c.name]
	verb, rest := "", c.args
	for i, a := range c.args {
		if !strings.HasPrefix(a.text, "-") || packageGets[a.text] || packageDrops[a.text] {
			verb, rest = a.text, c.args[i+1:]
			break
		}
	}
	for i, a := range c.args {
		name, value, has := strings.Cut(a.text, "=")
		if !has && i+1 < len(c.args) {
			value = c.args[i+1].text
		}
		if registries[name] && strings.Contains(value, "://") {
			s.sends(value)
		}
	}
	switch {
	case verb == "" && c.name == "yarn", packageGets[verb]:
		s.gets(m, rest)
	case packageLooks[verb], verb == "":
		s.kind(Read)
	case packageDrops[verb]:
		s.kind(Write)
		if m.system {
			s.kind(Widen)
		}
	case packageTells[verb]:
		s.kind(Read, Send)
	case packageSets[verb]:
		s.kind(Write)
		for _, a := range rest {
			if strings.Contains(a.text, "://") {
				s.sends(a.text)
			}
		}
		if strings.Contains(strings.Join(texts(rest), " "), "registry") || verb == "source" || verb == "channel" {
			s.kind(Widen)
		}
	case m.manifest != "" && !m.system: // npm run build, yarn build
		s.kind(Read, Write)
		s.add(&s.scripts, m.manifest)
	default:
		s.kind(Read, Write, Send)
	}
	return s.anyProgram(c)
}

// gets notes what a manager installs.
func (s *shell) gets(m manager, args []word) {
	s.kind(Read, Write)
	if m.system {
		s.kind(Widen)
	}
	named := false
	for i := 0; i < len(args); i++ {
		t := args[i].text
		switch {
		case strings.HasPrefix(t, "-"):
			if len(t) == 2 && strings.Contains(m.short, t[1:]) || registries[t] {
				i++
			}
		case t == "install" || t == "add" || t == "run" || t == "":
		case strings.Contains(t, "://") || strings.HasPrefix(t, "git@"):
			s.sends(strings.TrimPrefix(t, "git+"))
			named = true
		case strings.HasPrefix(t, ".") || strings.HasPrefix(t, "/") || strings.HasSuffix(t, ".deb") || strings.HasSuffix(t, ".rpm"):
			s.reads(t)
			s.add(&s.scripts, t)
			named = true
		default:
			s.kind(Send)
			s.add(&s.installs, t)
			named = true
		}
	}
	if !named && m.manifest != "" {
		s.add(&s.scripts, m.manifest)
	}
}

// localTools are programs of a project that npx and its kin run from its own
// node_modules or environment.
var localTools = wordSet(`tsc tsx ts-node vite vitest eslint prettier jest mocha playwright next nuxt webpack rollup esbuild tailwindcss prisma
	drizzle-kit turbo nx biome stylelint husky lint-staged svelte-check astro ng vue-tsc pytest ruff black mypy flake8 isort`)
