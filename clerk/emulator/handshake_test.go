package emulator_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"inkwell/clerk"
	"inkwell/clerk/emulator"
)

// backend asks the Backend API with the secret key and a JSON body; nil for
// none.
func backend(t testing.TB, e *emulator.Emulator, method, path string, body any) (int, string) {
	t.Helper()
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			t.Fatal(err)
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), method, e.Config().APIURL+"/v1"+path, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+e.Config().SecretKey)
	r.Header.Set("Content-Type", "application/json")
	res, err := e.Config().HTTPClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var answer bytes.Buffer
	if _, err := answer.ReadFrom(res.Body); err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, answer.String()
}

// handshake sends a visitor to a handshake and returns what carries it back:
// the name of the cookie or parameter, and its value.
func (v *visitor) handshake(format string) (name, value string) {
	v.t.Helper()
	query := url.Values{"redirect_url": {"http://localhost:8080/posts?a=b"}}
	if format != "" {
		query.Set("format", format)
	}
	if v.browser != "" {
		query.Set(clerk.DevBrowserCookie, v.browser)
	}
	r := local("GET", "/__clerk/v1/client/handshake?"+query.Encode(), "")
	for _, c := range v.cookies {
		r.AddCookie(c)
	}
	w := serve(v.e, r)
	location, carried := w.Header().Get("Location"), w.Result().Cookies()
	rest, found := strings.CutPrefix(location, "http://localhost:8080/posts?a=b")
	if w.Code != http.StatusTemporaryRedirect || !found {
		v.t.Fatalf("the handshake answers %d to %q", w.Code, location)
	}
	if v.browser == "" {
		if rest != "" || len(carried) != 1 || !carried[0].HttpOnly {
			v.t.Fatalf("the handshake leads to %q with %v, want a clean URL and a cookie", location, carried)
		}
		return carried[0].Name, carried[0].Value
	}
	name, value, _ = strings.Cut(strings.TrimPrefix(rest, "&"), "=")
	return name, value
}

func TestHandshake(t *testing.T) {
	tests := []struct {
		format string
		always bool // a token, see Options.HandshakeToken
		want   string
	}{
		{"nonce", false, clerk.HandshakeNonceCookie},
		{"", false, clerk.HandshakeCookie},
		{"nonce", true, clerk.HandshakeCookie},
	}
	for kind, key := range kinds {
		for _, tt := range tests {
			e := newEmulator(t, emulator.Options{PublishableKey: key, HandshakeToken: tt.always})
			v := newVisitor(t, e)
			v.enter("user_dev_ada")
			if name, value := v.handshake(tt.format); name != tt.want || value == "" {
				t.Errorf("%s, format %q: the handshake comes as %s=%s, want %s", kind, tt.format, name, value, tt.want)
			}
		}
	}
}

// directives returns the names of the cookies that a nonce stands for, each
// with its value.
func directives(t *testing.T, e *emulator.Emulator, nonce string) map[string]*http.Cookie {
	t.Helper()
	status, body := backend(t, e, "GET", "/clients/handshake_payload?nonce="+nonce, nil)
	if status != http.StatusOK {
		t.Fatalf("the payload = %d %s", status, body)
	}
	cookies := map[string]*http.Cookie{}
	for _, line := range decode(t, body)["directives"].([]any) {
		c, err := http.ParseSetCookie(line.(string))
		if err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		cookies[c.Name] = c
	}
	return cookies
}

func TestHandshakeDirectives(t *testing.T) {
	ofBothKinds(t, func(t *testing.T, e *emulator.Emulator) {
		refresh := clerk.RefreshCookie + "_" + clerk.Suffix(e.Config().PublishableKey)
		v := newVisitor(t, e)
		_, nonce := v.handshake("nonce")
		out := directives(t, e, nonce)
		if out[clerk.SessionCookie].MaxAge >= 0 || out[clerk.ClientUATCookie].Value != "0" || out[refresh].MaxAge >= 0 {
			t.Errorf("signed out, the directives are %v", out)
		}
		v.enter("user_dev_ada")
		_, nonce = v.handshake("nonce")
		in := directives(t, e, nonce)
		if !strings.HasPrefix(in[clerk.SessionCookie].Value, "ey") || in[clerk.SessionCookie].HttpOnly || in[clerk.ClientUATCookie].Value == "0" {
			t.Errorf("signed in, the directives are %v", in)
		}
		if c := in[refresh]; c.Value == "" || !c.HttpOnly || c.Path != "/" {
			t.Errorf("the refresh token's cookie is %v", c)
		}
		for _, name := range []string{clerk.HandshakeCookie, clerk.HandshakeNonceCookie} {
			if c := in[name]; c == nil || c.MaxAge >= 0 {
				t.Errorf("%s is not cleared: %v", name, c)
			}
		}
	})
}

func TestNonce(t *testing.T) {
	var c clock
	e := newEmulator(t, emulator.Options{Now: c.now})
	v := newVisitor(t, e)
	_, used := v.handshake("nonce")
	directives(t, e, used)
	_, old := v.handshake("nonce")
	c.advance(61 * time.Second)
	for what, nonce := range map[string]string{"used": used, "old": old, "unknown": "nonce", "empty": ""} {
		status, body := backend(t, e, "GET", "/clients/handshake_payload?nonce="+nonce, nil)
		if status != http.StatusNotFound || !strings.Contains(body, "resource_not_found") {
			t.Errorf("a nonce that is %s = %d %s, want 404", what, status, body)
		}
	}
	w := serve(e, local("GET", "/__clerk/v1/clients/handshake_payload?nonce=x", ""))
	wantFailure(t, "a payload without the secret", w.Result(), 401, "clerk_key_invalid")
}

