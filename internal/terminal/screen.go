package terminal

import (
	"cmp"
	"io"
	"os"
	"strings"
	"unicode"

	"github.com/charmbracelet/x/ansi"
	"golang.org/x/term"

	"github.com/aftershockhq/aftershock/steadystate"
)

const (
	// Lines is the most that a report has on a screen of 80 columns or more. On a
	// narrower one it has as many more as its lines wrap.
	Lines = 24
	// plainWidth is for what is no terminal, and narrow the least that is laid out.
	plainWidth, narrow = 80, 40
	// wide is the most that a line of text has: longer ones are hard to read.
	wide = 100
)

// A Screen is what a text is laid out for.
type Screen struct {
	Width  int  // columns
	Colour bool // NO_COLOR is not set, and it is a terminal
	Live   bool // it is a terminal that can be drawn on

	pageless bool // there is no report that has more: -v has
}

// Is reports whether a writer writes to a terminal.
func Is(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// Of is the screen that a writer writes to: 80 columns without colours if that is
// no terminal.
func Of(w io.Writer) Screen {
	if !Is(w) {
		return Screen{Width: plainWidth}
	}
	file, _ := w.(*os.File)
	s := Screen{Width: plainWidth, Live: os.Getenv("TERM") != "dumb"}
	s.Colour = s.Live && os.Getenv("NO_COLOR") == ""
	if width, _, err := term.GetSize(int(file.Fd())); err == nil && width > 0 {
		s.Width = width
	}
	return s
}

// lines is the most that a report has.
func (s Screen) lines() int { return Lines * plainWidth / min(plainWidth, s.text()) }

// text is the width of a line of text.
func (s Screen) text() int { return min(max(s.Width, narrow), wide) }

// paint colours a text as its verdict is, where there are colours. The words say
// the same.
func (s Screen) paint(v steadystate.Verdict, text string) string {
	if !s.Colour {
		return text
	}
	colour := map[steadystate.Verdict]string{steadystate.Held: "32", steadystate.Broken: "31"}[v]
	return "\x1b[1;" + cmp.Or(colour, "33") + "m" + text + "\x1b[0m"
}

// clean is a text in one line, without what a terminal would obey: it may be an
// answer of the service's.
func clean(text string) string {
	return strings.Join(strings.FieldsFunc(ansi.Strip(text), func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
}

// cut is a text in one line of that width: for names, whose start tells them apart.
func cut(text string, width int) string { return ansi.Truncate(text, max(1, width), "…") }

// pad fills a text with spaces up to a width.
func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-ansi.StringWidth(text)))
}

// wrapped is a text after a first part, its later lines indented by the width of
// that.
func (s Screen) wrapped(first, text string) []string {
	indent := ansi.StringWidth(first)
	// A name with hyphens, which may be copied, stays whole.
	whole := strings.ReplaceAll(clean(text), "-", noBreak)
	lines := strings.Split(strings.ReplaceAll(ansi.Wrap(whole, s.rest(indent), ""), noBreak, "-"), "\n")
	for i, line := range lines {
		if i > 0 {
			first = strings.Repeat(" ", indent)
		}
		lines[i] = strings.TrimRight(first+strings.TrimRight(line, " "), " ")
	}
	return lines
}

// noBreak is a hyphen after which no line ends.
const noBreak = "\u2011"

// rest is how wide a text is after a first part.
func (s Screen) rest(indent int) int { return max(narrow/2, s.text()-indent) }

// elsewhere says where the rest of a text is.
func (s Screen) elsewhere() string {
	if s.pageless {
		return "with -v"
	}
	return "in the report"
}

// more ends a text of which a part was left out.
func (s Screen) more() string { return " (more " + s.elsewhere() + ")" }

// short is wrapped in at most so many lines: a longer text ends after a clause or, if
// its first one is too long, after a word, and says that there is more. Half a number
// or half a reason would be read as a whole one. What ends in a colon is no clause: it
// introduces what would be left out. A bracket is part of its clause, and is cut only if
// nothing else is left.
func (s Screen) short(first, text string, most int) []string {
	lines := s.wrapped(first, text)
	if len(lines) <= most {
		return lines
	}
	words := strings.Fields(clean(text))
	for _, by := range []struct {
		end  string
		open bool
	}{{",;.", false}, {"", false}, {"", true}} {
		for n := len(words) - 1; n > 0; n-- {
			if word := words[n-1]; by.end != "" && !strings.ContainsAny(word[len(word)-1:], by.end) {
				continue
			}
			start := strings.Join(words[:n], " ")
			if strings.Count(start, "(") > strings.Count(start, ")") && !by.open {
				continue
			}
			if lines = s.wrapped(first, strings.TrimRight(start, ",;:.")+s.more()); len(lines) <= most {
				return lines
			}
		}
	}
	return append(s.wrapped(first, text)[:most-1], cut(strings.Repeat(" ", ansi.StringWidth(first))+strings.TrimSpace(s.more()), s.text()))
}

// ends is a line with a left and a right end; empty if they do not fit.
func (s Screen) ends(left, right string) string {
	gap := min(s.text(), plainWidth) - ansi.StringWidth(left) - ansi.StringWidth(right)
	if gap < 2 {
		return ""
	}
	return left + strings.Repeat(" ", gap) + right
}

// Paragraph is a text after a first part, with the end of its last line. On a
// terminal its later lines are indented by the width of that; elsewhere, where it may
// be searched by line, it stays one.
func (s Screen) Paragraph(first, text string) string {
	if !s.Live {
		return first + text + "\n"
	}
	return strings.Join(s.wrapped(first, text), "\n") + "\n"
}
