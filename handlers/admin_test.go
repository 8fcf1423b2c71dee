package handlers

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"inkwell/db/dbtest"
)

func TestAdministrationIsForAdministrators(t *testing.T) {
	site := newSite(t)
	requests := []struct{ method, path string }{
		{"GET", "/admin/webhooks"},
		{"GET", "/admin/webhooks?outcome=dead_letter"},
		{"POST", "/admin/webhooks/retry"},
		{"POST", "/admin/webhooks/dismiss"},
		{"GET", "/admin/sync"},
		{"POST", "/admin/sync"},
	}
	people := []struct {
		name                           string
		client                         *client
		wantGET, wantPOST, wantPartial int
	}{
		{"guest", site.guest(), 303, 401, 401},
		{"member", site.as(ada), 403, 403, 403},
		{"moderator", site.as(moderator), 403, 403, 403},
	}
	for _, p := range people {
		for _, r := range requests {
			t.Run(p.name+" "+r.method+" "+r.path, func(t *testing.T) {
				want, form := p.wantPOST, url.Values{"id": {"msg_1"}}
				plain := p.client.submit
				if r.method == "GET" {
					want, form, plain = p.wantGET, nil, func(path string, _ url.Values) *answer { return p.client.get(path) }
				}
				a := plain(r.path, form).status(want)
				if want == http.StatusForbidden {
					a.shows("h1 + p", "for administrators")
				}
				if want == http.StatusSeeOther {
					a.leadsTo(signInURL(r.path))
				}
				p.client.htmx(r.method, r.path, form).status(p.wantPartial).lacks(".event").lacks("#overview")
			})
		}
	}
	site.as(admin).get("/admin/webhooks").status(http.StatusOK).shows("h1", "Webhooks")
}

func TestAdministrationInTheMenu(t *testing.T) {
	site := newSite(t)
	site.as(admin).get("/").shows(`.menu a[href="/admin/webhooks"]`, "Administration")
	for _, userID := range []string{ada, moderator} {
		site.as(userID).get("/").lacks(`a[href="/admin/webhooks"]`)
	}
	site.guest().get("/").lacks(`a[href="/admin/webhooks"]`)
}

// brokenUser is an event that cannot be used as long as the id of its user is
// no text.
const brokenUser = `{"type":"user.updated","object":"event","timestamp":1700000000000,"data":{"id":7}}`

// A webhook shows on the page as soon as it is taken.
func TestWebhooksPageShowsDeliveries(t *testing.T) {
	site := newSite(t)
	now := time.Now().UnixMilli()
	c := site.as(admin)
	steps := []struct{ id, body, wantType, wantUser, wantOutcome string }{
		{"msg_1", userEvent("user.created", "user_new", "Joan", now), "user.created", "Joan", "Applied"},
		{"msg_2", userEvent("user.updated", "user_new", "Late", now-10), "user.updated", "Joan", "Stale"},
		{"msg_3", `{"type":"session.ended","object":"event","data":{"id":"sess_1","user_id":"user_stranger"}}`, "session.ended", "user_stranger", "Ignored"},
		{"msg_4", brokenUser, "user.updated", "nobody", "Dead letter Try again user.updated of"},
		{"msg_5", `{"type":"role.created","object":"event","data":{}}`, "role.created", "nobody", "Ignored"},
	}
	for _, step := range steps {
		site.deliver(delivery{id: step.id, body: step.body}).status(http.StatusOK)
		a := c.get("/admin/webhooks").status(http.StatusOK)
		a.shows("#"+eventRowID(step.id)+":first-child td:nth-child(2)", step.wantType)
		a.shows("#"+eventRowID(step.id)+" td:nth-child(3)", step.wantUser)
		a.shows("#"+eventRowID(step.id)+" td:nth-child(4)", step.wantOutcome)
	}
	a := c.get("/admin/webhooks").shows(".newest", "just now").shows("#count-ignored b", "2").shows("#count-dead_letter b", "1")
	if got := len(a.all(".events th[scope=col]")); got != 4 {
		t.Errorf("the table has %d headings, want 4", got)
	}
}

