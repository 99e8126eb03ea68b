// The command slim writes modules without the parts that bin/aftershock does not use, for
// build.work to build from:
//
//	go run ./internal/slim bin/slim
//
// Client-go registers every kind of Kubernetes whenever it is imported, and reflection keeps
// all their code in the program. Controller-runtime is imported by the types of Chaos Mesh,
// as a whole, for a logger and the signatures of webhooks. Prometheus, which the demo runs,
// has the clients of two clouds, and asserts for its tests. What is written are links to the
// module cache, beside the few files that differ. These are made from the sources of the
// versions in go.mod: where those are no longer as expected, slim fails, or the compiler.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/aftershockhq/aftershock/internal/disk"
)

// groups are the API groups that the scheme of client-go keeps: those whose types a package
// of the program imports, which TestGroupsAreThoseOfTheProgram compares.
var groups = []string{
	"apps/v1",
	"authentication/v1",
	"authorization/v1",
	"autoscaling/v2",
	"batch/v1",
	"coordination/v1",
	"core/v1",
	"discovery/v1",
	"events/v1",
	"networking/v1",
	"policy/v1",
	"rbac/v1",
}

// modules are the files that differ, by module; nil: the file is left out.
var modules = map[string]map[string]edit{
	"github.com/prometheus/prometheus": {
		"storage/remote/azuread/azuread.go":     keepBare([]string{"AzureADConfig.UnmarshalYAML", "AzureADConfig.Validate"}, "AzureADConfig", "ManagedIdentityConfig", "OAuthConfig", "SDKConfig", "WorkloadIdentityConfig"),
		"storage/remote/googleiam/googleiam.go": keepOnly("Config"),
		"tsdb/testutil.go":                      nil,
		"tsdb/tsdbutil/dir_locker_testutil.go":  nil,
	},
	"k8s.io/client-go": {
		"kubernetes/scheme/register.go": registerOnly(groups),
	},
	"sigs.k8s.io/controller-runtime": {
		"alias.go":                                  keepOnly("Log"),
		"pkg/metrics/leaderelection.go":             nil, // counts elections, which the program does not hold
		"pkg/webhook/alias.go":                      keepOnly("CustomDefaulter", "CustomValidator"),
		"pkg/webhook/server.go":                     nil,
		"pkg/webhook/admission/defaulter_custom.go": keepOnly("CustomDefaulter", "Defaulter"),
		"pkg/webhook/admission/validator_custom.go": keepOnly("CustomValidator", "Validator", "Warnings"),
		"pkg/webhook/admission/decode.go":           nil,
		"pkg/webhook/admission/http.go":             nil,
		"pkg/webhook/admission/multi.go":            nil,
		"pkg/webhook/admission/response.go":         nil,
		"pkg/webhook/admission/webhook.go":          nil,
	},
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "slim:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return errors.New("want a directory: slim DIR")
	}
	found, err := sources()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(args[0], 0o755); err != nil {
		return err
	}
	turn, err := os.OpenFile(filepath.Join(args[0], ".lock"), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	defer func() { _ = turn.Close() }() // which unlocks it
	if err := disk.Lock(turn, syscall.LOCK_EX); err != nil {
		return err
	}
	for _, m := range found {
		if err := slim(m.Dir, filepath.Join(args[0], path.Base(m.Path)), modules[m.Path]); err != nil {
			return fmt.Errorf("%s %s: %w", m.Path, m.Version, err)
		}
	}
	return nil
}

// A module is what the go command says of one.
type module struct {
	Path, Version, Dir string
	Error              any
}

// sources are the modules as go.mod has them, downloaded where the module cache has none.
// Download alone would also ask for the archives that a cache of sources may lack.
func sources() ([]module, error) {
	names := slices.Sorted(maps.Keys(modules))
	found, err := ask(append([]string{"list", "-m", "-e", "-json", "-mod=readonly"}, names...)...)
	if err != nil {
		return nil, err
	}
	missing := slices.DeleteFunc(slices.Clone(found), func(m module) bool { return m.Dir != "" })
	if len(missing) == 0 {
		return found, nil
	}
	command := []string{"mod", "download", "-json"}
	for _, m := range missing {
		command = append(command, m.Path)
	}
	added, err := ask(command...)
	for _, m := range added {
		if m.Error != nil {
			return nil, fmt.Errorf("download %s: %v", m.Path, m.Error)
		}
	}
	there := slices.DeleteFunc(found, func(m module) bool { return m.Dir == "" })
	return append(there, added...), err
}

