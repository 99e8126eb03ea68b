package main

import (
	"io"
	"strings"
	"testing"
	"time"
)

func TestConfigure(t *testing.T) {
	env := func(pairs ...string) func(string) string {
		return func(name string) string {
			for i := 0; i < len(pairs); i += 2 {
				if pairs[i] == name {
					return pairs[i+1]
				}
			}
			return ""
		}
	}
	c, err := configure(env())
	if err != nil || !c.graceful || c.startDelay != 0 || c.listen != ":8080" {
		t.Errorf("without environment: %+v, %v", c, err)
	}
	if c.payments != "" || c.tries != 3 || !c.breaks || c.patience.all > 500*time.Millisecond || c.patience.try == 0 || c.livesOnPayments {
		t.Errorf("without environment a customer waits too long, or for too little: %+v", c)
	}
	c, err = configure(env(
		"START_DELAY", "8s", "GRACEFUL", "false", "WORK", "7ms", "ANSWER_DELAY", "2s", "WARMUP", "3s", "LIVENESS_DELAY", "1s", "POD_NAME", "p", "PAYMENTS", "http://p", "PAY_TRIES", "1",
		"PAY_TRY_TIMEOUT", "0s", "PAY_TIMEOUT", "0s", "BREAKER", "false", "BREAKER_PAUSE", "1s", "LIVENESS_PAYMENTS", "true", "LEAK", "9",
	))
	want := config{
		listen: ":8080", pod: "p", work: 7 * time.Millisecond, answerDelay: 2 * time.Second, warmup: 3 * time.Second, livenessDelay: time.Second, startDelay: 8 * time.Second, drainDelay: 3 * time.Second, payments: "http://p", tries: 1,
		pause: time.Second, livesOnPayments: true, leakedPerRequest: 9,
	}
	if err != nil || c != want {
		t.Errorf("%+v, %v, want %+v", c, err, want)
	}
	for _, c := range []struct{ says, name, value, err string }{
		{"a duration has a unit", "START_DELAY", "8", `START_DELAY="8": time: missing unit in duration "8"`},
		{"it is not negative", "PAY_TIMEOUT", "-1s", `PAY_TIMEOUT="-1s": time does not run backwards: want 0s or more`},
		{"yes or no", "GRACEFUL", "maybe", `GRACEFUL="maybe": strconv.ParseBool`},
		{"work is processor time", "WORK", "200", `WORK="200": time: missing unit`},
		{"and not negative", "LEAK", "-1", `LEAK="-1": want 0 or more kilobytes`},
		{"no tries would be tries without end", "PAY_TRIES", "0", `PAY_TRIES="0": want 1 or more`},
	} {
		t.Run(c.says, func(t *testing.T) {
			if _, err := configure(env(c.name, c.value)); err == nil || !strings.HasPrefix(err.Error(), c.err) {
				t.Errorf("got %v, want %s", err, c.err)
			}
		})
	}
}

func TestOnlyOneArgumentIsKnown(t *testing.T) {
	err := exec(t.Context(), []string{"refunds"}, func(string) string { return "" }, io.Discard)
	if err == nil || err.Error() != `unknown arguments ["refunds"]: the only one there is is payments` {
		t.Errorf("%v", err)
	}
}
