package gate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/internal/bench"
	"github.com/aftershockhq/aftershock/internal/disk"
	"github.com/aftershockhq/aftershock/runs"
)

func TestMain(m *testing.M) {
	switch {
	case bench.IsService():
		os.Exit(bench.Serve())
	case os.Getenv(gateVariable) != "":
		os.Exit(gateProcess())
	}
	goleak.VerifyTestMain(m)
}

const token = "a token that nobody guesses"

// A scripted runner does what a test says.
type scripted struct {
	run      func(ctx context.Context, build Ask) error
	sweep    func(ctx context.Context, run string) error
	revision func(build Ask) (string, error) // default: podsOf
	refused  func(build Ask) error           // default: it is not
}

// revision is what the pods of build 1 run, unless a test says otherwise.
const revision = "pod-template-hash=5d8f7c"

// podsOf is what the pods of a build run: those of "2" and "2+other" the same.
func podsOf(checksum string) string {
	if checksum, _, _ = strings.Cut(checksum, "+"); checksum == "1" {
		return revision
	}
	return "pod-template-hash=" + checksum
}

func (s scripted) Revision(_ context.Context, build Ask) (string, error) {
	if s.revision == nil {
		return podsOf(build.Checksum), nil
	}
	return s.revision(build)
}

func (s scripted) Look(ctx context.Context, build Ask) (string, error) {
	if s.refused != nil {
		if err := s.refused(build); err != nil {
			return "", err
		}
	}
	is, err := s.Revision(ctx, build)
	return is, unread(err)
}

// unread is an error of a look that could not read the revision.
func unread(err error) error {
	if err == nil {
		return nil
	}
	return notKnown(err)
}

func (s scripted) Plan(_, _ string, names []string) (map[string]string, string, error) {
	plans := map[string]string{}
	for _, name := range names {
		switch {
		case name == "elsewhere":
			return nil, "", fmt.Errorf("experiment %s: %w", name, ErrOtherWorkload)
		case !strings.HasPrefix(name, "checkout"):
			return nil, "", fmt.Errorf("no experiment %q; experiments: checkout", name)
		}
		plans[name] = "abc"
	}
	return plans, "f1", nil
}

func (s scripted) Run(ctx context.Context, build Ask, begin func() (*runs.Directory, error)) error {
	if _, err := begin(); err != nil {
		return err
	}
	return s.run(ctx, build)
}

func (s scripted) Sweep(ctx context.Context, run string) error { return s.sweep(ctx, run) }

// A client asks a gate that serves.
type client struct {
	*testing.T
	url string
	end func() error // ends the gate
}

// serve serves a gate until the test ends.
func serve(t *testing.T, s *Server) client {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if s.Token = token; s.Namespaces == nil {
		s.Namespaces = []string{"shop"}
	}
	s.Say = func(text string) { t.Log(text) }
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, listener) }()
	end := sync.OnceValue(func() error { cancel(); return <-done })
	t.Cleanup(func() {
		if err := end(); err != nil && !errors.Is(err, experiments.ErrLeftBehind) {
			t.Errorf("the gate ended with %v", err)
		}
	})
	return client{t, "http://" + listener.Addr().String(), end}
}

// do makes a request, with the token unless a header has another.
func (c client) do(method, path, body string, header ...string) (int, string) {
	c.Helper()
	r, err := http.NewRequest(method, c.url+path, strings.NewReader(body))
	if err != nil {
		c.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	r.Close = true
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		c.Fatal(err)
	}
	defer response.Body.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(response.Body)
	if err != nil {
		c.Fatal(err)
	}
	if response.StatusCode == http.StatusNoContent || response.StatusCode > 499 {
		c.Errorf("%s %s: status %d, which Flagger takes for a failure", method, path, response.StatusCode)
	}
	return response.StatusCode, strings.TrimSpace(string(text))
}

// flagger is what Flagger posts of build "name:checksum".
func flagger(build string) string {
	name, checksum, _ := strings.Cut(build, ":")
	return fmt.Sprintf(`{"name":%q,"namespace":"shop","phase":"Progressing","checksum":%q,"metadata":{"experiments":"checkout/pods/kill-one"}}`, name, checksum)
}

