package main

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// built are the imports of each package of bin/aftershock, and what was written for it.
func built(t *testing.T) (imports map[string][]string, slim string) {
	t.Helper()
	slim = t.TempDir()
	if err := run([]string{slim}); err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	work := filepath.Join(t.TempDir(), "build.work")
	for _, name := range []string{"build.work", "build.work.sum"} {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		moved := strings.NewReplacer("use .", "use "+root, "=> ./bin/slim", "=> "+slim, "=> ./", "=> "+root+"/").Replace(string(text))
		if err := os.WriteFile(filepath.Join(filepath.Dir(work), name), []byte(moved), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-tags", "grpcnotrace", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./cmd/aftershock")
	list.Dir = root
	list.Env = append(os.Environ(), "GOWORK="+work)
	list.Stderr = os.Stderr
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	imports = map[string][]string{}
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		imports[words[0]] = words[1:]
	}
	return imports, slim
}

// A client needs the scheme for objects of the types of k8s.io/api, and only a package that
// imports such a type has them.
func TestGroupsAreThoseOfTheProgram(t *testing.T) {
	imports, slim := built(t)
	const scheme, types = "k8s.io/client-go/kubernetes/scheme", "k8s.io/api/"
	used := map[string]bool{}
	for from, list := range imports {
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
	text, err := os.ReadFile(filepath.Join(slim, "client-go/kubernetes/scheme/register.go"))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(string(text), ".AddToScheme,\n"); got != len(groups) {
		t.Errorf("%d groups are registered, want %d:\n%s", got, len(groups), text)
	}
}

func TestTheProgramHasNoControllers(t *testing.T) {
	imports, _ := built(t)
	for _, name := range []string{
		"k8s.io/client-go/informers", "k8s.io/client-go/kubernetes", "k8s.io/client-go/tools/leaderelection",
		"sigs.k8s.io/controller-runtime/pkg/cache", "sigs.k8s.io/controller-runtime/pkg/manager",
	} {
		if _, there := imports[name]; there {
			var by []string
			for from, list := range imports {
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
	for name, text := range map[string]string{"go.mod": "module m\n", "a/a.go": "package a\n", "b/b.go": "package b\n\nvar B, C int\n", "b/c.go": "package b\n", "b/d/d.go": "package d\n"} {
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
	// Once b is edited no more, it is a link, as it is of another version.
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
		{"another function", registerOnly([]string{"apps/v1"}), strings.Replace(register, "appsv1.AddToScheme", "appsv1.Register", 1), "an element of localSchemeBuilder is no AddToScheme"},
		{"a function of its own", registerOnly([]string{"apps/v1"}), strings.Replace(register, "appsv1.AddToScheme", "add", 1), "an element of localSchemeBuilder is no AddToScheme"},
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
