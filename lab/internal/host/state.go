// Package host is the lab as seen from the machine it runs on: what is started there, what that leaves behind, and how it is
// taken away again.
package host

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/aftershockhq/aftershock/lab/internal/place"
)

// State is what is written down about a lab before anything of it is started, so that any later command can end it.
type State struct {
	Nodes    int               `json:"nodes"`
	Cgroups  []string          `json:"cgroups"`  // the lab's own, one in every hierarchy
	Binaries map[string]string `json:"binaries"` // key of each, as it was built
	Started  time.Time         `json:"started"`
	Complete bool              `json:"complete"` // it was once ready: its data may be used again
}

// ReadState reads a lab's state; there may be none, which is os.ErrNotExist.
func ReadState(run place.Run) (State, error) {
	var s State
	content, err := os.ReadFile(run.State())
	if err != nil {
		return s, fmt.Errorf("read the lab's state: %w", err)
	}
	if err := json.Unmarshal(content, &s); err != nil {
		return s, fmt.Errorf("read the lab's state: %w", err)
	}
	return s, nil
}

// Write replaces the state as a whole.
func (s State) Write(run place.Run) error {
	content, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("encode state: %w", err)
	}
	temporary := run.State() + ".new"
	err = errors.Join(os.WriteFile(temporary, append(content, '\n'), 0o644), os.Rename(temporary, run.State()))
	if err != nil {
		return fmt.Errorf("write the lab's state: %w", err)
	}
	return nil
}