// answer is what Argo's metric sees of a build.
func (c client) answer(build string) (a Answer) {
	c.Helper()
	name, checksum, _ := strings.Cut(build, ":")
	status, text := c.do("GET", "/argo?namespace=shop&name="+name+"&checksum="+checksum, "")
	if err := json.Unmarshal([]byte(text), &a); err != nil || status != http.StatusOK {
		c.Fatalf("status %d, %q: %v", status, text, err)
	}
	if a.Held != (a.State == Held) || a.Broken != (a.State == Broken) {
		c.Errorf("held %t, broken %t of a build that is %s", a.Held, a.Broken, a.State)
	}
	return a
}

// until waits until a build is in a state.
func (c client) until(build string, state State) Answer {
	c.Helper()
	for end := time.Now().Add(90 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		a := c.answer(build)
		if a.State == state {
			return a
		}
		if time.Now().After(end) {
			c.Fatalf("%s is %s: %s; want it %s", build, a.State, a.Why, state)
		}
	}
}

func TestRefusals(t *testing.T) {
	begun := func(context.Context, Ask) error { t.Error("an experiment was begun"); return nil }
	c := serve(t, &Server{Dir: t.TempDir(), Runner: scripted{run: begun}})
	good := flagger("checkout:1")
	for _, test := range []struct {
		sentence, method, path, body string
		header                       []string
		status                       int
		want                         string
	}{
		{"no token", "POST", "/flagger/confirm-promotion", good, []string{"Authorization", ""}, 401, "the token is missing or wrong"},
		{"another token", "POST", "/flagger/confirm-promotion", good, []string{"Authorization", "Bearer guess"}, 401, "the token is missing or wrong"},
		{"another token in the metadata", "POST", "/flagger/rollback", strings.Replace(good, `"metadata":{`, `"metadata":{"token":"guess",`, 1), []string{"Authorization", ""}, 401, "missing or wrong"},
		{"who has no token is not told about the body", "POST", "/argo", "{", []string{"Authorization", ""}, 401, "missing or wrong"},
		{"no token for the list", "GET", "/gates", "", []string{"Authorization", "Basic x"}, 401, "missing or wrong"},
		{"no token to forget", "DELETE", "/gates/shop/checkout/1", "", []string{"Authorization", "Bearer "}, 401, "missing or wrong"},
		{"a body that is not JSON", "POST", "/flagger/confirm-promotion", "name=checkout", nil, 400, "the body is not the JSON of a request"},
		{"a body that is too large", "POST", "/argo", `{"name":"` + strings.Repeat("x", largest) + `"}`, nil, 400, "of at most 65536 bytes"},
		{"no name", "POST", "/argo", `{"namespace":"shop","checksum":"1","experiments":"checkout"}`, nil, 400, `name ""`},
		{"a name that leads elsewhere", "POST", "/argo", `{"namespace":"shop","name":"../x","checksum":"1","experiments":"checkout"}`, nil, 400, `name "../x"`},
		{"no checksum", "GET", "/argo?namespace=shop&name=checkout", "", nil, 400, `checksum ""`},
		{"the longest name and checksum", "POST", "/argo", `{"namespace":"shop","name":"` + strings.Repeat("x", 253) + `","checksum":"` + strings.Repeat("1", 128) + `"}`, nil, 400, "experiments is missing"},
		{"a longer name", "POST", "/argo", `{"namespace":"shop","name":"` + strings.Repeat("x", 254) + `","checksum":"1"}`, nil, 400, "want names as Kubernetes has them"},
		{"a longer checksum", "POST", "/argo", `{"namespace":"shop","name":"checkout","checksum":"` + strings.Repeat("1", 129) + `"}`, nil, 400, "of up to 128 letters"},
		{"a namespace that is not allowed", "POST", "/argo", `{"namespace":"bank","name":"checkout","checksum":"1","experiments":"checkout"}`, nil, 403, "namespace bank is not one of those"},
		{"no experiment", "POST", "/argo", `{"namespace":"shop","name":"checkout","checksum":"1"}`, nil, 400, "experiments is missing"},
		{"an experiment that there is not", "POST", "/argo", `{"namespace":"shop","name":"checkout","checksum":"1","experiments":"payments"}`, nil, 400, `no experiment "payments"`},
		{"an experiment on another workload", "POST", "/argo", `{"namespace":"shop","name":"checkout","checksum":"1","experiments":"elsewhere"}`, nil, 403, "another workload"},
		{"a hook that is called before a pod of the build is there", "POST", "/flagger/confirm-rollout", good, nil, 404, "not found"},
		{"a method that there is not", "GET", "/flagger/rollback", "", nil, 405, "Method Not Allowed"},
		{"forgetting what was not asked about", "DELETE", "/gates/shop/checkout/1", "", nil, 404, "was not asked about"},
		{"a rollback of what was not asked about", "POST", "/flagger/rollback", good, nil, 409, "unknown: it was not asked about"},
		{"whether it lives, without a token", "GET", "/healthz", "", []string{"Authorization", ""}, 200, "ok"},
	} {
		status, text := c.do(test.method, test.path, test.body, test.header...)
		if status != test.status || !strings.Contains(text, test.want) {
			t.Errorf("%s: %d %q, want %d %q", test.sentence, status, text, test.status, test.want)
		}
	}
	if _, text := c.do("GET", "/gates", ""); text != "[]" {
		t.Errorf("builds %s, want none", text)
	}
}

