// The command image makes an OCI archive of aftershock: no daemon, no registry, no base image.
//
//	go run ./image --name docker.io/aftershock/aftershock:dev ../bin/aftershock ../bin/aftershock.oci.tar
//
// It writes the SBOM beside the archive. Equal programs make archives of equal bytes.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

func run(args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("image", flag.ContinueOnError)
	name := flags.String("name", "docker.io/aftershock/aftershock:dev", "the image's name and tag, with which the archive is loaded")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 2 {
		return errors.New("want a program and an archive: image [--name NAME:TAG] PROGRAM ARCHIVE")
	}
	made, err := read(flags.Arg(0))
	if err != nil {
		return err
	}
	archive := flags.Arg(1)
	if err := made.write(archive, *name); err != nil {
		return fmt.Errorf("write image %s: %w", *name, err)
	}
	if err := os.WriteFile(archive+".cdx.json", made.sbom, 0o644); err != nil {
		return fmt.Errorf("write SBOM: %w", err)
	}
	stat, err := os.Stat(archive)
	if err != nil {
		return err
	}
	digest, err := made.image.Digest()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "%s\n  name    %s\n  digest  %s\n  size    %.1f MB, %.1f MB unpacked\n  SBOM    %s, %d components\n",
		archive, *name, digest, float64(stat.Size())/1e6, float64(made.unpacked)/1e6, archive+".cdx.json", made.components)
	return err
}
