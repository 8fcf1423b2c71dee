package handlers

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"inkwell/db"
	"inkwell/db/dbtest"
)

// poll makes a post of the user with a poll of these options, and returns the
// ids of the options as forms have them.
func (s *testSite) poll(clerkID, title string, published bool, options ...string) (db.Post, []string) {
	s.t.Helper()
	params := newPostParams(s.user(clerkID), postText{Title: title, Published: published}, s.mustRender("Text"), "")
	params.Poll = &db.PollText{Question: "Which is it?", Options: options}
	post, err := s.db.CreatePost(s.t.Context(), params)
	if err != nil {
		s.t.Fatal(err)
	}
	rows, err := s.db.ListPollOptions(s.t.Context(), post.ID)
	if err != nil {
		s.t.Fatal(err)
	}
	var ids []string
	for _, row := range rows {
		ids = append(ids, fmt.Sprint(row.ID))
	}
	return post, ids
}

// ballot is a form that votes.
func ballot(id string) url.Values { return url.Values{"option": {id}} }

// labels are the options in the order in which an answer shows them, with what
// is said of each.
func labels(a *answer) []string {
	a.t.Helper()
	var shown []string
	for _, n := range a.all(".options .option") {
		shown = append(shown, text(n))
	}
	return shown
}

func wantLabels(t *testing.T, a *answer, want ...string) {
	t.Helper()
	if got := labels(a); !slices.Equal(got, want) {
		t.Errorf("%s %s shows the options %q, want %q", a.Request.Method, a.Request.URL, got, want)
	}
}

func TestVoteWithHTMX(t *testing.T) {
	site := newSite(t)
	_, ids := site.poll(ada, "Poll", true, "Red", "Green", "Blue")
	c := site.as(grace)
	page := c.read("/posts/1").status(http.StatusOK).shows("#poll-1 h2", "Which is it?").lacks(".choice").lacks(".poll svg").lacks("#close-1")
	wantLabels(t, page, "Red", "Green", "Blue")

	voted := c.htmx("POST", "/posts/1/vote", ballot(ids[2])).status(http.StatusOK)
	wantLabels(t, voted, "Blue ✓ yours, 1 vote, 100%", "Red 0 votes", "Green 0 votes")
	voted.shows(".choice b", "Blue").shows(`button[aria-pressed="true"]`, "Blue").shows(`hx-partial[hx-target="#status"]`, "Your vote is counted.").shows(".poll > .help", "1 vote")

	site.as(moderator).htmx("POST", "/posts/1/vote", ballot(ids[1])).status(http.StatusOK)
	wantLabels(t, c.read("/posts/1"), "Green 1 vote, 50%", "Blue ✓ yours, 1 vote, 50%", "Red 0 votes")
	wantLabels(t, c.htmx("POST", "/posts/1/vote", ballot(ids[1])), "Green ✓ yours, 2 votes, 100%", "Red 0 votes", "Blue 0 votes")

	withdrawn := c.htmx("POST", "/posts/1/vote", ballot("")).status(http.StatusOK).lacks(".choice").lacks(`[aria-pressed="true"]`)
	withdrawn.shows(`hx-partial[hx-target="#status"]`, "withdrawn").one("h2[autofocus]")
	wantLabels(t, withdrawn, "Red", "Green", "Blue")
}

func TestVoteWithoutJavaScript(t *testing.T) {
	site := newSite(t)
	_, ids := site.poll(ada, "Poll", true, "Red", "Green")
	c := site.as(grace)
	c.submit("/posts/1/vote", ballot(ids[1])).leadsTo("/posts/1")
	page := c.read("/posts/1").shows(".notice", "Your vote is counted.").shows(".choice", "Green")
	page = c.press(page, "#withdraw-1").status(http.StatusOK).shows(".notice", "withdrawn").lacks(".choice")
	page = c.click(page, "#results-1").status(http.StatusOK).shows(".poll > .help", "0 votes")
	c.click(page, "#results-1").lacks(".poll svg")
	c.press(page, "#option-"+ids[0]).shows(".choice", "Red")

	own := site.as(ada)
	own.press(own.read("/posts/1"), "#close-1").shows(".notice", "closed").shows(".poll > .help", "Closed").lacks(".poll button")
}

