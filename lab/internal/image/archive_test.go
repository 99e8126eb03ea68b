package image

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	binary, archive := filepath.Join(dir, "program"), filepath.Join(dir, "images", "a.tar")
	if err := os.WriteFile(binary, []byte("\x7fELF"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := Write(archive, "docker.io/shop/checkout:lab", binary, "/checkout", "amd64"); err != nil {
		t.Fatal(err)
	}
	tag, _ := name.NewTag("docker.io/shop/checkout:lab")
	image, err := tarball.ImageFromPath(archive, &tag)
	if err != nil {
		t.Fatalf("the archive does not hold the image: %v", err)
	}
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if config.OS != "linux" || config.Architecture != "amd64" || len(config.Config.Entrypoint) != 1 || config.Config.Entrypoint[0] != "/checkout" {
		t.Errorf("config is %+v", config)
	}
	first, _ := image.Digest()

	again := filepath.Join(dir, "b.tar")
	if err := Write(again, "docker.io/shop/checkout:lab", binary, "/checkout", "amd64"); err != nil {
		t.Fatal(err)
	}
	image, err = tarball.ImageFromPath(again, &tag)
	if err != nil {
		t.Fatal(err)
	}
	if second, _ := image.Digest(); first != second {
		t.Errorf("equal programs made two images: %s and %s", first, second)
	}
	if err := Write(archive, "not a name", binary, "/checkout", "amd64"); err == nil {
		t.Error("an image name with spaces was accepted")
	}
	if err := Write(archive, "shop/checkout:lab", filepath.Join(dir, "none"), "/checkout", "amd64"); err == nil {
		t.Error("a missing program was accepted")
	}
}
