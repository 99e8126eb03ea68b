package netem

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
)

// Device is a network device in this process's network namespace, whose leaving packets can be held.
type Device struct {
	Folder string // where it is noted what is done to which device; shared by all namespaces of a machine
	Name   string // as "eth0"
	// Command starts a process that calls Serve with the path that is added to it. It must run in this network namespace.
	Command []string
}

// Tree is what is done to the device's packets now.
func (d Device) Tree() (Tree, error) {
	n, err := d.read()
	return n.Tree, err
}

// Set makes a tree what is done to the device's packets; the empty one ends it, and lets go what is held.
func (d Device) Set(ctx context.Context, t Tree) error {
	unlock, err := d.lock()
	if err != nil {
		return err
	}
	defer unlock()
	n, err := d.read()
	if err != nil {
		return err
	}
	if !holds(t) && n.Queue != 0 { // before the queue is no longer served, so that nothing gets lost in it
		if err := d.rule(ctx, n.Queue, false); err != nil {
			return err
		}
	}
	if err := d.end(ctx, n); err != nil {
		return err
	}
	n.Tree, n.PID, n.Began = t, 0, ""
	if !holds(t) {
		return d.rest(n)
	}
	device, err := net.InterfaceByName(d.Name)
	if err != nil {
		return fmt.Errorf("look up device %s: %w", d.Name, err)
	}
	n.Name, n.Queue = d.Name, uint16(7700+device.Index)
	if err := d.write(n); err != nil {
		return err
	}
	if n.PID, err = d.begin(); err != nil {
		return errors.Join(err, d.rule(ctx, n.Queue, false), d.rest(note{}))
	}
	if n.Began, err = began(n.PID); err == nil {
		err = errors.Join(d.write(n), d.rule(ctx, n.Queue, true))
	}
	if err != nil {
		return errors.Join(err, d.rule(ctx, n.Queue, false), d.end(ctx, n), d.rest(note{}))
	}
	return nil
}

// holds says whether there is a netem in the tree: without, nothing needs to be held.
func holds(t Tree) bool {
	for _, q := range t.Qdiscs {
		if q.Kind == "netem" {
			return true
		}
	}
	return false
}

// rest notes that nothing of the device is held, and the tree only if there is one.
func (d Device) rest(n note) error {
	if len(n.Tree.Qdiscs) > 0 {
		n.Queue = 0
		return d.write(n)
	}
	path, err := d.path()
	if err != nil {
		return err
	}
	for _, file := range []string{path, path + ".log"} {
		if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("remove note: %w", err)
		}
	}
	return nil
}
