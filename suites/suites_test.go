package suites_test

import (
	"context"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/gomega"

	"github.com/aftershockhq/aftershock/config"
	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/suites"
	"github.com/aftershockhq/aftershock/suites/specs"
)

var (
	configFlag = flag.String("config", "", "the configuration; without it there is nothing to run")
	outFlag    = flag.String("out", "runs", "directory for records and reports")
)

// TestSuites runs what the configuration names on its cluster:
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
	session, list, out := fromFile(t, func(config.Planned) bool { return true })
	all := make([]experiments.Experiment, len(list))
	for i, e := range list {
		all[i] = e.Experiment
	}
	specs.Register(session.Where(), all, out, func(ctx context.Context, chosen []experiments.Experiment) error {
		left := slices.DeleteFunc(slices.Clone(list), func(e suites.Experiment) bool {
			return !slices.ContainsFunc(chosen, func(c experiments.Experiment) bool { return c.Name == e.Name })
		})
		return session.Preflight(ctx, left, func(mark suites.Mark, what, found string) {
			if mark == suites.Note { // shown also when the spec passes
				ginkgo.AddReportEntry("preflight: "+what, found)
				return
			}
			ginkgo.GinkgoWriter.Printf("%-4s  %s: %s\n", mark, what, found)
		})
	})
	// A run of nothing would pass.
	suite, reporter := ginkgo.GinkgoConfiguration()
	suite.FailOnEmpty = true
	ginkgo.RunSpecs(t, "aftershock", suite, reporter)
}

// fromFile connects to the cluster of the configuration and makes those of its
// experiments that are wanted. Out is where their records go.
func fromFile(t *testing.T, wanted func(config.Planned) bool) (session *suites.Session, list []suites.Experiment, out string) {
	t.Helper()
	stood, err := whereTheUserStands(*configFlag)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := config.Read(filepath.Join(stood, *configFlag))
	if err != nil {
		t.Fatal(err)
	}
	if session, err = suites.Connect(plan); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(session.Close)
	able, err := session.Read(t.Context(), slices.DeleteFunc(slices.Clone(plan.Planned), func(p config.Planned) bool { return !wanted(p) }))
	if err != nil {
		t.Fatal(err)
	}
	if list, err = session.Experiments(able); err != nil {
		t.Fatal(err)
	}
	if out = *outFlag; !filepath.IsAbs(out) {
		out = filepath.Join(stood, out)
	}
	return session, list, out
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
