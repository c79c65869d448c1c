package state

import (
	"fmt"
	"os"
	"syscall"
)

// BecomeOwner makes root the owner of the directory, for good and in all
// threads. A command that needs nothing but the state runs as its owner: whatever
// a doors process that was taken over put there then leads nowhere where it
// could not go itself. For anyone else it does nothing.
func (d *Dir) BecomeOwner() error {
	if os.Geteuid() != 0 || d.uid == 0 {
		return nil
	}
	for _, step := range []func() error{
		func() error { return syscall.Setgroups([]int{}) },
		func() error { return syscall.Setresgid(d.gid, d.gid, d.gid) },
		func() error { return syscall.Setresuid(d.uid, d.uid, d.uid) },
	} {
		if err := step(); err != nil {
			return fmt.Errorf("becoming %s, who owns %s: %w", userName(d.uid), d.path, err)
		}
	}
	return nil
}
