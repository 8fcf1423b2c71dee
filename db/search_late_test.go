package db_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"inkwell/db"
	"inkwell/db/dbtest"
)

// crowd writes posts that are as costly to search as posts can be.
func crowd(t *testing.T, d *db.DB) {
	t.Helper()
	ada := newUser(t, d, "user_ada")
	dbtest.Exec(t, d, `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60)
INSERT INTO posts (author_id, title, published, published_at, created_at, updated_at, content, content_html) SELECT ?, 'Long a ' || i, 1, 1, 1, 1, '', ? FROM n`,
		ada.ID, strings.Repeat("a ", 20_000))
	keepIndex(t, d)
}

// A search of what was made to cost much ends in time, with what it has.
func TestLateSearch(t *testing.T) {
	d := hasty(t)
	crowd(t, d)
	p := db.SearchParams{Query: db.ParseQuery(`"a a" "a a a" "a a a a" "a a a a a" "a a a a a a" "a a a a a a a" `), PageSize: 20}
	for _, limit := range []time.Duration{0, 20 * time.Millisecond} {
		d.SetSearchTime(limit)
		found, err := d.SearchPosts(t.Context(), p)
		if err != nil || !found.Late || found.Matches < len(found.Posts) {
			t.Errorf("within %v a search finds %d of %d posts, late is %v; %v", limit, len(found.Posts), found.Matches, found.Late, err)
		}
		for _, post := range found.Posts {
			if post.Title == "" || len(post.MarkedTitle) == 0 || len(post.Snippet) == 0 {
				t.Errorf("post %d is shown without a part", post.ID)
			}
		}
	}
	d.SetSearchTime(time.Minute)
	found, err := d.SearchPosts(t.Context(), p)
	if err != nil || found.Late || found.Matches != 60 || len(found.Posts) != 20 {
		t.Errorf("with time enough it finds %d of %d, late is %v; %v", len(found.Posts), found.Matches, found.Late, err)
	}
}

// Whoever does not wait for a search gets an error, not a part of it.
func TestSearchNobodyWaitsFor(t *testing.T) {
	d := hasty(t)
	crowd(t, d)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.SearchPosts(ctx, db.SearchParams{Query: db.ParseQuery("a "), PageSize: 20}); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
}

// What posts ask is found with them, as it is now.
func TestSearchPolls(t *testing.T) {
	d := dbtest.New(t)
	ada := newUser(t, d, "user_ada")
	poll := &db.PollText{Question: "Which ink?", Options: []string{"Sepia", "Bister"}}
	post, err := d.CreatePost(t.Context(), db.CreatePostParams{AuthorID: ada.ID, Title: "Draft", ContentHTML: "<p>Say so.</p>", Poll: poll})
	check(t, err)
	finds := func(want map[string]string) {
		t.Helper()
		for typed, snippet := range want {
			found, err := d.SearchPosts(t.Context(), db.SearchParams{Query: db.ParseQuery(typed), PageSize: 5})
			check(t, err)
			got := ""
			if len(found.Posts) > 0 {
				got = marked(found.Posts[0].Snippet)
			}
			if got != snippet {
				t.Errorf("%q finds %q, want %q", typed, got, snippet)
			}
		}
	}
	finds(map[string]string{"sepia ": ""})
	_, err = d.UpdatePost(t.Context(), db.UpdatePostParams{ID: post.ID, Published: ptr(true)})
	check(t, err)
	finds(map[string]string{
		"sepia ":      "Say so. Which ink? [Sepia], Bister",
		`"which ink"`: "Say so. [Which ink]? Sepia, Bister",
		"so which ":   "Say [so]. [Which] ink? Sepia, Bister",
	})
	_, err = d.UpdatePost(t.Context(), db.UpdatePostParams{ID: post.ID, Poll: &db.PollText{Question: "Which pen?", Options: []string{"Quill", "Reed"}}})
	check(t, err)
	finds(map[string]string{"sepia ": "", "ink ": "", "quill pen ": "Say so. Which [pen]? [Quill], Reed"})
	dbtest.Exec(t, d, "UPDATE poll_options SET label = 'Stylus' WHERE label = 'Reed'")
	dbtest.Exec(t, d, "UPDATE polls SET question = 'Which tool?'")
	check(t, d.KeepIndex(t.Context()))
	finds(map[string]string{"stylus tool ": "Say so. Which [tool]? Quill, [Stylus]", "reed ": ""})
	_, err = d.UpdatePost(t.Context(), db.UpdatePostParams{ID: post.ID, Poll: &db.PollText{}})
	check(t, err)
	finds(map[string]string{"quill ": "", "which ": "", "say ": "[Say] so."})
}
