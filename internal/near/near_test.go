package near

import "testing"

func TestMeant(t *testing.T) {
	for _, row := range []struct{ sentence, name, want string }{
		{"a letter too few at the end", "answes", `; did you mean "answers"?`},
		{"a letter too few", "sevices", `; did you mean "services"?`},
		{"upper case", "Whole", `; did you mean "whole"?`},
		{"the most similar of several", "checkout/pods/kill-on", `; did you mean "checkout/pods/kill-one"?`},
		{"nothing is like it", "xyz", ""},
		{"nothing at all", "", ""},
		{"one that is there", "whole", ""},
	} {
		if got := Meant(row.name, []string{"answers", "whole", "services", "checkout/pods/kill-third", "checkout/pods/kill-one"}); got != row.want {
			t.Errorf("%s: %q, want %q", row.sentence, got, row.want)
		}
	}
}
