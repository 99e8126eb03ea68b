package bench_test

import (
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/internal/bench"
)

func TestOptions(t *testing.T) {
	for _, test := range []struct {
		name    string
		options bench.Options
		want    string // the error; empty: none
	}{
		{"the zero value is a bench without a defect", bench.Options{}, ""},
		{"a balancer can be built wrong on purpose", bench.Options{Defect: bench.NoHealthChecks}, ""},
		{"a number of services below one is refused", bench.Options{Services: -1}, "bench: -1 services: want 1 to 16"},
		{"a number that would fill the machine is refused", bench.Options{Services: 300}, "bench: 300 services: want 1 to 16"},
		{"a restart in the past is refused", bench.Options{RestartAfter: -time.Second}, "bench: restart after -1s is below zero"},
		{"a scrape interval that keeps the machine busy is refused", bench.Options{ScrapeInterval: time.Millisecond}, "bench: scrape interval 1ms: want whole milliseconds, at least 10ms"},
		{"a scrape interval that Prometheus would round is refused", bench.Options{ScrapeInterval: 10500 * time.Microsecond}, "bench: scrape interval 10.5ms: want whole milliseconds, at least 10ms"},
		{"a check interval below zero is refused", bench.Options{CheckInterval: -1}, "bench: check interval -1ns: want at least 1ms"},
		{"a defect that does not exist is refused, and those that do are named", bench.Options{Defect: "no brain"}, `bench: no defect "no brain"; defects: ["no health checks"]`},
		{"everything that is wrong is said at once", bench.Options{Services: 17, Defect: "x"}, "bench: 17 services: want 1 to 16\nbench: no defect \"x\"; defects: [\"no health checks\"]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := ""
			if err := test.options.Validate(); err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if test.want == "" {
				return
			}
			if _, err := bench.Start(t.Context(), test.options); err == nil || err.Error() != test.want {
				t.Errorf("start: %v, want it refused with %q", err, test.want)
			}
		})
	}
}
