package steadystate

// Merge is base with what over says in place of what base says of the same, by
// their keys: there, all of over's of that key; those of other keys after it.
// All of over are in it. Neither is changed.
func Merge[T any](base, over []T, key func(T) string) []T {
	var merged []T
	placed := map[string]bool{}
	place := func(of string) bool {
		before := len(merged)
		for _, o := range over {
			if !placed[of] && key(o) == of {
				merged = append(merged, o)
			}
		}
		placed[of] = placed[of] || len(merged) > before
		return placed[of]
	}
	for _, b := range base {
		if !place(key(b)) {
			merged = append(merged, b)
		}
	}
	for _, o := range over {
		place(key(o))
	}
	return merged
}

// MergeLimits is base with those of over in place of its own on the same
// ([Limit.Key]), and the others of over after it. A base of no limits stands for no
// outage at all, see [Check]; a limit of over takes the place of that, too.
func MergeLimits(base, over []Limit) []Limit { return Merge(base, over, Limit.Key) }
