package clerk_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"inkwell/clerk"
)

// A keyServer is the key set endpoint of the Backend API. What it serves may
// change while nobody asks.
type keyServer struct {
	id      string // of the one key; "down" for an error, "silent" for no answer
	fetches atomic.Int32
}

func (s *keyServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.fetches.Add(1)
	switch s.id {
	case "down":
		w.WriteHeader(http.StatusInternalServerError)
	case "silent":
		<-r.Context().Done()
	default:
		answer(200, jwks(s.id, &keys()[0].PublicKey))(w, r)
	}
}

// authenticator returns one that fetches its keys from s, by the bubble's
// clock.
func (s *keyServer) authenticator(t *testing.T) *clerk.Authenticator {
	c := keyed(s.ServeHTTP)
	c.Now = time.Now
	return newAuthenticator(t, c)
}

// ask returns the reason for refusing a token that is signed now with the key
// of an id.
func ask(t *testing.T, a *clerk.Authenticator, id string) string {
	t.Helper()
	result, err := a.Authenticate(bearing(id))
	if err != nil {
		t.Fatal(err)
	}
	if unavailable := result.Problem != nil; result.Unverified != unavailable {
		t.Errorf("unverified: %v, want %v", result.Unverified, unavailable)
	}
	return result.Reason
}

// bearing returns a request with a token that is signed now with the key of an
// id.
func bearing(id string) *http.Request {
	at := time.Now().Unix()
	good := claims{"iat": at, "nbf": at, "exp": at + 60}
	token := sign(sessionClaims(good), map[string]any{"kid": id}, "")
	return get("/", map[string]string{clerk.SessionCookie: token, clerk.ClientUATCookie: "1"})
}

