package reports

import "io"

// A Format is a form of reports.
type Format struct {
	Name  string // "html"
	File  string // that a run writes it to
	Write func(w io.Writer, list ...Report) error
}

// Formats are all forms. A run writes each of them; of JUnit the default dialect,
// unless [Format.Dialect] says otherwise. Of text, commands show the one screen of package
// terminal, and this with -v.
func Formats() []Format {
	return []Format{
		{"text", "report.txt", Texts},
		{"json", "results.json", JSON},
		{"junit", "junit.xml", JUnit},
		{"html", "report.html", HTML},
		{"markdown", "report.md", Markdown},
	}
}

// Dialects are those of JUnit XML: "default", see [JUnit], and "strict", see
// [StrictJUnit].
func Dialects() []string { return []string{"default", "strict"} }

// Dialect is a form in a dialect of JUnit XML. Other forms have none.
func (f Format) Dialect(name string) Format {
	if f.Name == "junit" && name == "strict" {
		f.Write = StrictJUnit
	}
	return f
}
