package emulator

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	svix "github.com/svix/svix-webhooks/go"
)

// maxPending bounds the events that wait for a program that takes none.
const maxPending = 1000

// An event is a webhook that is to be delivered.
type event struct {
	ID   string // the header svix-id, the same at every attempt
	Type string
	Body string
}

// announceUser adds the event that a user changed to those to be delivered.
func (s *state) announceUser(kind string, a account, at time.Time) {
	data := userJSON(a)
	if kind == userDeleted {
		data = dict{"object": "user", "id": a.ID, "deleted": true}
	}
	s.announce(kind, data, at)
}

// announceSession adds the event that a session changed.
func (s *state) announceSession(kind, browser string, one session, at time.Time) {
	data := sessionJSON(browser, one, statusAfter(kind), at)
	data["user"] = userJSON(s.Users[one.UserID])
	s.announce(kind, data, at)
}

func (s *state) announce(kind string, data dict, at time.Time) {
	body, err := json.Marshal(dict{
		"type": kind, "object": "event", "data": data,
		"timestamp": at.UnixMilli(), "instance_id": s.InstanceID,
		"event_attributes": dict{"http_request": dict{"client_ip": "0.0.0.0", "user_agent": ""}},
	})
	if err != nil {
		panic(err) // the body is of our own making
	}
	s.Pending = append(s.Pending, event{ID: "msg_" + rand.Text(), Type: kind, Body: string(body)})
	s.Pending = s.Pending[max(0, len(s.Pending)-maxPending):]
}

// A courier delivers the pending events of an emulator, one after the other.
type courier struct {
	client *http.Client
	signer *svix.Webhook
	ctx    context.Context // done after Close
	stop   context.CancelFunc

	mu       sync.Mutex
	endpoint string          // empty: none yet
	idle     chan struct{}   // closed when the delivery under way has ended; nil when there is none
	givenUp  map[string]bool // ids of events, until the next start
}

func newCourier(client *http.Client, secret string) (*courier, error) {
	signer, err := svix.NewWebhook(secret)
	if err != nil {
		return nil, err
	}
	own := http.Client{Timeout: 5 * time.Second}
	if client != nil {
		own = *client
	}
	own.CheckRedirect = noRedirect
	c := &courier{client: &own, signer: signer, givenUp: map[string]bool{}}
	c.ctx, c.stop = context.WithCancel(context.Background())
	return c, nil
}

// DeliverTo makes endpoint, an absolute URL, the receiver of webhooks: first of
// those that nobody has taken yet, at a first start user.created for every
// ready user, and from then on of every change. Call it when the program
// listens there; without it no webhook is sent.
//
// Events are delivered in the background, in order, with a few attempts each.
// One that the program does not take is tried again at the next start.
func (e *Emulator) DeliverTo(endpoint string) {
	e.courier.mu.Lock()
	e.courier.endpoint = endpoint
	e.courier.mu.Unlock()
	e.deliver()
}

// Flush returns when every event has been delivered or given up, or with ctx's
// error when ctx is done before.
func (e *Emulator) Flush(ctx context.Context) error {
	for {
		e.courier.mu.Lock()
		idle := e.courier.idle
		e.courier.mu.Unlock()
		if idle == nil {
			return nil
		}
		select {
		case <-idle:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Close ends the deliveries, and breaks off one that is under way. What is left
// is delivered after the next start. The emulator goes on to answer requests.
func (e *Emulator) Close() {
	e.courier.stop()
	e.Flush(context.Background()) // cannot fail
}

// deliver starts a delivery of the pending events, unless one is under way, or
// there is nothing to do.
func (e *Emulator) deliver() {
	c := e.courier
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, due := e.nextEvent(); due && c.idle == nil {
		c.idle = make(chan struct{})
		go e.deliverAll()
	}
}

// nextEvent returns the first event to deliver. The courier's lock is held.
func (e *Emulator) nextEvent() (event, bool) {
	c, pending := e.courier, e.state.Load().Pending
	i := slices.IndexFunc(pending, func(ev event) bool { return !c.givenUp[ev.ID] })
	if i < 0 || c.endpoint == "" || c.ctx.Err() != nil {
		return event{}, false
	}
	return pending[i], true
}

func (e *Emulator) deliverAll() {
	c := e.courier
	for {
		c.mu.Lock()
		ev, due := e.nextEvent()
		endpoint := c.endpoint
		if !due {
			close(c.idle)
			c.idle = nil
			c.mu.Unlock()
			return
		}
		c.mu.Unlock()
		e.settle(ev, c.deliver(endpoint, ev))
	}
}

// settle forgets an event that was delivered and keeps one that was not.
func (e *Emulator) settle(ev event, err error) {
	if err == nil {
		err = e.change(func(s *state) error {
			s.Pending = slices.DeleteFunc(s.Pending, func(other event) bool { return other.ID == ev.ID })
			return nil
		})
	}
	if err == nil {
		return
	}
	e.courier.mu.Lock()
	e.courier.givenUp[ev.ID] = true
	e.courier.mu.Unlock()
	if e.courier.ctx.Err() == nil {
		e.log.Warn("webhook kept for the next start", "type", ev.Type, "id", ev.ID, "error", err)
	}
}

// deliver tries until the endpoint takes the event, and returns the last
// attempt's error when it does not.
func (c *courier) deliver(endpoint string, ev event) error {
	err := c.attempt(endpoint, ev)
	for _, pause := range []time.Duration{100 * time.Millisecond, 500 * time.Millisecond, 2 * time.Second} {
		if err == nil {
			return nil
		}
		select {
		case <-time.After(pause):
			err = c.attempt(endpoint, ev)
		case <-c.ctx.Done():
			return c.ctx.Err()
		}
	}
	return err
}

func (c *courier) attempt(endpoint string, ev event) error {
	now := time.Now() // the receiver compares with its own clock
	signature, err := c.signer.Sign(ev.ID, now, []byte(ev.Body))
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(c.ctx, http.MethodPost, endpoint, strings.NewReader(ev.Body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("svix-id", ev.ID)
	r.Header.Set("svix-timestamp", strconv.FormatInt(now.Unix(), 10))
	r.Header.Set("svix-signature", signature)
	res, err := c.client.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)) // so that the connection can be used again
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("the program answered %s", res.Status)
	}
	return nil
}
