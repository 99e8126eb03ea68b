package reports_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/aftershockhq/aftershock/internal/page/scenes"
	"github.com/aftershockhq/aftershock/reports"
)

// A run that broke for two reasons, one of which has a mend and one only a question, says
// so in the formats that people read. The page's golden file is of the same run.
func TestABrokenRunIsExplained(t *testing.T) {
	r := judgedOf(t, scenes.Play("broken"))
	for _, format := range reports.Formats() {
		var out bytes.Buffer
		if err := format.Write(&out, r); err != nil {
			t.Fatal(err)
		}
		text := strings.ToLower(out.String())
		for _, want := range []string{"consistent with: ", "give deployment/warm a readiness probe", "do its clients try again at another pod"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %q", format.Name, want)
			}
		}
	}
	var text, markdown bytes.Buffer
	if err := reports.Texts(&text, r); err != nil {
		t.Fatal(err)
	}
	golden(t, "explained.txt", text.Bytes())
	if err := reports.Markdown(&markdown, r); err != nil {
		t.Fatal(err)
	}
	golden(t, "explained.md", markdown.Bytes())
}
