package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/remotecommand"
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

func (r *receiver) events() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.told)
}

// secretWord is in the URL of a channel, and must be nowhere else.
const secretWord = "hush-4711"

// gameDay shows a day from its schedule: a start in a window, one without a pager, and
// one that people attend.
func gameDay(ctx context.Context, s *scene) error {
	var chat, pager receiver
	if err := errors.Join(chat.open(), pager.open()); err != nil {
		return err
	}
	defer chat.close()
	pager.close() // its address stays
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

	// The first two starts.
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
	if err := pager.open(); err != nil {
		return err
	}
	defer func() { pager.close() }()

	// The third, which people attend.
	job := at(first.Add(2 * time.Minute))
	records := filepath.Join(s.volume(claims[0]), "runs")
	var log string
	if err := await(ctx, 3*time.Minute, func() (bool, string, error) {
		found, err := filepath.Glob(filepath.Join(records, "*", "gameday.ndjson"))
		if err != nil || len(found) == 0 {
			return false, "no day began", err
		}
		log = found[0]
		text, err := os.ReadFile(log)
		return strings.Contains(string(text), `"event":"asked"`), "nothing is asked", err
	}); err != nil {
		printed, _ := s.logOf(ctx, job)
		return fmt.Errorf("%w\n%s", err, printed)
	}
	pager.close()
	now, err := s.objects(ctx)
	if err != nil {
		return err
	}
	for what := range now {
		if strings.Contains(what, ".chaos-mesh.org shop/") && s.before[what] == "" {
			return fmt.Errorf("in a pause there is %s", what)
		}
	}
	until(ctx, first.Add(3*time.Minute+10*time.Second))
	jobs, err := s.jobs(ctx)
	if err != nil {
		return err
	}
	if len(jobs) != 3 {
		return fmt.Errorf("while a day is under way there are %d Jobs, want 3", len(jobs))
	}
	s.say("in the pause no fault is in place; a start that came meanwhile was left out (Forbid)")
	set["suspend"] = true
	if err := s.install(ctx, sections, set); err != nil {
		return fmt.Errorf("suspend: %w", err)
	}
	pod, err := s.pod(ctx, "job-name="+job)
	if err != nil {
		return err
	}
	for _, command := range [][]string{{"note", "pager fired"}, {"note", "action: give the pager a runbook"}, {"gameday", "continue"}} {
		printed, err := s.exec(ctx, pod.Name, command...)
		if err != nil {
			return err
		}
		s.say("aftershock %s: %s", strings.Join(command, " "), lastLine(printed, ""))
	}
	code, err := s.ends(ctx, job)
	if err != nil {
		return err
	}
	printed, err := s.logOf(ctx, job)
	if err != nil {
		return err
	}
	kept := filepath.Join(s.out, "gameday")
	err = errors.Join(os.RemoveAll(kept), os.CopyFS(kept, os.DirFS(records)), os.WriteFile(filepath.Join(s.out, "gameday.txt"), []byte(printed), 0o600))
	if err != nil {
		return err
	}
	if code != 1 {
		return fmt.Errorf("the day ended with %d, want 1:\n%s", code, printed)
	}
	if err := s.written(log, chat.events()); err != nil {
		return fmt.Errorf("%w\n%s", err, printed)
	}
	if strings.Contains(printed, secretWord) {
		return errors.New("the log of the pod has the URL of a channel")
	}
	verified, err := exec.Command(program, "audit", "verify", kept).CombinedOutput()
	if err != nil {
		return fmt.Errorf("aftershock audit verify: %w: %s", err, verified)
	}
	s.say("audit verify: %s", lastLine(string(verified), ""))
	s.say("what the day wrote is in %s", kept)
	return nil
}

