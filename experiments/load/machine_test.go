package load_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// usage is the processor time that was used up to an instant: by the server
// of the measurement, and by everything on the machine.
type usage struct {
	at              time.Time
	server, machine time.Duration
	known           bool
}

// used reads the usage now. Where the system does not tell, it is not known.
func used(tb testing.TB, server string) usage {
	tb.Helper()
	resp, err := http.Get(server + "cpu")
	if err != nil {
		tb.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil {
		tb.Fatal(err)
	}
	own, err := time.ParseDuration(string(body))
	if err != nil {
		tb.Fatal(err)
	}
	u := usage{at: time.Now(), server: own}
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return u
	}
	u.machine, err = busy(string(text))
	u.known = err == nil
	return u
}

// busy adds up the first line of proc_stat(5): user, nice, system, idle,
// iowait, irq, softirq and steal in hundredths of a second.
func busy(stat string) (time.Duration, error) {
	line, _, _ := strings.Cut(stat, "\n")
	fields := strings.Fields(line)
	if len(fields) < 9 || fields[0] != "cpu" {
		return 0, fmt.Errorf("parse /proc/stat: its first line is %q", line)
	}
	total := time.Duration(0)
	for i, f := range fields[1:9] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("parse /proc/stat: %w", err)
		}
		if i != 3 && i != 4 { // idle and waiting for a disk
			total += time.Duration(n) * 10 * time.Millisecond
		}
	}
	return total, nil
}

// others is the number of processors that were busy with anything but the
// server and a process that took own; ok is false where that is not known.
func (u usage) others(before usage, own time.Duration) (processors float64, ok bool) {
	rest := u.machine - before.machine - (u.server - before.server) - own
	return max(0, rest.Seconds()/u.at.Sub(before.at).Seconds()), u.known && before.known
}

func TestBusyIsWhatIsNotIdle(t *testing.T) {
	got, err := busy("cpu  100 1 20 99999 88888 2 3 4 0 0\ncpu0 1 1 1 1\n")
	if want := 1300 * time.Millisecond; err != nil || got != want {
		t.Errorf("%s, %v; want %s", got, err, want)
	}
	if _, err := busy("intr 1 2"); err == nil || !strings.Contains(err.Error(), `its first line is "intr 1 2"`) {
		t.Errorf("error %v, want one that shows the line", err)
	}
}
