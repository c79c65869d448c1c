package main

import (
	"errors"

	"github.com/spf13/cobra"
)

func cloudInit(*cobra.Command, hardenFlags) error { return errors.New("not yet") }
