package promtest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/steadystate/prom"
	"github.com/aftershockhq/aftershock/steadystate/prom/promtest"
)

func TestWhatIsWrittenDownIsAnswered(t *testing.T) {
	server := promtest.NewServer(t)
	err := server.Load(5*time.Second, server.Now().Add(-time.Minute),
		`requests_total{pod="a"} 0+100x12`,
		`requests_total{pod="b"} 0+100x6 _ _ stale`,
		`up{pod="a"} 1x12`)
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Append(`up{pod="b"}`, server.Now().Add(-time.Second), 0); err != nil {
		t.Fatal(err)
	}
	client, err := prom.NewClient(prom.Config{URL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for _, row := range []struct {
		query  string
		series int
		value  float64
	}{
		{`requests_total`, 1, 1200},
		{`min_over_time(up{pod="a"}[30s])`, 1, 1},
		{`sum(up)`, 1, 1},
		{`max_over_time(requests_total{pod="b"}[1m])`, 1, 600},
	} {
		r, err := prom.Source{Client: client, Query: prom.MustParse(row.query)}.Preflight(t.Context())
		if err != nil {
			t.Errorf("%s: %v", row.query, err)
			continue
		}
		if r.Series != row.series || len(r.Values) != 1 || r.Values[0] != row.value {
			t.Errorf("%s: %+v, want %d series, of %g", row.query, r, row.series, row.value)
		}
	}
	for selector, want := range map[string]bool{`{pod="a"}`: true, `up{pod="c"}`: false} {
		if has, err := client.Has(t.Context(), selector); err != nil || has != want {
			t.Errorf("%s: %t, %v", selector, has, err)
		}
	}
	if _, err := client.Has(t.Context(), "{"); err == nil || !strings.Contains(err.Error(), "ask prometheus at "+server.URL+" for {: ") {
		t.Error(err)
	}
	if asked := strings.Join(server.Queries(), "\n"); !strings.Contains(asked, "sum(up)") {
		t.Errorf("queries:\n%s", asked)
	}
	for _, wrong := range []string{`up{pod="a" 1`, `up`, `up{pod="c"} x`} {
		if err := server.Load(time.Second, time.Now(), wrong); err == nil || !strings.HasPrefix(err.Error(), "load "+wrong) {
			t.Errorf("load %s: %v", wrong, err)
		}
	}
}
