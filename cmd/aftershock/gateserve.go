package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/aftershockhq/aftershock/config"
	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/gate"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/reports"
	"github.com/aftershockhq/aftershock/runs"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/redact"
	"github.com/aftershockhq/aftershock/suites"
)

// tokenVariable is where the token of "gate serve" is, if no file has it.
const tokenVariable = "AFTERSHOCK_GATE_TOKEN"

func gateServeCommand() *cobra.Command {
	var listen, certificate, key, out string
	var namespaces, tokenFiles []string
	var plain bool
	var queue int
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Answer Flagger and Argo Rollouts whether a build holds, by experiments",
		Long: `For each build that a controller asks about, serve runs experiments of the
configuration once, as "aftershock run" does, until one is broken, and answers held,
broken or unknown.

  POST   /flagger/confirm-promotion         200 if held, else 409 with a sentence
  POST   /flagger/confirm-traffic-increase  the same
  POST   /flagger/rollback                  200 if broken, else 409; begins nothing
  POST   /argo                              JSON: state, held, broken, why
  GET    /argo                              the same; begins nothing
  GET    /gates                             all builds, as JSON
  DELETE /gates/NAMESPACE/NAME/CHECKSUM     forget a verdict: it is tested anew
  GET    /healthz                           200, without a token

The metadata of a canary, or the JSON of a request, names the experiments, by ids or
their beginnings; their workload must have the name and namespace of the build. The
namespace must be one of allow, or of --namespace if that is given.

A build is known by its namespace, name and checksum: asking again begins nothing. One
build is tested at a time; one of the same name with other pods ends the test of the
one before, which is tested anew if it comes back. Held and broken are judged anew from
the records at each answer, and said only of what the pods ran in all of them and run
now (pod-template-hash). A build waits during a stop ("aftershock stop"), a freeze or
another run, and 15 minutes for all else that may pass, such as pods that are not
ready or a right that is refused; then it is unknown. One that is broken is not tested
again.

Each request but /healthz has a token, as Authorization: Bearer, or as token in the
metadata: that of --token-file or of the variable ` + tokenVariable + `, or that of
its namespace, of --token-file NAMESPACE=FILE or ` + tokenVariable + `_NAMESPACE,
which is good there alone, and not for DELETE. All are in files, or all in variables.
Without a certificate it answers on this machine alone, unless --plain-http.

The gate acts only on what is on disk in gate.ndjson, in --out. One that was killed
sweeps what its run left and tests that build once more. ^C and SIGTERM end it after it
has undone its faults; a second ^C leaves at once.

Exit codes: 0, ended with nothing in place; 2, a flag, the file, the address or a token is
wrong; 4, the journal or the serving failed; 5, a fault may still be in place.`,
		Example: `  aftershock gate serve -f aftershock.yaml --token-file token
  aftershock gate serve -f aftershock.yaml --token-file token --listen :8443 --tls-cert tls.crt --tls-key tls.key --namespace shop`,
		Args: noArgs,
	}
	file := fileFlag(cmd)
	flags := cmd.Flags()
	flags.StringVar(&listen, "listen", "127.0.0.1:8443", "address to listen on")
	flags.StringVar(&certificate, "tls-cert", "", "file with the certificate, PEM; read anew for each connection")
	flags.StringVar(&key, "tls-key", "", "file with the certificate's key, PEM")
	flags.BoolVar(&plain, "plain-http", false, "answer other machines without TLS, behind a proxy that terminates it")
	flags.StringSliceVar(&tokenFiles, "token-file", nil, "file with the token of all namespaces; NAMESPACE=FILE: of one")
	flags.StringSliceVar(&namespaces, "namespace", nil, "namespaces whose builds are tested (default: those of allow)")
	flags.IntVar(&queue, "queue", 16, "how many builds may wait")
	flags.StringVar(&out, "out", "gate", "directory of the journal and the records, of this gate alone")
	completeDirectory(cmd, "out")
	for _, name := range []string{"tls-cert", "tls-key", "token-file"} {
		_ = cmd.MarkFlagFilename(name)
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		plan, err := readPlan(*file)
		if err != nil {
			return err
		}
		if len(plan.Planned) == 0 {
			return usageError{fmt.Errorf("%s names no experiment", *file)}
		}
		if queue < 1 {
			return usageError{fmt.Errorf("--queue %d: want at least one", queue)}
		}
		for _, n := range namespaces {
			if !slices.Contains(plan.Allow.Namespaces, n) {
				return usageError{fmt.Errorf("--namespace %s: allow names only %s", n, strings.Join(plan.Allow.Namespaces, ", "))}
			}
		}
		if len(namespaces) == 0 {
			namespaces = plan.Allow.Namespaces
		}
		token, tokens, err := gateTokens(tokenFiles, namespaces)
		if err != nil {
			return usageError{err}
		}
		listener, err := gateListener(listen, certificate, key, plain)
		if err != nil {
			return usageError{err}
		}
		stdout := cmd.OutOrStdout()
		runner := &gateRunner{file: *file, plan: plan, stdout: stdout, stderr: cmd.ErrOrStderr()}
		server := gate.Server{
			Dir: out, Runner: runner, Evaluators: suites.Evaluators(), Token: token, Tokens: tokens, Namespaces: namespaces, Queue: queue,
			Say: func(text string) { fmt.Fprintln(stdout, redact.Text(text)) },
		}
		fmt.Fprintf(stdout, "gate on %s, for builds of %s; written down in %s\n", listener.Addr(), strings.Join(namespaces, ", "), out)
		return server.Serve(cmd.Context(), listener)
	}
	return cmd
}

