package prom

// WithTimes is what is asked for when a query is evaluated.
func (q Query) WithTimes() string { return q.withTimes() }