// The token of a namespace, which all who may read its canaries have, is good there
// alone, and forgets nothing.
func TestTheTokenOfANamespace(t *testing.T) {
	c := serve(t, &Server{
		Dir: t.TempDir(), Namespaces: []string{"shop", "bank"}, Tokens: map[string]string{"shop": "the token of the shop", "bank": "the token of the bank", "empty": ""},
		Runner: scripted{run: func(context.Context, Ask) error {
			return errors.New("GET http://ann:secret@prometheus/?token=secret: no answer")
		}},
	})
	of := func(namespace string) string {
		return `{"namespace":"` + namespace + `","name":"checkout","checksum":"1","experiments":"checkout"}`
	}
	shop, bank := []string{"Authorization", "Bearer the token of the shop"}, []string{"Authorization", "Bearer the token of the bank"}
	for _, test := range []struct {
		sentence, method, path, body string
		header                       []string
		status                       int
		want                         string
	}{
		{"its own namespace", "POST", "/argo", of("shop"), shop, 200, ""},
		{"another namespace", "POST", "/argo", of("bank"), shop, 403, "the token is not that of namespace bank"},
		{"another namespace, as read", "GET", "/argo?namespace=bank&name=checkout&checksum=1", "", shop, 403, "not that of namespace bank"},
		{"no token, where a namespace has an empty one", "POST", "/argo", of("shop"), []string{"Authorization", "Bearer "}, 401, "missing or wrong"},
		{"all namespaces", "POST", "/argo", of("bank"), nil, 200, ""},
		{"its own verdict", "DELETE", "/gates/shop/checkout/1", "", shop, 403, "only the token of all namespaces"},
		{"a list without any of its builds", "GET", "/gates", "", append(bank[:1:1], "Bearer the token of the shop"), 200, `"namespace":"shop"`},
	} {
		status, text := c.do(test.method, test.path, test.body, test.header...)
		if status != test.status || !strings.Contains(text, test.want) {
			t.Errorf("%s: %d %q, want %d %q", test.sentence, status, text, test.status, test.want)
		}
	}
	if _, text := c.do("GET", "/gates", "", shop...); strings.Contains(text, `"bank"`) {
		t.Errorf("the token of the shop lists %s", text)
	}
	// What a run says may have secrets, which all who may read a canary would see.
	if a := c.until("checkout:1", Unknown); strings.Contains(a.Why, "secret") || !strings.Contains(a.Why, "prometheus") {
		t.Errorf("why %q", a.Why)
	}
}

func TestTheTokenMayBeInTheMetadata(t *testing.T) {
	c := serve(t, &Server{Dir: t.TempDir(), Runner: scripted{run: func(context.Context, Ask) error { return nil }}})
	body := strings.Replace(flagger("checkout:1"), `"metadata":{`, `"metadata":{"token":"`+token+`",`, 1)
	if status, text := c.do("POST", "/flagger/confirm-promotion", body, "Authorization", ""); status != 409 {
		t.Errorf("%d %q, want 409", status, text)
	}
	if _, text := c.do("GET", "/gates", ""); strings.Contains(text, token) {
		t.Errorf("the builds show the token: %s", text)
	}
	c.until("checkout:1", Unknown)
}

