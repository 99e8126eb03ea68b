package steadystate_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/steadystatetest"
)

func TestAValueKnownToItsBucket(t *testing.T) {
	inf := math.Inf(1)
	// The least value of the bucket that begins after 0.25.
	after := math.Nextafter(0.25, inf)
	for _, row := range []struct {
		sentence string
		bucket   steadystate.Bucket
		good     string
		want     steadystate.Verdict
	}{
		{"good: the whole bucket is within the limit", steadystate.Bucket{Low: 0.1, High: 0.25}, "<= 250ms", steadystate.Held},
		{"bad: none of it is", steadystate.Bucket{Low: after, High: 0.5}, "<= 250ms", steadystate.Broken},
		{"neither: the limit lies within", steadystate.Bucket{Low: after, High: 0.5}, "<= 300ms", steadystate.Unknown},
		{"neither: a strict limit at its upper end", steadystate.Bucket{Low: 0.1, High: 0.25}, "< 250ms", steadystate.Unknown},
		{"bad: a bucket without an upper end is above every limit below it", steadystate.Bucket{Low: 10, High: inf}, "<= 2s", steadystate.Broken},
		{"good: and above a floor", steadystate.Bucket{Low: 10, High: inf}, ">= 2", steadystate.Held},
		{"neither: the floor may be beyond what is known", steadystate.Bucket{Low: 10, High: inf}, ">= 20", steadystate.Unknown},
		{"neither: some value of it is equal", steadystate.Bucket{Low: 1, High: 3}, "== 2", steadystate.Unknown},
		{"bad: a bucket that is one value is that value", steadystate.Bucket{Low: 1, High: 1}, ">= 2", steadystate.Broken},
		{"bad: no bucket, and the value alone counts", steadystate.Bucket{}, "<= 250ms", steadystate.Broken},
	} {
		good := steadystate.MustParseTolerance(row.good)
		o := steadystate.Observation{Value: 0.3, Bucket: row.bucket}
		if o.Good(good) != (row.want == steadystate.Held) || o.Bad(good) != (row.want == steadystate.Broken) {
			t.Errorf("%s: %s is good %t, bad %t", row.sentence, o, o.Good(good), o.Bad(good))
		}
		if why := o.Undecided(good); (why != "") != (row.want == steadystate.Unknown) {
			t.Errorf("%s: undecided %q", row.sentence, why)
		}
	}
	o := steadystate.Observation{Value: 0.3, Bucket: steadystate.Bucket{Low: after, High: 0.5}}
	for _, row := range []struct {
		bucket     steadystate.Bucket
		good, want string
	}{
		{steadystate.Bucket{Low: after, High: 0.5}, "<= 300ms", "the limit <= 300ms lies within the bounds of the value: 250ms to 500ms"},
		{steadystate.Bucket{Low: 0, High: 0.002}, "< 0.1%", "the limit < 0.1% lies within the bounds of the value: 0% to 0.2%"},
		{steadystate.Bucket{Low: 10, High: inf}, ">= 20", "the limit >= 20 lies within the bounds of the value: at least 10"},
		{steadystate.Bucket{Low: -inf, High: 3}, "<= 2", "the limit <= 2 lies within the bounds of the value: at most 3"},
		{steadystate.Bucket{Low: -inf, High: inf}, "<= 2", "the limit <= 2 lies within the bounds of the value: anything"},
	} {
		o := steadystate.Observation{Value: 0.3, Bucket: row.bucket}
		if got := o.Undecided(steadystate.MustParseTolerance(row.good)); got != row.want {
			t.Errorf("undecided: %q, want %q", got, row.want)
		}
	}
	if got, want := o.String(), "within 0.25..0.5 at 0.000s"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	o.Failed = "503"
	if good := steadystate.AtMost(1); o.Good(good) || !o.Bad(good) || o.Undecided(good) != "" {
		t.Error("what failed is bad, whatever its bucket")
	}
	o.Unknown = "away"
	if good := steadystate.AtMost(1); o.Good(good) || o.Bad(good) || o.Undecided(good) != "away" {
		t.Error("what is unknown is neither, for its own reason")
	}
}

