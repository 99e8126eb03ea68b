package config

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"unicode"

	"github.com/aftershockhq/aftershock/experiments/autoscaling"
	"github.com/aftershockhq/aftershock/experiments/workers"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/kube"
	"github.com/aftershockhq/aftershock/steadystate/prom"
	"github.com/aftershockhq/aftershock/steadystate/secret"
)

// A form is how a scalar is written.
type form struct {
	name    string
	types   []string // besides strings
	pattern string   // of strings, without its variables; empty: any
	choices []string // in place of a pattern
	want    string   // what an editor says to another
	least   *float64 // of numbers
	most    *float64
	above   *float64
}

// variableIn matches where a text is not known until the environment is.
const variableIn = `\$\{[A-Za-z_][A-Za-z0-9_]*\}`

func (f form) schema() *schema {
	s := &schema{Title: f.name, Type: append(append([]string{"string"}, f.types...), "null"), PatternError: f.want, Minimum: f.least, Maximum: f.most, ExclusiveMinimum: f.above}
	switch {
	case f.choices != nil:
		choices := []any{}
		for _, choice := range f.choices {
			choices = append(choices, choice)
		}
		s.Type = []string{"string", "null"}
		s.AnyOf = []*schema{{Enum: append(choices, nil)}, {Type: []string{"string"}, Pattern: variableIn}}
	case f.pattern != "":
		s.Pattern = "^(?:" + f.pattern + ")$|" + variableIn
	}
	return s
}

// The parts of patterns. They are of what JavaScript, Go and others agree on.
const (
	plainNumber = `(?:[0-9]+\.?[0-9]*|\.[0-9]+)`
	exponent    = `(?:[eE][+-]?[0-9]+)?`
	someNumber  = plainNumber + exponent
	positive    = `(?:[0-9]*[1-9][0-9]*\.?[0-9]*|[0-9]*\.[0-9]*[1-9][0-9]*)`
	timeUnit    = `(?:ns|us|µs|μs|ms|s|m|h)`
	aTime       = `(?:` + someNumber + `\s*` + timeUnit + `|(?:` + plainNumber + timeUnit + `)+)`
	aDuration   = `\+?(?:` + plainNumber + timeUnit + `)*` + positive + timeUnit + `(?:` + plainNumber + timeUnit + `)*`
	zero        = `-?0+(?:\.0*)?`
	percentage  = `(?:0*(?:100(?:\.0*)?|[0-9]{1,2}(?:\.[0-9]*)?)|\.[0-9]+|` + plainNumber + `[eE][+-]?[0-9]+)`
	somePercent = `(?:0*100(?:\.0*)?|0*[1-9][0-9]?(?:\.[0-9]*)?|0*\.[0-9]*[1-9][0-9]*|` + plainNumber + `[eE][+-]?[0-9]+)`
	aRate       = `\+?` + positive + exponent + `/(?:s|min)`
	anyValue    = `[+-]?(?:` + aTime + `|` + someNumber + `\s*(?:%|/s|/min|/h)?)`
	offsetTime  = `[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]+)?(?:Z|[+-][0-9]{2}:[0-9]{2})`
	operator    = `\s*(?:<=|>=|==|<|>)\s*`
	label       = `[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?`
	subdomain   = `[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*`
	// All but the ASCII that a name cannot have, and marks such as that of right to
	// left: \p{L} is no part of Python's regular expressions, nor of ECMA-262's without
	// the flag u.
	marks    = "\u2000-\u206f"
	nameText = `[^\x00-/:-@\[-\x60{-\x7f` + marks + `](?:[^\x00-\x1f!-,/:-@\[-\^\x60{-\x7f` + marks + `]*[^\x00-,/:-@\[-\^\x60{-\x7f` + marks + `])?`
)

// quantitiesOf are the names of quantities, of lines "name meaning".
func quantitiesOf(lines []string, without ...string) string {
	var list []string
	for _, line := range lines {
		if name, _, _ := strings.Cut(line, " "); !slices.Contains(append(without, "pNN", "of"), name) {
			list = append(list, name)
		}
	}
	return "(?:" + strings.Join(list, "|") + ")"
}

