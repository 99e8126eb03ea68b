package gate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/internal/disk"
	"github.com/aftershockhq/aftershock/runs"
)

// histories are how many lives of a gate are played. Every tenth is calm: nothing goes
// wrong in it. In every tenth other builds come, and old ones come back, and nothing else
// goes wrong. In both each build must become what it is.
const histories = 300

// Whatever happens to a gate, it says held and broken only of what is, has one fault in
// place at a time, lets no build wait for ever, also if what keeps it waiting lasts, leaves
// no directories, and never goes back on one that is broken. The truth of each pod template
// is known.
func TestAGateUnderAttack(t *testing.T) {
	seen := map[string]int{}
	for seed := range uint64(histories) {
		dir := t.TempDir()
		synctest.Test(t, func(t *testing.T) { attack(t, seed, dir, seen) })
		if err := os.RemoveAll(dir); err != nil || t.Failed() {
			t.Fatalf("history %d: %v", seed, err)
		}
	}
	for _, what := range slices.Sorted(maps.Keys(seen)) {
		t.Logf("%6d %s", seen[what], what)
	}
	for _, state := range []State{Held, Broken, Unknown} {
		if truth := fmt.Sprintf("ended as %s, which it is", state); seen[truth] == 0 {
			t.Errorf("no build %s", truth)
		}
	}
}

// A world is a cluster and a disk to which things happen. Its goroutines are the
// history's own and those of one gate.
type world struct {
	*testing.T
	seed uint64
	dice *rand.Rand // of the history's own goroutine
	seen map[string]int

	mu       sync.Mutex // guards what follows
	services map[string]*service
	truth    []State           // of each template
	faults   map[string]string // in place: the names of services by runs
	refusal  string            // by a person, or by another run
	away     bool              // the cluster
	full     bool              // the disk
	denied   int               // how many reads are refused yet, as while a role is written anew
	readOnly bool              // no record can be made
	leaves   bool              // the next run leaves its fault
	runs     int
	log      []string

	broken map[string]bool // what was answered so, by key and template
	hurt   bool            // a record was lost or damaged
	unread bool            // the disk cannot be read
	over   bool            // all that passes has passed
	cut    map[string]bool // directories of tests that ended before their first record, or that lost it
}

// A service has pods, each of the newest template but for those that still terminate.
type service struct {
	templates []int // that its pods ran, in order; the last is the newest
	old       bool  // a pod of the template before still terminates
	error     error // why its pods cannot be read
}

func (s *service) newest() int { return s.templates[len(s.templates)-1] }

func label(template int) string { return fmt.Sprintf("pod-template-hash=%d", template) }

func (w *world) note(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.log = append(w.log, fmt.Sprintf("%s %s", time.Now().Format("15:04:05"), fmt.Sprintf(format, args...)))
}

func (w *world) wrong(format string, args ...any) {
	w.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.Errorf("history %d: %s\n%s", w.seed, fmt.Sprintf(format, args...), strings.Join(w.log[max(0, len(w.log)-25):], "\n"))
}

// A process is a gate and what it does to the world until it is killed.
type process struct {
	*world
	bubble

	killed bool     // guarded by the world's mu
	disk   *os.File // the journal, while the disk is full
}

var errDead = errors.New("the process is dead")

// pause is a step of a run, at which it may be killed.
func (p *process) pause(ctx context.Context, d time.Duration) error {
	err := experiments.Wait(ctx, d)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.killed {
		return errDead
	}
	return err
}

func (p *process) Plan(_, _ string, names []string) (map[string]string, string, error) {
	return scripted{}.Plan("", "", names)
}

func (p *process) Look(_ context.Context, build Ask) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.unreachable(); err != nil {
		return "", err
	}
	if p.refusal != "" {
		return "", fmt.Errorf("%w: %s", ErrNotNow, p.refusal)
	}
	is, err := p.read(build)
	return is, unread(err)
}

