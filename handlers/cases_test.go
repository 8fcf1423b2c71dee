package handlers

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"inkwell/clerk"
	"inkwell/clerk/clerktest"
	"inkwell/db"
	"inkwell/db/dbtest"
)

// What Clerk's own server SDK makes of a request, the whole site answers over
// HTTP; and to htmx as the contract says.
func TestClerksCases(t *testing.T) {
	cases, data := clerktest.Cases(t), dbtest.New(t)
	for _, c := range cases {
		saveUser(t, data, c.Want.User)
	}
	for _, c := range cases {
		t.Run(c.ID+" "+c.Name, func(t *testing.T) {
			site := serveHTTP(t, data, c.Config(t))
			checkAnswer(t, exchange(t, site, c.NewRequest()), c.Want)
			htmx := c.NewRequest()
			htmx.Header.Set("HX-Request", "true")
			checkAnswer(t, exchange(t, site, htmx), c.Want)
		})
	}
}

// saveUser makes a user known, by the name that is the id.
func saveUser(t *testing.T, data *db.DB, id string) {
	t.Helper()
	if id == "" {
		return
	}
	if _, err := data.SaveUser(t.Context(), db.UserData{ClerkID: id, Name: id, UpdatedAt: db.TimeOf(clerktest.Now())}); err != nil {
		t.Fatal(err)
	}
}

// serveHTTP serves the site for a Clerk instance until the test ends.
func serveHTTP(t *testing.T, data *db.DB, config clerk.Config) *httptest.Server {
	t.Helper()
	site, err := New(Config{DB: data, Clerk: config, SessionKeys: testKeys(1), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(site.Close)
	server := httptest.NewServer(site)
	t.Cleanup(server.Close)
	return server
}

// exchange sends a request, whatever its host, to the server, and follows no
// redirect.
func exchange(t *testing.T, server *httptest.Server, r *http.Request) *answer {
	t.Helper()
	r.URL.Scheme, r.URL.Host, r.RequestURI = "http", server.Listener.Addr().String(), ""
	res, err := server.Client().Transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return &answer{Response: res, t: t, body: string(body)}
}

func checkAnswer(t *testing.T, got *answer, want clerktest.Want) {
	t.Helper()
	htmx := isHTMX(got.Request)
	if htmx {
		want = want.WithoutRedirect()
	}
	want.CheckHeader(t, got.Header)
	switch {
	case want.Throws:
		got.status(http.StatusInternalServerError).notKept().shows("main p:first-of-type", "of the same instance")
	case want.Header.Get("Location") != "":
		got.status(http.StatusTemporaryRedirect).notKept()
	case htmx && want.HandshakeDue:
		got.status(http.StatusUnauthorized).notKept()
		if got.Header.Get("HX-Reswap") != "none" || got.body != "" {
			t.Errorf("HX-Reswap: %q, body %.100q", got.Header.Get("HX-Reswap"), got.body)
		}
	case want.User != "":
		got.status(pageStatus(got.Request)).notKept().shows("#account-menu", want.User)
	default:
		got.status(pageStatus(got.Request)).lacks("#account-menu")
	}
}

// notKept makes sure that nothing between us and the reader keeps the answer.
func (a *answer) notKept() *answer {
	a.t.Helper()
	if got := a.Header.Get("Cache-Control"); got != "no-store" {
		a.t.Errorf("Cache-Control: %q, want no-store", got)
	}
	return a
}

// pageStatus is how the site answers a request of the cases that Clerk has
// nothing against. Most are for the feed, some for pages that it lacks.
func pageStatus(r *http.Request) int {
	switch {
	case r.URL.Path != "/":
		return http.StatusNotFound
	case r.Method != http.MethodGet:
		return http.StatusMethodNotAllowed
	}
	return http.StatusOK
}
