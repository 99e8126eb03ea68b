package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"golang.org/x/term"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/aftershockhq/aftershock/experiments/chaosmesh"
	"github.com/aftershockhq/aftershock/experiments/load"
	"github.com/aftershockhq/aftershock/internal/discover"
	"github.com/aftershockhq/aftershock/steadystate/kube"
	"github.com/aftershockhq/aftershock/steadystate/prom"
	"github.com/aftershockhq/aftershock/steadystate/redact"
)

// initFlags are what the user asked for.
type initFlags struct {
	file, kubeconfig, context, prometheus string
	namespaces, services, urls            []string
	dryRun                                bool
}

func initCommand() *cobra.Command {
	var f initFlags
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Write a first configuration from what a cluster has",
		Long: `Init looks into a cluster and writes a first configuration: the workloads to test,
how to reach them, and the suites of the catalogue that suit them, with its reasons
as comments. It finds Deployments, StatefulSets, DaemonSets and Argo Rollouts, the
Services in front of them with their Ingresses, HTTPRoutes and OpenShift Routes, their
PodDisruptionBudgets and HorizontalPodAutoscalers, Prometheus, Chaos Mesh, and the
response header that names the pod that answered.

It changes nothing in the cluster, and what the account may not list it leaves out,
with a comment. It sends a few GET requests to the URLs of these services. It never
overwrites a file.

On a terminal it asks which workloads to test; elsewhere name them with --service, as
NAMESPACE/KIND/NAME, or by the end of that if one workload alone has it. In the file a
service has the name of its workload; --url takes that name.`,
		Example: `  aftershock init
  aftershock init --namespace shop --dry-run
  aftershock init --service shop/deployment/checkout --url checkout=https://shop.staging.example/checkout
  aftershock init --service checkout --service payments --prometheus http://prometheus.staging.example:9090`,
		Args: noArgs,
	}
	flags := cmd.Flags()
	flags.StringVarP(&f.file, "file", "f", defaultConfig, "the configuration to write")
	flags.StringVar(&f.kubeconfig, "kubeconfig", "", "the file with the credentials, which the configuration then names (default as kubectl finds it)")
	flags.StringVar(&f.context, "context", "", "the context of the kubeconfig (default the current one)")
	flags.StringArrayVarP(&f.namespaces, "namespace", "n", nil, "where to look for workloads; may be repeated (default that of the context, else all but Kubernetes' own)")
	flags.StringArrayVar(&f.services, "service", nil, "a workload to test, as NAMESPACE/KIND/NAME; may be repeated")
	flags.StringArrayVar(&f.urls, "url", nil, "the URL of a service, as NAME=URL; may be repeated")
	flags.StringVar(&f.prometheus, "prometheus", "", "the URL of Prometheus (default the one that is found in the cluster)")
	flags.BoolVar(&f.dryRun, "dry-run", false, "print the configuration and write nothing")
	_ = cmd.MarkFlagFilename("file", "yaml", "yml")
	completeFlag(cmd, "kubeconfig", completeFiles)
	completeFlag(cmd, "context", completeContexts(&f))
	completeFlag(cmd, "service", completeWorkloads(&f))
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return initialize(cmd.Context(), f, newPrompt(cmd.InOrStdin(), cmd.ErrOrStderr()), cmd.OutOrStdout())
	}
	return cmd
}

// A finding is what init found, and where.
type finding struct {
	discover.Finder
	context kube.Context
	cluster *discover.Cluster
}

