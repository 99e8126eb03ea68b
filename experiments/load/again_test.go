package load

import (
	"strings"
	"testing"

	"github.com/aftershockhq/aftershock/record"
)

// A preflight tells what the service did, if any try showed it.
func TestATryThatThisMachineSpoiledHidesNoOther(t *testing.T) {
	missing, late, good := record.Outcome{Code: 404}, record.Outcome{Error: record.TimedOut}, record.Outcome{Code: 200}
	spoiled, local := record.Request{Stalled: 7, Outcome: late}, record.Request{Outcome: record.Outcome{Error: "too many open files", Local: true}}
	seen := func(o record.Outcome) record.Request { return record.Request{Outcome: o} }
	for _, row := range []struct {
		name  string
		tries []record.Request
		want  string // in the reason and the advice; empty: the last is good
	}{
		{"a time-out, then a stall", []record.Request{seen(late), spoiled, spoiled}, record.TimedOut + ": check that the address can be reached"},
		{"another failure, then no handle", []record.Request{seen(missing), local}, "404: check the URL's path"},
		{"a stall, then a time-out", []record.Request{spoiled, seen(late)}, record.TimedOut + ": check that the address can be reached"},
		{"the last failure of two", []record.Request{seen(missing), seen(late), local}, record.TimedOut + ": "},
		{"only stalls", []record.Request{spoiled, spoiled}, "the load stood still for 7ns when the answer was due: this machine spoiled each try"},
		{"a good answer after both", []record.Request{seen(missing), spoiled, seen(good)}, ""},
	} {
		var known trial
		for _, q := range row.tries {
			known.again(q, "")
		}
		if known.bad() != (row.want != "") || !strings.HasPrefix(known.reason()+": "+known.advice(false), row.want) {
			t.Errorf("%s: %s: %s; want %q", row.name, known.reason(), known.advice(false), row.want)
		}
	}
}
