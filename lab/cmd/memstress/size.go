package main

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/docker/go-units"
	"golang.org/x/sys/unix"

	"github.com/aftershockhq/aftershock/lab/internal/cgroup"
)

// parseSize reads a size; a percentage is of what whole returns.
func parseSize(text string, whole func() (uint64, error)) (uint64, error) {
	if text == "" {
		return 0, errors.New("--size is missing: say how much memory, as 64MB, 64MiB or 50%")
	}
	if number, ok := strings.CutSuffix(text, "%"); ok {
		share, err := strconv.ParseFloat(number, 64)
		if err != nil || share <= 0 || share > 100 {
			return 0, fmt.Errorf("--size %q is not a percentage above 0 and up to 100", text)
		}
		all, err := whole()
		return uint64(float64(all) * share / 100), err
	}
	parse := units.FromHumanSize // powers of ten
	if strings.Contains(strings.ToLower(text), "ib") {
		parse = units.RAMInBytes
	}
	size, err := parse(text)
	if err != nil || size <= 0 {
		return 0, fmt.Errorf("--size %q is not an amount of memory: want one such as 64MB, 64MiB or 50%%", text)
	}
	return uint64(size), nil
}

// allowed is how much memory this process may have: its cgroup's limit, or the machine's memory if that is less.
func allowed() (uint64, error) {
	var machine unix.Sysinfo_t
	if err := unix.Sysinfo(&machine); err != nil {
		return 0, fmt.Errorf("ask for the machine's memory: %w", err)
	}
	least := machine.Totalram * uint64(machine.Unit)
	trees, err := cgroup.Mounted()
	if err != nil {
		return 0, fmt.Errorf("find the limit of memory: %w", err)
	}
	for _, dir := range trees.Own().Dirs() {
		for _, name := range []string{"memory.max", "memory.limit_in_bytes"} {
			least = min(least, limit(filepath.Join(dir, name)))
		}
	}
	return least, nil
}

// limit is what a file of a cgroup says; a file that is not there, or says "max", limits nothing.
func limit(file string) uint64 {
	content, err := os.ReadFile(file)
	if err != nil {
		return math.MaxUint64
	}
	bytes, err := strconv.ParseUint(strings.TrimSpace(string(content)), 10, 64)
	if err != nil {
		return math.MaxUint64
	}
	return bytes
}