// storeEvents stores n events, a second apart, the last one newest.
func storeEvents(t testing.TB, site *testSite, n int) {
	t.Helper()
	dbtest.Exec(t, site.db, `WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?1)
		INSERT INTO webhook_events (svix_id, type, clerk_id, outcome, received_at)
		SELECT printf('msg_%04d', n), 'user.updated', ?2, 'applied', 1700000000000 + 1000 * (n / 3) FROM numbers`, n, ada)
}

func TestWebhooksPageByPage(t *testing.T) {
	const stored = 120
	site := newSite(t)
	storeEvents(t, site, stored)
	c := site.as(admin)
	walks := map[string]func(path string) *answer{
		"plain": c.get,
		"htmx":  func(path string) *answer { return c.htmx("GET", path, nil) },
	}
	for name, get := range walks {
		t.Run(name, func(t *testing.T) {
			var got []string
			for path := "/admin/webhooks?user=" + ada; path != ""; {
				a := get(path).status(http.StatusOK)
				for _, link := range a.all(`[id$="-type"][id^="event-"]`) {
					got = append(got, attr(link, "id"))
				}
				path = ""
				if more := a.all("#load-more"); len(more) == 1 {
					path = attr(more[0], "href")
				}
			}
			var want []string
			for n := stored; n > 0; n-- {
				want = append(want, eventRowID(fmt.Sprintf("msg_%04d", n))+"-type")
			}
			if !slices.Equal(got, want) {
				t.Errorf("the pages show %d events, want all %d, newest first and once each", len(got), stored)
			}
		})
	}
	first := c.htmx("GET", "/admin/webhooks", nil).shows(`hx-partial[hx-target="#status"]`, "50 events, and there are others.")
	more := c.htmx("GET", attr(first.one("#load-more"), "href"), nil)
	more.shows(`hx-partial[hx-target="#status"]`, "50 more events, and there are others.")
	if strings.Count(more.body, " autofocus") != 1 || more.Header.Get("HX-Replace-Url") != "" {
		t.Error("the next part has not one focus and the address as it was")
	}
	for _, before := range []string{"x", "-", "0-", "-5-a", "+1-a", "zzzzzzzzzzzzzzzz-a"} {
		c.get("/admin/webhooks?before=" + url.QueryEscape(before)).status(http.StatusBadRequest)
	}
	c.get("/admin/webhooks?before="+eventPlace{1, "\xff' OR 1=1"}.query()).status(http.StatusOK).lacks(".event").shows(".no-events", "No more events. Show all events")
	c.htmx("GET", "/admin/webhooks?outcome=stale&before="+eventPlace{1, "a"}.query(), nil).lacks(".event").shows(`hx-partial[hx-target="#status"]`, "No more event.")
}

func (p eventPlace) query() string { return url.QueryEscape(p.String()) }