// unreachable is why the cluster cannot be asked. The caller has mu.
func (p *process) unreachable() error {
	switch {
	case p.killed:
		return errDead
	case p.away:
		return fmt.Errorf("%w: the cluster does not answer", ErrNotNow)
	}
	return nil
}

func (p *process) Revision(_ context.Context, build Ask) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.unreachable(); err != nil {
		return "", err
	}
	return p.read(build)
}

// read reads what the pods of a build run. The caller has mu.
func (p *process) read(build Ask) (string, error) {
	switch s := p.services[build.Name]; {
	case p.denied > 0:
		p.denied--
		return "", errors.New("pods is forbidden, for a moment")
	case s.error != nil:
		return "", s.error
	case s.old:
		return "", errors.New("a pod of an earlier template is still terminating")
	default:
		return label(s.newest()), nil
	}
}

func (p *process) Sweep(_ context.Context, run string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.killed:
		return errDead
	case p.away:
		return errors.New("the cluster does not answer")
	}
	maps.DeleteFunc(p.faults, func(of, _ string) bool { return run == "" || run == of })
	return nil
}

// Run kills a pod while its record is written, as the command does.
func (p *process) Run(ctx context.Context, build Ask, begin func() (*runs.Directory, error)) error {
	if err := p.pause(ctx, 2*time.Second); err != nil { // the preflight
		return err
	}
	if _, err := p.Look(ctx, build); err != nil {
		return err
	}
	directory, err := begin()
	if err != nil {
		return err
	}
	for i, id := range build.Experiments() {
		p.mu.Lock()
		p.runs++
		run := fmt.Sprintf("run-%d", p.runs)
		p.mu.Unlock()
		if err := p.pause(ctx, time.Second); err != nil {
			p.mu.Lock()
			defer p.mu.Unlock()
			if i == 0 {
				p.cut[filepath.Base(directory.Path)] = true
			}
			return err
		}
		p.mu.Lock()
		readOnly := p.readOnly
		p.mu.Unlock()
		var out *recordFile
		if err = errors.New("read-only file system"); !readOnly {
			out, err = newRecord(directory, id, run, build.File)
		}
		switch {
		case err != nil && i == 0:
			return fmt.Errorf("%w: %w", ErrNotBegun, err)
		case err != nil:
			return err
		}
		if err := p.experiment(ctx, build.Name, out); err != nil {
			return errors.Join(err, ignoreClosed(out.Close()))
		}
	}
	return p.pause(ctx, time.Second)
}

func ignoreClosed(err error) error {
	if errors.Is(err, os.ErrClosed) {
		return nil
	}
	return err
}

func (p *process) experiment(ctx context.Context, name string, out *recordFile) error {
	p.mu.Lock()
	s := p.services[name]
	since := len(s.templates) - 1
	first, verdict := s.newest(), p.truth[s.newest()]
	begins := settled(label(first))
	if s.old {
		begins += "0 exists pod/shop/old old revision=" + label(s.templates[max(0, since-1)]) + "\n"
	}
	p.mu.Unlock()
	if err := out.write(begins); err != nil {
		return err
	}
	if err := p.pause(ctx, 10*time.Second); err != nil {
		return p.stopped(err, out)
	}
	p.mu.Lock()
	if len(p.faults) > 0 {
		p.mu.Unlock()
		p.wrong("a fault is put into %s while there are %v", name, p.faults)
		p.mu.Lock()
	}
	p.faults[out.run] = name
	p.mu.Unlock()
	err := p.pause(ctx, 15*time.Second)
	if errors.Is(err, errDead) {
		return err
	}
	if err != nil {
		if dead := p.pause(context.WithoutCancel(ctx), 2*time.Second); dead != nil { // it is undone
			return dead
		}
	}
	p.mu.Lock()
	var left error
	if p.leaves {
		left = fmt.Errorf("undo: %w", experiments.ErrLeftBehind)
	} else {
		delete(p.faults, out.run)
	}
	full := p.full
	p.leaves = false
	others := ""
	for i, template := range s.templates[since+1:] {
		others += fmt.Sprintf("29.9 created pod/shop/x%d x%d revision=%s\n", i, i, label(template))
	}
	p.mu.Unlock()
	switch {
	case err != nil:
		return errors.Join(p.stopped(err, out), left)
	case full:
		return errors.Join(errors.New("write record: no space left on device"), left)
	}
	rest := strings.Replace(killed(label(first), verdict), "\n\t\t30 ", "\n"+others+"30 ", 1)
	return errors.Join(out.write(rest), out.finish(), left)
}

