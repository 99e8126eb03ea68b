package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
)

// A kind is a kind of fault, as a configuration has it.
type kind struct {
	fault string // in YAML
	// held: it is in place until it is undone, and the look sees it.
	held bool
	// effect matches what the look sees of it in the networks of pods or among the
	// processes while it is held; nil: it leaves nothing there, and only its objects are
	// seen.
	effect *regexp.Regexp
	// creates: it writes down a change of the cluster before it makes it.
	creates bool
}

// What the lab's chaos-daemon leaves where it acts. Where the kernel has no netem, the
// packet filter queues what leaves the pod for a process that holds it back.
var (
	heldBack   = regexp.MustCompile(`^(tc in the network of process .* netem |iptables-legacy-save in the network of process .* -j NFQUEUE )`)
	dropped    = regexp.MustCompile(`^iptables-legacy-save in the network of process .* -j DROP$`)
	burnsTime  = regexp.MustCompile(`^stress-ng`)
	takesSpace = regexp.MustCompile(`^mem[Ss]tress`)
)

// kinds are those that the lab can inject; see lab/README.md for the others.
var kinds = map[string]kind{
	"podKill":          {fault: "{podKill: {pods: 1}}", creates: true},
	"podFailure":       {fault: "{podFailure: {pods: 1}}", held: true, creates: true},
	"containerKill":    {fault: "{containerKill: {pods: 1}}", creates: true},
	"networkDelay":     {fault: "{networkDelay: {pods: all, latency: 100ms, to: payments}}", held: true, effect: heldBack, creates: true},
	"networkLoss":      {fault: "{networkLoss: {pods: 1, packets: 5%}}", held: true, effect: heldBack, creates: true},
	"networkPartition": {fault: "{networkPartition: {pods: all, to: payments}}", held: true, effect: dropped, creates: true},
	"stressCPU":        {fault: "{stressCPU: {pods: 1, workers: 1}}", held: true, effect: burnsTime, creates: true},
	"stressMemory":     {fault: "{stressMemory: {pods: 1, size: 32M}}", held: true, effect: takesSpace, creates: true},
	"evict":            {fault: "{evict: {pods: 1}}"},
	"drain":            {fault: "{drain: {}}"},
	"restart":          {fault: "{restart: {}}", creates: true},
	"badImage":         {fault: "{badImage: {}}", held: true, creates: true},
	"surge":            {fault: "{surge: {factor: 2x}}"},
}

func kindNames() []string { return slices.Sorted(maps.Keys(kinds)) }

// The moments of a run at which it is killed.
const (
	inSettle = "settle"
	inCreate = "create" // in the call that makes the first change, or just after
	inInject = "inject"
	inHold   = "hold"
	inUndo   = "undo"
)

var moments = []string{inSettle, inCreate, inInject, inHold, inUndo}

// An attempt is a run that is killed.
type attempt struct {
	N      int    `json:"n"`
	Kind   string `json:"kind"`
	Moment string `json:"moment"`
	// Late is when within the moment, from 0 to 1.
	Late  float64 `json:"late"`
	Swept bool    `json:"swept"` // at once; otherwise it is left to the cluster
}

// plan is the same for the same arguments: each kind at each moment, in a random
// order, again and again, every other time swept.
func plan(n int, seed int64, only string) (trials []attempt, err error) {
	names, err := chosen(kindNames(), only)
	if err != nil {
		return nil, err
	}
	random := rand.New(rand.NewPCG(uint64(seed), 0)) //nolint:gosec // it must be the same again
	for round := 0; len(trials) < n; round++ {
		var all []attempt
		for i, name := range names {
			for j, moment := range moments {
				all = append(all, attempt{Kind: name, Moment: moment, Late: random.Float64(), Swept: (i+j+round)%2 == 0})
			}
		}
		random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		trials = append(trials, all...)
	}
	trials = trials[:n]
	for i := range trials {
		trials[i].N = i + 1
	}
	return trials, nil
}

// chosen are the kinds that the flag names, or all.
func chosen(known []string, only string) ([]string, error) {
	if only == "" {
		return known, nil
	}
	names := strings.Split(only, ",")
	for _, name := range names {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("-kinds: no kind %q; kinds: %s", name, strings.Join(known, ", "))
		}
	}
	return names, nil
}
