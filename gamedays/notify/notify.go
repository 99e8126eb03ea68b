// Package notify sends messages to people by webhooks. Each channel has a goroutine of its
// own, so that a dead or slow channel delays nothing else.
//
//	courier := notify.Start([]notify.Channel{{Name: "team", URL: url}}, func(d notify.Delivery) {
//		log.Print(d) // of each message, whether it arrived
//	})
//	courier.Tell(0, notify.Message{Text: "game day storm is broken"})
//	courier.Close(10 * time.Second)
//
// The body is JSON with a text, which Slack, Mattermost and the workflows of Teams accept.
// The libraries for many services would need as much configuration and make the binary ten
// megabytes larger: they execute templates, for which the linker keeps every method of
// every type (see internal/markup).
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

// A Channel is a webhook that messages go to.
type Channel struct {
	Name string // for people; never the URL, which is a secret
	URL  string // the webhook
	// Details sends all fields of a [Message]. Default: its text alone, as chats accept it.
	Details bool
	// Timeout bounds one attempt. Default: 10 s.
	Timeout time.Duration
	// Pause is the time between attempts. Default: 2 s.
	Pause time.Duration
}

// Validate reports an invalid URL. The error does not contain the URL.
func (c Channel) Validate() error {
	at, err := url.Parse(c.URL)
	if err != nil || at.Scheme != "http" && at.Scheme != "https" || at.Host == "" {
		return fmt.Errorf("%s does not hold a URL of a webhook, as https://host/path", c.Name)
	}
	return nil
}

// A Message is one message about a game day.
type Message struct {
	Text       string    `json:"text"`
	GameDay    string    `json:"gameDay,omitempty"`
	Event      string    `json:"event,omitempty"`
	Verdict    string    `json:"verdict,omitempty"`
	Experiment string    `json:"experiment,omitempty"`
	Time       time.Time `json:"time"`
}

// A Delivery says whether a message arrived.
type Delivery struct {
	Channel string
	Message Message
	Err     error // nil: the receiver accepted it
}

// attempts are how often a message is sent that no receiver took.
const attempts = 3

// Send sends a message, and retries if the receiver does not answer, is overloaded or
// fails. The error does not contain the URL.
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

// ErrFull reports a message that was dropped because the queue of its channel was full.
var ErrFull = errors.New("left out: too many messages before it wait")

// A Courier delivers messages to channels, in order within each channel. Make it with
// [Start].
type Courier struct {
	channels  []Channel
	queues    []chan Message
	delivered func(Delivery)
	ctx       context.Context // of all that is sent; Close ends it
	end       context.CancelCauseFunc
	wg        sync.WaitGroup
}

// Start returns a courier for these channels. It calls delivered once for each message,
// concurrently, from goroutines of its own.
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

// Tell queues a message for a channel, by its index. It does not block; if the queue is
// full, the message is dropped with [ErrFull].
func (c *Courier) Tell(channel int, m Message) {
	select {
	case c.queues[channel] <- m:
	default:
		c.wg.Go(func() { c.delivered(Delivery{c.channels[channel].Name, m, ErrFull}) })
	}
}

// errClosed ends what is on its way.
var errClosed = errors.New("not delivered in the time that there was")

// Close waits for queued messages, for at most this long, then cancels them. It returns
// once delivered has been called for every message.
func (c *Courier) Close(patience time.Duration) {
	late := time.AfterFunc(patience, func() { c.end(errClosed) })
	defer late.Stop()
	for _, queue := range c.queues {
		close(queue)
	}
	c.wg.Wait()
	c.end(nil)
}
