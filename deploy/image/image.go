package main

import (
	"archive/tar"
	"bytes"
	"cmp"
	"debug/buildinfo"
	"debug/elf"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// user owns the working directory: a number, because a kubelet that must not run root cannot
// tell what a name is.
const user = 65532

// Where things are in the image.
const (
	entrypoint = "/aftershock"
	workdir    = "/work" // for the file, and for runs: mount a volume here
	rootsFile  = "/etc/ssl/certs/ca-certificates.crt"
	sbomFile   = "/aftershock.cdx.json"
)

// An imageOf a program is what its archive holds.
type imageOf struct {
	image      v1.Image
	sbom       []byte
	components int
	unpacked   int64
}

// read makes the image of a static Linux program.
func read(path string) (*imageOf, error) {
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read program %s: %w", path, err)
	}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	if settings["GOOS"] != "linux" {
		return nil, fmt.Errorf("program %s is for %s: build it with GOOS=linux", path, settings["GOOS"])
	}
	program, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if err := static(program); err != nil {
		return nil, fmt.Errorf("program %s: %w", path, err)
	}
	sbom, components, err := bill(info)
	if err != nil {
		return nil, fmt.Errorf("make SBOM: %w", err)
	}
	made := &imageOf{sbom: sbom, components: components}
	if made.image, err = made.build(info, settings, program); err != nil {
		return nil, fmt.Errorf("make image: %w", err)
	}
	return made, nil
}

// static refuses a program that needs a file which the image has not.
func static(program []byte) error {
	file, err := elf.NewFile(bytes.NewReader(program))
	if err != nil {
		return err
	}
	for _, p := range file.Progs {
		if p.Type == elf.PT_INTERP {
			return errors.New("it is linked to libraries, of which the image has none: build it with CGO_ENABLED=0")
		}
	}
	return nil
}

func (m *imageOf) build(info *debug.BuildInfo, settings map[string]string, program []byte) (v1.Image, error) {
	// The instant of the commit, so that the same commit makes the same bytes.
	made, err := time.Parse(time.RFC3339, cmp.Or(settings["vcs.time"], time.Unix(0, 0).UTC().Format(time.RFC3339)))
	if err != nil {
		return nil, err
	}
	layers, err := m.layers(program)
	if err != nil {
		return nil, err
	}
	image, err := mutate.AppendLayers(mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON), layers...)
	if err != nil {
		return nil, err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Created = "linux", settings["GOARCH"], v1.Time{Time: made}
	labels := map[string]string{
		"org.opencontainers.image.title":    "aftershock",
		"org.opencontainers.image.licenses": "Apache-2.0",
		"org.opencontainers.image.version":  info.Main.Version,
	}
	if revision := settings["vcs.revision"]; revision != "" {
		labels["org.opencontainers.image.revision"] = revision
	}
	config.Config = v1.Config{
		Entrypoint: []string{entrypoint}, WorkingDir: workdir, User: fmt.Sprintf("%d:%d", user, user), Labels: labels,
		Env: []string{"PATH=/", "HOME=" + workdir},
	}
	return mutate.ConfigFile(image, config)
}

// layers are one of what seldom changes, and one of the program.
func (m *imageOf) layers(program []byte) ([]v1.Layer, error) {
	account := fmt.Sprintf("aftershock:x:%d:%d::%s:/none\n", user, user, workdir)
	system, err := m.layer(
		entry{name: "/etc/passwd", data: []byte(account), mode: 0o644},
		entry{name: rootsFile, data: roots(), mode: 0o644},
		entry{name: "/tmp", mode: fs.ModeDir | 0o1777},
		entry{name: workdir, mode: fs.ModeDir | 0o755, user: user},
	)
	if err != nil {
		return nil, err
	}
	own, err := m.layer(entry{name: entrypoint, data: program, mode: 0o755}, entry{name: sbomFile, data: m.sbom, mode: 0o644})
	return []v1.Layer{system, own}, err
}

// An entry is a file or an empty directory of the image.
type entry struct {
	name string
	data []byte
	mode fs.FileMode
	user int
}

func (m *imageOf) layer(entries ...entry) (v1.Layer, error) {
	var files bytes.Buffer
	w := tar.NewWriter(&files)
	for _, e := range entries {
		header := &tar.Header{
			Name: e.name[1:], Mode: int64(e.mode & 0o7777), Size: int64(len(e.data)), Uid: e.user, Gid: e.user,
			ModTime: time.Unix(0, 0), Typeflag: tar.TypeReg, Format: tar.FormatPAX,
		}
		if e.mode.IsDir() {
			header.Name, header.Typeflag = header.Name+"/", tar.TypeDir
		}
		if err := w.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := w.Write(e.data); err != nil {
			return nil, err
		}
		m.unpacked += int64(len(e.data))
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(files.Bytes())), nil
	}, tarball.WithMediaType(types.OCILayer))
}

// roots are Mozilla's certificates as go.mod pins them, not this machine's. One that Mozilla
// trusts under a constraint is left out: the file cannot say so, and Go would trust it for all.
func roots() []byte {
	var file bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			_ = pem.Encode(&file, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}) // to memory
		}
	}
	return file.Bytes()
}

// write makes the archive: an OCI image layout as a tar file, whose members are in the order of
// their names and have no times.
func (m *imageOf) write(archive, reference string) error {
	tag, err := name.NewTag(reference)
	if err != nil {
		return err
	}
	full := strings.TrimPrefix(tag.Name(), "index.") // containerd says docker.io
	dir, err := os.MkdirTemp("", "image-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	to, err := layout.Write(dir, empty.Index)
	if err != nil {
		return err
	}
	if err := to.AppendImage(m.image, layout.WithAnnotations(map[string]string{
		"io.containerd.image.name":          full, // of ctr and docker load
		"org.opencontainers.image.ref.name": tag.TagStr(),
	})); err != nil {
		return err
	}
	var files bytes.Buffer
	w := tar.NewWriter(&files)
	err = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if err := w.WriteHeader(&tar.Header{Name: filepath.ToSlash(relative), Mode: 0o644, Size: int64(len(data)), ModTime: time.Unix(0, 0)}); err != nil {
			return err
		}
		_, err = w.Write(data)
		return err
	})
	if err := errors.Join(err, w.Close()); err != nil {
		return err
	}
	return os.WriteFile(archive, files.Bytes(), 0o644)
}
