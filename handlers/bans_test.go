package handlers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"inkwell/db"
	"inkwell/db/dbtest"
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
	margaret.get("/moderation/log").shows("#act-3", "Margaret Hamilton @margaret unbanned Grace Hopper @grace").shows("#act-2", "hid “Spam” by Grace Hopper").shows("#act-1", "banned Grace Hopper")
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

// An administrator who presses twice, or goes away, has banned once, and the log
// says so.
func TestBanTwiceAtOnce(t *testing.T) {
	site := newSite(t)
	path, form := profilePath(site.user(grace).ID)+"/ban", url.Values{"reason": {"Spam."}}
	c := site.as(admin)
	c.get("/account")
	var presses sync.WaitGroup
	for range 5 {
		presses.Go(func() { c.submit(path, form).status(http.StatusSeeOther) })
	}
	presses.Wait()
	c.submit(path, form).status(http.StatusSeeOther)
	if acts := c.get("/moderation/log").all(".act"); len(acts) != 1 {
		t.Errorf("the log has %d acts, want 1", len(acts))
	}
}

// Clerk may have banned a user although its answer does not come, or nobody
// waits for it.
func TestBanWithoutAnAnswer(t *testing.T) {
	ctx, leave := context.WithCancel(t.Context())
	ends := map[string]func(*http.Request) error{
		"broken off":   func(*http.Request) error { return errors.New("broken off") },
		"nobody waits": func(r *http.Request) error { leave(); return r.Context().Err() },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			site := newSite(t, withAPI(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
				answer, err := next.RoundTrip(r)
				if err == nil && strings.HasSuffix(r.URL.Path, "/ban") {
					err = end(r)
				}
				return answer, err
			}))
			params := db.BanUserParams{Act: db.ActBan, By: site.user(admin).ID, Reason: "Spam."}
			if _, err := site.carryOut(ctx, banning, site.user(grace), params); err != nil {
				t.Errorf("banning a user: %v", err)
			}
			site.as(admin).get("/moderation/log").shows(".act", "Margaret Hamilton @margaret banned Grace Hopper @grace")
		})
	}
}

// What Clerk has done and the database cannot note is not called undone, and is
// in the log when it is sent again.
func TestBanThatWasHalfDone(t *testing.T) {
	site := newSite(t)
	c := site.as(admin)
	path, form := profilePath(site.user(grace).ID)+"/ban", url.Values{"reason": {"Typed for long."}}
	dbtest.Exec(t, site.db, "CREATE TRIGGER broken BEFORE INSERT ON moderation_log BEGIN SELECT RAISE(ABORT, 'broken'); END")
	page := c.submit(path, form).status(http.StatusServiceUnavailable).shows(".problem", "Clerk has done that").shows("textarea", "Typed for long.")
	c.htmx("POST", path, form).status(http.StatusServiceUnavailable).shows(".notice", "Clerk has done that")
	if !site.clerkUser(grace).Banned {
		t.Error("Clerk has not banned the user")
	}
	site.Wait() // for the webhook
	dbtest.Exec(t, site.db, "DROP TRIGGER broken")
	c.submit(path, page.fields("main form")).status(http.StatusSeeOther)
	c.get("/moderation/log").shows(".act", "banned Grace Hopper")
}

// Who is banned while they write gets back what they wrote, to copy it.
func TestBannedWhileWriting(t *testing.T) {
	site := newAccessSite(t)
	c := site.client("banned")
	a := c.submit("/posts", url.Values{"title": {"My <last> words"}, "content": {"\nThese."}, "form_key": {"k"}}).status(http.StatusUnauthorized)
	a.shows("h1", "This account is closed").shows("#field-content", "These.")
	if got := attr(a.one("#field-title"), "value"); got != "My <last> words" {
		t.Errorf("the title that comes back is %q", got)
	}
	a.lacks("[value=k]").lacks("main form:not([action='/sign-out'])")
	a = c.submit("/posts", url.Values{"poll_question": {"Why?"}, "poll_options": {"a\nb"}}).status(http.StatusUnauthorized).shows("#field-poll_options", "a b")
	if got := attr(a.one("#field-poll_question"), "value"); got != "Why?" {
		t.Errorf("the question that comes back is %q", got)
	}
	c.submit("/settings/delete", url.Values{"word": {"delete"}}).status(http.StatusUnauthorized).lacks("#typed-heading")
	c.get("/drafts").status(http.StatusUnauthorized).lacks("#typed-heading")
}

// A lateBody is read when something has happened since the request came.
type lateBody struct {
	io.ReadCloser
	happen func()
}

func (b lateBody) Read(p []byte) (int, error) {
	b.happen()
	return b.ReadCloser.Read(p)
}

// Who is banned while what they wrote is on its way gets it back, too.
func TestBannedWhileSending(t *testing.T) {
	site := newSite(t)
	form := url.Values{"title": {"My last words"}, "content": {"These."}, "form_key": {"k"}}
	r := site.as(ada).request("POST", "/posts", form.Encode(), "Content-Type", "application/x-www-form-urlencoded")
	r.Body = lateBody{r.Body, func() { dbtest.Exec(t, site.db, "UPDATE users SET banned = 1 WHERE clerk_id = ?", ada) }}
	res := site.serve(r)
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := &answer{Response: res, t: t, body: string(body)}
	a.status(http.StatusUnauthorized).shows("h1", "This account is closed").shows("#field-content", "These.")
}
