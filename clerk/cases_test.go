package clerk_test

import (
	"maps"
	"net/http"
	"strings"
	"testing"

	"inkwell/clerk"
	"inkwell/clerk/clerktest"
)

// What Clerk's own server SDK makes of a request, this package does too.
func TestClerksCases(t *testing.T) {
	for _, c := range clerktest.Cases(t) {
		t.Run(c.ID+" "+c.Name, func(t *testing.T) {
			result, err := newAuthenticator(t, c.Config(t)).Authenticate(c.NewRequest())
			c.Want.CheckResult(t, result, err)
		})
	}
}

// Where this package differs from Clerk's SDK on purpose, as the documentation
// of Authenticate says.
func TestDifferencesFromClerksSDK(t *testing.T) {
	token := func(overrides claims) string { return sign(sessionClaims(overrides), nil, "") }
	tests := []struct {
		name   string
		r      *http.Request
		header [2]string // of the request
		clerks string    // the answer of Clerk's SDK
		want   string    // ours: a user or a reason
	}{
		{"no cross-origin synchronisation", withSession(token(nil)), [2]string{"Referer", "https://search.example/"},
			"handshake primary-domain-cross-origin-sync", "user_1"},
		{"__clerk_redirect_url leads nowhere", get("/?__clerk_redirect_url=https://evil.example/", map[string]string{clerk.DevBrowserCookie: "dvb_1"}), [2]string{},
			"handshake primary-responds-to-syncing to https://evil.example/", "session-token-and-uat-missing"},
		{"no satellite to be synchronised", get("/?__clerk_synced=false", map[string]string{clerk.DevBrowserCookie: "dvb_1"}), [2]string{},
			"handshake satellite-needs-syncing, of a satellite", "session-token-and-uat-missing"},
		{"no organization to be activated", inOrganization(token(claims{"o": map[string]any{"id": "org_a"}})), [2]string{},
			"handshake active-organization-mismatch, with patterns", "user_1"},
		{"a pending session is signed out", withSession(token(claims{"sts": "pending"})), [2]string{},
			"signed-in, without a user", "session-pending"},
		{"the third redirect is the last", get("/", map[string]string{clerk.DevBrowserCookie: "dvb_1", clerk.ClientUATCookie: "1", clerk.RedirectCountCookie: "4"}), [2]string{},
			"handshake", "client-uat-but-no-session-token"},
		{"a token of another instance", get("/", nil), [2]string{"Authorization", "Bearer " + token(claims{"iss": "https://clerk.other.com"})},
			"signed-in, if the key is ours", "token-invalid-issuer"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.header[0] != "" {
				tt.r.Header.Set(tt.header[0], tt.header[1])
			}
			got := authenticate(t, config(false), tt.r)
			if who := subject(got) + got.Reason; who != tt.want || got.Header.Get("Location") != "" {
				t.Errorf("%s, Location %q, want %s; Clerk's SDK: %s", who, got.Header.Get("Location"), tt.want, tt.clerks)
			}
		})
	}
}

// inOrganization returns a navigation to a page of an organization.
func inOrganization(token string) *http.Request {
	r := withSession(token)
	r.URL.Path = "/organizations-by-id/org_b"
	return r
}

// Clerk's SDK believes the forwarded headers of everybody. A stranger's would
// send the browser, with its session token, back to the stranger's site.
func TestStrangersDoNotSayWhereTheBrowserComesBackTo(t *testing.T) {
	r := get("/a", map[string]string{clerk.ClientUATCookie: "1"})
	r.Header.Set("X-Forwarded-Host", "evil.example")
	r.Header.Set("X-Forwarded-Proto", "https")
	location := authenticate(t, config(true), r).Header.Get("Location")
	if !strings.Contains(location, "redirect_url=http%3A%2F%2Flocalhost%3A4000%2Fa&") {
		t.Errorf("Location %s", location)
	}
}

