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

// pollFields is a form of a post with a poll.
func pollFields(question, options, closes string) url.Values {
	return url.Values{"title": {"Title"}, "content": {"Text"}, "published": {"true"},
		"poll_question": {question}, "poll_options": {options}, "poll_closes": {closes}}
}

// numbered returns n lines, each another.
func numbered(n int) string {
	lines := make([]string, n)
	for i := range lines {
		lines[i] = fmt.Sprint("Option ", i)
	}
	return strings.Join(lines, "\n")
}

func TestPollOfAForm(t *testing.T) {
	soon := time.Now().UTC().AddDate(0, 0, 7).Format(closesLayout)
	tests := []struct {
		name                      string
		question, options, closes string
		wantProblem               string // "": it is kept
		field                     string
	}{
		{"two options", "Which?", "A\nB", "", "", ""},
		{"blanks and empty lines", " Which? ", "\r\n A \r\n\r\nB\t\r\n", soon, "", ""},
		{"120 options", "Which?", numbered(maxOptions), "", "", ""},
		{"long question and option", strings.Repeat("é", maxQuestion), "A\n" + strings.Repeat("é", maxOption), "", "", ""},
		{"nothing", "", "\n \n", "", "", ""},
		{"no question", "", "A\nB", "", "needs a question", "question"},
		{"invisible question", "\u200b", "A\nB", "", "needs a question", "question"},
		{"question too long", strings.Repeat("é", maxQuestion+1), "A\nB", "", "201 characters", "question"},
		{"question of two lines", "A\nB", "A\nB", "", "one line", "question"},
		{"question is no text", "\xff", "A\nB", "", "UTF-8", "question"},
		{"only a closing time", "", "", soon, "needs a question", "question"},
		{"no options", "Which?", "", "", "2 options at least", "options"},
		{"one option", "Which?", "A\n\n", "", "2 options at least", "options"},
		{"121 options", "Which?", numbered(maxOptions + 1), "", "121 options; the limit is 120", "options"},
		{"option too long", "Which?", "A\n" + strings.Repeat("é", maxOption+1), "", "Option 2: That is 101 characters", "options"},
		{"invisible option", "Which?", "A\n\u200b", "", "Nothing of option 2", "options"},
		{"control character", "Which?", "A\nB\x1b", "", "U+001B", "options"},
		{"option is no text", "Which?", "A\n\xff", "", "UTF-8", "options"},
		{"option twice", "Which?", "Tea\nCoffee\ntea", "", "“tea” is there twice", "options"},
		{"time in the past", "Which?", "A\nB", "2020-01-01T00:00", "has passed", "closes"},
		{"no time", "Which?", "A\nB", "tomorrow", "Write the time as", "closes"},
		{"no such time", "Which?", "A\nB", "2099-02-30T00:00", "Write the time as", "closes"},
	}
	site := newSite(t)
	c := site.as(ada)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			form := pollFields(tt.question, tt.options, tt.closes)
			form.Set("title", tt.name)
			if tt.wantProblem == "" {
				c.follow(c.submit("/posts", form)).status(http.StatusOK).shows("h1", tt.name)
				return
			}
			page := c.submit("/posts", form).status(http.StatusUnprocessableEntity).shows("#post-form-"+tt.field+"-problem", tt.wantProblem)
			page.one("details[open] [aria-invalid][autofocus]")
			kept := page.fields("#post-form")
			for name := range form {
				want := strings.ToValidUTF8(strings.TrimSpace(form.Get(name)), "�")
				if got := strings.TrimSpace(kept.Get(name)); name != "published" && got != want {
					t.Errorf("%s is %q in the form, want it as it was typed, %q", name, got, want)
				}
			}
			c.htmx("POST", "/posts", form).status(http.StatusUnprocessableEntity).shows("#post-form-"+tt.field+"-problem", tt.wantProblem)
		})
	}
	if n := dbtest.Value[int](t, site.db, "SELECT count(*) FROM polls WHERE question = 'Which?' OR length(question) = 200"); n != 4 {
		t.Errorf("%d polls are stored, want 4", n)
	}
	if got := dbtest.Value[string](t, site.db, "SELECT group_concat(label, '|') FROM poll_options WHERE post_id = 2"); got != "A|B" {
		t.Errorf("the options are %q, want A|B", got)
	}
}

func TestPollOfAPostIsEdited(t *testing.T) {
	site := newSite(t)
	c := site.as(ada)
	closes := time.Now().UTC().AddDate(0, 0, 1).Format(closesLayout)
	c.submit("/posts", pollFields("Which?", "A\nB", closes)).leadsTo("/posts/1")
	c.read("/posts/1").shows(".poll time", time.Now().UTC().AddDate(0, 0, 1).Format("2 January 2006"))

	form := c.get("/posts/1/edit").status(http.StatusOK).fields("#post-1")
	if form.Get("poll_question") != "Which?" || strings.TrimSpace(form.Get("poll_options")) != "A\nB" || form.Get("poll_closes") != closes {
		t.Errorf("the form to edit holds %v", form)
	}
	form.Set("poll_options", "A\nB\nC")
	form.Set("published", "true")
	c.htmx("POST", "/posts/1", form).status(http.StatusOK)
	wantLabels(t, c.read("/posts/1"), "A 0 votes", "B 0 votes", "C 0 votes")

	old := form // of a window that has not seen that
	c.htmx("POST", "/posts/1", old).status(http.StatusConflict).shows("form .problem", "changed elsewhere")

	form = c.get("/posts/1/edit").fields("#post-1")
	for _, name := range []string{"poll_question", "poll_options", "poll_closes"} {
		form.Set(name, "")
	}
	form.Set("published", "true")
	c.submit("/posts/1", form).leadsTo("/posts/1")
	c.read("/posts/1").lacks(".poll")
}

