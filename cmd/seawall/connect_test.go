package main

import (
	"testing"

	"github.com/openseawall/seawall/internal/openclaw"
)

// TestRestartCommand names the user and the systemd that an OpenClaw belongs to.
func TestRestartCommand(t *testing.T) {
	for _, c := range []struct {
		in   openclaw.Install
		want string
	}{
		{openclaw.Install{Owner: "root"}, "openclaw gateway restart"},
		{openclaw.Install{}, "openclaw gateway restart"},
		{openclaw.Install{Owner: "openclaw"}, "sudo -H -u openclaw openclaw gateway restart"},
		{openclaw.Install{Owner: "openclaw", Unit: "openclaw-gateway.service"}, "systemctl restart openclaw-gateway.service"},
		{openclaw.Install{Owner: "ada", Unit: "user@1000.service/openclaw-gateway.service"}, "systemctl --user --machine=ada@ restart openclaw-gateway.service"},
		{openclaw.Install{Owner: "root", Unit: "user@0.service/openclaw-gateway.service"}, "openclaw gateway restart"},
		{openclaw.Install{Owner: "ada", Unit: "user@1000.service"}, "sudo -H -u ada openclaw gateway restart"},
		{openclaw.Install{Owner: "node", Container: "claw"}, "docker restart claw"},
	} {
		if got := restartCommand(c.in, "root"); got != c.want {
			t.Errorf("%+v: %s", c.in, got)
		}
	}
}
