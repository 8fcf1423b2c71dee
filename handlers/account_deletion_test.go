package handlers

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"inkwell/clerk"
	"inkwell/db/dbtest"
)

// atClerk reports whether Clerk has the user.
func (s *testSite) atClerk(userID string) bool {
	return slices.ContainsFunc(s.clerk.Users(), func(u clerk.User) bool { return u.ID == userID })
}

func TestDeleteAccount(t *testing.T) {
	for _, who := range []string{ada, moderator, admin} {
		site := newSite(t)
		site.introduce(who, "My bio", "My quote", "")
		site.post(who, "Mine", "", true)
		site.post(grace, "Stays", "", true)
		path := site.profile(who)
		c, elsewhere := site.as(who), site.as(who)
		c.get("/settings").one(`a[href="/settings/delete"]`)
		c.get("/settings/delete").status(http.StatusOK).shows("h1", "Delete your account").shows("main", "Nobody can bring it back")
		a := c.submit("/settings/delete", url.Values{"word": {" Delete "}}).leadsTo("/")
		if a.Header.Get("Clear-Site-Data") == "" {
			t.Error("what scripts stored is not cleared")
		}
		a = c.get("/").status(http.StatusOK).shows(".notice", "Your account is deleted").lacks("#account-menu").shows(".post-item", "Stays")
		a.lacks("#post-1")
		c.get(path).status(http.StatusNotFound)
		elsewhere.get("/account").status(http.StatusUnauthorized).shows("main p", "deleted")
		elsewhere.submit("/settings/delete", url.Values{"word": {"delete"}}).status(http.StatusUnauthorized)
		if user := site.user(who); user.DeletedAt == 0 || user.Email != nil || dbtest.Value[int](t, site.db, "SELECT count(*) FROM profiles") != 0 {
			t.Errorf("of the user is left %+v", user)
		}
		if site.atClerk(who) {
			t.Error("Clerk has the user still")
		}
	}
}

func TestDeletionAsksForAWord(t *testing.T) {
	site := newSite(t)
	c := site.as(ada)
	for _, word := range []string{"", "no", "delet", "delete me", "ada", strings.Repeat("delete", 100), "\xff"} {
		a := c.submit("/settings/delete", url.Values{"word": {word}}).status(http.StatusUnprocessableEntity).shows("#delete-word-problem", "Nothing is deleted yet")
		if got := attr(a.one("#delete-word"), "value"); got != clip(word, 100) {
			t.Errorf("the field holds %q after %q", got, word)
		}
	}
	c.get("/settings/delete?word=delete").status(http.StatusOK)
	site.guest().get("/settings/delete").leadsTo("/sign-in?redirect_url=%2Fsettings%2Fdelete")
	c.get("/account").status(http.StatusOK)
}

// While Clerk cannot be reached nothing is deleted, and the page says so.
func TestDeletionDuringAnOutage(t *testing.T) {
	var down outage
	site := newSite(t, down.of)
	site.post(ada, "Mine", "", true)
	c := site.as(ada)
	c.get("/account").status(http.StatusOK)
	down.on.Store(true)
	a := c.submit("/settings/delete", url.Values{"word": {"delete"}}).status(http.StatusServiceUnavailable).shows("form .problem", "Nothing was deleted here")
	if a.fields("#delete-form").Get("word") != "delete" || a.Header.Get("Retry-After") == "" {
		t.Errorf("the form holds %v, Retry-After is %q", a.fields("#delete-form"), a.Header.Get("Retry-After"))
	}
	c.get("/").status(http.StatusOK).shows("#account-menu", "Ada").shows(".post-item", "Mine")
	if !strings.Contains(site.log.String(), "the network is down") {
		t.Error("the log does not say why")
	}
	down.on.Store(false)
	c.submit("/settings/delete", a.fields("#delete-form")).leadsTo("/")
	site.guest().get("/posts/1").status(http.StatusNotFound)
}

// Clerk may have deleted a user although its answer does not come.
func TestDeletionWithoutAnAnswer(t *testing.T) {
	site := newSite(t, withAPI(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
		answer, err := next.RoundTrip(r)
		if r.Method == http.MethodDelete {
			return nil, errors.New("broken off")
		}
		return answer, err
	}))
	c := site.as(ada)
	c.follow(c.submit("/settings/delete", url.Values{"word": {"delete"}})).shows(".notice", "Your account is deleted")
	if user := site.user(ada); user.DeletedAt == 0 {
		t.Errorf("of the user is left %+v", user)
	}
}

// Who is gone at Clerk already is deleted here all the same. When it cannot be
// done here the page says what is done and what will follow.
func TestDeletionThatWasHalfDone(t *testing.T) {
	site := newSite(t)
	c := site.as(ada)
	if err := site.clerk.DeleteUser(ada); err != nil {
		t.Fatal(err)
	}
	c.submit("/settings/delete", url.Values{"word": {"delete"}}).leadsTo("/")
	if site.user(ada).DeletedAt == 0 {
		t.Error("the user is here still")
	}

	c = site.as(grace)
	dbtest.Exec(t, site.db, "CREATE TRIGGER broken BEFORE UPDATE OF deleted_at ON users BEGIN SELECT RAISE(ABORT, 'broken'); END")
	c.submit("/settings/delete", url.Values{"word": {"delete"}}).status(http.StatusServiceUnavailable).shows("main", "follows by itself").lacks("#account-menu")
	if site.atClerk(grace) {
		t.Error("Clerk has the user still")
	}
	c.follow(c.get("/account")).shows("h1", "Sign in")
}