func TestPollWithVotesStays(t *testing.T) {
	site := newSite(t)
	_, ids := site.poll(ada, "Poll", true, "Red", "Green")
	c := site.as(ada)
	early := c.get("/posts/1/edit").fields("#post-1")
	early.Set("published", "true")
	site.as(grace).htmx("POST", "/posts/1/vote", ballot(ids[0])).status(http.StatusOK)

	early.Set("content", "Changed")
	early.Set("poll_options", "Red\nYellow")
	refused := c.submit("/posts/1", early).status(http.StatusConflict).shows("#post-1-poll-locked", "not kept: save again")
	refused.shows("#post-1-options[readonly]", "Yellow").shows("#post-1-content", "Changed")
	again := refused.fields("#post-1")
	again.Set("published", "true")
	c.submit("/posts/1", again).leadsTo("/posts/1")
	wantLabels(t, c.read("/posts/1").shows(".prose", "Changed"), "Red 1 vote, 100%", "Green 0 votes")

	edit := c.get("/posts/1/edit").shows("#post-1-poll-locked", "Somebody has voted")
	form := edit.fields("#post-1")
	if form.Has("poll_question") || form.Has("poll_options") || form.Has("poll_closes") {
		t.Errorf("the form of a poll with votes sends %v", form)
	}
	early.Set("version", form.Get("version")) // the poll as it is, from before the vote
	early.Set("poll_options", "Red\nGreen")
	c.htmx("POST", "/posts/1", early).status(http.StatusOK)
}

// A closing that an open form does not know of must not be undone by it.
func TestFormFromBeforeTheClosing(t *testing.T) {
	site := newSite(t)
	site.poll(ada, "Poll", true, "Red", "Green")
	c := site.as(ada)
	form := c.get("/posts/1/edit").fields("#post-1")
	form.Set("published", "true")
	c.htmx("POST", "/posts/1/poll/close", nil).status(http.StatusOK)
	c.submit("/posts/1", form).status(http.StatusConflict)

	form = c.get("/posts/1/edit").fields("#post-1") // the time that has passed may stay
	form.Set("published", "true")
	c.submit("/posts/1", form).leadsTo("/posts/1")
	c.read("/posts/1").shows(".poll > .help", "Closed")
}

func TestDraftWhosePollWouldBeClosed(t *testing.T) {
	site := newSite(t)
	params := newPostParams(site.user(ada), postText{Title: "Draft"}, site.mustRender("Text"), "")
	params.Poll = &db.PollText{Question: "Which?", Options: []string{"A", "B"}, ClosesAt: db.TimeOf(time.Now().Add(-time.Hour))}
	if _, err := site.db.CreatePost(t.Context(), params); err != nil {
		t.Fatal(err)
	}
	c := site.as(ada)
	c.read("/posts/1").shows(".poll > .help", "Voting begins when the post is published.").lacks(".poll button")
	form := c.get("/posts/1/edit").fields("#post-1")
	c.submit("/posts/1", form).leadsTo("/posts/1")
	form = c.get("/posts/1/edit").fields("#post-1")
	form.Set("published", "true")
	c.submit("/posts/1", form).status(http.StatusUnprocessableEntity).shows("#post-1-closes-problem", "has passed")
}

// Programs that know nothing of polls leave them alone.
func TestPollOfAPostThatTheAPIChanges(t *testing.T) {
	site := newSite(t)
	site.poll(ada, "Poll", true, "Red", "Green")
	c := site.as(ada)
	c.api("PATCH", "/api/posts/1", `{"content":"Changed"}`).status(http.StatusOK)
	c.submit("/posts/1", url.Values{"title": {"Poll"}, "content": {"Again"}, "published": {"true"}}).leadsTo("/posts/1")
	wantLabels(t, c.read("/posts/1"), "Red 0 votes", "Green 0 votes")
}

func TestPollIsKeptWhereAFormComesBack(t *testing.T) {
	site := newSite(t)
	c := site.as(ada)
	form := pollFields("Which?", "A\nB", "")
	c.submit("/posts/preview", form).status(http.StatusOK).shows("#post-form-options", "A B")
	c.submit("/posts/99", form).status(http.StatusNotFound)
	post := site.post(ada, "Gone", "", true)
	if err := site.db.DeletePost(t.Context(), post.ID, post.AuthorID); err != nil {
		t.Fatal(err)
	}
	c.submit("/posts/1", form).status(http.StatusNotFound).shows("#post-form-options", "A B")
	site.pass(2 * time.Minute)
	again := c.submit("/posts", form).status(http.StatusUnauthorized).fields(".post-form")
	if again.Get("poll_options") != "A\nB" || again.Get("poll_question") != "Which?" {
		t.Errorf("the form to send again holds %v", again)
	}
}
