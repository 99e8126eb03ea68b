package reports_test

import (
	"bytes"
	"slices"
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
	for _, format := range []string{"text", "html"} { // -v shows the text
		i := slices.IndexFunc(reports.Formats(), func(f reports.Format) bool { return f.Name == format })
		var out bytes.Buffer
		if err := reports.Formats()[i].Write(&out, r); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{
			"deployment/bazaar/warm", "RollingUpdate, maxUnavailable 25%, maxSurge 25%", "pod-template-hash=786b5d5549", "node-0, node-1",
			"readiness probe: none; liveness probe: GET /healthz every 5s; preStop hook: none; requests: cpu 50m; limits: memory 256Mi",
		} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s: no %q of the workload", format, want)
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
