package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const controller = "kube-controller-manager"

// controllerAway has a start each minute, which a holiday refuses, and takes the
// controller that makes Jobs away over some of them.
func controllerAway(ctx context.Context, s *scene) error {
	today := time.Now().UTC()
	holidays := strings.Join([]string{
		"BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//tests//EN", "BEGIN:VEVENT", "UID:1", "DTSTAMP:20260101T000000Z",
		"DTSTART;VALUE=DATE:" + today.Format("20060102"), "DTEND;VALUE=DATE:" + today.AddDate(0, 0, 2).Format("20060102"),
		"SUMMARY:Founders' Day", "END:VEVENT", "END:VCALENDAR", "",
	}, "\r\n")
	// aftershock rbac reads the calendar, too.
	if err := os.WriteFile(filepath.Join(s.out, "holidays.ics"), []byte(holidays), 0o600); err != nil {
		return err
	}
	sections := day("storm", "* * * * *", "    windows: [{calendar: holidays.ics}]\n"+oneStep)
	set := map[string]any{"files": map[string]any{"holidays.ics": holidays}}
	if err := s.install(ctx, sections, set); err != nil {
		return err
	}
	first := time.Now().Add(5 * time.Second).Truncate(time.Minute).Add(time.Minute)
	minute := func(n int, after time.Duration) time.Time { return first.Add(time.Duration(n)*time.Minute + after) }
	expect := func(what string, want ...int) error {
		got, err := s.starts(ctx, first)
		if err != nil || !slices.Equal(got, want) {
			return errors.Join(err, fmt.Errorf("%s: Jobs were made for the starts %v, want %v", what, got, want))
		}
		s.say("%s: Jobs were made for the starts %v", what, got)
		return nil
	}

	until(ctx, minute(0, 0))
	code, err := s.ends(ctx, at(first))
	if err != nil {
		return err
	}
	if printed, err := s.logOf(ctx, at(first)); err != nil || code != 4 || !strings.Contains(printed, "Founders' Day") {
		return errors.Join(err, fmt.Errorf("a start on a holiday ended with %d, want 4 and the holiday's name: %s", code, printed))
	}
	s.say("a start on a holiday of the calendar ended with 4")

	until(ctx, minute(1, 200*time.Millisecond))
	if err := killController(); err != nil {
		return err
	}
	until(ctx, minute(1, 40*time.Second))
	if err := expect("the controller was killed 0.2 s after start 1 and came back", 0, 1); err != nil {
		return err
	}
	if err := away(ctx, minute(1, 42*time.Second), minute(3, 10*time.Second)); err != nil {
		return err
	}
	until(ctx, minute(3, 35*time.Second))
	if err := expect("it was away over starts 2 and 3, and back 10 s after 3", 0, 1, 3); err != nil {
		return err
	}
	set["startingDeadlineSeconds"] = 10
	if err := s.install(ctx, sections, set); err != nil {
		return err
	}
	if err := away(ctx, minute(3, 50*time.Second), minute(4, 30*time.Second)); err != nil {
		return err
	}
	until(ctx, minute(5, 20*time.Second))
	return expect("it was away over start 4 for longer than startingDeadlineSeconds, and back before 5", 0, 1, 3, 5)
}

// starts are those that Jobs were made for, in minutes after the first. A Job with more
// than one pod is an error.
func (s *scene) starts(ctx context.Context, first time.Time) (list []int, err error) {
	jobs, err := s.jobs(ctx)
	for _, j := range jobs {
		var minute int64
		if _, errName := fmt.Sscanf(j.Name, release+"-storm-%d", &minute); errName != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", j.Name, errName))
		}
		list = append(list, int(minute-first.Unix()/60))
		pods, errPods := s.kube.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: "job-name=" + j.Name})
		if errPods == nil && len(pods.Items) > 1 {
			errPods = fmt.Errorf("%s has %d pods", j.Name, len(pods.Items))
		}
		err = errors.Join(err, errPods)
	}
	return list, err
}

// away stops the controller from one moment to the other.
func away(ctx context.Context, from, to time.Time) (err error) {
	until(ctx, from)
	defer func() { err = errors.Join(err, lab(context.WithoutCancel(ctx), "start", controller)) }()
	if err := lab(ctx, "stop", controller); err != nil {
		return err
	}
	until(ctx, to)
	return context.Cause(ctx)
}

func lab(ctx context.Context, arguments ...string) error {
	command := exec.CommandContext(ctx, "go", append([]string{"run", "./cmd/lab"}, arguments...)...)
	command.Dir = root + "/lab"
	if printed, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("lab %s: %w: %s", strings.Join(arguments, " "), err, printed)
	}
	return nil
}

// killController kills the controller's process, which the lab starts again.
func killController() error {
	commands, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return err
	}
	for _, path := range commands {
		text, err := os.ReadFile(path)
		if program, _, _ := strings.Cut(string(text), "\x00"); err != nil || program != "/lab/bin/"+controller {
			continue
		}
		var pid int
		if _, err := fmt.Sscanf(path, "/proc/%d/", &pid); err != nil {
			return err
		}
		return syscall.Kill(pid, syscall.SIGKILL)
	}
	return fmt.Errorf("no process of %s", controller)
}