// written looks at what a day wrote down, and what people were told.
func (s *scene) written(log string, told []string) error {
	text, err := os.ReadFile(log)
	if err != nil {
		return err
	}
	if strings.Contains(string(text), secretWord) {
		return errors.New("the log of the day has the URL of a channel")
	}
	var happened, lost []string
	for line := range strings.Lines(string(text)) {
		var e struct {
			Event, Verdict, Experiment, Text, Channel, Error, Who string
			NotRun                                                []string
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			return err
		}
		switch e.Event {
		case "told":
			if e.Error != "" {
				lost = append(lost, e.Channel)
			}
		case "outcome":
			happened = append(happened, e.Experiment+" "+e.Verdict)
		case "note":
			happened = append(happened, "note "+e.Text)
			s.say("by %s: %s", e.Who, e.Text)
		case "ended":
			happened = append(happened, "ended, not run: "+strings.Join(e.NotRun, ", "))
		default:
			happened = append(happened, e.Event)
		}
	}
	want := []string{
		"begun", "run", "checkout/kill held", "asked", "note pager fired", "note action: give the pager a runbook", "answered",
		"run", "checkout/slow broken", "ended, not run: checkout/later",
	}
	if !slices.Equal(happened, want) {
		return fmt.Errorf("it happened %q, want %q", happened, want)
	}
	s.say("it happened: %s", strings.Join(happened, "; "))
	// Two starts told the chat that the day is about to begin. The outcome that changes the
	// verdict is told as that.
	if want := []string{"test", "test", "outcome", "pause", "verdict", "end"}; !slices.Equal(slices.Sorted(slices.Values(told)), slices.Sorted(slices.Values(want))) {
		return fmt.Errorf("the chat was told %q, want %q", told, want)
	}
	if len(lost) == 0 || slices.ContainsFunc(lost, func(channel string) bool { return !strings.Contains(channel, "PAGER_URL") }) {
		return fmt.Errorf("of the dead pager it is written down %q", lost)
	}
	s.say("the chat was told %s; what the dead pager was not told is written down %d times, and the day ended all the same", strings.Join(told, ", "), len(lost))
	for _, page := range []string{"gameday.html", "gameday.md"} {
		text, err := os.ReadFile(filepath.Join(filepath.Dir(log), page))
		if err != nil {
			return err
		}
		for _, part := range []string{"pager fired", "no customer notices", "is the pager quiet?", "checkout/later", "give the pager a runbook"} {
			if !strings.Contains(string(text), part) {
				return fmt.Errorf("%s does not say %q", page, part)
			}
		}
	}
	return nil
}

// exec runs the program in a pod, and returns what it printed.
func (s *scene) exec(ctx context.Context, pod string, arguments ...string) (string, error) {
	request := s.kube.CoreV1().RESTClient().Post().Resource("pods").Namespace(namespace).Name(pod).SubResource("exec").
		VersionedParams(&corev1.PodExecOptions{Container: "aftershock", Command: append([]string{"/aftershock"}, arguments...), Stdout: true, Stderr: true}, scheme.ParameterCodec)
	executor, err := remotecommand.NewWebSocketExecutor(s.rest, "GET", request.URL().String())
	if err != nil {
		return "", err
	}
	var printed bytes.Buffer
	if err = executor.StreamWithContext(ctx, remotecommand.StreamOptions{Stdout: &printed, Stderr: &printed}); err != nil {
		err = fmt.Errorf("aftershock %s: %w: %s", strings.Join(arguments, " "), err, printed.String())
	}
	return printed.String(), err
}

func until(ctx context.Context, t time.Time) { pause(ctx, time.Until(t)) }

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

// jobs are those that the CronJob made, in order of their starts.
func (s *scene) jobs(ctx context.Context) ([]batchv1.Job, error) {
	list, err := s.kube.BatchV1().Jobs(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	// The Job that ends faults by itself is in this namespace, too.
	list.Items = slices.DeleteFunc(list.Items, func(j batchv1.Job) bool { return !strings.HasPrefix(j.Name, release+"-storm-") })
	slices.SortFunc(list.Items, func(a, b batchv1.Job) int { return strings.Compare(a.Name, b.Name) })
	return list.Items, nil
}
