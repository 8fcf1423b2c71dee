package live

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
)

// kept is how many events the hubs of these tests keep.
const kept = 4

// newHub returns a hub on which the events 1 to n were published.
func newHub(n int) *Hub[int] {
	h := NewHub[int](kept)
	publish(h, 1, n)
	return h
}

func publish(h *Hub[int], from, to int) {
	for i := from; i <= to; i++ {
		h.Publish(i)
	}
}

func TestSubscribe(t *testing.T) {
	h := newHub(9)
	other := newHub(9)
	tests := []struct {
		name, after  string
		want         []int
		wantComplete bool
	}{
		{"after the last", h.Last(), nil, true},
		{"after one before", h.id(8), []int{9}, true},
		{"after the oldest that will do", h.id(5), []int{6, 7, 8, 9}, true},
		{"after one too old", h.id(4), nil, false},
		{"before the first", h.id(0), nil, false},
		{"to come", h.id(10), nil, false},
		{"before a restart", other.Last(), nil, false},
		{"none", "", nil, false},
		{"no number", h.epoch + "-", nil, false},
		{"no epoch", "9", nil, false},
		{"another spelling", h.epoch + "-09", nil, false},
		{"too large a number", h.epoch + "-99999999999999999999", nil, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, complete := h.Subscribe(tt.after)
			if got, err := s.Take(); !slices.Equal(got, tt.want) || err != nil || complete != tt.wantComplete {
				t.Errorf("after %q come %v, %v, complete %t; want %v, complete %t", tt.after, got, err, complete, tt.want, tt.wantComplete)
			}
			if s.ID() != h.Last() {
				t.Errorf("the last event taken is %q, want %q", s.ID(), h.Last())
			}
		})
	}
}

func TestNothingIsMissedAcrossSubscriptions(t *testing.T) {
	h := newHub(0)
	id := h.Last()
	var got []int
	for i := 1; i <= 20; i += 2 {
		publish(h, i, i+1)
		s, complete := h.Subscribe(id)
		events, err := s.Take()
		if err != nil || !complete {
			t.Fatalf("after %q: %v, complete %t", id, err, complete)
		}
		got, id = append(got, events...), s.ID()
	}
	if len(got) != 20 || !slices.IsSorted(got) {
		t.Errorf("the events are %v, want 1 to 20", got)
	}
}

func TestGiveBack(t *testing.T) {
	h := newHub(3)
	s, _ := h.Subscribe(h.id(0))
	for _, tt := range []struct {
		back   int
		want   []int
		wantID string
	}{{0, []int{1, 2, 3}, h.id(3)}, {2, []int{2, 3}, h.id(1)}, {3, []int{1, 2, 3}, h.id(0)}, {0, []int{}, h.id(3)}} {
		s.GiveBack(tt.back)
		if tt.back > 0 && s.ID() != tt.wantID {
			t.Errorf("after %d were given back the last is %s, want %s", tt.back, s.ID(), tt.wantID)
		}
		if got, err := s.Take(); !slices.Equal(got, tt.want) || err != nil {
			t.Errorf("after %d were given back come %v, %v, want %v", tt.back, got, err, tt.want)
		}
	}
}

func TestReadyWaitsForAnEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(1)
		s, _ := h.Subscribe(h.Last())
		var events []int
		go func() {
			<-s.Ready()
			events, _ = s.Take()
		}()
		synctest.Wait()
		if len(events) > 0 {
			t.Fatalf("before anything was published came %v", events)
		}
		publish(h, 2, 3)
		synctest.Wait()
		if len(events) == 0 || events[0] != 2 {
			t.Errorf("after 2 was published came %v", events)
		}
	})
}

func TestListeners(t *testing.T) {
	tests := []struct {
		name    string
		happens func(h *Hub[int])
		want    []int
		wantErr error
	}{
		{"nothing happens", func(*Hub[int]) {}, nil, nil},
		{"as much as is kept", func(h *Hub[int]) { publish(h, 1, kept) }, []int{1, 2, 3, 4}, nil},
		{"more than is kept", func(h *Hub[int]) { publish(h, 1, kept+1) }, nil, ErrBehind},
		{"the hub is closed", (*Hub[int]).Close, nil, ErrClosed},
		{"the hub is closed twice", func(h *Hub[int]) { h.Close(); h.Close() }, nil, ErrClosed},
		{"something is published too late", func(h *Hub[int]) { h.Close(); h.Publish(1) }, nil, ErrClosed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHub(0)
			s, _ := h.Subscribe(h.Last())
			tt.happens(h)
			for range 2 { // an error stays
				got, err := s.Take()
				if !slices.Equal(got, tt.want) || !errors.Is(err, tt.wantErr) {
					t.Fatalf("Take() = %v, %v; want %v, %v", got, err, tt.want, tt.wantErr)
				}
				if tt.wantErr == nil {
					break
				}
				<-s.Ready()
			}
		})
	}
}

// A listener that never takes anything keeps nobody from publishing or
// listening.
func TestSlowListenerMakesNobodyWait(t *testing.T) {
	const publishers, each, listeners = 4, 250, 8
	h := NewHub[int](publishers * each)
	slow, _ := h.Subscribe(h.Last())
	var all sync.WaitGroup
	for range listeners {
		s, _ := h.Subscribe(h.Last())
		all.Go(func() {
			for n := 0; n < publishers*each; {
				<-s.Ready()
				events, err := s.Take()
				if err != nil {
					t.Error(err)
					return
				}
				n += len(events)
			}
		})
	}
	for range publishers {
		all.Go(func() { publish(h, 1, each) })
	}
	all.Wait()
	if events, err := slow.Take(); err != nil || len(events) != publishers*each {
		t.Errorf("the slow listener takes %d events, %v; want %d", len(events), err, publishers*each)
	}
	h.Publish(0)
	publish(h, 1, publishers*each)
	if _, err := slow.Take(); !errors.Is(err, ErrBehind) {
		t.Errorf("the slow listener gets %v, want %v", err, ErrBehind)
	}
}

func BenchmarkPublish(b *testing.B) {
	h := NewHub[int](1000)
	for b.Loop() {
		h.Publish(1)
	}
}
