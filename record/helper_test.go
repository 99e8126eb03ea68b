package record_test

import "time"

const (
	s  = time.Second
	ms = time.Millisecond
)
