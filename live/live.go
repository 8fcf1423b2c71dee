// Package live tells those who listen what happens, and what happened since
// they last listened.
package live

import (
	"crypto/rand"
	"errors"
	"strconv"
	"strings"
	"sync"
)

var (
	// ErrClosed says that the hub is closed.
	ErrClosed = errors.New("live: closed")

	// ErrBehind says that a listener was too slow: what it has not taken is
	// not kept any more.
	ErrBehind = errors.New("live: too far behind")
)

// A Hub hands events to everybody who listens, in the order in which they are
// published. It keeps the latest ones: they are the queue of every listener,
// and what one catches up with who was away. So a listener costs the hub
// nothing, a slow one makes nobody wait, and one that falls further behind is
// cut off. It is safe for concurrent use.
type Hub[E any] struct {
	epoch string // begins the ids of this hub's events and of no other's

	mu        sync.RWMutex
	kept      []E    // the event with the number n is at n % len(kept)
	published uint64 // also the number of the last event
	changed   chan struct{}
	closed    bool
}

// NewHub returns a Hub that keeps the given number of events, at least one.
func NewHub[E any](keep int) *Hub[E] {
	return &Hub[E]{epoch: rand.Text()[:10], kept: make([]E, keep), changed: make(chan struct{})}
}

// Publish tells everybody who listens of an event. It never waits. Nobody
// hears of what is published after Close.
func (h *Hub[E]) Publish(event E) {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return
	}
	h.published++
	h.kept[h.published%uint64(len(h.kept))] = event
	heard := h.changed
	h.changed = make(chan struct{})
	h.mu.Unlock()
	close(heard)
}

// Last returns the id of the last event, or of the time before the first one.
// It is of no use to another hub, such as that of the program's next start.
func (h *Hub[E]) Last() string {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.id(h.published)
}

func (h *Hub[E]) id(n uint64) string { return h.epoch + "-" + strconv.FormatUint(n, 10) }

// number returns the number of the event with an id of this hub.
func (h *Hub[E]) number(id string) (n uint64, ok bool) {
	epoch, digits, _ := strings.Cut(id, "-")
	n, err := strconv.ParseUint(digits, 10, 64)
	return n, err == nil && epoch == h.epoch && h.id(n) == id
}

// Subscribe returns a Subscription to the events after the one with the given
// id. Where these are not known, or not all kept any more, it is one to the
// events from now on, and complete is false. It need not be ended.
func (h *Hub[E]) Subscribe(after string) (s *Subscription[E], complete bool) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	n, ok := h.number(after)
	if !ok || n > h.published || h.published-n > uint64(len(h.kept)) {
		return &Subscription[E]{hub: h, taken: h.published}, false
	}
	return &Subscription[E]{hub: h, taken: n}, true
}

// Close tells everybody who listens that nothing comes any more. It may be
// called more than once.
func (h *Hub[E]) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.closed {
		h.closed = true
		close(h.changed)
	}
}

// A Subscription is a listener's place among the events of a Hub. It is for
// one goroutine.
type Subscription[E any] struct {
	hub   *Hub[E]
	taken uint64 // the number of the last event that was taken
}

// done is a channel that is closed.
var done = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// Ready returns a channel that is closed when there is something to Take, be
// it an error.
func (s *Subscription[E]) Ready() <-chan struct{} {
	s.hub.mu.RLock()
	defer s.hub.mu.RUnlock()
	if s.taken < s.hub.published {
		return done
	}
	return s.hub.changed
}

// Take returns the events that were not taken yet, oldest first, and none when
// there are none. The error is ErrClosed or ErrBehind, and stays.
func (s *Subscription[E]) Take() ([]E, error) {
	h := s.hub
	h.mu.RLock()
	defer h.mu.RUnlock()
	switch {
	case h.closed:
		return nil, ErrClosed
	case h.published-s.taken > uint64(len(h.kept)):
		return nil, ErrBehind
	}
	events := make([]E, 0, h.published-s.taken)
	for s.taken < h.published {
		s.taken++
		events = append(events, h.kept[s.taken%uint64(len(h.kept))])
	}
	return events, nil
}

// GiveBack makes the last n events that were taken come again.
func (s *Subscription[E]) GiveBack(n int) { s.taken -= uint64(n) }

// ID returns the id of the last event that was taken, to go on after it with
// another Subscription.
func (s *Subscription[E]) ID() string { return s.hub.id(s.taken) }
