package gate

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/record/recordtest"
	"github.com/aftershockhq/aftershock/runs"
	"github.com/aftershockhq/aftershock/runs/audit"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A writer's runs are records as text: of each experiment that it has.
type writer struct {
	scripted
	records map[string]string
}

func (w writer) Run(_ context.Context, build Ask, directory *runs.Directory) error {
	chain := audit.Chain{Dir: filepath.Dir(directory.Path)}
	for id, text := range w.records {
		path := directory.RecordPath(id)
		out, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
		if err != nil {
			return err
		}
		err = chain.Begin(out, "test")
		encoder := record.NewEncoder(out)
		for _, e := range recordtest.Entries(&record.Plan{Name: id, Hash: "abc", Settle: time.Second, Checks: []steadystate.Check{{
			Name: "up", Signal: "up", Good: steadystate.AtLeast(1), Limits: steadystate.Limits("downtime <= 5s"),
		}}}, text) {
			if e.Header != nil {
				e.Header.Started = time.Now().UTC()
			}
			err = errors.Join(err, encoder.Encode(e))
			if e.Plan != nil {
				err = errors.Join(err, encoder.Encode(record.Entry{Environment: map[string]string{"file.sha256": build.File}}))
			}
		}
		head, errFinish := chain.Finish(out, "test")
		directory.Head = head
		if err = errors.Join(err, errFinish, out.Close()); err != nil {
			return err
		}
	}
	return nil
}

// What each record shows, whatever its machine.
func TestWhatRecordsShow(t *testing.T) {
	const good, bad = "0 phase settle\n0 see up ++++++++++\n10 phase inject\n10 see up ++++++++++++++++++++\n30 end", "0 phase settle\n0 see up ++++++++++\n10 phase inject\n10 see up +----------++++++++++\n31 end"
	const one, two = "checkout/pods/kill-one", "checkout/network/delay"
	for _, test := range []struct {
		sentence string
		records  map[string]string
		state    State
		why      string
	}{
		{"a limit is broken", map[string]string{one: bad, two: good}, Broken, one + ": "},
		{"a broken limit is broken though another record is missing", map[string]string{two: bad}, Broken, two + ": "},
		{"nothing was injected", map[string]string{one: good, two: good}, Unknown, "nothing was injected"},
		{"a record is missing", map[string]string{one: good}, Unknown, ""},
		{"there is one too many", map[string]string{one: bad, two: bad, "checkout/storm": good}, Unknown, "nobody asked for this experiment"},
		{"there is none", nil, Unknown, "no run completed a record"},
	} {
		c := serve(t, &Server{Dir: t.TempDir(), Runner: writer{records: test.records}})
		body := strings.Replace(flagger("checkout:1"), one, one+", "+two, 1)
		if status, text := c.do("POST", "/flagger/confirm-promotion", body); status != 409 {
			t.Errorf("%s: the first answer is %d %q", test.sentence, status, text)
		}
		if a := c.until("checkout:1", test.state); !strings.Contains(a.Why, test.why) {
			t.Errorf("%s: %s: %s; want %q", test.sentence, a.State, a.Why, test.why)
		}
		if status, text := c.do("POST", "/flagger/confirm-promotion", body); status != 409 || !strings.HasPrefix(text, string(test.state)+": ") {
			t.Errorf("%s: promotion: %d %q, want 409", test.sentence, status, text)
		}
		want := 409
		if test.state == Broken {
			want = 200
		}
		if status, text := c.do("POST", "/flagger/rollback", flagger("checkout:1")); status != want {
			t.Errorf("%s: rollback: %d %q, want %d", test.sentence, status, text, want)
		}
		if err := c.end(); err != nil {
			t.Error(err)
		}
	}
}
