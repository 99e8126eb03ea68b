package runs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// reserved is how much of the disk is kept free for the end of a record and for its
// reports: what an undoing of minutes writes at a thousand requests a second.
const reserved = 2 << 20

// A reserve writes a file. When the disk is full it gives back the room that it has
// kept, writes on, and returns the error all the same, once: the run is to end, and
// its record says why.
type reserve struct {
	*os.File
	room *os.File // nil: it was given back
}

// newReserve keeps room on the file's disk. The room has no name, so that a killed
// run gives it back too.
func newReserve(file *os.File) (*reserve, error) {
	room, err := os.CreateTemp(filepath.Dir(file.Name()), ".reserve-*")
	if err == nil {
		_, err = room.Write(make([]byte, reserved))
		err = errors.Join(err, os.Remove(room.Name()))
	}
	if err != nil {
		if room != nil {
			_ = room.Close()
		}
		return nil, fmt.Errorf("keep %d MB of the disk for the end of the record: %w", reserved>>20, err)
	}
	return &reserve{file, room}, nil
}

func (r *reserve) Write(p []byte) (int, error) {
	n, err := r.File.Write(p)
	if r.room == nil || !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EDQUOT) {
		return n, err
	}
	if failed := r.free(); failed != nil {
		return n, errors.Join(err, failed)
	}
	rest, failed := r.File.Write(p[n:])
	return n + rest, errors.Join(err, failed)
}

// free gives the room back.
func (r *reserve) free() error {
	if r.room == nil {
		return nil
	}
	room := r.room
	r.room = nil
	return errors.Join(room.Truncate(0), room.Close())
}
