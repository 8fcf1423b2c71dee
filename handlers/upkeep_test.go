package handlers

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"inkwell/db"
	"inkwell/db/dbtest"
	"inkwell/templates"
)

// deleteLongAgo makes a post of Ada's that was deleted so many days ago.
func (s *testSite) deleteLongAgo(title string, days int) {
	s.t.Helper()
	post := s.post(ada, title, "", true)
	at := time.Now().AddDate(0, 0, -days).UnixMilli()
	dbtest.Exec(s.t, s.db, "UPDATE posts SET deleted_at = ?, deleted_by = author_id WHERE id = ?", at, post.ID)
}

func titles(s *testSite) string {
	return dbtest.Value[string](s.t, s.db, "SELECT coalesce(group_concat(title, ' '), '') FROM (SELECT title FROM posts ORDER BY id)")
}

func TestUpkeepRemovesWhatWasDeletedLongAgo(t *testing.T) {
	site := newSite(t)
	site.post(ada, "Kept", "", true)
	site.deleteLongAgo("Old", 31)
	site.deleteLongAgo("Young", 29)
	site.post(ada, "New", "", true)
	site.upkeep(t.Context())
	if got, want := titles(site), "Kept Young New"; got != want {
		t.Errorf("the posts left are %q, want %q", got, want)
	}
	site.upkeep(t.Context()) // nothing is left to do
	if lines := site.log.lines(t); len(lines) != 1 || !strings.HasPrefix(lines[0].Msg, "removed") {
		t.Errorf("the log says %+v, want that something was removed, once", lines)
	}
}

func TestUpkeepRendersAnew(t *testing.T) {
	site := newSite(t)
	for range pageSize + 1 {
		site.post(ada, "", "some *words*", false)
	}
	site.post(ada, "Public", "some *words*", true)
	const old = "UPDATE posts SET content_html = 'old', excerpt = 'old', render_version = 0"
	site.upkeep(t.Context())
	dbtest.Exec(t, site.db, old)
	site.upkeep(t.Context())
	if n := dbtest.Value[int](t, site.db, "SELECT count(*) FROM posts WHERE content_html = 'old'"); n == 0 {
		t.Error("all posts are read although none can be stale")
	}
	if err := site.db.SetRenderVersion(t.Context(), templates.MarkdownVersion-1); err != nil {
		t.Fatal(err)
	}
	before := site.getPost(22).UpdatedAt
	site.upkeep(t.Context())
	if n := dbtest.Value[int](t, site.db, "SELECT count(*) FROM posts WHERE content_html = 'old' OR excerpt = 'old'"); n != 0 {
		t.Errorf("%d posts are stale still", n)
	}
	if after := site.getPost(22).UpdatedAt; after != before {
		t.Error("rendering a post anew counts as a change of it")
	}
	site.guest().read("/posts/22").shows(".prose em", "words")
}

func (s *testSite) getPost(id int64) db.Post {
	s.t.Helper()
	row, err := s.db.GetPost(s.t.Context(), id)
	if err != nil {
		s.t.Fatal(err)
	}
	return row.Post
}

func TestUpkeepRemovesOldBodies(t *testing.T) {
	site := newSite(t)
	deadLetter(t, site, "msg_1", "user.updated", brokenUser)
	dbtest.Exec(t, site.db, "UPDATE webhook_events SET received_at = ?", time.Now().AddDate(0, 0, -15).UnixMilli())
	site.upkeep(t.Context())
	if n := dbtest.Value[int](t, site.db, "SELECT count(*) FROM webhook_events WHERE body IS NULL"); n != 1 {
		t.Errorf("%d dead letters are without their body after 15 days, want the one", n)
	}
}

func TestUpkeepSaysWhatFails(t *testing.T) {
	site := newSite(t)
	breakPosts(site)
	site.upkeep(t.Context())
	if log := site.log.String(); !strings.Contains(log, "cannot remove old deleted posts") {
		t.Errorf("the log says %s", log)
	}
}

// A signal is a log that closes a channel when a line holds the text.
type signal struct {
	text string
	seen chan struct{}
}

func (s *signal) Write(line []byte) (int, error) {
	if strings.Contains(string(line), s.text) {
		close(s.seen)
	}
	return len(line), nil
}

func TestKeepUpBeginsAtOnce(t *testing.T) {
	removed := &signal{"removed old deleted posts", make(chan struct{})}
	site := newSite(t, func(c *Config) { c.Log = slog.New(slog.NewTextHandler(removed, nil)) })
	site.deleteLongAgo("Old", 31)
	site.KeepUp()
	within(t, "removing old posts", removed.seen)
	if got := titles(site); got != "" {
		t.Errorf("the posts left are %q", got)
	}
	ended := make(chan struct{})
	go func() { site.Close(); close(ended) }()
	within(t, "Close", ended)
}

// within fails the test when something takes far too long.
func within(t *testing.T, what string, done <-chan struct{}) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	select {
	case <-done:
	case <-ctx.Done():
		t.Fatalf("%s has not ended", what)
	}
}

// Wait is for what ends by itself: what runs until Close is none of it.
func TestWaitDoesNotWaitForClose(t *testing.T) {
	site := newSite(t, func(c *Config) { c.Log = slog.New(slog.NewTextHandler(io.Discard, nil)) })
	site.KeepUp()
	waited := make(chan struct{})
	go func() { site.Wait(); close(waited) }()
	within(t, "Wait", waited)
}

func TestDemo(t *testing.T) {
	site := newSite(t, func(c *Config) { c.DB = dbtest.New(t) }) // one without users
	if err := site.WriteDemo(t.Context(), nil); err != nil || titles(site) != "" {
		t.Fatalf("without users there are the posts %q, %v", titles(site), err)
	}
	if err := site.WriteDemo(t.Context(), site.clerk.Users()); err != nil {
		t.Fatal(err)
	}
	if err := site.WriteDemo(t.Context(), site.clerk.Users()); err != nil {
		t.Errorf("where somebody is already: %v", err)
	}
	feed := site.guest().get("/")
	if got := len(feed.all(".post-item")); got < 5 || got > pageSize {
		t.Errorf("there are %d posts to look at", got)
	}
	if first := text(feed.all(".post-item h2")[0]); !strings.Contains(first, "Welcome") {
		t.Errorf("%q is on top", first)
	}
	for _, link := range feed.all(".post-item h2 a") {
		site.guest().get(attr(link, "href")).status(200).one(".prose > p:first-child")
	}
}
