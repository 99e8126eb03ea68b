package build

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Key is a hash of all that goes into a product, and of nothing else: its recipe, the sources it has in the module it is built
// in, and the versions and sums of the other modules that it has packages of. The folder is that of the module.
//
// Which those are only Go can tell, and that takes seconds. So the answer is noted in the folder notes under a stamp, a hash
// of all files that it could depend on: as long as none of them has changed, no Go tool runs.
func (p Product) Key(ctx context.Context, module, notes string) (string, error) {
	stamp, err := p.stamp(module)
	if err != nil {
		return "", fmt.Errorf("key of %s: %w", p.Name, err)
	}
	note := filepath.Join(notes, p.Name+"-"+stamp)
	if key, err := os.ReadFile(note); err == nil && len(key) == len(stamp) {
		return string(key), nil
	}
	key, err := p.key(ctx, module)
	if err != nil {
		return "", fmt.Errorf("key of %s: %w", p.Name, err)
	}
	if err := p.note(notes, note, key); err != nil {
		return "", fmt.Errorf("note the key of %s: %w", p.Name, err)
	}
	return key, nil
}

// stamp changes whenever the key could.
func (p Product) stamp(module string) (string, error) {
	h := p.recipe()
	files := []string{"go.mod", "go.sum"}
	if p.Package != "" {
		err := filepath.WalkDir(module, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			name, err := filepath.Rel(module, path)
			files = append(files, name)
			return err
		})
		if err != nil {
			return "", err
		}
	}
	for _, name := range files {
		if err := add(h, name, filepath.Join(module, name)); err != nil {
			return "", err
		}
	}
	return short(h), nil
}

func (p Product) recipe() hash.Hash {
	h := sha256.New()
	for _, word := range append([]string{p.Package, p.Env}, p.Recipe...) {
		fmt.Fprintf(h, "%q\n", word)
	}
	return h
}

func short(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil))[:12] }

// listed is a package as go list tells of it.
type listed struct {
	Dir        string
	Standard   bool
	GoFiles    []string
	CgoFiles   []string
	EmbedFiles []string
	Module     *origin
}

// origin is a module as go list tells of it.
type origin struct {
	Path, Version string
	Main          bool
	Replace       *origin
}

// key asks Go what the product is made of.
func (p Product) key(ctx context.Context, module string) (string, error) {
	h := p.recipe()
	if p.Package == "" {
		for _, name := range []string{"go.mod", "go.sum"} {
			if err := add(h, name, filepath.Join(module, name)); err != nil {
				return "", err
			}
		}
		return short(h), nil
	}
	packages, err := p.list(ctx, module)
	if err != nil {
		return "", err
	}
	sums, err := os.ReadFile(filepath.Join(module, "go.sum"))
	if err != nil {
		return "", err
	}
	var modules, files []string
	for _, l := range packages {
		switch {
		case l.Standard || l.Module == nil: // of the Go version, which is in the recipe
		case l.Module.Main:
			for _, name := range slices.Concat(l.GoFiles, l.CgoFiles, l.EmbedFiles) {
				files = append(files, filepath.Join(l.Dir, name))
			}
		default:
			from := l.Module
			if from.Replace != nil {
				from = from.Replace
			}
			modules = append(modules, l.Module.Path+" is "+from.Path+" "+from.Version+" "+sum(string(sums), from))
		}
	}
	slices.Sort(modules)
	for _, line := range slices.Compact(modules) {
		fmt.Fprintf(h, "%q\n", line)
	}
	slices.Sort(files)
	for _, file := range files {
		name, err := filepath.Rel(module, file)
		if err != nil {
			return "", err
		}
		if err := add(h, name, file); err != nil {
			return "", err
		}
	}
	return short(h), nil
}

func (p Product) list(ctx context.Context, module string) ([]listed, error) {
	cmd := exec.CommandContext(ctx, "go", "list", "-deps", "-json=Dir,Standard,GoFiles,CgoFiles,EmbedFiles,Module", p.Package)
	cmd.Dir = module
	cmd.Env = append(os.Environ(), p.Env)
	out, err := cmd.Output()
	if err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			err = fmt.Errorf("%w: %s", err, strings.TrimSpace(string(exit.Stderr)))
		}
		return nil, fmt.Errorf("go list %s: %w", p.Package, err)
	}
	var packages []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var l listed
		err := d.Decode(&l)
		if errors.Is(err, io.EOF) {
			return packages, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read the answer of go list: %w", err)
		}
		packages = append(packages, l)
	}
}

// sum is the line of go.sum for the content of a module.
func sum(sums string, m *origin) string {
	prefix := m.Path + " " + m.Version + " "
	for line := range strings.Lines(sums) {
		if rest, ok := strings.CutPrefix(line, prefix); ok {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}

// note writes the key down, in the place of what was noted for the product's files as they were before.
func (p Product) note(folder, file, key string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	old, err := filepath.Glob(filepath.Join(folder, p.Name+"-????????????"))
	if err != nil {
		return err
	}
	temporary, err := os.CreateTemp(folder, ".new-")
	if err != nil {
		return err
	}
	_, err = temporary.WriteString(key)
	if err := errors.Join(err, temporary.Close(), os.Rename(temporary.Name(), file)); err != nil {
		return err
	}
	for _, path := range old {
		if path != file {
			_ = os.Remove(path)
		}
	}
	return nil
}

// add adds a file under its name, with its length before it, so that no two sets of files look the same.
func add(h io.Writer, name, file string) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	fmt.Fprintf(h, "%q %d\n", name, len(content))
	_, err = h.Write(content)
	return err
}