// Only a document that a browser goes to, or shows in a frame, can be
// redirected to Clerk and back.
func TestWhatIsRedirected(t *testing.T) {
	tests := []struct {
		name, method, dest, accept string
		want                       bool
	}{
		{"document", http.MethodGet, "document", "*/*", true},
		{"frame", http.MethodGet, "iframe", "", true},
		{"browser without fetch metadata", http.MethodGet, "", "text/html,application/xhtml+xml", true},
		{"script", http.MethodGet, "empty", "text/html", false},
		{"picture", http.MethodGet, "image", "text/html", false},
		{"embedded object", http.MethodGet, "object", "text/html", false},
		{"older frame", http.MethodGet, "frame", "text/html", false},
		{"in capitals", http.MethodGet, "Document", "text/html", false},
		{"program", http.MethodGet, "", "*/*", false},
		{"program that says nothing", http.MethodGet, "", "", false},
		{"HTML after something else", http.MethodGet, "", "application/json, text/html", false},
		{"form", http.MethodPost, "document", "text/html", false},
		{"head of a document", http.MethodHead, "document", "text/html", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := get("/", map[string]string{clerk.ClientUATCookie: "1"})
			r.Method = tt.method
			r.Header.Set("Sec-Fetch-Dest", tt.dest)
			r.Header.Set("Accept", tt.accept)
			got := authenticate(t, config(true), r)
			if redirected := got.State == clerk.Handshake; redirected != tt.want || got.HandshakeDue == tt.want || got.Reason != "client-uat-but-no-session-token" {
				t.Errorf("%s %q, due %t, want a redirect: %t", got.State, got.Reason, got.HandshakeDue, tt.want)
			}
		})
	}
}

// The rules for cookies come in an order: each request here meets a later rule,
// too.
func TestOrderOfTheRules(t *testing.T) {
	expired := claims{"iat": now.Unix() - 600, "nbf": now.Unix() - 600, "exp": now.Unix() - 540, "sts": "pending"}
	machine := sign(sessionClaims(claims{"sub": "mch_1", "iat": 1}), nil, "wrong_key")
	tests := []struct {
		name             string
		query            string
		session, uat, db string // cookies
		reason           string
		redirected       bool
	}{
		{"a handshake", "?__clerk_handshake_nonce=n_1&__clerk_db_jwt=dvb_2", "x", "1", "", "session-token-missing", false},
		{"the browser's name in the URL", "?__clerk_db_jwt=dvb_2", "x", "1", "dvb_1", "dev-browser-sync", true},
		{"no name of the browser", "", "", "", "", "dev-browser-missing", true},
		{"nothing", "", "", "", "dvb_1", "session-token-and-uat-missing", false},
		{"signed out, says the time", "", "x", "0", "dvb_1", "session-token-but-no-client-uat", true},
		{"no session", "", "", "1", "dvb_1", "client-uat-but-no-session-token", true},
		{"a session that is no token", "", "x", "9999999999", "dvb_1", "token-invalid", false},
		{"a machine's token", "", machine, "9999999999", "dvb_1", "token-type-mismatch", false},
		{"older than the time, expired and of another key", "", sign(sessionClaims(expired), nil, "wrong_key"), "9999999999", "dvb_1", "session-token-iat-before-client-uat", true},
		{"expired and of another key", "", sign(sessionClaims(expired), nil, "wrong_key"), "1", "dvb_1", "token-invalid-signature", false},
		{"expired and pending", "", sign(sessionClaims(expired), nil, ""), "1", "dvb_1", "session-token-expired-refresh-non-eligible-no-refresh-cookie", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cookies := map[string]string{clerk.SessionCookie: tt.session, clerk.ClientUATCookie: tt.uat, clerk.DevBrowserCookie: tt.db}
			maps.DeleteFunc(cookies, func(_, value string) bool { return value == "" })
			got := authenticate(t, config(false), get("/"+tt.query, cookies))
			if got.Reason != tt.reason || (got.State == clerk.Handshake) != tt.redirected {
				t.Errorf("%s %q, want %q, redirected: %t", got.State, got.Reason, tt.reason, tt.redirected)
			}
		})
	}
}
