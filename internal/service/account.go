package service

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"os/user"
	"strconv"
)

// Account is the system user that the doors run as when root starts them: it
// owns keys, record and policy, and may do nothing else.
const Account = "seawall"

// ensureAccount returns the account's ids, and makes the account when this
// machine has none. made tells that it did.
func ensureAccount(ctx context.Context) (uid, gid int, made bool, err error) {
	u, err := user.Lookup(Account)
	if unknown := user.UnknownUserError(""); errors.As(err, &unknown) {
		if err := addAccount(ctx); err != nil {
			return 0, 0, false, err
		}
		made = true
		u, err = user.Lookup(Account)
	}
	if err != nil {
		return 0, 0, made, fmt.Errorf("looking up the user %q: %w", Account, err)
	}
	uid, err = strconv.Atoi(u.Uid)
	if err == nil {
		gid, err = strconv.Atoi(u.Gid)
	}
	if err == nil && uid == 0 {
		err = errors.New("it has uid 0; remove that account, the doors must not run as root")
	}
	if err != nil {
		return 0, 0, made, fmt.Errorf("the user %q cannot run the doors: %w", Account, err)
	}
	return uid, gid, made, nil
}

// MakeAccount returns the account's ids, and makes the account when this machine
// has none.
func MakeAccount(ctx context.Context) (uid, gid int, err error) {
	uid, gid, _, err = ensureAccount(ctx)
	return uid, gid, err
}

// comment marks an account that Seawall made.
const comment = "Seawall's doors"

// OwnAccount reports whether this machine has the account and Seawall made it.
func OwnAccount() bool {
	u, err := user.Lookup(Account)
	return err == nil && u.Name == comment
}

func addAccount(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, "useradd", "--system", "--user-group", "--no-create-home",
		"--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", "--comment", comment, Account)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("making the system user %q that runs the doors: %w %s; make it by hand (useradd --system %s) and start again",
			Account, err, bytes.TrimSpace(complaint.Bytes()), Account)
	}
	return nil
}