// TestKeySet tells, moment by moment, when the key set is asked for and what
// is thought of a token.
func TestKeySet(t *testing.T) {
	const mismatch, unloaded = "jwk-kid-mismatch", "jwk-remote-failed-to-load"
	type step struct {
		after   time.Duration
		serve   string        // from now on
		token   string        // its kid
		reason  string        // why it is refused
		fetches int32         // so far
		waited  time.Duration // for the answer
	}
	scenarios := map[string][]step{
		"fresh for five minutes": {
			{0, "ins_1", "ins_1", "", 1, 0},
			{time.Second, "ins_2", "ins_1", "", 1, 0},
			{5*time.Minute - 2*time.Second, "ins_2", "ins_1", "", 1, 0},
			{time.Second, "ins_2", "ins_1", mismatch, 2, 0},
			{0, "ins_2", "ins_2", "", 2, 0},
		},
		"a rotation is noticed by the new key's id": {
			{0, "ins_1", "ins_1", "", 1, 0},
			{time.Second, "ins_2", "ins_2", "", 2, 0},
			{0, "ins_2", "ins_1", mismatch, 2, 0},
		},
		"an unknown id is remembered for half a minute": {
			{0, "ins_1", "ins_1", "", 1, 0},
			{time.Second, "ins_1", "ins_2", mismatch, 2, 0},
			{29 * time.Second, "ins_2", "ins_2", mismatch, 2, 0},
			{time.Second, "ins_2", "ins_2", "", 3, 0},
		},
		"unknown ids have one limit": {
			{0, "ins_1", "ins_1", "", 1, 0},
			{time.Second, "ins_1", "ins_a", mismatch, 2, 0},
			{time.Millisecond, "ins_1", "ins_b", mismatch, 3, 0},
			{time.Millisecond, "ins_1", "ins_c", mismatch, 4, 0},
			{time.Millisecond, "ins_1", "ins_d", mismatch, 5, 0},
			{time.Millisecond, "ins_1", "ins_e", mismatch, 6, 0},
			{time.Millisecond, "ins_1", "ins_f", mismatch, 6, 0},
			{time.Millisecond, "ins_1", "ins_1", "", 6, 0},
			{5 * time.Second, "ins_2", "ins_2", "", 7, 0},
			{time.Millisecond, "ins_2", "ins_h", mismatch, 7, 0},
		},
		"a stale set serves an hour of outage": {
			{0, "ins_1", "ins_1", "", 1, 0},
			{5 * time.Minute, "down", "ins_1", "", 2, 0},
			{time.Millisecond, "down", "ins_1", "", 2, 0},
			{time.Millisecond, "down", "ins_2", unloaded, 2, 0},
			{time.Second, "down", "ins_1", "", 3, 0},
			{54 * time.Minute, "down", "ins_1", "", 4, 0},
			{time.Minute, "down", "ins_1", unloaded, 5, 0},
			{time.Second, "ins_1", "ins_1", "", 6, 0},
		},
		"a stale set is replaced after an outage": {
			{0, "ins_1", "ins_1", "", 1, 0},
			{5 * time.Minute, "down", "ins_1", "", 2, 0},
			{time.Second, "ins_2", "ins_1", "", 3, 0},
			{time.Millisecond, "ins_2", "ins_1", mismatch, 4, 0},
			{0, "ins_2", "ins_2", "", 4, 0},
		},
		"an outage that does not answer is waited for once": {
			{0, "ins_1", "ins_1", "", 1, 0},
			{5 * time.Minute, "silent", "ins_1", "", 2, time.Second},
			{time.Second, "silent", "ins_1", "", 2, 0},
			{4 * time.Second, "silent", "ins_1", "", 3, 0},
			{time.Second, "silent", "ins_1", "", 3, 0},
		},
		"an outage from the start is asked about once a second": {
			{0, "down", "ins_1", unloaded, 1, 0},
			{999 * time.Millisecond, "ins_1", "ins_1", unloaded, 1, 0},
			{time.Millisecond, "ins_1", "ins_1", "", 2, 0},
		},
		"an outage from the start that does not answer": {
			{0, "silent", "ins_1", unloaded, 1, 5 * time.Second},
			{0, "silent", "ins_1", unloaded, 1, 0},
		},
		"a failed fetch for an unknown id takes no key away": {
			{0, "ins_1", "ins_1", "", 1, 0},
			{time.Second, "down", "ins_2", unloaded, 2, 0},
			{0, "down", "ins_1", "", 2, 0},
			{0, "down", "ins_2", unloaded, 2, 0},
			{time.Second, "ins_2", "ins_2", "", 3, 0},
		},
	}
	keys() // takes long; not in a bubble
	for name, steps := range scenarios {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := &keyServer{}
				a := server.authenticator(t)
				for i, step := range steps {
					<-time.After(step.after)
					synctest.Wait()
					server.id = step.serve
					came := time.Now()
					reason := ask(t, a, step.token)
					waited := time.Since(came)
					synctest.Wait()
					if n := server.fetches.Load(); reason != step.reason || n != step.fetches || waited != step.waited {
						t.Errorf("step %d: %q, %d fetches, waited %v; want %q, %d, %v", i, reason, n, waited, step.reason, step.fetches, step.waited)
					}
				}
				<-time.After(time.Minute) // until nothing is under way
			})
		})
	}
}

// Whoever makes up ids makes us ask for the key set a few times, not more.
func TestFloodOfUnknownKeys(t *testing.T) {
	keys()
	synctest.Test(t, func(t *testing.T) {
		server := &keyServer{id: kid}
		a := server.authenticator(t)
		var all sync.WaitGroup
		for i := range 400 {
			all.Go(func() {
				<-time.After(time.Duration(i) * 50 * time.Millisecond) // 20 seconds in all
				if reason := ask(t, a, fmt.Sprint("ins_made_up_", i)); reason != "jwk-kid-mismatch" {
					t.Errorf("made up: %q", reason)
				}
				if reason := ask(t, a, kid); reason != "" {
					t.Errorf("good: %q", reason)
				}
			})
		}
		all.Wait()
		if n := server.fetches.Load(); n > 1+5+20/5 {
			t.Errorf("%d fetches", n)
		}
	})
}

// Where the limit forbids to look for a key, nobody is told that there is none.
func TestKeyThatIsNotLookedFor(t *testing.T) {
	keys()
	synctest.Test(t, func(t *testing.T) {
		a := (&keyServer{id: kid}).authenticator(t)
		ask(t, a, kid)
		for i := range 6 {
			<-time.After(time.Millisecond)
			result, err := a.Authenticate(bearing(fmt.Sprint("ins_made_up_", i)))
			if limited := i == 5; err != nil || result.Reason != "jwk-kid-mismatch" || result.Unverified != limited {
				t.Errorf("%d: %q, unverified %t, %v", i, result.Reason, result.Unverified, err)
			}
		}
	})
}