func TestWebhooksSearch(t *testing.T) {
	site := newSite(t)
	now := time.Now().UnixMilli()
	site.deliver(delivery{id: "msg_1", body: userEvent("user.created", "user_100", "100%_Café", now)})
	site.deliver(delivery{id: "msg_2", body: userEvent("user.updated", "user_100", "Old", now-10)})
	site.deliver(delivery{id: "msg_3", body: userEvent("user.created", ada, "Ada", now)})
	site.deliver(delivery{id: "msg_4", body: brokenUser})
	site.deliver(delivery{id: "msg_5", body: `{"type":"organization.created","object":"event","data":{}}`})
	tests := []struct {
		name  string
		query url.Values
		want  []string // svix-ids, newest first
	}{
		{"nothing", nil, []string{"msg_5", "msg_4", "msg_3", "msg_2", "msg_1"}},
		{"blank", url.Values{"user": {"  "}, "type": {""}, "outcome": {""}}, []string{"msg_5", "msg_4", "msg_3", "msg_2", "msg_1"}},
		{"Clerk's id", url.Values{"user": {" user_100 "}}, []string{"msg_2", "msg_1"}},
		{"part of a name", url.Values{"user": {"%_ca"}}, []string{"msg_2", "msg_1"}},
		{"pattern", url.Values{"user": {"1%c"}}, nil},
		{"type", url.Values{"type": {"user.created"}}, []string{"msg_3", "msg_1"}},
		{"type that is not offered", url.Values{"type": {"organization.created"}}, []string{"msg_5"}},
		{"outcome", url.Values{"outcome": {"dead_letter"}}, []string{"msg_4"}},
		{"unknown outcome", url.Values{"outcome": {"lost"}}, []string{"msg_5", "msg_4", "msg_3", "msg_2", "msg_1"}},
		{"all at once", url.Values{"user": {"user_100"}, "type": {"user.updated"}, "outcome": {"stale"}}, []string{"msg_2"}},
		{"none", url.Values{"user": {"Zuse"}}, nil},
		{"SQL", url.Values{"user": {`' OR 1=1 --`}}, nil},
		{"no text", url.Values{"user": {"\xff\x00"}, "type": {"\xff"}}, nil},
		{"long", url.Values{"user": {strings.Repeat("é", 10_000)}}, nil},
	}
	c := site.as(admin)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := "/admin/webhooks?" + tt.query.Encode()
			plain, partial := c.get(path).status(http.StatusOK), c.htmx("GET", path, nil).status(http.StatusOK)
			for _, a := range []*answer{plain, partial} {
				if got, want := shownEvents(a), rowIDs(tt.want); !slices.Equal(got, want) {
					t.Errorf("%s shows %q, want %q", path, got, want)
				}
				if tt.want == nil {
					a.shows(".no-events", "No event is like that. Show all events")
				}
			}
			said := plural(len(tt.want), "event") + "."
			if tt.want == nil {
				said = "No event."
			}
			partial.lacks("form.event-search").shows(`hx-partial[hx-target="#status"]`, said)
			if again := c.get(partial.Header.Get("HX-Replace-Url")).status(http.StatusOK); !slices.Equal(shownEvents(again), rowIDs(tt.want)) {
				t.Errorf("the address %s shows something else", again.Request.URL)
			}
		})
	}
	a := c.get("/admin/webhooks?user=%3Cb%3EÄ&type=a%22b&outcome=stale")
	if got := a.fields("#event-search").Get("user"); got != "<b>Ä" {
		t.Errorf("the form holds the user %q, want what was searched", got)
	}
	a.shows("#search-type option[selected]", `a"b`).shows("#search-outcome option[selected]", "Stale")
	c.get("/admin/webhooks?user=%zz").status(http.StatusBadRequest)
}

// shownEvents returns the elements of the events in an answer.
func shownEvents(a *answer) []string {
	var ids []string
	for _, link := range a.all(`[id$="-type"][id^="event-"]`) {
		ids = append(ids, strings.TrimSuffix(attr(link, "id"), "-type"))
	}
	return ids
}

func rowIDs(svixIDs []string) []string {
	var ids []string
	for _, id := range svixIDs {
		ids = append(ids, eventRowID(id))
	}
	return ids
}

// What came from outside is shown as the text that it is.
func TestWebhooksPageEscapes(t *testing.T) {
	const hostile = `"><script>alert(1)</script><b a='{{.}}`
	site := newSite(t)
	dbtest.Exec(t, site.db, "INSERT INTO webhook_events (svix_id, type, clerk_id, outcome, error, body, received_at) VALUES (?1, ?2, ?3, 'dead_letter', ?3, '{}', 1700000000000)",
		hostile, "user."+hostile, hostile)
	dbtest.Exec(t, site.db, "UPDATE users SET name = ?1 WHERE clerk_id = ?2", hostile, ada)
	site.deliver(delivery{id: "msg_1", body: fmt.Sprintf(`{"type":"session.created","object":"event","data":{"user_id":%q}}`, ada)})
	row := "#" + eventRowID(hostile)
	c := site.as(admin)
	a := c.get("/admin/webhooks").shows(row+"-type", "user."+hostile).shows(row+"-user", hostile).shows(row+" details", hostile)
	a.shows("#"+eventRowID("msg_1")+"-user", hostile)
	if got := a.fields(row + " form").Get("id"); got != hostile {
		t.Errorf("the form names the event %q, want %q", got, hostile)
	}
	typed := c.get(attr(a.one(row+"-type"), "href"))
	typed.shows("#search-type option[selected]", "user."+hostile).one(row)
	c.get(attr(a.one(row+"-user"), "href")).one(row)
}
