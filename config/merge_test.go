package config

import (
	"reflect"
	"testing"

	"go.yaml.in/yaml/v3"
)

// mergeVectors are those of RFC 7386, appendix A, whose result is a mapping, and of
// what differs from it.
var mergeVectors = []struct{ sentence, base, patch, want string }{
	{"a value replaces", `{"a":"b"}`, `{"a":"c"}`, `{"a":"c"}`},
	{"a new field is added", `{"a":"b"}`, `{"b":"c"}`, `{"a":"b","b":"c"}`},
	{"null removes", `{"a":"b"}`, `{"a":null}`, `{}`},
	{"null removes one of two", `{"a":"b","b":"c"}`, `{"a":null}`, `{"b":"c"}`},
	{"a text replaces a list", `{"a":["b"]}`, `{"a":"c"}`, `{"a":"c"}`},
	{"a list replaces a text", `{"a":"c"}`, `{"a":["b"]}`, `{"a":["b"]}`},
	{"mappings merge", `{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`, `{"a":{"b":"d"}}`},
	{"a list replaces a list", `{"a":[{"b":"c"}]}`, `{"a":[1]}`, `{"a":[1]}`},
	{"null in the base stays", `{"e":null}`, `{"a":1}`, `{"e":null,"a":1}`},
	{"a mapping replaces a list", `{"a":[1]}`, `{"a":{"b":2}}`, `{"a":{"b":2}}`},
	{"null of nothing is nothing", `{}`, `{"a":{"bb":{"ccc":null}}}`, `{"a":{"bb":{}}}`},
	{"an alias is what it stands for", `{x: &x {b: 1}, a: *x}`, `{a: {c: 2}}`, `{x: {b: 1}, a: {b: 1, c: 2}}`},
	{"a limit drops no other", `{limits: {c: [p95 <= 1s, ttr <= 9s]}}`, `{limits: {c: [p95 <= 2s]}}`, `{limits: {c: [p95 <= 2s, ttr <= 9s]}}`},
	{"a limit of another phase is another", `{limits: {c: [p95 <= 1s]}}`, `{limits: {c: [p95 <= 2s during hold]}}`, `{limits: {c: [p95 <= 1s, p95 <= 2s during hold]}}`},
	{"two limits on the same are both said", `{limits: {c: [p95 <= 1s]}}`, `{limits: {c: [p95 <= 2s, p95 <= 3s]}}`, `{limits: {c: [p95 <= 2s, p95 <= 3s]}}`},
	{"from below is not from above", `{limits: {c: [mean >= 70%, mean <= 80%]}}`, `{limits: {c: [mean <= 90%]}}`, `{limits: {c: [mean >= 70%, mean <= 90%]}}`},
	{"an autoscaler's limits merge alike", `{limits: {autoscaler: [turns <= 1, back <= 7m]}}`, `{limits: {autoscaler: [turns <= 2]}}`, `{limits: {autoscaler: [turns <= 2, back <= 7m]}}`},
	{"a text that is no limit is kept, to be reported", `{limits: {c: [p95 <= 1s]}}`, `{limits: {c: [p95]}}`, `{limits: {c: [p95 <= 1s, p95]}}`},
	{"null removes all limits on a check", `{limits: {c: [p95 <= 1s]}}`, `{limits: {c: null}}`, `{limits: {}}`},
	{"those of a check merge", `{limits: [p95 <= 1s, ttr <= 9s]}`, `{limits: [ttr <= 1s]}`, `{limits: [p95 <= 1s, ttr <= 1s]}`},
	{"other lists named limits replace", `{a: {limits: {c: [p95 <= 1s]}}}`, `{a: {limits: {c: [ttr <= 1s]}}}`, `{a: {limits: {c: [ttr <= 1s]}}}`},
	{"a load keeps its nulls, which are for the service's", `{load: {url: a}}`, `{load: {url: null, rate: null}}`, `{load: {url: null, rate: null}}`},
	{"a load can be removed", `{load: {url: a}}`, `{load: null}`, `{}`},
}

func TestMerge(t *testing.T) {
	parse := func(text string) *yaml.Node {
		var document yaml.Node
		if err := yaml.Unmarshal([]byte(text), &document); err != nil {
			t.Fatal(err)
		}
		return document.Content[0]
	}
	values := func(n *yaml.Node) (value any) {
		if err := n.Decode(&value); err != nil {
			t.Fatal(err)
		}
		return value
	}
	for _, v := range mergeVectors {
		base, patch := parse(v.base), parse(v.patch)
		if got, want := values(merge(base, patch)), values(parse(v.want)); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, want %v", v.sentence, got, want)
		}
		if !reflect.DeepEqual(values(base), values(parse(v.base))) || !reflect.DeepEqual(values(patch), values(parse(v.patch))) {
			t.Errorf("%s: base %v, patch %v, of which neither may change", v.sentence, values(base), values(patch))
		}
	}
}
