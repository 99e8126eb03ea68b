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
		Long: `Rbac prints cluster.namespace of the configuration and a ServiceAccount in it, a Role for
each namespace, a ClusterRole for cluster-scoped resources, and their bindings: the
rights that preflight, run and sweep need for these experiments, and no others.

It contacts no cluster, so an account without rights can print them for an admin to
apply. It rehearses the experiments on an in-memory API and prints the rights that
their requests need. Roles whose names end in ":optional" are useful but not required:
without them, reports say what could not be seen.

The Roles aftershock:operator:NAMESPACE, where NAMESPACE is cluster.namespace, only let
people stop and resume runs. --operator names the people to bind.

Preflight checks each of these rights on the cluster and names what is missing.`,
		Example: `  aftershock rbac -f aftershock.yaml | kubectl apply -f -
  aftershock rbac -f aftershock.yaml checkout/pods checkout/network/delay
  aftershock rbac -f aftershock.yaml --user ann@example.com > rights.yaml
  aftershock rbac -f aftershock.yaml --operator ann@example.com --operator bob@example.com`,
	}
	file := fileFlag(cmd)
	cmd.Flags().StringVar(&account.ServiceAccount, "service-account", "", "the name of the ServiceAccount (default: cluster.serviceAccount of the configuration)")
	cmd.Flags().StringVar(&account.User, "user", "", "bind a person, by user name in the cluster, instead of a ServiceAccount")
	cmd.Flags().StringArrayVar(&operators, "operator", nil, "bind a person who may stop and resume runs, by user name in the cluster; may be repeated")
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
		text, err := written(append(rights.Grant(list, account), rights.GrantOperators(stopping, account.Namespace, operators)...), output)
		if err == nil {
			_, err = cmd.OutOrStdout().Write(text)
		}
		if incomplete != nil {
			incomplete = fmt.Errorf("this list of rights may be incomplete: %w", incomplete)
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
