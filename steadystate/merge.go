package steadystate

// Merge returns base with the elements of over in place of those with the same
// key, all elements of over with that key together. Elements of over with other
// keys follow at the end. Neither slice changes.
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
