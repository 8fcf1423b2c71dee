package clerk_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"inkwell/clerk"
	"inkwell/clerk/clerktest"
)

// What nobody waits for is tried again when that may help, as late as Clerk
// says.
func TestPatiently(t *testing.T) {
	limited := func(seconds string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", seconds)
			answer(http.StatusTooManyRequests, clerksError("too_many_requests"))(w, r)
		}
	}
	down := answer(http.StatusBadGateway, nil)
	good := answer(http.StatusOK, map[string]any{"total_count": 3})
	tests := []struct {
		name    string
		answers []http.HandlerFunc
		waited  time.Duration
		fails   bool
	}{
		{"good", []http.HandlerFunc{good}, 0, false},
		{"too many", []http.HandlerFunc{limited("7"), good}, 7 * time.Second, false},
		{"too many twice", []http.HandlerFunc{limited("7"), limited("7"), good}, 14 * time.Second, false},
		{"a minute", []http.HandlerFunc{limited("60"), good}, time.Minute, false},
		{"more than a minute", []http.HandlerFunc{limited("61"), good}, time.Minute, false},
		{"years", []http.HandlerFunc{limited("4294967295"), good}, time.Minute, false},
		{"no number", []http.HandlerFunc{limited("99999999999999999999"), good}, 10 * time.Second, false},
		{"not said how long", []http.HandlerFunc{limited(""), good}, 10 * time.Second, false},
		{"no time", []http.HandlerFunc{limited("0"), good}, 10 * time.Second, false},
		{"negative", []http.HandlerFunc{limited("-1"), good}, 10 * time.Second, false},
		{"a fraction", []http.HandlerFunc{limited("1.5"), good}, 10 * time.Second, false},
		{"a date", []http.HandlerFunc{limited("Wed, 21 Oct 2026 07:28:00 GMT"), good}, 10 * time.Second, false},
		{"down for a while", []http.HandlerFunc{down, down, down, good}, 7 * time.Second, false},
		{"down for long", []http.HandlerFunc{down, down, down, down, down, good}, 15 * time.Second, true},
		{"wrong key", []http.HandlerFunc{answer(http.StatusUnauthorized, clerksError("clerk_key_invalid"))}, 0, true},
		{"forbidden", []http.HandlerFunc{answer(http.StatusForbidden, nil)}, 0, true},
		{"wrong parameter", []http.HandlerFunc{answer(http.StatusUnprocessableEntity, clerksError("form_param_invalid"))}, 0, true},
		{"not JSON", []http.HandlerFunc{func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("<html>")) }}, 0, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				calls := 0
				api := newAPI(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					calls++
					tt.answers[calls-1](w, r)
				}))
				began := time.Now()
				err := api.Patiently(t.Context(), func() error {
					_, err := api.CountUsers(t.Context())
					return err
				})
				if waited := time.Since(began); (err != nil) != tt.fails || waited != tt.waited {
					t.Errorf("%v after %v, want %v", err, waited, tt.waited)
				}
			})
		})
	}
}

// A network that is not there for a while is waited for; what the caller stops
// is not.
func TestPatientlyWithoutNetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clerktest.Config(true)
		c.HTTPClient = &http.Client{Transport: silent{}}
		api := clerk.NewAPI(c)
		call := func() error {
			_, err := api.User(t.Context(), "user_1")
			return err
		}
		began := time.Now()
		if err := api.Patiently(t.Context(), call); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 40*time.Second {
			t.Errorf("%v after %v, want five calls of 5 s and 15 s between them", err, time.Since(began))
		}
		ctx, stop := context.WithTimeout(t.Context(), 7*time.Second)
		defer stop()
		began = time.Now()
		if err := api.Patiently(ctx, call); err == nil || time.Since(began) != 11*time.Second {
			t.Errorf("%v after %v, want the second call to be the last", err, time.Since(began))
		}
	})
}

// An answer that breaks off is asked for again.
func TestPatientlyWithHalfAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clerktest.Config(true)
		halves := &broken{}
		c.HTTPClient = &http.Client{Transport: halves}
		api := clerk.NewAPI(c)
		err := api.Patiently(t.Context(), func() error {
			_, err := api.CountUsers(t.Context())
			return err
		})
		if err == nil || halves.answers != 5 {
			t.Errorf("%v after %d answers", err, halves.answers)
		}
	})
}

// broken breaks its answers off.
type broken struct{ answers int }

func (b *broken) RoundTrip(r *http.Request) (*http.Response, error) {
	b.answers++
	body := io.MultiReader(strings.NewReader(`{"total_`), iotest.ErrReader(io.ErrUnexpectedEOF))
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(body), Request: r}, nil
}
