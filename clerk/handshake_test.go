package clerk_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"inkwell/clerk"
)

func TestRedirectsInACircle(t *testing.T) {
	tests := []struct {
		count string
		want  clerk.State
		next  string
	}{
		{"", clerk.Handshake, "1"},
		{"2", clerk.Handshake, "3"},
		{"3", clerk.SignedOut, ""},
		{"4", clerk.SignedOut, ""},
		{"99999999999999999999999", clerk.SignedOut, ""},
		{"abc", clerk.Handshake, "1"},
	}
	for _, tt := range tests {
		t.Run(tt.count, func(t *testing.T) {
			got := authenticate(t, config(true), get("/", map[string]string{clerk.ClientUATCookie: "1", clerk.RedirectCountCookie: tt.count}))
			if got.State != tt.want || got.Reason != "client-uat-but-no-session-token" || got.HandshakeDue {
				t.Errorf("%s %q, due %t", got.State, got.Reason, got.HandshakeDue)
			}
			count, _, _ := strings.Cut(strings.TrimPrefix(got.Header.Get("Set-Cookie"), clerk.RedirectCountCookie+"="), ";")
			if count != tt.next {
				t.Errorf("next count %q, want %q", count, tt.next)
			}
		})
	}
}

// A development instance's handshake that is good leads to the same page, with
// what the browser sent as it was but for Clerk's parameters.
func TestResolvedHandshakeKeepsTheURL(t *testing.T) {
	token := sign(claims{"handshake": []string{clerk.SessionCookie + "=" + sign(sessionClaims(nil), nil, "") + "; Path=/"}}, nil, "")
	r := get("/a%2Fb//c?z=%7e&__clerk_handshake="+token+"&a=1+2&&__clerk%5Fhelp=1&b", nil)
	got := authenticate(t, config(false), r)
	if want := app + "/a%2Fb//c?z=%7e&a=1+2&&b"; got.Header.Get("Location") != want || got.State != clerk.SignedIn {
		t.Errorf("%s, Location %s, want %s", got.State, got.Header.Get("Location"), want)
	}
}

func TestHandshakeError(t *testing.T) {
	expired := claims{"handshake": []string{}, "exp": 1}
	tests := []struct {
		name, token, want string
		production        bool
	}{
		{"another key", sign(claims{"handshake": []string{}}, nil, "wrong_key"), "same instance", false},
		{"not a token", "x", "Invalid handshake token", false},
		{"template", sign(claims{"handshake": []string{}}, map[string]any{"cat": "cl_B7d4PD222AAA"}, ""), "Invalid handshake token", false},
		{"alg none", sign(claims{"handshake": []string{}}, nil, "none"), "algorithm", false},
		{"directives of another type", sign(claims{"handshake": 1}, nil, ""), "Invalid handshake token", false},
		{"times do not matter", sign(expired, nil, ""), "", false},
		{"production goes on", sign(claims{"handshake": []string{}}, nil, "wrong_key"), "", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			result, err := newAuthenticator(t, config(tt.production)).Authenticate(get("/?__clerk_handshake="+tt.token, nil))
			if tt.production && result.Problem == nil {
				t.Error("no problem for the log")
			}
			if tt.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if _, ok := errors.AsType[*clerk.HandshakeError](err); !ok || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want a HandshakeError with %q", err, tt.want)
			}
		})
	}
}

// handshakeOf returns a navigation that brings a handshake token.
func handshakeOf(directives ...string) *http.Request {
	return get("/?__clerk_handshake="+sign(claims{"handshake": directives}, nil, ""), nil)
}

