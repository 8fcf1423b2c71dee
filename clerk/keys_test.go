package clerk_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"inkwell/clerk"
)

// keyed returns settings that fetch the key set from a handler.
func keyed(h http.HandlerFunc) clerk.Config {
	c := config(true)
	c.JWTKey, c.HTTPClient = "", double{h}.client()
	return c
}

func session() *http.Request { return withSession(sign(sessionClaims(nil), nil, "")) }

func TestKeySetFailures(t *testing.T) {
	text := func(status int, contentType, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", contentType)
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		}
	}
	clerksError := map[string]any{"errors": []any{map[string]any{"code": "some_code", "message": "text of Clerk's"}}}
	tests := []struct {
		name    string
		handler http.HandlerFunc
		reason  string
		problem string // part of Result.Problem
	}{
		{"good", answer(200, jwks(kid, &keys()[0].PublicKey)), "", ""},
		{"other keys", answer(200, jwks("ins_2", &keys()[0].PublicKey)), "jwk-kid-mismatch", ""},
		{"no keys", answer(200, map[string]any{"keys": []any{}}), "jwk-remote-failed-to-load", "no signing key"},
		{"null", answer(200, nil), "jwk-remote-failed-to-load", "no signing key"},
		{"keys of unknown kinds", answer(200, map[string]any{"keys": []any{map[string]any{"kty": "FUTURE", "kid": kid}}}), "jwk-remote-failed-to-load", "no signing key"},
		{"not JSON", text(200, "text/html", "<html>"), "jwk-remote-failed-to-load", "not JSON"},
		{"list", answer(200, []any{}), "jwk-remote-failed-to-load", "not JSON"},
		{"too long", text(200, "application/json", `{"keys":"`+strings.Repeat("x", 2<<20)+`"}`), "jwk-remote-failed-to-load", "not JSON"},
		{"500", answer(500, clerksError), "jwk-remote-failed-to-load", "500 some_code"},
		{"502 of a proxy", text(502, "text/html", "<html>secret"), "jwk-remote-failed-to-load", "502"},
		{"refused secret", answer(401, clerksError), "secret-key-invalid", "401"},
		{"redirect", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://evil.example/v1/jwks", http.StatusFound)
		}, "jwk-remote-failed-to-load", "302"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := authenticate(t, keyed(tt.handler), session())
			if got.Reason != tt.reason {
				t.Errorf("reason %q, want %q", got.Reason, tt.reason)
			}
			problem := fmt.Sprint(got.Problem)
			if (got.Problem != nil) != (tt.problem != "") || !strings.Contains(problem, tt.problem) {
				t.Errorf("problem %v, want %q", got.Problem, tt.problem)
			}
			for _, secret := range []string{liveKey, "text of Clerk's", "<html>", "api.clerk.com"} {
				if strings.Contains(problem+got.Message, secret) {
					t.Errorf("%q in %q, %q", secret, problem, got.Message)
				}
			}
		})
	}
}

func TestKeySetIsAskedForWithTheSecret(t *testing.T) {
	var asked *http.Request
	c := keyed(func(w http.ResponseWriter, r *http.Request) {
		asked = r
		answer(200, jwks(kid, &keys()[0].PublicKey))(w, r)
	})
	c.APIURL = "http://127.0.0.1:4811/"
	authenticate(t, c, session())
	if got := asked.URL.String(); got != "http://127.0.0.1:4811/v1/jwks" {
		t.Errorf("asked %s", got)
	}
	if asked.Header.Get("Authorization") != "Bearer "+liveKey || asked.Header.Get("Clerk-Api-Version") == "" {
		t.Errorf("headers %v", asked.Header)
	}
}

// A rotation is noticed by the new key's unknown id; the old key is refused
// with the next set, and in five minutes at the latest.
func TestKeyRotation(t *testing.T) {
	clock := now
	id, fetches := kid, 0
	c := keyed(func(w http.ResponseWriter, r *http.Request) {
		fetches++
		answer(200, jwks(id, &keys()[0].PublicKey))(w, r)
	})
	c.Now = func() time.Time { return clock }
	a := newAuthenticator(t, c)
	steps := []struct {
		name    string
		after   time.Duration
		publish string
		token   string // its kid
		reason  string
		fetches int // so far
	}{
		{"first", 0, kid, kid, "", 1},
		{"again", time.Second, kid, kid, "", 1},
		{"nearly too old", 5*time.Minute - 2*time.Second, kid, kid, "", 1},
		{"too old", time.Second, kid, kid, "", 2},
		{"unknown", 0, kid, "ins_new", "jwk-kid-mismatch", 3},
		{"unknown again", 29 * time.Second, "ins_new", "ins_new", "jwk-kid-mismatch", 3},
		{"another unknown", 0, "ins_new", "ins_made_up", "jwk-kid-mismatch", 3},
		{"old one in the meantime", 0, "ins_new", kid, "", 3},
		{"unknown after the pause", time.Second, "ins_new", "ins_new", "", 4},
		{"old one is gone", 0, "ins_new", kid, "jwk-kid-mismatch", 4},
	}
	for _, step := range steps {
		clock = clock.Add(step.after)
		id = step.publish
		fresh := claims{"iat": clock.Unix(), "nbf": clock.Unix(), "exp": clock.Unix() + 60}
		result, err := a.Authenticate(withSession(sign(sessionClaims(fresh), map[string]any{"kid": step.token}, "")))
		if err != nil || result.Reason != step.reason || fetches != step.fetches {
			t.Errorf("%s: %q after %d fetches (%v), want %q after %d", step.name, result.Reason, fetches, err, step.reason, step.fetches)
		}
	}
}

// A set that cannot be fetched again because of an unknown id stays in use.
func TestKeysSurviveFailedFetch(t *testing.T) {
	var fetches atomic.Int32
	a := newAuthenticator(t, keyed(func(w http.ResponseWriter, r *http.Request) {
		if fetches.Add(1) > 1 {
			w.WriteHeader(500)
			return
		}
		answer(200, jwks(kid, &keys()[0].PublicKey))(w, r)
	}))
	for _, step := range []struct{ id, reason string }{
		{kid, ""}, {"ins_x", "jwk-remote-failed-to-load"}, {kid, ""}, {"ins_x", "jwk-kid-mismatch"},
	} {
		result, err := a.Authenticate(withSession(sign(sessionClaims(nil), map[string]any{"kid": step.id}, "")))
		if err != nil || result.Reason != step.reason {
			t.Errorf("%s: %q, %v, want %q", step.id, result.Reason, err, step.reason)
		}
	}
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

// With a key in the settings nothing is fetched, whatever the token's kid.
func TestFixedKey(t *testing.T) {
	c := config(true)
	c.HTTPClient = double{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { t.Errorf("asked for %s", r.URL) })}.client()
	for _, end := range []string{"\n", `\n`, "\r\n"} {
		c.JWTKey = strings.ReplaceAll(publicPEM(&keys()[0].PublicKey), "\n", end)
		if got := authenticate(t, c, withSession(sign(sessionClaims(nil), map[string]any{"kid": "any"}, ""))); got.State != clerk.SignedIn {
			t.Errorf("line ends %q: %q", end, got.Reason)
		}
	}
}