// limitOf is the pattern of limits, of signals with such values.
func limitOf(values string) string {
	during := `(?:\s+during\s+(?:` + strings.Join(steadystate.Phases(), "|") + `))?`
	later := `(?:\s+during\s+(?:` + strings.Join(steadystate.Phases()[1:], "|") + `))?`
	of := func(q ...string) string { return "(?:" + strings.Join(q, "|") + ")" }
	const pNN = `p[0-9]{1,2}(?:\.[0-9]+)?`
	known := []string{
		of(steadystate.Downtime, steadystate.Longest) + operator + `(?:\+?` + aTime + `|` + zero + `)` + during,
		of(steadystate.Uptime, steadystate.Errors, steadystate.Slow) + operator + `(?:\+?` + percentage + `\s*%|` + zero + `)` + during,
		steadystate.Count + operator + `\+?` + someNumber + during,
		steadystate.Rate + operator + `(?:\+?` + someNumber + `\s*(?:/s|/min|/h)|` + zero + `)` + during,
		steadystate.TTD + operator + `(?:\+?` + aTime + `|` + zero + `)`,
		of(steadystate.TTR, steadystate.MTTR) + operator + `(?:\+?` + aTime + `|` + zero + `)(?:\s+after removal)?`,
		of(steadystate.Mean, pNN) + `(?: of good)?` + operator + `(?:` + values + during + `|\+?` + someNumber + `\s*x\s+baseline` + later + `)`,
		of(steadystate.Max, steadystate.Min) + `(?: of good)?` + operator + values + during,
	}
	return `\s*(?:` + strings.Join(known, "|") + `)\s*`
}

// templated is the pattern of a text with these placeholders.
func templated(placeholders []placeholder) string {
	var names []string
	for _, p := range placeholders {
		names = append(names, strings.TrimSuffix(strings.TrimPrefix(p.name, "{{."), "}}"))
	}
	return `(?:[^\{]|\{[^\{]|\{\{(?:- )?\s*\.(?:` + strings.Join(names, "|") + `)\s*(?: -)?\}\}|\{\{(?:- )?/\*(?:[^*]|\*[^/])*\*/(?: -)?\}\})*\{?`
}

// folded is the pattern of a text whatever its case.
func folded(text string) string {
	var pattern strings.Builder
	for _, r := range text {
		if unicode.IsLetter(r) {
			pattern.WriteString("[" + string(unicode.ToUpper(r)) + string(unicode.ToLower(r)) + "]")
		} else {
			pattern.WriteRune(r)
		}
	}
	return pattern.String()
}

var (
	seconds = `[+-]?` + aTime
	shares  = `[+-]?(?:` + someNumber + `\s*%|(?:0+\.?0*|\.0+)(?:[eE][+-]?[0-9]+)?)`
)