func TestHandshakeDirectives(t *testing.T) {
	session := func(overrides claims) string { return sign(sessionClaims(overrides), nil, "") }
	late := claims{"iat": now.Unix() - 3600, "nbf": now.Unix() - 3600, "exp": now.Unix() - 3540}
	tests := []struct {
		name       string
		production bool
		directives []string
		user       string // or else
		reason     string
	}{
		{"the last session wins", true, []string{"__session=x; Path=/", "__session_x=" + session(nil) + "; Path=/"}, "user_1", ""},
		{"a clock that is an hour off, in development", false, []string{"__session=" + session(late)}, "user_1", ""},
		{"a clock that is an hour off, in production", true, []string{"__session=" + session(late)}, "", "session-token-and-uat-missing"},
		{"signed out at Clerk", true, []string{"__session=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "__client_uat=0"}, "", "session-token-missing"},
		{"nothing", true, nil, "", "session-token-missing"},
		{"pending", true, []string{"__session=" + session(claims{"sts": "pending"})}, "", "session-pending"},
		{"a machine's token", true, []string{"__session=" + session(claims{"sub": "mch_1"})}, "", "session-token-and-uat-missing"},
		{"not a token", false, []string{"__session=x"}, "", "dev-browser-missing"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := authenticate(t, config(tt.production), handshakeOf(tt.directives...))
			if subject(got) != tt.user || got.Reason != tt.reason {
				t.Errorf("user %q, reason %q, want %q, %q", subject(got), got.Reason, tt.user, tt.reason)
			}
			fell := tt.reason == "session-token-and-uat-missing" || tt.reason == "dev-browser-missing" // decided by the cookies after all
			if (got.Problem != nil) != fell {
				t.Errorf("problem %v", got.Problem)
			}
			if cookies := got.Header["Set-Cookie"]; !fell && len(cookies) != len(tt.directives) {
				t.Errorf("Set-Cookie %q, want %q", cookies, tt.directives)
			}
		})
	}
}

func TestHandshakeNonce(t *testing.T) {
	token := sign(sessionClaims(nil), nil, "")
	tests := []struct {
		name    string
		answer  http.HandlerFunc
		want    clerk.State
		problem string
	}{
		{"good", answer(200, map[string]any{"directives": []string{"__session=" + token}}), clerk.SignedIn, ""},
		{"unknown", answer(404, clerksError("resource_not_found")), clerk.SignedOut, "404"},
		{"directives of another type", answer(200, map[string]any{"directives": 1}), clerk.SignedOut, "form"},
		{"no directives", answer(200, map[string]any{}), clerk.SignedOut, "form"},
		{"list", answer(200, []any{}), clerk.SignedOut, "form"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			mux := http.NewServeMux()
			mux.Handle("GET /v1/clients/handshake_payload", tt.answer)
			c := config(false)
			c.HTTPClient = double{mux}.client()
			got := authenticate(t, c, get("/a?__clerk_handshake_nonce=n%261&b", nil))
			if got.State != tt.want || got.Header.Get("Location") != app+"/a?b" {
				t.Errorf("%s, Location %s", got.State, got.Header.Get("Location"))
			}
			if (got.Problem != nil) != (tt.problem != "") || tt.problem != "" && !strings.Contains(got.Problem.Error(), tt.problem) {
				t.Errorf("problem %v, want %q", got.Problem, tt.problem)
			}
			if got.Problem != nil && strings.Contains(got.Problem.Error(), "n%26") {
				t.Errorf("%q holds the nonce", got.Problem)
			}
		})
	}
}

// Whoever makes up nonces makes us ask Clerk only so often; a moment later the
// next good one counts.
func TestFloodOfNonces(t *testing.T) {
	clock, asked := now, 0
	c := config(true)
	c.Now = func() time.Time { return clock }
	c.HTTPClient = double{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		if r.URL.Query().Get("nonce") != "good" {
			answer(404, clerksError("resource_not_found"))(w, r)
			return
		}
		answer(200, map[string]any{"directives": []string{"__session=" + sign(sessionClaims(nil), nil, "")}})(w, r)
	})}.client()
	a := newAuthenticator(t, c)
	bring := func(nonce string) clerk.Result {
		result, err := a.Authenticate(get("/?__clerk_handshake_nonce="+nonce, nil))
		if err != nil {
			t.Fatal(err)
		}
		return result
	}
	for i := range 300 {
		if result := bring(fmt.Sprint("guess_", i)); result.State == clerk.SignedIn || result.Problem == nil {
			t.Fatalf("%s, %v", result.State, result.Problem)
		}
	}
	if asked > 200 {
		t.Errorf("asked %d times", asked)
	}
	clock = clock.Add(time.Second)
	if result := bring("good"); result.State != clerk.SignedIn {
		t.Errorf("a good one a second later: %q, %v", result.Reason, result.Problem)
	}
}

// What cannot be a header is left out of a handshake's directives.
func TestDirectivesThatAreNoHeaders(t *testing.T) {
	good := "__session=" + sign(sessionClaims(nil), nil, "") + "; Path=/"
	token := sign(claims{"handshake": []string{"a=1\r\nInjected: 1", "b=\x00", good}}, nil, "")
	got := authenticate(t, config(true), get("/?__clerk_handshake="+token, nil))
	if cookies := got.Header["Set-Cookie"]; !slices.Equal(cookies, []string{good}) || got.State != clerk.SignedIn {
		t.Errorf("%s with %q", got.State, cookies)
	}
}
