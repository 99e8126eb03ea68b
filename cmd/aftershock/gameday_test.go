package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// gamedayFile writes a configuration with game days beside what the tests name.
func gamedayFile(t *testing.T, days string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "aftershock.yaml")
	text := `apiVersion: aftershock/v1
cluster: {uid: 0b1c}
allow: {namespaces: [shop]}
services:
  checkout: {namespace: shop, workload: deployment/checkout, load: {url: "http://127.0.0.1:8080/"}, suites: [pods/kill-one]}
` + days
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const twoDays = `gamedays:
  storm: {why: does it hold, owner: ann, start: "0 10 * * TUE", timezone: Europe/Berlin, steps: [{run: checkout}]}
  calm: {why: is it quiet, owner: ben, steps: [{pause: listen}]}
`

func TestAPlanOfGameDays(t *testing.T) {
	days, none := gamedayFile(t, twoDays), gamedayFile(t, "")
	for _, row := range []struct {
		sentence string
		args     []string
		exit     int
		want     string
	}{
		{"all of them, in the order of the file", []string{"plan", "-f", days, "--after", "2026-12-20T00:00:00+01:00"}, exitHeld, "game day storm: does it hold\n  owner    ann\n"},
		{"with the next starts", []string{"plan", "-f", days, "--after", "2026-12-20T00:00:00+01:00", "storm"}, exitHeld, "Tue 2027-01-19 10:00 CET = Tue 2027-01-19 09:00 UTC\n"},
		{"one that there is not", []string{"plan", "-f", days, "strom"}, exitUsage, `no game day "strom"; game days: storm, calm; did you mean "storm"?`},
		{"of a file without any", []string{"plan", "-f", none}, exitUsage, "has no game day: write one into gamedays"},
		{"after no time", []string{"plan", "-f", days, "--after", "tomorrow"}, exitUsage, `--after "tomorrow": want a time with its offset`},
		{"no command", nil, exitUsage, "no command given"},
		{"a mistyped command", []string{"paln"}, exitUsage, `unknown command "paln"; "aftershock gameday --help" lists the commands; did you mean "plan"?`},
	} {
		var out bytes.Buffer
		if code := execute(t.Context(), append([]string{"gameday"}, row.args...), &out, &out); code != row.exit || !strings.Contains(out.String(), row.want) {
			t.Errorf("%s: exit code %d, want %d with %q:\n%s", row.sentence, code, row.exit, row.want, out.String())
		}
	}
}
