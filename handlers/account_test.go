package handlers

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"inkwell/clerk"
	"inkwell/db/dbtest"
)

// What was changed at Clerk is here as soon as somebody asks, without a webhook.
func TestRefreshAccount(t *testing.T) {
	site := newSite(t)
	c := site.as(ada)
	rename := func(first string) {
		t.Helper()
		if _, err := site.clerk.UpdateUser(ada, func(u *clerk.User) { u.FirstName = &first }); err != nil {
			t.Fatal(err)
		}
	}
	rename("Augusta")
	c.get("/account").shows(".facts", "Ada Lovelace")
	c.htmx("POST", "/account", nil).status(http.StatusOK).shows("#account .facts", "Augusta Lovelace").
		shows("hx-partial[hx-target='#menu'] #account-menu", "Augusta Lovelace").shows("hx-partial[hx-target='#status']", "what Clerk says now")
	rename("Ada <b>")
	page := c.press(c.get("/account"), "#refresh").status(http.StatusOK).at("/account")
	page.shows(".facts", "Ada <b> Lovelace").shows("#account-menu", "Ada <b> Lovelace").shows(".notice", "what Clerk says now")
}

func TestRefreshAccountWithoutClerk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // it waits for as long as a user would
		site := newSite(t, failing("/v1/users/"))
		c := site.as(ada)
		c.htmx("POST", "/account", nil).status(http.StatusServiceUnavailable).shows(".notice-problem", "Clerk cannot be asked")
		c.get("/account").shows(".facts", "Ada Lovelace")
		site.guest().submit("/account", nil).status(http.StatusUnauthorized)
	})
}

// What Clerk says may be that the account is of no use any more.
func TestRefreshSuspendedAccount(t *testing.T) {
	site := newSite(t)
	c := site.as(ada)
	if _, err := site.clerk.UpdateUser(ada, func(u *clerk.User) { u.Banned = true }); err != nil {
		t.Fatal(err)
	}
	c.submit("/account", nil).status(http.StatusUnauthorized).shows("h1 + p", "deleted or suspended")
}

// A database that cannot be written is no fault of Clerk's.
func TestRefreshAccountWithoutDatabase(t *testing.T) {
	site := newSite(t)
	c := site.as(ada)
	name := "Augusta"
	if _, err := site.clerk.UpdateUser(ada, func(u *clerk.User) { u.FirstName = &name }); err != nil {
		t.Fatal(err)
	}
	dbtest.Exec(t, site.db, "CREATE TRIGGER broken BEFORE UPDATE ON users BEGIN SELECT RAISE(ABORT, 'broken'); END")
	a := c.htmx("POST", "/account", nil).status(http.StatusInternalServerError)
	if strings.Contains(a.body, "Clerk") {
		t.Errorf("Clerk is blamed: %s", a.body)
	}
}

func TestRefreshUnusableAccount(t *testing.T) {
	site := newSite(t, withAPI(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
		if !strings.HasPrefix(r.URL.Path, "/v1/users/") {
			return next.RoundTrip(r)
		}
		body := io.NopCloser(strings.NewReader(`{"id":1815}`))
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: body, Request: r}, nil
	}))
	site.as(ada).htmx("POST", "/account", nil).status(http.StatusBadGateway).shows(".notice-problem", "cannot be read")
}

// Clerk knows of a deletion before its webhook is here.
func TestRefreshDeletedAccount(t *testing.T) {
	site := newSite(t)
	c := site.as(ada)
	if err := site.clerk.DeleteUser(ada); err != nil {
		t.Fatal(err)
	}
	c.submit("/account", nil).status(http.StatusUnauthorized).shows("h1 + p", "deleted or suspended")
}
