package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// A program is bin/aftershock: what each of its packages imports, and its registry of kinds.
type program struct {
	imports map[string][]string
	scheme  string
}

// built is the program as make build makes it.
var built = sync.OnceValues(func() (p program, err error) {
	scratch, err := os.MkdirTemp("", "slim of aftershock")
	if err != nil {
		return p, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	slim := filepath.Join(scratch, "slim")
	if err := run([]string{slim}); err != nil {
		return p, err
	}
	scheme, err := os.ReadFile(filepath.Join(slim, "client-go/kubernetes/scheme/register.go"))
	if err != nil {
		return p, err
	}
	p.scheme = string(scheme)
	root, err := filepath.Abs("../..")
	if err != nil {
		return p, err
	}
	// With go.mod and the replacements alone, go list needs only the modules that other tests
	// need; with the workspace it reads the go.mod of many more.
	replacements, err := os.ReadFile(filepath.Join(root, "build.work"))
	if err != nil {
		return p, err
	}
	_, text, _ := strings.Cut(string(replacements), "use .\n")
	text = regexp.MustCompile(`=> \./\S+`).ReplaceAllStringFunc(text, func(to string) string {
		to = strings.TrimPrefix(to, "=> ./")
		if name, slimmed := strings.CutPrefix(to, "bin/slim/"); slimmed {
			return fmt.Sprintf("=> %q", filepath.Join(slim, name))
		}
		return fmt.Sprintf("=> %q", filepath.Join(root, to))
	})
	for from, to := range map[string]string{"go.mod": "build.mod", "go.sum": "build.sum"} {
		own, err := os.ReadFile(filepath.Join(root, from))
		if err != nil {
			return p, err
		}
		if from == "go.mod" {
			own = append(own, text...)
		}
		if err := os.WriteFile(filepath.Join(scratch, to), own, 0o600); err != nil {
			return p, err
		}
	}
	var complaint strings.Builder
	list := exec.Command("go", "list", "-mod=readonly", "-modfile="+filepath.Join(scratch, "build.mod"), "-deps", "-tags", "grpcnotrace", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./cmd/aftershock")
	list.Dir = root
	list.Env = append(os.Environ(), "GOWORK=off")
	list.Stderr = &complaint
	out, err := list.Output()
	if err != nil {
		return p, fmt.Errorf("%w: %s", err, &complaint)
	}
	p.imports = map[string][]string{}
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		p.imports[words[0]] = words[1:]
	}
	return p, nil
})

// A client needs the scheme for objects of the types of k8s.io/api, and only a package that
// imports such a type has them.
func TestGroupsAreThoseOfTheProgram(t *testing.T) {
	p, err := built()
	if err != nil {
		t.Fatal(err)
	}
	const scheme, types = "k8s.io/client-go/kubernetes/scheme", "k8s.io/api/"
	used := map[string]bool{}
	for from, list := range p.imports {
		for _, to := range list {
			if strings.HasPrefix(to, types) && !strings.HasPrefix(from, types) && from != scheme {
				used[strings.TrimPrefix(to, types)] = true
			}
		}
	}
	delete(used, "apidiscovery/v2") // client-go reads it without a scheme
	if want := slices.Sorted(maps.Keys(used)); !slices.Equal(groups, want) {
		t.Errorf("groups are %q, and the program imports %q", groups, want)
	}
	if got := strings.Count(p.scheme, ".AddToScheme,\n"); got != len(groups) {
		t.Errorf("%d groups are registered, want %d:\n%s", got, len(groups), p.scheme)
	}
}

func TestTheProgramHasNoControllers(t *testing.T) {
	p, err := built()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"k8s.io/client-go/informers", "k8s.io/client-go/kubernetes", "k8s.io/client-go/tools/leaderelection",
		"sigs.k8s.io/controller-runtime/pkg/cache", "sigs.k8s.io/controller-runtime/pkg/manager",
	} {
		if _, there := p.imports[name]; there {
			var by []string
			for from, list := range p.imports {
				if slices.Contains(list, name) {
					by = append(by, from)
				}
			}
			t.Errorf("%s is imported by %s", name, strings.Join(by, ", "))
		}
	}
}

