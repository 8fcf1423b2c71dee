package emulator_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"inkwell/clerk/emulator"
)

// local returns a request from this machine.
func local(method, target, body string) *http.Request {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Host, r.RemoteAddr = "localhost:8080", "127.0.0.1:40000"
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return r
}

func serve(e *emulator.Emulator, r *http.Request) *httptest.ResponseRecorder {
	app := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("app")) })
	w := httptest.NewRecorder()
	e.Handler(app).ServeHTTP(w, r)
	return w
}

func TestLocalRequestsAlone(t *testing.T) {
	e := newEmulator(t, emulator.Options{})
	tests := []struct {
		from, host string
		want       int
	}{
		{"127.0.0.1:1", "localhost", http.StatusOK},
		{"127.0.0.1:1", "LocalHost:8080", http.StatusOK},
		{"127.0.0.1:1", "app.localhost:8080", http.StatusOK},
		{"127.1.2.3:1", "127.9.9.9:8080", http.StatusOK},
		{"[::1]:1", "[::1]:8080", http.StatusOK},
		{"[::1]:1", "[::1]", http.StatusOK},
		{"[::ffff:127.0.0.1]:1", "127.0.0.1", http.StatusOK},
		{"127.0.0.1:1", "evil.example", http.StatusForbidden},
		{"127.0.0.1:1", "127.0.0.1.evil.example:8080", http.StatusForbidden},
		{"127.0.0.1:1", "localhost.evil.example", http.StatusForbidden},
		{"127.0.0.1:1", "notlocalhost", http.StatusForbidden},
		{"127.0.0.1:1", "0.0.0.0:8080", http.StatusForbidden},
		{"127.0.0.1:1", "", http.StatusForbidden},
		{"192.168.1.2:1", "localhost", http.StatusForbidden},
		{"[fe80::1%eth0]:1", "localhost", http.StatusForbidden},
		{"@", "localhost", http.StatusForbidden},
	}
	for _, tt := range tests {
		for _, path := range []string{"/", "/__clerk/sign-in", "/__clerk/v1/client"} {
			r := local("GET", path, "")
			r.RemoteAddr, r.Host = tt.from, tt.host
			r.Header.Set("X-Forwarded-For", "127.0.0.1")
			r.Header.Set("X-Forwarded-Host", "localhost")
			w := serve(e, r)
			if w.Code != tt.want {
				t.Errorf("%s from %s for %q = %d, want %d", path, tt.from, tt.host, w.Code, tt.want)
			}
			if w.Code == http.StatusForbidden && w.Header().Get("Content-Security-Policy") == "" {
				t.Errorf("the refusal of %q has no policy", tt.host)
			}
		}
	}
}

func TestHeaders(t *testing.T) {
	e := newEmulator(t, emulator.Options{})
	tests := []struct {
		method, path, wantCache string
		wantStatus              int
	}{
		{"GET", "/__clerk/sign-in", "no-store", 200},
		{"GET", "/__clerk/webhooks", "no-store", 200},
		{"GET", "/__clerk/webhooks/again", "no-store", 405},
		{"GET", "/__clerk/v1/client", "no-store", 200},
		{"GET", "/__clerk/v1/environment", "no-store", 200},
		{"GET", "/__clerk/.well-known/jwks.json", "no-store", 200},
		{"GET", "/__clerk/nothing", "no-store", 404},
		{"GET", "/__clerk", "no-store", 303},
		{"GET", "/__clerk/", "no-store", 303},
		{"GET", "/__clerk/v1/nothing", "no-store", 404},
		{"PUT", "/__clerk/sign-in", "no-store", 405},
		{"GET", "/__clerk/style.css", "no-cache", 200},
		{"GET", "/__clerk/npm/@clerk/clerk-js@6/dist/clerk.browser.js", "no-cache", 200},
		{"GET", "/__clerk/npm/@clerk/ui@1.36.0/dist/ui.browser.js", "no-cache", 200},
		{"GET", "/__clerk/npm/@clerk/ui@1/dist/other.js", "no-store", 404},
	}
	for _, tt := range tests {
		w := serve(e, local(tt.method, tt.path, ""))
		h := w.Header()
		if w.Code != tt.wantStatus || h.Get("Cache-Control") != tt.wantCache {
			t.Errorf("%s %s = %d, %q; want %d, %q", tt.method, tt.path, w.Code, h.Get("Cache-Control"), tt.wantStatus, tt.wantCache)
		}
		if policy := h.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s %s has the policy %q", tt.method, tt.path, policy)
		}
		for _, name := range []string{"X-Content-Type-Options", "Referrer-Policy", "Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy"} {
			if h.Get(name) == "" {
				t.Errorf("%s %s lacks %s", tt.method, tt.path, name)
			}
		}
	}
}