// forms are the text forms, by their names for people.
var forms = []form{
	{name: "text", types: []string{"number", "boolean"}, pattern: `(?:[^$]|\$\$|\$[^\{$])*\$?`, want: "write ${NAME} for an environment variable, and $$ for a $"},
	{name: "true or false", types: []string{"boolean"}, pattern: `true|false`, want: "want true or false"},
	{name: "whole number", types: []string{"integer"}, pattern: `[+-]?[0-9]+`, want: "want a whole number"},
	{name: "number", types: []string{"number"}, pattern: `[+-]?` + someNumber, want: "want a number"},
	{name: "duration", pattern: aDuration, want: "want a duration above zero with a unit, as in 500ms, 30s or 1m30s"},
	{name: "share", pattern: `\+?` + percentage + `%`, want: "want a share from 0% to 100%, as in 0.1%"},
	{name: "positive share", pattern: `\+?` + somePercent + `%`, want: "want a share above 0%, as in 5%"},
	{name: "whole share", pattern: `\+?0*(?:100|[1-9][0-9]?)(?:\.0*)?%`, want: "want a whole share from 1% to 100%, as in 80%"},
	{name: "share below all", pattern: `\+?` + strings.Replace(percentage, `100(?:\.0*)?|`, "", 1) + `%`, want: "want a share below 100%, as in 0.1%"},
	{name: "direction", choices: []string{"both", "egress", "ingress"}},
	{name: "number of pods", types: []string{"integer"}, least: new(1.0), pattern: `\+?0*[1-9][0-9]*|\+?0*(?:100|[1-9][0-9]?)%|all`, want: "want a number of pods, a share of them or all, as in 1, 30% or all"},
	{name: "rate over time", pattern: `\s*(?:` + strings.Join([]string{
		aRate, `ramp\s+from\s+` + aRate + `\s+to\s+` + aRate + `\s+over\s+` + aDuration,
		`steps\s+(?:` + aRate + `\s+for\s+` + aDuration + `\s*,\s*)*` + aRate,
		`sine\s+` + aRate + `\s+by\s+` + aRate + `\s+every\s+` + aDuration,
		`spike\s+from\s+` + aRate + `\s+to\s+` + aRate + `\s+after\s+` + aDuration + `\s+for\s+` + aDuration,
	}, "|") + `)\s*`, want: "want a rate, as in 100/s or 1000/min, or a shape, as in ramp from 10/s to 100/s over 1m"},
	{name: "rate", pattern: `\s*` + aRate + `\s*`, want: "want a rate, as in 100/s or 1000/min"},
	{name: "status codes", types: []string{"integer"}, least: new(200.0), most: new(399.0), pattern: `\s*[23][0-9]{2}\s*(?:-\s*[23][0-9]{2}\s*)?`, want: "want a code or a range of them within 200-399, as in 200 or 200-299"},
	{name: "amount", types: []string{"number"}, above: new(0.0), pattern: `\+?` + positive + `(?:` + `[numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]+)?`, want: "want an amount above zero, as in 500m, 128Mi or 10M"},
	{name: "tolerance", pattern: `\s*value` + operator + anyValue + `\s*`, want: "want value, an operator and a number with a unit, as in value <= 1s or value >= 99%"},
	{name: "multiple", pattern: `\s*\+?(?:0*1\.[0-9]*[1-9][0-9]*|0*[2-9](?:\.[0-9]*)?|0*[1-9][0-9]+(?:\.[0-9]*)?|` + plainNumber + `[eE][+-]?[0-9]+)\s*x\s*`, want: "want a multiple above 1x, as in 10x"},
	{name: "limit", pattern: limitOf(anyValue), want: "want QUANTITY OPERATOR VALUE [during PHASE | after removal], as in downtime <= 2s, uptime >= 99.9% or p95 <= 500ms during hold"},
	{name: "limit of durations", pattern: limitOf(seconds), want: "the values of this signal are durations: write one with a unit, as in p95 <= 500ms"},
	{name: "limit of shares", pattern: limitOf(shares), want: "the values of this signal are shares, as in min >= 66%"},
	{name: "tolerance of durations", pattern: `\s*value` + operator + seconds + `\s*`, want: "the values of this signal are durations: write one with a unit, as in value <= 500ms"},
	{name: "tolerance of shares", pattern: `\s*value` + operator + shares + `\s*`, want: "the values of this signal are shares, as in value >= 66%"},
	{
		name: "limit of an autoscaler",
		pattern: `\s*(?:` + quantitiesOf(autoscaling.Quantities(), autoscaling.Back, autoscaling.Replicas, autoscaling.Turns) + operator + `(?:` + seconds + `|` + zero + `)(?: since fault)?` +
			`|` + autoscaling.Back + operator + `(?:` + seconds + `|` + zero + `)|(?:` + autoscaling.Replicas + `|` + autoscaling.Turns + `)` + operator + `[+-]?` + someNumber + `)\s*`,
		want: "want QUANTITY OPERATOR VALUE [since fault], as in decision <= 45s since fault or turns <= 1",
	},
	{name: "workload", pattern: `(?:` + folded(strings.Join(workloads(), "|")) + `)/` + subdomain, want: "want one of " + strings.Join(workloads(), "/NAME, ") + "/NAME"},
	{name: "reduction", choices: []string{string(prom.Sum), string(prom.Max), string(prom.Min), string(prom.Avg), string(prom.Each)}},
	{name: "signal", choices: sourced()},
	{name: "baseline", choices: []string{BaselineSettle, BaselineControl}},
	{name: "what becomes of a run", choices: []string{RunningFinish, RunningStop}},
	{name: "what follows", choices: follows()},
	{name: "what is told", choices: notifications()},
	{name: "body of a message", choices: []string{BodyText, BodyDetails}},
	{name: "start", pattern: `|now|` + offsetTime + `|@[a-z]+|\s*\S+(?:\s+\S+){4}\s*`, want: "want now, a time with its offset, as in 2026-12-20T18:00:00+01:00, or the five fields of cron, as in 0 10 * * TUE"},
	{name: "time with an offset", pattern: `|` + offsetTime, want: "want a time with its offset, as in 2026-12-20T18:00:00+01:00"},
	{name: "condition", choices: []string{ScalingOut}},
	{name: "expectation", choices: []string{ExpectAutoscaler}},
	{name: "version", choices: []string{Version}},
	{name: "suite", choices: slices.Concat([]string{allSuites}, Catalogue().Suites(), standardIDs())},
	{name: "query", types: []string{"number", "boolean"}, pattern: templated(Subject{}.placeholders()), want: "of templates a query may have its placeholders only, as in {{.Series}}"},
	{name: "title", types: []string{"number", "boolean"}, pattern: templated(ofService("")), want: "of templates a title may have {{.Service}} only"},
	{name: "name of a namespace", types: []string{"number", "boolean"}, pattern: `|` + label, want: "want a name of Kubernetes': lower-case letters, digits and - between them"},
	{name: "name of a ServiceAccount", types: []string{"number", "boolean"}, pattern: `|` + subdomain, want: "want a name of Kubernetes': lower-case letters, digits, - and . between them"},
	{name: "name of a metric", types: []string{"boolean"}, pattern: `|[a-zA-Z_:][a-zA-Z0-9_:]*`, want: "want the name of a metric, as in http_request_duration_seconds"},
	{name: "name of a check", types: []string{"number", "boolean"}, pattern: `[^/]*|` + strings.Join(standardChecks(), "|"), want: "a name with a slash is a check of the catalogue"},
	{name: "name of an experiment", types: []string{"number", "boolean"}, pattern: `[^/]*|` + strings.Join(standardIDs(), "|"), want: "a name with a slash is an experiment of the catalogue"},
	{name: "URL", pattern: `|` + folded("http") + `[sS]?://[^/?#@\s]+(?:[/?#][^\s]*)?`, want: "want http://host/path or https://host/path, without credentials"},
	{name: "URL of Prometheus", pattern: `|` + folded("http") + `[sS]?://[^/?#@\s]+(?:/[^?#\s]*)?`, want: "want the base of the API without credentials, as in http://prometheus.example:9090"},
	{name: "URL of a WebSocket", pattern: `|[wW][sS]{1,2}://[^/?#@\s]+(?:[/?#][^\s]*)?`, want: "want ws://host/path or wss://host/path, without credentials"},
	{name: "address", pattern: `|(?:[^:\[\]]+|\[[^\[\]]+\]):[^:\[\]]+`, want: "want host:port"},
	{name: "secret", pattern: ``, choices: []string{""}},
	{name: "TLS version", choices: []string{"TLS10", "TLS11", "TLS12", "TLS13"}},
}

