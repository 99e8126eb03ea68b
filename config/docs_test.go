package config

import (
	"encoding/pem"
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// documents have examples of the file: each begins with a complete one, and those
// after it are merged into that.
var documents = []string{"../README.md", "../docs/configuration.md", "../docs/gamedays.md", "../docs/howto.md"}

var example = regexp.MustCompile("(?ms)^```yaml\n(.*?)^```")

func TestTheExamplesOfTheDocuments(t *testing.T) {
	t.Setenv("TOKEN", "token")
	directory := t.TempDir() // with the file that they name
	server := httptest.NewTLSServer(nil)
	server.Close()
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(filepath.Join(directory, "ca.pem"), authority, 0o600); err != nil {
		t.Fatal(err)
	}
	all, _ := filepath.Glob("../docs/*.md")
	for _, path := range all {
		if text, err := os.ReadFile(path); err != nil || (example.Match(text) && !slices.Contains(documents, path)) {
			t.Errorf("%s has examples and is not among the documents: %v", path, err)
		}
	}
	examples(t, func(place string, whole []byte) {
		if _, err := Parse(filepath.Join(directory, "aftershock.yaml"), whole); err != nil {
			t.Errorf("%s: %v\nin\n%s", place, err, whole)
		}
	})
}

// examples are those of the documents, each with what it is merged into.
func examples(t *testing.T, see func(place string, whole []byte)) {
	t.Helper()
	for _, path := range documents {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		found := example.FindAllStringSubmatchIndex(string(text), -1)
		if len(found) == 0 {
			t.Errorf("%s has no example", path)
		}
		var complete yaml.Node
		for i, at := range found {
			body, place := string(text[at[2]:at[3]]), fmt.Sprintf("%s:%d", path, 1+strings.Count(string(text[:at[2]]), "\n"))
			if i == 0 && !strings.HasPrefix(body, "apiVersion:") {
				t.Fatalf("%s: the first example is not complete", place)
			}
			var document yaml.Node
			if err := yaml.Unmarshal([]byte(body), &document); err != nil {
				t.Errorf("%s: %v", place, err)
				continue
			}
			merged := document.Content[0]
			if i == 0 {
				complete = document
			} else if !strings.HasPrefix(body, "apiVersion:") {
				own := sources{}.root(merged).field("experiments").value
				merged = merge(complete.Content[0], merged)
				if own != nil { // with the nulls that they have for what they are from
					merged.Content[index(merged, "experiments")+1] = own
				}
			}
			whole, err := yaml.Marshal(merged)
			if err != nil {
				t.Fatal(err)
			}
			see(place, whole)
		}
	}
}

func TestTheExampleOfAStatefulSet(t *testing.T) {
	if _, err := Read("../examples/statefulset/aftershock.yaml"); err != nil {
		t.Error(err)
	}
}

// What the file can say is in the reference and the generated list of fields.
func TestTheReferenceHasEveryField(t *testing.T) {
	var text []byte
	for _, part := range []string{"configuration.md", "fields.md"} {
		read, err := os.ReadFile("../docs/" + part)
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, read...)
	}
	fields := slices.Concat(FaultKinds(), []string{
		"url", "http_config", "at", "for", "when", "within", "effects", "to", ToCalls, ScalingOut,
		BaselineSettle, BaselineControl, ExpectAutoscaler,
	}, slices.Sorted(maps.Keys(podDefaults)), sourced())
	seen := map[reflect.Type]bool{}
	var add func(of reflect.Type)
	add = func(of reflect.Type) {
		for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice || of.Kind() == reflect.Map {
			of = of.Elem()
		}
		if of.Kind() != reflect.Struct || seen[of] || !strings.Contains(of.PkgPath(), "/aftershock/") {
			return
		}
		seen[of] = true
		for _, f := range fieldsOf(of) {
			fields = append(fields, f.name)
			add(of.FieldByIndex(f.index).Type)
		}
	}
	for _, of := range []reflect.Type{reflect.TypeFor[File](), reflect.TypeFor[Check](), reflect.TypeFor[Service](), reflect.TypeFor[Experiment](), reflect.TypeFor[Fault]()} {
		add(of)
	}
	for _, k := range faultKinds {
		add(reflect.TypeOf(k.spec))
	}
	for _, field := range slices.Compact(slices.Sorted(slices.Values(fields))) {
		if !regexp.MustCompile("`[^`\n]*\\b" + regexp.QuoteMeta(field) + "\\b[^`\n]*`|# " + regexp.QuoteMeta(field) + "\n").Match(text) {
			t.Errorf("neither docs/configuration.md nor docs/fields.md has %s", field)
		}
	}
}
