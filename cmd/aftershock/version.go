package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"runtime/debug"
	"strings"
	"text/tabwriter"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	"github.com/spf13/cobra"

	"github.com/aftershockhq/aftershock/config"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/reports/results"
)

func versionCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version, the commit, and the versions of all formats",
		Long: `Version prints what this program was built from, and the versions of the formats that
it reads and writes: the configuration, records, results, and Chaos Mesh's API.`,
		Example: `  aftershock version
  aftershock version --output json | jq -r .version`,
		Args: noArgs,
	}
	output := textOrJSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		asJSON, err := output()
		if err != nil {
			return err
		}
		if !asJSON {
			_, err := io.WriteString(cmd.OutOrStdout(), thisBuild().String())
			return err
		}
		encoder := json.NewEncoder(cmd.OutOrStdout())
		encoder.SetIndent("", "  ")
		return encoder.Encode(thisBuild())
	}
	return cmd
}

// A build is what a program was built from, and the versions of what it reads and
// writes.
type build struct {
	// Version is that of the module. One that was not released has the time and the
	// commit in it; "(devel)" is one that was built without its repository.
	Version  string `json:"version"`
	Commit   string `json:"commit,omitempty"`
	Time     string `json:"time,omitempty"`     // of the commit, RFC 3339
	Modified bool   `json:"modified,omitempty"` // there were changes that are not in the commit
	Go       string `json:"go"`
	Platform string `json:"platform"` // linux/amd64
	// ChaosMesh is the version of its API, and of the module that has it.
	ChaosMesh     apiVersion    `json:"chaosMesh"`
	Configuration string        `json:"configuration"`
	Record        formatVersion `json:"record"`
	Results       formatVersion `json:"results"`
}

type apiVersion struct {
	API    string `json:"api"` // chaos-mesh.org/v1alpha1
	Module string `json:"module"`
}

type formatVersion struct {
	Format  string `json:"format"`
	Version int    `json:"version"`
}

// thisBuild is the build of this program.
func thisBuild() build {
	info, _ := debug.ReadBuildInfo()
	return buildOf(info)
}

// buildOf is the build that the linker wrote into a program; nil: it wrote none.
func buildOf(info *debug.BuildInfo) build {
	if info == nil {
		info = &debug.BuildInfo{}
	}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	b := build{
		Version: cmp.Or(info.Main.Version, "(devel)"), Commit: settings["vcs.revision"], Time: settings["vcs.time"], Modified: settings["vcs.modified"] == "true",
		Go: info.GoVersion, Platform: settings["GOOS"] + "/" + settings["GOARCH"],
		ChaosMesh:     apiVersion{API: v1alpha1.SchemeGroupVersion.String()},
		Configuration: config.Version,
		Record:        formatVersion{record.Format, record.Version},
		Results:       formatVersion{results.Format, results.Version},
	}
	for _, m := range info.Deps {
		if m.Path == "github.com/chaos-mesh/chaos-mesh/api" {
			if m.Replace != nil {
				m = m.Replace
			}
			b.ChaosMesh.Module = m.Version
		}
	}
	return b
}

// String is a table, of which the first line names the program and its version.
func (b build) String() string {
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	line := func(name string, values ...string) {
		fmt.Fprintf(table, "%s\t%s\n", name, strings.TrimSpace(strings.Join(values, " ")))
	}
	line("aftershock", b.Version)
	if b.Commit != "" {
		modified := ""
		if b.Modified {
			modified = "modified"
		}
		line("commit", b.Commit, b.Time, modified)
	}
	line("go", b.Go, b.Platform)
	line("chaos mesh", b.ChaosMesh.API, b.ChaosMesh.Module)
	line("configuration", b.Configuration)
	line("record", fmt.Sprintf("%s %d", b.Record.Format, b.Record.Version))
	line("results", fmt.Sprintf("%s %d", b.Results.Format, b.Results.Version))
	_ = table.Flush() // to a text
	return text.String()
}
