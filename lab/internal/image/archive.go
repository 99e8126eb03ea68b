// Package image makes container images out of Go binaries: no registry, no daemon, no base image.
//
//	err := image.Write("checkout.tar", "docker.io/shop/checkout:lab", "/path/to/checkout", "/checkout")
//
// The archive is what "ctr images import" reads.
package image

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// Write makes an archive of an image whose only file is a static binary. Equal binaries make equal images.
func Write(archive, reference, binary, entrypoint, architecture string) error {
	tag, err := name.NewTag(reference)
	if err != nil {
		return fmt.Errorf("image name %q: %w", reference, err)
	}
	program, err := os.ReadFile(binary)
	if err != nil {
		return fmt.Errorf("read program of image %s: %w", reference, err)
	}
	image, err := build(program, entrypoint, architecture)
	if err != nil {
		return fmt.Errorf("make image %s: %w", reference, err)
	}
	if err := os.MkdirAll(filepath.Dir(archive), 0o755); err != nil {
		return fmt.Errorf("make image folder: %w", err)
	}
	if err := tarball.WriteToFile(archive, tag, image); err != nil {
		return fmt.Errorf("write image %s: %w", reference, err)
	}
	return nil
}

func build(program []byte, entrypoint, architecture string) (v1.Image, error) {
	var files bytes.Buffer
	w := tar.NewWriter(&files)
	header := &tar.Header{
		Name: strings.TrimPrefix(entrypoint, "/"), Mode: 0o755, Size: int64(len(program)), ModTime: time.Unix(0, 0),
	}
	if err := w.WriteHeader(header); err != nil {
		return nil, err
	}
	if _, err := w.Write(program); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(files.Bytes())), nil
	}, tarball.WithCompressionLevel(1)) // the archive lives for seconds, on this machine
	if err != nil {
		return nil, err
	}
	image, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		return nil, err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", architecture
	config.Config.Entrypoint = []string{entrypoint}
	return mutate.ConfigFile(image, config)
}
