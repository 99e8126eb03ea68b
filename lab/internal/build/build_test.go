package build

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/lab/internal/place"
)

func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func module(t *testing.T) string {
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"go.mod":          "module example.com/x\n\ngo 1.26\n\nrequire (\n\texample.com/used v1.0.0\n\texample.com/other v1.0.0\n)\n",
		"go.sum":          "example.com/used v1.0.0 h1:used=\nexample.com/other v1.0.0 h1:other=\n",
		"cmd/a/main.go":   "package main\n\nimport (\n\t\"example.com/used\"\n\t\"example.com/x/inner\"\n)\n\nfunc main() { inner.F(used.X) }\n",
		"inner/inner.go":  "package inner\n\nfunc F(int) {}\n",
		"cmd/lab/main.go": "package main\n\nimport _ \"example.com/other\"\n\nfunc main() {}\n",
		// What the modules are is in the vendor folder: a test downloads nothing.
		"vendor/modules.txt":                "# example.com/used v1.0.0\n## explicit\nexample.com/used\n# example.com/other v1.0.0\n## explicit\nexample.com/other\n",
		"vendor/example.com/used/used.go":   "package used\n\nconst X = 1\n",
		"vendor/example.com/other/other.go": "package other\n",
	})
	return dir
}

func TestKey(t *testing.T) {
	product := Product{Name: "a", Package: "./cmd/a", Env: "CGO_ENABLED=0", Recipe: []string{"-s", "go1.26"}}
	modules := func(used, other string) map[string]string {
		return map[string]string{
			"go.mod": "module example.com/x\n\ngo 1.26\n\nrequire (\n\texample.com/used " + used + "\n\texample.com/other " + other + "\n)\n",
			"vendor/modules.txt": "# example.com/used " + used + "\n## explicit\nexample.com/used\n" +
				"# example.com/other " + other + "\n## explicit\nexample.com/other\n",
		}
	}
	other := func(change func(*Product)) Product {
		p := product
		change(&p)
		return p
	}
	for _, c := range []struct {
		says    string
		change  map[string]string
		product Product
		same    bool
	}{
		{"nothing changed", nil, product, true},
		{"the command line interface changed", map[string]string{"cmd/lab/main.go": "package main // new"}, product, true},
		{"a test of it changed", map[string]string{"cmd/a/main_test.go": "package main"}, product, true},
		{"a module that it does not use changed", modules("v1.0.0", "v1.1.0"), product, true},
		{"its source changed", map[string]string{"cmd/a/main.go": "package main\n\nfunc main() {}\n"}, product, false},
		{"a source came", map[string]string{"cmd/a/more.go": "package main"}, product, false},
		{"a package that it uses changed", map[string]string{"inner/inner.go": "package inner\n\nfunc F(int) { }\n"}, product, false},
		{"a module that it uses changed", modules("v1.1.0", "v1.0.0"), product, false},
		{"the sum of a module that it uses changed", map[string]string{"go.sum": "example.com/used v1.0.0 h1:new=\n"}, product, false},
		{"built by another Go", nil, other(func(p *Product) { p.Recipe = []string{"-s", "go1.27"} }), false},
		{"built with C", nil, other(func(p *Product) { p.Env = "CGO_ENABLED=1" }), false},
		{"the recipe's words are other words", nil, other(func(p *Product) { p.Recipe = []string{"-s go1.26"} }), false},
	} {
		t.Run(c.says, func(t *testing.T) {
			dir, notes := module(t), t.TempDir()
			before, err := product.Key(t.Context(), dir, notes)
			if err != nil {
				t.Fatal(err)
			}
			write(t, dir, c.change)
			after, err := c.product.Key(t.Context(), dir, notes)
			if err != nil {
				t.Fatal(err)
			}
			if (before == after) != c.same {
				t.Errorf("before %s, after %s", before, after)
			}
		})
	}
	if _, err := product.Key(t.Context(), t.TempDir(), t.TempDir()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder without go.mod: %v", err)
	}
	broken := module(t)
	write(t, broken, map[string]string{"cmd/a/main.go": "package main\n\nimport _ \"example.com/missing\"\n"})
	if _, err := product.Key(t.Context(), broken, t.TempDir()); err == nil || !strings.Contains(err.Error(), "example.com/missing") {
		t.Errorf("a package that is not there: %v", err)
	}
}

