package handlers

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"inkwell/db/dbtest"
)

// votes are those that an answer shows, "-" where it shows none, with the total
// and who was voted for.
func votes(p apiPoll) string {
	shown := func(n *int64) string {
		if n == nil {
			return "-"
		}
		return fmt.Sprint(*n)
	}
	var b strings.Builder
	for _, o := range p.Options {
		b.WriteString(o.Text + "=" + shown(o.Votes) + " ")
	}
	return b.String() + "total " + shown(p.Total) + " voted " + shown(p.Voted)
}

func TestAPIPollFromBirthToEnd(t *testing.T) {
	site := newSite(t)
	author, reader := site.as(ada), site.as(grace)
	created := author.api("POST", "/api/posts", `{"title":"Poll","poll":{"question":" Which? ","options":["Red"," Green "]}}`).status(http.StatusCreated)
	post := decode[apiPost](created)
	if post.Poll == nil || post.Poll.Question != "Which?" || votes(*post.Poll) != "Red=0 Green=0 total 0 voted -" || post.Poll.Closed || post.Poll.ClosesAt != nil {
		t.Fatalf("the new post is %s", created.body)
	}
	red, green := post.Poll.Options[0].ID, post.Poll.Options[1].ID
	poll := func(c *client, query string) apiPoll {
		return *decode[apiPost](c.api("GET", "/api/posts/1"+query, "").status(http.StatusOK)).Poll
	}
	put := func(option int64) apiPoll {
		return decode[apiPoll](reader.api("PUT", "/api/posts/1/vote", fmt.Sprintf(`{"option":%d}`, option)).status(http.StatusOK))
	}
	steps := []struct {
		name string
		poll apiPoll
		want string
	}{
		{"before a vote", poll(reader, ""), "Red=- Green=- total - voted -"},
		{"asked for", poll(site.guest(), "?results=1"), "Red=0 Green=0 total 0 voted -"},
		{"first vote", put(red), fmt.Sprintf("Red=1 Green=0 total 1 voted %d", red)},
		{"same vote", put(red), fmt.Sprintf("Red=1 Green=0 total 1 voted %d", red)},
		{"another vote", put(green), fmt.Sprintf("Red=0 Green=1 total 1 voted %d", green)},
		{"who has voted", poll(reader, ""), fmt.Sprintf("Red=0 Green=1 total 1 voted %d", green)},
		{"a guest", poll(site.guest(), ""), "Red=- Green=- total - voted -"},
		{"the author", poll(author, ""), "Red=0 Green=1 total 1 voted -"},
		{"withdrawn", decode[apiPoll](reader.api("DELETE", "/api/posts/1/vote", "").status(http.StatusOK)), "Red=- Green=- total - voted -"},
		{"withdrawn again", decode[apiPoll](reader.api("DELETE", "/api/posts/1/vote", "").status(http.StatusOK)), "Red=- Green=- total - voted -"},
	}
	for _, step := range steps {
		if got := votes(step.poll); got != step.want {
			t.Errorf("%s: %s, want %s", step.name, got, step.want)
		}
	}
	author.submit("/posts/1/poll/close", nil).status(http.StatusSeeOther)
	if got := poll(site.guest(), ""); !got.Closed || got.ClosesAt == nil || votes(got) != "Red=0 Green=0 total 0 voted -" {
		t.Errorf("once it is closed a guest finds %+v", got)
	}
	reader.api("PUT", "/api/posts/1/vote", fmt.Sprintf(`{"option":%d}`, red)).problem(http.StatusConflict, "closed")
	reader.api("DELETE", "/api/posts/1/vote", "").problem(http.StatusConflict, "closed")
}

// The lists show each reader the polls as they may see them.
func TestAPIPollsInLists(t *testing.T) {
	site := newSite(t)
	_, ids := site.poll(ada, "Poll", true, "Red", "Green")
	site.poll(ada, "Draft", false, "Blue", "Black")
	site.as(grace).api("PUT", "/api/posts/1/vote", `{"option":`+ids[0]+`}`).status(http.StatusOK)
	for _, tt := range []struct {
		who        *client
		path, want string
	}{
		{site.guest(), "/api/posts", "Red=- Green=- total - voted -"},
		{site.as(grace), "/api/posts", "Red=1 Green=0 total 1 voted " + ids[0]},
		{site.as(grace), "/api/search?q=poll", "Red=1 Green=0 total 1 voted " + ids[0]},
		{site.as(ada), "/api/drafts", "Blue=0 Black=0 total 0 voted -"},
	} {
		list := decode[apiPosts](tt.who.api("GET", tt.path, "").status(http.StatusOK))
		if len(list.Posts) != 1 || list.Posts[0].Poll == nil || votes(*list.Posts[0].Poll) != tt.want {
			t.Errorf("GET %s lists %+v, want a poll with %s", tt.path, list.Posts, tt.want)
		}
	}
}

