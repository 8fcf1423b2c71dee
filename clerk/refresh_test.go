package clerk_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"inkwell/clerk"
)

// expiredClaims are those of a session token of ten minutes ago.
func expiredClaims(overrides claims) claims {
	c := sessionClaims(claims{"iat": now.Unix() - 600, "nbf": now.Unix() - 610, "exp": now.Unix() - 540})
	maps.Copy(c, overrides)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	return c
}

// refreshable is a page's request whose session has expired, from a browser
// with a refresh token.
func refreshable(token string) *http.Request {
	r := withSession(token)
	r.Header.Add("Cookie", "__refresh_"+clerk.Suffix(clerk.NewPublishableKey(host, true))+"=rt_1")
	return r
}

// refreshing returns settings of a production instance with a Backend API that
// answers the refresh.
func refreshing(h http.HandlerFunc) clerk.Config {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/sessions/{id}/refresh", h)
	c := config(true)
	c.HTTPClient = double{mux}.client()
	return c
}

func TestRefresh(t *testing.T) {
	fresh := sign(sessionClaims(nil), nil, "")
	cookie := "__session=" + fresh + "; Path=/; Secure; SameSite=Lax"
	cookies := func(list ...string) http.HandlerFunc {
		return answer(200, map[string]any{"object": "cookies", "cookies": list})
	}
	const expired = "session-token-expired-refresh-"
	tests := []struct {
		name    string
		answer  http.HandlerFunc
		cookies []string
		reason  string
		failed  bool // there is a problem for the log
	}{
		{"fresh", cookies(cookie), []string{cookie}, "", false},
		{"the last of two", cookies("__session_x=not.a.token; Path=/", cookie), []string{"__session_x=not.a.token; Path=/", cookie}, "", false},
		{"pending", cookies("__session=" + sign(sessionClaims(claims{"sts": "pending"}), nil, "")), nil, "session-pending", false},
		{"none", cookies(), nil, expired + "unexpected-sdk-error", false},
		{"no list", answer(200, map[string]any{"object": "cookies"}), nil, expired + "unexpected-sdk-error", false},
		{"no session among them", cookies("__client_uat=1"), nil, expired + "invalid-session-token", true},
		{"not a token", cookies("__session=x"), nil, expired + "invalid-session-token", true},
		{"expired again", cookies("__session=" + sign(expiredClaims(nil), nil, "")), nil, expired + "invalid-session-token", true},
		{"of a stranger", cookies("__session=" + sign(sessionClaims(nil), nil, "wrong_key")), nil, expired + "invalid-session-token", true},
		{"for another site", cookies("__session=" + sign(sessionClaims(claims{"iss": "https://clerk.other.example"}), nil, "")), nil, expired + "invalid-session-token", true},
		{"refused", answer(401, clerksError("session_invalid")), nil, expired + "session_invalid", true},
		{"what Clerk's SDK calls no answer", answer(500, clerksError("unexpected_error")), nil, expired + "fetch-error", true},
		{"an error without a code", answer(502, "bad gateway"), nil, expired + "unexpected-bapi-error", true},
		{"an error whose code is no word", answer(400, clerksError("a\r\nb")), nil, expired + "unexpected-bapi-error", true},
		{"not JSON", func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("<html>")) }, nil, expired + "fetch-error", true},
		{"another type", answer(200, map[string]any{"cookies": "x"}), nil, expired + "fetch-error", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := authenticate(t, refreshing(tt.answer), refreshable(sign(expiredClaims(nil), nil, "")))
			if got.Reason != tt.reason || (got.Problem != nil) != tt.failed {
				t.Errorf("%q, %v; want %q", got.Reason, got.Problem, tt.reason)
			}
			if tt.cookies != nil && (got.State != clerk.SignedIn || !slices.Equal(got.Header["Set-Cookie"], tt.cookies) || len(got.Header) != 1) {
				t.Errorf("%s with %v, want to be signed in with %v", got.State, got.Header, tt.cookies)
			}
			if tt.cookies == nil && got.State == clerk.SignedIn {
				t.Error("signed in")
			}
		})
	}
}