// SignIn gives what a sign-in gives: no refresh token.
func TestSignInCookies(t *testing.T) {
	ofBothKinds(t, func(t *testing.T, e *emulator.Emulator) {
		cookies, err := e.SignIn("user_dev_ada")
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, c := range cookies {
			name := strings.TrimSuffix(c.Name, "_"+clerk.Suffix(e.Config().PublishableKey))
			names = append(names, name)
		}
		slices.Sort(names)
		want := []string{clerk.ClientUATCookie, clerk.SessionCookie}
		if strings.HasPrefix(e.Config().PublishableKey, "pk_test_") {
			want = append(want, clerk.DevBrowserCookie)
		} else {
			want = append(want, "__client")
		}
		slices.Sort(want)
		if names = slices.Compact(names); !slices.Equal(names, want) {
			t.Errorf("the cookies are %q, want %q", names, want)
		}
	})
}

// A refreshing is a session whose token has run out, and what refreshes it.
type refreshing struct {
	e           *emulator.Emulator
	v           *visitor
	id, otherID string // of the session, and of somebody else's
	suffix      string // of its cookies
	request     object
	foreign     map[string]*http.Cookie // those of the other session
}

func newRefreshing(t *testing.T) refreshing {
	t.Helper()
	var c clock
	e := newEmulator(t, emulator.Options{Now: c.now})
	v, other := newVisitor(t, e), newVisitor(t, e)
	r := refreshing{e: e, v: v, id: v.enter("user_dev_ada"), otherID: other.enter("user_dev_ada"), suffix: "_" + clerk.Suffix(e.Config().PublishableKey)}
	_, nonce := v.handshake("nonce")
	own := directives(t, e, nonce)
	_, nonce = other.handshake("nonce")
	r.foreign = directives(t, e, nonce)
	c.advance(2 * time.Minute)
	r.request = object{
		"format": "cookie", "expired_token": own[clerk.SessionCookie].Value, "refresh_token": own[clerk.RefreshCookie+r.suffix].Value,
		"request_origin": "https://posts.example.com", "request_headers": object{"user-agent": []string{"x"}},
	}
	return r
}

// with returns the request with another value of a field.
func (r refreshing) with(name string, value any) object {
	changed := maps.Clone(r.request)
	changed[name] = value
	return changed
}

func TestRefresh(t *testing.T) {
	r := newRefreshing(t)
	for query, want := range map[string][]string{"": {"__session"}, "?suffixed_cookies=true": {"__session", "__session" + r.suffix}} {
		status, body := backend(t, r.e, "POST", "/sessions/"+r.id+"/refresh"+query, r.request)
		answer := decode(t, body)
		if status != http.StatusOK || answer["object"] != "cookies" || len(answer["cookies"].([]any)) != len(want) {
			t.Fatalf("refreshing%s = %d %s", query, status, body)
		}
		for i, line := range answer["cookies"].([]any) {
			cookie, err := http.ParseSetCookie(line.(string))
			if err != nil || cookie.Name != want[i] || cookie.Value == r.request["expired_token"] || !cookie.Secure {
				t.Errorf("refreshing%s gives %q, %v", query, line, err)
			}
		}
	}
	r.v.must("DELETE", "/client/sessions")
	if status, body := backend(t, r.e, "POST", "/sessions/"+r.id+"/refresh", r.request); status != http.StatusNotFound {
		t.Errorf("refreshing an ended session = %d %s, want 404", status, body)
	}
}

func TestRefreshIsRefused(t *testing.T) {
	r := newRefreshing(t)
	token := r.request["expired_token"].(string)
	_, handshakeToken := r.v.handshake("")
	tests := []struct {
		name, id string
		body     any
		status   int
		code     string
	}{
		{"unknown session", "sess_unknown", r.request, 404, "resource_not_found"},
		{"foreign session", r.otherID, r.request, 422, "refresh_token_invalid"},
		{"wrong refresh token", r.id, r.with("refresh_token", "wrong"), 422, "refresh_token_invalid"},
		{"foreign refresh token", r.id, r.with("refresh_token", r.foreign[clerk.RefreshCookie+r.suffix].Value), 422, "refresh_token_invalid"},
		{"no refresh token", r.id, r.with("refresh_token", nil), 422, "refresh_token_invalid"},
		{"foreign token", r.id, r.with("expired_token", r.foreign[clerk.SessionCookie].Value), 422, "expired_token_invalid"},
		{"flipped signature", r.id, r.with("expired_token", token[:len(token)-4]+"AAAA"), 422, "expired_token_invalid"},
		{"no token", r.id, r.with("expired_token", ""), 422, "expired_token_invalid"},
		{"handshake token", r.id, r.with("expired_token", handshakeToken), 422, "expired_token_invalid"},
		{"other format", r.id, r.with("format", "token"), 422, "form_param_value_invalid"},
		{"path as origin", r.id, r.with("request_origin", "https://posts.example.com/"), 422, "form_param_format_invalid"},
		{"list", r.id, []string{}, 400, "request_body_invalid"},
	}
	for _, tt := range tests {
		status, body := backend(t, r.e, "POST", "/sessions/"+tt.id+"/refresh", tt.body)
		if status != tt.status || !strings.Contains(body, `"`+tt.code+`"`) {
			t.Errorf("%s: %d %s, want %d %s", tt.name, status, body, tt.status, tt.code)
		}
	}
}
