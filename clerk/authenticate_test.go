package clerk_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"inkwell/clerk"
)

// get returns a navigation with cookies.
func get(path string, cookies map[string]string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, app+path, nil)
	r.Header.Set("Sec-Fetch-Dest", "document")
	for name, value := range cookies {
		r.Header.Add("Cookie", name+"="+value)
	}
	return r
}

// withSession returns a navigation with a session token in its cookie.
func withSession(token string) *http.Request {
	return get("/", map[string]string{
		clerk.SessionCookie:    token,
		clerk.ClientUATCookie:  fmt.Sprint(now.Unix() - 3600),
		clerk.DevBrowserCookie: "dvb_1",
	})
}

func authenticate(t *testing.T, c clerk.Config, r *http.Request) clerk.Result {
	t.Helper()
	result, err := newAuthenticator(t, c).Authenticate(r)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func TestSessionTokens(t *testing.T) {
	seconds := func(n int64) int64 { return now.Unix() + n }
	tests := []struct {
		name   string
		claims claims         // in place of good ones
		header map[string]any // in place of the usual one
		sign   string
		reason string // empty means signed in
	}{
		{"good", nil, nil, "", ""},
		{"category of sessions", nil, map[string]any{"cat": category}, "", ""},
		{"no typ", nil, map[string]any{"typ": nil}, "", ""},
		{"alg none", nil, nil, "none", "token-invalid-algorithm"},
		{"HS256 with the public key", nil, nil, "HS256", "token-invalid-algorithm"},
		{"alg of another family", nil, map[string]any{"alg": "PS256"}, "", "token-invalid-algorithm"},
		{"alg of another size", nil, map[string]any{"alg": "RS512"}, "", "token-invalid-signature"},
		{"another key", nil, nil, "wrong_key", "token-invalid-signature"},
		{"another key with its address", nil, map[string]any{"jku": "https://evil.example/jwks"}, "wrong_key", "token-invalid-signature"},
		{"another key in the header", nil, map[string]any{"jwk": jwks(kid, &keys()[1].PublicKey).(map[string]any)["keys"].([]any)[0]}, "wrong_key", "token-invalid-signature"},
		{"critical extension", nil, map[string]any{"crit": []string{"exp"}, "exp": 1}, "", "token-invalid-signature"},
		{"other typ", nil, map[string]any{"typ": "jwt"}, "", "token-invalid"},
		{"access token", nil, map[string]any{"typ": "at+jwt"}, "", "token-type-mismatch"},
		{"machine", claims{"sub": "mch_1"}, nil, "", "token-type-mismatch"},
		{"template", nil, map[string]any{"cat": "cl_B7d4PD222AAA"}, "", "token-type-mismatch"},
		{"category of another type", nil, map[string]any{"cat": 1}, "", "token-type-mismatch"},
		{"no user", claims{"sub": nil}, nil, "", "token-verification-failed"},
		{"empty user", claims{"sub": ""}, nil, "", "token-verification-failed"},
		{"user is a number", claims{"sub": 1}, nil, "", "token-verification-failed"},
		{"user in capitals", claims{"sub": nil, "SUB": "user_1"}, nil, "", "token-verification-failed"},
		{"other issuer", claims{"iss": "https://clerk.other.com"}, nil, "", "session-token-and-uat-missing"}, // the cookies with suffix count
		{"no issuer", claims{"iss": nil}, nil, "", ""},
		{"issuer over http", claims{"iss": "http://" + host}, nil, "", "token-invalid-issuer"},
		{"expired 4 s ago", claims{"exp": seconds(-4)}, nil, "", ""},
		{"expired 5 s ago", claims{"exp": seconds(-5)}, nil, "", "session-token-expired-refresh-non-eligible-no-refresh-cookie"},
		{"no end", claims{"exp": nil}, nil, "", "token-verification-failed"},
		{"end is a text", claims{"exp": "9999999999"}, nil, "", "token-verification-failed"},
		{"begins in 5 s", claims{"nbf": seconds(5)}, nil, "", ""},
		{"begins in 6 s", claims{"nbf": seconds(6)}, nil, "", "session-token-nbf"},
		{"beginning is a text", claims{"nbf": "0"}, nil, "", "token-verification-failed"},
		{"no beginning", claims{"nbf": nil}, nil, "", ""},
		{"issued in 5 s", claims{"iat": seconds(5)}, nil, "", ""},
		{"issued in 6 s", claims{"iat": seconds(6)}, nil, "", "session-token-iat-in-the-future"},
		{"issue is a list", claims{"iat": []int{1}}, nil, "", "token-verification-failed"},
		{"never issued", claims{"iat": nil}, nil, "", ""},
		{"pending", claims{"sts": "pending"}, nil, "", "session-pending"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := authenticate(t, config(true), withSession(sign(sessionClaims(tt.claims), tt.header, tt.sign)))
			if got.Reason != tt.reason || (got.State == clerk.SignedIn) != (tt.reason == "") || (got.Claims == nil) != (tt.reason != "") {
				t.Errorf("%s %q (%s), want %q", got.State, got.Reason, got.Message, tt.reason)
			}
		})
	}
}

