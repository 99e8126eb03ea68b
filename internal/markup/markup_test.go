package markup_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/aftershockhq/aftershock/internal/markup"
)

func TestAnArgumentIsText(t *testing.T) {
	var out bytes.Buffer
	w := markup.To(&out)
	w.Put(`<a title="%s">%s</a>`, `"><script>`, 7)
	w.With("<b>%s</b>", "")
	w.With("<b>%s</b>", "a & b's")
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if want := `<a title="&#34;&gt;&lt;script&gt;">7</a><b>a &amp; b&#39;s</b>`; out.String() != want {
		t.Errorf("got %s, want %s", out.String(), want)
	}
}

type full struct{}

var errFull = errors.New("full")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestFlushSaysWhatWasNotWritten(t *testing.T) {
	w := markup.To(full{})
	for range 1000 {
		w.Put("<p>%s</p>", "text")
	}
	if err := w.Flush(); !errors.Is(err, errFull) {
		t.Errorf("Flush says %v", err)
	}
}
