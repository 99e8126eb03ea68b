package host

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Snapshot lists what the lab could have left on the host, in a form that is the same whenever the host is: processes,
// mounts, links, addresses, routes, rules, network namespaces, packet filter rules, cgroups and the kernel settings that
// Kubernetes likes to change. Compare two with diff.
func Snapshot(ctx context.Context, w io.Writer) error {
	out := bufio.NewWriter(w)
	for _, part := range []struct {
		name string
		list func() []string
	}{
		{"processes", processes},
		{"mounts", mounts},
		{"links", listing(ctx, "ip", "-brief", "link")},
		{"addresses", listing(ctx, "ip", "-brief", "address")},
		{"routes", listing(ctx, "ip", "route", "show", "table", "all")},
		{"routes6", listing(ctx, "ip", "-6", "route", "show", "table", "all")},
		{"rules", listing(ctx, "ip", "rule")},
		{"netns", listing(ctx, "ip", "netns")},
		{"iptables-legacy", listing(ctx, "iptables-legacy-save")},
		{"ip6tables-legacy", listing(ctx, "ip6tables-legacy-save")},
		{"iptables-nft", listing(ctx, "iptables-nft-save")},
		{"ip6tables-nft", listing(ctx, "ip6tables-nft-save")},
		{"cgroups", cgroupFolders},
		{"settings", settings},
	} {
		for _, line := range part.list() {
			fmt.Fprintf(out, "%s: %s\n", part.name, line)
		}
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write snapshot: %w", err)
	}
	return nil
}

// listing is the normalised output of a command; what it says when it fails is part of the picture.
func listing(ctx context.Context, name string, args ...string) func() []string {
	return func() []string {
		out, err := exec.CommandContext(ctx, name, args...).Output()
		lines := Normalise(out)
		if err != nil {
			lines = append(lines, "error: "+err.Error())
		}
		return lines
	}
}

var (
	counters = regexp.MustCompile(`\[\d+:\d+\]`)
	expiry   = regexp.MustCompile(` expires \d+sec`)
	ifindex  = regexp.MustCompile(`@if\d+`)
)

// Normalise takes out of a listing what differs from one moment to the next: comments with times, counters, expiry times,
// and the order.
func Normalise(listing []byte) []string {
	var lines []string
	scanner := bufio.NewScanner(bytes.NewReader(listing))
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		line := scanner.Text()
		if strings.HasPrefix(line, "#") || strings.TrimSpace(line) == "" {
			continue
		}
		line = counters.ReplaceAllString(line, "[]")
		line = expiry.ReplaceAllString(line, "")
		line = ifindex.ReplaceAllString(line, "")
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	slices.Sort(lines)
	return lines
}

// processes are the command lines of all processes but this one, its ancestors and the kernel's.
func processes() []string {
	own := map[string]bool{}
	for pid := fmt.Sprint(os.Getpid()); pid != "" && pid != "0"; pid = parent(pid) {
		own[pid] = true
	}
	found, _ := filepath.Glob("/proc/[0-9]*")
	var lines []string
	for _, p := range found {
		command, err := os.ReadFile(filepath.Join(p, "cmdline"))
		if err != nil || len(command) == 0 || own[filepath.Base(p)] {
			continue
		}
		lines = append(lines, strings.TrimSpace(string(bytes.ReplaceAll(command, []byte{0}, []byte{' '}))))
	}
	return Normalise([]byte(strings.Join(lines, "\n")))
}

func parent(pid string) string {
	stat, err := os.ReadFile(filepath.Join("/proc", pid, "stat"))
	if err != nil {
		return ""
	}
	_, after, _ := bytes.Cut(stat, []byte(") ")) // the name before may hold anything
	fields := strings.Fields(string(after))
	if len(fields) < 2 {
		return ""
	}
	return fields[1]
}

// mounts are the host's mounts without their numbers.
func mounts() []string {
	content, err := os.ReadFile("/proc/mounts")
	if err != nil {
		return []string{"error: " + err.Error()}
	}
	return Normalise(content)
}

func cgroupFolders() []string {
	var lines []string
	_ = filepath.WalkDir("/sys/fs/cgroup", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			lines = append(lines, path)
		}
		return nil
	})
	slices.Sort(lines)
	return lines
}

func settings() []string {
	var lines []string
	for _, pattern := range []string{
		"kernel/panic*", "kernel/keys/*", "kernel/hostname", "vm/overcommit_memory",
		"net/ipv4/ip_forward", "net/ipv4/conf/*/route_localnet", "net/ipv4/conf/*/rp_filter", "net/ipv6/conf/all/forwarding",
		"net/bridge/*", "net/netfilter/nf_conntrack_max", "net/netfilter/nf_conntrack_*timeout*",
	} {
		found, _ := filepath.Glob("/proc/sys/" + pattern)
		for _, file := range found {
			if value, err := os.ReadFile(file); err == nil {
				lines = append(lines, strings.TrimPrefix(file, "/proc/sys/")+" = "+strings.TrimSpace(string(value)))
			}
		}
	}
	slices.Sort(lines)
	return lines
}