// stopped is the end of a record whose run was.
func (p *process) stopped(err error, out *recordFile) error {
	if errors.Is(err, errDead) {
		return err
	}
	return errors.Join(err, out.write("25 end interrupted"), out.finish())
}

// start starts a gate on the disk.
func (w *world) start(t *testing.T, dir string) *process {
	p := &process{world: w}
	p.bubble = begin(t, &Server{Dir: dir, Runner: p, Say: func(text string) { w.note("  gate: %s", text) }})
	return p
}

// kill leaves the disk as it is now, to the next gate.
func (w *world) kill(p *process, dir string) *process {
	synctest.Wait()
	w.cutting(p)
	w.mu.Lock()
	p.killed = true
	w.mu.Unlock()
	if err := os.CopyFS(dir, os.DirFS(p.Dir)); err != nil {
		w.Fatal(err)
	}
	p.end()
	if w.dice.IntN(3) == 0 { // it was writing a line
		path := filepath.Join(dir, File)
		text := must(os.ReadFile(path))
		if err := os.WriteFile(path, append(text, `{"format":"aftershock/gate-jour`...), 0o644); err != nil {
			w.Fatal(err)
		}
	}
	return w.start(w.T, dir)
}

// evict ends a gate while the next one on its disk begins, again and again until it can.
func (w *world) evict(p *process) *process {
	ended := make(chan bool)
	go func() { defer close(ended); p.end() }()
	for {
		journal, err := openJournal(p.Dir, &book{})
		if err == nil {
			<-ended
			if err := journal.close(); err != nil {
				w.Fatal(err)
			}
			return w.start(w.T, p.Dir)
		}
		if !errors.Is(err, disk.ErrLocked) {
			w.wrong("a gate beside another: %v", err)
			w.FailNow()
		}
		w.seen["times: a second gate was refused"]++
		time.Sleep(time.Second)
	}
}

// cutting takes in the test under way as a gate ends.
func (w *world) cutting(p *process) {
	synctest.Wait()
	p.Server.mu.Lock()
	key, ok := p.book.running()
	b, _ := p.book.Find(key)
	p.Server.mu.Unlock()
	if ok && slices.Contains(empty(w.T, p.Dir), b.Directory) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.cut[b.Directory] = true
	}
}

// empty are the directories of a disk in which there is nothing.
func empty(t *testing.T, dir string) (list []string) {
	t.Helper()
	for _, e := range must(os.ReadDir(dir)) {
		if e.IsDir() && len(must(os.ReadDir(filepath.Join(dir, e.Name())))) == 0 {
			list = append(list, e.Name())
		}
	}
	return list
}

// lose removes or damages something on the disk, as of some test.
func (w *world) lose(dir string) {
	synctest.Wait()
	records, err := filepath.Glob(filepath.Join(dir, "*", "*.jsonl"))
	if err != nil || len(records) == 0 {
		return
	}
	w.hurt = true
	path := records[w.dice.IntN(len(records))]
	switch w.dice.IntN(8) {
	case 0:
		path = filepath.Join(dir, "audit.jsonl")
		err = os.Remove(path)
	case 1, 2:
		path = filepath.Dir(path)
		err = os.RemoveAll(path)
	case 3, 4:
		err = os.Remove(path)
		w.cut[filepath.Base(filepath.Dir(path))] = true
	default:
		text := must(os.ReadFile(path))
		if len(text) > 0 {
			text[w.dice.IntN(len(text))] ^= 1
		}
		err = os.WriteFile(path, append(text, ' '), 0o644)
	}
	if w.note("lost: %s", path); err != nil && !errors.Is(err, os.ErrNotExist) { // it was lost before
		w.Fatal(err)
	}
}