// gateTokens are the token of all namespaces, and those of some: of files, as FILE or
// NAMESPACE=FILE, or else of variables, and never of both.
func gateTokens(files, namespaces []string) (all string, of map[string]string, err error) {
	of = map[string]string{}
	set := func(namespace, from, text string) error {
		const least = 16
		switch text = strings.TrimSpace(text); {
		case len(text) < least:
			return fmt.Errorf("the token in %s has %d characters: want at least %d random ones, as of: openssl rand -hex 32", from, len(text), least)
		case namespace == "":
			all = text
		case !slices.Contains(namespaces, namespace):
			return fmt.Errorf("the token in %s is of namespace %s, whose builds are not tested", from, namespace)
		default:
			of[namespace] = text
		}
		return nil
	}
	for _, given := range files {
		namespace, file, ok := strings.Cut(given, "=")
		if !ok {
			namespace, file = "", given
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return "", nil, fmt.Errorf("--token-file: %w", err)
		}
		if err := set(namespace, file, string(text)); err != nil {
			return "", nil, err
		}
	}
	for _, namespace := range append([]string{""}, namespaces...) {
		variable := tokenVariable
		if namespace != "" {
			variable += "_" + strings.ToUpper(strings.NewReplacer("-", "_", ".", "_").Replace(namespace))
		}
		text, ok := os.LookupEnv(variable)
		switch {
		case !ok:
		case len(files) > 0:
			given := "FILE"
			if namespace != "" {
				given = namespace + "=FILE"
			}
			return "", nil, fmt.Errorf("%s is set beside --token-file: give its token as --token-file %s, or unset it", variable, given)
		default:
			if err := set(namespace, variable, text); err != nil {
				return "", nil, err
			}
		}
	}
	if all == "" && len(of) == 0 {
		err = fmt.Errorf("no token: give --token-file, or %s", tokenVariable)
	}
	return all, of, err
}