func TestScriptsAreAskedAboutAgain(t *testing.T) {
	e := newEmulator(t, emulator.Options{})
	r := local("GET", "/__clerk/npm/@clerk/clerk-js@6/dist/clerk.browser.js", "")
	first := serve(e, r)
	if got := first.Header().Get("Content-Type"); !strings.HasPrefix(got, "text/javascript") {
		t.Errorf("the script is %q", got)
	}
	r.Header.Set("If-None-Match", first.Header().Get("ETag"))
	if again := serve(e, r); again.Code != http.StatusNotModified {
		t.Errorf("asked again: %d, want 304", again.Code)
	}
}

func TestCrossSitePosts(t *testing.T) {
	e := newEmulator(t, emulator.Options{})
	for _, path := range []string{"/__clerk/sign-in", "/__clerk/user", "/__clerk/user/delete", "/__clerk/user/sign-out", "/__clerk/webhooks", "/__clerk/webhooks/again", "/__clerk/webhooks/users", "/__clerk/v1/client/sign_ins", "/__clerk/v1/client/sessions?_method=DELETE"} {
		for name, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"} {
			r := local("POST", path, "identifier=user_dev_ada")
			r.Header.Set(name, value)
			if w := serve(e, r); w.Code != http.StatusForbidden {
				t.Errorf("POST %s with %s: %s = %d, want 403", path, name, value, w.Code)
			}
		}
	}
}

func TestLargeBodies(t *testing.T) {
	e := newEmulator(t, emulator.Options{})
	large := "identifier=" + strings.Repeat("a", 1<<20)
	for _, path := range []string{"/__clerk/sign-in", "/__clerk/webhooks", "/__clerk/webhooks/again", "/__clerk/v1/client/sign_ins", "/__clerk/v1/me?_method=PATCH"} {
		if w := serve(e, local("POST", path, large)); w.Code != http.StatusRequestEntityTooLarge {
			t.Errorf("POST %s of 1 MiB = %d, want 413", path, w.Code)
		}
	}
}

// targets are values of redirect_url, and whether they lead elsewhere.
var targets = []struct {
	value string
	want  string // path and query; empty: refused
}{
	{"/", "/"},
	{"/posts/new?a=1&b=%2F", "/posts/new?a=1&b=%2F"},
	{"http://localhost:8080/posts", "/posts"},
	{"http://localhost:8080//evil.example/", "//evil.example/"},
	{"", ""},
	{"posts", ""},
	{"//evil.example", ""},
	{"///evil.example", ""},
	{`/\evil.example`, ""},
	{`\\evil.example`, ""},
	{"/\t/evil.example", ""},
	{"\n//evil.example", ""},
	{" //evil.example", ""},
	{"https:evil.example", ""},
	{"http:evil.example", ""},
	{"http:/evil.example", ""},
	{"http:///evil.example", ""},
	{"https://localhost:8080/", ""},
	{"http://localhost:8081/", ""},
	{"http://127.0.0.1:8080/", ""},
	{"http://localhost:8080@evil.example/", ""},
	{"http://evil@localhost:8080/", ""},
	{"http://localhost:8080.evil.example/", ""},
	{"javascript:alert(1)", ""},
	{"data:text/html,x", ""},
	{"http://[::1", ""},
}

func TestRedirects(t *testing.T) {
	e := newEmulator(t, emulator.Options{})
	for _, tt := range targets {
		query := "?redirect_url=" + url.QueryEscape(tt.value)
		w := serve(e, local("POST", "/__clerk/user/sign-out", query[1:]))
		want := "http://localhost:8080/"
		if tt.want != "" {
			want = "http://localhost:8080" + tt.want
		}
		if got := w.Header().Get("Location"); w.Code != http.StatusSeeOther || !strings.HasPrefix(got, want) {
			t.Errorf("signing out to %q goes to %q, want %q", tt.value, got, want)
		}
		w = serve(e, local("GET", "/__clerk/v1/client/handshake"+query, ""))
		if tt.want == "" && w.Code != http.StatusBadRequest {
			t.Errorf("a handshake for %q = %d, want 400", tt.value, w.Code)
		}
		if got := w.Header().Get("Location"); tt.want != "" && (w.Code != http.StatusTemporaryRedirect || !strings.HasPrefix(got, want)) {
			t.Errorf("a handshake for %q = %d and goes to %q, want %q", tt.value, w.Code, got, want)
		}
	}
}
