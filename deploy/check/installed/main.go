// Command installed shows deploy/chart to a cluster: by Helm's own library it installs,
// upgrades and uninstalls the chart on the lab, and has the CronJobs carry out a game
// day. A row says what is to happen, and prints what did.
//
//	go run ./installed                 all rows, from deploy/check
//	go run ./installed -only uninstall
//
// It ends with 1 unless everything was as it should be. Whatever a row made is removed
// again, and each object of the cluster before and after is compared. The lab must be up,
// with the healthy service, bin/aftershock built, and the nodes have an image of it
// ("make lab-image").
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// rows are what is shown, in order.
var rows = []struct {
	name, says string
	show       func(context.Context, *scene) error
}{
	{"installs", "an installation, an upgrade and an uninstallation, with a gate, leave nothing but the claims, and these are taken up again", installs},
	{"uninstall", "an uninstallation while a fault is in place is refused, and goes on once it is not", refusesToLeave},
	{"gameday", "a day is refused in a window and without its pager, pauses, has a note, is stopped by what is broken, and tells people", gameDay},
	{"away", "no start of a day is begun twice, or later than it may be, after its controller was killed or away", controllerAway},
}

func main() {
	if err := run(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(w io.Writer) error {
	only := flag.String("only", "", "only the row of this name")
	out := flag.String("out", "", "directory for what the game day wrote (default: a new one)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if *out == "" {
		var err error
		if *out, err = os.MkdirTemp("", "aftershock-installed-"); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(*out, 0o700); err != nil {
		return err
	}
	var wrong []string
	shown := 0
	for _, row := range rows {
		if *only != "" && *only != row.name {
			continue
		}
		shown++
		fmt.Fprintf(w, "%s: %s\n", row.name, row.says)
		begun := time.Now()
		err := play(ctx, w, *out, row.show)
		if err != nil {
			wrong = append(wrong, row.name)
			fmt.Fprintf(w, "  WRONG: %s\n", strings.ReplaceAll(err.Error(), "\n", "\n    "))
		}
		fmt.Fprintf(w, "  %s in %s\n", map[bool]string{true: "as it should be", false: "not as it should be"}[err == nil], time.Since(begun).Round(time.Second))
	}
	switch {
	case shown == 0:
		return fmt.Errorf("-only %s: no such row", *only)
	case len(wrong) > 0:
		return fmt.Errorf("not as they should be: %s", strings.Join(wrong, ", "))
	}
	return nil
}

// play shows a row, removes what it made, and looks for what is left.
func play(ctx context.Context, w io.Writer, out string, show func(context.Context, *scene) error) (err error) {
	s, err := open(ctx, w, out)
	if err != nil {
		return err
	}
	err = show(ctx, s)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Minute)
	defer cancel()
	return errors.Join(err, s.close(ctx))
}
