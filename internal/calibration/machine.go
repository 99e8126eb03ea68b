package calibration

import (
	"os"
	"runtime"
	"strings"
)

// A Machine describes the machine of a calibration.
type Machine struct {
	System string `json:"system"` // "linux/amd64"
	Go     string `json:"go"`
	Cores  int    `json:"cores"`
	// Load is the system's load average over 1, 5 and 15 minutes when the
	// calibration began; empty where the system does not tell.
	Load string `json:"load,omitempty"`
}

func thisMachine() Machine {
	m := Machine{System: runtime.GOOS + "/" + runtime.GOARCH, Go: runtime.Version(), Cores: runtime.NumCPU()}
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		fields := strings.Fields(string(text))
		m.Load = strings.Join(fields[:min(3, len(fields))], " ")
	}
	return m
}
