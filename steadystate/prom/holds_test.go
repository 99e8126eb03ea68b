package prom_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/steadystate/prom"
	"github.com/aftershockhq/aftershock/steadystate/prom/promtest"
)

func TestForWhichSeriesAConditionHolds(t *testing.T) {
	server := promtest.NewServer(t)
	if err := server.Load(5*time.Second, time.Now().Add(-10*time.Second),
		`ALERTS{alertname="Down",alertstate="firing"} 1 1 1`,
		`ALERTS{alertname="Slow",alertstate="pending"} 1 1 1`,
		`up{instance="a"} 0 0 0`,
		`up{instance="b"} 1 1 1`,
		`share NaN NaN NaN`,
	); err != nil {
		t.Fatal(err)
	}
	client, err := prom.NewClient(prom.Config{URL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	for _, row := range []struct{ sentence, query, want string }{
		{"an alert fires", `ALERTS{alertstate="firing"}`, `[ALERTS{alertname="Down", alertstate="firing"} 1]`},
		{"nothing matches", `ALERTS{alertname="Other"}`, `[]`},
		{"all are 0", `up{instance="a"}`, `[]`},
		{"one is not", `up`, `[up{instance="b"} 1]`},
		{"NaN is not 0", `share`, `[share NaN]`},
		{"what a comparison leaves, though its value is 0", `(up == 0)`, `[up{instance="a"} 0]`},
		{"a comparison leaves nothing", `up > 1`, `[]`},
		{"what is in both", `up == 0 and on() ALERTS{alertname="Down"}`, `[up{instance="a"} 0]`},
		{"what is in either", `up == 0 or up > 0`, `[up{instance="a"} 0 up{instance="b"} 1]`},
		{"zero stands for nothing", `up > 1 or vector(0)`, `[]`},
		{"0 or 1", `up == bool 0`, `[{instance="a"} 1]`},
		{"a scalar", `scalar(up{instance="a"}) == bool 0`, `[{} 1]`},
	} {
		got, err := prom.Source{Client: client, Query: prom.MustParse(row.query)}.Holds(t.Context())
		if err != nil || fmt.Sprint(got) != row.want {
			t.Errorf("%s: %v, %v; want %s", row.sentence, got, err, row.want)
		}
	}
	source := prom.Source{Client: client, Query: prom.MustParse("up")}
	late, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	if _, err := source.Holds(late); err == nil || !strings.Contains(err.Error(), `query "up"`) {
		t.Errorf("no time: %v", err)
	}
	server.Close()
	if _, err := source.Holds(t.Context()); err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("no server: %v", err)
	}
}
