package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aftershockhq/aftershock/internal/disk"
	"github.com/aftershockhq/aftershock/reports"
)

func reportCommand() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "report RECORD|RESULTS...",
		Short: "Write a report of records or results: a page, text, JUnit, JSON or Markdown",
		Long: `Report renders what records show; its exit code does not depend on the verdict. A
directory stands for all records in and below it. A *.json file is an earlier JSON
report: it is merged with the records, but has no charts. Each run counts once, and
several runs of one experiment are trials in JUnit. The page is self-contained.

--junit strict writes JUnit in the dialect of Ant's schema and Jenkins' xunit
plugin; the default has properties, file and line in each test case.`,
		Example: `  aftershock report runs/20260302T101500.000Z --output html --file report.html
  aftershock report record.jsonl --output junit --file junit.xml
  aftershock report first/results.json second/results.json --output junit --junit strict
  aftershock report --schema`,
		Args: takes(1, math.MaxInt),
	}
	cmd.Flags().StringVar(&file, "file", "", "where to write; default: standard output")
	completeFlag(cmd, "file", completeFiles)
	cmd.ValidArgsFunction = completeResults
	output := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		as, err := output()
		if err != nil {
			return err
		}
		list, err := reportFiles(args)
		if err != nil {
			return err
		}
		if file == "" {
			return as.Write(cmd.OutOrStdout(), list...)
		}
		err = disk.WriteFile(file, func(w io.Writer) error { return as.Write(w, list...) })
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
			return usageError{err}
		}
		return err
	}
	return orSchema(cmd, reports.Schema)
}

// reportFiles are the reports of records, and of results as JSON. A run of which
// there are both is that of its record, which has more.
func reportFiles(args []string) (list []reports.Report, err error) {
	var records, documents []string
	for _, arg := range args {
		if filepath.Ext(arg) == ".json" {
			documents = append(documents, arg)
		} else {
			records = append(records, arg)
		}
	}
	if len(records) > 0 {
		if list, err = judgeFiles(records, nil); err != nil {
			return nil, err
		}
	}
	for _, path := range documents {
		file, err := os.Open(path)
		if err != nil {
			return nil, usageError{err}
		}
		read, err := reports.ReadJSON(file)
		if err = errors.Join(err, file.Close()); err != nil {
			return nil, usageError{fmt.Errorf("%s: %w", path, err)}
		}
		list = append(list, read...)
	}
	return once(list), nil
}

// outputFlag is --output, and the dialect of what is JUnit.
func outputFlag(cmd *cobra.Command) (format func() (reports.Format, error)) {
	output := cmd.Flags().StringP("output", "o", "text", strings.Join(formats(), ", "))
	completeFlag(cmd, "output", cobra.FixedCompletions(formats(), cobra.ShellCompDirectiveNoFileComp))
	dialect := junitFlag(cmd)
	return func() (reports.Format, error) {
		of, err := dialect()
		if err != nil {
			return reports.Format{}, err
		}
		for _, f := range reports.Formats() {
			if f.Name == *output {
				return f.Dialect(of), nil
			}
		}
		return reports.Format{}, usageError{fmt.Errorf("--output %q: want one of %s", *output, strings.Join(formats(), ", "))}
	}
}

// junitFlag is --junit, the dialect.
func junitFlag(cmd *cobra.Command) (dialect func() (string, error)) {
	name := cmd.Flags().String("junit", reports.Dialects()[0], "dialect of JUnit XML: "+strings.Join(reports.Dialects(), ", "))
	completeFlag(cmd, "junit", cobra.FixedCompletions(reports.Dialects(), cobra.ShellCompDirectiveNoFileComp))
	return func() (string, error) {
		if !slices.Contains(reports.Dialects(), *name) {
			return "", usageError{fmt.Errorf("--junit %q: want one of %s", *name, strings.Join(reports.Dialects(), ", "))}
		}
		return *name, nil
	}
}

// formats are the values of --output.
func formats() (names []string) {
	for _, f := range reports.Formats() {
		names = append(names, f.Name)
	}
	return names
}
