package handlers

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"inkwell/db"
)

// report reports a post as a reader does.
func (s *testSite) report(clerkID string, id int64, kind, text string) {
	s.t.Helper()
	if err := s.db.ReportPost(s.t.Context(), db.ReportPostParams{ID: id, By: s.user(clerkID).ID, Kind: kind, Text: text}); err != nil {
		s.t.Fatal(err)
	}
}

// A reader reports a post, a moderator hides it, and the log says so: without
// JavaScript.
func TestReport(t *testing.T) {
	site := newSite(t)
	site.post(ada, "Buy pills", "Cheap", true)
	reader, katherine, author := site.as(grace), site.as(moderator), site.as(ada)

	if got := attr(reader.read("/posts/1").one("#report-1"), "href"); got != "/posts/1/report" {
		t.Errorf("the reader is offered %q", got)
	}
	author.read("/posts/1").lacks("#report-1")
	site.guest().read("/posts/1").lacks("#report-1")
	form := reader.get("/posts/1/report").shows("h1", "Report “Buy pills”").fields("main form")
	for _, tt := range []struct{ kind, reason, problem, text string }{
		{"", "", "#report-form-1-kind-problem", "Choose"},
		{"bad", "x", "#report-form-1-kind-problem", "Choose"},
		{"other", " ", "#report-form-1-problem", "Say what is wrong"},
		{"spam", strings.Repeat("é", maxReason+1), "#report-form-1-problem", "501 characters"},
		{"spam", "\x00", "#report-form-1-problem", "control character"},
	} {
		form.Set("kind", tt.kind)
		form.Set("reason", tt.reason)
		reader.submit("/posts/1/report", form).status(http.StatusUnprocessableEntity).shows(tt.problem, tt.text)
	}
	form.Set("kind", "spam")
	form.Set("reason", "Look at <b>this</b>.")
	reader.follow(reader.submit("/posts/1/report", form).status(http.StatusSeeOther)).shows(".notice", "Thank you.")
	reader.submit("/posts/1/report", form).status(http.StatusConflict).shows("main", "have reported")
	reader.get("/posts/1/report").status(http.StatusConflict)

	katherine.get("/").one(`.menu-items a[href="/moderation"]`)
	queue := katherine.get("/moderation").shows(".queue-item h2", "Buy pills").shows(".reports li", "Spam or advertising").shows(".reports li", "Grace Hopper").shows(".reports li p", "Look at <b>this</b>.")
	hide := queue.fields(".decide details form")
	refused := katherine.submit("/posts/1/hide", hide).status(http.StatusUnprocessableEntity)
	if got := attr(refused.one("#hide-form-1-cancel"), "href"); got != "/moderation" {
		t.Errorf("the way back from the form leads to %q", got)
	}
	hide.Set("reason", "No advertising.")
	katherine.follow(katherine.submit("/posts/1/hide", hide).leadsTo("/moderation")).shows(".notice", "is hidden").lacks(".queue-item")
	katherine.get("/moderation/log").shows(".act", "Katherine Johnson @katherine hid “Buy pills” by Ada Lovelace @ada after 1 report, just now").shows(".act .reason", "No advertising.")
	if page := author.get("/drafts"); strings.Contains(page.body, "Grace") || strings.Contains(page.body, "Katherine") {
		t.Error("the author is told who reported or hid the post")
	}
}

// What htmx shows in the place of the form and of the post in the queue.
func TestReportInPlace(t *testing.T) {
	site := newSite(t)
	site.post(ada, "One", "", true)
	site.post(ada, "Two", "", true)
	reader, c := site.as(grace), site.as(moderator)
	c.htmx("GET", "/posts/1/hide?view=queue", nil).status(http.StatusOK).lacks("#hide-form-1-cancel") // it is folded away
	for _, id := range []string{"1", "2"} {
		form := reader.htmx("GET", "/posts/"+id+"/report?view=item", nil).status(http.StatusOK).fields("form")
		form.Set("kind", "abuse")
		reader.htmx("POST", "/posts/"+id+"/report", form).status(http.StatusCreated).shows(".reported", "Thank you.")
	}
	site.report(admin, 1, db.ReportOther, "Too.")
	queue := c.get("/moderation").status(http.StatusOK)
	for _, tt := range []struct {
		path, form, said string
	}{
		{"/moderation/dismiss", "#post-1 form[action='/moderation/dismiss']", "“One” stays"},
		{"/posts/2/hide", "#post-2 details form", "“Two” is hidden."},
	} {
		form := queue.fields(tt.form)
		form.Set("reason", "No.")
		done := c.htmx("POST", tt.path, form).status(http.StatusOK).shows(".post-deleted", tt.said)
		id := attr(done.one(".post-deleted"), "id")
		if got := done.Header.Get("HX-Retarget"); got != "#"+id {
			t.Errorf("%s replaces %q, want #%s", tt.path, got, id)
		}
	}
	c.htmx("POST", "/moderation/dismiss", queue.fields("#post-1 form[action='/moderation/dismiss']")).status(http.StatusConflict).shows(".notice", "quicker")
	c.get("/moderation").shows("#more", "No post is reported.")
	c.get("/moderation/log").shows("#act-1", "dismissed the reports of “One”").shows("#act-1", "after 2 reports")
}