// gateListener listens with TLS, or where only this machine can ask.
func gateListener(address, certificate, key string, plain bool) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("--listen: %w", err)
	}
	load := func() (*tls.Certificate, error) {
		pair, err := tls.LoadX509KeyPair(certificate, key)
		return &pair, err
	}
	switch ip := net.ParseIP(host); {
	case (certificate == "") != (key == ""):
		return nil, errors.New("--tls-cert and --tls-key: want both or none")
	case certificate != "":
		if _, err := load(); err != nil {
			return nil, fmt.Errorf("--tls-cert %s, --tls-key %s: %w", certificate, key, err)
		}
	case !plain && host != "localhost" && (ip == nil || !ip.IsLoopback()):
		return nil, fmt.Errorf("--listen %s: the token would cross the network in clear: give --tls-cert and --tls-key, or --plain-http behind a proxy that terminates TLS", address)
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("--listen: %w", err)
	}
	if certificate == "" {
		return listener, nil
	}
	return tls.NewListener(listener, &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return load() }, // it is renewed
	}), nil
}

// A gateRunner runs the experiments of a configuration on its cluster, as "aftershock
// run" does.
type gateRunner struct {
	file           string
	plan           *config.Plan
	stdout, stderr io.Writer
}

// Plan finds experiments in the configuration as the gate began with it.
func (g *gateRunner) Plan(namespace, name string, names []string) (plans map[string]string, file string, err error) {
	plan := *g.plan
	chosen, err := choose(&plan, plan.Planned, names, "")
	if err != nil {
		return nil, "", err
	}
	plans = map[string]string{}
	for _, p := range chosen {
		if w := p.Target.Workload; w.Namespace != namespace || w.Name != name {
			return nil, "", fmt.Errorf("experiment %s: %w, %s: it does not test a build of %s in %s", p.ID(), gate.ErrOtherWorkload, w, name, namespace)
		}
		if len(p.Faults) == 0 {
			return nil, "", fmt.Errorf("experiment %s injects no fault, so the gate cannot hold a build by it: leave it out", p.ID())
		}
		for _, f := range p.Faults {
			if f.Traits().Rolls {
				return nil, "", fmt.Errorf("experiment %s changes the pod template itself, so that what it tests is another build: leave it out", p.ID())
			}
		}
		plans[p.ID()] = p.Hash
	}
	return plans, plan.SHA256, nil
}

// asking runs f with a session for the experiments of a build.
func (g *gateRunner) asking(build gate.Ask, f func(*suites.Session, []config.Planned) error) error {
	plan := *g.plan
	chosen, err := choose(&plan, plan.Planned, build.Experiments(), "")
	if err != nil {
		return err
	}
	session, err := suites.Connect(&plan)
	if err != nil {
		return err
	}
	defer session.Close()
	return notNow(f(session, chosen))
}

// Revision asks the cluster what the pods of a build's services run.
func (g *gateRunner) Revision(ctx context.Context, build gate.Ask) (is string, err error) {
	err = g.asking(build, func(session *suites.Session, chosen []config.Planned) error {
		is, err = revisionOf(ctx, session, chosen)
		return err
	})
	return is, err
}

// Look looks for a stop, a freeze and another run, and then what the pods run.
func (g *gateRunner) Look(ctx context.Context, build gate.Ask) (is string, err error) {
	var refused error
	err = g.asking(build, func(session *suites.Session, chosen []config.Planned) error {
		if refused = session.Refused(ctx, chosen); refused != nil {
			return refused
		}
		is, err = revisionOf(ctx, session, chosen)
		return err
	})
	if err != nil && refused == nil {
		err = fmt.Errorf("%w: %w", gate.ErrNotKnown, err)
	}
	return is, err
}

// revisionOf is what the pods of the experiments' services run, the same in all.
func revisionOf(ctx context.Context, session *suites.Session, chosen []config.Planned) (is string, err error) {
	asked := map[string]bool{}
	for _, p := range chosen {
		if asked[p.Target.Name] {
			continue
		}
		asked[p.Target.Name] = true
		switch one, err := session.Revision(ctx, p.Target); {
		case err != nil:
			return "", err
		case is != "" && is != one:
			return "", fmt.Errorf("the pods of its services run %s and %s", is, one)
		default:
			is = one
		}
	}
	return is, nil
}

