// Command rights proves on the lab that the rights which "aftershock rbac" prints
// are enough, and that no other are printed: preflight, the experiments and a
// sweep run as an account with exactly these, through a proxy that notes each
// request. Then each rule is taken away in turn, and preflight must name it.
//
//	go run ./internal/rights                          a few experiments
//	go run ./internal/rights checkout/rollout         these
//
// It prints how many rules there are, which requests were refused, which rights
// no request has used, and which rules preflight did not name. It ends with 1 if
// one was refused or not named. The lab must be up, and bin/aftershock built.
package main

import (
	"context"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/aftershockhq/aftershock/config"
	"github.com/aftershockhq/aftershock/steadystate/kube"
	"github.com/aftershockhq/aftershock/suites"
	"github.com/aftershockhq/aftershock/suites/rights"
)

func main() {
	if err := run(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// usual are the experiments that are run if none is named.
var usual = []string{"checkout/pods/kill-one", "checkout/network/delay", "checkout/pods/evict"}

// short are times in which each fault still shows.
const short = "times: {settle: 5s, hold: 5s, watch: 20s}\n"

func run(w io.Writer) (err error) {
	file := flag.String("f", "lab/aftershock.yaml", "the configuration")
	program := flag.String("program", "bin/aftershock", "the program")
	skip := flag.Bool("no-removal", false, "take no rule away")
	flag.Parse()
	names := flag.Args()
	if len(names) == 0 {
		names = usual
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	dir, err := os.MkdirTemp("", "aftershock-rights-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()

	plan, err := config.Read(*file)
	if err != nil {
		return err
	}
	var chosen []config.Planned
	for _, p := range plan.Planned {
		if slices.ContainsFunc(names, func(name string) bool { return p.ID() == name || strings.HasPrefix(p.ID(), name+"/") }) {
			chosen = append(chosen, p)
		}
	}
	list, err := suites.Rights(ctx, plan, chosen)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%d rules for %s\n", len(list), strings.Join(names, ", "))

	cluster, err := kube.ReadContext(plan.Cluster.Kubeconfig, plan.Cluster.Context)
	if err != nil {
		return err
	}
	account, err := newAccount(ctx, cluster.Config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, account.remove(context.WithoutCancel(ctx))) }()
	if err := account.grant(ctx, list); err != nil {
		return err
	}
	proxy, err := newProxy(cluster.Config)
	if err != nil {
		return err
	}
	defer proxy.close()
	token, err := account.token(ctx)
	if err != nil {
		return err
	}
	as, err := configure(dir, *file, proxy, token)
	if err != nil {
		return err
	}
	aftershock := func(args ...string) (string, error) {
		command := exec.CommandContext(ctx, *program, args...)
		command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
		command.WaitDelay = 5 * time.Minute
		text, err := command.CombinedOutput()
		return string(text), err
	}

	var errs []error
	for _, args := range [][]string{
		append([]string{"preflight", "-f", as}, names...),
		append([]string{"run", "-f", as, "--out", filepath.Join(dir, "runs")}, names...),
		{"sweep", "-f", as},
	} {
		text, err := aftershock(args...)
		fmt.Fprintf(w, "\n=== %s\n%s", strings.Join(args, " "), text)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", args[0], err))
		}
	}
	used, refused := proxy.seen()
	fmt.Fprintf(w, "\nrequests that were refused: %d\n", len(refused))
	for _, r := range refused {
		fmt.Fprintf(w, "  %s\n", r)
		errs = append(errs, fmt.Errorf("refused under the rights that were printed: %s", r))
	}
	unused := slices.DeleteFunc(slices.Clone(list), func(r rights.Rule) bool { return covers(used, r) })
	fmt.Fprintf(w, "rights that no request used: %d of %d\n", len(unused), len(list))
	for _, r := range unused {
		fmt.Fprintf(w, "  %s\n", r)
	}
	if *skip {
		return errors.Join(errs...)
	}

	fmt.Fprintf(w, "\n=== each rule taken away in turn\n")
	found := 0
	for _, r := range list {
		if ctx.Err() != nil {
			return errors.Join(append(errs, context.Cause(ctx))...)
		}
		// With it goes the right to the whole cluster that it is part of.
		rest := slices.DeleteFunc(slices.Clone(list), func(other rights.Rule) bool {
			whole := rights.Rule{Group: r.Group, Resource: r.Resource, Verb: r.Verb, Optional: true}
			return other == r || other == whole
		})
		if err := account.without(ctx, rest, r); err != nil {
			return errors.Join(append(errs, err)...)
		}
		text, _ := aftershock(append([]string{"preflight", "-f", as}, names...)...)
		want := "missing " + rights.Lines([]rights.Rule{r})[0]
		if r.Optional {
			want = "of use, and missing: " + rights.Lines([]rights.Rule{r})[0]
		}
		if strings.Contains(text, want) {
			found++
			continue
		}
		fmt.Fprintf(w, "not named: %s\n%s", r, text)
		errs = append(errs, fmt.Errorf("preflight does not name %s", r))
	}
	fmt.Fprintf(w, "rules: %d, found: %d\n", len(list), found)
	return errors.Join(errs...)
}

// covers reports whether a request has used a rule.
func covers(used []rights.Rule, r rights.Rule) bool {
	return slices.ContainsFunc(used, func(u rights.Rule) bool {
		same := u.Namespace == r.Namespace && u.Group == r.Group && u.Resource == r.Resource && u.Verb == r.Verb
		return same && (r.Name == "" || r.Name == u.Name)
	})
}

// configure writes a copy of a configuration for another account and short times,
// with the files beside it.
func configure(dir, file string, proxy *proxy, token string) (path string, err error) {
	kubeconfig := filepath.Join(dir, "kubeconfig")
	text := fmt.Sprintf(`apiVersion: v1
kind: Config
clusters: [{name: rights, cluster: {server: %q, certificate-authority-data: %s}}]
users: [{name: rights, user: {token: %q}}]
contexts: [{name: rights, context: {cluster: rights, user: rights}}]
current-context: rights
`, proxy.server.URL, base64.StdEncoding.EncodeToString(proxy.ca), token)
	if err := os.WriteFile(kubeconfig, []byte(text), 0o600); err != nil {
		return "", err
	}
	beside, err := filepath.Glob(filepath.Join(filepath.Dir(file), "*.yaml"))
	if err != nil {
		return "", err
	}
	for _, from := range beside {
		text, err := os.ReadFile(from) //nolint:gosec // of the configuration's directory
		if err != nil {
			return "", err
		}
		to := filepath.Join(dir, filepath.Base(from))
		if from == filepath.Clean(file) {
			path = to
			text = regexp.MustCompile(`(?m)^  kubeconfig: .*$`).ReplaceAll(text, []byte("  kubeconfig: "+kubeconfig))
			text = regexp.MustCompile(`(?m)^  context: .*$`).ReplaceAll(text, []byte("  context: rights"))
			text = regexp.MustCompile(`(?m)^times:\n(  .*\n)+`).ReplaceAll(text, []byte(short))
		}
		if err := os.WriteFile(to, text, 0o600); err != nil {
			return "", err
		}
	}
	return path, nil
}
