package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"
)

func truth() *cobra.Command {
	var since time.Duration
	var requests bool
	c := &cobra.Command{
		Use:   "truth",
		Short: "Show what the service under test itself saw, pods together, in order of time",
		Long: `Truth shows the lines that checkout's pods wrote as things happened to them, also those of pods that are gone: when each
started, listened, was asked to end and ended, and the number of each request as it came in (header X-Vegeta-Seq). A pod that
was killed has no last line; all it saw is there.

  {"time":1795444800000000000,"pod":"checkout-abc","event":"request","seq":17}`,
		Example: `  lab truth                      what became of the pods
  lab truth --requests --since 1m`,
		RunE: func(c *cobra.Command, _ []string) error {
			l, err := here(c)
			if err != nil {
				return err
			}
			if _, err := os.Stat(string(l.Cache.Run())); err != nil {
				return errDown
			}
			files, err := filepath.Glob(filepath.Join(l.Cache.Run().Truth(), "*.log"))
			if err != nil {
				return err
			}
			var from int64
			if since > 0 {
				from = time.Now().Add(-since).UnixNano()
			}
			lines, err := merge(files, from, requests)
			if err != nil {
				return err
			}
			for _, l := range lines {
				fmt.Fprintf(c.OutOrStdout(), "%s\n", l)
			}
			return nil
		},
	}
	c.Flags().DurationVar(&since, "since", 0, "only what happened since then; 0 is everything")
	c.Flags().BoolVar(&requests, "requests", false, "requests too, and not only what became of the pods")
	return c
}

// merge brings the lines of several logs into order.
func merge(files []string, from int64, requests bool) ([][]byte, error) {
	type entry struct {
		at   int64
		line []byte
	}
	var all []entry
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read what a pod saw: %w", err)
		}
		for line := range bytes.Lines(content) {
			var e struct {
				Time  int64
				Event string
			}
			if err := json.Unmarshal(line, &e); err != nil {
				return nil, fmt.Errorf("read %s: %w", file, err)
			}
			if e.Time >= from && (requests || e.Event != "request") {
				all = append(all, entry{e.Time, bytes.TrimSpace(line)})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b entry) int { return int(min(1, max(-1, a.at-b.at))) })
	var lines [][]byte
	for _, e := range all {
		lines = append(lines, e.line)
	}
	return lines, nil
}
