package config

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestExplain(t *testing.T) {
	for _, row := range []struct{ path, want string }{
		{"", "/mapping, 12 fields"},
		{"times.hold", "times.hold/duration, default 10s, examples [1m]"},
		{"services", "services/mapping of names to mapping, required"},
		{"services.checkout.load.rate", "services.NAME.load.rate/rate over time, default 100/s"},
		{"services[checkout].load", "services.NAME.load/mapping, default there is none, examples [{rate: 100/s, url: 'http://checkout.example/checkout'}], 14 fields"},
		{"services.checkout.load.headers.X-Key.env", "services.NAME.load.headers.NAME.env/text, examples [TOKEN]"},
		{"checks.*.good", "checks.NAME.good/tolerance, required"},
		{"checks.capacity/p95.limits[0]", "checks.NAME.limits/list of limit, default good throughout"},
		{"experiments.storm.faults.kill.podKill.pods", "experiments.NAME.faults.NAME.podKill.pods/number of pods, required, examples [1 30% all]"},
		{"experiments[slow].faults[kill].effects[1].rise", "experiments.NAME.faults.NAME.effects.rise/number, examples [0.5]"},
		{"experiments.storm.faults.slow.networkDelay.to", "experiments.NAME.faults.NAME.networkDelay.to/text, default everything that the pods send, examples [payments]"},
		{"experiments.storm.atLeast.hold", "experiments.NAME.atLeast.hold/duration"},
		{"services.checkout.vary.pods/kill-one.faults", "services.NAME.vary.NAME.faults/mapping of names to mapping"},
		{"prometheus.http_config.basic_auth.password_file", "prometheus.http_config.basic_auth.password_file/text"},
		{"baseline", "baseline/baseline, default settle, choices [settle control]"},
		{"service", `no field "service"; fields: apiVersion, cluster, allow, prometheus, freeze, times, baseline, abort, checks, services, experiments`},
		{"services.checkout.lod", `services.NAME has no field "lod"; fields: namespace, workload, selector`},
		{"times.hold.on", `times.hold has no fields: it is of type duration`},
		{"experiments.storm.faults.kill.effects.size", `experiments.NAME.faults.NAME.effects has no field "size"; fields: event`},
	} {
		f, err := Explain(row.path)
		if err != nil {
			if !strings.HasPrefix(err.Error(), row.want) {
				t.Errorf("%s: %v, want %s", row.path, err, row.want)
			}
			continue
		}
		got := f.Path + "/" + f.Type
		for _, part := range []struct {
			said bool
			text string
		}{
			{f.Required, "required"},
			{f.Default != "", "default " + f.Default},
			{f.Examples != nil, fmt.Sprintf("examples %v", f.Examples)},
			{f.Choices != nil, fmt.Sprintf("choices %v", f.Choices)},
			{f.Fields != nil, fmt.Sprintf("%d fields", len(f.Fields))},
		} {
			if part.said {
				got += ", " + part.text
			}
		}
		if !strings.HasPrefix(got, row.want) {
			t.Errorf("%s: %s, want %s", row.path, got, row.want)
		}
	}
}

func TestPathsAreCompleted(t *testing.T) {
	for typed, want := range map[string]string{
		"":                                       "apiVersion cluster allow prometheus freeze times baseline abort checks services experiments",
		"ser":                                    "services",
		"services.":                              "services.NAME",
		"services.checkout.lo":                   "services.checkout.load",
		"services.checkout.load.":                "services.checkout.load.url",
		"nothing.":                               "",
		"experiments.storm.faults.kill.networkD": "experiments.storm.faults.kill.networkDelay experiments.storm.faults.kill.networkDuplicate",
	} {
		if got := strings.Join(CompletePath(typed), " "); !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("%q: %q, want %q", typed, got, want)
		}
	}
}