func TestADefinitionWithoutANameIsAnError(t *testing.T) {
	if _, err := convert([]byte("spec: {}\n")); err == nil || err.Error() != "a definition has no name" {
		t.Errorf("%v", err)
	}
}

func TestAKnownKeyNeedsNoGo(t *testing.T) {
	product := Product{Name: "a", Package: "./cmd/a", Env: "CGO_ENABLED=0"}
	dir, notes := module(t), t.TempDir()
	want, err := product.Key(t.Context(), dir, notes)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", "")
	if got, err := product.Key(t.Context(), dir, notes); err != nil || got != want {
		t.Errorf("%s, %v, want %s", got, err, want)
	}
	write(t, dir, map[string]string{"cmd/a/main.go": "package main"})
	if _, err := product.Key(t.Context(), dir, notes); err == nil || !strings.Contains(err.Error(), "go list ./cmd/a") {
		t.Errorf("a new source: %v", err)
	}
}

func TestDefinitionsKnowPartitionBehavior(t *testing.T) {
	content := []byte(`
metadata: {name: networkchaos.chaos-mesh.org}
spec:
  versions:
  - schema:
      properties:
        spec: {properties: {direction: {type: string}, externalTargets: {type: array}}}
        other: {properties: {direction: {type: string}}}
---
metadata: {name: second}
`)
	list, err := convert(content)
	if err != nil || len(list) != 2 || list["second"] == nil {
		t.Fatalf("%d definitions, %v", len(list), err)
	}
	got := list["networkchaos.chaos-mesh.org"]
	if n := strings.Count(string(got), `"partitionBehavior":{"default":"drop","enum":["drop","reject"],"type":"string"}`); n != 1 {
		t.Errorf("%d times in %s", n, got)
	}
}

func fake(name string, made func()) Product {
	return Product{Name: name, Make: func(_ context.Context, _, out string, step func()) error {
		made()
		step()
		return os.WriteFile(out, []byte(name), 0o755)
	}}
}

func TestBuildOnce(t *testing.T) {
	var out bytes.Buffer
	b := Builder{Module: module(t), Cache: place.Cache(t.TempDir()), Out: &out}
	times := 0
	products := []Product{fake("a", func() { times++ }), fake("b", func() {})}
	for range 2 {
		built, err := b.Build(t.Context(), products)
		if err != nil {
			t.Fatal(err)
		}
		if content, err := os.ReadFile(built["a"].Path); err != nil || string(content) != "a" {
			t.Errorf("%q, %v", content, err)
		}
	}
	if times != 1 {
		t.Errorf("built %d times", times)
	}
	if !strings.Contains(out.String(), "built a (1 of 2)") || !strings.Contains(out.String(), "built b (2 of 2)") {
		t.Errorf("said %s", &out)
	}
}

func TestAProductOfAnotherModule(t *testing.T) {
	for _, c := range []struct {
		says   string
		change map[string]string
		want   string // what is built again
	}{
		{"nothing changed", nil, ""},
		{"its source changed", map[string]string{"other/cmd/b/main.go": "package main\n\nfunc main() { }\n"}, "b"},
		{"a source of the lab changed", map[string]string{"cmd/a/main.go": "package main\n\nfunc main() {}\n"}, "a"},
		{"the lab's modules changed", map[string]string{
			"go.sum": "example.com/used v1.0.0 h1:new=\nexample.com/other v1.0.0 h1:other=\n",
		}, "a"},
		{"its modules changed, and it has nothing of them", map[string]string{"other/go.sum": "example.com/used v1.0.0 h1:used=\n"}, ""},
	} {
		t.Run(c.says, func(t *testing.T) {
			dir := module(t)
			write(t, dir, map[string]string{
				"other/go.mod":        "module example.com/x/other\n\ngo 1.26\n",
				"other/go.sum":        "",
				"other/cmd/b/main.go": "package main\n\nfunc main() {}\n",
			})
			var made []string
			product := func(name, folder string) Product {
				return Product{
					Name: name, Module: folder, Package: "./cmd/" + name, Env: "CGO_ENABLED=0",
					Make: func(_ context.Context, in, out string, _ func()) error {
						if want := filepath.Join(dir, folder); in != want {
							t.Errorf("%s is made in %s, want %s", name, in, want)
						}
						made = append(made, name)
						return os.WriteFile(out, nil, 0o755)
					},
				}
			}
			b := Builder{Module: dir, Cache: place.Cache(t.TempDir()), Out: &bytes.Buffer{}}
			products := []Product{product("a", ""), product("b", "other")}
			for _, want := range []string{"a b", c.want} {
				made = nil
				if _, err := b.Build(t.Context(), products); err != nil {
					t.Fatal(err)
				}
				if got := strings.Join(made, " "); got != want {
					t.Errorf("built %q, want %q", got, want)
				}
				write(t, dir, c.change)
			}
		})
	}
}

