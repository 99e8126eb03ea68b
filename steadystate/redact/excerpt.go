package redact

import (
	"strings"
	"unicode"
)

// Excerpt returns the beginning of what others wrote, such as the body of an error page:
// at most so many bytes, in one line, without control characters. Of a text that is longer
// it ends in "...". Bytes that are not UTF-8 become "?".
func Excerpt(text string, most int) string {
	const cut = "..."
	text = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(text, "?"), func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	if len(text) > most {
		text = strings.ToValidUTF8(text[:max(0, most-len(cut))], "") + cut
	}
	return text
}
