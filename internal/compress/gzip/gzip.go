// Package gzip stands in for github.com/klauspost/compress/gzip in bin/aftershock (see
// build.work) by the standard library's, which is there already.
package gzip

import (
	"compress/gzip"
	"io"
)

// Reader is the standard library's.
type Reader = gzip.Reader

// NewReader reads a header.
func NewReader(r io.Reader) (*Reader, error) { return gzip.NewReader(r) }
