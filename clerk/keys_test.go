package clerk_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

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
		{"too long", text(200, "application/json", `{"keys":"`+strings.Repeat("x", 2<<20)+`"}`), "jwk-remote-failed-to-load", "too long"},
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
