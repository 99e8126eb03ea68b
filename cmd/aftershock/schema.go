package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aftershockhq/aftershock/config"
)

func schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of the configuration, for editors",
		Long: `Schema prints the JSON Schema (draft 2020-12) of the configuration. An editor with
the YAML language server completes and checks a file whose first line names it:

  # yaml-language-server: $schema=aftershock.schema.json

Preflight checks what depends on more than the file, such as the cluster.`,
		Example: `  aftershock schema > aftershock.schema.json`,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := io.WriteString(cmd.OutOrStdout(), config.Schema())
			return err
		},
	}
}

func explainCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "explain [PATH]",
		Short: "Describe a field of the configuration",
		Long: `Explain prints the type, the default and the meaning of a field of the
configuration, and the fields within it. In the path, use names of your own, such as
a service's, or NAME for any. Items of a list have no step of their own.`,
		Example: `  aftershock explain
  aftershock explain services.checkout.load
  aftershock explain checks.NAME.good
  aftershock explain experiments.storm.faults.kill.podKill`,
		Args: takes(0, 1),
		ValidArgsFunction: func(_ *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return config.CompletePath(typed), cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			path := strings.Join(args, "")
			f, err := config.Explain(path)
			if err != nil {
				return usageError{err}
			}
			explain(cmd.OutOrStdout(), f)
			return nil
		},
	}
}

func explain(w io.Writer, f config.Field) {
	fmt.Fprintf(w, "FIELD: %s <%s>%s\n", cmp.Or(f.Path, "the file"), f.Type, required(f))
	section := func(name, text string) {
		if text != "" {
			fmt.Fprintf(w, "\n%s:\n%s\n", name, wrapped(text, "    "))
		}
	}
	section("DESCRIPTION", f.Description)
	section("DEFAULT", f.Default)
	section("CHOICES", strings.Join(f.Choices, ", "))
	if len(f.Examples) > 0 {
		fmt.Fprintf(w, "\nEXAMPLES:\n    %s\n", strings.Join(f.Examples, "\n    "))
	}
	if len(f.Fields) > 0 {
		fmt.Fprint(w, "\nFIELDS:\n")
	}
	for _, inner := range f.Fields {
		fmt.Fprintf(w, "  %s <%s>%s\n", inner.Name, inner.Type, required(inner))
		text := inner.Description
		if inner.Default != "" {
			text += " Default: " + inner.Default + "."
		}
		if text != "" {
			fmt.Fprintln(w, wrapped(text, "    "))
		}
	}
}

func required(f config.Field) string {
	if f.Required {
		return " -required-"
	}
	return ""
}

// wrapped is a text in lines of at most 80 characters.
func wrapped(text, indent string) string {
	var lines []string
	line := indent
	for word := range strings.FieldsSeq(text) {
		if line != indent && len(line)+len(word) >= 80 {
			lines, line = append(lines, strings.TrimRight(line, " ")), indent
		}
		line += word + " "
	}
	return strings.Join(append(lines, strings.TrimRight(line, " ")), "\n")
}