func TestWhoSeesResults(t *testing.T) {
	tests := []struct {
		name    string
		user    string // "": signed out
		path    string
		vote    bool
		close   bool
		results bool
		buttons int
	}{
		{"signed out", "", "/posts/1", false, false, false, 0},
		{"signed out and asking", "", "/posts/1?results=1", false, false, true, 0},
		{"signed out after the end", "", "/posts/1", false, true, true, 0},
		{"signed in", moderator, "/posts/1", false, false, false, 2},
		{"asking", moderator, "/posts/1?results=1", false, false, true, 2},
		{"having voted", moderator, "/posts/1", true, false, true, 3},
		{"having voted before the end", moderator, "/posts/1", true, true, true, 0},
		{"author", ada, "/posts/1", false, false, true, 3},
		{"author who has voted", ada, "/posts/1", true, false, true, 4},
		{"author after the end", ada, "/posts/1", false, true, true, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			site := newSite(t)
			_, ids := site.poll(ada, "Poll", true, "Red", "Green")
			c := site.guest()
			if tt.user != "" {
				c = site.as(tt.user)
			}
			if tt.vote {
				c.htmx("POST", "/posts/1/vote", ballot(ids[0])).status(http.StatusOK)
			}
			if tt.close {
				site.as(ada).htmx("POST", "/posts/1/poll/close", nil).status(http.StatusOK)
			}
			page := c.read(tt.path).status(http.StatusOK)
			if got := len(page.all(".poll svg")) > 0; got != tt.results {
				t.Errorf("the results are shown: %v, want %v", got, tt.results)
			}
			if got := len(page.all(".poll button")); got != tt.buttons {
				t.Errorf("there are %d buttons, want %d", got, tt.buttons)
			}
			if signIn := len(page.all(`#vote-1[href^="/sign-in?redirect_url=%2Fposts%2F1%2F"]`)); (signIn == 1) != (tt.user == "" && !tt.close) {
				t.Errorf("there are %d links to sign in", signIn)
			}
		})
	}
}

func TestPollsInLists(t *testing.T) {
	site := newSite(t)
	site.poll(ada, "Poll", true, "Red", "Green")
	site.post(ada, "Plain", "", true)
	site.poll(ada, "Draft", false, "Red", "Green", "Blue")
	c := site.as(ada)
	for path, hints := range map[string][]string{
		"/":       {"", "Poll: 2 options"},
		"/drafts": {"Poll: 3 options"},
		fmt.Sprintf("/users/%d", site.user(ada).ID): {"", "Poll: 2 options"},
	} {
		for i, item := range c.get(path).status(http.StatusOK).all(".post-item") {
			if got := text(item); strings.Contains(got, "Poll:") != (hints[i] != "") || !strings.Contains(got, hints[i]) {
				t.Errorf("%s lists %q, want the hint %q", path, got, hints[i])
			}
		}
	}
}

// Who has asked for the results goes on seeing them when their vote is
// withdrawn again.
func TestResultsThatWereAskedForStay(t *testing.T) {
	site := newSite(t)
	_, ids := site.poll(ada, "Poll", true, "Red", "Green")
	c := site.as(grace)
	page := c.read("/posts/1?results=1")
	form := page.one(".poll form")
	if got := attr(form, "hx-post"); got != "/posts/1/vote?results=1" {
		t.Errorf("a vote goes to %s", got)
	}
	c.htmx("POST", attr(form, "hx-post"), ballot(ids[0])).status(http.StatusOK)
	c.htmx("POST", attr(form, "hx-post"), ballot("")).status(http.StatusOK).shows("#results-1", "Hide").shows(".poll > .help", "0 votes")
}

