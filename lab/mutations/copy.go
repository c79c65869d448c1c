package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/tools/txtar"
)

// copied writes a recorded machine into a folder: its files with their modes and
// owners, and in place of each command that was asked one that gives the
// recorded answer. What programs read there is the machine, mutation and all.
func copied(dir string, archives ...[]byte) error {
	var files []txtar.File
	for _, a := range archives {
		files = append(files, txtar.Parse(bytes.ReplaceAll(a, []byte("@FAKE_KEY@"), []byte(fakeKey()))).Files...)
	}
	for _, f := range files {
		name := asked(f.Name)
		switch {
		case strings.HasPrefix(name, "absent file "):
			if err := os.RemoveAll(filepath.Join(dir, strings.TrimPrefix(name, "absent file "))); err != nil {
				return err
			}
		case strings.HasPrefix(name, "file /") && !strings.HasPrefix(name, "file /proc/") && !strings.HasPrefix(name, "file /usr/"):
			if err := place(dir, strings.TrimPrefix(name, "file "), f, false); err != nil {
				return err
			}
		case strings.HasPrefix(name, "dir /") && name != "dir /":
			if err := place(dir, strings.TrimPrefix(name, "dir "), f, true); err != nil {
				return err
			}
		}
	}
	return shims(dir, files)
}

var (
	modeOf  = regexp.MustCompile(` mode=[a-z]?(\d+)`)
	ownerOf = regexp.MustCompile(` owner=(\d+):(\d+)`)
)

func place(dir, name string, f txtar.File, folder bool) error {
	at := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		return err
	}
	if folder {
		if err := os.MkdirAll(at, 0o755); err != nil {
			return err
		}
	} else if err := os.WriteFile(at, f.Data, 0o600); err != nil {
		return err
	}
	if m := ownerOf.FindStringSubmatch(f.Name); m != nil {
		uid, _ := strconv.Atoi(m[1])
		gid, _ := strconv.Atoi(m[2])
		if err := os.Chown(at, uid, gid); err != nil {
			return err
		}
	}
	if m := modeOf.FindStringSubmatch(f.Name); m != nil {
		bits, err := strconv.ParseUint(m[1], 8, 12)
		if err != nil {
			return err
		}
		mode := os.FileMode(bits & 0o777)
		if bits&0o1000 != 0 {
			mode |= os.ModeSticky
		}
		return os.Chmod(at, mode)
	}
	return nil
}

// shims answer as the recorded machine: sshd -T, nft list ruleset, sysctl.
func shims(dir string, files []txtar.File) error {
	sysctl := map[string]string{}
	last := map[string][]byte{} // question to answer: the last one wins
	for _, f := range files {
		name := asked(f.Name)
		if key, ok := strings.CutPrefix(name, "file /proc/sys/"); ok {
			sysctl[strings.ReplaceAll(key, "/", ".")] = strings.TrimSpace(string(f.Data))
		}
		if strings.HasPrefix(name, "run ") {
			last[name] = f.Data
		}
	}
	var table strings.Builder
	for _, key := range sorted(sysctl) {
		fmt.Fprintf(&table, "%s = %s\n", key, sysctl[key])
	}
	scripts := map[string]string{
		"/usr/sbin/sysctl":    "for a; do last=$a; done\ncase \"$*\" in *-a*) cat /lab/sysctl;; *) sed -n \"s/^$last = //p\" /lab/sysctl;; esac\n",
		"/usr/sbin/sshd":      "case \"$*\" in *-T*) cat /lab/sshd;; *) echo 'debug1: sshd version OpenSSH_9.2, OpenSSL 3.0.17' >&2;; esac\n",
		"/usr/sbin/nft":       "cat /lab/nft\n",
		"/usr/bin/dpkg-query": "awk -F'\\t' '{print $2}' /lab/dpkg\n",
		"/usr/bin/systemctl":  "cat /lab/units\n",
	}
	texts := map[string][]byte{
		"sysctl": []byte(table.String()), "sshd": last["run sshd -T"], "nft": last["run nft -a list ruleset"],
		"dpkg": last[dpkgList], "units": last[showUnits],
	}
	if err := os.MkdirAll(filepath.Join(dir, "lab"), 0o755); err != nil {
		return err
	}
	for name, text := range texts {
		if err := os.WriteFile(filepath.Join(dir, "lab", name), text, 0o644); err != nil {
			return err
		}
	}
	for name, text := range scripts {
		at := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			return err
		}
		_ = os.Remove(at)
		if err := os.WriteFile(at, []byte("#!/bin/sh\n"+text), 0o755); err != nil {
			return err
		}
	}
	return nil
}
