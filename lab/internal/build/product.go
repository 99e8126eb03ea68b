// Package build makes what the lab runs out of Go modules, once: every product lies in the cache under a key that is made of
// all that went into it.
//
//	paths, err := build.Builder{Module: dir, Cache: cache, Out: os.Stderr}.Build(ctx, build.Products())
//	paths["hyperkube"] // .../built/hyperkube-2f1c09ab34de
//
// A change of the command line interface changes no key of Kubernetes, and a warm start runs no Go tool at all.
package build

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// Product is one thing to build.
type Product struct {
	Name    string
	Sources string   // folder of its own sources in this module; "" when all of it comes from other modules
	Recipe  []string // what else decides how it comes out
	// Make makes it at the path out, and tells of each step it takes.
	Make func(ctx context.Context, module, out string, step func()) error
}

// The version that hyperkube says it is; without, it says v0.0.0.
const kubernetes = "v1.35.4"

// Products are what the lab needs, in the order they are best built. To build one more, add it here; a command of another
// module also needs a tool line in go.mod.
func Products() []Product {
	const component = "k8s.io/component-base/version."
	return []Product{
		command("hyperkube", "./cmd/hyperkube", "cmd/hyperkube", host(),
			"-X", component+"gitVersion="+kubernetes, "-X", component+"gitMajor=1", "-X", component+"gitMinor=35"),
		command("etcd", "go.etcd.io/etcd/server/v3", "", host()),
		command("chaos-controller-manager", "github.com/chaos-mesh/chaos-mesh/cmd/chaos-controller-manager", "", host()),
		// chaos-daemon belongs here; it needs a C compiler.
		command("pause", "./cmd/pause", "cmd/pause", inImage),
		command("checkout", "./shop/checkout", "shop/checkout", inImage),
		definitions(),
	}
}

// A binary in an image finds no libraries there.
const inImage = "CGO_ENABLED=0"

// host is how a binary for this machine is built: as Go would by itself, said aloud because it decides the outcome.
func host() string {
	if _, err := exec.LookPath("gcc"); err == nil {
		return "CGO_ENABLED=1"
	}
	return "CGO_ENABLED=0"
}

// command is a program: a main package of this module or of another one.
func command(name, pkg, sources, env string, link ...string) Product {
	link = append([]string{"-s", "-w"}, link...)
	return Product{
		Name: name, Sources: sources,
		Recipe: append([]string{pkg, env, runtime.Version(), runtime.GOOS, runtime.GOARCH}, link...),
		Make: func(ctx context.Context, module, out string, step func()) error {
			cmd := exec.CommandContext(ctx, "nice", "-n", "10", "go", "build", "-v", "-buildvcs=false",
				"-ldflags", strings.Join(link, " "), "-o", out, pkg)
			cmd.Dir = module
			cmd.Env = append(os.Environ(), env)
			said := &steps{step: step}
			cmd.Stderr = said
			if err := cmd.Run(); err != nil {
				return fmt.Errorf("go build %s: %w\n%s", pkg, err, said.tail())
			}
			return nil
		},
	}
}

// steps counts the packages that go build names, and keeps the rest: errors.
type steps struct {
	step func()
	rest []byte
}

func (s *steps) Write(p []byte) (int, error) {
	for line := range strings.Lines(string(p)) {
		s.step()
		s.rest = append(s.rest, line...)
	}
	s.rest = s.rest[max(0, len(s.rest)-4000):]
	return len(p), nil
}

func (s *steps) tail() string { return strings.TrimSpace(string(s.rest)) }

// Key is a hash of all that goes into a product: the modules' versions and sums, its own sources, and its recipe.
func (p Product) Key(module string) (string, error) {
	h := sha256.New()
	for _, name := range []string{"go.mod", "go.sum"} {
		if err := add(h, name, filepath.Join(module, name)); err != nil {
			return "", fmt.Errorf("key of %s: %w", p.Name, err)
		}
	}
	if p.Sources != "" {
		files, err := filepath.Glob(filepath.Join(module, p.Sources, "*.go"))
		if err != nil {
			return "", fmt.Errorf("key of %s: %w", p.Name, err)
		}
		slices.Sort(files)
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			if err := add(h, filepath.Base(file), file); err != nil {
				return "", fmt.Errorf("key of %s: %w", p.Name, err)
			}
		}
	}
	for _, word := range p.Recipe {
		fmt.Fprintf(h, "%q\n", word)
	}
	return hex.EncodeToString(h.Sum(nil))[:12], nil
}

// add adds a file under its name, with its length before it, so that no two sets of files look the same.
func add(h io.Writer, name, file string) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	fmt.Fprintf(h, "%q %d\n", name, len(content))
	_, err = h.Write(content)
	return err
}