// What is missing of a partial value lasted less than the signal's resolution, so
// it is good if its value is; but its figures are those of all that it may be.
func TestAPartialValue(t *testing.T) {
	inf := math.Inf(1)
	for _, row := range []struct {
		sentence string
		value    float64
		bucket   steadystate.Bucket
		want     steadystate.Verdict
	}{
		{"good as far as it was seen", 0, steadystate.Bucket{Low: -inf, High: inf}, steadystate.Held},
		{"bad as far as it was seen, and perhaps not", 3, steadystate.Bucket{Low: -inf, High: inf}, steadystate.Unknown},
		{"bad, and what was not seen makes it worse", 3, steadystate.Bucket{Low: 3, High: inf}, steadystate.Broken},
	} {
		good := steadystate.MustParseTolerance("<= 1")
		o := steadystate.Observation{Value: row.value, Bucket: row.bucket, Partial: "pod a died"}
		if o.Good(good) != (row.want == steadystate.Held) || o.Bad(good) != (row.want == steadystate.Broken) {
			t.Errorf("%s: good %t, bad %t", row.sentence, o.Good(good), o.Bad(good))
		}
		if why := o.Undecided(good); (why == "pod a died") != (row.want == steadystate.Unknown) {
			t.Errorf("%s: undecided %q", row.sentence, why)
		}
		window := steadystate.Span{To: 1}
		figures := steadystatetest.Fold([]steadystate.Observation{o}, good, steadystate.Rule{}, window, window).Figures()[0]
		for _, limit := range []string{"max <= 1", "mean <= 1", "p50 <= 1"} {
			if r := steadystate.MustParseLimit(limit).Judge(figures); r.Verdict == steadystate.Held {
				t.Errorf("%s: %s is held: %s", row.sentence, limit, r.Text)
			}
		}
	}
	figures := steadystatetest.Fold([]steadystate.Observation{{Bucket: steadystate.Bucket{Low: -inf, High: inf}, Partial: "pod a died"}},
		steadystate.AtMost(1), steadystate.Rule{}, steadystate.Span{To: 1}, steadystate.Span{To: 1}).Figures()[0]
	if got, want := steadystate.MustParseLimit("max <= 1").Judge(figures).Undecided, "the observed value (anything) is incomplete: pod a died"; got != want {
		t.Errorf("undecided: %q, want %q", got, want)
	}
}

func TestABucketThroughJSON(t *testing.T) {
	for _, row := range []struct {
		sentence string
		bucket   steadystate.Bucket
		want     string
	}{
		{"none is left out, as in records from before there were any", steadystate.Bucket{}, `{"from":0,"to":0,"value":1}`},
		{"its ends are text", steadystate.Bucket{Low: 0.25, High: 0.5}, `{"from":0,"to":0,"value":1,"bucket":"0.25..0.5"}`},
		{"so that they may be infinite", steadystate.Bucket{Low: math.Inf(-1), High: math.Inf(1)}, `{"from":0,"to":0,"value":1,"bucket":"-Inf..+Inf"}`},
		{"and are exact", steadystate.Bucket{Low: math.Nextafter(0.25, 1), High: 1}, `{"from":0,"to":0,"value":1,"bucket":"0.25000000000000006..1"}`},
	} {
		o := steadystate.Observation{Value: 1, Bucket: row.bucket}
		text, err := json.Marshal(o)
		if err != nil || string(text) != row.want {
			t.Errorf("%s: %s, %v, want %s", row.sentence, text, err, row.want)
		}
		var back steadystate.Observation
		if err := json.Unmarshal(text, &back); err != nil || back != o {
			t.Errorf("%s: reads back as %+v, %v", row.sentence, back, err)
		}
	}
	for sentence, text := range map[string]string{
		"one end":             "1",
		"the wrong way round": "2..1",
		"no number":           "a..b",
		"not a number":        "NaN..1",
	} {
		var b steadystate.Bucket
		if err := b.UnmarshalText([]byte(text)); err == nil || !strings.Contains(err.Error(), "want LOW..HIGH") {
			t.Errorf("%s: %q reads as %s, error %v", sentence, text, b, err)
		}
	}
	var b steadystate.Bucket
	if err := b.UnmarshalText(nil); err != nil || b.IsSet() {
		t.Errorf("empty text: %s, %v, want no bucket", b, err)
	}
}