func TestVotesThatAreRefused(t *testing.T) {
	site := newSite(t)
	_, ids := site.poll(ada, "Poll", true, "Red", "Green")
	_, others := site.poll(ada, "Other", true, "A", "B")
	site.post(ada, "Plain", "", true)
	_, drafted := site.poll(ada, "Draft", false, "A", "B")
	deleted, gone := site.poll(ada, "Deleted", true, "A", "B")
	if err := site.db.DeletePost(t.Context(), deleted.ID, deleted.AuthorID); err != nil {
		t.Fatal(err)
	}
	_, closed := site.poll(ada, "Closed", true, "A", "B")
	if _, err := site.db.ClosePoll(t.Context(), 6); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, user, path string
		form             url.Values
		status           int
		said             string // "": nothing in particular
	}{
		{"other post's option", grace, "/posts/1/vote", ballot(others[0]), http.StatusUnprocessableEntity, "no option of this poll"},
		{"no such option", grace, "/posts/1/vote", ballot("999"), http.StatusUnprocessableEntity, "no option of this poll"},
		{"no number", grace, "/posts/1/vote", ballot("first"), http.StatusUnprocessableEntity, "no option of this poll"},
		{"zero", grace, "/posts/1/vote", ballot("0"), http.StatusUnprocessableEntity, "no option of this poll"},
		{"too large a number", grace, "/posts/1/vote", ballot("99999999999999999999"), http.StatusUnprocessableEntity, "no option of this poll"},
		{"no field", grace, "/posts/1/vote", url.Values{}, http.StatusUnprocessableEntity, "no option of this poll"},
		{"closed", grace, "/posts/6/vote", ballot(closed[0]), http.StatusConflict, "closed"},
		{"no poll", grace, "/posts/3/vote", ballot(ids[0]), http.StatusNotFound, ""},
		{"draft", grace, "/posts/4/vote", ballot(drafted[0]), http.StatusNotFound, ""},
		{"own draft", ada, "/posts/4/vote", ballot(drafted[0]), http.StatusNotFound, ""},
		{"deleted", grace, "/posts/5/vote", ballot(gone[0]), http.StatusNotFound, ""},
		{"no post", grace, "/posts/99/vote", ballot(ids[0]), http.StatusNotFound, ""},
		{"close another's", grace, "/posts/1/poll/close", nil, http.StatusForbidden, "Only its author"},
		{"close none", ada, "/posts/3/poll/close", nil, http.StatusNotFound, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := site.as(tt.user)
			page := c.submit(tt.path, tt.form).status(tt.status)
			part := c.htmx("POST", tt.path, tt.form).status(tt.status)
			if tt.said != "" && (!strings.Contains(page.body, tt.said) || !strings.Contains(part.body, tt.said)) {
				t.Errorf("the answers do not say %q:\n%s\n%s", tt.said, page.body, part.body)
			}
			if tt.status == http.StatusConflict || tt.status == http.StatusUnprocessableEntity {
				part.one(".poll")
				page.shows(".notice", tt.said).one(".poll")
			}
		})
	}
	if n := dbtest.Value[int](t, site.db, "SELECT count(*) FROM votes"); n != 0 {
		t.Errorf("%d votes are counted, want 0", n)
	}
}

func TestVoteSignedOut(t *testing.T) {
	site := newSite(t)
	_, ids := site.poll(ada, "Poll", true, "Red", "Green")
	c := site.guest()
	c.htmx("POST", "/posts/1/vote", ballot(ids[0])).status(http.StatusUnauthorized)
	again := c.submit("/posts/1/vote", ballot(ids[0])).status(http.StatusUnauthorized).shows("h1", "Your session ran out")
	if got := again.fields(".post-form").Get("option"); got != ids[0] {
		t.Errorf("the form to send again votes for %q, want %s", got, ids[0])
	}
	c.htmx("POST", "/posts/1/poll/close", nil).status(http.StatusUnauthorized)
}

