package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aftershockhq/aftershock/reports"
	"github.com/aftershockhq/aftershock/runs"
)

func reportCommand() *cobra.Command {
	var file string
	var schema bool
	cmd := &cobra.Command{
		Use:   "report RECORD...",
		Short: "Write a report of records: a page, text, JUnit or JSON",
		Long: `Report renders what records show; its exit code does not depend on the verdict.
A directory stands for the records in it and below it. The page needs nothing but itself.`,
		Example: `  aftershock report runs/20260302T101500.000Z --output html --file report.html
  aftershock report record.jsonl --output junit --file junit.xml
  aftershock report --schema`,
		Args: func(cmd *cobra.Command, args []string) error {
			if schema {
				return noArgs(cmd, args)
			}
			return asUsage(cobra.MinimumNArgs(1)(cmd, args))
		},
	}
	cmd.Flags().BoolVar(&schema, "schema", false, "print the JSON Schema of --output json, and do nothing else")
	cmd.Flags().StringVar(&file, "file", "", "where to write; default: standard output")
	completeFlag(cmd, "file", completeFiles)
	cmd.ValidArgsFunction = completeRecords
	output := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if schema {
			_, err := io.WriteString(cmd.OutOrStdout(), reports.Schema())
			return err
		}
		as, err := format(*output)
		if err != nil {
			return err
		}
		list, err := judgeFiles(args, nil)
		if err != nil {
			return err
		}
		if file == "" {
			return as.Write(cmd.OutOrStdout(), list...)
		}
		err = runs.WriteFile(file, func(w io.Writer) error { return as.Write(w, list...) })
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
			return usageError{err}
		}
		return err
	}
	return cmd
}

func outputFlag(cmd *cobra.Command) *string {
	output := cmd.Flags().StringP("output", "o", "text", strings.Join(formats(), ", "))
	completeFlag(cmd, "output", cobra.FixedCompletions(formats(), cobra.ShellCompDirectiveNoFileComp))
	return output
}

// formats are the values of --output.
func formats() (names []string) {
	for _, f := range reports.Formats() {
		names = append(names, f.Name)
	}
	return names
}

func format(name string) (reports.Format, error) {
	for _, f := range reports.Formats() {
		if f.Name == name {
			return f, nil
		}
	}
	return reports.Format{}, usageError{fmt.Errorf("--output %q: want one of %s", name, strings.Join(formats(), ", "))}
}