// find looks into the cluster.
func (f initFlags) find(ctx context.Context) (*finding, error) {
	log.SetLogger(logr.Discard()) // controller-runtime complains of a program that sets none
	of, err := kube.ReadContext(f.kubeconfig, f.context)
	if err != nil {
		return nil, usageError{err}
	}
	scheme, err := chaosmesh.Scheme()
	if err != nil {
		return nil, err
	}
	c, err := kube.NewClient(of.Config, scheme)
	if err != nil {
		return nil, usageError{err}
	}
	found := &finding{Finder: discover.Finder{Client: c, Namespaces: f.namespaces, Home: of.Namespace}, context: of}
	if len(f.namespaces) == 0 && of.Namespace != "" {
		found.Namespaces = []string{of.Namespace}
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if found.cluster, err = found.Find(ctx); err != nil {
		return nil, unavailable{fmt.Errorf("read cluster %s (%s): %w", cmp.Or(of.Name, "of this pod"), of.Config.Host, err)}
	}
	return found, nil
}

// initialize writes a configuration, or prints it.
func initialize(ctx context.Context, f initFlags, ask prompt, stdout io.Writer) error {
	if _, err := os.Lstat(f.file); err == nil && !f.dryRun {
		return exists(f.file)
	}
	urls, err := f.urlsByName()
	if err != nil {
		return err
	}
	if f.prometheus != "" {
		if err := prometheusURL(f.prometheus); err != nil {
			return usageError{fmt.Errorf("--prometheus: %w", err)}
		}
	}
	found, err := f.find(ctx)
	if err != nil {
		return stopped(ctx, err)
	}
	fmt.Fprintf(ask.out, "cluster %s (%s)\n", cmp.Or(found.context.Name, "of this pod"), found.context.Config.Host)
	services, err := f.choose(ctx, ask, found.cluster)
	if err != nil {
		return stopped(ctx, err)
	}
	for name := range urls {
		if !slices.ContainsFunc(services, func(s discover.Service) bool { return s.Name == name }) {
			return usageError{fmt.Errorf("--url %s=...: no service of this name was chosen; services: %s", name, names(services))}
		}
	}
	for i := range services {
		s := &services[i]
		s.Reach(ctx, found.Finder, urls[s.Name])
		if urls[s.Name] != "" || s.Answer.Good() && !s.Probed || !ask.terminal {
			continue
		}
		if s.URL != "" && !s.Answer.Good() {
			fmt.Fprintf(ask.out, "%s %s\n", s.URL, s.Answer)
		}
		given, err := ask.url(ctx, urlQuestion(s), loadURL)
		if err != nil {
			return stopped(ctx, err)
		}
		if given != "" {
			s.Reach(ctx, found.Finder, given)
		}
	}
	draft := discover.Draft{Context: found.context.Name, Cluster: found.cluster, Services: services}
	draft.Prometheus.Reach(ctx, found.Finder, found.cluster.Prometheus, f.prometheus, services[0].Workload)
	if draft.Prometheus.URL == "" && ask.terminal {
		given, err := ask.url(ctx, "URL of Prometheus (empty: there is none): ", prometheusURL)
		if err != nil {
			return stopped(ctx, err)
		}
		if given != "" {
			draft.Prometheus.Reach(ctx, found.Finder, nil, given, services[0].Workload)
		}
	}
	for _, s := range services {
		switch {
		case s.Why() != "" && !ask.terminal: // there the question has said it
			fmt.Fprintf(ask.out, "note: %s: %s\n", s.Name, redact.Text(s.Why()))
		case s.URL != "" && !s.Answer.Good():
			fmt.Fprintf(ask.out, "note: %s of %s %s\n", redact.Text(s.URL), s.Name, s.Answer)
		case s.URL != "" && !s.Probed && s.Answer.Header == "":
			fmt.Fprintf(ask.out, "note: no header of the answers of %s names the pod, so that preflight and run refuse faults on pods of %s: have it send one, as X-Pod with the pod's name\n", redact.Text(s.URL), s.Name)
		}
	}
	if m := draft.Prometheus; m.URL != "" && m.Forward == nil && m.Err != nil {
		fmt.Fprintf(ask.out, "note: Prometheus %s did not answer from here: %s\n", redact.Text(m.URL), m.Err)
	}
	if f.kubeconfig != "" { // KUBECONFIG is another file for each person and pipeline
		if draft.Kubeconfig, err = filepath.Abs(f.kubeconfig); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if f.dryRun {
		_, err := io.WriteString(stdout, draft.Text())
		return err
	}
	if err := writeNew(f.file, draft.Text()); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "wrote %s: %s\n%s", f.file, names(services), nextSteps(f.file, draft))
	return nil
}

// urlQuestion asks for the URL of a service, and says what an empty answer means.
func urlQuestion(s *discover.Service) string {
	why, otherwise := s.Why(), cmp.Or(s.URL, "to be filled in")
	if why != "" {
		why, otherwise = why+"\n", "that of the probe, for a first run"
		if s.Answer.Header == "" {
			otherwise = "that of the probe, which no fault on pods can run with"
		}
	}
	return fmt.Sprintf("%sURL that users of %s request, as it is reached from here (empty: %s): ", why, s.Name, otherwise)
}

// stopped is the reason for which a person stopped it, if that is why it failed.
func stopped(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

func exists(file string) error {
	return usageError{fmt.Errorf("%s already exists and is not overwritten: name another file with -f, or print with --dry-run", file)}
}

// writeNew writes a file that must not be there.
func writeNew(path, text string) error {
	failed := func(err error) error { return usageError{fmt.Errorf("write the configuration: %w", err)} }
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	switch {
	case errors.Is(err, fs.ErrExist):
		return exists(path)
	case err != nil:
		return failed(err)
	}
	_, err = file.WriteString(text)
	if err = errors.Join(err, file.Close()); err != nil {
		return failed(errors.Join(err, os.Remove(path))) // a part may read as a whole
	}
	return nil
}

func names(services []discover.Service) string {
	var list []string
	for _, s := range services {
		list = append(list, s.Name)
	}
	return strings.Join(list, ", ")
}

// nextSteps are the commands that follow.
func nextSteps(file string, draft discover.Draft) string {
	var text strings.Builder
	text.WriteString("next:\n")
	for _, name := range draft.Variables() {
		fmt.Fprintf(&text, "  export %s=...   # see its line in the file\n", name)
	}
	for _, name := range draft.Unreached() {
		fmt.Fprintf(&text, "  give %s a load or traffic in %s: until then its experiments are skipped\n", name, file)
	}
	for _, name := range draft.Refused() {
		fmt.Fprintf(&text, "  mend the load of %s as its comment in %s says: until then preflight and run refuse it\n", name, file)
	}
	if command := draft.Forward(); command != "" {
		fmt.Fprintf(&text, "  %s   # and leave it running\n", command)
	}
	fmt.Fprintf(&text, "  aftershock preflight -f %s\n", discover.Word(file))
	if first := draft.First(); first != "" {
		fmt.Fprintf(&text, "  aftershock run -f %s %s\n", discover.Word(file), first)
	}
	return text.String()
}

func (f initFlags) urlsByName() (map[string]string, error) {
	urls := map[string]string{}
	for _, text := range f.urls {
		name, at, ok := strings.Cut(text, "=")
		if !ok || name == "" {
			return nil, usageError{fmt.Errorf("--url %q: want NAME=URL, as in checkout=https://shop.example/checkout", redact.Text(text))}
		}
		if err := loadURL(at); err != nil {
			return nil, usageError{fmt.Errorf("--url %s=...: want NAME=URL, as in checkout=https://shop.example/checkout: %w", name, err)}
		}
		if urls[name] != "" {
			return nil, usageError{fmt.Errorf("--url %s=...: it is given twice, as %s and as %s", name, urls[name], at)}
		}
		urls[name] = at
	}
	return urls, nil
}

// loadURL refuses what a load cannot request.
func loadURL(text string) error {
	return load.HTTP{URL: text, Shape: load.Constant(1)}.Validate()
}

// prometheusURL refuses what a configuration does.
func prometheusURL(text string) error {
	c, err := prom.NewClient(prom.Config{URL: text})
	if err == nil {
		c.Close()
	}
	return err
}

// choose are the services that are meant, by the flags or by asking.
func (f initFlags) choose(ctx context.Context, ask prompt, cluster *discover.Cluster) ([]discover.Service, error) {
	named := f.services
	if len(cluster.Workloads) == 0 {
		return nil, usageError{errors.New(strings.Join(append([]string{"no Deployment, StatefulSet, DaemonSet or Argo Rollout was found: name another namespace with --namespace, or another cluster with --context"}, cluster.Unseen...), "\n"))}
	}
	if len(named) == 0 && ask.terminal {
		for i, w := range cluster.Workloads {
			fmt.Fprintf(ask.out, "%3d  %s\n", i+1, w)
		}
		answer, err := ask.line(ctx, "Which are to be tested? Numbers or names, as in 1 3: ")
		if err != nil {
			return nil, err
		}
		for _, word := range strings.FieldsFunc(answer, func(r rune) bool { return r == ' ' || r == ',' }) {
			if n, err := strconv.Atoi(word); err == nil && n >= 1 && n <= len(cluster.Workloads) {
				word = cluster.Workloads[n-1].ID()
			}
			named = append(named, word)
		}
	}
	services, err := cluster.Choose(named...)
	return services, asUsage(err)
}

// A prompt asks a person.
type prompt struct {
	lines    *bufio.Reader
	out      io.Writer
	terminal bool // there is a person
}

func newPrompt(in io.Reader, out io.Writer) prompt {
	file, ok := in.(*os.File)
	return prompt{bufio.NewReader(in), out, ok && term.IsTerminal(int(file.Fd()))}
}

// line asks for a line. A read of a terminal does not end with the context, so
// that it is left behind then: the program ends.
func (p prompt) line(ctx context.Context, question string) (string, error) {
	fmt.Fprint(p.out, question)
	type answer struct {
		text string
		err  error
	}
	read := make(chan answer, 1)
	go func() {
		text, err := p.lines.ReadString('\n')
		read <- answer{strings.TrimSpace(text), err}
	}()
	select {
	case <-ctx.Done():
		return "", context.Cause(ctx)
	case a := <-read:
		if errors.Is(a.err, io.EOF) {
			a.err = nil // as an empty line, or a last one
		}
		return a.text, a.err
	}
}

// url asks for a URL until it is empty or one that the check accepts.
func (p prompt) url(ctx context.Context, question string, check func(string) error) (string, error) {
	for {
		given, err := p.line(ctx, question)
		if err != nil || given == "" {
			return "", err
		}
		if err = check(given); err == nil {
			return given, nil
		}
		fmt.Fprintln(p.out, err)
	}
}

// completeContexts completes the contexts of the kubeconfig.
func completeContexts(f *initFlags) cobra.CompletionFunc {
	return func(*cobra.Command, []string, string) (names []string, _ cobra.ShellCompDirective) {
		rules := clientcmd.NewDefaultClientConfigLoadingRules()
		rules.ExplicitPath = f.kubeconfig
		if raw, err := rules.Load(); err == nil {
			for name := range raw.Contexts {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}

// completeWorkloads completes what the cluster has.
func completeWorkloads(f *initFlags) cobra.CompletionFunc {
	return func(cmd *cobra.Command, _ []string, _ string) (ids []string, _ cobra.ShellCompDirective) {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		found, err := f.find(ctx)
		if err != nil {
			why, _, _ := strings.Cut(err.Error(), "\n")
			return cobra.AppendActiveHelp(nil, why), cobra.ShellCompDirectiveNoFileComp
		}
		for _, w := range found.cluster.Workloads {
			id, about, _ := strings.Cut(w.String(), ": ")
			ids = append(ids, cobra.CompletionWithDesc(id, about))
		}
		return ids, cobra.ShellCompDirectiveNoFileComp
	}
}