// fieldsPage is docs/fields.md: every field, from the schema.
func fieldsPage(t *testing.T) string {
	t.Helper()
	var text strings.Builder
	text.WriteString(`# Every field of aftershock.yaml

Made of the schema by ` + "`go generate ./config`" + `; "aftershock explain PATH" says the same in a terminal, and
[configuration.md](configuration.md) how it all fits together. NAME stands for a name of your own. A field may be null, which
is the same as one that is not there. A mapping that occurs at several paths is described at the first of them: tls_config
below oauth2, headers below load.
`)
	seen := map[string]bool{}
	var section func(path string)
	section = func(path string) {
		f, err := Explain(path)
		if err != nil {
			t.Fatal(err)
		}
		if f.of != "" && seen[f.of] {
			return
		}
		seen[f.of] = true
		switch {
		case len(f.Fields) > 0:
			fmt.Fprintf(&text, "\n## %s\n\n", orElse(path, "The file"))
			if f.Description != "" && path != "" {
				fmt.Fprintf(&text, "%s\n\n", cell(f.Description))
			}
			text.WriteString("| field | type | default | meaning | examples |\n|---|---|---|---|---|\n")
		case ofMappings(f):
			section(join(path, anyName))
			return
		}
		for _, one := range f.Fields {
			def := one.Default
			if one.Required {
				def = "**required**"
			} else if def != "" && !strings.Contains(def, " ") {
				def = "`" + def + "`"
			}
			var examples []string
			for _, example := range one.Examples {
				examples = append(examples, "`"+example+"`")
			}
			meaning := cell(one.Description)
			for _, is := range []string{" is ", " are "} {
				meaning = strings.TrimPrefix(meaning, one.Name+is)
			}
			if len(one.Choices) > 0 && len(one.Choices) < 10 && one.Choices[0] != Version {
				meaning = strings.TrimSpace(meaning + " One of `" + strings.Join(one.Choices, "`, `") + "`.")
			}
			fmt.Fprintf(&text, "| `%s` | %s | %s | %s | %s |\n", one.Name, one.Type, def, meaning, strings.ReplaceAll(strings.Join(examples, "<br>"), "|", "\\|"))
		}
		for _, one := range f.Fields {
			if one.Name == "vary" { // as experiments are, which come later
				continue
			}
			switch deep, err := Explain(join(path, one.Name)); {
			case err != nil:
				t.Fatal(err)
			case len(deep.Fields) > 0, ofMappings(deep):
				section(join(path, one.Name))
			}
		}
	}
	section("")
	return text.String()
}

// ofMappings reports whether the user's names stand for mappings.
func ofMappings(f Field) bool {
	return strings.HasPrefix(f.Type, "mapping of names to ") && strings.HasSuffix(f.Type, "mapping")
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return "`" + text + "`"
}

func cell(text string) string {
	return strings.NewReplacer("|", "\\|", "<", "&lt;", "{{", "`{{", "}}", "}}`").Replace(text)
}

func TestTheSchemaIsInTheDocuments(t *testing.T) {
	text := fieldsPage(t)
	const path = "../docs/fields.md"
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if written, err := os.ReadFile(path); err != nil || string(written) != text {
		t.Errorf("%s is not that of the schema: go generate ./config (%v)", path, err)
	}
}

// Each field says what it is for, but for those of Prometheus' own settings.
func TestTheSchemaDescribesEachField(t *testing.T) {
	var walk func(path string, seen []string)
	walk = func(path string, seen []string) {
		f, err := Explain(path)
		if err != nil {
			t.Fatal(err)
		}
		if f.of != "" && slices.Contains(seen, f.of) || path == "prometheus.http_config" {
			return
		}
		for _, one := range f.Fields {
			if one.Description == "" {
				t.Errorf("%s has no description", one.Path)
			}
			walk(one.Path, append(seen, f.of))
		}
		if ofMappings(f) {
			walk(join(path, anyName), append(seen, f.of))
		}
	}
	walk("", nil)
}
