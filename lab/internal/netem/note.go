package netem

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// note is what is known of a device between two commands.
type note struct {
	Tree  Tree   `json:"tree"`
	PID   int    `json:"pid"`   // of the process that holds packets; 0 is none
	Began string `json:"began"` // when that process began, as the kernel counts: a number may be given again
	Queue uint16 `json:"queue"`
	Name  string `json:"name"`
}

// path is the device's note: its namespace is part of the name.
func (d Device) path() (string, error) {
	var namespace unix.Stat_t
	if err := unix.Stat("/proc/thread-self/ns/net", &namespace); err != nil {
		return "", fmt.Errorf("identify this network namespace: %w", err)
	}
	return filepath.Join(d.Folder, fmt.Sprintf("%d-%s.json", namespace.Ino, d.Name)), nil
}

func (d Device) lock() (unlock func(), err error) {
	path, err := d.path()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(d.Folder, 0o755); err != nil {
		return nil, fmt.Errorf("make folder: %w", err)
	}
	file, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open lock: %w", err)
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", d.Name, err), file.Close())
	}
	return func() { _ = file.Close() }, nil
}

// read reads the device's note; one that is not there is an empty one.
func (d Device) read() (note, error) {
	path, err := d.path()
	if err != nil {
		return note{}, err
	}
	content, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return note{}, nil
	}
	if err != nil {
		return note{}, fmt.Errorf("read note: %w", err)
	}
	var n note
	if err := json.Unmarshal(content, &n); err != nil {
		return note{}, fmt.Errorf("read note %s: %w", path, err)
	}
	return n, nil
}

func (d Device) write(n note) error {
	path, err := d.path()
	if err != nil {
		return err
	}
	content, err := json.Marshal(n)
	if err != nil {
		return fmt.Errorf("encode note: %w", err)
	}
	if err := errors.Join(os.WriteFile(path+".new", content, 0o644), os.Rename(path+".new", path)); err != nil {
		return fmt.Errorf("write note: %w", err)
	}
	return nil
}