// ask is what a go command answers of modules.
func ask(args ...string) (list []module, err error) {
	var complaint bytes.Buffer
	command := exec.Command("go", args...)
	command.Env = append(os.Environ(), "GOWORK=off")
	command.Stderr = &complaint
	out, failed := command.Output()
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var m module
		switch err := decoder.Decode(&m); {
		case errors.Is(err, io.EOF) && failed != nil:
			return list, fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), failed, &complaint)
		case errors.Is(err, io.EOF):
			return list, nil
		case err != nil:
			return nil, fmt.Errorf("read the answer of go %s: %w", strings.Join(args, " "), err)
		}
		list = append(list, m)
	}
}

// slim makes a module from another one and the edits of its files. Another build may be
// reading it: what is there already stays untouched, and what changes does so at once.
func slim(from, to string, edits map[string]edit) error {
	left := map[string]bool{}
	for file := range edits {
		left[file] = true
	}
	if err := directory(from, to, ".", edits, left); err != nil {
		return err
	}
	for file := range left {
		return fmt.Errorf("there is no %s any more: mend internal/slim", file)
	}
	return nil
}

func directory(from, to, dir string, edits map[string]edit, left map[string]bool) error {
	at := filepath.Join(to, dir)
	if stat, err := os.Lstat(at); err == nil && !stat.IsDir() {
		if err := os.Remove(at); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(at, 0o755); err != nil {
		return err
	}
	entries, err := os.ReadDir(filepath.Join(from, dir))
	if err != nil {
		return err
	}
	stays := map[string]bool{}
	for _, entry := range entries {
		name := path.Join(dir, entry.Name())
		source, target := filepath.Join(from, name), filepath.Join(to, name)
		change, changed := edits[name]
		delete(left, name)
		switch {
		case changed && change == nil, strings.HasSuffix(name, "_test.go"):
			continue
		case changed:
			err = write(source, target, change)
		case entry.IsDir() && within(name, edits):
			err = directory(from, to, name, edits, left)
		default:
			err = link(source, target)
		}
		if err != nil {
			return err
		}
		stays[entry.Name()] = true
	}
	made, err := os.ReadDir(at)
	for _, entry := range made {
		if !stays[entry.Name()] {
			err = errors.Join(err, os.RemoveAll(filepath.Join(at, entry.Name())))
		}
	}
	return err
}

// within reports whether a file of a directory is edited.
func within(dir string, edits map[string]edit) bool {
	for file := range edits {
		if strings.HasPrefix(file, dir+"/") {
			return true
		}
	}
	return false
}

func link(source, target string) error {
	if was, err := os.Readlink(target); err == nil && was == source {
		return nil
	}
	if err := makeRoom(target); err != nil {
		return err
	}
	made := filepath.Join(filepath.Dir(target), ".link")
	if err := os.Remove(made); err != nil && !errors.Is(err, fs.ErrNotExist) { // of a build that was killed
		return err
	}
	if err := os.Symlink(source, made); err != nil {
		return err
	}
	return os.Rename(made, target)
}

// makeRoom removes a directory where a file or a link is to be, which replace all else.
func makeRoom(target string) error {
	if stat, err := os.Lstat(target); err == nil && stat.IsDir() {
		return os.RemoveAll(target)
	}
	return nil
}

func write(source, target string, change edit) error {
	text, err := os.ReadFile(source)
	if err != nil {
		return err
	}
	if text, err = change.apply(text); err != nil {
		return fmt.Errorf("%s: %w: mend internal/slim", source, err)
	}
	stat, err := os.Lstat(target)
	if err == nil && stat.Mode().IsRegular() {
		if was, err := os.ReadFile(target); err == nil && bytes.Equal(was, text) {
			return nil
		}
	}
	if err := makeRoom(target); err != nil {
		return err
	}
	return disk.WriteFile(target, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
}
