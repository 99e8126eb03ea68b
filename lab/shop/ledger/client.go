package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// slots is how many entries the client keeps in each pod, so that neither memory grows for ever. It writes them in turn: until all
// are written again, a loss shows.
const slots = 1000

// load puts a constant load on each store until ctx ends. Stores do not wait for each other.
func load(ctx context.Context, c config) error {
	if len(c.stores) == 0 {
		return errors.New("no stores to put a load on: set STORES")
	}
	every := time.Duration(float64(len(c.stores)) / c.rate * float64(time.Second))
	var loads sync.WaitGroup
	for _, url := range c.stores {
		loads.Go(func() {
			client, tick := newClient(url), time.NewTicker(every)
			defer tick.Stop()
			for {
				select {
				case <-ctx.Done():
					return
				case <-tick.C:
					client.step(ctx)
				}
			}
		})
	}
	loads.Wait()
	return nil
}

// client writes entries to one pod of the store, and reads back what the pod has acknowledged: a read of it that finds nothing
// is a loss. It outlives the pod, which could not know what it has lost.
type client struct {
	url   string
	http  *http.Client
	steps int

	store string      // the name of the store that has acknowledged them
	acked []int       // slots, each once
	known [slots]bool // those in acked
	told  time.Time   // when it last said that an entry is lost
}

func newClient(url string) *client {
	return &client{url: url, http: &http.Client{Timeout: time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 1}}}
}

// step is one operation: a write and a read take turns. One that gets no answer is over: it is not tried again.
func (c *client) step(ctx context.Context) {
	c.steps++
	if c.steps%2 == 1 || len(c.acked) == 0 {
		slot := c.steps / 2 % slots
		if code, _ := c.do(ctx, http.MethodPut, slot, strconv.FormatInt(time.Now().UnixNano(), 10)); code == http.StatusNoContent && !c.known[slot] {
			c.known[slot] = true
			c.acked = append(c.acked, slot)
		}
		return
	}
	slot := c.acked[rand.IntN(len(c.acked))]
	code, pod := c.do(ctx, http.MethodGet, slot, "")
	if code == http.StatusNotFound && len(c.acked) > 0 && time.Since(c.told) > 10*time.Second {
		c.told = time.Now()
		log.Printf("%s (%s) has lost entry %s, which it had acknowledged", pod, c.url, key(slot))
	}
}

func key(slot int) string { return fmt.Sprintf("client-%d", slot) }

// do makes a request and returns the status of the answer, 0 if there is none. An answer of another store, which was deployed in
// the place of the one before, makes the client forget what that one acknowledged.
func (c *client) do(ctx context.Context, method string, slot int, value string) (code int, pod string) {
	r, err := http.NewRequestWithContext(ctx, method, c.url+"/entries/"+key(slot), strings.NewReader(value))
	if err != nil {
		log.Print(err)
		return 0, ""
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return 0, ""
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	if store := resp.Header.Get("X-Store"); store != c.store {
		c.store, c.acked, c.known = store, nil, [slots]bool{}
	}
	return resp.StatusCode, resp.Header.Get("X-Pod")
}
