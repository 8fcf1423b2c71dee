package handlers

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"inkwell/db"
	"inkwell/db/dbtest"
)

// deadLetter stores an event that could not be used when it came. Body may be
// nil.
func deadLetter(t *testing.T, site *testSite, id, eventType string, body any) {
	t.Helper()
	dbtest.Exec(t, site.db, "INSERT INTO webhook_events (svix_id, type, outcome, error, body, received_at) VALUES (?1, ?2, 'dead_letter', 'no reason', ?3, 1700000000000)", id, eventType, body)
}

func TestRetryOfDeadLetters(t *testing.T) {
	now := time.Now().UnixMilli()
	tests := []struct {
		name, eventType string
		body            any
		wantStatus      int
		wantNotice      string
		wantOutcome     string // as shown in the list
		wantRetry       bool   // it can be tried again
	}{
		{"works", "user.created", userEvent("user.created", "user_new", "Joan", now), 200, "The event is applied.", "Applied", false},
		{"is stale", "user.updated", userEvent("user.updated", grace, "Old", 1), 200, "something newer is known", "Stale", false},
		{"changes nobody", "user.updated", `{"type":"user.renamed","data":{}}`, 200, "It is of a kind that changes no user", "Ignored", false},
		{"fails again", "user.updated", brokenUser, 200, "still cannot be used", "Dead letter Try again", true},
		{"is gone", "user.updated", nil, 404, "cannot be tried again", "Dead letter It cannot be tried again: its text is not kept", false},
		{"was never kept", "email.created", nil, 404, "cannot be tried again", "Dead letter It cannot be tried again: only the text of user events", false},
	}
	for _, tt := range tests {
		for _, kind := range []string{"plain", "htmx"} {
			t.Run(tt.name+" "+kind, func(t *testing.T) {
				site := newSite(t)
				deadLetter(t, site, "msg_1", tt.eventType, tt.body)
				deadLetter(t, site, "msg_0", "user.created", nil) // with the same time
				c, form := site.as(admin), url.Values{"id": {"msg_1"}, "return_to": {"/admin/webhooks?type=" + tt.eventType}}
				if kind == "htmx" {
					retryInPlace(t, c, form, tt.wantStatus, tt.wantNotice, tt.wantOutcome)
				} else {
					retryPlainly(c, form, tt.wantStatus, tt.wantNotice)
				}
				a := c.get("/admin/webhooks").shows("#"+eventRowID("msg_1")+" td:last-child", tt.wantOutcome)
				if got := len(a.all("#"+eventRowID("msg_1")+"-retry")) == 1; got != tt.wantRetry {
					t.Errorf("it can be tried again: %v, want %v", got, tt.wantRetry)
				}
			})
		}
	}
}

func retryPlainly(c *client, form url.Values, wantStatus int, wantNotice string) {
	c.site.t.Helper()
	a := c.submit("/admin/webhooks/retry", form)
	if wantStatus != http.StatusOK {
		a.status(wantStatus).shows("h1 + p", wantNotice)
		return
	}
	c.follow(a.leadsTo(form.Get("return_to"))).shows(".notice:not(.warning)", wantNotice)
}

// retryInPlace makes sure that the answer is the row, the notice and the
// overview as they are now.
func retryInPlace(t *testing.T, c *client, form url.Values, wantStatus int, wantNotice, wantOutcome string) {
	t.Helper()
	a := c.htmx("POST", "/admin/webhooks/retry", form).status(wantStatus)
	if wantStatus != http.StatusOK {
		a.shows(".notice", wantNotice).lacks("time")
		return
	}
	a.shows(".said", wantNotice).shows(`hx-partial[hx-target="#status"]`, wantNotice)
	label, _, _ := strings.Cut(wantOutcome, " ")
	row, _, _ := strings.Cut(a.body, "<hx-partial")
	if !strings.HasPrefix(row, `<tr id="`+eventRowID("msg_1")+`"`) || !strings.Contains(row, label) || strings.Count(row, " autofocus>") != 1 {
		t.Errorf("the answer begins with %s, want the event with the focus", row)
	}
	a.one(`hx-partial[hx-target="#overview"] .counts`)
}

