package main

import (
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/openseawall/seawall/internal/posture"
	"github.com/openseawall/seawall/internal/posture/harden"
)

// cloudInit prints user-data for a machine that does not exist yet.
func cloudInit(cmd *cobra.Command, f hardenFlags) error {
	if _, err := readProfile(f.profile); err != nil {
		return err
	}
	u := harden.UserData{Program: f.cloudInit, SHA256: f.sha256, Profile: f.profile}
	if !slices.Contains(posture.Profiles, f.profile) {
		text, err := os.ReadFile(f.profile)
		if err != nil {
			return fmt.Errorf("--profile: %w", err)
		}
		u.ProfileText = string(text)
	}
	for _, p := range f.close {
		u.Flags = append(u.Flags, "--close", p)
	}
	for _, id := range f.only {
		u.Flags = append(u.Flags, "--only", id)
	}
	text, err := harden.CloudInit(u)
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(cmd.OutOrStdout(), text)
	return err
}