func TestClaims(t *testing.T) {
	got := authenticate(t, config(true), withSession(sign(sessionClaims(nil), nil, ""))).Claims
	want := clerk.Claims{
		Subject: "user_1", SessionID: "sess_1", Issuer: "https://" + host, AuthorizedParty: app,
		IssuedAt: now, ExpiresAt: now.Add(time.Minute),
	}
	if got == nil || *got != want {
		t.Errorf("Claims = %+v, want %+v", got, want)
	}
}

// Whatever single bit of a token is flipped, it is not accepted: but for the
// bits of the last character that base64 leaves unused.
func TestFlippedBits(t *testing.T) {
	good := sign(sessionClaims(nil), nil, "")
	a := newAuthenticator(t, config(true))
	for i := range len(good) - 1 {
		changed := []byte(good)
		changed[i] ^= 1 << (i % 7)
		result, err := a.Authenticate(withSession(string(changed)))
		if err != nil || result.State == clerk.SignedIn {
			t.Fatalf("byte %d of the token changed: %s, %v", i, result.State, err)
		}
	}
}

func TestAuthorizedParties(t *testing.T) {
	tests := []struct {
		name, public string
		parties      []string
		azp          any
		reason       string
	}{
		{"nothing configured", "", nil, "https://evil.example", ""},
		{"listed", "", []string{"https://a.example", app}, app, ""},
		{"not listed", "", []string{"https://a.example"}, app, "token-invalid-authorized-parties"},
		{"absent though listed", "", []string{app}, nil, "token-invalid-authorized-parties"},
		{"public origin", app, nil, app, ""},
		{"other than the public origin", app, nil, "http://localhost:4001", "token-invalid-authorized-parties"},
		{"absent with a public origin", app, nil, nil, ""},
		{"a list beats the public origin", app, []string{"https://a.example"}, app, "token-invalid-authorized-parties"},
		{"not a text", app, nil, 1, "token-invalid-authorized-parties"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := config(true)
			c.PublicURL, c.AuthorizedParties = tt.public, tt.parties
			if got := authenticate(t, c, withSession(sign(sessionClaims(claims{"azp": tt.azp}), nil, ""))); got.Reason != tt.reason {
				t.Errorf("reason %q, want %q", got.Reason, tt.reason)
			}
		})
	}
}

func TestIssuerBehindProxy(t *testing.T) {
	tests := []struct{ name, proxy, issuer, reason string }{
		{"instance", "/__clerk", "https://" + host, ""},
		{"path", "/__clerk", app + "/__clerk", ""},
		{"absolute", "https://www.example.com/__clerk", "https://www.example.com/__clerk", ""},
		{"other", "/__clerk", "https://evil.example/__clerk", "token-invalid-issuer"},
		{"without a proxy", "", app + "/__clerk", "token-invalid-issuer"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := config(true)
			c.ProxyURL = tt.proxy
			r := get("/", nil)
			r.Header.Set("Authorization", "Bearer "+sign(sessionClaims(claims{"iss": tt.issuer}), nil, ""))
			if got := authenticate(t, c, r); got.Reason != tt.reason {
				t.Errorf("reason %q, want %q", got.Reason, tt.reason)
			}
		})
	}
}

// The token is good at some time; which time it is, the settings say.
func TestClock(t *testing.T) {
	c := config(true)
	for offset, want := range map[time.Duration]clerk.State{
		-time.Hour: clerk.Handshake, 0: clerk.SignedIn, time.Minute: clerk.SignedIn, time.Hour: clerk.Handshake,
	} {
		c.Now = func() time.Time { return now.Add(offset) }
		if got := authenticate(t, c, withSession(sign(sessionClaims(nil), nil, ""))); got.State != want {
			t.Errorf("%v later: %s, want %s", offset, got.State, want)
		}
	}
}