// A link, a prefetch or a picture in somebody's post must never vote.
func TestGetNeverVotes(t *testing.T) {
	site := newSite(t)
	_, ids := site.poll(ada, "Poll", true, "Red", "Green")
	c := site.as(ada)
	for _, path := range []string{"/posts/1/vote?option=" + ids[0], "/posts/1/poll/close"} {
		c.read(path)
		c.htmx("GET", path, nil)
	}
	c.send("POST", "/posts/1/vote?option="+ids[0], "", "Sec-Fetch-Site", "same-origin").status(http.StatusUnprocessableEntity)
	c.send("POST", "/posts/1/vote", "option="+ids[0], "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "cross-site").status(http.StatusForbidden)
	c.read("/posts/1").shows(".poll > .help", "0 votes").one("#close-1")
}

func TestClosePoll(t *testing.T) {
	site := newSite(t)
	_, ids := site.poll(ada, "Poll", true, "Red", "Green")
	c := site.as(ada)
	for range 2 { // closing what is closed is no mistake
		c.htmx("POST", "/posts/1/poll/close", nil).status(http.StatusOK).shows(`hx-partial[hx-target="#status"]`, "The poll is closed.").
			shows(".poll > .help", "Closed "+time.Now().UTC().Format("2 January 2006")).lacks(".poll button").one("h2[autofocus]")
	}
	c.htmx("POST", "/posts/1/vote", ballot(ids[0])).status(http.StatusConflict).shows(`hx-partial[hx-target="#alerts"]`, "closed")
}

func TestFiveHundredClicks(t *testing.T) {
	site := newSite(t)
	_, ids := site.poll(ada, "Poll", true, "Red", "Green")
	c := site.as(grace)
	var wg sync.WaitGroup
	for range 500 {
		wg.Go(func() {
			if a := c.htmx("POST", "/posts/1/vote", ballot(ids[1])); a.StatusCode != http.StatusOK {
				t.Errorf("a vote is answered %d", a.StatusCode)
			}
		})
	}
	wg.Wait()
	wantLabels(t, c.read("/posts/1"), "Green ✓ yours, 1 vote, 100%", "Red 0 votes")
}

// Fifty users change their minds at once; the last word of each counts.
func TestFiftyVotersAtOnce(t *testing.T) {
	site := newSite(t)
	_, ids := site.poll(ada, "Poll", true, "Red", "Green", "Blue")
	voters := 50
	if testing.Short() { // with the race detector the last would wait for longer than they may
		voters = 20
	}
	users, err := site.clerk.CreateUsers(voters)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i, user := range users {
		c := site.as(user.ID)
		wg.Go(func() {
			for _, id := range []string{ids[2], ids[0], "", ids[i%2]} {
				if a := c.htmx("POST", "/posts/1/vote", ballot(id)); a.StatusCode != http.StatusOK {
					t.Errorf("a vote is answered %d", a.StatusCode)
				}
			}
		})
	}
	wg.Wait()
	site.Wait()
	wantLabels(t, site.guest().read("/posts/1?results=1"), fmt.Sprintf("Red %d votes, 50%%", voters/2), fmt.Sprintf("Green %d votes, 50%%", voters/2), "Blue 0 votes")
}

func TestPercent(t *testing.T) {
	tests := []struct {
		part, whole int64
		want        string
	}{{0, 0, "0"}, {0, 5, "0"}, {1, 3, "33.3"}, {2, 3, "66.7"}, {1, 2, "50"}, {1, 1, "100"}, {1, 100_000, "0"}, {99_999, 100_000, "100"}}
	for _, tt := range tests {
		if got := percent(tt.part, tt.whole); got != tt.want {
			t.Errorf("percent(%d, %d) = %q, want %q", tt.part, tt.whole, got, tt.want)
		}
	}
}
