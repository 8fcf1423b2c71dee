package clerk

import (
	"context"
	"crypto/rsa"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
)

const (
	keysFresh = 5 * time.Minute // how long a key set is used without asking for it again
	keysStale = time.Hour       // how long it is used while it cannot be had anew
	staleWait = time.Second     // how long a request waits for a new set that could use an old one

	fetchPause = time.Second // after a fetch that failed

	unknownMemory = 30 * time.Second // how long an id is known to be in no set
	unknownIDs    = 1024             // how many such ids are remembered
	unknownEvery  = 5 * time.Second  // between two fetches for unknown ids, but for the first few
	unknownBurst  = 5                // how many those are
)

// A keySet is the instance's key set, fetched from the Backend API when it is
// needed. Each fetch replaces it, so that a revoked key is soon refused.
//
// Anybody can make up the id of a key. A fetch for one that the set lacks is
// therefore made only so often, whoever asks, and an id that was not found is
// not looked for again for a while.
type keySet struct {
	fetch func(context.Context) (map[string]*rsa.PublicKey, error)
	now   func() time.Time

	mu      sync.Mutex
	keys    map[string]*rsa.PublicKey
	asked   time.Time // when the fetch that brought keys began
	fetched time.Time // when it ended
	failure error     // of the last fetch
	failed  time.Time // when that was
	flight  *keyFetch // nil when none is under way

	unknown *lru.Cache[string, time.Time] // when an id was found to be in no set
	limit   *rate.Limiter                 // of fetches for unknown ids
}

// A keyFetch is one fetch that any number of requests wait for.
type keyFetch struct {
	began time.Time
	done  chan struct{}
}

func newKeySet(fetch func(context.Context) (map[string]*rsa.PublicKey, error), now func() time.Time) *keySet {
	unknown, _ := lru.New[string, time.Time](unknownIDs) // fails for a size of 0
	return &keySet{fetch: fetch, now: now, unknown: unknown, limit: rate.NewLimiter(rate.Every(unknownEvery), unknownBurst)}
}

func (s *keySet) key(ctx context.Context, id string) (*rsa.PublicKey, *tokenError) {
	for came := s.now(); ; {
		key, flight, err := s.lookup(ctx, id, came)
		if flight == nil {
			return key, err
		}
		var patience <-chan time.Time // without a key: as long as it takes
		if key != nil {
			patience = time.After(staleWait - s.now().Sub(flight.began))
		}
		select {
		case <-flight.done:
		case <-patience:
			return key, nil
		case <-ctx.Done():
			return nil, &tokenError{code: unexpectedError, text: "The request ended before the key set was loaded.", err: ctx.Err()}
		}
	}
}

// lookup returns the key of an id, or why there is none, for a request that
// came at a time; or a fetch after which to look again. A key beside a fetch
// will do when that takes long.
func (s *keySet) lookup(ctx context.Context, id string, came time.Time) (*rsa.PublicKey, *keyFetch, *tokenError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	paused := s.failure != nil && now.Sub(s.failed) < fetchPause
	key, age := s.keys[id], now.Sub(s.fetched)
	switch {
	case key != nil && age < keysFresh:
		return key, nil, nil
	case key != nil && age < keysStale && paused:
		return key, nil, nil
	case key != nil && age < keysStale:
		flight := s.start(ctx, now)
		if s.failure != nil || now.Sub(flight.began) >= staleWait { // nobody waits for an outage to end
			return key, nil, nil
		}
		return key, flight, nil
	case s.keys != nil && age < keysFresh && !s.mayLookFor(id, came, now):
		return nil, nil, unknownKey(id)
	case paused:
		return nil, nil, fetchError(s.failure)
	}
	return nil, s.start(ctx, now), nil
}

// mayLookFor reports whether an id that is not in the set is worth a fetch. It
// is not when the set was asked for since the request came.
func (s *keySet) mayLookFor(id string, came, now time.Time) bool {
	if !s.asked.Before(came) {
		s.unknown.Add(id, now)
		return false
	}
	if missed, ok := s.unknown.Get(id); ok && now.Sub(missed) < unknownMemory {
		return false
	}
	return s.flight != nil || s.limit.AllowN(now, 1)
}

// start returns the fetch under way, or begins one, which others will wait for
// too.
func (s *keySet) start(ctx context.Context, now time.Time) *keyFetch {
	if s.flight == nil {
		s.flight = &keyFetch{began: now, done: make(chan struct{})}
		go s.run(context.WithoutCancel(ctx), s.flight)
	}
	return s.flight
}

func (s *keySet) run(ctx context.Context, flight *keyFetch) {
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	keys, err := s.fetch(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flight, s.failure = nil, err
	if err != nil {
		s.failed = s.now()
	} else {
		s.keys, s.asked, s.fetched = keys, flight.began, s.now()
	}
	close(flight.done)
}