func TestWithoutRedirect(t *testing.T) {
	expired := sign(sessionClaims(claims{"exp": now.Unix() - 60}), nil, "")
	before := authenticate(t, config(true), withSession(expired))
	after := before.WithoutRedirect()
	if after.State != clerk.SignedOut || !after.HandshakeDue || after.Reason != before.Reason || after.Message != before.Message {
		t.Errorf("%+v, want signed out for the reason of %+v", after, before)
	}
	for _, name := range []string{"Location", "Set-Cookie"} {
		if after.Header.Get(name) != "" || before.Header.Get(name) == "" {
			t.Errorf("%s: %q, before %q", name, after.Header.Get(name), before.Header.Get(name))
		}
	}
	if got := after.Header.Get("X-Clerk-Auth-Status"); got != "signed-out" {
		t.Errorf("status header %q", got)
	}
	post := withSession(expired)
	post.Method = http.MethodPost
	if got := authenticate(t, config(true), post); got.State != clerk.SignedOut || !got.HandshakeDue {
		t.Errorf("a POST: %s, due %t", got.State, got.HandshakeDue)
	}
	in := authenticate(t, config(true), withSession(sign(sessionClaims(nil), nil, "")))
	if got := in.WithoutRedirect(); got.State != clerk.SignedIn || got.HandshakeDue {
		t.Errorf("signed in: %+v", got)
	}
}

func TestTooMuch(t *testing.T) {
	many := get("/", nil)
	for i := range 200 {
		many.Header.Add("Cookie", fmt.Sprintf("__session_%d=%s", i, strings.Repeat("x", 200)))
	}
	headers := get("/", nil)
	headers.Header.Set("Authorization", "Bearer "+strings.Repeat("a.", 50_000))
	tests := []struct {
		name    string
		request *http.Request
	}{
		{"a cookie of 100 KB", withSession(strings.Repeat("x", 100_000))},
		{"a token of 20 KB", withSession(sign(sessionClaims(claims{"x": strings.Repeat("x", 15_000)}), nil, ""))},
		{"200 cookies", many},
		{"a header of 100 KB", headers},
		{"broken cookies", get("/", map[string]string{"": "", "=": "=", "__session": "%zz%", "__client_uat": "-"})},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := authenticate(t, config(true), tt.request)
			if got.State == clerk.SignedIn {
				t.Error("signed in")
			}
			if n := len(got.Header.Get("Location")) + len(got.Header.Get("X-Clerk-Auth-Message")); n > 32<<10 {
				t.Errorf("%d bytes of headers", n)
			}
		})
	}
}

// What a token says gets into a message, but never breaks a header.
func TestMessageIsAHeader(t *testing.T) {
	token := sign(sessionClaims(nil), map[string]any{"typ": "x\r\nSet-Cookie: a=b \u2028é"}, "")
	got := authenticate(t, config(true), withSession(token))
	if got.Reason != "token-invalid" || got.Header.Get("X-Clerk-Auth-Message") != "" {
		t.Errorf("%q with the header %q", got.Reason, got.Header.Get("X-Clerk-Auth-Message"))
	}
}

func TestSignOutCookies(t *testing.T) {
	tests := []struct {
		name, url string
		want      int
		domain    string
		secure    bool
	}{
		{"on the instance's domain", "https://posts.example.com/", 10, "example.com", true},
		{"on a port", "https://example.com:8443/", 10, "example.com", true},
		{"elsewhere", "http://localhost:4000/", 5, "", false},
		{"on a domain that ends alike", "https://badexample.com/", 5, "", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := config(true)
			cookies := newAuthenticator(t, c).SignOutCookies(httptest.NewRequest(http.MethodPost, tt.url, nil))
			if len(cookies) != tt.want {
				t.Fatalf("%d cookies, want %d", len(cookies), tt.want)
			}
			for _, cookie := range cookies {
				if cookie.MaxAge >= 0 || cookie.Path != "/" || cookie.Secure != tt.secure || cookie.Value != "" {
					t.Errorf("%s does not clear it", cookie)
				}
			}
			if last := cookies[len(cookies)-1]; last.Domain != tt.domain || last.Name != clerk.ClientUATCookie+"_"+clerk.Suffix(c.PublishableKey) {
				t.Errorf("last cookie %s", last)
			}
		})
	}
}
