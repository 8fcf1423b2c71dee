package handlers

import (
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"slices"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
)

// An activity is what somebody may do only so often: one who is signed in by
// their account and everybody by their address, which many may share.
type activity struct {
	name    string
	user    allowance
	address allowance
	text    string // a sentence for who was too fast
}

// An allowance is how often something may be done: so many times a minute, and so
// many at once after a rest.
type allowance struct{ perMinute, burst int }

// What is limited. Typing must never come near a limit: a form that saves itself
// does so every few seconds, and a search as often as somebody pauses.
var (
	posting    = activity{"posting", allowance{10, 20}, allowance{60, 120}, "You have written many posts in a short time."}
	editing    = activity{"editing", allowance{120, 60}, allowance{600, 300}, "You have changed a lot in a short time."}
	saving     = activity{"saving", allowance{240, 120}, allowance{2400, 1200}, "Too much was saved by itself in a short time."}
	voting     = activity{"voting", allowance{60, 60}, allowance{600, 300}, "You have voted many times in a short time."}
	reporting  = activity{"reporting", allowance{10, 10}, allowance{30, 30}, "You have reported many posts in a short time."}
	previewing = activity{"previewing", allowance{240, 120}, allowance{2400, 1200}, "You have asked for many previews in a short time."}
	searching  = activity{"searching", allowance{120, 60}, allowance{240, 120}, "You have searched many times in a short time."}
)

// maxBuckets is of how many users, and of how many addresses, it is known how
// often they did something: some 10 MB. Who has been quiet for longest is
// forgotten, as if they had rested.
const maxBuckets = 1 << 15

// A limiter holds everybody to what they are allowed. It is safe for concurrent use.
type limiter struct {
	users     *lru.Cache[userBucket, *rate.Limiter]
	addresses *lru.Cache[addressBucket, *rate.Limiter]
}

// Who does what: the keys of the two kinds of buckets, which are apart so that
// no flood of addresses makes a user forgotten.
type (
	userBucket struct {
		activity string
		id       int64
	}
	addressBucket struct {
		activity  string
		household netip.Prefix
	}
)

// newLimiter returns a limiter that knows at most size users and addresses.
func newLimiter(size int) (*limiter, error) {
	users, err := lru.New[userBucket, *rate.Limiter](size)
	if err != nil {
		return nil, fmt.Errorf("limits: %w", err)
	}
	addresses, err := lru.New[addressBucket, *rate.Limiter](size)
	if err != nil {
		return nil, fmt.Errorf("limits: %w", err)
	}
	return &limiter{users, addresses}, nil
}

// wait takes note that somebody does something, or returns how long they have to
// wait before they may. A user of 0 is nobody known; an address that is none is
// not counted.
func (l *limiter) wait(a activity, user int64, household netip.Prefix) time.Duration {
	var buckets []*rate.Limiter
	if user != 0 {
		buckets = append(buckets, bucketOf(l.users, userBucket{a.name, user}, a.user))
	}
	if household.IsValid() {
		buckets = append(buckets, bucketOf(l.addresses, addressBucket{a.name, household}, a.address))
	}
	return takeFrom(time.Now(), buckets)
}

// takeFrom takes one token of each bucket, or none and returns how long it takes
// until there is one in each.
func takeFrom(now time.Time, buckets []*rate.Limiter) time.Duration {
	var longest time.Duration
	var taken []*rate.Reservation
	for _, bucket := range buckets {
		token := bucket.ReserveN(now, 1)
		longest = max(longest, token.DelayFrom(now))
		taken = append(taken, token)
	}
	if longest > 0 {
		for _, token := range taken {
			token.CancelAt(now)
		}
	}
	return longest
}

// bucketOf returns the bucket of the key, a full one when there is none.
func bucketOf[K comparable](all *lru.Cache[K, *rate.Limiter], key K, p allowance) *rate.Limiter {
	if bucket, ok := all.Get(key); ok {
		return bucket
	}
	full := rate.NewLimiter(rate.Limit(p.perMinute)/60, p.burst)
	if bucket, ok, _ := all.PeekOrAdd(key, full); ok {
		return bucket // somebody else was quicker
	}
	return full
}

// limited serves h to those who do not do it too often. Others get 429 with what
// they typed.
func limited[A any](s *Server, a activity, h func(http.ResponseWriter, *http.Request, A) error) func(http.ResponseWriter, *http.Request, A) error {
	return func(w http.ResponseWriter, r *http.Request, who A) error {
		if wait := s.waitFor(a, r); wait > 0 {
			return s.answerTooFast(w, r, a, wait)
		}
		return h(w, r, who)
	}
}

// waitFor is the limiter's answer for a request. Programs on this machine are
// not limited: they measure and test. What a proxy here passes on is no such
// thing; when it is not trusted to name the address, the user alone counts.
func (s *Server) waitFor(a activity, r *http.Request) time.Duration {
	household := householdOf(s.clientAddr(r))
	if household.Addr().IsLoopback() {
		if !isForwarded(r) {
			return 0
		}
		household = netip.Prefix{}
	}
	return s.limits.wait(a, asking(r).user.ID, household)
}

// isForwarded reports whether a proxy says that it has passed the request on.
func isForwarded(r *http.Request) bool {
	names := []string{"Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip"}
	return slices.ContainsFunc(names, func(name string) bool { return r.Header.Get(name) != "" })
}

// tooFast is the problem of who has to wait.
func tooFast(w http.ResponseWriter, a activity, wait time.Duration) *userError {
	seconds := int(math.Ceil(wait.Seconds()))
	w.Header().Set("Retry-After", fmt.Sprint(seconds))
	return &userError{http.StatusTooManyRequests, fmt.Sprintf("%s Try again in %s.", a.text, plural(seconds, "second"))}
}

// answerTooFast says when to try again. A form of a page without JavaScript
// comes back as it was typed.
func (s *Server) answerTooFast(w http.ResponseWriter, r *http.Request, a activity, wait time.Duration) error {
	problem := tooFast(w, a, wait)
	switch {
	case a == saving && wantsFragment(r):
		return s.sayNotSaved(w, r, problem)
	case r.Method != http.MethodPost, isAPI(r), isHTMX(r):
		return problem
	}
	values, err := readForm(r)
	if err != nil {
		return err
	}
	view := expiredView{Heading: "Too fast", Action: r.URL.RequestURI(), Why: problem.text, Fields: newFields(values)}
	return s.page(w, r, http.StatusTooManyRequests, "expired", page{Title: view.Heading, Main: view})
}
