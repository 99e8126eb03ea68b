package trial

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

func TestAVariantHasTheChanges(t *testing.T) {
	const whole = `
cluster: {context: lab, uid: 1}
times: &short {settle: 1s, hold: 2s}
services:
  shop: {load: {rate: 1/s}, checks: [a, b]}
  bank: {load: *short}
`
	for _, row := range []struct {
		sentence string
		patches  []string
		want     string
	}{
		{"none: it is the same", nil, whole},
		{"mappings merge", []string{"{cluster: {context: mine, image: new}}"}, strings.Replace(whole, "{context: lab, uid: 1}", "{context: mine, uid: 1, image: new}", 1)},
		{"lists do not", []string{"{services: {shop: {checks: [c]}}}"}, strings.Replace(whole, "[a, b]", "[c]", 1)},
		{"null removes", []string{"{times: {hold: null, none: null}, services: null, none: null}"}, "{cluster: {context: lab, uid: 1}, times: {settle: 1s}}"},
		{"what is replaced is removed before", []string{"{services: null}", "{services: {pay: {checks: [d]}}}"}, "{cluster: {context: lab, uid: 1}, times: {settle: 1s, hold: 2s}, services: {pay: {checks: [d]}}}"},
		{"also in what is new; and an anchor is changed for all", []string{"{services: {pay: {load: {url: here, rate: null}}}, times: {settle: {of: 1}}}"}, `
cluster: {context: lab, uid: 1}
times: {settle: {of: 1}, hold: 2s}
services:
  shop: {load: {rate: 1/s}, checks: [a, b]}
  bank: {load: {settle: {of: 1}, hold: 2s}}
  pay: {load: {url: here}}
`},
	} {
		from, to := filepath.Join(t.TempDir(), "from.yaml"), filepath.Join(t.TempDir(), "to.yaml")
		if err := os.WriteFile(from, []byte(whole), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := Variant(from, to, row.patches...); err != nil {
			t.Errorf("%s: %v", row.sentence, err)
			continue
		}
		text, err := os.ReadFile(to)
		if err != nil {
			t.Fatal(err)
		}
		var got, want any
		if err := yaml.Unmarshal(text, &got); err != nil {
			t.Errorf("%s: %v", row.sentence, err)
		}
		if err := yaml.Unmarshal([]byte(row.want), &want); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, want %v", row.sentence, got, want)
		}
	}
	if err := Variant(filepath.Join(t.TempDir(), "none"), ""); err == nil || !strings.Contains(err.Error(), "is the lab up?") {
		t.Errorf("%v", err)
	}
}
