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

func TestMeantPath(t *testing.T) {
	for _, row := range []struct{ sentence, name, want string }{
		{"a mistyped end", "checkout/pods/kill-on", `; did you mean "checkout/pods/kill-one"?`},
		{"a mistyped beginning", "chekout", `; did you mean "checkout"?`},
		{"the end alone", "kill-one", `; did you mean "checkout/pods/kill-one"?`},
		{"the middle left out", "checkout/kill-third", `; did you mean "checkout/pods/kill-third"?`},
		{"a part that is like none", "checkout/nosuch", ""},
		{"another service", "basket/pods", ""},
		{"more parts than there are", "a/checkout/pods/kill-one/b", ""},
		{"nothing at all", "", ""},
	} {
		if got := MeantPath(row.name, []string{"checkout", "checkout/pods", "checkout/pods/kill-third", "checkout/pods/kill-one"}); got != row.want {
			t.Errorf("%s: %q, want %q", row.sentence, got, row.want)
		}
	}
}
