package main

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/aftershockhq/aftershock/config"
	"github.com/aftershockhq/aftershock/reports/results"
)

var (
	// Lines of code and code within a line; the languages of other blocks are not the
	// shell's.
	fenced = regexp.MustCompile("(?ms)^```(\\w*)\n(.*?)^```")
	codes  = regexp.MustCompile("(?m)^    (.*)$|`([^`\n]+)`")
	// A command ends at a pipe and the like, at a comment, and at two spaces, after
	// which a list of commands says what each does.
	command  = regexp.MustCompile(`(?:^|[;&|] ?|then |\$ )(?:bin/)?aftershock ([a-z].*?)(?:  |;| [|&>#]|$)`)
	wordsOf  = regexp.MustCompile(`"[^"]*"|'[^']*'|\S+`)
	ofValues = []string{"-f", "--file", "--out", "--label-filter", "--limit", "-o", "--output", "--trials", "--seed", "--wait"}
	// In templates of pipelines and of the cluster a command is in a script, or a list of arguments.
	scripted = regexp.MustCompile(`aftershock ((?:run|sweep|preflight) .*?)(?: \|\||;|'|$)`)
	listed   = regexp.MustCompile(`args: \[(.*)\]`)
)

// The schema of results names each kind of fault that files have and records name.
func TestTheSchemaOfResultsHasEachKindOfFault(t *testing.T) {
	field, _ := reflect.TypeFor[results.Injection]().FieldByName("Kind")
	var got []string
	for part := range strings.SplitSeq(field.Tag.Get("jsonschema"), ",") {
		got = append(got, strings.TrimPrefix(part, "example="))
	}
	want := slices.DeleteFunc(config.FaultKinds(), func(kind string) bool { return kind == "chaosMesh" }) // is recorded as what it does
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// commandsOfTemplate are those of a file of deploy.
func commandsOfTemplate(text string) (list [][]string) {
	for line := range strings.SplitSeq(text, "\n") {
		if strings.HasPrefix(strings.TrimLeft(line, " "), "#") || strings.HasPrefix(line, "//") {
			continue
		}
		if m := scripted.FindStringSubmatch(line); m != nil {
			list = append(list, strings.Fields(strings.ReplaceAll(m[1], `"`, "")))
		}
		if m := listed.FindStringSubmatch(line); m != nil {
			list = append(list, strings.Split(strings.ReplaceAll(m[1], `"`, ""), ", "))
		}
	}
	return list
}

// commandsOf are the arguments of each command line of a document.
func commandsOf(text string) (list [][]string) {
	text = fenced.ReplaceAllString(text, "")
	for _, m := range codes.FindAllStringSubmatch(text, -1) {
		for _, c := range command.FindAllStringSubmatch(m[1]+m[2], -1) {
			var words []string
			for _, word := range wordsOf.FindAllString(c[1], -1) {
				words = append(words, strings.Trim(word, `"'`))
			}
			list = append(list, words)
		}
	}
	return list
}

// idsOf are all that the YAML of the documents may run, and their beginnings.
func idsOf(t *testing.T, texts map[string]string) []string {
	t.Helper()
	var services, names []string
	for path, text := range texts {
		for _, block := range fenced.FindAllStringSubmatch(text, -1) {
			var file struct {
				Services    map[string]any `yaml:"services"`
				Experiments map[string]any `yaml:"experiments"`
			}
			if block[1] != "yaml" {
				continue
			}
			if err := yaml.Unmarshal([]byte(block[2]), &file); err != nil {
				t.Errorf("%s: %v", path, err)
			}
			for name := range file.Services {
				services = append(services, name)
			}
			for name := range file.Experiments {
				names = append(names, name)
			}
		}
	}
	for _, e := range config.Catalogue().Experiments {
		suite, _, _ := strings.Cut(e.ID, "/")
		names = append(names, e.ID, suite)
	}
	ids := slices.Clone(services)
	for _, service := range services {
		for _, name := range names {
			ids = append(ids, service+"/"+name)
		}
	}
	return ids
}

// helpExamples are the examples in the help texts, by command.
func helpExamples(t *testing.T) map[string]string {
	t.Helper()
	help := func(args ...string) string {
		var out bytes.Buffer
		if code := execute(t.Context(), append(args, "--help"), &out, &out); code != exitHeld {
			t.Fatalf("help of %q: exit code %d: %s", args, code, out.String())
		}
		return out.String()
	}
	texts := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^  ([a-z-]+) +[A-Z]`).FindAllStringSubmatch(help(), -1) {
		_, examples, _ := strings.Cut(help(m[1]), "Examples:\n")
		examples, _, _ = strings.Cut(examples, "\n\n")
		texts[m[1]] = strings.ReplaceAll("\n"+examples, "\n", "\n  ") // as code of a document
	}
	return texts
}

// What the documents and the help texts tell to type is understood.
func TestTheCommandsOfTheDocuments(t *testing.T) {
	texts := map[string]string{}
	for _, pattern := range []string{"../../*.md", "../../docs/*.md", "../../examples/*.md"} {
		paths, _ := filepath.Glob(pattern)
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			texts[path] = string(text)
		}
	}
	ids, n := idsOf(t, texts), 0
	for name, examples := range helpExamples(t) {
		texts["help of "+name] = examples
	}
	commands := map[string][][]string{}
	for path, text := range texts {
		commands[path] = commandsOf(text)
	}
	templates, _ := filepath.Glob("../../deploy/*/*")
	more, _ := filepath.Glob("../../deploy/chart/templates/*.yaml")
	for _, path := range append(templates, more...) {
		if info, err := os.Stat(path); err != nil || info.IsDir() || !slices.Contains([]string{".yaml", ".yml", ""}, filepath.Ext(path)) {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		commands[path] = commandsOfTemplate(string(text))
	}
	for _, path := range []string{"action.yml", "gitlab.yaml", "Jenkinsfile", "argo.yaml"} {
		if path = "../../deploy/pipelines/" + path; len(commands[path]) < 2 {
			t.Errorf("%s has the commands %q, want a run and a sweep", path, commands[path])
		}
	}
	for path, list := range commands {
		for _, args := range list {
			n++
			line := "aftershock " + strings.Join(args, " ")
			var out, complaint bytes.Buffer
			words := 1
			if len(args) > 1 && (slices.Contains([]string{"audit", "gameday"}, args[0]) || slices.Equal(args[:2], []string{"gate", "serve"})) {
				words = 2
			}
			asked := slices.Insert(slices.Clone(args), words, "--help") // every flag is read, and nothing is done
			if code := execute(t.Context(), asked, &out, &complaint); code != exitHeld || !strings.Contains(out.String(), "aftershock "+args[0]) {
				t.Errorf("%s: %s: exit code %d: %s", path, line, code, complaint.String())
				continue
			}
			switch args[0] {
			case "catalog", "explain": // which need neither a file nor a cluster
				if code := execute(t.Context(), args, &out, &complaint); code != exitHeld {
					t.Errorf("%s: %s: exit code %d: %s", path, line, code, complaint.String())
				}
			case "run", "preflight":
				for i, arg := range args[1:] {
					if !strings.HasPrefix(arg, "-") && !strings.ContainsAny(arg, "${") && !slices.Contains(ofValues, args[i]) && !slices.Contains(ids, arg) {
						t.Errorf("%s: %s: no document has an experiment %s", path, line, arg)
					}
				}
			}
		}
	}
	if n < 20 {
		t.Errorf("%d commands in the documents, want at least 20", n)
	}
}
