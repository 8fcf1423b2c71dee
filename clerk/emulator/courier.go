package emulator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	svix "github.com/svix/svix-webhooks/go"
)

// A Delivery is how webhooks reach the program. The zero value is a good day:
// each at once, once, and in order.
type Delivery struct {
	Delay   time.Duration // each waits so long, at most an hour
	Repeat  int           // each that was taken is sent again so often, at most 20 times
	Shuffle bool          // when it is time for one, any of those that wait is sent in its place
	Drop    float64       // the share, 0 to 1, that is never sent
}

const (
	maxDelay  = time.Hour
	maxRepeat = 20
)

// problems returns a sentence for each field that is out of its range, by the
// field's name in a form.
func (d Delivery) problems() map[string]string {
	problems := map[string]string{}
	if d.Delay < 0 || d.Delay > maxDelay {
		problems["delay"] = fmt.Sprintf("The delay is a number of seconds from 0 to %.0f.", maxDelay.Seconds())
	}
	if d.Repeat < 0 || d.Repeat > maxRepeat {
		problems["repeat"] = fmt.Sprintf("A webhook is sent again 0 to %d times.", maxRepeat)
	}
	if !(d.Drop >= 0 && d.Drop <= 1) { // nor is it NaN
		problems["drop"] = "The share that is never sent is from 0 to 100 percent."
	}
	return problems
}

// check returns an error that holds all problems.
func (d Delivery) check() error {
	problems := slices.Sorted(maps.Values(d.problems()))
	if len(problems) == 0 {
		return nil
	}
	return errors.New("emulator: " + strings.Join(problems, " "))
}

// maxSent is how many sendings are remembered.
const maxSent = 50

// A courier takes events to the program, one after the other.
type courier struct {
	client *http.Client
	signer *svix.Webhook
	log    *slog.Logger
	ctx    context.Context // done after Close
	stop   context.CancelFunc
	wake   chan struct{} // holds one when the delivery has changed

	mu       sync.Mutex
	endpoint string        // empty: none yet
	idle     chan struct{} // closed when the run under way has ended; nil when there is none
	delivery Delivery
	chance   *rand.Rand
	queue    []parcel // who waits longest comes first
	settled  []string // ids of events that the state may forget
	sent     []sending
}

// A parcel is an event that waits.
type parcel struct {
	event
	since time.Time
	again bool // not for the first time: it is neither dropped nor repeated
}

// A sending is what became of a parcel.
type sending struct {
	event
	at       time.Time
	attempts int // 0: it was dropped
	status   int // of the last answer; 0: there was none
}

func newCourier(o Options, secret string) (*courier, error) {
	signer, err := svix.NewWebhook(secret)
	if err != nil {
		return nil, err
	}
	client := http.Client{Timeout: 5 * time.Second}
	if o.Client != nil {
		client = *o.Client
	}
	client.CheckRedirect = noRedirect
	c := &courier{
		client: &client, signer: signer, log: o.Log, wake: make(chan struct{}, 1),
		delivery: o.Delivery, chance: rand.New(rand.NewPCG(o.Seed, 0)),
	}
	c.ctx, c.stop = context.WithCancel(context.Background())
	return c, nil
}

// add lets events wait. Those that nobody listens for are bounded: the oldest
// go, and are tried at the next start.
func (c *courier) add(again bool, events ...event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, ev := range events {
		c.queue = append(c.queue, parcel{event: ev, since: time.Now(), again: again})
	}
	if c.endpoint == "" {
		c.queue = c.queue[max(0, len(c.queue)-maxPending):]
	}
}

// done returns the ids of the events that are settled.
func (c *courier) done() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.settled)
}

// forget removes the first n of them.
func (c *courier) forget(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settled = slices.Delete(c.settled, 0, n)
}

// begin reports whether there is something to do that nobody does yet. Then it
// is the caller who must do it.
func (c *courier) begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.idle != nil || !c.due() {
		return false
	}
	c.idle = make(chan struct{})
	return true
}

