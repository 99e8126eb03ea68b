package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aftershockhq/aftershock/config"
)

// completeIDs completes the ids that a configuration runs, and their beginnings:
// services and suites. What an argument names already is not offered again.
func completeIDs(file *string) cobra.CompletionFunc {
	return fromPlan(file, func(plan *config.Plan, given []string, begun string) (names []string) {
		seen := map[string]bool{}
		offer := func(id, about string) {
			named := slices.ContainsFunc(given, func(name string) bool { return config.Selects(name, id) })
			if !named && !seen[id] && strings.HasPrefix(id, begun) {
				names = append(names, strings.TrimSuffix(cobra.CompletionWithDesc(id, about), "\t"))
			}
			seen[id] = true
		}
		for _, p := range plan.Planned {
			offer(p.Target.Name, "every experiment of it")
			if p.Suite != "" {
				offer(p.Target.Name+"/"+p.Suite, "every experiment of the suite")
			}
			offer(p.ID(), strings.TrimPrefix(p.Title, p.ID())) // a title that is not written is the id
		}
		return names
	})
}

// completeServices completes a service of the configuration, which may have
// mistakes.
func completeServices(file *string) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, begun string) (names []string, _ cobra.ShellCompDirective) {
		plan, _, err := config.ReadForSweep(*file)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		for _, s := range plan.Services {
			if strings.HasPrefix(s.Name, begun) {
				names = append(names, s.Name)
			}
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}

// completeLabels completes a label filter that is one label.
func completeLabels(file *string) cobra.CompletionFunc {
	return fromPlan(file, func(plan *config.Plan, _ []string, begun string) []string {
		return slices.DeleteFunc(labelsOf(plan.Planned), func(label string) bool { return !strings.HasPrefix(label, begun) })
	})
}

// fromPlan completes from a configuration. If it cannot be read, the shell shows
// why in place of an empty list.
func fromPlan(file *string, complete func(plan *config.Plan, given []string, begun string) []string) cobra.CompletionFunc {
	return func(_ *cobra.Command, given []string, begun string) ([]string, cobra.ShellCompDirective) {
		plan, err := readPlan(*file)
		if err != nil {
			why, _, _ := strings.Cut(err.Error(), "\n")
			return cobra.AppendActiveHelp(nil, why), cobra.ShellCompDirectiveNoFileComp
		}
		return complete(plan, given, begun), cobra.ShellCompDirectiveNoFileComp
	}
}

// completeRecords completes records and the directories that hold them.
func completeRecords(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return []string{"jsonl"}, cobra.ShellCompDirectiveFilterFileExt
}

// completeResults completes what completeRecords does, and results as JSON.
func completeResults(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return []string{"jsonl", "json"}, cobra.ShellCompDirectiveFilterFileExt
}

// completeFiles completes any file.
func completeFiles(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveDefault
}

// completeTextOrJSON completes the format of what a command prints.
var completeTextOrJSON = cobra.FixedCompletions([]string{"text", "json"}, cobra.ShellCompDirectiveNoFileComp)

// completeFlag completes a flag that the command has.
func completeFlag(cmd *cobra.Command, name string, f cobra.CompletionFunc) {
	if err := cmd.RegisterFlagCompletionFunc(name, f); err != nil {
		panic(err) // there is no such flag
	}
}

// completeDirectory completes a flag by directories.
func completeDirectory(cmd *cobra.Command, name string) {
	if err := cmd.MarkFlagDirname(name); err != nil {
		panic(err) // there is no such flag
	}
}
