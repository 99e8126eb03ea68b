// Package debian installs the Debian packages that the lab runs on, when they are missing.
package debian

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// packages names, for each package, a file that is there once it is installed.
var packages = []struct{ name, file string }{
	{"containerd", "/usr/bin/containerd"},
	{"runc", "/usr/sbin/runc"},
	{"containernetworking-plugins", "/usr/lib/cni/bridge"},
	{"iptables", "/usr/sbin/iptables"},
	{"iproute2", "/usr/sbin/ip"},
	{"conntrack", "/usr/sbin/conntrack"},
	{"prometheus", "/usr/bin/prometheus"},
	{"util-linux", "/usr/bin/unshare"},
	{"ipset", "/usr/sbin/ipset"},        // chaos-daemon's, for the targets of a fault of the network
	{"stress-ng", "/usr/bin/stress-ng"}, // chaos-daemon's
	{"gcc", "/usr/bin/gcc"},             // to build chaos-daemon
	{"libc6-dev", "/usr/include/stdio.h"},
}

// Missing are the packages that are not installed.
func Missing() []string {
	var names []string
	for _, p := range packages {
		if _, err := os.Stat(p.file); err != nil {
			names = append(names, p.name)
		}
	}
	return names
}

// Install installs packages, with a fresh list of what there is only if the old one does not do.
func Install(ctx context.Context, names []string, out io.Writer) error {
	if _, err := exec.LookPath("apt-get"); err != nil {
		return fmt.Errorf("missing on this machine: %s; they are Debian's packages, and there is no apt-get to install them: %w",
			strings.Join(names, ", "), err)
	}
	allow, err := startNothing()
	if err != nil {
		return err
	}
	defer allow()
	install := append([]string{"install", "--yes", "--no-install-recommends"}, names...)
	if err := apt(ctx, out, install...); err == nil {
		return nil
	}
	if err := apt(ctx, out, "update"); err != nil {
		return err
	}
	return apt(ctx, out, install...)
}

func apt(ctx context.Context, out io.Writer, args ...string) error {
	cmd := exec.CommandContext(ctx, "apt-get", args...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("apt-get %s: %w", strings.Join(args, " "), err)
	}
	return nil
}

// startNothing keeps containerd's and Prometheus's packages from starting services on the host, by Debian's own means. It
// returns the way back.
func startNothing() (func(), error) {
	const policy = "/usr/sbin/policy-rc.d"
	file, err := os.OpenFile(policy, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if errors.Is(err, os.ErrExist) {
		return func() {}, nil // the machine has a policy of its own
	}
	if err != nil {
		return nil, fmt.Errorf("keep services from being started: %w", err)
	}
	_, err = file.WriteString("#!/bin/sh\nexit 101\n")
	if err := errors.Join(err, file.Close()); err != nil {
		return nil, fmt.Errorf("keep services from being started: %w", err)
	}
	return func() { _ = os.Remove(policy) }, nil
}