// workloads are the kinds of workload, as a file names them.
func workloads() (list []string) {
	for _, k := range kube.Kinds() {
		list = append(list, strings.ToLower(string(k)))
	}
	return list
}

func standardIDs() (ids []string) {
	for _, e := range Catalogue().Experiments {
		ids = append(ids, e.ID)
	}
	return ids
}

func standardChecks() (ids []string) {
	for _, c := range Catalogue().Checks {
		ids = append(ids, c.ID)
	}
	return ids
}

// fieldForms are of fields whose types do not say what is in them.
func fieldForms() map[string]func(*generator) *schema {
	return map[string]func(*generator) *schema{
		"File.APIVersion":          textForm("version"),
		"File.Baseline":            textForm("baseline"),
		"File.Checks":              checksForm,
		"File.Services":            servicesForm,
		"File.Experiments":         experimentsForm,
		"Config.URL":               textForm("URL of Prometheus"),
		"Cluster.Namespace":        textForm("name of a namespace"),
		"Cluster.ServiceAccount":   textForm("name of a ServiceAccount"),
		"Allow.Namespaces":         func(g *generator) *schema { return atLeastOne(g.list(g.text("name of a namespace"))) },
		"Allow.Protected":          func(g *generator) *schema { return g.list(atLeastOne(g.mapping(g.text("text")))) },
		"File.Abort":               func(g *generator) *schema { return both(g.structure(typeOf(Abort{})), ref("AbortComplete")) },
		"Abort.Unless":             unlessForm,
		"Condition.Signal":         textForm("signal"),
		"Condition.Query":          textForm("query"),
		"Check.Signal":             textForm("signal"),
		"Check.Query":              textForm("query"),
		"Check.Allowed":            textForm("share below all"),
		"Freeze.Running":           textForm("what becomes of a run"),
		"File.GameDays":            gameDaysForm,
		"GameDay.Start":            textForm("start"),
		"GameDay.Steps":            func(g *generator) *schema { return atLeastOne(g.list(g.structure(typeOf(DayStep{})))) },
		"GameDay.Broken":           textForm("what follows"),
		"GameDay.Unknown":          textForm("what follows"),
		"DayStep.Broken":           textForm("what follows"),
		"Notify.Events":            func(g *generator) *schema { return g.list(g.text("what is told")) },
		"Notify.Body":              textForm("body of a message"),
		"Window.From":              textForm("time with an offset"),
		"Window.To":                textForm("time with an offset"),
		"Service.Namespace":        textForm("name of a namespace"),
		"Service.Selector":         func(g *generator) *schema { return atLeastOne(g.mapping(g.text("text"))) },
		"Service.Load":             func(g *generator) *schema { return both(g.structure(typeOf(Load{})), ref("LoadComplete")) },
		"Service.Traffic":          textForm("query"),
		"Service.Checks":           func(g *generator) *schema { return atLeastOne(g.list(g.text("name of a check"))) },
		"Service.Suites":           func(g *generator) *schema { return g.list(g.text("suite")) },
		"Service.PodSignals":       podSignalsForm,
		"Service.Vary":             varyForm,
		"Load.URL":                 textForm("URL"),
		"Load.Headers":             headersForm,
		"WebSocket.URL":            textForm("URL of a WebSocket"),
		"WebSocket.UseHeaders":     headersForm,
		"GRPCHealth.Address":       textForm("address"),
		"GRPC.UseHeaders":          headersForm,
		"Pods.Count":               func(g *generator) *schema { return between(g.text("whole number"), 1, workers.MaxCount) },
		"Pods.Namespace":           textForm("name of a namespace"),
		"Autoscaler.Limits":        func(g *generator) *schema { return g.list(g.text("limit of an autoscaler")) },
		"Metrics.Histogram":        textForm("name of a metric"),
		"Metrics.Labels":           labelsForm,
		"Experiment.From":          textForm("name of an experiment"),
		"Experiment.Title":         textForm("title"),
		"Experiment.AtLeast":       atLeastForm,
		"Experiment.Checks":        func(g *generator) *schema { return g.list(g.text("name of a check")) },
		"Experiment.ExtraChecks":   func(g *generator) *schema { return g.list(g.text("name of a check")) },
		"Experiment.Expects":       func(g *generator) *schema { return g.list(g.text("expectation")) },
		"Experiment.Limits":        limitsForm,
		"Experiment.Faults":        func(*generator) *schema { return removable(ref("Fault")) },
		"Experiment.Load":          func(g *generator) *schema { return g.structure(typeOf(Load{})) },
		"Experiment.Abort":         func(g *generator) *schema { return g.structure(typeOf(Abort{})) },
		"When.Autoscaler":          textForm("condition"),
		"NetworkLoss.Packets":      textForm("positive share"),
		"NetworkDuplicate.Packets": textForm("positive share"),
		"NetworkCorrupt.Packets":   textForm("positive share"),
		"StressCPU.Workers":        func(g *generator) *schema { return between(g.text("whole number"), 1, 8192) },
		"StressCPU.Load":           textForm("whole share"),
		"StressMemory.OfLimit":     textForm("whole share"),
		"Effect.Quantile":          func(g *generator) *schema { return between(g.text("number"), 0, 1) },
	}
}

