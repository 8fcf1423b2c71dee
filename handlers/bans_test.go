package handlers

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"inkwell/db"
)

// An administrator bans a user and hides their posts, and lets them in again:
// at Clerk and here.
func TestBan(t *testing.T) {
	site := newSite(t)
	site.post(grace, "Spam", "", true)
	id := site.user(grace).ID
	profile, margaret, victim := profilePath(id), site.as(admin), site.as(grace)

	page := margaret.get(profile).lacks("#unban")
	if got := attr(page.one("#ban"), "href"); got != profile+"/ban" {
		t.Errorf("the administrator is offered %q", got)
	}
	site.as(moderator).get(profile).lacks("#ban")
	form := margaret.get(profile+"/ban").shows("h1", "Ban Grace Hopper").fields("main form")
	margaret.submit(profile+"/ban", form).status(http.StatusUnprocessableEntity).shows("#ban-form-problem", "Say why")
	form.Set("reason", "Spam.")
	form.Set("hide_posts", "true")
	margaret.follow(margaret.submit(profile+"/ban", form).leadsTo(profile)).shows("#alerts .notice", "Grace Hopper is banned. Hidden: 1 post.").one("#unban")
	if user := site.user(grace); user.Active() || !site.clerkUser(grace).Banned {
		t.Errorf("the user is %+v, want them banned here and at Clerk", user)
	}
	victim.get("/account").status(http.StatusUnauthorized)
	site.guest().get("/posts/1").status(http.StatusNotFound)

	margaret.htmx("POST", profile+"/unban", url.Values{}).status(http.StatusOK).shows("#alerts, [hx-target='#alerts']", "can sign in again")
	if user := site.user(grace); !user.Active() || site.clerkUser(grace).Banned {
		t.Errorf("the user is %+v, want them let in here and at Clerk", user)
	}
	site.Wait()
	margaret.get("/moderation/log").shows("#act-3", "Margaret Hamilton unbanned Grace Hopper").shows("#act-2", "hid “Spam” by Grace Hopper").shows("#act-1", "banned Grace Hopper")
}

// Nobody bans themselves, or who is not there.
func TestBanIsRefused(t *testing.T) {
	site := newSite(t)
	c := site.as(admin)
	own := profilePath(site.user(admin).ID)
	c.get(own).lacks("#ban")
	form := url.Values{"reason": {"No."}}
	c.submit(own+"/ban", form).status(http.StatusForbidden).shows("main", "your own account")
	c.submit("/users/999/ban", form).status(http.StatusNotFound)
	gone, err := site.db.SaveUser(t.Context(), db.UserData{ClerkID: "user_unknown", Name: "Nobody", UpdatedAt: 1})
	if err != nil {
		t.Fatal(err)
	}
	c.submit(fmt.Sprint(profilePath(gone.ID), "/ban"), form).status(http.StatusNotFound).shows("main", "Clerk does not know this user")
	if user := site.user("user_unknown"); !user.Active() {
		t.Error("a user whom Clerk does not know was banned")
	}
}

// While Clerk cannot be reached nobody is banned, and what was typed is kept.
func TestBanDuringAnOutage(t *testing.T) {
	var down outage
	site := newSite(t, down.of)
	c := site.as(admin)
	path := profilePath(site.user(grace).ID) + "/ban"
	form := url.Values{"reason": {"Typed for long."}, "hide_posts": {"true"}}
	c.get("/account").status(http.StatusOK)
	down.on.Store(true)
	page := c.submit(path, form).status(http.StatusServiceUnavailable).shows(".problem", "Nothing was changed").shows("textarea", "Typed for long.")
	page.one("input[name=hide_posts][checked]")
	if page.Header.Get("Retry-After") == "" {
		t.Error("the page does not say when to try again")
	}
	c.htmx("POST", path, form).status(http.StatusServiceUnavailable).shows(".notice", "Nothing was changed")
	if user := site.user(grace); !user.Active() {
		t.Error("a user was banned without Clerk")
	}
	c.get("/moderation/log").lacks(".act")
	down.on.Store(false)
	c.submit(path, form).status(http.StatusSeeOther)
}
