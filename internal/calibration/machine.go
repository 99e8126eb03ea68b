package calibration

import (
	"os"
	"runtime"
	"strings"
	"time"
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

// feel starts to measure how long this process waits for the CPU; the returned
// function stops that and returns the longest wait.
func feel() (longest func() time.Duration) {
	const beat = 5 * time.Millisecond
	stop := make(chan struct{})
	felt := make(chan time.Duration)
	go func() {
		worst := time.Duration(0)
		ticker := time.NewTicker(beat)
		defer ticker.Stop()
		for last := time.Now(); ; {
			select {
			case <-stop:
				felt <- max(worst, time.Since(last)-beat)
				return
			case <-ticker.C:
				now := time.Now()
				worst = max(worst, now.Sub(last)-beat)
				last = now
			}
		}
	}()
	return func() time.Duration {
		close(stop)
		return <-felt
	}
}
