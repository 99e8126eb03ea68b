package main

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		says, line string
		want       options
		wrong      string
	}{
		{"a network", "-n /proc/4/ns/net -- tc qdisc", options{net: "/proc/4/ns/net", command: []string{"tc", "qdisc"}}, ""},
		{"several, in any order", "-m /m -p /p -i /i -- sh -c x", options{mount: "/m", pid: "/p", ipc: "/i", command: []string{"sh", "-c", "x"}}, ""},
		{"the command's arguments are its own", "-p /p -- sh -n -- x", options{pid: "/p", command: []string{"sh", "-n", "--", "x"}}, ""},
		{"the command of this mount namespace, where it is joined by nobody", "-l -n /n -p /p -- tproxy", options{net: "/n", pid: "/p", command: []string{"tproxy"}}, ""},
		{"the command of this mount namespace in another", "-l -m /m -- toda", options{}, "only IOChaos needs that"},
		{"a namespace there is none of", "-u /u -- sh", options{}, `unknown argument "-u"`},
		{"no file", "-n -- sh", options{}, "-n names no file"},
		{"no command", "-n /n --", options{}, "no command"},
		{"no dashes", "-n /n", options{}, "no command"},
		{"nothing", "", options{}, "wrong usage"},
	} {
		t.Run(c.says, func(t *testing.T) {
			got, err := parse(strings.Fields(c.line))
			if c.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), c.wrong) {
					t.Errorf("%v, want %q", err, c.wrong)
				}
				return
			}
			if err != nil || got.net != c.want.net || got.pid != c.want.pid || got.mount != c.want.mount || got.ipc != c.want.ipc ||
				strings.Join(got.command, " ") != strings.Join(c.want.command, " ") {
				t.Errorf("%+v, %v, want %+v", got, err, c.want)
			}
			again, err := parse(got.arguments())
			if got.pid = ""; err != nil || strings.Join(again.arguments(), " ") != strings.Join(got.arguments(), " ") {
				t.Errorf("arguments %q are read as %+v, %v", got.arguments(), again, err)
			}
		})
	}
}
