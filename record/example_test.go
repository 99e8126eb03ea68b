package record_test

import (
	"bytes"
	"fmt"
	"time"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// What a recorder writes is read back in its order.
func Example() {
	var file bytes.Buffer
	rec := record.NewRecorder(&file)
	rec.Observe("replicas", steadystate.Observation{Span: steadystate.Instant(rec.Clock().Now()), Value: 3})
	rec.Note("the dashboard was %s", "red")
	if err := rec.Err(); err != nil {
		fmt.Println(err)
		return
	}
	for entry, err := range record.Read(&file) {
		switch {
		case err != nil:
			fmt.Println(err)
		case entry.Observations != nil:
			fmt.Println(entry.Observations.Signal, entry.Observations.List[0].Value)
		case entry.Note != "":
			fmt.Println(entry.Note)
		}
	}
	// Output:
	// replicas 3
	// the dashboard was red
}

// A history from elsewhere becomes a record with an [record.Encoder], and can
// then be judged as any other.
func ExampleEncoder() {
	var file bytes.Buffer
	encoder := record.NewEncoder(&file)
	list := []record.Entry{
		{Header: &record.Header{Format: record.Format, Version: record.Version, Run: "0123456789"}},
		{Plan: &record.Plan{Name: "last night", Settle: 2 * time.Second, Checks: []steadystate.Check{{
			Name: "is up", Signal: "up", Good: steadystate.AtLeast(1), Limits: steadystate.Limits("downtime <= 2s"),
		}}}},
		{Phase: record.PhaseInject},
	}
	for i := range 20 {
		at := time.Duration(i) * time.Second
		value := 1.0
		if i > 4 && i < 9 {
			value = 0
		}
		list = append(list, record.Entry{At: at, Observations: &record.Observations{Signal: "up", List: []steadystate.Observation{{Span: steadystate.Instant(at), Value: value}}}})
	}
	list = append(list, record.Entry{At: 20 * time.Second, End: &record.End{Reason: record.Completed}})
	for _, e := range list {
		if err := encoder.Encode(e); err != nil {
			fmt.Println(err)
			return
		}
	}
	result, err := judge.Judge(record.Read(&file), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(result.Verdict, "-", result.Reason)

	damaged := bytes.Replace(file.Bytes(), []byte(`"value":0`), []byte(`"value":1`), 1)
	_, err = judge.Judge(record.Read(bytes.NewReader(damaged)), nil)
	fmt.Println(err)
	// Output:
	// broken - is up: wanted downtime <= 2s, seen 3s to 5s; besides: no proof that the service was steady before the fault: the record has no settle phase
	// record, line 9: the checksum is wrong: this line was changed, or one before it was removed, moved or added
}
