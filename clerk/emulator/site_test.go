package emulator_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"inkwell/clerk"
	"inkwell/clerk/emulator"
)

// A clock is one that tests move on.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time          { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) advance(d time.Duration) { c.ahead.Add(int64(d)) }

func newEmulator(t *testing.T, o emulator.Options) *emulator.Emulator {
	t.Helper()
	e, err := emulator.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

// newSite starts a program of one page, which names its user, behind e.
func newSite(t *testing.T, e *emulator.Emulator) string {
	t.Helper()
	authenticator, err := clerk.New(e.Config())
	if err != nil {
		t.Fatal(err)
	}
	app := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		result, err := authenticator.Authenticate(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		for name, values := range result.Header {
			w.Header()[name] = values
		}
		if result.Header.Get("Location") != "" {
			w.WriteHeader(http.StatusTemporaryRedirect)
			return
		}
		fmt.Fprint(w, who(result))
	})
	server := httptest.NewServer(e.Handler(app))
	t.Cleanup(server.Close)
	return server.URL
}

func who(result clerk.Result) string {
	if result.Claims == nil {
		return "nobody: " + result.Reason
	}
	return result.Claims.Subject
}

// A browser keeps cookies and follows redirects.
type browser struct {
	t      *testing.T
	site   string
	client *http.Client
}

func newBrowser(t *testing.T, site string) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t, site, &http.Client{Jar: jar}}
}

func (b *browser) get(path string) (status int, body string) {
	b.t.Helper()
	return b.do("GET", path, nil)
}

func (b *browser) post(path string, fields ...string) (status int, body string) {
	b.t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return b.do("POST", path, strings.NewReader(form.Encode()))
}

// do sends a request as a navigation. The time before it is long enough for
// the count of redirects to have gone: that cookie lives for 2 seconds.
func (b *browser) do(method, path string, body io.Reader) (int, string) {
	b.t.Helper()
	b.client.Jar.SetCookies(b.origin(), []*http.Cookie{{Name: clerk.RedirectCountCookie, Path: "/", MaxAge: -1}})
	r, err := http.NewRequest(method, b.site+path, body)
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Sec-Fetch-Dest", "document")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := b.client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

func (b *browser) origin() *url.URL {
	origin, err := url.Parse(b.site)
	if err != nil {
		b.t.Fatal(err)
	}
	return origin
}

func (b *browser) cookie(name string) string {
	for _, c := range b.client.Jar.Cookies(b.origin()) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

func (b *browser) wantUser(when, want string) {
	b.t.Helper()
	if _, got := b.get("/"); got != want {
		b.t.Errorf("%s the page says %q, want %q", when, got, want)
	}
}

// decode reads JSON of which a test looks at a few members.
func decode(t *testing.T, text string) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return v
}
