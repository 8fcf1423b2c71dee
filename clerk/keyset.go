package clerk

import (
	"context"
	"crypto/rsa"
	"errors"
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

// errNotLookedFor says that a key may be there all the same.
var errNotLookedFor = errors.New("too many tokens with unknown keys: the key set is not asked for")

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
	came := s.now()
	for {
		found := s.lookup(ctx, id, came)
		if found.fetch == nil {
			return found.key, found.err
		}
		var late <-chan time.Time // never, without an old key
		if found.key != nil {
			late = time.After(staleWait - s.now().Sub(found.fetch.began))
		}
		select {
		case <-found.fetch.done:
		case <-late:
			return found.key, nil
		case <-ctx.Done():
			return nil, &tokenError{code: unexpectedError, text: "The request ended before the key set was loaded.", err: ctx.Err()}
		}
	}
}

// A finding is a key, or why there is none, or a fetch after which to look
// again. A key beside a fetch is old and will do when the fetch takes long.
type finding struct {
	key   *rsa.PublicKey
	err   *tokenError
	fetch *keyFetch
}

// lookup finds the key of an id for a request that came at a time.
func (s *keySet) lookup(ctx context.Context, id string, came time.Time) finding {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	key, age := s.keys[id], now.Sub(s.fetched)
	switch {
	case s.keys != nil && age < keysFresh && key == nil:
		return s.missing(ctx, id, came, now)
	case key != nil && age < keysFresh:
		return finding{key: key}
	case key != nil && age < keysStale:
		return s.stale(ctx, key, now)
	case s.paused(now):
		return finding{err: fetchError(s.failure)}
	}
	return finding{fetch: s.start(ctx, now)}
}

// missing finds what there is of an id that a fresh set has not.
func (s *keySet) missing(ctx context.Context, id string, came, now time.Time) finding {
	if !s.asked.Before(came) { // since the request came
		s.unknown.Add(id, now)
		return finding{err: unknownKey(id)}
	}
	missed, known := s.unknown.Get(id)
	switch {
	case known && now.Sub(missed) < unknownMemory:
		return finding{err: unknownKey(id)}
	case s.paused(now):
		return finding{err: fetchError(s.failure)}
	case s.flight == nil && !s.limit.AllowN(now, 1):
		err := unknownKey(id)
		err.err = errNotLookedFor
		return finding{err: err}
	}
	return finding{fetch: s.start(ctx, now)}
}

// stale finds what is to be done with a key that is old. Nobody waits for an
// outage to end.
func (s *keySet) stale(ctx context.Context, key *rsa.PublicKey, now time.Time) finding {
	if s.paused(now) {
		return finding{key: key}
	}
	fetch := s.start(ctx, now)
	if s.failure != nil || now.Sub(fetch.began) >= staleWait {
		return finding{key: key}
	}
	return finding{key: key, fetch: fetch}
}

// paused reports whether a fetch has failed just now.
func (s *keySet) paused(now time.Time) bool {
	return s.failure != nil && now.Sub(s.failed) < fetchPause
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
