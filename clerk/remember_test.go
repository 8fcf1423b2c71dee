package clerk_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"inkwell/clerk"
)

// A token that was good is held against the clock and the keys again each
// time, although the work on its signature is not done again.
func TestRememberedTokenIsNotTrustedForLonger(t *testing.T) {
	clock, id, key := now, kid, 0
	c := keyed(func(w http.ResponseWriter, r *http.Request) {
		answer(200, jwks(id, &keys()[key].PublicKey))(w, r)
	})
	c.Now = func() time.Time { return clock }
	a := newAuthenticator(t, c)
	long := withSession(sign(sessionClaims(claims{"exp": now.Unix() + 3600}), nil, ""))
	short := withSession(sign(sessionClaims(nil), nil, ""))
	steps := []struct {
		name   string
		after  time.Duration
		key    int // published
		r      *http.Request
		reason string
	}{
		{"good", 0, 0, short, ""},
		{"remembered", time.Second, 0, short, ""},
		{"expired", 64 * time.Second, 0, short, "session-token-expired-refresh-non-eligible-no-refresh-cookie"},
		{"good", 0, 0, long, ""},
		{"remembered", time.Minute, 0, long, ""},
		{"its key is replaced under the same id", 5 * time.Minute, 1, long, "token-invalid-signature"},
		{"its key is back", 5 * time.Minute, 0, long, ""},
	}
	for _, step := range steps {
		clock, key = clock.Add(step.after), step.key
		result, err := a.Authenticate(step.r)
		if err != nil || result.Reason != step.reason {
			t.Errorf("%s: %q, %v; want %q", step.name, result.Reason, err, step.reason)
		}
	}
}

// What differs from a remembered token in one sign is another token.
func TestRememberedTokenIsTakenWhole(t *testing.T) {
	a := newAuthenticator(t, config(true))
	good := sign(sessionClaims(nil), nil, "")
	if result, err := a.Authenticate(withSession(good)); err != nil || result.State != clerk.SignedIn {
		t.Fatal(result.Reason, err)
	}
	for i := len(good) - 40; i < len(good)-5; i++ {
		flipped := []byte(good)
		flipped[i] ^= 1
		if result, _ := a.Authenticate(withSession(string(flipped))); result.State == clerk.SignedIn {
			t.Errorf("a token whose sign %d is altered counts", i)
		}
	}
}

// BenchmarkAuthenticateNew verifies tokens that were not seen before,
// BenchmarkAuthenticateRemembered the same one again.
func BenchmarkAuthenticateNew(b *testing.B) {
	a := newAuthenticator(b, config(true))
	var requests []*http.Request
	for i := range 4096 { // more than are remembered
		requests = append(requests, withSession(sign(sessionClaims(claims{"jti": fmt.Sprint(i)}), nil, "")))
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		benchmark(b, a, requests[i%len(requests)])
	}
}

func BenchmarkAuthenticateRemembered(b *testing.B) {
	a := newAuthenticator(b, config(true))
	r := withSession(sign(sessionClaims(nil), nil, ""))
	b.ReportAllocs()
	for b.Loop() {
		benchmark(b, a, r)
	}
}

func benchmark(b *testing.B, a *clerk.Authenticator, r *http.Request) {
	if result, err := a.Authenticate(r); err != nil || result.State != clerk.SignedIn {
		b.Fatal(result.Reason, err)
	}
}