// commonFields are of several kinds of faults, whose comments are about their use in
// Go.
var commonFields = map[string]string{
	"pods":       "pods says how many of the service's pods are hit, chosen at random: a number, a share, which is rounded up, or all. Required. Examples: 1; 30%; all.",
	"containers": "containers are the names of those that are hit. Default: the one that serves.",
}

// removable is a mapping of which null removes.
func removable(values *schema) *schema {
	return &schema{Type: optional("object"), AdditionalProperties: &additional{values}}
}

func textForm(name string) func(*generator) *schema {
	return func(g *generator) *schema { return g.text(name) }
}

func between(s *schema, least, most float64) *schema {
	s.Minimum, s.Maximum = &least, &most
	return s
}

func atLeastOne(s *schema) *schema {
	if s.Items != nil {
		s.MinItems = 1
	} else {
		s.MinProperties = 1
	}
	return s
}

func both(s ...*schema) *schema { return &schema{AllOf: s} }

// named restricts the names of a mapping.
func named(s *schema, names *schema) *schema {
	s.PropertyNames = names
	return s
}

func notNamed(pattern string, reserved ...string) *schema {
	s := &schema{Pattern: "^(?:" + pattern + ")$"}
	if len(reserved) > 0 {
		s.Not = &schema{Pattern: "^(?:" + strings.Join(reserved, "|") + ")$"}
	}
	return s
}