func TestEachModuleIsThere(t *testing.T) {
	for _, p := range slices.Concat(Products(), Controller(Flagger), Controller(ArgoRollouts)) {
		content, err := os.ReadFile(filepath.Join("..", "..", p.Module, "go.mod"))
		if err != nil {
			t.Errorf("%s: %v", p.Name, err)
		}
		// A command of another module is only known to Go by its tool line.
		if p.Package != "" && !strings.HasPrefix(p.Package, "./") && !strings.Contains(string(content), p.Package+"\n") {
			t.Errorf("%s: no line %s in its go.mod", p.Name, p.Package)
		}
	}
}

func TestTwoBuildersBuildOnce(t *testing.T) {
	dir, cache := module(t), place.Cache(t.TempDir())
	var mu sync.Mutex
	times := 0
	products := []Product{fake("a", func() { mu.Lock(); times++; mu.Unlock(); time.Sleep(50 * time.Millisecond) })}
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			if _, err := (Builder{Module: dir, Cache: cache, Out: &bytes.Buffer{}}).Build(t.Context(), products); err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
	if times != 1 {
		t.Errorf("built %d times", times)
	}
}

func TestAFailedBuildLeavesNothing(t *testing.T) {
	b := Builder{Module: module(t), Cache: place.Cache(t.TempDir()), Out: &bytes.Buffer{}}
	broken := Product{Name: "a", Make: func(_ context.Context, _, out string, _ func()) error {
		return errors.Join(os.WriteFile(out, []byte("half"), 0o644), errors.New("no space"))
	}}
	_, err := b.Build(t.Context(), []Product{broken})
	if err == nil || err.Error() != "build a: no space" {
		t.Errorf("%v", err)
	}
	if left, _ := os.ReadDir(b.Cache.Built()); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

func TestALongBuildIsNotSilent(t *testing.T) {
	var out bytes.Buffer
	b := Builder{Module: module(t), Cache: place.Cache(t.TempDir()), Out: &out, Every: 5 * time.Millisecond}
	slow := fake("a", func() { time.Sleep(100 * time.Millisecond) })
	if _, err := b.Build(t.Context(), []Product{slow}); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "building a (1 of 1)"); n < 3 {
		t.Errorf("said %d lines:\n%s", n, &out)
	}
}

func TestOldProductsGo(t *testing.T) {
	cache := place.Cache(t.TempDir())
	write(t, cache.Built(), map[string]string{
		"a-000000000001": "", "a-000000000002": "", "a-000000000003": "", "a-longer-000000000001": "",
	})
	for i, name := range []string{"a-000000000001", "a-000000000002", "a-000000000003"} {
		at := time.Now().Add(time.Duration(i-10) * time.Hour)
		if err := os.Chtimes(filepath.Join(cache.Built(), name), at, at); err != nil {
			t.Fatal(err)
		}
	}
	Builder{Cache: cache}.prune("a")
	left, _ := filepath.Glob(filepath.Join(cache.Built(), "*"))
	if len(left) != 3 {
		t.Errorf("left %v", left)
	}
	if _, err := os.Stat(filepath.Join(cache.Built(), "a-000000000001")); err == nil {
		t.Error("the oldest is still there")
	}
}
