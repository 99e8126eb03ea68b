package reports

import "io"

// A Format is a form of reports.
type Format struct {
	Name  string // "html"
	File  string // that a run writes it to
	Write func(w io.Writer, list ...Report) error
}

// Formats are all forms. A run writes each of them.
func Formats() []Format {
	return []Format{
		{"text", "report.txt", Texts},
		{"json", "results.json", JSON},
		{"junit", "junit.xml", JUnit},
		{"html", "report.html", HTML},
	}
}
