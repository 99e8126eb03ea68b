package steadystate

import "fmt"

// A Verdict is the outcome of a claim. The zero value is Unknown: a claim that
// was not judged never passes.
type Verdict uint8

// The three verdicts. Worst prefers Broken to Unknown, since one broken claim
// settles the matter, and Unknown to Held.
const (
	Unknown Verdict = iota
	Held
	Broken
)

var verdictNames = [...]string{Unknown: "unknown", Held: "held", Broken: "broken"}

// String is "unknown", "held" or "broken".
func (v Verdict) String() string {
	if int(v) < len(verdictNames) {
		return verdictNames[v]
	}
	return fmt.Sprintf("Verdict(%d)", uint8(v))
}

// GomegaString is the name of the verdict, for the messages of Gomega's matchers.
func (v Verdict) GomegaString() string { return v.String() }

// MarshalText writes the verdict's name.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads a verdict's name.
func (v *Verdict) UnmarshalText(text []byte) error {
	for i, name := range verdictNames {
		if string(text) == name {
			*v = Verdict(i)
			return nil
		}
	}
	return fmt.Errorf("verdict %q: want unknown, held or broken", text)
}

// Worst is Broken if any is broken, else Unknown if any is unknown or the list
// is empty, else Held.
func Worst(verdicts ...Verdict) Verdict {
	worst := Unknown
	if len(verdicts) > 0 {
		worst = Held
	}
	for _, v := range verdicts {
		switch {
		case v == Broken:
			return Broken
		case v != Held:
			worst = Unknown
		}
	}
	return worst
}
