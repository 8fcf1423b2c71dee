package handlers

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/andybalholm/cascadia"
	"golang.org/x/net/html"

	"inkwell/clerk"
	"inkwell/clerk/emulator"
	"inkwell/db"
	"inkwell/db/dbtest"
)

// origin is where the test site is. The emulator answers loopback names alone.
const origin = "http://localhost"

// The ready users of the emulator that tests sign in as.
const (
	ada       = "user_dev_ada"
	grace     = "user_dev_grace"
	moderator = "user_dev_katherine"
	admin     = "user_dev_margaret"
)

// A testSite is the whole site over a database of its own and the emulator.
type testSite struct {
	*Server
	t       testing.TB
	db      *db.DB
	clerk   *emulator.Emulator
	handler http.Handler // the site and the emulator
	log     *logBuffer
	ahead   atomic.Int64 // how far Clerk's clock is ahead, in nanoseconds
}

// A logBuffer keeps a log. It is safe for concurrent use.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// newSite returns a site whose ready users are known already. Options change
// its settings.
func newSite(t testing.TB, options ...func(*Config)) *testSite {
	t.Helper()
	return newSiteWith(t, emulator.Options{}, options...)
}

// newSiteWith is newSite with an emulator of another kind. Its clock and where
// its webhooks go are set here.
func newSiteWith(t testing.TB, o emulator.Options, options ...func(*Config)) *testSite {
	t.Helper()
	s := &testSite{t: t, db: dbtest.New(t), log: &logBuffer{}}
	o.Client, o.Now = &http.Client{Transport: roundTripper(s.serve)}, s.now
	standIn, err := emulator.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(standIn.Close)
	config := Config{
		DB:             s.db,
		Clerk:          standIn.Config(),
		WebhookSecrets: []string{standIn.WebhookSecret()},
		SessionKeys:    testKeys(1),
		Log:            slog.New(slog.NewJSONHandler(s.log, nil)),
	}
	for _, option := range options {
		option(&config)
	}
	if s.Server, err = New(config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	s.clerk, s.handler = standIn, standIn.Handler(s.Server)
	for _, user := range standIn.Users() {
		known := userDataAsOf(user, db.TimeOf(time.Now().Add(-time.Second))) // before whatever the test does
		if _, err := s.db.SaveUser(t.Context(), known); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// testKeys returns a pair of keys; another n makes another pair.
func testKeys(n byte) [][]byte {
	return [][]byte{bytes.Repeat([]byte{n}, 64), bytes.Repeat([]byte{n + 1}, 32)}
}

// now is Clerk's clock, and ours for sessions.
func (s *testSite) now() time.Time { return time.Now().Add(time.Duration(s.ahead.Load())) }

// pass lets time go by for Clerk: a session token lives for a minute.
func (s *testSite) pass(d time.Duration) { s.ahead.Add(int64(d)) }

// serve answers a request in the process, and inspects the answer.
func (s *testSite) serve(r *http.Request) *http.Response {
	if r.RemoteAddr == "" {
		r.RemoteAddr = "127.0.0.1:40000"
	}
	if r.Body == nil {
		r.Body = http.NoBody
	}
	r.RequestURI = r.URL.RequestURI()
	rec := httptest.NewRecorder()
	s.handler.ServeHTTP(rec, r)
	s.inspect(r, rec)
	res := rec.Result()
	res.Request = r
	return res
}

type roundTripper func(*http.Request) *http.Response

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r), nil }

// A client is a browser, or a program, with cookies of its own. It follows no
// redirect unless follow is called.
type client struct {
	site *testSite
	jar  *cookiejar.Jar
}

// stranger is a client without any cookie.
func (s *testSite) stranger() *client {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &client{site: s, jar: jar}
}

// guest is a client that is not signed in but known to Clerk, as every browser
// is after its first page.
func (s *testSite) guest() *client {
	s.t.Helper()
	c := s.stranger()
	c.setCookie(&http.Cookie{Name: clerk.DevBrowserCookie, Value: "dvb_test"})
	return c
}

// as is a client in which the user is signed in.
func (s *testSite) as(userID string) *client {
	s.t.Helper()
	c := s.guest()
	cookies, err := s.clerk.SignIn(userID)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, cookie := range cookies {
		c.setCookie(cookie)
	}
	return c
}

func (c *client) setCookie(cookie *http.Cookie) {
	base, _ := url.Parse(origin)
	c.jar.SetCookies(base, []*http.Cookie{cookie})
}

// user returns the row of a user.
func (s *testSite) user(clerkID string) db.User {
	s.t.Helper()
	user, err := s.db.GetUserByClerkID(s.t.Context(), clerkID)
	if err != nil {
		s.t.Fatal(err)
	}
	return user
}

// Wait returns when nothing is left to do in the background but what runs
// until Close.
func (s *Server) Wait() { s.background.Wait() }

// mustRender renders a text that can be.
func (s *testSite) mustRender(source string) db.PostContent {
	s.t.Helper()
	content, err := s.rendered(source)
	if err != nil {
		s.t.Fatal(err)
	}
	return content
}

// post makes a post of the user.
func (s *testSite) post(clerkID, title, content string, published bool) db.Post {
	s.t.Helper()
	text := postText{Title: title, Content: content, Published: published}
	post, err := s.db.CreatePost(s.t.Context(), newPostParams(s.user(clerkID), text, s.mustRender(content), ""))
	if err != nil {
		s.t.Fatal(err)
	}
	return post
}

// An answer is what a client got.
type answer struct {
	*http.Response
	t    testing.TB
	body string
}

// send sends a request; header pairs follow the body.
func (c *client) send(method, path, body string, header ...string) *answer {
	c.site.t.Helper()
	target := path
	if strings.HasPrefix(path, "/") {
		target = origin + path
	}
	req, err := http.NewRequest(method, target, strings.NewReader(body))
	if err != nil {
		c.site.t.Fatal(err)
	}
	for pair := range slices.Chunk(header, 2) {
		req.Header.Add(pair[0], pair[1])
	}
	for _, cookie := range c.jar.Cookies(req.URL) {
		req.AddCookie(cookie)
	}
	res := c.site.serve(req)
	c.jar.SetCookies(req.URL, res.Cookies())
	text, err := io.ReadAll(res.Body)
	if err != nil {
		c.site.t.Fatal(err)
	}
	return &answer{Response: res, t: c.site.t, body: string(text)}
}

// get navigates as a browser does.
func (c *client) get(path string) *answer {
	c.site.t.Helper()
	return c.send("GET", path, "", "Accept", "text/html", "Sec-Fetch-Dest", "document", "Sec-Fetch-Site", "none")
}

// submit sends a form as a browser without JavaScript does.
func (c *client) submit(path string, form url.Values) *answer {
	c.site.t.Helper()
	return c.send("POST", path, form.Encode(), "Content-Type", "application/x-www-form-urlencoded",
		"Accept", "text/html", "Sec-Fetch-Dest", "document", "Sec-Fetch-Site", "same-origin", "Origin", origin)
}

// htmx asks as htmx does for a part of the page.
func (c *client) htmx(method, path string, form url.Values) *answer {
	c.site.t.Helper()
	return c.send(method, path, form.Encode(), "Content-Type", "application/x-www-form-urlencoded", "Accept", "text/html",
		"HX-Request", "true", "HX-Request-Type", "partial", "Sec-Fetch-Dest", "empty", "Sec-Fetch-Site", "same-origin")
}

// api asks as a program does that holds the browser's cookies.
func (c *client) api(method, path, body string) *answer {
	c.site.t.Helper()
	if body == "" {
		return c.send(method, path, "")
	}
	return c.send(method, path, body, "Content-Type", "application/json")
}

// follow follows redirects until an answer is none.
func (c *client) follow(a *answer) *answer {
	c.site.t.Helper()
	for range 10 {
		if a.StatusCode/100 != 3 {
			return a
		}
		to, err := a.Request.URL.Parse(a.Header.Get("Location"))
		if err != nil {
			c.site.t.Fatal(err)
		}
		a = c.get(to.String())
	}
	c.site.t.Fatalf("ten redirects, the last to %s", a.Header.Get("Location"))
	return nil
}

// status makes sure of the answer's status.
func (a *answer) status(want int) *answer {
	a.t.Helper()
	if a.StatusCode != want {
		a.t.Fatalf("%s %s = %d, want %d; Location %q\n%.1500s", a.Request.Method, a.Request.URL, a.StatusCode, want, a.Header.Get("Location"), a.body)
	}
	return a
}

// leadsTo makes sure of a redirect after a form, or to another page. A post is
// known by its id.
func (a *answer) leadsTo(path string) *answer {
	a.t.Helper()
	a.status(http.StatusSeeOther)
	if got := withoutSlug(a.Header.Get("Location")); got != path {
		a.t.Fatalf("%s %s leads to %q, want %q", a.Request.Method, a.Request.URL, got, path)
	}
	return a
}

// all returns the elements that match a CSS selector. What partials for other
// targets hold is found too.
func (a *answer) all(selector string) []*html.Node {
	a.t.Helper()
	doc, err := html.Parse(strings.NewReader(a.body))
	if err != nil {
		a.t.Fatal(err)
	}
	return cascadia.QueryAll(doc, cascadia.MustCompile(selector))
}

// one returns the element that matches; none or several are an error.
func (a *answer) one(selector string) *html.Node {
	a.t.Helper()
	found := a.all(selector)
	if len(found) != 1 {
		a.t.Fatalf("%s %s has %d of %q, want one\n%.3000s", a.Request.Method, a.Request.URL, len(found), selector, a.body)
	}
	return found[0]
}

// shows makes sure that exactly one element matches and holds the text.
func (a *answer) shows(selector, want string) *answer {
	a.t.Helper()
	if got := text(a.one(selector)); !strings.Contains(got, want) {
		a.t.Errorf("%s %s shows %q at %q, want it to contain %q", a.Request.Method, a.Request.URL, got, selector, want)
	}
	return a
}

// lacks makes sure that nothing matches.
func (a *answer) lacks(selector string) *answer {
	a.t.Helper()
	if found := a.all(selector); len(found) > 0 {
		a.t.Errorf("%s %s has %d of %q, want none", a.Request.Method, a.Request.URL, len(found), selector)
	}
	return a
}

// text is what an element shows, white space folded.
func text(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// attr is the value of an attribute, "" when there is none.
func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// fields returns what a browser would send of the form that matches, without
// its buttons.
func (a *answer) fields(selector string) url.Values {
	a.t.Helper()
	return fieldsOf(a.one(selector))
}

func rawText(n *html.Node) string {
	if n.FirstChild == nil {
		return ""
	}
	return n.FirstChild.Data
}