// Run carries experiments out, with the checks and refusals of "aftershock run".
func (g *gateRunner) Run(ctx context.Context, build gate.Ask, begin func() (*runs.Directory, error)) error {
	plan, err := readPlan(g.file)
	if err != nil {
		return err
	}
	if plan.SHA256 != build.File {
		return fmt.Errorf("%w: %s has changed since the build was asked about: start the gate again, which then asks by the new one", gate.ErrUntestable, g.file)
	}
	names := build.Experiments()
	chosen, err := choose(plan, plan.Planned, names, "")
	if err != nil {
		return err
	}
	return connected(g.stdout, plan, chosen, func(session *suites.Session) error {
		list, err := experimentsOf(ctx, session, chosen, names)
		if err != nil {
			return notNow(err)
		}
		for _, skipped := range session.Plan.Skipped {
			if slices.Contains(names, skipped.ID) {
				return fmt.Errorf("%w: %s cannot run on this cluster: %s", gate.ErrUntestable, skipped.ID, skipped.Why)
			}
		}
		if err := preflight(ctx, g.stdout, session, list, marks(false, suites.Note)); err != nil {
			return notNow(err)
		}
		directory, err := begin()
		if err != nil {
			return err
		}
		return g.carryOut(ctx, directory, list)
	})
}

// carryOut runs the experiments until one is broken: what is rolled back for that gets no
// further fault.
func (g *gateRunner) carryOut(ctx context.Context, directory *runs.Directory, list []suites.Experiment) (err error) {
	s := sessionIn(directory, g.stdout)
	s.sweep = sweepCommandOf(g.file)
	defer s.place.leaveTwice(s.aside(g.stderr), sweepWith(g.file), os.Exit)()
	for i, e := range list {
		var report reports.Report
		report, err = s.carryOut(ctx, e.Experiment)
		if err = besides(err); err != nil || report.Verdict == steadystate.Broken {
			why := ending(e.Name, report.End, err)
			if err == nil {
				why = e.Name + " is broken, and what is rolled back for that gets no further fault"
			}
			missing := s.notBegun(why, list[i+1:])
			// A run that began may have touched something, and what is unknown then is not
			// tested until it holds.
			switch {
			case i > 0 || err == nil:
			case errors.Is(err, runs.ErrUntouched):
				err = fmt.Errorf("%w: %w", gate.ErrNotBegun, err)
			case refused(err):
				err = notNow(err)
			}
			err = errors.Join(err, missing)
			break
		}
	}
	err = errors.Join(err, s.keep())
	return errors.Join(err, s.finish(exitCode(errors.Join(err, verdict(s.Reports...)))))
}

// notNow wraps [gate.ErrNotNow] around a refusal that is over as soon as its reason is: a
// stop, another run, a cluster that does not answer, a fault that waits for a sweep; and
// [gate.ErrUntestable] around another cluster. For all else a build waits for a while only:
// for pods at rest, or a right that is refused.
func notNow(err error) error {
	switch {
	case errors.Is(err, suites.ErrOtherCluster):
		return fmt.Errorf("%w: %w", gate.ErrUntestable, err)
	case errors.Is(err, suites.ErrNotNow), errors.Is(err, suites.ErrInPlace), refused(err):
	case errors.Is(err, suites.ErrNotAtRest), apierrors.IsUnauthorized(err), !errors.Is(err, suites.ErrUnavailable):
		return err
	}
	return fmt.Errorf("%w: %w", gate.ErrNotNow, err)
}

// refused reports whether a run was refused before it injected anything.
func refused(err error) bool {
	ending, ended := errors.AsType[experiments.Ending](err)
	return ended && ending.Reason == record.Refused
}

// Sweep removes what a run left behind.
func (g *gateRunner) Sweep(ctx context.Context, run string) error {
	plan, _, err := config.ReadForSweep(g.file)
	if err != nil {
		return err
	}
	return connected(g.stdout, plan, nil, func(session *suites.Session) error {
		return sweep(ctx, g.stdout, session, suites.Sweeping{Run: run})
	})
}
