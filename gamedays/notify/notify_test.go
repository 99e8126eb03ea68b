package notify_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/gamedays/notify"
)

var moment = time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)

func message(text string) notify.Message {
	return notify.Message{Text: text, GameDay: "storm", Event: "verdict", Verdict: "broken", Experiment: "checkout/pods/kill-one", Time: moment}
}

// A receiver takes what comes after it has answered otherwise, as often as it has
// answers.
func receiver(t *testing.T, answers ...int) (url string, bodies func() []string) {
	t.Helper()
	var mu sync.Mutex
	var got []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %s, %v", r.Method, r.Header.Get("Content-Type"), err)
		}
		mu.Lock()
		defer mu.Unlock()
		got = append(got, string(body))
		if len(got) <= len(answers) {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(answers[len(got)-1])
		}
	}))
	t.Cleanup(server.Close)
	return server.URL + "/T0/secret", func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(got)
	}
}

func TestAMessage(t *testing.T) {
	for _, row := range []struct {
		sentence string
		answers  []int
		asked    int
		err      string
	}{
		{"it is taken", nil, 1, ""},
		{"the second time", []int{503}, 2, ""},
		{"the third time, by one that has too much to do", []int{429, 500}, 3, ""},
		{"or not at all", []int{500, 500, 502}, 3, "the receiver answered 502 Bad Gateway"},
		{"one that says no is not asked again", []int{404}, 1, "the receiver answered 404 Not Found"},
		{"nor is one elsewhere", []int{307}, 1, "the receiver answered 307 Temporary Redirect"},
	} {
		url, bodies := receiver(t, row.answers...)
		channel := notify.Channel{Name: "team", URL: url, Details: true, Pause: time.Millisecond}
		err := channel.Send(t.Context(), message("storm is broken"))
		if (err != nil) != (row.err != "") || err != nil && err.Error() != row.err || len(bodies()) != row.asked {
			t.Errorf("%s: %v after %d requests, want %q after %d", row.sentence, err, len(bodies()), row.err, row.asked)
		}
		var got notify.Message
		if err := json.Unmarshal([]byte(bodies()[0]), &got); err != nil || got != message("storm is broken") {
			t.Errorf("%s: %q, %v", row.sentence, bodies()[0], err)
		}
	}
	url, bodies := receiver(t)
	if err := (notify.Channel{URL: url}).Send(t.Context(), message("a \"quoted\" <text>")); err != nil || bodies()[0] != `{"text":"a \"quoted\" \u003ctext\u003e"}` {
		t.Errorf("%q, %v: want the text alone", bodies(), err)
	}
}

// No error has the URL, which is a secret.
func TestAURLIsInNoError(t *testing.T) {
	for _, url := range []string{"http://127.0.0.1:1/secret", "://secret", "secret", "http:///secret", "ftp://host/secret", "http://host\x7f/secret"} {
		channel := notify.Channel{Name: "environment variable SLACK", URL: url, Pause: time.Millisecond}
		err := errors.Join(channel.Validate(), channel.Send(t.Context(), message("a")))
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// A dead channel delays neither the others nor the one who tells, and each message has
// one delivery.
func TestADeadChannelDelaysNoOne(t *testing.T) {
	ctx, release := context.WithCancel(t.Context())
	dead := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-ctx.Done() }))
	t.Cleanup(dead.Close)
	t.Cleanup(release)
	url, bodies := receiver(t)
	const messages = 30
	var arrived, full, late atomic.Int32
	taken := make(chan struct{}, messages)
	courier := notify.Start([]notify.Channel{{Name: "dead", URL: dead.URL}, {Name: "team", URL: url}}, func(d notify.Delivery) {
		switch {
		case d.Channel == "team" && d.Err == nil:
			arrived.Add(1)
			taken <- struct{}{}
		case d.Channel == "dead" && errors.Is(d.Err, notify.ErrFull):
			full.Add(1)
		case d.Channel == "dead" && d.Err != nil && strings.Contains(d.Err.Error(), "not delivered in the time that there was"):
			late.Add(1)
		default:
			t.Errorf("%+v", d)
		}
	})
	begun := time.Now()
	for range messages {
		courier.Tell(0, message("a"))
		courier.Tell(1, message("a"))
		<-taken
	}
	courier.Close(50 * time.Millisecond)
	if took := time.Since(begun); took > 8*time.Second {
		t.Errorf("it took %s, as long as an answer of the dead one may", took)
	}
	if int(arrived.Load()) != messages || len(bodies()) != messages {
		t.Errorf("%d of %d arrived", arrived.Load(), messages)
	}
	// One is on its way, and so many wait.
	if late.Load() < 16 || late.Load() > 17 || full.Load()+late.Load() != messages {
		t.Errorf("of the dead one %d were too late and %d left out, of %d", late.Load(), full.Load(), messages)
	}
}