// checksForm: one with a name of the catalogue's is a patch of that.
func checksForm(g *generator) *schema {
	check := g.structure(typeOf(Check{}))
	g.inUnits("Check")
	s := g.mapping(both(check, ref("CheckComplete")))
	s.PropertyNames = notNamed(`[^/\s](?:[^/]*[^/\s])?|`+strings.Join(standardChecks(), "|"), ExpectAutoscaler, signalPrefix+".*")
	s.PatternProperties = map[string]*schema{}
	patches := map[string]*schema{}
	for _, c := range Catalogue().Checks {
		of, other := "signal", "query"
		if c.Signal == "query" {
			of, other = other, of
		}
		patches[c.ID] = g.some(both(
			ref("Check"),
			&schema{If: null(of, true), Then: has(other), Else: &schema{Not: has(other)}},
			when(&schema{Not: has("signal")}, g.valuesIn(unitOf(c.Signal))),
		))
	}
	s.PatternProperties = grouped(patches)
	s.AdditionalProperties.Type = []string{"object"}
	s.PatternProperties["^(?:"+strings.Join(sourced(), "|")+")$"] = g.some(both(ref("Check"), ref("CheckComplete"), &schema{Not: has("query")}))
	return s
}

// unlessForm: null removes a condition from an experiment.
func unlessForm(g *generator) *schema {
	g.structure(typeOf(Condition{}))
	g.inUnits("Condition")
	s := removable(ref("Condition"))
	s.PropertyNames = notNamed(`\S(?:[\s\S]*\S)?`)
	return s
}

// inUnits: what is good of a signal has its unit.
func (g *generator) inUnits(def string) {
	for _, unit := range slices.Sorted(maps.Keys(units)) {
		var in []any
		for _, s := range signals {
			if s.unit == unit {
				in = append(in, s.name)
			}
		}
		g.defs[def].AllOf = append(g.defs[def].AllOf, when(inner("signal", &schema{Enum: in}), g.valuesIn(unit)))
	}
}

// grouped are schemas by the names that they are of, as patterns.
func grouped(of map[string]*schema) map[string]*schema {
	names, schemas := map[string][]string{}, map[string]*schema{}
	for _, name := range slices.Sorted(maps.Keys(of)) {
		text, err := json.Marshal(of[name])
		if err != nil {
			panic(err) // plain data
		}
		names[string(text)] = append(names[string(text)], name)
	}
	for _, same := range names {
		schemas["^(?:"+strings.Join(same, "|")+")$"] = of[same[0]]
	}
	return schemas
}

// unitOf is the unit of a signal; empty: a query's values are anything.
func unitOf(name string) unit {
	s, ok := signalOf(name)
	if !ok && name != "query" {
		panic("no signal " + name)
	}
	return s.unit
}

// form is the name of a text form of values in the unit.
func (u unit) form(of string) string { return strings.TrimSuffix(of+" of "+string(u), " of ") }

// valuesIn is that the tolerance and the limits of a check are in a unit.
func (g *generator) valuesIn(u unit) *schema {
	if u == "" {
		return &schema{}
	}
	s := &schema{}
	s.Properties.set("good", g.text(u.form("tolerance")))
	s.Properties.set("limits", &schema{Items: g.text(u.form("limit"))})
	return s
}

func servicesForm(g *generator) *schema {
	return named(atLeastOne(g.mapping(g.structure(typeOf(Service{})))), notNamed(nameText, folded(record.ControlLabel), ToCalls))
}

func experimentsForm(g *generator) *schema {
	g.structure(typeOf(Experiment{}))
	values := &schema{Type: []string{"object"}, AllOf: []*schema{ref("Experiment")}, If: has("from"), Else: ref("ExperimentComplete")}
	return named(g.mapping(values), notNamed(nameText, folded(record.ControlLabel)))
}

func gameDaysForm(g *generator) *schema {
	return named(g.mapping(g.structure(typeOf(GameDay{}))), notNamed(nameText, folded(record.ControlLabel)))
}

func varyForm(g *generator) *schema {
	s := g.mapping(both(g.structure(typeOf(Experiment{})), null("service", false)))
	s.AdditionalProperties.Type = []string{"object"}
	return named(s, &schema{Enum: anyOf(standardIDs())})
}

