package main

import (
	"archive/tar"
	"bytes"
	"crypto/x509"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	cdx "github.com/CycloneDX/cyclonedx-go"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
)

// thisProgram is a program of Go with dependencies: these tests.
func thisProgram(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// unpacked is what another program makes of an archive: its only image.
func unpacked(t *testing.T, archive string) (v1.Image, map[string]string) {
	t.Helper()
	file, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	dir := t.TempDir()
	for r := tar.NewReader(file); ; {
		header, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, header.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil || len(manifest.Manifests) != 1 {
		t.Fatalf("%d images in the index: %v", len(manifest.Manifests), err)
	}
	image, err := index.Image(manifest.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	return image, manifest.Manifests[0].Annotations
}

// filesOf are the headers and contents of an image's files, by name.
func filesOf(t *testing.T, image v1.Image) (map[string]*tar.Header, map[string][]byte) {
	t.Helper()
	headers, contents := map[string]*tar.Header{}, map[string][]byte{}
	layers, err := image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	for _, layer := range layers {
		content, err := layer.Uncompressed()
		if err != nil {
			t.Fatal(err)
		}
		for r := tar.NewReader(content); ; {
			header, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			headers["/"+header.Name] = header
			if contents["/"+header.Name], err = io.ReadAll(r); err != nil {
				t.Fatal(err)
			}
		}
	}
	return headers, contents
}

func TestAnImageRunsWithoutRootOrAnyOtherFile(t *testing.T) {
	archive := filepath.Join(t.TempDir(), "image.tar")
	var out strings.Builder
	if err := run([]string{"--name", "shop/aftershock:1", thisProgram(t), archive}, &out); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "digest  sha256:") || !strings.Contains(out.String(), " MB unpacked") {
		t.Errorf("it prints\n%s", out.String())
	}
	image, annotations := unpacked(t, archive)
	if annotations["io.containerd.image.name"] != "docker.io/shop/aftershock:1" || annotations["org.opencontainers.image.ref.name"] != "1" {
		t.Errorf("it is loaded as %v", annotations)
	}
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if config.OS != "linux" || config.Architecture == "" || config.Config.User != "65532:65532" || config.Config.WorkingDir != "/work" || !slices.Equal(config.Config.Entrypoint, []string{"/aftershock"}) {
		t.Errorf("config is %+v", config)
	}
	headers, contents := filesOf(t, image)
	program, err := os.ReadFile(thisProgram(t))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(contents["/aftershock"], program) || headers["/aftershock"].Mode != 0o755 || headers["/aftershock"].Uid != 0 {
		t.Errorf("the program is %+v", headers["/aftershock"])
	}
	if w := headers["/work/"]; w == nil || w.Uid != 65532 || w.Gid != 65532 || w.Mode != 0o755 {
		t.Errorf("the working directory is %+v", w)
	}
	if w := headers["/tmp/"]; w == nil || w.Mode != 0o1777 {
		t.Errorf("the directory for temporary files is %+v", w)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(contents["/etc/ssl/certs/ca-certificates.crt"]) || bytes.Count(contents["/etc/ssl/certs/ca-certificates.crt"], []byte("BEGIN")) < 100 {
		t.Error("there are no certificates of authorities")
	}
	beside, err := os.ReadFile(archive + ".cdx.json")
	if err != nil || !bytes.Equal(beside, contents["/aftershock.cdx.json"]) {
		t.Errorf("the SBOM in the image is another than that beside it: %v", err)
	}
}

func TestTheSBOMHasEachModule(t *testing.T) {
	made, err := read(thisProgram(t))
	if err != nil {
		t.Fatal(err)
	}
	var bom cdx.BOM
	if err := cdx.NewBOMDecoder(bytes.NewReader(made.sbom), cdx.BOMFileFormatJSON).Decode(&bom); err != nil {
		t.Fatal(err)
	}
	found := map[string]cdx.Component{}
	for _, c := range *bom.Components {
		found[c.Name] = c
	}
	if len(found) != made.components {
		t.Errorf("%d names of %d components", len(found), made.components)
	}
	for _, name := range []string{"std", "github.com/google/go-containerregistry", "github.com/CycloneDX/cyclonedx-go", "golang.org/x/crypto/x509roots/fallback"} {
		c, ok := found[name]
		if !ok || c.Version == "" || !strings.HasPrefix(c.PackageURL, "pkg:golang/") || !strings.Contains(c.PackageURL, "@"+c.Version) {
			t.Errorf("%s is %+v", name, c)
		}
		if name != "std" && (c.Hashes == nil || len((*c.Hashes)[0].Value) != 64) {
			t.Errorf("%s has no hash", name)
		}
	}
}

func TestAModuleInTheSBOMIsTheOneThatWasCompiled(t *testing.T) {
	const sum = "h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	module := debug.Module{Path: "example.com/a/b", Version: "v1.0.0", Sum: sum}
	fork, directory, part := module, module, debug.Module{Path: "example.com/a/b", Version: "v1.0.0"}
	fork.Replace = &debug.Module{Path: "example.com/fork/b", Version: "v1.0.1", Sum: sum}
	directory.Replace = &debug.Module{Path: "./internal/b", Version: "(devel)"}
	part.Replace = &debug.Module{Path: "./bin/slim/b", Version: "(devel)"}
	for _, row := range []struct {
		module          debug.Module
		purl, described string
		hashed          bool
	}{
		{module, "pkg:golang/example.com/a/b@v1.0.0", "", true},
		{fork, "pkg:golang/example.com/fork/b@v1.0.1", "in place of example.com/a/b v1.0.0", true},
		{directory, "pkg:golang/example.com/a/b", "in place of example.com/a/b v1.0.0: ./internal/b", false},
		{part, "pkg:golang/example.com/a/b@v1.0.0", "without packages and files that the program does not use", false},
	} {
		c := component(row.module, cdx.ComponentTypeLibrary)
		if c.PackageURL != row.purl || c.Description != row.described || (c.Hashes != nil) != row.hashed {
			t.Errorf("%+v is %+v, want %s, %q", row.module, c, row.purl, row.described)
		}
	}
}

func TestEqualProgramsMakeEqualArchives(t *testing.T) {
	var archives [2][]byte
	for i := range archives {
		path := filepath.Join(t.TempDir(), "image.tar")
		if err := run([]string{thisProgram(t), path}, io.Discard); err != nil {
			t.Fatal(err)
		}
		var err error
		if archives[i], err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(archives[0], archives[1]) {
		t.Error("two archives of one program differ")
	}
}

func TestWhatIsNoImageIsRefused(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte("no program"), 0o755); err != nil {
		t.Fatal(err)
	}
	// The segment of notes becomes one that names a linker.
	program, err := os.ReadFile(thisProgram(t))
	if err != nil {
		t.Fatal(err)
	}
	segments, size, n := binary.LittleEndian.Uint64(program[32:]), uint64(binary.LittleEndian.Uint16(program[54:])), uint64(binary.LittleEndian.Uint16(program[56:]))
	for i := range n {
		if at := segments + i*size; program[at] == 4 {
			program[at] = 3
		}
	}
	linked := filepath.Join(dir, "linked")
	if err := os.WriteFile(linked, program, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		args []string
		want string
	}{
		{[]string{text, filepath.Join(dir, "a.tar")}, "read program"},
		{[]string{linked, filepath.Join(dir, "a.tar")}, "build it with CGO_ENABLED=0"},
		{[]string{"--name", "no name", thisProgram(t), filepath.Join(dir, "a.tar")}, "write image no name"},
		{[]string{thisProgram(t)}, "want a program and an archive"},
	} {
		if err := run(row.args, io.Discard); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("image %q: %v, want %q", row.args, err, row.want)
		}
	}
}
