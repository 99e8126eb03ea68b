package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/aftershockhq/aftershock/lab/internal/lifecycle"
	"github.com/aftershockhq/aftershock/lab/internal/lock"
	"github.com/aftershockhq/aftershock/lab/internal/supervise"
)

func status() *cobra.Command {
	var output string
	c := &cobra.Command{
		Use:   "status",
		Short: "Show what runs, whether it is ready, and what it costs",
		Long: `Status shows each component with its state and what it uses: processor cores, averaged over up to the last half minute, and
memory, each shared page divided among the processes that share it, so that the column adds up. It also says whether metrics-server
has values, which it has half a minute after its start; nothing waits for them but what needs them.

Exit codes: 0 everything is ready, 1 something is not, 3 the lab is not up.`,
		Example: `  lab status
  lab status --output json | jq '.agents[].components[] | select(.state != "ready")'`,
		RunE: func(c *cobra.Command, _ []string) error {
			if output != "text" && output != "json" {
				return fmt.Errorf("%w: --output is text or json, not %q", lifecycle.ErrUsage, output)
			}
			l, err := here(c)
			if err != nil {
				return err
			}
			if _, held := lock.Holder(l.Cache.Alive()); !held {
				if output == "json" {
					fmt.Fprintln(c.OutOrStdout(), `{"up":false,"ready":false,"agents":[]}`)
				}
				return errDown
			}
			reports, err := lifecycle.Reports(c.Context(), l.Cache.Run())
			if err != nil {
				return fmt.Errorf("%w: %w", errNotReady, err)
			}
			ready := allReady(reports)
			netem, measured := l.Netem(c.Context()), l.Metrics(c.Context())
			if output == "json" {
				err = showJSON(c.OutOrStdout(), reports, ready, netem, measured)
			} else if err = show(c.OutOrStdout(), reports, time.Now()); err == nil {
				_, err = io.WriteString(c.OutOrStdout(), metrics(measured)+emulation(netem))
			}
			if err == nil && !ready {
				err = errNotReady
			}
			return err
		},
	}
	c.Flags().StringVarP(&output, "output", "o", "text", "text or json")
	_ = c.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"text", "json"}, cobra.ShellCompDirectiveNoFileComp))
	return c
}

func allReady(reports []supervise.Report) bool {
	for _, r := range reports {
		for _, s := range r.Components {
			if s.State != supervise.Ready {
				return false
			}
		}
	}
	return true
}

func showJSON(w io.Writer, reports []supervise.Report, ready bool, netem map[string]string, measured error) error {
	said := "there"
	if measured != nil {
		said = measured.Error()
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(struct {
		Up      bool               `json:"up"`
		Ready   bool               `json:"ready"`
		Agents  []supervise.Report `json:"agents"`
		Netem   map[string]string  `json:"netem"`   // by node; null when the API server does not say
		Metrics string             `json:"metrics"` // "there", or why they are not
	}{true, ready, reports, netem, said})
}

// metrics says whether kubectl top and autoscalers have values.
func metrics(missing error) string {
	if missing != nil {
		return fmt.Sprintf("kubectl top and autoscalers have no values: %v\n", missing)
	}
	return "kubectl top and autoscalers have values of every node\n"
}

func show(w io.Writer, reports []supervise.Report, now time.Time) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "COMPONENT\tSTATE\tFOR\tRESTARTS\tCORES\tMEMORY\t")
	for _, r := range reports {
		for _, s := range r.Components {
			cost := s.Cost
			for _, of := range reports { // a node is all that runs on it
				if of.Agent == s.Name {
					cost = of.Total
				}
			}
			fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%.3f\t%s\t%s\n", lifecycle.Qualified(s), s.State,
				now.Sub(s.Since).Round(time.Second), s.Restarts, cost.Cores, size(cost.Memory), s.Reason)
		}
		for _, name := range slices.Sorted(maps.Keys(r.Groups)) {
			fmt.Fprintf(t, "%s/%s\t\t\t\t%.3f\t%s\t\n", r.Agent, name, r.Groups[name].Cores, size(r.Groups[name].Memory))
		}
	}
	if len(reports) > 0 {
		total := reports[0].Total // the control plane's cgroup holds everything
		fmt.Fprintf(t, "the whole lab\t\t\t\t%.3f\t%s\t%s of it anonymous\n", total.Cores, size(total.Memory), size(total.Anon))
	}
	return t.Flush()
}

func size(bytes uint64) string { return fmt.Sprintf("%.0f MB", float64(bytes)/1e6) }