// What the Backend API is asked for, as Clerk's SDK asks.
func TestRefreshRequest(t *testing.T) {
	suffix := clerk.Suffix(clerk.NewPublishableKey(host, true))
	token := sign(expiredClaims(claims{"sid": "sess_9"}), nil, "")
	plain := refreshable(token)
	suffixed := get("/", map[string]string{"__client_uat_" + suffix: "1", "__session_" + suffix: token, "__refresh": "of_another", "__refresh_" + suffix: "rt%5F1"})
	for name, tt := range map[string]struct {
		r     *http.Request
		query string
	}{
		"plain":    {plain, ""},
		"suffixed": {suffixed, "suffixed_cookies=true"},
	} {
		t.Run(name, func(t *testing.T) {
			var asked *http.Request
			var body struct {
				Format         string              `json:"format"`
				ExpiredToken   string              `json:"expired_token"`
				RefreshToken   string              `json:"refresh_token"`
				RequestOrigin  string              `json:"request_origin"`
				RequestHeaders map[string][]string `json:"request_headers"`
			}
			tt.r.Header.Set("User-Agent", "Test/1")
			got := authenticate(t, refreshing(func(w http.ResponseWriter, r *http.Request) {
				asked = r
				if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
					t.Error(err)
				}
				answer(200, nil)(w, r)
			}), tt.r)
			if asked == nil {
				t.Fatalf("not asked: %q, %v", got.Reason, got.Problem)
			}
			if asked.URL.Path != "/v1/sessions/sess_9/refresh" || asked.URL.RawQuery != tt.query || asked.Header.Get("Authorization") != "Bearer "+liveKey {
				t.Errorf("asked %s?%s with %v", asked.URL.Path, asked.URL.RawQuery, asked.Header)
			}
			if body.Format != "cookie" || body.ExpiredToken != token || body.RefreshToken != "rt_1" || body.RequestOrigin != app {
				t.Errorf("asked with %+v", body)
			}
			if got := body.RequestHeaders; !slices.Equal(got["user-agent"], []string{"Test/1"}) || !slices.Equal(got["host"], []string{"localhost:4000"}) {
				t.Errorf("headers %v", got)
			}
		})
	}
}

// Nothing is asked for where a refresh cannot help.
func TestNoRefresh(t *testing.T) {
	const expired = "session-token-expired-refresh-"
	good, old := sign(sessionClaims(nil), nil, ""), sign(expiredClaims(nil), nil, "")
	posted := refreshable(old)
	posted.Method = http.MethodPost
	tests := []struct {
		name   string
		r      *http.Request
		reason string
	}{
		{"not expired", refreshable(good), ""},
		{"no cookie", withSession(old), expired + "non-eligible-no-refresh-cookie"},
		{"POST", posted, expired + "non-eligible-non-get"},
		{"no session id", refreshable(sign(expiredClaims(claims{"sid": nil}), nil, "")), expired + "expired-session-token-missing-sid-claim"},
		{"an id that is a path", refreshable(sign(expiredClaims(claims{"sid": "../users/user_1"}), nil, "")), expired + "expired-session-token-missing-sid-claim"},
		{"of a stranger", refreshable(sign(expiredClaims(nil), nil, "wrong_key")), "token-invalid-signature"},
		{"to be good later", refreshable(sign(sessionClaims(claims{"nbf": now.Unix() + 600}), nil, "")), "session-token-nbf"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := refreshing(func(w http.ResponseWriter, r *http.Request) { t.Errorf("asked for %s", r.URL) })
			if got := authenticate(t, c, tt.r); got.Reason != tt.reason {
				t.Errorf("%q, want %q", got.Reason, tt.reason)
			}
		})
	}
}

// The parts of a page are asked for at once: they share one refresh, and
// whoever started it may go away.
func TestRefreshIsShared(t *testing.T) {
	fresh := sign(sessionClaims(nil), nil, "")
	old := sign(expiredClaims(nil), nil, "")
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		release := make(chan struct{})
		a := newAuthenticator(t, refreshing(func(w http.ResponseWriter, r *http.Request) {
			asked.Add(1)
			<-release
			answer(200, map[string]any{"cookies": []string{"__session=" + fresh}})(w, r)
		}))
		ctx, cancel := context.WithCancel(t.Context())
		first := make(chan clerk.Result)
		go func() {
			result, _ := a.Authenticate(refreshable(old).WithContext(ctx))
			first <- result
		}()
		synctest.Wait()
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if result, err := a.Authenticate(refreshable(old)); err != nil || result.State != clerk.SignedIn {
					t.Errorf("%s %q, %v", result.State, result.Reason, err)
				}
			})
		}
		synctest.Wait()
		cancel()
		if result := <-first; !errors.Is(result.Problem, context.Canceled) {
			t.Errorf("the one that went away: %q, %v", result.Reason, result.Problem)
		}
		close(release)
		all.Wait()
		if n := asked.Load(); n != 1 {
			t.Errorf("asked %d times, want once", n)
		}
	})
}

