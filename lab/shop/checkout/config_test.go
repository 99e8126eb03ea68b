package main

import (
	"strings"
	"testing"
	"time"
)

func TestConfigure(t *testing.T) {
	env := func(pairs ...string) func(string) string {
		return func(name string) string {
			for i := 0; i < len(pairs); i += 2 {
				if pairs[i] == name {
					return pairs[i+1]
				}
			}
			return ""
		}
	}
	c, err := configure(env())
	if err != nil || !c.graceful || c.startDelay != 0 || c.listen != ":8080" {
		t.Errorf("without environment: %+v, %v", c, err)
	}
	c, err = configure(env("START_DELAY", "8s", "GRACEFUL", "false", "WORK", "7", "POD_NAME", "p"))
	if err != nil || c.graceful || c.startDelay != 8*time.Second || c.work != 7 || c.pod != "p" {
		t.Errorf("%+v, %v", c, err)
	}
	for name, value := range map[string]string{"START_DELAY": "8", "GRACEFUL": "maybe", "WORK": "200us"} {
		if _, err := configure(env(name, value)); err == nil || !strings.HasPrefix(err.Error(), name+"=") {
			t.Errorf("%s=%s: %v", name, value, err)
		}
	}
}