// Two administrators press the same button.
func TestRetryTwice(t *testing.T) {
	site := newSite(t)
	deadLetter(t, site, "msg_1", "user.created", userEvent("user.created", "user_new", "Joan", time.Now().UnixMilli()))
	c := site.as(admin)
	place := eventPlace{db.MaxTime, "z"}.query()
	list := "/admin/webhooks?outcome=dead_letter&before=" + place + "&through=" + place
	page := c.get(list)
	fields := page.fields("#" + eventRowID("msg_1") + " form")
	c.submit("/admin/webhooks/retry", fields).leadsTo(list)
	c.submit("/admin/webhooks/retry", fields).status(http.StatusNotFound).shows("h1 + p", "applied meanwhile")
	if got := string(site.user("user_new").Name); got != "Joan" {
		t.Errorf("the user is called %q, want Joan", got)
	}
	for _, form := range []url.Values{nil, {"id": {""}}, {"id": {"msg_9"}}, {"id": {"\xff"}}} {
		c.submit("/admin/webhooks/retry", form).status(http.StatusNotFound)
	}
}

// A dead letter that somebody has dealt with counts no more, but stays.
func TestDismiss(t *testing.T) {
	for _, kind := range []string{"plain", "htmx"} {
		t.Run(kind, func(t *testing.T) {
			site := newSite(t)
			deadLetter(t, site, "msg_1", "user.created", brokenUser)
			deadLetter(t, site, "msg_2", "email.created", nil)
			c, row := site.as(admin), "#"+eventRowID("msg_1")
			fields := c.get("/admin/webhooks?type=user.created").shows(".warning:has(#dismiss-all) h2", "could not be used: 2").fields(row + " form")
			if kind == "htmx" {
				a := c.htmx("POST", "/admin/webhooks/dismiss", fields).status(http.StatusOK).shows(`hx-partial[hx-target="#status"]`, "is dismissed")
				if !strings.HasPrefix(a.body, `<tr id="`+row[1:]+`" class="event" role="row" tabindex="-1" autofocus>`) {
					t.Errorf("the answer begins with %.100s, want the event with the focus", a.body)
				}
				a.shows(`hx-partial[hx-target="#overview"] .warning:has(#dismiss-all) h2`, "could not be used: 1")
			} else {
				c.follow(c.submit("/admin/webhooks/dismiss", fields).leadsTo("/admin/webhooks?type=user.created")).shows(".notice:not(.warning)", "is dismissed")
			}
			a := c.get("/admin/webhooks").shows(row+" td:last-child", "Dead letter Dismissed.").lacks(row + " button")
			a.shows(".warning:has(#dismiss-all) h2", "could not be used: 1").shows("#count-dead_letter b", "2")
			c.submit("/admin/webhooks/dismiss", fields).status(http.StatusNotFound).shows("h1 + p", "meanwhile")
			c.submit("/admin/webhooks/retry", fields).status(http.StatusNotFound)
		})
	}
}

func TestDismissAll(t *testing.T) {
	site := newSite(t)
	for n := range 3 {
		deadLetter(t, site, fmt.Sprint("msg_", n), "user.created", brokenUser)
	}
	c := site.as(admin)
	fields := c.get("/admin/webhooks").fields(".warning form")
	site.deliver(delivery{id: "msg_later", body: brokenUser}).status(http.StatusOK)
	c.follow(c.submit("/admin/webhooks/dismiss", fields).leadsTo("/admin/webhooks")).shows(".notice:not(.warning)", "Dismissed: 3 events.").shows(".warning:has(#dismiss-all) h2", "could not be used: 1")
	c.submit("/admin/webhooks/dismiss", url.Values{"until": {"x"}}).status(http.StatusBadRequest)
	c.submit("/admin/webhooks/dismiss", url.Values{"id": {"msg_9"}}).status(http.StatusNotFound)
}

func TestRetryLeadsToEventsOnly(t *testing.T) {
	for _, target := range []string{"", "/", "/posts/1", "//evil.example", "/admin/webhooks.evil", "https://evil.example/admin/webhooks?x"} {
		if got := eventsPath(target); got != webhooksPath {
			t.Errorf("after a retry %q leads to %q, want %q", target, got, webhooksPath)
		}
	}
}
