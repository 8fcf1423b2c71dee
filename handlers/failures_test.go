package handlers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"inkwell/db/dbtest"
)

// A logLine is what a test reads of a line of the log.
type logLine struct {
	Level, Msg, ID, Path, Client, Auth, Error string
	Status                                    int
}

// lines returns the log; each line of it must be one JSON object.
func (b *logBuffer) lines(t testing.TB) []logLine {
	t.Helper()
	var lines []logLine
	for text := range strings.Lines(b.String()) {
		var l logLine
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatalf("the log has the line %q: %v", text, err)
		}
		lines = append(lines, l)
	}
	return lines
}

// last is the last line about a request.
func (b *logBuffer) last(t testing.TB) logLine {
	t.Helper()
	lines := b.lines(t)
	for i := len(lines) - 1; i >= 0; i-- {
		if lines[i].Msg == "request" {
			return lines[i]
		}
	}
	t.Fatal("no request is in the log")
	return logLine{}
}

// The log holds what happened and nothing that opens a door, ASVS 14.2.1,
// 16.2.5 and 16.4.1.
func TestLogHoldsNoSecrets(t *testing.T) {
	site := newSite(t)
	token, err := site.clerk.SessionToken(ada, 0)
	if err != nil {
		t.Fatal(err)
	}
	c := site.as(ada)
	c.setCookie(&http.Cookie{Name: "other", Value: "s3cret-cookie"})
	c.setCookie(&http.Cookie{Name: "inkwell", Value: "s3cret-own"})
	c.get("/?__clerk_handshake=s3cret-handshake&q=s3cret-query").status(http.StatusInternalServerError)
	c.get("/?q=s3cret-query").status(http.StatusOK)
	c.get("/sign-in?redirect_url=/s3cret-target")
	c.submit("/posts", url.Values{"title": {"s3cret-title"}, "published": {"true"}, "form_key": {"s3cret-key"}})
	site.stranger().send("GET", "/api/me", "", "Authorization", "Bearer s3cret-bearer", "Referer", origin+"/s3cret-referer").status(http.StatusUnauthorized)
	site.stranger().send("GET", "/api/me", "", "Authorization", "Bearer "+token, "User-Agent", "s3cret-agent").status(http.StatusOK)
	site.stranger().send("POST", WebhookPath, "s3cret-body", "svix-id", "msg_1", "svix-timestamp", "1", "svix-signature", "v1,s3cret-signature")
	site.deliver(delivery{id: "msg_2", body: userEvent("user.created", "user_new", "s3cret-name", time.Now().UnixMilli())}).status(http.StatusOK)
	breakPosts(site)
	c.submit("/posts", url.Values{"title": {"s3cret-failure"}, "published": {"true"}}).status(http.StatusInternalServerError)
	c.get("/line%0A%1b[31mbreak").status(http.StatusNotFound)

	log := site.log.String()
	site.log.lines(t) // no line is broken
	secrets := []string{"s3cret", token, token[strings.LastIndex(token, ".")+1:], "__session", "?", site.clerk.WebhookSecret()}
	for _, cookie := range c.jar.Cookies(&url.URL{Scheme: "http", Host: "localhost", Path: "/"}) {
		if len(cookie.Value) > 10 {
			secrets = append(secrets, cookie.Value)
		}
	}
	for _, secret := range secrets {
		if i := strings.Index(log, secret); i >= 0 {
			t.Errorf("%q is in the log: %.300s", secret, log[max(0, i-100):])
		}
	}
}

// What was refused and why is in the log, ASVS 16.3.1 to 16.3.4.
func TestLogTellsOfRefusals(t *testing.T) {
	site := newSite(t)
	site.post(ada, "Hello", "", true)
	tests := []struct {
		name      string
		send      func() *answer
		wantLevel string
		wantAuth  string
	}{
		{"no session", func() *answer { return site.guest().api("GET", "/api/me", "") }, "INFO", "session-token-and-uat-missing"},
		{"bad session", func() *answer { return site.stranger().send("GET", "/api/me", "", "Authorization", "x") }, "INFO", "token-invalid"},
		{"not the author", func() *answer { return site.as(grace).api("PATCH", "/api/posts/1", "{}") }, "INFO", ""},
		{"cross-site", func() *answer { return site.as(ada).send("DELETE", "/posts/1", "", "Sec-Fetch-Site", "cross-site") }, "INFO", ""},
		{"forged webhook", func() *answer { return site.stranger().send("POST", WebhookPath, "{}") }, "INFO", ""},
		{"our mistake", func() *answer { breakPosts(site); return site.as(ada).get("/") }, "ERROR", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := tt.send()
			got := site.log.last(t)
			if got.Status != a.StatusCode || got.Path != a.Request.URL.Path || got.Level != tt.wantLevel || got.Auth != tt.wantAuth || got.ID == "" {
				t.Errorf("after %d the log says %+v", a.StatusCode, got)
			}
		})
	}
	if !strings.Contains(site.log.String(), "webhook refused") {
		t.Error("the log does not tell of the forged webhook")
	}
}