// A run without records shows nothing, whatever its runner says.
func TestNoRecordsAreUnknown(t *testing.T) {
	c := serve(t, &Server{Dir: t.TempDir(), Runner: scripted{run: func(context.Context, Ask) error { return nil }}})
	for range 2 {
		c.do("POST", "/flagger/confirm-promotion", flagger("checkout:1"))
		c.until("checkout:1", Unknown)
	}
	for _, hook := range []string{"confirm-traffic-increase", "confirm-promotion", "rollback"} {
		if status, text := c.do("POST", "/flagger/"+hook, flagger("checkout:1")); status != 409 || !strings.HasPrefix(text, "unknown: ") {
			t.Errorf("%s: %d %q, want 409 and unknown", hook, status, text)
		}
	}
}

func TestOneBuildAtATime(t *testing.T) {
	began, finish := make(chan string), make(chan error)
	dir := t.TempDir()
	c := serve(t, &Server{Dir: dir, Queue: 2, Runner: scripted{run: func(ctx context.Context, build Ask) error {
		began <- build.Name
		select {
		case err := <-finish:
			return err
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}}})
	for range 3 {
		c.do("POST", "/flagger/confirm-promotion", flagger("checkout:1"))
	}
	if name := <-began; name != "checkout" {
		t.Fatalf("%s was begun first", name)
	}
	c.until("checkout:1", Running)
	for build, want := range map[string]string{"checkout:1": "running: its experiments are running"} {
		if status, text := c.do("POST", "/flagger/confirm-promotion", flagger(build)); status != 409 || text != want {
			t.Errorf("%d %q, want 409 %q", status, text, want)
		}
	}
	c.do("POST", "/argo", `{"namespace":"shop","name":"cart","checksum":"1","experiments":"checkout"}`)
	if status, text := c.do("POST", "/flagger/confirm-promotion", flagger("search:1")); status != 409 || text != "waiting: 2 before it" {
		t.Errorf("%d %q, want that two are before it", status, text)
	}
	if status, text := c.do("POST", "/flagger/confirm-promotion", flagger("pay:1")); status != 409 || !strings.Contains(text, "the queue is full") {
		t.Errorf("%d %q, want that the queue is full", status, text)
	}
	// Argo takes any other status than 200 for an error, and aborts after five.
	for body, want := range map[string]string{
		`{"namespace":"shop","name":"pay","checksum":"1","experiments":"checkout"}`:                             `"state":"waiting","held":false,"broken":false,"why":"the queue is full: 2 builds wait"`,
		`{"namespace":"shop","name":"checkout","checksum":"1","experiments":"checkout/pods/kill-one,checkout"}`: `"state":"running","held":false,"broken":false,"why":"it is being tested by other experiments`,
	} {
		if status, text := c.do("POST", "/argo", body); status != 200 || !strings.Contains(text, want) {
			t.Errorf("Argo: %d %q, want 200 %q", status, text, want)
		}
	}
	if status, text := c.do("DELETE", "/gates/shop/checkout/1", ""); status != 409 || !strings.Contains(text, "is running") {
		t.Errorf("forget one that runs: %d %q", status, text)
	}
	if status, text := c.do("DELETE", "/gates/shop/search/1", ""); status != 200 {
		t.Errorf("forget one that waits: %d %q", status, text)
	}
	// A new build of the same name ends the test.
	c.do("POST", "/flagger/confirm-promotion", flagger("checkout:2"))
	if name := <-began; name != "cart" {
		t.Errorf("%s was begun second, want cart", name)
	}
	if a := c.answer("checkout:1"); a.State != Unknown || a.Why != "another build of the same name came" {
		t.Errorf("the build that was replaced is %s: %s", a.State, a.Why)
	}
	finish <- errors.New("the disk is full")
	if a := c.until("cart:1", Unknown); a.Why != "the disk is full" {
		t.Errorf("why %q", a.Why)
	}
	if name := <-began; name != "checkout" {
		t.Errorf("%s was begun third, want checkout", name)
	}
	// The end of the gate ends the run, and the next one begins it once more.
	if err := c.end(); err != nil {
		t.Fatal(err)
	}
	c = serve(t, &Server{Dir: dir, Runner: scripted{run: func(ctx context.Context, build Ask) error {
		began <- build.Name + ":" + build.Checksum
		<-ctx.Done()
		return ctx.Err()
	}}})
	if build := <-began; build != "checkout:2" {
		t.Errorf("%s was begun by the next gate", build)
	}
	if err := c.end(); err != nil {
		t.Fatal(err)
	}
	c = serve(t, &Server{Dir: dir, Runner: scripted{}})
	if a := c.until("checkout:2", Unknown); a.Why != "the gate was ended while it was tested; nothing is in place any more" {
		t.Errorf("why %q", a.Why)
	}
	if _, text := c.do("GET", "/gates", ""); strings.Count(text, `"state":"unknown"`) != 3 {
		t.Errorf("builds %s", text)
	}
}

// A refuser refuses to begin the builds of some names for now.
type refuser struct {
	scripted
	refuse func(name string) error
}

func (r refuser) Run(ctx context.Context, build Ask, begin func() (*runs.Directory, error)) error {
	if err := r.refuse(build.Name); err != nil {
		return err
	}
	return r.scripted.Run(ctx, build, begin)
}

// A freeze of days leaves no trace of each time that it was looked, and keeps no other
// build waiting.
func TestARefusalForNowLetsABuildWait(t *testing.T) {
	var mu sync.Mutex
	refused := map[string]int{}
	dir := t.TempDir()
	c := serve(t, &Server{Dir: dir, Retry: 10 * time.Millisecond, Runner: refuser{
		scripted: scripted{run: func(context.Context, Ask) error { return errors.New("this time it was begun") }},
		refuse: func(name string) error {
			mu.Lock()
			defer mu.Unlock()
			if refused[name]++; name == "cart" || name == "checkout" && refused[name] < 20 {
				return fmt.Errorf("%w: stopped by ann", ErrNotNow)
			}
			return nil
		},
	}})
	for _, build := range []string{"cart:1", "checkout:1", "search:1"} {
		c.do("POST", "/flagger/confirm-promotion", flagger(build))
	}
	c.until("search:1", Unknown)
	if a := c.until("checkout:1", Unknown); a.Why != "this time it was begun" {
		t.Errorf("why %q", a.Why)
	}
	if a := c.answer("cart:1"); a.State != Waiting || !strings.Contains(a.Why, "stopped by ann") {
		t.Errorf("%s: %s, want it to wait for ann", a.State, a.Why)
	}
	directories, err := filepath.Glob(filepath.Join(dir, "2*"))
	journal, errJournal := os.ReadFile(filepath.Join(dir, File))
	if lines := strings.Count(string(journal), "\n"); err != nil || errJournal != nil || len(directories) != 2 || lines != 7 {
		t.Errorf("%d directories and %d lines of three that were asked about and two that ran: %v, %v", len(directories), lines, err, errJournal)
	}
}

// A build that was superseded as its run ended does not wait again: nothing else can be
// begun while it is running.
func TestABuildThatIsSupersededAsItsRunEnds(t *testing.T) {
	for _, e := range []Event{{Event: Postponed, Why: "stopped by ann"}, {Event: Interrupted, Why: "the gate was ended"}} {
		dir, a := t.TempDir(), of("a:1")
		s := Server{Dir: dir, book: book{Queue: 3}}
		if err := story(&s.book, "ask a:1", "begin a:1", "ask a:2"); err != nil {
			t.Fatal(err)
		}
		var err error
		if s.journal, err = openJournal(dir, &book{}); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(s.ended(a.Key(), e), s.journal.close()); err != nil {
			t.Errorf("%s: %v", e.Event, err)
		}
		if b, _ := s.book.Find(a.Key()); b.State != Unknown || b.Why != "another build of the same name came" {
			t.Errorf("%s: it is %s: %s", e.Event, b.State, b.Why)
		}
	}
}

// A build that could not be begun, and was dropped or asked about anew meanwhile, is not
// decided: the worker would try for ever, or decide what was not tried.
func TestABuildThatIsDroppedAsItCannotBeBegun(t *testing.T) {
	for steps, want := range map[string]State{
		"ask a:1":                    Unknown,
		"ask a:1, drop a:1":          "",
		"ask a:1, drop a:1, ask a:1": Waiting,
	} {
		dir, first := t.TempDir(), book{Queue: 3}
		s := Server{Dir: dir, book: book{Queue: 3}}
		if err := errors.Join(story(&first, "ask a:1"), story(&s.book, strings.Split(steps, ", ")...)); err != nil {
			t.Fatal(err)
		}
		var err error
		if s.journal, err = openJournal(dir, &book{}); err != nil {
			t.Fatal(err)
		}
		s.notBegun(first.Builds()[0], Event{Event: Decided, Verdict: Unknown, Why: "no such pod"}, nil)
		if err := s.journal.close(); err != nil {
			t.Error(err)
		}
		if b, _ := s.book.Find(of("a:1").Key()); b.State != want {
			t.Errorf("%s: it is %s, want %s", steps, b.State, want)
		}
	}
}

// A gate that ends answers until its faults are undone.
func TestAGateAnswersUntilItsFaultsAreUndone(t *testing.T) {
	undoing, undone := make(chan bool), make(chan bool)
	c := serve(t, &Server{Dir: t.TempDir(), Runner: scripted{run: func(ctx context.Context, _ Ask) error {
		<-ctx.Done()
		close(undoing)
		<-undone
		return context.Cause(ctx)
	}}})
	c.do("POST", "/flagger/confirm-promotion", flagger("checkout:1"))
	c.until("checkout:1", Running)
	ended := make(chan error)
	go func() { ended <- c.end() }()
	<-undoing
	if status, text := c.do("POST", "/flagger/confirm-promotion", flagger("checkout:1")); status != 409 || !strings.HasPrefix(text, "running: ") {
		t.Errorf("%d %q, want 409 and that it is running", status, text)
	}
	if a := c.answer("checkout:1"); a.State != Running {
		t.Errorf("it is %s", a.State)
	}
	close(undone)
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// A gate that begins while another with its directory is there, as in place of a pod that is
// evicted, ends and changes nothing, until the other has undone its faults.
func TestASecondGateWithTheSameDirectory(t *testing.T) {
	dir, began, undoing, undone := t.TempDir(), make(chan bool, 1), make(chan bool), make(chan bool)
	first := serve(t, &Server{Dir: dir, Runner: scripted{run: func(ctx context.Context, _ Ask) error {
		began <- true
		<-ctx.Done()
		close(undoing)
		<-undone
		return context.Cause(ctx)
	}}})
	first.do("POST", "/flagger/confirm-promotion", flagger("checkout:1"))
	<-began
	refused := func(when string) {
		t.Helper()
		before := must(os.ReadFile(filepath.Join(dir, File)))
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		second := &Server{Dir: dir, Token: token, Runner: scripted{
			run:   func(context.Context, Ask) error { t.Errorf("%s: it runs something", when); return nil },
			sweep: func(context.Context, string) error { t.Errorf("%s: it sweeps", when); return nil },
		}}
		if err := second.Serve(t.Context(), listener); !errors.Is(err, disk.ErrLocked) || !strings.Contains(err.Error(), "end the other gate, or choose another directory") {
			t.Errorf("%s: a second gate: %v, want it refused", when, err)
		}
		if after := must(os.ReadFile(filepath.Join(dir, File))); string(after) != string(before) {
			t.Errorf("%s: the journal is another", when)
		}
	}
	refused("while it tests")
	ended := make(chan error)
	go func() { ended <- first.end() }()
	<-undoing
	refused("while it undoes its faults")
	close(undone)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	next := serve(t, &Server{Dir: dir, Runner: scripted{run: func(context.Context, Ask) error { began <- true; return nil }}})
	<-began
	next.until("checkout:1", Unknown)
}

// Two controllers, and each of them many times at once, begin one test.
func TestABuildThatIsAskedAboutManyTimesAtOnceIsTestedOnce(t *testing.T) {
	var mu sync.Mutex
	began, dir := 0, t.TempDir()
	c := serve(t, &Server{Dir: dir, Runner: scripted{run: func(context.Context, Ask) error {
		mu.Lock()
		defer mu.Unlock()
		began++
		return errors.New("it was begun")
	}}})
	argo := `{"namespace":"shop","name":"checkout","checksum":"1","experiments":"checkout/pods/kill-one"}`
	var asking sync.WaitGroup
	for range 50 {
		asking.Go(func() {
			if status, text := c.do("POST", "/flagger/confirm-promotion", flagger("checkout:1")); status != 409 {
				t.Errorf("Flagger: %d %q", status, text)
			}
			if status, text := c.do("POST", "/argo", argo); status != 200 || strings.Contains(text, `"held":true`) {
				t.Errorf("Argo: %d %q", status, text)
			}
		})
	}
	asking.Wait()
	c.until("checkout:1", Unknown)
	if err := c.end(); err != nil {
		t.Error(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, File))
	if began != 1 || err != nil || strings.Count(string(text), "\n") != 3 {
		t.Errorf("%d runs, and the journal is %s, %v; want one run, of asked, begun and decided", began, text, err)
	}
}

// Wherever a gate is killed, the next one sweeps what was running before it begins
// anything, and begins no build a third time.
func TestAGateThatIsKilledAfterEachLineOfItsJournal(t *testing.T) {
	a, b := of("a:1"), of("b:1")
	life := []Event{
		{Event: Asked, Key: a.Key(), Ask: &a},
		{Event: Asked, Key: b.Key(), Ask: &b},
		{Event: Begun, Key: a.Key(), Directory: "1"},
		{Event: Interrupted, Key: a.Key()},
		{Event: Begun, Key: a.Key(), Directory: "2"},
		{Event: Decided, Key: a.Key(), Verdict: Unknown},
		{Event: Begun, Key: b.Key(), Directory: "3"},
	}
	for n := range len(life) + 1 {
		dir := t.TempDir()
		j, err := openJournal(dir, &book{})
		if err != nil {
			t.Fatal(err)
		}
		running, begun := "", map[string]int{}
		for _, e := range life[:n] {
			e.Time = noon
			err = errors.Join(err, j.append(e))
			running = ""
			if e.Event == Begun {
				running = e.Directory
				begun[e.Key]++
				err = errors.Join(err, os.Mkdir(filepath.Join(dir, running), 0o755), os.WriteFile(filepath.Join(dir, running, "cut.jsonl"), []byte(`{"header":{"form`), 0o644))
			}
		}
		if err := errors.Join(err, j.close()); err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		swept := running == ""
		c := serve(t, &Server{Dir: dir, Runner: scripted{
			sweep: func(context.Context, string) error { mu.Lock(); defer mu.Unlock(); swept = true; return nil },
			run: func(_ context.Context, build Ask) error {
				mu.Lock()
				defer mu.Unlock()
				if begun[build.Key()]++; !swept || begun[build.Key()] > attempts {
					t.Errorf("after %d lines: %s is begun the %d. time; swept: %t", n, build.Key(), begun[build.Key()], swept)
				}
				return nil
			},
		}})
		for _, build := range []string{"a:1", "b:1"} {
			c.until(build, Unknown) // which one that was not asked about is, too
		}
		if err := c.end(); err != nil || !swept {
			t.Errorf("after %d lines: swept: %t, %v", n, swept, err)
		}
	}
}

// While the disk is full nothing is begun or decided, each answer says so, and the gate
// goes on once there is room.
func TestAGateGoesOnAfterAFullDisk(t *testing.T) {
	began, finish := make(chan bool), make(chan bool)
	s := &Server{Dir: t.TempDir(), Retry: 10 * time.Millisecond, Runner: scripted{run: func(context.Context, Ask) error {
		began <- true
		<-finish
		return nil
	}}}
	c := serve(t, s)
	c.do("POST", "/flagger/confirm-promotion", flagger("checkout:1"))
	<-began
	s.mu.Lock()
	file := s.journal.file
	full, err := os.Open(file.Name()) // it cannot be written
	s.journal.file = full
	s.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	if status, text := c.do("POST", "/flagger/confirm-promotion", flagger("cart:1")); status != 409 || !strings.HasPrefix(text, "waiting: write the gate's journal: ") {
		t.Errorf("a build that is asked about: %d %q", status, text)
	}
	if status, text := c.do("DELETE", "/gates/shop/checkout/1", ""); status != 409 {
		t.Errorf("forget: %d %q", status, text)
	}
	finish <- true
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		a := c.answer("checkout:1")
		if a.State == Running && strings.Contains(a.Why, "write the gate's journal: ") {
			break
		}
		if a.State.Ended() || time.Now().After(end) {
			t.Fatalf("%s: %s; want it running until its verdict is on disk", a.State, a.Why)
		}
	}
	s.mu.Lock()
	s.journal.file = file
	s.mu.Unlock()
	if err := full.Close(); err != nil {
		t.Error(err)
	}
	c.until("checkout:1", Unknown)
	c.do("POST", "/flagger/confirm-promotion", flagger("cart:1"))
	<-began
	finish <- true
	c.until("cart:1", Unknown)
}

// A build whose run left a fault is running until that is swept: a verdict says that
// nothing is in place.
func TestAFaultThatARunLeavesIsSweptBeforeItsVerdict(t *testing.T) {
	var mu sync.Mutex
	swept, away, dir := "", true, t.TempDir()
	leaves := writer{records: map[string]string{"checkout/pods/kill-one": "0 phase settle"}, scripted: scripted{sweep: func(_ context.Context, run string) error {
		mu.Lock()
		defer mu.Unlock()
		if away {
			return errors.New("the API server is away")
		}
		swept = run
		return nil
	}}, err: fmt.Errorf("undo: %w", experiments.ErrLeftBehind)}
	s := &Server{Dir: dir, Retry: 10 * time.Millisecond, Runner: leaves}
	c := serve(t, s)
	c.do("POST", "/flagger/confirm-promotion", flagger("checkout:1"))
	c.do("POST", "/flagger/confirm-promotion", flagger("cart:1"))
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		a := c.answer("checkout:1")
		if a.State == Running && strings.Contains(a.Why, "the API server is away") {
			break
		}
		if a.State.Ended() || time.Now().After(end) {
			t.Fatalf("%s: %s; want it running until its fault is swept", a.State, a.Why)
		}
	}
	if a := c.answer("cart:1"); a.State != Waiting {
		t.Errorf("another build is %s beside a fault that was left", a.State)
	}
	// The gate ends with it still there.
	if err := c.end(); !errors.Is(err, experiments.ErrLeftBehind) {
		t.Errorf("the gate ended with %v, want that a fault may still be in place", err)
	}
	mu.Lock()
	away = false
	mu.Unlock()
	leaves.err = nil
	c = serve(t, &Server{Dir: dir, Retry: 10 * time.Millisecond, Runner: leaves})
	c.until("checkout:1", Unknown)
	if mu.Lock(); swept != "test" {
		t.Errorf("swept %q, want the run", swept)
	}
	mu.Unlock()
}