func TestWhatIsThereAlreadyStaysUntouched(t *testing.T) {
	from, to := t.TempDir(), t.TempDir()
	for name, text := range map[string]string{"go.mod": "module m\n", "a/a.go": "package a\n", "b/b.go": "package b\n\nvar B int\n\nvar C int\n", "b/c.go": "package b\n", "b/d/d.go": "package d\n"} {
		if err := os.MkdirAll(filepath.Join(from, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(from, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	before := map[string]os.FileInfo{}
	look := func() map[string]os.FileInfo {
		list := map[string]os.FileInfo{}
		for _, name := range []string{"go.mod", "a", "b", "b/b.go", "b/d"} {
			stat, err := os.Lstat(filepath.Join(to, name))
			if err != nil {
				t.Fatal(err)
			}
			list[name] = stat
		}
		return list
	}
	for range 2 {
		if err := slim(from, to, map[string]edit{"b/b.go": keepOnly("B"), "b/c.go": nil}); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Lstat(filepath.Join(to, "b/c.go")); err == nil {
			t.Error("b/c.go is there")
		}
		after := look()
		for name, stat := range before {
			if !os.SameFile(stat, after[name]) || !stat.ModTime().Equal(after[name].ModTime()) {
				t.Errorf("%s was written again", name)
			}
		}
		before = after
	}
	// A file that is no longer edited becomes a link again, as does one of another version.
	if err := slim(from, to, map[string]edit{"a/a.go": nil}); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join(to, "b/b.go")); err != nil || !strings.Contains(string(text), "C int") {
		t.Errorf("b/b.go is %s, %v", text, err)
	}
	if err := slim(from, to, map[string]edit{"b/e.go": nil}); err == nil || !strings.Contains(err.Error(), "there is no b/e.go any more: mend internal/slim") {
		t.Errorf("error %v", err)
	}
}

// Two first builds at once both find the whole module.
func TestBuildsAtOnceDoNotDisturbEachOther(t *testing.T) {
	to := t.TempDir()
	var all sync.WaitGroup
	defer all.Wait()
	for range 4 {
		all.Go(func() {
			if err := run([]string{to}); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestEdits(t *testing.T) {
	const register = `package scheme

import (
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	runtime "k8s.io/apimachinery/pkg/runtime"
)

var localSchemeBuilder = runtime.SchemeBuilder{
	appsv1.AddToScheme,
	batchv1.AddToScheme,
}
`
	const alias = `package alias

import (
	"example.com/log"
	"example.com/patch/v2"
	"example.com/manager"
)

// Log logs.
type Log = log.Log

var (
	// Patch patches.
	Patch = patch.New
	New = manager.New
)

func Start() { manager.Start() }
`
	const methods = `package config

type Config struct{ Name string }
type List[T any] []T

func (c *Config) Validate() error { return nil }
func (l List[T]) Len() int        { return len(l) }
`
	for _, row := range []struct {
		name string
		edit edit
		text string
		want string // the text, or the error
	}{
		{"one group of two", registerOnly([]string{"batch/v1"}), register, `package scheme

import (
	batchv1 "k8s.io/api/batch/v1"
	runtime "k8s.io/apimachinery/pkg/runtime"
)

var localSchemeBuilder = runtime.SchemeBuilder{

	batchv1.AddToScheme,
}
`},
		{"a group that went", registerOnly([]string{"apps/v1", "apps/v2"}), register, "it does not register apps/v2"},
		{"another name of the list", registerOnly([]string{"apps/v1"}), strings.Replace(register, "localSchemeBuilder", "builder", 1), "it has no list localSchemeBuilder"},
		{"another function", registerOnly([]string{"apps/v1"}), strings.Replace(register, "appsv1.AddToScheme", "appsv1.Register", 1), "an element of localSchemeBuilder is not an AddToScheme"},
		{"a function of its own", registerOnly([]string{"apps/v1"}), strings.Replace(register, "appsv1.AddToScheme", "add", 1), "an element of localSchemeBuilder is not an AddToScheme"},
		{"a group from elsewhere", registerOnly([]string{"apps/v1"}), strings.Replace(register, "k8s.io/api/batch", "k8s.io/batch", 1), "an element of localSchemeBuilder is of no group of k8s.io/api"},
		{"a type, and a variable of several", keepOnly("Log", "Patch"), alias, `package alias

import (
	"example.com/log"
	"example.com/patch/v2"
)

type Log = log.Log

var (
	Patch = patch.New
)
`},
		{"a declaration that went", keepOnly("Log", "Logger"), alias, "it declares no Logger"},
		{"methods that are named", keepBare([]string{"Config.Validate", "List.Len"}, "Config", "List"), methods, `package config

type Config struct{ Name string }
type List[T any] []T
`},
		{"a method that is not named", keepBare([]string{"List.Len"}, "Config", "List"), methods, "it has Config.Validate: leave it out by its name, or keep the file"},
		{"a method of a type with parameters", keepBare([]string{"Config.Validate"}, "Config", "List"), methods, "it has List.Len: leave it out"},
		{"a method that went", keepBare([]string{"Config.Validate", "Config.Check"}, "Config"), methods, "it declares no Config.Check"},
		{"a method of what goes, too", keepOnly("Log"), alias + "\ntype Server struct{}\n\nfunc (*Server) Start() {}\n", "package alias\n\nimport (\n\t\"example.com/log\"\n)\n\ntype Log = log.Log\n"},
		{"a function that runs by itself", keepOnly("Log"), alias + "\nfunc init() {}\n", "it has init: leave it out by its name"},
		{"two names of one declaration", keepOnly("B"), "package b\n\nvar A, B = 1, 2\n", "it declares A together with B"},
		{"a constraint", keepOnly("Log"), "//go:build linux\n\n" + alias, "it has the directive //go:build linux,"},
		{"a constraint as it once was", keepOnly("Log"), "// +build linux\n\n" + alias, "it has the directive // +build linux,"},
		{"an embedded file", keepOnly("Log"), alias + "\n//go:embed a\nvar A string\n", "it has the directive //go:embed a,"},
		{"an import for what it does", keepOnly("Log"), strings.Replace(alias, `"example.com/manager"`, `_ "example.com/manager"`, 1), `it imports "example.com/manager" as _,`},
		{"an import without a name", registerOnly([]string{"apps/v1"}), strings.Replace(register, `runtime "k8s`, `. "k8s`, 1), `it imports "k8s.io/apimachinery/pkg/runtime" as .,`},
		{"no Go", keepOnly("Log"), "package", "expected 'IDENT'"},
	} {
		t.Run(row.name, func(t *testing.T) {
			text, err := row.edit.apply([]byte(row.text))
			if err != nil {
				text = []byte(err.Error())
			}
			if got := strings.TrimPrefix(string(text), "// Code generated by internal/slim. DO NOT EDIT.\n\n"); got != row.want && (err == nil || !strings.Contains(got, row.want)) {
				t.Errorf("it is\n%s\nwant\n%s", got, row.want)
			}
		})
	}
}
