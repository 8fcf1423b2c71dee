package handlers

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"inkwell/db/dbtest"
)

// download reads what somebody's download holds.
func download(c *client) (data struct {
	User    map[string]any
	Profile map[string]string
	Posts   []map[string]any
	Votes   []map[string]any
	Events  []map[string]any `json:"webhook_events"`
}) {
	c.site.t.Helper()
	a := c.get("/settings/data").status(http.StatusOK)
	if got := a.Header.Get("Content-Disposition"); got != `attachment; filename="inkwell-data.json"` || a.Header.Get("Cache-Control") != "no-store" {
		c.site.t.Errorf("the download has Content-Disposition %q, Cache-Control %q", got, a.Header.Get("Cache-Control"))
	}
	if err := json.Unmarshal([]byte(a.body), &data); err != nil {
		c.site.t.Fatalf("%v: %s", err, a.body)
	}
	return data
}

func TestOwnData(t *testing.T) {
	site := newSite(t)
	site.clerk.DeliverTo(origin + WebhookPath)
	if err := site.clerk.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	site.introduce(ada, "My *bio* </script>", "My quote", "Me")
	site.introduce(grace, "Somebody else's", "Somebody else's", "")
	for i := range 30 {
		site.post(ada, fmt.Sprintf("Post %d", i), "Some *words*", i%2 == 0)
		site.post(grace, fmt.Sprintf("Somebody else's %d", i), "", true)
	}
	site.as(ada).submit("/posts/1/delete", nil)
	const event = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 250)
INSERT INTO webhook_events (svix_id, type, clerk_id, outcome, received_at) SELECT 'msg_' || i || ?1, 'user.updated', ?1, 'stale', i / 3 FROM n`
	dbtest.Exec(t, site.db, event, ada)
	dbtest.Exec(t, site.db, event, grace)

	data := download(site.as(ada))
	if data.User["email"] != "ada@example.com" || data.User["username"] != "ada" || data.User["clerk_id"] != ada {
		t.Errorf("the user is %v", data.User)
	}
	if data.Profile["bio"] != "My *bio* </script>" || data.Profile["quote"] != "My quote" || data.Profile["quote_by"] != "Me" {
		t.Errorf("the profile is %v", data.Profile)
	}
	if len(data.Posts) != 30 || data.Posts[1]["content"] != "Some *words*" || data.Posts[0]["deleted_at"] == nil || data.Posts[1]["deleted_at"] != nil || data.Posts[1]["published"] != false {
		t.Errorf("there are %d posts, the first are %v", len(data.Posts), data.Posts[:2])
	}
	told := map[any]int{}
	for _, event := range data.Events {
		told[event["type"]]++
	}
	if told["user.updated"] != 250 || told["user.created"] != 1 || data.Events[0]["outcome"] == nil {
		t.Errorf("the events are %v, the first is %v", told, data.Events[0])
	}
	if a := site.as(ada).get("/settings/data"); strings.Contains(a.body, "Somebody else") || strings.Contains(a.body, "grace") {
		t.Error("what others wrote is in the download")
	}
	if empty := download(site.as(moderator)); empty.Posts == nil || len(empty.Posts) != 0 {
		t.Errorf("who wrote nothing has the posts %v, want an empty list", empty.Posts)
	}
	site.guest().get("/settings/data").leadsTo("/sign-in?redirect_url=%2Fsettings%2Fdata")
}

func TestOwnPollsAndVotes(t *testing.T) {
	site := newSite(t)
	_, ids := site.poll(ada, "Poll", true, "Red", "Green")
	site.post(ada, "Plain", "", true)
	site.as(ada).htmx("POST", "/posts/1/vote", ballot(ids[1])).status(http.StatusOK)
	site.as(grace).htmx("POST", "/posts/1/vote", ballot(ids[0])).status(http.StatusOK)
	body := site.as(ada).get("/settings/data").body
	for _, want := range []string{`"poll":{"question":"Which is it?","options":["Red","Green"]}`, `{"post_id":1,"question":"Which is it?","option":"Green","voted_at":"`} {
		if strings.Count(body, want) != 1 {
			t.Errorf("%s is not once in %s", want, body)
		}
	}
	data := download(site.as(grace))
	if len(data.Votes) != 1 || data.Votes[0]["option"] != "Red" || len(data.Posts) != 0 {
		t.Errorf("somebody else's votes are %v", data.Votes)
	}
}

// A download that fails in the middle is cut off, so that nobody takes it for
// whole.
func TestDownloadThatFails(t *testing.T) {
	site := newSite(t)
	c := site.as(ada)
	breakPosts(site)
	defer func() {
		if err, _ := recover().(error); !errors.Is(err, http.ErrAbortHandler) {
			t.Errorf("the download ends with %v, want it to cut the connection", err)
		}
		if !strings.Contains(site.log.String(), "a download was broken off") {
			t.Error("the log does not tell of it")
		}
	}()
	c.get("/settings/data")
}

// The lists of a download are read as they are written.
func TestDownloadStopsWithItsReader(t *testing.T) {
	read := 0
	endless := iter.Seq2[any, error](func(yield func(any, error) bool) {
		for yield(strings.Repeat("x", 1000), nil) {
			read++
		}
	})
	out, in := io.Pipe()
	out.Close()
	if err := writeOwnData(in, ownData{}, []ownList{{"endless", endless}}); !errors.Is(err, io.ErrClosedPipe) || read > 10 {
		t.Errorf("with its reader gone it ends with %v after %d rows", err, read)
	}
	rec := httptest.NewRecorder()
	finite := func(yield func(any, error) bool) { _ = yield(1, nil) && yield("two", nil) }
	if err := writeOwnData(newPatientWriter(rec), ownData{}, []ownList{{"a", finite}, {"b", func(func(any, error) bool) {}}}); err != nil {
		t.Fatal(err)
	}
	if got := rec.Body.String(); !json.Valid(rec.Body.Bytes()) || !strings.HasSuffix(got, ",\n\"a\":[\n1,\n\"two\"],\n\"b\":[]}\n") {
		t.Errorf("the download is %s", got)
	}
}