func TestAPIPollRules(t *testing.T) {
	many := func(n int) string {
		var options []string
		for i := range n {
			options = append(options, fmt.Sprintf(`"%d"`, i))
		}
		return strings.Join(options, ",")
	}
	tests := []struct {
		name, poll string
		wantDetail string // "": the post is made
	}{
		{"null", `null`, ""},
		{"most options", `{"question":"Q","options":[` + many(maxOptions) + `]}`, ""},
		{"closes", `{"question":"Q","options":["A","B"],"closes_at":"2999-01-01T00:00:00+02:00"}`, ""},
		{"closes null", `{"question":"Q","options":["A","B"],"closes_at":null}`, ""},
		{"no question", `{"options":["A","B"]}`, "poll.question: A poll needs a question"},
		{"long question", `{"question":"` + strings.Repeat("é", maxQuestion+1) + `","options":["A","B"]}`, "poll.question: That is 201"},
		{"question of two lines", `{"question":"a\nb","options":["A","B"]}`, "poll.question: A question is one line"},
		{"no options", `{"question":"Q"}`, "poll.options: A poll needs 2"},
		{"one option", `{"question":"Q","options":["A"]}`, "poll.options: A poll needs 2"},
		{"too many options", `{"question":"Q","options":[` + many(maxOptions+1) + `]}`, "poll.options: These are 121"},
		{"empty option", `{"question":"Q","options":["A"," "]}`, "poll.options: Nothing of option 2"},
		{"null option", `{"question":"Q","options":["A",null]}`, "poll.options: Nothing of option 2"},
		{"option of two lines", `{"question":"Q","options":["A","B\nC"]}`, "poll.options: Option 2: An option is one line"},
		{"option twice", `{"question":"Q","options":["A","a"]}`, "poll.options: “a” is there twice"},
		{"option is a number", `{"question":"Q","options":[1,2]}`, "options: It has to be a string"},
		{"options are a string", `{"question":"Q","options":"A"}`, "poll.options: It has to be an array, and not string"},
		{"no object", `"Q"`, "poll: It has to be an object"},
		{"closes in the past", `{"question":"Q","options":["A","B"],"closes_at":"2000-01-01T00:00:00Z"}`, "poll.closes_at: That time has passed"},
		{"closes at no time", `{"question":"Q","options":["A","B"],"closes_at":"tomorrow"}`, "poll.closes_at: Write the time as"},
		{"half a character", `{"question":"Q","options":["A","\ud800"]}`, "half of a character"},
	}
	site := newSite(t)
	c := site.as(ada)
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := dbtest.Value[int](t, site.db, "SELECT count(*) FROM posts")
			a := c.api("POST", "/api/posts", fmt.Sprintf(`{"title":"Poll %d","poll":%s}`, i, tt.poll))
			if tt.wantDetail == "" {
				a.status(http.StatusCreated)
				return
			}
			a.problem(http.StatusUnprocessableEntity, tt.wantDetail)
			if after := dbtest.Value[int](t, site.db, "SELECT count(*) FROM posts"); after != before {
				t.Errorf("there are %d posts, want %d", after, before)
			}
		})
	}
}

func TestAPIVoteRefusals(t *testing.T) {
	site := newSite(t)
	_, ids := site.poll(ada, "Poll", true, "Red", "Green")
	_, other := site.poll(ada, "Other", true, "Red", "Green")
	_, secret := site.poll(ada, "Draft", false, "Red", "Green")
	site.post(ada, "No poll", "", true)
	tests := []struct {
		name, method, path, body string
		wantStatus               int
		wantDetail               string
	}{
		{"no option", "PUT", "/api/posts/1/vote", `{}`, 422, "option: Send the id"},
		{"null", "PUT", "/api/posts/1/vote", `{"option":null}`, 422, "option: Send the id"},
		{"zero", "PUT", "/api/posts/1/vote", `{"option":0}`, 422, "option: Send the id"},
		{"negative", "PUT", "/api/posts/1/vote", `{"option":-1}`, 422, "no option of this poll"},
		{"text", "PUT", "/api/posts/1/vote", `{"option":"` + ids[0] + `"}`, 422, "option: It has to be a whole number, and not string"},
		{"fraction", "PUT", "/api/posts/1/vote", `{"option":1.5}`, 422, "option: It has to be a whole number"},
		{"of another poll", "PUT", "/api/posts/1/vote", `{"option":` + other[0] + `}`, 422, "no option of this poll"},
		{"not JSON", "PUT", "/api/posts/1/vote", `option=1`, 400, "not JSON"},
		{"draft", "PUT", "/api/posts/3/vote", `{"option":` + secret[0] + `}`, 404, "nothing here"},
		{"post without a poll", "PUT", "/api/posts/4/vote", `{"option":1}`, 404, "nothing here"},
		{"no post", "DELETE", "/api/posts/99/vote", "", 404, "nothing here"},
		{"post without a poll, to withdraw", "DELETE", "/api/posts/4/vote", "", 404, "nothing here"},
		{"looking never votes", "GET", "/api/posts/1/vote", "", 405, ""},
		{"nor does POST", "POST", "/api/posts/1/vote", `{"option":` + ids[0] + `}`, 405, ""},
	}
	c := site.as(grace)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c.api(tt.method, tt.path, tt.body).problem(tt.wantStatus, tt.wantDetail)
		})
	}
	site.as(ada).api("PUT", "/api/posts/3/vote", `{"option":`+secret[0]+`}`).problem(http.StatusNotFound, "nothing here")
	c.send("PUT", "/api/posts/1/vote", "option=1", "Content-Type", "application/x-www-form-urlencoded").problem(http.StatusUnsupportedMediaType, "application/json")
	c.send("PUT", "/api/posts/1/vote", `{"option":1}`, "Content-Type", "application/json", "Sec-Fetch-Site", "cross-site").problem(http.StatusForbidden, "another site")
	if n := dbtest.Value[int](t, site.db, "SELECT count(*) FROM votes"); n != 0 {
		t.Errorf("%d votes are counted, want none", n)
	}
}
