package record

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/aftershockhq/aftershock/steadystate"
)

// Sealed is a record of these JSON objects, each with its checksum: what an
// [Encoder] writes, and what it never would.
func Sealed(objects ...string) []byte {
	var lines []byte
	var sum uint32
	for _, text := range objects {
		var line []byte
		line, sum = seal([]byte(text), sum)
		lines = append(lines, line...)
	}
	return lines
}

const header = `{"at":0,"header":{"format":"aftershock/record","version":2,"run":"r","started":"2026-01-01T00:00:00Z"}}`

// R15: fields of which this version knows nothing may say anything.
func TestUnknownFieldsAreRefused(t *testing.T) {
	for _, row := range []struct{ sentence, object, want string }{
		{"of an entry", `{"at":0,"planV2":{}}`, `unknown field "planV2"`},
		{"of a header", `{"at":0,"header":{"format":"aftershock/record","version":2,"zone":"x"}}`, `unknown field "zone"`},
		{"of a plan", `{"at":0,"plan":{"name":"x","checksV2":[]}}`, `unknown field "checksV2"`},
		{"of a check", `{"at":0,"plan":{"checks":[{"name":"x","signal":"y","good":"<= 1s","unless":"z"}]}}`, `unknown field "unless"`},
		{"of a stage", `{"at":0,"plan":{"stages":{"requests":[{"rate":1,"jitter":2}]}}}`, `unknown field "jitter"`},
		{"of an observation", `{"at":0,"observations":{"signal":"up","list":[{"from":0,"to":1,"value":1,"doubt":1}]}}`, `unknown field "doubt"`},
		{"of an event", `{"at":0,"event":{"kind":"gone","subject":"a","cause":"b"}}`, `unknown field "cause"`},
		{"of an injection", `{"at":0,"injection":{"fault":"kill","share":1}}`, `unknown field "share"`},
		{"of an effect", `{"at":0,"injection":{"fault":"kill","effects":[{"events":"gone"}]}}`, `unknown field "events"`},
		{"of a removal", `{"at":0,"removal":{"fault":"kill","by":"x"}}`, `unknown field "by"`},
		{"of an end", `{"at":0,"end":{"reason":"completed","code":1}}`, `unknown field "code"`},
		{"of a block of requests", `{"at":0,"requests":{"signal":"requests","n":0,"weights":[1]}}`, `unknown field "weights"`},
		{"of an outcome", `{"at":0,"requests":{"signal":"requests","n":0,"outcomes":[{"code":200,"grade":1}]}}`, `unknown field "grade"`},
		{"a value after the entry", `{"at":0}{"at":1}`, "more than one value"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			objects := []string{header, `{"at":0,"note":"fine"}`, row.object}
			var last error
			n := 0
			for _, err := range Read(bytes.NewReader(Sealed(objects...))) {
				if last = err; err == nil {
					n++
				}
			}
			if n != 2 || last == nil || !strings.Contains(last.Error(), "record, line 3: ") || !strings.Contains(last.Error(), row.want) {
				t.Errorf("%d entries, error %v; want 2, and one of line 3 with %q", n, last, row.want)
			}
		})
	}
}

func TestAnotherVersionIsRefusedInASentence(t *testing.T) {
	for _, row := range []struct{ sentence, text, want string }{
		{
			"of the release before, without checksums", `{"at":0,"header":{"format":"aftershock/record","version":1,"run":"r"}}` + "\n" + `{"at":0,"plan":{}}` + "\n",
			"record version 1: this program reads version 2; judge it with the release that recorded it, or run the experiment again",
		},
		{"of a later one, whatever its lines look like", `{"header":{"format":"aftershock/record","version":3},"crc":"x"}` + "\n", "record version 3: this program reads version 2"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			for _, err := range Read(strings.NewReader(row.text)) {
				if err == nil || !strings.HasPrefix(err.Error(), row.want) {
					t.Errorf("error %v, want %q", err, row.want)
				}
			}
		})
	}
}

// A block that claims fewer requests than it holds.
func TestABlockHoldsWhatItSays(t *testing.T) {
	text, err := Requests{List: []Request{{Seq: 1}, {Seq: 2}}}.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	var block Requests
	if err := block.UnmarshalJSON(bytes.Replace(text, []byte(`"n":2`), []byte(`"n":1`), 1)); err == nil || !strings.Contains(err.Error(), "holds more than 1 requests") {
		t.Errorf("%d requests, error %v", len(block.List), err)
	}
}

// reluctant writes everything, and says that it should be the last.
type reluctant struct{ bytes.Buffer }

var errLast = errors.New("the disk is full")

func (r *reluctant) Write(p []byte) (int, error) {
	n, _ := r.Buffer.Write(p)
	return n, errLast
}

// The error of a line that was written whole ends the run, and not the record.
func TestARecordGoesOnAfterALineThatWasWritten(t *testing.T) {
	var out reluctant
	rec := NewRecorder(&out)
	if err := rec.Begin(&Plan{Name: "a", Checks: []steadystate.Check{{Name: "answers", Signal: "requests", Good: steadystate.AtLeast(1)}}}); !errors.Is(err, errLast) {
		t.Errorf("error %v, want the disk's", err)
	}
	rec.Record(Entry{End: &End{Reason: Failed, Detail: "the disk is full"}})
	var last Entry
	for e, err := range Read(&out.Buffer) {
		if err != nil {
			t.Fatal(err)
		}
		last = e
	}
	if last.End == nil || last.End.Detail != "the disk is full" {
		t.Errorf("the record ends with %+v", last)
	}
}
