// Package build makes what the lab runs out of Go modules, once: every product lies in the cache under a key that is made of
// all that went into it.
//
//	paths, err := build.Builder{Module: dir, Cache: cache, Out: os.Stderr}.Build(ctx, build.Products())
//	paths["hyperkube"] // .../built/hyperkube-2f1c09ab34de
//
// A change of the command line interface, or of a module that Kubernetes does not need, changes no key of Kubernetes; and a
// warm start runs no Go tool at all.
package build

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// Product is one thing to build.
type Product struct {
	Name    string
	Module  string   // folder of the module it is built in, below the lab's; "" is the lab's own
	Package string   // the main package it is built from; "" when it is not compiled
	Env     string   // how it is compiled, as NAME=VALUE; "" when it is not
	Recipe  []string // what else decides how it comes out
	// Make makes it at the path out, in the folder of its module, and tells of each step it takes.
	Make func(ctx context.Context, module, out string, step func()) error
}

// The version that hyperkube says it is; without, it says v0.0.0.
const kubernetes = "v1.35.4"

// Products are what the lab needs, in the order they are best built. To build one more, add it here; a command of another
// module also needs a tool line in go.mod. One that cannot be built with the versions in there gets a go.mod of its own.
func Products() []Product {
	const component = "k8s.io/component-base/version."
	const chaos = "github.com/chaos-mesh/chaos-mesh/cmd/"
	return []Product{
		command("hyperkube", "./cmd/hyperkube", host(),
			"-X", component+"gitVersion="+kubernetes, "-X", component+"gitMajor=1", "-X", component+"gitMinor=35"),
		command("etcd", "go.etcd.io/etcd/server/v3", host()),
		command("chaos-controller-manager", chaos+"chaos-controller-manager", host()),
		command("chaos-daemon", chaos+"chaos-daemon", withC),
		metricsServer(),
		command("nsexec", "./cmd/nsexec", static),
		command("chaos-pause", "./cmd/chaos-pause", static),
		command("memstress", "./cmd/memstress", static),
		command("tc", "./cmd/tc", static),
		command("pause", "./cmd/pause", static),
		command("checkout", "./shop/checkout", static),
		command("ledger", "./shop/ledger", static),
		definitions("crds", "", "github.com/chaos-mesh/chaos-mesh", "config/crd/bases/*.yaml"),
	}
}

// The controllers of progressive delivery, which are built when they are asked for: each takes minutes.
const (
	Flagger      = "flagger"
	ArgoRollouts = "argo-rollouts"
)

// Controller is a controller of progressive delivery, and its definitions as the product NAME-crds; none if there is no such
// one. Each is a module of its own in the folder of its name.
func Controller(name string) []Product {
	var module, path, crds string
	switch name {
	case Flagger:
		module, path, crds = "github.com/fluxcd/flagger", "/cmd/flagger", "artifacts/flagger/crd.yaml"
	case ArgoRollouts:
		module, path, crds = "github.com/argoproj/argo-rollouts", "/cmd/rollouts-controller", "manifests/crds/*-crd.yaml"
	default:
		return nil
	}
	program := command(name, module+path, static)
	program.Module = name
	return []Product{program, definitions(name+"-crds", name, module, crds)}
}

const (
	// A binary in an image finds no libraries there, and one that enters another's namespaces not its own.
	static = "CGO_ENABLED=0"
	// chaos-daemon has parts in C: it traces processes.
	withC = "CGO_ENABLED=1"
)

// metricsServer needs a newer Kubernetes than Chaos Mesh can be built with.
func metricsServer() Product {
	p := command("metrics-server", "sigs.k8s.io/metrics-server/cmd/metrics-server", host())
	p.Module = "metrics-server"
	return p
}

// host is how a binary for this machine is built that can do with and without C: as Go would by itself, said aloud because it
// decides the outcome.
func host() string {
	if _, err := exec.LookPath("gcc"); err == nil {
		return withC
	}
	return static
}

// command is a program: a main package of this module or of another one.
func command(name, pkg, env string, link ...string) Product {
	link = append([]string{"-s", "-w"}, link...)
	return Product{
		Name: name, Package: pkg, Env: env,
		Recipe: append([]string{runtime.Version(), runtime.GOOS, runtime.GOARCH}, link...),
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
