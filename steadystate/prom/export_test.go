package prom

// WithAges is what is asked for when a query is evaluated.
func (q Query) WithAges() string { return q.withAges() }