func anyOf(texts []string) (list []any) {
	for _, text := range texts {
		list = append(list, text)
	}
	return list
}

func podSignalsForm(g *generator) *schema {
	return named(g.mapping(g.text("query")), notNamed(`[\s\S]*`, SignalTraffic))
}

func labelsForm(g *generator) *schema {
	return named(g.mapping(g.text("text")), notNamed(`[a-zA-Z_][a-zA-Z0-9_]*`))
}

// headersForm: those that are secret are not written out.
func headersForm(g *generator) *schema {
	s := named(removable(g.of(typeOf(Header{}))), notNamed("[A-Za-z0-9!#$%&'*+.^_\\x60|~-]+"))
	s.PatternProperties = map[string]*schema{secretHeaders(): g.of(typeOf(secret.Secret{}))}
	return s
}

// secretHeaders are the names of headers of which [mayBeSecret] is true.
func secretHeaders() string {
	const end = "[_-]"
	words := func(list []string) string { return "(?:" + folded(strings.Join(list, "|")) + ")" }
	return "(?:^|" + end + ")(?:" + words(credentials) + "|" + words(keyed) + end + "+" + folded("key") + ")(?:" + end + "|$)"
}

func atLeastForm(g *generator) *schema {
	return both(g.structure(typeOf(Times{})), null("undo", false), null("deadline", false))
}

// limitsForm: their form depends on what they are on.
func limitsForm(g *generator) *schema {
	s := removable(g.list(g.text("limit")))
	lists := map[string]*schema{ExpectAutoscaler: g.list(g.text("limit of an autoscaler"))}
	for _, signal := range sourced() {
		lists[signalPrefix+signal] = g.list(g.text(unitOf(signal).form("limit")))
	}
	for _, c := range Catalogue().Checks {
		lists[c.ID] = g.list(g.text(unitOf(c.Signal).form("limit")))
	}
	s.PatternProperties = grouped(lists)
	return s
}

// The parts of rules.

func aMapping() *schema { return &schema{Type: []string{"object"}} }

// said is of a value that says something.
func said() *schema { return ref("Said") }

// has is of a mapping with a field that says something.
func has(name string) *schema {
	s := &schema{Type: []string{"object"}, Required: []string{name}}
	s.Properties.set(name, said())
	return s
}

// null is of a mapping with a field that is null; unless it must be there, it may
// be missing.
func null(name string, there bool) *schema {
	s := &schema{}
	if there {
		s.Type, s.Required = []string{"object"}, []string{name}
	}
	s.Properties.set(name, &schema{Type: []string{"null"}})
	return s
}

func when(condition, then *schema) *schema { return &schema{If: condition, Then: then} }

func neither(a, b *schema) *schema { return &schema{Not: &schema{AllOf: []*schema{a, b}}} }

func exclusive(a, b string) *schema { return neither(has(a), has(b)) }

func either(a, b string) *schema { return &schema{AnyOf: []*schema{has(a), has(b)}} }

// needs: a field goes with another only.
func needs(a, b string) *schema { return when(has(a), has(b)) }

// isTrue is of a mapping with a field that is true.
func isTrue(name string, variable bool) *schema {
	s := &schema{Type: []string{"object"}, Required: []string{name}}
	is := []*schema{{Enum: []any{true, "true"}}}
	if variable {
		is = append(is, &schema{Type: []string{"string"}, Pattern: variableIn})
	}
	s.Properties.set(name, &schema{AnyOf: is})
	return s
}

func inner(name string, holds *schema) *schema {
	s := &schema{Type: []string{"object"}, Required: []string{name}}
	s.Properties.set(name, holds)
	return s
}

// patched are the types that may be a patch of another, of which null removes and
// nothing is required.
var patched = []string{"Experiment", "Fault", "When", "Load", "Success", "Body", "Secret", "Workers", "Check", "Abort", "Condition"}

