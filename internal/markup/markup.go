// Package markup writes HTML and SVG.
//
// It is not a template: a program that may execute one keeps every exported method of
// every type it has, since a template might name it. Of the Kubernetes API's that is
// ten megabytes.
package markup

import (
	"bufio"
	"fmt"
	"html"
	"io"
)

// A Writer writes markup. Its first error is that of Flush.
type Writer struct{ *bufio.Writer }

// To is a Writer to another.
func To(w io.Writer) Writer { return Writer{bufio.NewWriter(w)} }

// Put writes a form as fmt.Fprintf does, and each argument as text: it may stand
// between tags and in an attribute in double quotes.
func (w Writer) Put(form string, args ...any) {
	texts := make([]any, len(args))
	for i, arg := range args {
		texts[i] = html.EscapeString(fmt.Sprint(arg))
	}
	_, _ = fmt.Fprintf(w.Writer, form, texts...)
}

// With is Put of one argument, unless it is empty.
func (w Writer) With(form string, arg any) {
	if fmt.Sprint(arg) != "" {
		w.Put(form, arg)
	}
}
