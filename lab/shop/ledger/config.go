package main

import (
	"cmp"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// config is the environment, read.
type config struct {
	listen, pod, data, storeName string
	drainDelay                   time.Duration

	stores []string
	rate   float64 // operations a second, on all stores together
}

func configure(env func(string) string) (config, error) {
	host, _ := os.Hostname()
	c := config{
		listen:    cmp.Or(env("LISTEN"), ":8080"),
		pod:       cmp.Or(env("POD_NAME"), host),
		data:      cmp.Or(env("DATA"), "/data"),
		storeName: env("STORE"),
	}
	for url := range strings.SplitSeq(env("STORES"), ",") {
		if url != "" {
			c.stores = append(c.stores, url)
		}
	}
	var err error
	delay := cmp.Or(env("DRAIN_DELAY"), "1s")
	if c.drainDelay, err = time.ParseDuration(delay); err != nil || c.drainDelay < 0 {
		return c, fmt.Errorf("DRAIN_DELAY=%q: want a duration of 0s or more, as 1s", delay)
	}
	rate := cmp.Or(env("RATE"), "20")
	if c.rate, err = strconv.ParseFloat(rate, 64); err != nil || !(c.rate > 0 && c.rate <= 10_000) {
		return c, fmt.Errorf("RATE=%q: want a number of operations a second, above 0 and at most 10000", rate)
	}
	return c, nil
}
