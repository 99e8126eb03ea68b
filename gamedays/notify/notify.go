// Package notify tells people what happens, by webhooks. What is told is on its way
// in goroutines of its own: a channel that is dead, or slow, delays no one.
//
//	courier := notify.Start([]notify.Channel{{Name: "team", URL: url}}, func(d notify.Delivery) {
//		log.Print(d) // of each message, whether it arrived
//	})
//	courier.Tell(0, notify.Message{Text: "game day storm is broken"})
//	courier.Close(10 * time.Second)
//
// The body is JSON with a text, which Slack, Mattermost and the workflows of Teams
// take. A library of services would be no less to explain and ten megabytes more:
// those there are execute templates, for which the linker keeps every method of every
// type (see internal/markup).
package notify

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// A Channel is where people are told.
type Channel struct {
	Name string // for people; never the URL, which is a secret
	URL  string // the webhook
	// Details are all fields of a [Message] in the body. Default: its text alone, as
	// chats take it.
	Details bool
	// Timeout is how long an attempt may take. Default: 10 s.
	Timeout time.Duration
	// Pause is how long it waits before it tries again. Default: 2 s.
	Pause time.Duration
}

// Validate reports a URL that cannot be one, without it.
func (c Channel) Validate() error {
	at, err := url.Parse(c.URL)
	if err != nil || at.Scheme != "http" && at.Scheme != "https" || at.Host == "" {
		return fmt.Errorf("%s does not hold a URL of a webhook, as https://host/path", c.Name)
	}
	return nil
}

// A Message is what is told.
type Message struct {
	Text       string    `json:"text"`
	GameDay    string    `json:"gameDay,omitempty"`
	Event      string    `json:"event,omitempty"`
	Verdict    string    `json:"verdict,omitempty"`
	Experiment string    `json:"experiment,omitempty"`
	Time       time.Time `json:"time"`
}

// A Delivery is what became of a message.
type Delivery struct {
	Channel string
	Message Message
	Err     error // nil: the receiver took it
}

// attempts are how often a message is sent that no one took.
const attempts = 3

// Send sends a message, and again if the receiver does not answer, is overloaded or
// fails. The error does not have the URL.
func (c Channel) Send(ctx context.Context, m Message) (err error) {
	for i := range attempts {
		again := false
		if again, err = c.send(ctx, m); err == nil || !again || i == attempts-1 {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", context.Cause(ctx), err)
		case <-time.After(cmp.Or(c.Pause, 2*time.Second)):
		}
	}
	return err
}

func (c Channel) send(ctx context.Context, m Message) (again bool, err error) {
	var what any = m
	if !c.Details {
		what = map[string]string{"text": m.Text}
	}
	body, err := json.Marshal(what)
	if err != nil {
		return false, err
	}
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(c.Timeout, 10*time.Second))
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL, bytes.NewReader(body))
	if err != nil {
		return false, c.Validate()
	}
	request.Header.Set("Content-Type", "application/json")
	// A redirect would take the message elsewhere.
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	if err != nil {
		if wrapped, ok := errors.AsType[*url.Error](err); ok {
			err = wrapped.Err // the other has the URL
		}
		return true, fmt.Errorf("no answer: %w", err)
	}
	defer response.Body.Close() //nolint:errcheck // only read
	_, _ = io.CopyN(io.Discard, response.Body, 1<<16)
	if response.StatusCode/100 == 2 {
		return false, nil
	}
	return response.StatusCode == http.StatusTooManyRequests || response.StatusCode/100 == 5, fmt.Errorf("the receiver answered %d %s", response.StatusCode, http.StatusText(response.StatusCode))
}

// queued is how many messages of a channel may wait.
const queued = 16

// ErrFull is of a message that was left out, because too many before it wait.
var ErrFull = errors.New("left out: too many messages before it wait")

// A Courier brings messages to channels, those of each in their order.
type Courier struct {
	channels  []Channel
	queues    []chan Message
	delivered func(Delivery)
	ctx       context.Context // of all that is sent; Close ends it
	end       context.CancelCauseFunc
	wg        sync.WaitGroup
}

// Start makes a courier. It calls delivered once for each message, from goroutines
// of its own, several at once.
func Start(channels []Channel, delivered func(Delivery)) *Courier {
	c := &Courier{channels: channels, delivered: delivered}
	c.ctx, c.end = context.WithCancelCause(context.Background())
	for _, channel := range channels {
		queue := make(chan Message, queued)
		c.queues = append(c.queues, queue)
		c.wg.Go(func() {
			for m := range queue {
				c.delivered(Delivery{channel.Name, m, channel.Send(c.ctx, m)})
			}
		})
	}
	return c
}

// Tell puts a message into the queue of a channel. It does not wait; if the queue is
// full, the message is left out.
func (c *Courier) Tell(channel int, m Message) {
	select {
	case c.queues[channel] <- m:
	default:
		c.wg.Go(func() { c.delivered(Delivery{c.channels[channel].Name, m, ErrFull}) })
	}
}

// errClosed ends what is on its way.
var errClosed = errors.New("not delivered in the time that there was")

// Close waits so long for what is on its way, ends it then, and returns once every
// message is delivered or is not.
func (c *Courier) Close(patience time.Duration) {
	late := time.AfterFunc(patience, func() { c.end(errClosed) })
	defer late.Stop()
	for _, queue := range c.queues {
		close(queue)
	}
	c.wg.Wait()
	c.end(nil)
}
