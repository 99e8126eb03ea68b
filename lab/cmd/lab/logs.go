package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/aftershockhq/aftershock/lab/internal/lifecycle"
	"github.com/aftershockhq/aftershock/lab/internal/place"
)

func logs() *cobra.Command {
	var follow bool
	c := &cobra.Command{
		Use:   "logs [COMPONENT]",
		Short: "Show a component's log, or which logs there are",
		Example: `  lab logs
  lab logs kube-apiserver
  lab logs node1/kubelet -f`,
		Args: cobra.MaximumNArgs(1),
		ValidArgsFunction: func(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
			l, err := here(c)
			if err != nil {
				return nil, cobra.ShellCompDirectiveError
			}
			return names(l.Cache.Run()), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(c *cobra.Command, args []string) error {
			l, err := here(c)
			if err != nil {
				return err
			}
			run := l.Cache.Run()
			if _, err := os.Stat(run.Logs()); err != nil {
				return errDown
			}
			if len(args) == 0 {
				for _, name := range names(run) {
					fmt.Fprintln(c.OutOrStdout(), name)
				}
				return nil
			}
			name, err := pick(names(run), args[0])
			if err != nil {
				return err
			}
			return copyLog(c.Context(), c.OutOrStdout(), run.Log("", name), follow)
		},
	}
	c.Flags().BoolVarP(&follow, "follow", "f", false, "go on until interrupted")
	return c
}

// names are the logs there are: "etcd", "node1/kubelet".
func names(run place.Run) []string {
	var found []string
	_ = filepath.WalkDir(run.Logs(), func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && strings.HasSuffix(path, ".log") {
			name, _ := filepath.Rel(run.Logs(), strings.TrimSuffix(path, ".log"))
			found = append(found, name)
		}
		return nil
	})
	slices.Sort(found)
	return found
}

// pick finds a log by its name, or by the part behind the node's name if only one node has it.
func pick(all []string, name string) (string, error) {
	if slices.Contains(all, name) {
		return name, nil
	}
	var found []string
	for _, n := range all {
		if filepath.Base(n) == name {
			found = append(found, n)
		}
	}
	if len(found) == 1 {
		return found[0], nil
	}
	return "", fmt.Errorf("%w: no log is called %q: choose one of %s", lifecycle.ErrUsage, name, strings.Join(all, ", "))
}

func copyLog(ctx context.Context, w io.Writer, path string, follow bool) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open log: %w", err)
	}
	defer func() { _ = file.Close() }()
	for {
		if _, err := io.Copy(w, file); err != nil {
			return fmt.Errorf("show log: %w", err)
		}
		if !follow {
			return nil
		}
		select {
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.Canceled) { // that is how following ends
				return nil
			}
			return ctx.Err()
		case <-time.After(250 * time.Millisecond):
		}
	}
}