// Nothing is begun until what a killed gate left is removed, and it is begun once more.
func TestWhatAKilledGateLeftIsSweptFirst(t *testing.T) {
	dir := t.TempDir()
	var book book
	j, err := openJournal(dir, &book)
	if err != nil {
		t.Fatal(err)
	}
	directory, err := runs.NewDirectory(dir)
	if err != nil {
		t.Fatal(err)
	}
	a, other := of("a:1"), of("b:1")
	if err := errors.Join(
		j.append(Event{Time: noon, Event: Asked, Key: a.Key(), Ask: &a}, Event{Time: noon, Event: Asked, Key: other.Key(), Ask: &other}),
		j.append(Event{Time: noon, Event: Begun, Key: a.Key(), Directory: directory.Path[len(dir)+1:]}),
		os.WriteFile(directory.RecordPath("cut"), []byte(`{"header":{"form`), 0o644),
		j.close(),
	); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var happened []string
	note := func(format string, args ...any) int {
		mu.Lock()
		defer mu.Unlock()
		happened = append(happened, fmt.Sprintf(format, args...))
		return len(happened)
	}
	c := serve(t, &Server{Dir: dir, Retry: 10 * time.Millisecond, Runner: scripted{
		run: func(_ context.Context, build Ask) error { note("run %s", build.Name); return nil },
		sweep: func(_ context.Context, run string) error {
			if note("sweep %q", run) < 3 {
				return errors.New("the API server is away")
			}
			return nil
		},
	}})
	c.until("a:1", Unknown)
	c.until("b:1", Unknown)
	if got, want := strings.Join(happened, ", "), `sweep "", sweep "", sweep "", run a, run b`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
