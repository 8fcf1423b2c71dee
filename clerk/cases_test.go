package clerk_test

import (
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
