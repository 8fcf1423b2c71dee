package emulator

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"slices"
	"time"
)

// maxPending bounds the events that wait for a program that takes none.
const maxPending = 10_000

// An event is a webhook that is to be delivered.
type event struct {
	ID     string // the header svix-id, the same at every attempt
	Type   string
	UserID string // whom it is about; empty: one of an older state file
	Body   string
}

// announceUser adds the event that a user changed to those to be delivered.
func (s *state) announceUser(kind string, a account, at time.Time) {
	data := userJSON(a)
	if kind == userDeleted {
		data = dict{"object": "user", "id": a.ID, "deleted": true}
	}
	s.announce(kind, a.ID, data, at)
}

// announceSession adds the event that a session changed.
func (s *state) announceSession(kind, browser string, one session, at time.Time) {
	data := sessionJSON(browser, one, statusAfter(kind), at)
	data["user"] = userJSON(s.Users[one.UserID])
	s.announce(kind, one.UserID, data, at)
}

func (s *state) announce(kind, userID string, data dict, at time.Time) {
	body, err := json.Marshal(dict{
		"type": kind, "object": "event", "data": data,
		"timestamp": at.UnixMilli(), "instance_id": s.InstanceID,
		"event_attributes": dict{"http_request": dict{"client_ip": "0.0.0.0", "user_agent": ""}},
	})
	if err != nil {
		panic(err) // the body is of our own making
	}
	s.Pending = append(s.Pending, event{ID: "msg_" + rand.Text(), Type: kind, UserID: userID, Body: string(body)})
}

// forget removes the events that are settled, and the oldest of too many.
func (s *state) forget(settled []string) {
	done := make(map[string]bool, len(settled))
	for _, id := range settled {
		done[id] = true
	}
	s.Pending = slices.DeleteFunc(s.Pending, func(ev event) bool { return done[ev.ID] })
	s.Pending = s.Pending[max(0, len(s.Pending)-maxPending):]
}

// DeliverTo makes endpoint, an absolute URL, the receiver of webhooks: first of
// those that nobody has taken yet, at a first start user.created for every
// ready user, and from then on of every change. Call it when the program
// listens there; without it no webhook is sent.
//
// Events are delivered in the background, as [Emulator.Delivery] says, one
// after the other and with a few attempts each. One that the program does not
// take is tried again at the next start. After a kill, those of the last second
// may be, too.
func (e *Emulator) DeliverTo(endpoint string) {
	e.courier.mu.Lock()
	e.courier.endpoint = endpoint
	e.courier.mu.Unlock()
	e.deliver()
}

// Delivery returns how webhooks are delivered.
func (e *Emulator) Delivery() Delivery {
	e.courier.mu.Lock()
	defer e.courier.mu.Unlock()
	return e.courier.delivery
}

// SetDelivery changes how webhooks are delivered from now on, also those that
// wait already. The state file does not keep it. A field that is out of its
// range is an error, and nothing changes.
func (e *Emulator) SetDelivery(d Delivery) error {
	if err := d.check(); err != nil {
		return err
	}
	c := e.courier
	c.mu.Lock()
	c.delivery = d
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default: // it will wake up for a change before
	}
	return nil
}

// Flush returns when every event has been sent as often as it is to be, dropped
// or given up, or with ctx's error when ctx is done before.
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

// Close ends the deliveries, breaks off one that is under way, and lets another
// emulator have the state file. What is left is delivered after the next start.
// The emulator goes on to answer requests, but with a state file it refuses
// changes.
func (e *Emulator) Close() {
	e.courier.stop()
	e.Flush(context.Background()) // cannot fail
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.file.close(); err != nil {
		e.log.Error("the state file stays locked until the program ends", "error", err)
	}
}

// deliver starts a run that delivers what waits, unless one is under way or
// nothing waits.
func (e *Emulator) deliver() {
	if e.courier.begin() {
		go e.run()
	}
}

// settleEvery is how often a long run keeps what it has settled: with many
// users, a state file is large.
const settleEvery = time.Second

func (e *Emulator) run() {
	c, kept := e.courier, time.Now()
	for {
		p, wait, ok := c.next()
		if !ok || time.Since(kept) >= settleEvery {
			e.keepSettled()
			kept = time.Now()
		}
		switch {
		case ok:
			c.carry(p)
		case wait > 0:
			c.sleep(wait)
		case c.end():
			return
		}
	}
}

// keepSettled takes the events that are settled out of the state.
func (e *Emulator) keepSettled() {
	if len(e.courier.done()) == 0 {
		return
	}
	if err := e.change(func(*state) error { return nil }); err != nil {
		e.log.Error("webhooks will be sent again after the next start", "error", err)
	}
}
