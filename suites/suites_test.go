package suites_test

import (
	"context"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/gomega"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/suites"
	"github.com/aftershockhq/aftershock/suites/specs"
)

var (
	configFlag = flag.String("config", "", "the configuration of the service to test; without it there is nothing to run")
	outFlag    = flag.String("out", "runs", "directory for records and reports")
)

// TestSuites runs the standard suites on a cluster:
//
//	go tool ginkgo run ./suites -- --config aftershock.yaml
func TestSuites(t *testing.T) {
	gomega.RegisterFailHandler(ginkgo.Fail)
	if *configFlag == "" {
		if byGinkgo() {
			t.Fatal("no configuration: add -- --config aftershock.yaml")
		}
		t.Skip("the suites need a cluster: go tool ginkgo run ./suites -- --config aftershock.yaml")
	}
	stood, err := whereTheUserStands(*configFlag)
	if err != nil {
		t.Fatal(err)
	}
	config, err := suites.Load(filepath.Join(stood, *configFlag))
	if err != nil {
		t.Fatal(err)
	}
	target, err := config.Connect()
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	if err := target.Read(t.Context()); err != nil {
		t.Fatal(err)
	}
	out := *outFlag
	if !filepath.IsAbs(out) {
		out = filepath.Join(stood, out)
	}
	specs.Register(target.String(), target.Controlled(suites.All(target)), out, func(ctx context.Context, chosen []experiments.Experiment) error {
		return target.Preflight(ctx, chosen, func(what, found string) {
			ginkgo.GinkgoWriter.Printf("ok  %s: %s\n", what, found)
		})
	})
	ginkgo.RunSpecs(t, "aftershock")
}

// byGinkgo reports whether the ginkgo command runs the tests.
func byGinkgo() bool {
	for _, arg := range os.Args {
		if strings.HasPrefix(arg, "--ginkgo.") {
			return true
		}
	}
	return false
}

// whereTheUserStands is the directory that a path given by the user is
// relative to. A test runs in its package's directory, so the ones above are
// looked at too, up to the module's.
func whereTheUserStands(path string) (string, error) {
	if filepath.IsAbs(path) {
		return "", nil
	}
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, path)); err == nil {
			return dir, nil
		}
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return "", &fs.PathError{Op: "find configuration", Path: path, Err: fs.ErrNotExist}
		}
		dir = filepath.Dir(dir)
	}
}