// asked is what a controller is told of a build, and what is wrong with that.
func (w *world) asked(p *process, name string, template int, how string) State {
	w.Helper()
	synctest.Wait()
	checksum := fmt.Sprintf("c%d", template)
	ids := "checkout/pods/kill-one"
	switch {
	case w.hooks() && w.dice.IntN(2) == 0:
		ids = "checkout/network/delay"
	case w.hooks():
	case !w.calm() && !w.delivers() && !w.over && w.dice.IntN(12) == 0:
		ids += ", checkout/network/delay"
	}
	body := fmt.Sprintf(`{"namespace":"shop","name":%q,"checksum":%q,"experiments":%q}`, name, checksum, ids)
	w.mu.Lock()
	denied := w.denied > 0
	w.mu.Unlock()
	var state State
	var status int
	var text string
	switch how {
	case "argo", "argo reads":
		method, path := "POST", "/argo"
		if how == "argo reads" {
			method, path = "GET", "/argo?namespace=shop&name="+name+"&checksum="+checksum
		}
		status, text = p.do(method, path, body)
		var a Answer
		if err := json.Unmarshal([]byte(text), &a); err != nil || status != 200 || a.Held != (a.State == Held) || a.Broken != (a.State == Broken) {
			w.wrong("%s: %d %s: %v", how, status, text, err)
		}
		state = a.State
	default:
		status, text = p.do("POST", "/flagger/"+how, body)
		word, _, _ := strings.Cut(text, ":")
		state = State(word)
		if passes := map[string]State{"rollback": Broken}[how]; (status == 200) != (state == passes || how != "rollback" && state == Held) || status != 200 && status != 409 {
			w.wrong("%s: %d %s", how, status, text)
		}
	}
	w.mu.Lock()
	s := w.services[name]
	newest := s.newest()
	truth, old := w.truth[newest], s.old
	blind := old || s.error != nil || w.away || w.full || w.unread || denied
	w.mu.Unlock()
	p.Server.mu.Lock()
	b, _ := p.book.Find("shop/" + name + "/" + checksum)
	p.Server.mu.Unlock()
	elsewhere := b.State == state && b.Revision != label(newest) // its test is of other pods
	w.note("%s of %s:%s (pods run %d, %s): %s", how, name, checksum, newest, truth, text)
	w.seen["answers "+string(state)]++
	was := fmt.Sprintf("%s:%s %d", name, checksum, newest)
	switch {
	case state != Held && state != Broken && state != Unknown && state != Waiting && state != Running:
		w.wrong("%s is no state", state)
	case (state == Held || state == Broken) && (state != truth || old):
		w.wrong("%s is %s, and was answered %s", was, truth, state)
	case w.broken[was] && state != Broken && (state == Held || !w.hurt && !blind && !elsewhere):
		w.wrong("%s was answered broken, and now %s", was, state)
	}
	if state == Broken {
		w.broken[was] = true
	}
	return state
}

func (w *world) calm() bool { return w.seed%10 == 0 }

// delivers reports whether nothing happens but deliveries.
func (w *world) delivers() bool { return w.seed%10 == 5 }

// hooks reports whether builds are asked about by two hooks that name different
// experiments.
func (w *world) hooks() bool { return w.seed%3 == 2 }