// A set that was asked for before a key was published says nothing about the
// key, however late it arrives.
func TestKeyPublishedDuringFetch(t *testing.T) {
	keys()
	synctest.Test(t, func(t *testing.T) {
		var published atomic.Value
		published.Store(kid)
		c := keyed(func(w http.ResponseWriter, r *http.Request) {
			id := published.Load().(string)
			<-time.After(time.Second) // under way
			answer(200, jwks(id, &keys()[0].PublicKey))(w, r)
		})
		c.Now = time.Now
		a := newAuthenticator(t, c)
		ask(t, a, kid)
		<-time.After(10 * time.Second)
		var first sync.WaitGroup
		first.Go(func() { ask(t, a, "ins_made_up") })
		<-time.After(time.Millisecond)
		published.Store("ins_2")
		if reason := ask(t, a, "ins_2"); reason != "" {
			t.Errorf("the new key: %q", reason)
		}
		first.Wait()
	})
}

// While keys are rotated under load, no token of the new key is refused, and
// the old key's only once the old key is withdrawn.
func TestKeyRotationUnderLoad(t *testing.T) {
	keys()
	synctest.Test(t, func(t *testing.T) {
		server := &keyServer{id: "ins_1"}
		a := server.authenticator(t)
		var rotated atomic.Bool
		var wrong, refused atomic.Int32
		var all sync.WaitGroup
		for i := range 50 {
			all.Go(func() {
				for range 20 {
					<-time.After(time.Duration(i+1) * time.Millisecond)
					after := rotated.Load()
					id := "ins_1"
					if after && i%2 == 0 {
						id = "ins_2"
					}
					switch reason := ask(t, a, id); {
					case reason != "" && id == "ins_1" && rotated.Load():
						refused.Add(1)
					case reason != "":
						wrong.Add(1)
					}
				}
			})
		}
		<-time.After(500 * time.Millisecond)
		synctest.Wait()
		server.id = "ins_2"
		rotated.Store(true)
		all.Wait()
		if wrong.Load() > 0 || refused.Load() == 0 {
			t.Errorf("%d wrong refusals, %d of the old key", wrong.Load(), refused.Load())
		}
	})
}

// Requests that come at once share one fetch, and whoever started it may go
// away.
func TestKeySetIsFetchedOnce(t *testing.T) {
	keys() // takes long; not in the bubble
	synctest.Test(t, func(t *testing.T) {
		var fetches atomic.Int32
		release := make(chan struct{})
		a := newAuthenticator(t, keyed(func(w http.ResponseWriter, r *http.Request) {
			fetches.Add(1)
			<-release
			answer(200, jwks(kid, &keys()[0].PublicKey))(w, r)
		}))
		ctx, cancel := context.WithCancel(t.Context())
		first := make(chan clerk.Result)
		go func() {
			result, _ := a.Authenticate(session().WithContext(ctx))
			first <- result
		}()
		synctest.Wait()
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				if result, err := a.Authenticate(session()); err != nil || result.State != clerk.SignedIn {
					t.Errorf("%s %q, %v", result.State, result.Reason, err)
				}
			})
		}
		synctest.Wait()
		cancel()
		if result := <-first; result.Reason != "unexpected-error" || !errors.Is(result.Problem, context.Canceled) {
			t.Errorf("the one that went away: %q, %v", result.Reason, result.Problem)
		}
		close(release)
		all.Wait()
		if n := fetches.Load(); n != 1 {
			t.Errorf("%d fetches, want 1", n)
		}
	})
}

// A Backend API that does not answer costs a request five seconds.
func TestSlowKeySet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := config(true)
		c.JWTKey, c.HTTPClient = "", &http.Client{Transport: silent{}}
		start := time.Now()
		got := authenticate(t, c, session())
		if waited := time.Since(start); got.Reason != "jwk-remote-failed-to-load" || waited != 5*time.Second {
			t.Errorf("%q after %v", got.Reason, waited)
		}
	})
}

// silent never answers.
type silent struct{}

func (silent) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}
