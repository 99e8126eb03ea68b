package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/suites"
	"github.com/aftershockhq/aftershock/suites/rights"
)

func rbacCommand() *cobra.Command {
	account := rights.Account{}
	var output string
	var operators []string
	cmd := &cobra.Command{
		Use:   "rbac [ID...]",
		Short: "Print the rights that experiments need, for kubectl apply",
		Long: `Rbac prints a ServiceAccount in cluster.namespace of the configuration, a Role for
each namespace, a ClusterRole for what is of the cluster, and their bindings: the
rights that preflight, run and sweep need for these experiments, and no others.

It asks no cluster, so that an account without rights can print them for an admin
to apply. It rehearses the experiments on an API in memory, and prints the rights
that their requests need. The Roles whose names end in ":optional" are of use, and
everything runs without them: reports then say what could not be seen.

The Roles aftershock:operator are for people who stop and resume runs, and for
nothing else. They are bound to whom --operator names.

Preflight asks the cluster for each of these rights and names what is missing.`,
		Example: `  aftershock rbac -f aftershock.yaml | kubectl apply -f -
  aftershock rbac -f aftershock.yaml checkout/pods checkout/network/delay
  aftershock rbac -f aftershock.yaml --user ann@example.com > rights.yaml
  aftershock rbac -f aftershock.yaml --operator ann@example.com --operator bob@example.com`,
	}
	file := fileFlag(cmd)
	cmd.Flags().StringVar(&account.ServiceAccount, "service-account", "", "the name of the ServiceAccount (default: cluster.serviceAccount of the configuration)")
	cmd.Flags().StringVar(&account.User, "user", "", "bind a person, by the name that the cluster knows, in place of a ServiceAccount")
	cmd.Flags().StringArrayVar(&operators, "operator", nil, "bind a person who may stop and resume runs, by the name that the cluster knows; again for another one")
	cmd.Flags().StringVarP(&output, "output", "o", outputYAML, "yaml or json")
	completeFlag(cmd, "output", cobra.FixedCompletions([]string{outputYAML, outputJSON}, cobra.ShellCompDirectiveNoFileComp))
	cmd.MarkFlagsMutuallyExclusive("service-account", "user")
	cmd.ValidArgsFunction = completeIDs(file)
	cmd.RunE = func(cmd *cobra.Command, names []string) error {
		if output != outputYAML && output != outputJSON {
			return usageError{fmt.Errorf("--output %s: want %s or %s", output, outputYAML, outputJSON)}
		}
		plan, err := readPlan(*file)
		if err != nil {
			return err
		}
		if !cmd.Flags().Changed("service-account") {
			account.ServiceAccount = plan.Cluster.ServiceAccount
		}
		if wrong := validation.IsDNS1123Subdomain(account.ServiceAccount); len(wrong) > 0 {
			return usageError{fmt.Errorf("--service-account %q: %s", account.ServiceAccount, wrong[0])}
		}
		chosen, err := choose(plan, plan.Planned, names, "")
		if err != nil {
			return err
		}
		account.Namespace = plan.Cluster.Namespace
		list, incomplete := suites.Rights(cmd.Context(), plan, chosen)
		if len(list) == 0 {
			return incomplete
		}
		stopping, err := suites.OperatorRights(cmd.Context(), plan)
		if err != nil {
			return err
		}
		text, err := written(append(rights.Grant(list, account), rights.GrantOperators(stopping, operators)...), output)
		if err == nil {
			_, err = cmd.OutOrStdout().Write(text)
		}
		if incomplete != nil {
			incomplete = fmt.Errorf("there may be rights that are not among these: %w", incomplete)
		}
		return errors.Join(err, incomplete)
	}
	return cmd
}

// The forms of what rbac prints.
const (
	outputYAML = "yaml"
	outputJSON = "json"
)

// written are objects as text.
func written(objects []client.Object, output string) ([]byte, error) {
	if output == outputYAML {
		return rights.YAML(objects)
	}
	all := corev1.List{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "List"}}
	for _, object := range objects {
		all.Items = append(all.Items, runtime.RawExtension{Object: object})
	}
	text, err := json.MarshalIndent(all, "", "  ")
	return append(text, '\n'), err
}
