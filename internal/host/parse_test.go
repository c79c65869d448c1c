package host

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestSockets(t *testing.T) {
	const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:4965 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4242 1 0000000000000000 100 0 0 10 0
   1: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 17 1 0000000000000000 100 0 0 10 0
   2: 0100007F:A1B2 0100007F:4965 01 00000000:00000000 00:00000000 00000000  1000        0 18 1 0000000000000000 100 0 0 10 0
   3: 00000000000000000000000000000000:0016 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 19 1
   4: 0000000000000000FFFF00000100007F:1F90 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 20 1
   5: B80D01200000000067452301EFCDAB89:01BB 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 21 1
   6: 00000000000000000000000001000000:4965 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 22 1
`
	list, err := parseSockets([]byte(table), "tcp", stateListen)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range list {
		got = append(got, fmt.Sprintf("%s uid %d inode %d public %t", s.Addr, s.UID, s.Inode, s.Public()))
	}
	want := []string{
		"127.0.0.1:18789 uid 1000 inode 4242 public false",
		"0.0.0.0:22 uid 0 inode 17 public true",
		"[::]:22 uid 0 inode 19 public true",
		"127.0.0.1:8080 uid 0 inode 20 public false",
		"[2001:db8::123:4567:89ab:cdef]:443 uid 0 inode 21 public true",
		"[::1]:18789 uid 0 inode 22 public false",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, bad := range []string{"", "0100007F", "0100007F:", "XX00007F:0016", "0100:0016", "0100007F:99999"} {
		if _, err := SocketAddr(bad); err == nil {
			t.Errorf("address %q was accepted", bad)
		}
	}
}

func TestStatus(t *testing.T) {
	p := parseStatus([]byte("Name:\topenclaw-gatewa\nPid:\t42\nPPid:\t1\nUid:\t1000\t1001\t1000\t1000\nGid:\t5\t6\t5\t5\nGroups:\t27 998 \nVmRSS:\t    2048 kB\nCapEff:\t00000000a80425fb\nNoNewPrivs:\t1\nSeccomp:\t2\nbroken\n"))
	want := Process{Name: "openclaw-gatewa", PID: 42, PPID: 1, UID: 1001, GID: 6, Groups: []uint32{27, 998}, CapEff: 0xa80425fb, NoNewPrivs: true, Seccomp: 2, RSS: 2 << 20}
	if !reflect.DeepEqual(p, want) {
		t.Errorf("got %+v", p)
	}
	for cgroup, want := range map[string]string{
		"0::/system.slice/docker-abc.scope\n":                     "/system.slice/docker-abc.scope",
		"12:pids:/docker/abc\n1:name=systemd:/docker/abc\n0::/\n": "/docker/abc",
		"4:memory:/a\n1:name=systemd:/user.slice/x\n":             "/user.slice/x",
		"0::/\n1:cpu:/\n": "/",
		"nonsense\n":      "",
		"0::/user.slice/user-1000.slice/user@1000.service/app:x.slice": "/user.slice/user-1000.slice/user@1000.service/app:x.slice",
	} {
		if got := cgroupPath([]byte(cgroup)); got != want {
			t.Errorf("cgroup %q is %q, want %q", cgroup, got, want)
		}
	}
}

func TestSecretNames(t *testing.T) {
	for name, want := range map[string]bool{
		"OPENAI_API_KEY": true, "Telegram_Token": true, "DB_PASSWORD": true, "AWS_SECRET_ACCESS_KEY": true, "MYSQL_PWD": true,
		"SSH_PUBLIC_KEY": false, "POSTGRES_PASSWORD_FILE": false, "PATH": false, "PWD": false, "KEYBOARD": false,
	} {
		if got := LooksSecret(name, "x"); got != want {
			t.Errorf("%s: %t, want %t", name, got, want)
		}
		if LooksSecret(name, "") {
			t.Errorf("%s is a secret though it is empty", name)
		}
	}
	onlyValue := func(_, value string) bool { return strings.HasPrefix(value, "sk-") }
	names, secrets := splitEnv([]string{"A=sk-x", "B_KEY=plain", "C=<secret>", "D=<set>", "E", "=odd"}, onlyValue)
	if got := fmt.Sprint(names, secrets); got != "[A B_KEY C D E] [A C]" {
		t.Errorf("got %s", got)
	}
}

func TestKeyLogins(t *testing.T) {
	got := parseKeyLogins([]byte(`2026-11-24T13:10:01+0000 host sshd[7]: Accepted publickey for claw from 203.0.113.7 port 40000 ssh2: ED25519 SHA256:x
2026-11-23T13:10:01+0000 host sshd-session[7]: Accepted publickey for root from 2001:db8::7 port 40000 ssh2: ED25519 SHA256:x
2026-11-22T13:10:01+0000 host sshd[7]: Accepted publickey for claw from 203.0.113.7 port 40000 ssh2: ED25519 SHA256:x
2026-11-22T13:10:01+0000 host sshd[7]: Accepted password for claw from 203.0.113.8 port 40000 ssh2
-- No entries --
`))
	if len(got) != 2 || got[0].User != "claw" || got[0].From.String() != "203.0.113.7" || got[0].Time.Day() != 24 || got[1].From.String() != "2001:db8::7" || got[0].Now {
		t.Errorf("key logins %+v", got)
	}
}

func TestAccounts(t *testing.T) {
	users := parsePasswd([]byte("root:x:0:0::/root:/bin/bash\nclaw:x:1000:1000:C:/home/claw:/bin/sh\nbad:x:y:z::/:/\n+::::::\nshort:x\n:x:5:5::/:/\n"))
	if len(users) != 2 || users[1].Name != "claw" || users[1].UID != 1000 || users[1].Home != "/home/claw" {
		t.Errorf("users are %+v", users)
	}
	states := parseShadow([]byte("a:$y$x:1\nb:!:1\nc:*:1\nd::1\ne:!$y$x:1\nf:<set>:1\nshort\n"))
	if want := map[string]string{"a": "set", "b": "locked", "c": "locked", "d": "none", "e": "locked", "f": "set"}; !reflect.DeepEqual(states, want) {
		t.Errorf("states are %v", states)
	}
	sessions := parseWho([]byte("claw     pts/0        2026-11-24 05:01 203.0.113.7\nroot     tty1         2026-11-23 22:00\nnobody ?\n"))
	if len(sessions) != 2 || sessions[0].From.String() != "203.0.113.7" || !sessions[0].Now || sessions[0].Time.Hour() != 5 || sessions[1].From.IsValid() {
		t.Errorf("sessions are %+v", sessions)
	}
}

func TestSudoers(t *testing.T) {
	rules, includes := parseSudoers([]byte(`# a comment
Defaults env_reset
User_Alias ADMINS = alice
root	ALL=(ALL:ALL) ALL
%sudo ALL=(ALL) NOPASSWD: /usr/bin/apt, \
    /usr/bin/systemctl # why
#1000 ALL=ALL
nothing here
@includedir /etc/sudoers.d
#include local
`), "/etc/sudoers")
	want := []SudoRule{
		{Who: "root", Commands: "(ALL:ALL) ALL", File: "/etc/sudoers"},
		{Who: "%sudo", NoPasswd: true, Commands: "(ALL) NOPASSWD: /usr/bin/apt, /usr/bin/systemctl", File: "/etc/sudoers"},
		{Who: "#1000", Commands: "ALL", File: "/etc/sudoers"},
	}
	if !reflect.DeepEqual(rules, want) {
		t.Errorf("rules are %+v", rules)
	}
	if got := fmt.Sprint(includes); got != "[{/etc/sudoers.d true} {/etc/local false}]" {
		t.Errorf("includes are %s", got)
	}
}

func TestCrontab(t *testing.T) {
	const table = "SHELL=/bin/sh\n# m h\n*/5 * * * * root  cd / && x\n@reboot claw /start it\n17 *\t* * *\troot\trun-parts\n* * * * *\n@daily\n"
	var got []string
	for _, j := range parseCrontab([]byte(table), FileInfo{Path: "/etc/crontab"}, "") {
		got = append(got, j.User+"|"+j.Schedule+"|"+j.Command)
	}
	want := "root|*/5 * * * *|cd / && x claw|@reboot|/start it root|17 * * * *|run-parts"
	if strings.Join(got, " ") != want {
		t.Errorf("got %s", strings.Join(got, " "))
	}
	if j := parseCrontab([]byte("0 1 * * * x y\n"), FileInfo{}, "claw"); len(j) != 1 || j[0].User != "claw" || j[0].Command != "x y" {
		t.Errorf("a user's own table is %+v", j)
	}
}

func TestUnits(t *testing.T) {
	units := parseUnits([]byte(`Id=a.service
LoadState=loaded
ActiveState=active
SubState=running
UnitFileState=enabled
FragmentPath=/lib/a
User=claw
ExecStart={ path=/bin/a ; argv[]=/bin/a --x y ; ignore_errors=no ; start_time=[n/a] }

Id=t.timer
ActiveState=active
Unit=a.service
TimersCalendar={ OnCalendar=*-*-* 06:00:00 ; next_elapse=n/a }
TimersCalendar={ OnCalendar=Sun 01:00 ; next_elapse=n/a }
TimersMonotonic={ OnBootUSec=15min ; next_elapse=1 }

junk
`))
	want := []Unit{
		{Name: "a.service", Load: "loaded", Active: "active", Sub: "running", Enabled: "enabled", Fragment: "/lib/a", User: "claw", Exec: "/bin/a --x y"},
		{Name: "t.timer", Active: "active", Schedule: "*-*-* 06:00:00; Sun 01:00; OnBootUSec=15min", Activates: "a.service"},
	}
	if !reflect.DeepEqual(units, want) {
		t.Errorf("units are %+v", units)
	}
}

func TestFail2banTimes(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"600": 10 * time.Minute, "10m": 10 * time.Minute, "1h 30m": 90 * time.Minute, "-1": -time.Second, "1d": 24 * time.Hour,
		"2 weeks": 14 * 24 * time.Hour, "": 0, "soon": 0, "5": 5 * time.Second,
	} {
		if got := fail2banTime(text); got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
}

func TestKernelVersions(t *testing.T) {
	order := []string{"5.10.0-9-amd64", "5.10.0-10-amd64", "6.1.0-28-amd64", "6.1.0-29-amd64", "6.12.3"}
	for i := range order[1:] {
		if compareVersions(order[i], order[i+1]) >= 0 {
			t.Errorf("%s is not older than %s", order[i], order[i+1])
		}
	}
}

func TestPendingSecurity(t *testing.T) {
	for notice, want := range map[string]int{
		"\n12 updates can be applied immediately.\n3 of these updates are standard security updates.\nTo see": 3,
		"\n1 update can be applied immediately.\n1 of these updates is a standard security update.\n":         1,
		"\n7 updates can be applied immediately.\n":                                                           0,
		"\n0 updates can be applied immediately.\n":                                                           0,
		"": -1,
	} {
		if got := pendingSecurity(notice); got != want {
			t.Errorf("%q: %d, want %d", notice, got, want)
		}
	}
}

func TestUnattendedReasons(t *testing.T) {
	for overlay, want := range map[string]string{
		"-- run apt-config dump --\nAPT::Periodic::Update-Package-Lists \"1\";\n":                                                                                                     "APT::Periodic::Unattended-Upgrade is not set",
		"-- run apt-config dump --\nAPT::Periodic::Update-Package-Lists \"1\";\nAPT::Periodic::Unattended-Upgrade \"1\";\nUnattended-Upgrade::Origins-Pattern:: \"origin=Debian\";\n": "no origin of unattended-upgrades is for security updates",
		"-- error stat /run/systemd/system --\nno idea\n":                                                                                                                             "whether apt-daily-upgrade.timer is active is not known",
		"-- absent stat /run/systemd/system --\n-- absent stat /etc/cron.daily/apt-compat --\n":                                                                                       "nothing starts it: systemd does not run, nor does cron",
	} {
		if u := readRecorded(t, "vps.txtar", overlay).Updates.Value; u.Unattended || u.UnattendedReason != want {
			t.Errorf("%s: %t, %q, want %q", overlay, u.Unattended, u.UnattendedReason, want)
		}
	}
}

func TestGitRemote(t *testing.T) {
	token := "ghp_" + strings.Repeat("x", 12)
	for config, want := range map[string]string{
		"[core]\n\turl = no\n[remote \"up\"]\n\turl = git@github.com:a/b.git\n":                           "git@github.com:a/b.git",
		"[remote \"up\"]\nurl=x\n[remote \"origin\"]\n url = https://me:" + token + "@github.com/a/b?x=1": "https://github.com/a/b",
		"[remote \"origin\"]\n\tfetch = +refs\n":                                                          "",
	} {
		if got := parseGitRemote([]byte(config)); got != want {
			t.Errorf("the remote is %q, want %q", got, want)
		}
	}
}

func TestSSHDTitle(t *testing.T) {
	for title, want := range map[string]string{
		"sshd: /usr/sbin/sshd -D -f /etc/other -o PermitRootLogin=no [listener] 0 of 10-100 startups": "true -f /etc/other -o PermitRootLogin=no",
		"sshd: /usr/sbin/sshd -D [listener] 1 of 10-100 startups":                                     "true ",
		"sshd: claw [priv]":   "false ",
		"sshd: claw@pts/0":    "false ",
		"/usr/sbin/sshd -p22": "true -p22",
	} {
		args := []string{title}
		if strings.HasPrefix(title, "/") {
			args = strings.Fields(title)
		}
		words, listener := sshdWords(args)
		options := ""
		if listener {
			options = strings.Join(sshdOptions(words), " ")
		}
		if got := fmt.Sprint(listener, " ", options); got != want {
			t.Errorf("%q: %q, want %q", title, got, want)
		}
	}
}
