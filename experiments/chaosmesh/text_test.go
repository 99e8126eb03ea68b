package chaosmesh_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/aftershockhq/aftershock/experiments/chaosmesh"
	"github.com/aftershockhq/aftershock/record"
)

func TestTheTextOfAShare(t *testing.T) {
	for text, want := range map[string]chaosmesh.Share{"5%": 5 * chaosmesh.Percent, "0.1%": 0.001, "100%": 1, "0%": 0, "12.50%": 0.125} {
		var s chaosmesh.Share
		if err := s.UnmarshalText([]byte(text)); err != nil || s != want {
			t.Errorf("%q: %v, %v, want %v", text, s, err, want)
		}
	}
	const choices = `: write it as a share, as in "5%"`
	for text, want := range map[string]string{
		"":       `""` + choices,
		"5":      `"5": write it as a share, as in "5%"`,
		"80":     `"80": write it as a share, as in "80%"`,
		"0":      `"0"` + choices,
		"101":    `"101"` + choices,
		"0.05":   `"0.05": write it as a share, as in "0.05%"; the fraction of this value would be "5%"`,
		"some%":  `"some%"` + choices,
		"5 %":    choices,
		"%":      choices,
		"0x5p0%": choices,
		"NaN%":   "a share is from 0% to 100%",
		"Inf%":   "a share is from 0% to 100%",
		"-1%":    "a share is from 0% to 100%",
		"101%":   `"101%": a share is from 0% to 100%`,
	} {
		s := chaosmesh.Percent
		if err := s.UnmarshalText([]byte(text)); err == nil || s != chaosmesh.Percent || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, error %v, want one with %q", text, s, err, want)
		}
	}
}

// What is read is what is told of it, so that no share is injected that is not in
// the report.
func FuzzShare(f *testing.F) {
	for _, text := range []string{"5%", "0.1%", "33.333333333333336%", "1e-12%", "99.9999999999%", "5"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var s, back chaosmesh.Share
		if s.UnmarshalText([]byte(text)) != nil {
			return
		}
		told, _ := s.MarshalText()
		if err := back.UnmarshalText(told); err != nil || back != s {
			t.Errorf("%q is %v, told as %q, which is %v, %v", text, float64(s), told, float64(back), err)
		}
	})
}

func TestTheTextOfADirection(t *testing.T) {
	for _, want := range []chaosmesh.Direction{chaosmesh.Both, chaosmesh.Egress, chaosmesh.Ingress} {
		var d chaosmesh.Direction
		if err := d.UnmarshalText([]byte(want)); err != nil || d != want {
			t.Errorf("%q: %q, %v", want, d, err)
		}
	}
	for _, text := range []string{"", "to", "Both"} {
		var d chaosmesh.Direction
		if err := d.UnmarshalText([]byte(text)); err == nil || d != "" || !strings.Contains(err.Error(), "directions: both, egress, ingress") {
			t.Errorf("%q: %q, error %v, want one with the directions", text, d, err)
		}
	}
}

// Each field is named in the file as in code, but for which pods are hit, and for
// what must be seen, which faults of every kind say in one way.
func TestTheFieldsOfFaultsHaveNames(t *testing.T) {
	other := map[string]string{"Pods": "-", "To": "-", "Count": "pods", "On": "-", "Times": "-", "Effects": "-"}
	values := []any{record.Effect{}}
	for _, spec := range every() {
		values = append(values, spec)
	}
	for _, value := range values {
		for f := range reflect.TypeOf(value).Fields() {
			want, ok := other[f.Name]
			if !ok {
				want = strings.ToLower(f.Name[:1]) + f.Name[1:]
			}
			if got := f.Tag.Get("yaml"); got != want {
				t.Errorf("%T.%s is %q, want %q", value, f.Name, got, want)
			}
		}
	}
}
