package compare

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aftershockhq/aftershock/reports/results"
)

// A choice selects the runs of an experiment that form one set.
type choice struct {
	what          string // trials or baseline
	flag          string // that chooses images
	plans, images []string
	samePlan      bool
}

// chosen holds runs of one plan and one build.
type chosen struct {
	plan                    string
	runs                    []results.Result
	notChosen, buildUnknown int
}

func byExperiment(list []results.Result) map[string][]results.Result {
	sets := map[string][]results.Result{}
	for p, set := range byPlan(list) {
		sets[p.experiment] = append(sets[p.experiment], set...)
	}
	for _, set := range sets {
		slices.SortStableFunc(set, func(a, b results.Result) int { return a.Run.Started.Compare(b.Run.Started) })
	}
	return sets
}

// of returns the chosen runs of a list. All must have one plan, and those that say what
// they ran must have run the same build.
func (c choice) of(experiment string, list []results.Result) (of chosen, err error) {
	ids := map[string]bool{}
	for _, r := range list {
		if ids[r.Run.ID] {
			return chosen{}, fmt.Errorf("%s of %s: run %s is there twice", c.what, experiment, r.Run.ID)
		}
		ids[r.Run.ID] = true
		if c.asked(r) {
			of.runs = append(of.runs, r)
		}
	}
	if len(of.runs) == 0 {
		return chosen{}, fmt.Errorf("none of the %s of %s has the plan %q and the images %q", c.what, experiment, strings.Join(c.plans, " or "), strings.Join(c.images, " and "))
	}
	plans, builds := map[string]int{}, map[string]int{}
	for _, r := range of.runs {
		plans[r.PlanHash]++
		if b := buildOf(r); b != "" && !leftOut(r) {
			builds[b]++
		}
	}
	switch {
	case len(plans) > 1:
		return chosen{}, fmt.Errorf("%s of %s have several plans (%s): choose those of one with --plan HASH", c.what, experiment, counts(plans))
	case len(builds) > 1:
		return chosen{}, fmt.Errorf("%s of %s ran several builds (%s): choose those of one with %s DIGEST", c.what, experiment, counts(builds), c.flag)
	}
	of.plan, of.notChosen = of.runs[0].PlanHash, len(list)-len(of.runs)
	if of.plan == "" && !c.samePlan {
		return chosen{}, fmt.Errorf("%s of %s have no hash of their plan, so that nothing says that they did the same; --same-plan takes your word for it", c.what, experiment)
	}
	for i, r := range of.runs {
		if (len(builds) > 0 || len(c.images) > 0) && buildOf(r) == "" && !leftOut(r) {
			of.buildUnknown++
			of.runs[i].Caveats = append(slices.Clone(r.Caveats), "what it ran is not known") // so that its figures may be any
		}
	}
	return of, nil
}

// asked reports whether a run is chosen. A run that does not say what it ran may be.
func (c choice) asked(r results.Result) bool {
	build := buildOf(r)
	return (len(c.plans) == 0 || slices.ContainsFunc(c.plans, func(hash string) bool { return hash != "" && strings.HasPrefix(r.PlanHash, hash) })) &&
		(build == "" || !slices.ContainsFunc(c.images, func(digest string) bool { return !strings.Contains(build, digest) }))
}

// baselineOf returns the runs of a baseline with a plan.
func (o GateOptions) baselineOf(experiment, hash string, list []results.Result) (chosen, error) {
	list = slices.DeleteFunc(slices.Clone(list), func(r results.Result) bool { return r.PlanHash != hash })
	if len(list) == 0 {
		return chosen{}, fmt.Errorf("the baseline of %s is of %w: its runs must have the hash %q", experiment, ErrOtherPlan, hash)
	}
	return choice{what: "runs of the baseline", flag: "--baseline-image", images: o.BaselineImages, samePlan: o.SamePlan}.of(experiment, list)
}

// buildOf names the images that a run's containers ran; empty if unknown.
func buildOf(r results.Result) string {
	var list []string
	for _, i := range r.Images {
		if len(i.Digests) > 0 {
			list = append(list, i.Container+" "+strings.Join(slices.Sorted(slices.Values(i.Digests)), "+"))
		}
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}

// counts lists texts with the number of runs that have each.
func counts(of map[string]int) string {
	var list []string
	for _, text := range slices.Sorted(maps.Keys(of)) {
		shown := short(text)
		if text == "" {
			shown = "no hash"
		}
		list = append(list, fmt.Sprintf("%s in %s", shown, plural(of[text], "run")))
	}
	return strings.Join(list, "; ")
}