// attack plays a history.
func attack(t *testing.T, seed uint64, dir string, seen map[string]int) {
	w := &world{T: t, seed: seed, dice: rand.New(rand.NewPCG(seed, 7)), seen: seen, services: map[string]*service{}, faults: map[string]string{}, broken: map[string]bool{}, cut: map[string]bool{}}
	names := []string{"checkout", "cart"}
	release := func(name string) {
		w.mu.Lock()
		defer w.mu.Unlock()
		s := w.services[name]
		switch {
		case s == nil:
			s = &service{}
			w.services[name] = s
		case w.dice.IntN(4) == 0 && len(s.templates) > 1: // it is rolled back
			s.templates, s.old = append(s.templates, s.templates[len(s.templates)-2]), true
			return
		default:
			s.old = true
		}
		s.templates = append(s.templates, len(w.truth))
		w.truth = append(w.truth, []State{Held, Broken, Unknown}[w.dice.IntN(3)])
	}
	for _, name := range names {
		release(name)
	}
	p := w.start(t, filepath.Join(dir, "0"))
	readable := func() {}
	fill := func(full bool) { // so that neither journal nor records can be written
		if w.full == full {
			return
		}
		synctest.Wait()
		p.Server.mu.Lock()
		defer p.Server.mu.Unlock()
		if full {
			p.disk, p.journal.file = p.journal.file, must(os.Open(p.journal.file.Name()))
		} else if err := p.journal.file.Close(); err != nil {
			t.Error(err)
		} else {
			p.journal.file = p.disk
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.full = full
	}
	settle := func() { // lets the disk be as it should
		readable()
		w.unread = false
		fill(false)
	}
	hooks := []string{"confirm-promotion", "confirm-promotion", "rollback", "confirm-traffic-increase", "argo", "argo", "argo reads"}
	for step := range 120 {
		time.Sleep(time.Duration(1+w.dice.IntN(15)) * time.Second)
		name := names[w.dice.IntN(len(names))]
		s := w.services[name]
		roll := w.dice.IntN(100)
		switch {
		case w.calm():
			roll = 50
		case w.delivers() && roll >= 15:
			roll = 50
		}
		change := func(what string, do func()) {
			synctest.Wait()
			w.note("%s", what)
			w.seen["times: "+strings.Split(what, ":")[0]]++
			w.mu.Lock()
			defer w.mu.Unlock()
			do()
		}
		switch {
		case roll < 5:
			change("a new template: "+name, func() {})
			release(name)
		case roll < 15:
			change("the old pods are gone: "+name, func() { s.old = false })
		case roll < 18:
			change("a stop, or its end", func() { w.refusal = map[string]string{"": "stopped by ann"}[w.refusal] })
		case roll < 21:
			change("the cluster is away, or back", func() { w.away = !w.away })
		case roll < 23:
			change("a right is taken, or given: "+name, func() {
				if s.error == nil {
					s.error = errors.New("pods is forbidden")
				} else {
					s.error = nil
				}
			})
		case roll < 24:
			change("a workload is gone, or back: "+name, func() {
				if s.error == nil {
					s.error = errors.New("there is no deployment")
				} else {
					s.error = nil
				}
			})
		case roll < 26:
			readable()
			w.unread = false
			change("the disk is full, or not any more", func() {})
			fill(!w.full)
		case roll < 28:
			change("the disk cannot be read for a while", func() { w.unread = true })
			readable()
			readable = unreadable(t)
		case roll < 31:
			readable()
			w.unread = false
		case roll < 32:
			change("a run leaves its fault", func() { w.leaves = true })
		case roll >= 97:
			change("reads are refused for a moment", func() { w.denied = 1 + w.dice.IntN(4) })
		case roll >= 95:
			change("no record can be made, or again", func() { w.readOnly = !w.readOnly })
		case roll >= 93:
			settle()
			change("the gate is evicted", func() {})
			w.cutting(p)
			p = w.evict(p)
		case roll < 37:
			settle()
			change("the gate is killed", func() {})
			p = w.kill(p, filepath.Join(dir, fmt.Sprint(step+1)))
		case roll < 39:
			settle()
			change("the gate is ended", func() {})
			w.cutting(p)
			p.end()
			p = w.start(t, p.Dir)
		case roll < 40:
			settle()
			change("something is lost", func() {})
			w.lose(p.Dir)
		default:
			template := s.newest()
			if roll < 48 && len(s.templates) > 1 { // the controller is late
				template = s.templates[len(s.templates)-2]
			}
			w.asked(p, name, template, hooks[w.dice.IntN(len(hooks))])
		}
	}
	// All that passes has passed, but for one thing at most. What is asked about must end,
	// and stay so.
	settle()
	w.mu.Lock()
	w.refusal, w.away, w.readOnly, w.denied = "", false, false, 0
	for _, s := range w.services {
		s.old = false
		if w.calm() || w.delivers() {
			s.error = nil
		}
	}
	w.mu.Unlock()
	lasts := "nothing"
	if !w.calm() && !w.delivers() {
		lasts = []string{"nothing", "nothing", "nothing", "no record can be made", "the disk is full", "the disk cannot be read", "rights are missing", "old pods stay"}[w.dice.IntN(8)]
	}
	switch lasts {
	case "no record can be made":
		w.readOnly = true
	case "the disk is full":
		fill(true)
	case "the disk cannot be read":
		w.unread, readable = true, unreadable(t)
	case "rights are missing":
		w.denied = 1e9
	case "old pods stay":
		for _, s := range w.services {
			s.old = true
		}
	}
	w.over = true
	began := time.Now()
	w.seen["lasts: "+lasts]++
	w.note("all that passes has passed; what lasts: %s", lasts)
	ended := map[string]State{}
	decided := map[string]bool{}
	known := func(name string) entry {
		p.Server.mu.Lock()
		defer p.Server.mu.Unlock()
		b, _ := p.book.Find(fmt.Sprintf("shop/%s/c%d", name, w.services[name].newest()))
		return b
	}
	var runs []int // how many there were, minute by minute
	for end := time.Now().Add(time.Hour); time.Now().Before(end) && (len(ended) < len(names) || !w.calm() && !w.delivers()); time.Sleep(time.Minute) {
		for _, name := range names {
			before := known(name)
			state := w.asked(p, name, w.services[name].newest(), hooks[w.dice.IntN(2)*4])
			b := known(name)
			// What the other hook names for the first time takes a test.
			if was := ended[name]; decided[name] && len(b.Plans) == len(before.Plans) && state != was && (was == Broken || !state.Ended()) {
				w.wrong("%s ended as %s, and is %s", name, was, state)
			}
			if delete(ended, name); state.Ended() {
				ended[name] = state
			}
			decided[name] = state.Ended() && b.State.Ended()
		}
		w.mu.Lock()
		if runs = append(runs, w.runs); lasts == "nothing" && time.Since(began) > 45*time.Minute && w.runs != runs[len(runs)/2] {
			w.mu.Unlock()
			w.wrong("injections without end: %d more in %d minutes", w.runs-runs[len(runs)/2], len(runs)/2)
			w.mu.Lock()
		}
		w.mu.Unlock()
	}
	for _, name := range names {
		truth := w.truth[w.services[name].newest()]
		switch state := ended[name]; {
		case state == "":
			w.wrong("%s waits for ever", name)
		case state == truth:
			w.seen[fmt.Sprintf("ended as %s, which it is", state)]++
		case w.calm(), w.delivers():
			w.wrong("%s is %s, and nothing went wrong; it ended as %s", name, truth, state)
		default:
			w.seen[fmt.Sprintf("ended as %s, and it is %s", state, truth)]++
		}
	}
	readable()
	fill(false)
	p.end()
	if len(w.faults) > 0 {
		w.wrong("left in place: %v", w.faults)
	}
	for _, directory := range empty(t, p.Dir) {
		if !w.cut[directory] {
			w.wrong("directory %s is left empty, and its test was not ended before its first record", directory)
		}
		w.seen["directories of tests that were ended before their first record"]++
	}
	w.seen["histories"]++
}
