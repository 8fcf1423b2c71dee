package handlers

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"slices"
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

// Everything that refers to a user is in their download and goes with their
// account, but for what is named here with its reason.
func TestInventoryOfUsers(t *testing.T) {
	kept := map[string]struct{ download, deletion string }{
		"posts.author_id":         {"in posts", "hidden at once, purged later"},
		"posts.deleted_by":        {"in posts as deleted_at", "NULL for their own; of others' posts it names nobody any more"},
		"posts.hidden_by":         {"in posts as hidden_at", "the post stays hidden; it names a tombstone"},
		"reports.reporter_id":     {"in reports", "the text is cleared; that the post is reported stays until it is decided"},
		"moderation_log.by_id":    {"what moderators did is no data of theirs", "the log must still say who did it; it names a tombstone"},
		"moderation_log.user_id":  {"posts say why they are hidden", "it names a tombstone; titles of posts are cleared"},
		"profiles.user_id":        {"in profile", "deleted"},
		"votes.user_id":           {"in votes", "deleted"},
		"people.user_id":          {"made from user, which is there", "deleted with the name"},
		"audit_log.user_id":       {"what administrators did is no data of theirs", "the log must still say who did it; it names a tombstone"},
		"changed_people.user_id":  {"a note that lasts until the next change", "gone with that"},
		"webhook_events.clerk_id": {"in webhook_events", "the id stays, so that nothing brings them back; bodies are cleared"},
		"users.clerk_id":          {"in user", "the tombstone stays, so that nothing brings them back"},
	}
	site := newSite(t)
	tables, err := site.db.Tables(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, table := range tables {
		for _, c := range table.Columns {
			refers := table.Kind == "table" && (c.Name == "user_id" || c.Name == "author_id" || c.Name == "clerk_id")
			for _, r := range table.Refers {
				refers = refers || r.Parent == "users" && slices.Contains(r.From, c.Name)
			}
			if name := table.Name + "." + c.Name; refers {
				found[name] = true
				if kept[name].download == "" || kept[name].deletion == "" {
					t.Errorf("%s refers to users: is it in their download, and does it go with their account?", name)
				}
			}
		}
	}
	for name := range kept {
		if !found[name] {
			t.Errorf("%s does not refer to users", name)
		}
	}
}

// Nothing that the inventory calls deleted is there when its user is.
func TestDeletedUserLeavesNothing(t *testing.T) {
	site := newSite(t)
	site.poll(ada, "Poll", true, "A", "B")
	site.introduce(ada, "My bio", "My quote", "")
	site.as(ada).htmx("POST", "/posts/1/vote", ballot("1")).status(http.StatusOK)
	id := site.user(ada).ID
	if err := site.db.DeleteUser(t.Context(), ada); err != nil {
		t.Fatal(err)
	}
	if err := site.db.KeepIndex(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, gone := range []string{"profiles", "votes", "people", "changed_people"} {
		if n := dbtest.Value[int64](t, site.db, "SELECT count(*) FROM "+gone+" WHERE user_id = ?", id); n != 0 {
			t.Errorf("%s holds %d rows of a deleted user", gone, n)
		}
	}
	if n := dbtest.Value[int64](t, site.db, "SELECT count(*) FROM posts WHERE author_id = ? AND (deleted_at IS NULL OR deleted_by IS NOT NULL)", id); n != 0 {
		t.Errorf("%d posts of a deleted user can be read or restored", n)
	}
}
