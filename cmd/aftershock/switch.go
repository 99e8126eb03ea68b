package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"

	"github.com/aftershockhq/aftershock/config"
	"github.com/aftershockhq/aftershock/experiments/ledger"
	"github.com/aftershockhq/aftershock/steadystate/kube"
	"github.com/aftershockhq/aftershock/suites"
	"github.com/aftershockhq/aftershock/suites/rights"
)

func switchCommand() *cobra.Command {
	plan := &config.Plan{Path: suites.SwitchCommand}
	var run string
	var look bool
	seen := map[kube.Kind]*bool{}
	var needs []string
	cmd := &cobra.Command{
		Use:   suites.SwitchCommand,
		Short: "Sweep a run once it is dead; the Job of cluster.image runs it",
		Long: `Dead-man-switch waits until the run is dead: its Leases are gone, have expired, or
were not renewed for half a minute. Then it removes what the run left behind, as
"sweep --run" does. The Job of cluster.image runs it with its pod's account; it needs
no configuration file. Run it by hand only to test an image.

It exits when the run is swept, or on a signal. With --look it only looks whether it could
sweep the run, which is what the Job's init container does.`,
		Example: `  aftershock dead-man-switch --run 4f1c2a9d3b --cluster 0b1c2d3e-0000-0000-0000-000000000000 --namespace aftershock --allow shop`,
		Args:    noArgs,
		Hidden:  true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if run == "" || plan.Cluster.UID == "" || plan.Cluster.Namespace == "" || len(plan.Allow.Namespaces) == 0 {
				return usageError{errors.New("--run, --cluster, --namespace and --allow are required")}
			}
			var rules []rights.Rule
			for _, text := range needs {
				r, err := rights.ParseRule(text)
				if err != nil {
					return usageError{fmt.Errorf("--needs: %w", err)}
				}
				rules = append(rules, r)
			}
			out := cmd.OutOrStdout()
			if look {
				out = io.Discard // the error is the pod's message, with nothing else
			}
			return connected(out, plan, nil, func(session *suites.Session) error {
				for _, k := range kube.Kinds() {
					if asked := seen[k]; asked != nil && *asked {
						session.Seen = append(session.Seen, k)
					}
				}
				session.Needs = rules
				if look {
					err := session.Look(cmd.Context(), run)
					if err == nil {
						_ = ledger.TellVersion(corev1.TerminationMessagePathDefault) // outside a pod there is none
					}
					return err
				}
				removed, err := session.Outlive(cmd.Context(), run, func(text string) { fmt.Fprintf(out, "  %s\n", text) })
				return swept(out, session, run, removed, err)
			})
		},
	}
	cmd.Flags().StringVar(&run, "run", "", "the ID of the run to sweep")
	cmd.Flags().StringVar(&plan.Cluster.UID, "cluster", "", "the UID of the cluster")
	cmd.Flags().StringVar(&plan.Cluster.Namespace, "namespace", "", "where the run's Leases and its ledger are")
	cmd.Flags().StringSliceVar(&plan.Allow.Namespaces, "allow", nil, "the namespaces that faults may touch")
	for _, k := range kube.Kinds() {
		if k.Custom() {
			of := k.GroupKind()
			seen[k] = cmd.Flags().Bool(strings.TrimPrefix(suites.SeenFlag(k), "--"), false, fmt.Sprintf("the run may change a %s of %s, which the account must be able to list", of.Kind, of.Group))
		}
	}
	cmd.Flags().StringArrayVar(&needs, "needs", nil, "a right that the account must have to undo the run, such as \"patch deployments.apps checkout in shop\"")
	cmd.Flags().BoolVar(&look, strings.TrimPrefix(ledger.LookFlag, "--"), false, "only look whether the run could be swept")
	return cmd
}