// always are rules of a type, also of a patch.
var always = map[string][]*schema{
	"Check":     {exclusive("signal", "query")},
	"Condition": {exclusive("signal", "query")},
	"Service":   {exclusive("load", "traffic")},
	"Load":      {exclusive("url", "targets"), exclusive("method", "targets"), neither(isTrue("reuse", false), has("reuseRate"))},
	"GRPC":      {when(has("caFile"), isTrue("tls", true))},
	"Secret":    {exclusive("env", "file")},
	"Effect": {
		either("event", "signal"), exclusive("event", "signal"), exclusive("atMost", "rise"),
		when(both(has("signal"), &schema{Not: has("atMost")}), has("rise")),
	},
	"Fault":  faultRules(),
	"Freeze": {either("windows", "incident")},
	"Window": {
		{AnyOf: []*schema{has("from"), has("schedule"), has("calendar")}},
		exclusive("from", "schedule"), needs("from", "to"), needs("to", "from"),
		exclusive("calendar", "from"), exclusive("calendar", "schedule"),
		needs("schedule", "for"), needs("for", "schedule"), when(has("timezone"), either("schedule", "calendar")),
	},
	"DayStep": {
		either("run", "pause"), exclusive("run", "pause"), needs("expect", "run"), needs("broken", "run"),
	},
	"Fault.stressMemory": {exclusive("size", "ofLimit")},
	"Fault.chaosMesh":    {exclusive("file", "yaml")},
	"File":               {withoutPrometheus()},
}

// unlessPatched are rules of a type that is no patch.
var unlessPatched = map[string][]*schema{
	"Check":                  {either("signal", "query"), needs("reduce", "query"), needs("every", "query")},
	"Abort":                  {inside("unless", &schema{AdditionalProperties: &additional{ref("ConditionComplete")}})},
	"Condition":              {either("signal", "query"), needs("reduce", "query")},
	"Load":                   {either("url", "targets"), headersComplete()},
	"WebSocket":              {headersComplete()},
	"GRPC":                   {headersComplete()},
	"Secret":                 {either("env", "file")},
	"Experiment":             experimentRules(),
	"Fault":                  {needs("when", "within"), needs("within", "when")},
	"Fault.networkDelay":     {needs("direction", "to")},
	"Fault.networkLoss":      {needs("direction", "to")},
	"Fault.networkDuplicate": {needs("direction", "to")},
	"Fault.networkCorrupt":   {needs("direction", "to")},
	"Fault.networkBandwidth": {needs("direction", "to")},
	"Fault.networkPartition": {needs("direction", "to")},
	"Fault.stressMemory":     {either("size", "ofLimit")},
	"Fault.chaosMesh":        {either("file", "yaml")},
}

func faultRules() (rules []*schema) {
	for _, k := range faultKinds {
		of, object := typeOf(k.spec), k.name == "chaosMesh"
		if !object && (Fault{Spec: k.spec}).OneShot() {
			rules = append(rules, exclusive(k.name, "for"))
		}
		if !object && of.PkgPath() == typeOf(Fault{}).PkgPath() {
			rules = append(rules, exclusive(k.name, "effects"))
		} else if _, ok := of.FieldByName("Signal"); ok {
			rules = append(rules, neither(inner(k.name, has("signal")), has("effects")))
		}
	}
	return rules
}

// headersComplete: each has a value.
func headersComplete() *schema {
	s := &schema{}
	s.Properties.set("headers", &schema{AdditionalProperties: &additional{&schema{Not: &schema{Type: []string{"null"}}, If: aMapping(), Then: ref("SecretComplete")}}})
	return s
}

// experimentRules: there are faults, each is complete, and one comes first.
func experimentRules() []*schema {
	faults := &schema{
		AdditionalProperties: &additional{ref("FaultComplete")},
		AnyOf: []*schema{
			{MaxProperties: new(0)},
			{Not: &schema{AdditionalProperties: &additional{either("at", "when")}}},
		},
	}
	s := has("faults")
	return []*schema{s, func() *schema { r := &schema{}; r.Properties.set("faults", faults); return r }()}
}

// withoutPrometheus nothing has a query.
func withoutPrometheus() *schema {
	none := &schema{}
	none.Properties.set("checks", &schema{AdditionalProperties: &additional{&schema{Not: has("query")}}})
	none.Properties.set("services", &schema{AdditionalProperties: &additional{&schema{Not: &schema{AnyOf: []*schema{has("traffic"), inner("podSignals", &schema{Type: []string{"object"}, MinProperties: 1})}}}}})
	none.Properties.set("abort", inside("unless", &schema{AdditionalProperties: &additional{&schema{Not: has("query")}}}))
	none.Properties.set("freeze", &schema{Not: has("incident")})
	return &schema{If: has("prometheus"), Else: none}
}

// inside restricts a field, if it is there.
func inside(name string, holds *schema) *schema {
	s := &schema{}
	s.Properties.set(name, holds)
	return s
}

func typeOf(v any) reflect.Type { return reflect.TypeOf(v) }