// Nobody gets another browser's session by asking at the same time.
func TestRefreshIsNotSharedBetweenBrowsers(t *testing.T) {
	fresh := sign(sessionClaims(nil), nil, "")
	old := sign(expiredClaims(nil), nil, "")
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		a := newAuthenticator(t, refreshing(func(w http.ResponseWriter, r *http.Request) {
			<-release
			var body struct {
				RefreshToken string `json:"refresh_token"`
			}
			if json.NewDecoder(r.Body).Decode(&body); body.RefreshToken != "rt_1" {
				answer(401, clerksError("refresh_token_invalid"))(w, r)
				return
			}
			answer(200, map[string]any{"cookies": []string{"__session=" + fresh}})(w, r)
		}))
		stolen := withSession(old)
		stolen.Header.Add("Cookie", "__refresh_"+clerk.Suffix(clerk.NewPublishableKey(host, true))+"=guessed")
		var all sync.WaitGroup
		all.Go(func() {
			if result, _ := a.Authenticate(refreshable(old)); result.State != clerk.SignedIn {
				t.Errorf("the browser's own: %q", result.Reason)
			}
		})
		all.Go(func() {
			if result, _ := a.Authenticate(stolen); result.State == clerk.SignedIn {
				t.Error("a guessed refresh token gets somebody else's session")
			}
		})
		synctest.Wait()
		close(release)
		all.Wait()
	})
}

// Somebody with an old token of theirs makes us ask Clerk a few times, not
// more, and keeps nobody else from asking.
func TestFloodOfRefreshes(t *testing.T) {
	asked := map[string]int{}
	a := newAuthenticator(t, refreshing(func(w http.ResponseWriter, r *http.Request) {
		asked[r.PathValue("id")]++
		answer(401, clerksError("refresh_token_invalid"))(w, r)
	}))
	flood := func(session string, n int) {
		token := sign(expiredClaims(claims{"sid": session}), nil, "")
		for i := range n {
			r := withSession(token)
			r.Header.Add("Cookie", fmt.Sprintf("__refresh_%s=guess_%d", clerk.Suffix(clerk.NewPublishableKey(host, true)), i))
			if result, err := a.Authenticate(r); err != nil || result.State == clerk.SignedIn {
				t.Fatalf("%s, %v", result.State, err)
			}
		}
	}
	flood("sess_flood", 200)
	flood("sess_other", 1)
	if asked["sess_flood"] > 50 || asked["sess_other"] != 1 {
		t.Errorf("asked %v", asked)
	}
}

// Whom a session belongs to is said by the token that was verified, not by one
// beside it.
func TestRefreshIsOfTheVerifiedSession(t *testing.T) {
	var asked []string
	c := refreshing(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.PathValue("id"))
		answer(401, clerksError("refresh_token_invalid"))(w, r)
	})
	r := refreshable(sign(expiredClaims(claims{"sid": "sess_made_up"}), nil, "none"))
	r.Header.Set("Authorization", "Bearer "+sign(expiredClaims(claims{"sid": "sess_mine"}), nil, ""))
	authenticate(t, c, r)
	if !slices.Equal(asked, []string{"sess_mine"}) {
		t.Errorf("asked for %q", asked)
	}
}

// A Backend API that does not answer is waited for by one request, not by all
// that follow.
func TestRefreshDuringAnOutage(t *testing.T) {
	old := []string{sign(expiredClaims(nil), nil, ""), sign(expiredClaims(claims{"sid": "sess_2"}), nil, "")}
	synctest.Test(t, func(t *testing.T) {
		c := config(true)
		c.HTTPClient = &http.Client{Transport: silent{}}
		began := time.Now()
		c.Now = func() time.Time { return now.Add(time.Since(began)) }
		a := newAuthenticator(t, c)
		for i, want := range []time.Duration{5 * time.Second, 0} {
			came := time.Now()
			result, err := a.Authenticate(refreshable(old[i]))
			if waited := time.Since(came); err != nil || waited != want || result.Reason != "session-token-expired-refresh-fetch-error" {
				t.Errorf("%q after %v, %v; want %v", result.Reason, waited, err, want)
			}
		}
		<-time.After(time.Second)
		came := time.Now()
		if a.Authenticate(refreshable(old[1])); time.Since(came) == 0 {
			t.Error("a second later nobody asks again")
		}
	})
}