// Nobody decides about their own post; a report that came later is not
// dismissed unseen; nonsense is refused.
func TestDecisionsAreRefused(t *testing.T) {
	site := newSite(t)
	site.post(moderator, "Own", "", true)
	site.post(ada, "Other", "", true)
	site.report(grace, 1, db.ReportSpam, "")
	site.report(grace, 2, db.ReportSpam, "")
	c := site.as(moderator)
	c.get("/moderation").shows("#post-1", "somebody else has to decide").lacks("#post-1 form")
	for body, status := range map[string]int{
		"post=1&last=1": http.StatusForbidden, "post=2": http.StatusBadRequest, "post=x&last=1": http.StatusBadRequest, "": http.StatusBadRequest,
		"post=99&last=9": http.StatusNotFound, "post=2&last=1": http.StatusConflict, "post=2&last=2": http.StatusSeeOther,
	} {
		if body == "post=2&last=2" {
			continue // last
		}
		form, _ := url.ParseQuery(body)
		c.submit("/moderation/dismiss", form).status(status)
	}
	c.submit("/moderation/dismiss", url.Values{"post": {"2"}, "last": {"2"}}).leadsTo("/moderation")
	for _, query := range []string{"after=x", "after=0", "after=01", "after=99999999999999999999"} {
		c.get("/moderation?" + query).status(http.StatusBadRequest)
		c.get("/moderation/log?" + strings.Replace(query, "after", "before", 1)).status(http.StatusBadRequest)
	}
}

// Long lists come in pages, and a post shows its first reports alone.
func TestModerationPages(t *testing.T) {
	site := newSite(t)
	for i := range pageSize + 2 {
		post := site.post(ada, fmt.Sprint("Post ", i+1), "", true)
		site.report(grace, post.ID, db.ReportSpam, "")
	}
	for i := range maxShownReports + 2 {
		reader, err := site.db.EnsureUser(t.Context(), fmt.Sprint("user_reader_", i))
		if err != nil {
			t.Fatal(err)
		}
		site.report(reader.ClerkID, 1, db.ReportOther, "Too.")
	}
	c := site.as(moderator)
	page := c.get("/moderation").shows("#post-1 .reports", "and 3 other reports")
	if n := len(page.all(".queue-item")); n != pageSize {
		t.Errorf("the first page has %d posts, want %d", n, pageSize)
	}
	next := c.htmx("GET", attr(page.one("#load-more"), "href"), nil).shows("#more", "That is all.").shows("[hx-target='#status']", "2 more posts.")
	if got := next.all("[autofocus]"); len(got) != 1 || attr(got[0], "id") != "title-21" {
		t.Errorf("the focus goes to %d elements, want the title of post 21", len(got))
	}
	for i := range actsPageSize + 1 {
		site.hide(int64(i%2+1), "No.")
		if _, err := site.db.UnhidePost(t.Context(), db.UnhidePostParams{ID: int64(i%2 + 1), By: site.user(admin).ID}); err != nil {
			t.Fatal(err)
		}
	}
	page = c.get("/moderation/log")
	next = c.htmx("GET", attr(page.one("#load-more"), "href"), nil).status(http.StatusOK)
	if n, m := len(page.all(".act")), len(next.all(".act")); n != actsPageSize || m != actsPageSize {
		t.Errorf("the pages of the log have %d and %d acts, want %d each", n, m, actsPageSize)
	}
}

// The log names nobody who is deleted, and none of their posts.
func TestLogForgetsTheDeleted(t *testing.T) {
	site := newSite(t)
	site.post(ada, "Secret title", "", true)
	site.hide(1, "No.")
	if err := site.db.DeleteUser(t.Context(), ada); err != nil {
		t.Fatal(err)
	}
	page := site.as(admin).get("/moderation/log").shows(".act", "Katherine Johnson @katherine hid a post by a deleted member")
	if strings.Contains(page.body, "Secret") || strings.Contains(page.body, "Ada") {
		t.Error("the log tells of a deleted user")
	}
}
