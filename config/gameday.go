package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/experiments/stop"
	"github.com/aftershockhq/aftershock/steadystate/secret"
	"github.com/aftershockhq/aftershock/steadystate/setting"
)

// A GameDay is a plan of experiments that a team runs together.
type GameDay struct {
	// Why is the question that the day should answer. Required. Example: does checkout
	// survive the loss of a pod at the rate of a sale.
	Why string `yaml:"why"`
	// Owner is the person or team responsible for the day. Required. Example: team
	// checkout.
	Owner string `yaml:"owner"`
	// Start is when the day begins: now, whenever someone runs it; a time with its
	// offset; or a cron expression of five fields, as in a Kubernetes CronJob. Default:
	// now. Example: "0 10 * * TUE".
	Start string `yaml:"start"`
	// Timezone is the time zone of the schedule and of the day's times. Default: UTC.
	// Example: Europe/Berlin.
	Timezone string `yaml:"timezone"`
	// Windows are times in which the day does not begin and none of its experiments may
	// run, in addition to those of the file's freeze. Example:
	// [{calendar: holidays.ics, timezone: Europe/Berlin}].
	Windows []stop.Window `yaml:"windows"`
	// AtMost is how long the day may take: nothing begins that would end later.
	// Default:
	// no limit. Example: 3h.
	AtMost time.Duration `yaml:"atMost"`
	// Broken is what follows an experiment that is broken: stop the day, ask a person,
	// or go on. A step may have its own. Default: stop.
	Broken string `yaml:"broken"`
	// Unknown is what follows one that is unknown. Default: stop.
	Unknown string `yaml:"unknown"`
	// Notify lists the channels that get messages. Each is tried before the day begins;
	// a channel that fails later delays nothing. Default: there are none. Example:
	// [{url: {env: SLACK_URL}, events: [verdict, pause]}].
	Notify []Notify `yaml:"notify"`
	// Steps are what happens, in order. Required. Example:
	// [{pause: tell support}, {run: checkout/pods, expect: the pager stays silent}].
	Steps []DayStep `yaml:"steps"`
}

// A DayStep is a step of a game day: experiments, or a pause.
type DayStep struct {
	// Run is the ID of an experiment, or a prefix that selects several, which run one
	// after the other. Example: checkout/pods/kill-one.
	Run string `yaml:"run"`
	// Expect is what people expect to happen, for the day's page; with run. Example:
	// the pager stays silent.
	Expect string `yaml:"expect"`
	// Pause is what a person must do or answer before the day goes on. No fault is in
	// place meanwhile. Example: tell support.
	Pause string `yaml:"pause"`
	// Broken is what follows if an experiment of this step is broken; with run. Default:
	// the day's.
	Broken string `yaml:"broken"`
}

// A Notify is a channel that gets messages about a game day.
type Notify struct {
	// URL names the environment variable or the file that holds the webhook's URL,
	// which is a secret. Required. Example: {env: SLACK_URL}.
	URL secret.Secret `yaml:"url"`
	// Events are the events to send: verdict, when the day's verdict changes; outcome,
	// of each experiment; pause, when a person is asked; end. A fault that may be left
	// in place is always sent. Default: [verdict]. Example: [verdict, pause].
	Events []string `yaml:"events"`
	// Body is the JSON to send: text, which chats such as Slack, Mattermost and Teams
	// show; or details, which adds the event, the verdict and more. Default: text.
	Body string `yaml:"body"`
}

// What a channel may be told.
const (
	OnVerdict = "verdict"
	OnOutcome = "outcome"
	OnPause   = "pause"
	OnEnd     = "end"
)

func notifications() []string { return []string{OnVerdict, OnOutcome, OnPause, OnEnd} }

// What is sent to a channel.
const (
	BodyText    = "text"
	BodyDetails = "details"
)

// What may follow an experiment that is not held.
const (
	FollowStop = "stop"
	FollowAsk  = "ask"
	FollowGoOn = "go on"
)

// follows are the choices, in the order of their caution.
func follows() []string { return []string{FollowStop, FollowAsk, FollowGoOn} }

// startNow is a start whenever a person says so.
const startNow = "now"

// Begins says when a game day begins: at a time, by a schedule, or, if both are nil,
// whenever it is run.
func (g GameDay) Begins() (at *time.Time, again *stop.Schedule, err error) {
	if g.Start == "" || g.Start == startNow {
		return nil, nil, nil
	}
	if len(g.Start) > 10 && g.Start[4] == '-' { // no schedule has a year
		t, err := time.Parse(time.RFC3339, g.Start)
		if err != nil {
			return nil, nil, setting.Errorf("start", "%q is not a time with its offset, as in 2026-12-20T18:00:00+01:00", g.Start)
		}
		return &t, nil, nil
	}
	s, err := stop.ParseSchedule(g.Start, "")
	if err != nil {
		return nil, nil, setting.Errorf("start", "%s; or write now, or a time with its offset, as in 2026-12-20T18:00:00+01:00", err)
	}
	s, err = stop.ParseSchedule(g.Start, g.Timezone)
	return nil, &s, err
}

// Zone is the day's.
func (g GameDay) Zone() *time.Location {
	zone, _ := stop.Zone(g.Timezone) // was looked at when the file was read
	return zone
}