// Who is asking can be made up only by a proxy that is trusted, ASVS 4.1.3 and
// 15.3.4.
func TestClientAddress(t *testing.T) {
	tests := []struct {
		name, trusted, remote string
		forwarded             []string
		want                  string
	}{
		{"alone", "", "127.0.0.1:1", nil, "127.0.0.1"},
		{"made up", "", "127.0.0.1:1", []string{"1.2.3.4"}, "127.0.0.1"},
		{"made up to a proxy elsewhere", "10.0.0.0/8", "127.0.0.1:1", []string{"1.2.3.4"}, "127.0.0.1"},
		{"one proxy", "127.0.0.0/8", "127.0.0.1:1", []string{"1.2.3.4"}, "1.2.3.4"},
		{"one proxy, the rest made up", "127.0.0.0/8", "127.0.0.1:1", []string{"6.6.6.6, 1.2.3.4"}, "1.2.3.4"},
		{"in two headers", "127.0.0.0/8", "127.0.0.1:1", []string{"6.6.6.6", "1.2.3.4"}, "1.2.3.4"},
		{"two proxies", "127.0.0.0/8", "127.0.0.1:1", []string{"6.6.6.6, 1.2.3.4, 127.0.0.2"}, "1.2.3.4"},
		{"no address", "127.0.0.0/8", "127.0.0.1:1", []string{"1.2.3.4, nonsense"}, "127.0.0.1"},
		{"nothing said", "127.0.0.0/8", "127.0.0.1:1", []string{""}, "127.0.0.1"},
		{"version 6", "::1/128", "[::1]:1", []string{"2001:db8::1"}, "2001:db8::1"},
		{"mapped", "127.0.0.0/8", "[::ffff:127.0.0.1]:1", []string{"::ffff:1.2.3.4"}, "1.2.3.4"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			site := newSite(t, func(c *Config) {
				if tt.trusted != "" {
					c.Clerk.TrustedProxies = []netip.Prefix{netip.MustParsePrefix(tt.trusted)}
				}
			})
			r := httptest.NewRequest("GET", origin+"/healthz", nil)
			r.RemoteAddr = tt.remote
			r.Header["X-Forwarded-For"] = tt.forwarded
			site.serve(r)
			if got := site.log.last(t).Client; got != tt.want {
				t.Errorf("the client is %s, want %s", got, tt.want)
			}
		})
	}
}

func TestForwardedProto(t *testing.T) {
	trusting := func(c *Config) { c.Clerk.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} }
	tests := []struct {
		name   string
		option func(*Config)
		proto  string
		want   bool
	}{
		{"made up", func(*Config) {}, "https", false},
		{"of a proxy", trusting, "https", true},
		{"of two proxies", trusting, "https, http", true},
		{"no HTTPS", trusting, "http", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := newSite(t, tt.option).stranger().send("GET", "/healthz", "", "X-Forwarded-Proto", tt.proto)
			if got := a.Header.Get("Strict-Transport-Security") != ""; got != tt.want {
				t.Errorf("the site thinks that it is served over HTTPS: %t, want %t", got, tt.want)
			}
		})
	}
}

// panics is a route that breaks down, behind the site's own middleware.
func panics(t *testing.T, site *testSite, h http.HandlerFunc) {
	t.Helper()
	var err error
	if site.Server.handler, err = site.middleware(h, ""); err != nil {
		t.Fatal(err)
	}
}

