package handlers

import (
	"net/http"
	"testing"

	"inkwell/clerk"
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
	t.Parallel() // it waits for as long as a user would
	site := newSite(t, failing("/v1/users/"))
	c := site.as(ada)
	c.htmx("POST", "/account", nil).status(http.StatusServiceUnavailable).shows(".notice-problem", "Clerk cannot be asked")
	c.get("/account").shows(".facts", "Ada Lovelace")
	site.guest().submit("/account", nil).status(http.StatusUnauthorized)
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
