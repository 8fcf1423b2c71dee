// Package clerktest is support for tests of package clerk and of programs that
// use it: a Clerk instance with fixed keys at a fixed time, tokens of every
// kind, a stand-in for the Backend API, and the answers of Clerk's own server
// SDK to many requests.
package clerktest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"time"

	"inkwell/clerk"
)

const (
	Host  = "clerk.example.com"     // of the instance's Frontend API
	KeyID = "ins_1"                 // of the instance's key
	App   = "http://localhost:4000" // origin of the application

	SecretKeyTest = "sk_test_abcdefghijklmnop" // of the development instance
	SecretKeyLive = "sk_live_abcdefghijklmnop" // of the production instance
)

// Now is when tests take place.
func Now() time.Time { return time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC) }

// Config returns the settings of an instance whose sessions can be verified
// without its Backend API, which answers 404 to everything.
func Config(production bool) clerk.Config {
	c := clerk.Config{
		PublishableKey: clerk.NewPublishableKey(Host, production),
		SecretKey:      SecretKeyTest,
		JWTKey:         PublicPEM(&InstanceKey().PublicKey),
		HTTPClient:     Client(http.NotFoundHandler()),
		Now:            Now,
	}
	if production {
		c.SecretKey = SecretKeyLive
	}
	return c
}

// everybody is a client anywhere.
func everybody() []netip.Prefix {
	return []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
}

// Client returns a client that has its requests answered by a handler, which
// stands in for the Backend API. There is no network in between.
func Client(api http.Handler) *http.Client {
	return &http.Client{Transport: transport{api}}
}

type transport struct{ http.Handler }

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	w := httptest.NewRecorder()
	t.ServeHTTP(w, r)
	return w.Result(), nil
}

// Answer returns a handler that answers with JSON.
func Answer(status int, body any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(body)
	}
}

// Error is the body of an answer that is an error of Clerk's.
func Error(code string) any {
	return map[string]any{"errors": []any{map[string]any{"code": code, "message": "not to be shown"}}, "clerk_trace_id": "x"}
}