// Selects reports whether a name is that of an experiment, or of a suite or a service
// that it is of.
func Selects(name, id string) bool { return id == name || strings.HasPrefix(id, name+"/") }

// Chosen are the experiments that a name selects, in the order of the plan.
func (p *Plan) Chosen(name string) (list []Planned) {
	for _, e := range p.Planned {
		if Selects(name, e.ID()) {
			list = append(list, e)
		}
	}
	return list
}

// gameDay looks at a game day and fills in what it leaves out.
func (r *resolver) gameDay(name string, at cursor) {
	days := r.plan.GameDays
	r.name(at, name, days.Names)
	g := days.Values[name]
	required := func(field, text, as string) {
		if strings.TrimSpace(text) == "" {
			r.bad(at.field(field), "is missing, as in %s: %s", field, as)
		}
	}
	required("why", g.Why, "does checkout survive the loss of a pod")
	required("owner", g.Owner, "team checkout")
	if _, err := stop.Zone(g.Timezone); err != nil {
		r.bad(at.field("timezone"), "%s", err)
	} else if _, _, err := g.Begins(); err != nil {
		r.fail(at, err)
	}
	r.windows(at.field("windows"), g.Windows)
	for i := range g.Notify {
		r.notify(at.field("notify").item(i), &g.Notify[i])
	}
	g.Broken, g.Unknown = cmp.Or(g.Broken, FollowStop), cmp.Or(g.Unknown, FollowStop)
	r.follow(at.field("broken"), g.Broken)
	r.follow(at.field("unknown"), g.Unknown)
	if len(g.Steps) == 0 {
		r.bad(at.field("steps"), "is missing: what happens, in order, as in [{run: checkout/pods/kill-one}]")
	}
	for i := range g.Steps {
		r.dayStep(at.field("steps").item(i), &g.Steps[i], g.Broken)
	}
	days.Values[name] = g
}

func (r *resolver) notify(at cursor, n *Notify) {
	if (n.URL.Env == "") == (n.URL.File == "") {
		r.bad(at.field("url"), "want one of {env: NAME} and {file: PATH}, which hold the URL of the webhook")
	}
	n.URL.File = r.beside(n.URL.File)
	if len(n.Events) == 0 {
		n.Events = []string{OnVerdict}
	}
	for i, event := range n.Events {
		if !slices.Contains(notifications(), event) {
			r.bad(at.field("events").item(i), "%q: want %s", event, strings.Join(notifications(), ", "))
		}
	}
	if n.Body = cmp.Or(n.Body, BodyText); n.Body != BodyText && n.Body != BodyDetails {
		r.bad(at.field("body"), "%q: want %s or %s", n.Body, BodyText, BodyDetails)
	}
}

func (r *resolver) dayStep(at cursor, s *DayStep, broken string) {
	switch {
	case s.Run == "" && s.Pause == "":
		r.bad(at, "want run, an experiment, or pause, what a person is to do")
	case s.Run != "" && s.Pause != "":
		r.bad(at, "has run and pause; make two steps of them")
	case s.Pause != "":
		for _, of := range []struct{ field, text string }{{"expect", s.Expect}, {"broken", s.Broken}} {
			if of.text != "" {
				r.bad(at.field(of.field), "is for experiments, and this step is a pause")
			}
		}
	case len(r.mistakes) == 0: // else an experiment may be missing because it is wrong
		r.dayRuns(at.field("run"), s.Run)
	}
	if s.Run != "" {
		s.Broken = cmp.Or(s.Broken, broken)
		r.follow(at.field("broken"), s.Broken)
	}
}

// dayRuns reports a name that selects no experiment.
func (r *resolver) dayRuns(at cursor, name string) {
	if len(r.plan.Chosen(name)) > 0 {
		return
	}
	for _, skipped := range r.plan.Skipped {
		if Selects(name, skipped.ID) {
			r.bad(at, "%s is skipped: %s", skipped.ID, skipped.Why)
			return
		}
	}
	var ids []string
	for _, e := range r.plan.Planned {
		ids = append(ids, e.ID())
	}
	r.bad(at, "no experiment %q; experiments: %s", name, choicesFor(name, ids))
}

func (r *resolver) follow(at cursor, what string) {
	if !slices.Contains(follows(), what) {
		r.bad(at, "%q: want %s", what, strings.Join(follows(), ", "))
	}
}

// windows looks at windows. Files that they name are beside the configuration.
func (r *resolver) windows(at cursor, list []stop.Window) {
	for i := range list {
		list[i].Calendar = r.beside(list[i].Calendar)
		if err := list[i].Validate(); err != nil {
			r.fail(at.item(i), err)
		}
	}
}

// GameDay is the game day of a name; the error lists those that there are.
func (p *Plan) GameDay(name string) (GameDay, error) {
	g, ok := p.GameDays.Get(name)
	switch {
	case ok:
		return g, nil
	case len(p.GameDays.Names) == 0:
		return g, fmt.Errorf("%s has no game day: write one into gamedays; \"aftershock explain gamedays\" says how", p.Path)
	}
	return g, fmt.Errorf("%s has no game day %q; game days: %s", p.Path, name, choicesFor(name, p.GameDays.Names))
}
