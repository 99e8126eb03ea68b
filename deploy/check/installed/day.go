package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// host is this machine, as pods reach it.
const host = "198.18.0.1"

// A receiver takes what people are told, and answers for as long as it is open.
type receiver struct {
	address string
	server  *http.Server

	mu   sync.Mutex
	told []string // events
}

// open answers at an address; empty: a free one of this machine.
func (r *receiver) open() error {
	listener, err := net.Listen("tcp", cmp.Or(r.address, net.JoinHostPort(host, "0")))
	if err != nil {
		return err
	}
	r.address = listener.Addr().String()
	r.server = &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(_ http.ResponseWriter, request *http.Request) {
		var message struct{ Event, Text string }
		text, _ := io.ReadAll(io.LimitReader(request.Body, 64<<10))
		_ = json.Unmarshal(text, &message)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.told = append(r.told, cmp.Or(message.Event, message.Text))
	})}
	go func() { _ = r.server.Serve(listener) }()
	return nil
}

func (r *receiver) close() { _ = r.server.Close() }

// secretWord is in the URL of a channel, and must be nowhere else.
const secretWord = "hush-4711"

// gameDay shows starts of a day by its schedule that are refused: in a window, and
// without a pager.
func gameDay(ctx context.Context, s *scene) error {
	var chat, pager receiver
	if err := errors.Join(chat.open(), pager.open()); err != nil {
		return err
	}
	defer chat.close()
	pager.close() // its address stays, and does not answer
	if err := s.secret(ctx, "channels", map[string][]byte{
		"CHAT_URL": []byte("http://" + chat.address + "/" + secretWord), "PAGER_URL": []byte("http://" + pager.address + "/" + secretWord),
	}); err != nil {
		return err
	}
	first := time.Now().Add(20 * time.Second).Truncate(time.Minute).Add(time.Minute)
	section := func(window time.Time) string {
		return day("storm", "* * * * *", fmt.Sprintf(`    windows: [{from: %s, to: %s, reason: release freeze}]
    notify:
    - {url: {env: CHAT_URL}, events: [verdict, outcome, pause, end], body: details}
    - {url: {env: PAGER_URL}}
    steps:
    - {run: checkout/kill, expect: no customer notices}
    - pause: is the pager quiet?
    - {run: checkout/slow, expect: answers within 100 ms}
    - {run: checkout/later}
`, time.Now().Add(-time.Hour).UTC().Format(time.RFC3339), window.UTC().Format(time.RFC3339)))
	}
	set := map[string]any{"envFrom": []any{map[string]any{"secretRef": map[string]any{"name": "channels"}}}}
	sections := section(first.Add(40 * time.Second))
	if err := s.install(ctx, sections, set); err != nil {
		return err
	}

	for i, row := range []struct {
		why, says string
		code      int32
	}{
		{"in a window", "release freeze", 4},
		{"without its pager", "PAGER_URL", 3},
	} {
		job := at(first.Add(time.Duration(i) * time.Minute))
		code, err := s.ends(ctx, job)
		if err != nil {
			return err
		}
		printed, err := s.logOf(ctx, job)
		if err != nil || code != row.code || !strings.Contains(printed, row.says) || !strings.Contains(printed, "nothing was touched") {
			return errors.Join(err, fmt.Errorf("a start %s ended with %d, want %d and %q:\n%s", row.why, code, row.code, row.says, printed))
		}
		s.say("a start %s ended with %d: %s", row.why, code, lastLine(printed, row.says))
	}
	return nil
}

// lastLine is the last line that has a text.
func lastLine(printed, part string) string {
	last := ""
	for line := range strings.Lines(printed) {
		if line = strings.TrimSpace(line); line != "" && strings.Contains(line, part) {
			last = line
		}
	}
	return last
}

// at is the Job that the controller makes for a start.
func at(start time.Time) string { return fmt.Sprintf("%s-storm-%d", release, start.Unix()/60) }