func TestPanic(t *testing.T) {
	tests := []struct{ name, path, encoding string }{
		{"page", "/", ""},
		{"page, compressed", "/", "gzip"},
		{"JSON", "/api/me", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			site := newSite(t)
			good := site.Server.handler
			panics(t, site, func(http.ResponseWriter, *http.Request) { panic("secret cause") })
			a := site.guest().send("GET", tt.path, "", "Accept-Encoding", tt.encoding).status(http.StatusInternalServerError)
			if last := site.log.last(t); last.Status != http.StatusInternalServerError || last.Level != "ERROR" {
				t.Errorf("the log says %+v", last)
			}
			id := site.log.last(t).ID
			if strings.Contains(a.body, "secret") || tt.encoding == "" && !strings.Contains(a.body, id) {
				t.Errorf("the answer is %s, want it to hold the reference %s alone", a.body, id)
			}
			if !strings.Contains(site.log.String(), "secret cause") || !strings.Contains(site.log.String(), "failures_test.go") {
				t.Error("the log does not say what broke, and where")
			}
			site.Server.handler = good
			site.guest().get("/").status(http.StatusOK)
		})
	}
}

// What is sent already cannot be taken back: the connection is cut, so that
// nobody takes it for whole.
func TestPanicInTheMiddle(t *testing.T) {
	for _, encoding := range []string{"", "gzip"} {
		site := newSite(t)
		panics(t, site, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprint(w, strings.Repeat("half a page ", 1000))
			panic("broken")
		})
		r := httptest.NewRequest("GET", origin+"/", nil)
		r.Header.Set("Accept-Encoding", encoding)
		func() {
			defer func() {
				if err, _ := recover().(error); !errors.Is(err, http.ErrAbortHandler) {
					t.Errorf("the handler ends with %v, want it to cut the connection", err)
				}
			}()
			site.Server.ServeHTTP(httptest.NewRecorder(), r)
		}()
	}
}

// Errors of ours say what to do, and nothing of what is inside, ASVS 13.4.2 and
// 16.5.1.
func TestErrorsTellNothing(t *testing.T) {
	site := newSite(t)
	site.post(ada, "Hello", "", true)
	c := site.as(ada)
	breakPosts(site)
	form := url.Values{"title": {"x"}, "content": {"y"}, "published": {"true"}}
	answers := []*answer{
		c.get("/"), c.get("/posts/1"), c.get("/drafts"), c.submit("/posts", form), c.submit("/posts/1", form), c.submit("/posts/1/delete", nil), c.submit("/posts/1/restore", nil),
		c.htmx("GET", "/?before=1-1", nil), c.htmx("POST", "/posts", form),
		c.api("GET", "/api/posts", ""), c.api("POST", "/api/posts", `{"title":"x"}`), c.api("PATCH", "/api/posts/1", `{"title":"x"}`), c.api("DELETE", "/api/posts/1", ""),
	}
	references := map[string]bool{}
	for _, line := range site.log.lines(t) {
		references[line.ID] = line.Error != "" || references[line.ID]
	}
	for _, a := range answers {
		a.status(http.StatusInternalServerError)
		for _, word := range []string{"no such table", "sqlite", "SELECT ", ".go:", "goroutine", site.db.Path()} {
			if strings.Contains(a.body, word) {
				t.Errorf("%s %s tells %q", a.Request.Method, a.Request.URL, word)
			}
		}
		known := false
		for id, explained := range references {
			known = known || explained && strings.Contains(a.body, id)
		}
		if !known {
			t.Errorf("%s %s gives no reference to the log: %s", a.Request.Method, a.Request.URL, a.body)
		}
	}
	dbtest.Exec(t, site.db, "ALTER TABLE broken RENAME TO posts")
	c.get("/").status(http.StatusOK).shows(".post-item h2", "Hello")
}

func TestHealth(t *testing.T) {
	site := newSite(t)
	if a := site.stranger().get("/healthz").status(http.StatusOK); a.body != "ok" {
		t.Errorf("a healthy site answers %q", a.body)
	}
	if err := site.db.Close(); err != nil {
		t.Fatal(err)
	}
	a := site.stranger().get("/healthz").status(http.StatusServiceUnavailable)
	if strings.Contains(a.body, "sql") || a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("a broken site answers %q, %v", a.body, a.Header)
	}
}

// A client that has gone is no mistake of ours.
func TestClientThatHasGone(t *testing.T) {
	site := newSite(t)
	r := httptest.NewRequest("GET", origin+"/posts/1", nil)
	ctx, cancel := context.WithCancel(r.Context())
	cancel()
	site.Server.ServeHTTP(httptest.NewRecorder(), r.WithContext(ctx))
	for _, line := range site.log.lines(t) {
		if line.Level != "INFO" {
			t.Errorf("the log says %+v", line)
		}
	}
}