// end ends the run, unless there is something to do.
func (c *courier) end() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.due() {
		return false
	}
	close(c.idle)
	c.idle = nil
	return true
}

// due reports whether there is something to do, now or later. The lock is held.
func (c *courier) due() bool {
	return len(c.queue) > 0 && c.endpoint != "" && c.ctx.Err() == nil
}

// next takes the parcel whose turn it is out of the queue. Without one, it
// returns how long the first has yet to wait; 0 when there is none.
func (c *courier) next() (p parcel, wait time.Duration, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.due() {
		return parcel{}, 0, false
	}
	if wait = time.Until(c.queue[0].since.Add(c.delivery.Delay)); wait > 0 {
		return parcel{}, wait, false
	}
	if c.delivery.Shuffle { // the first one takes the place and the time of the one that goes
		first, other := &c.queue[0], &c.queue[c.chance.IntN(len(c.queue))]
		*first, *other = *other, *first
		first.since, other.since = other.since, first.since
	}
	p, c.queue = c.queue[0], c.queue[1:]
	return p, 0, true
}

// sleep waits for so long, for a change of the delivery, or for the end.
func (c *courier) sleep(wait time.Duration) {
	select {
	case <-time.After(wait):
	case <-c.wake:
	case <-c.ctx.Done():
	}
}

// carry takes a parcel to the program, if it is not one to be lost, and settles
// the event unless the program does not take it.
func (c *courier) carry(p parcel) {
	var err error
	s := sending{event: p.event, at: time.Now()}
	if lost := c.loses(p); !lost {
		s.attempts, s.status, err = c.deliver(p.event)
	}
	c.mu.Lock()
	repeat := c.delivery.Repeat
	c.sent = append(c.sent, s)
	c.sent = c.sent[max(0, len(c.sent)-maxSent):]
	if err == nil {
		c.settled = append(c.settled, p.ID)
	}
	c.mu.Unlock()
	if err == nil && s.attempts > 0 && !p.again {
		c.add(true, slices.Repeat([]event{p.event}, repeat)...)
	}
	if err != nil && c.ctx.Err() == nil {
		c.log.Warn("the program takes no webhook", "type", p.Type, "id", p.ID, "error", err)
	}
}

// loses decides whether a parcel is dropped.
func (c *courier) loses(p parcel) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !p.again && c.chance.Float64() < c.delivery.Drop
}

// deliver tries until the endpoint takes the event, and returns the last
// attempt's error when it does not.
func (c *courier) deliver(ev event) (attempts, status int, err error) {
	pauses := [...]time.Duration{100 * time.Millisecond, 500 * time.Millisecond, 2 * time.Second}
	for attempts = 1; ; attempts++ {
		status, err = c.attempt(ev)
		if err == nil || attempts > len(pauses) {
			return attempts, status, err
		}
		select {
		case <-time.After(pauses[attempts-1]):
		case <-c.ctx.Done():
			return attempts, status, c.ctx.Err()
		}
	}
}

// attempt sends the event once, and returns the answer's status; 0 without one.
func (c *courier) attempt(ev event) (status int, err error) {
	now := time.Now() // the receiver compares with its own clock
	signature, err := c.signer.Sign(ev.ID, now, []byte(ev.Body))
	if err != nil {
		return 0, err
	}
	c.mu.Lock()
	endpoint := c.endpoint
	c.mu.Unlock()
	r, err := http.NewRequestWithContext(c.ctx, http.MethodPost, endpoint, strings.NewReader(ev.Body))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("svix-id", ev.ID)
	r.Header.Set("svix-timestamp", strconv.FormatInt(now.Unix(), 10))
	r.Header.Set("svix-signature", signature)
	res, err := c.client.Do(r)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)) // so that the connection can be used again
	if res.StatusCode/100 != 2 {
		return res.StatusCode, fmt.Errorf("the program answered %s", res.Status)
	}
	return res.StatusCode, nil
}
