package db_test

import (
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"testing"

	"inkwell/db"
)

// typed is what stands in a form.
func typed(author, post int64, key string, version db.Time, title, text string) db.AutosaveParams {
	return db.AutosaveParams{AuthorID: author, PostID: post, FormText: db.FormText{FormKey: key, Version: version, Title: title, Content: db.PostContent{Source: text, HTML: "<p>" + text}}}
}

func TestAutosaveOfANewPost(t *testing.T) {
	d, clock := withClock(t)
	ada := newUser(t, d, "user_ada").ID
	save := func(key, title, text string) error {
		clock.at++
		at, err := d.Autosave(t.Context(), typed(ada, 0, key, 0, title, text))
		if err == nil && at != clock.at {
			t.Errorf("kept at %d, want %d", at, clock.at)
		}
		return err
	}
	check(t, save("k", "", "H"))
	check(t, save("k", "Hello", "Hello wor"))
	draft := drafts(t, d, ada, 1)[0]
	if draft.Title != "Hello" || draft.Published || draft.PublishedAt != 0 || draft.ContentHTML != "<p>Hello wor" {
		t.Errorf("the draft is %+v", draft)
	}
	check(t, save("other", "", "Another form"))
	if err := save("third", "hello", ""); !errors.Is(err, db.ErrTitleTaken) {
		t.Errorf("a title of two drafts: %v", err)
	}

	sent, err := d.CreatePost(t.Context(), db.CreatePostParams{AuthorID: ada, FormKey: "k", Title: "Hello", Content: "Hello world", Published: true})
	check(t, err)
	if sent.ID != draft.ID || sent.Content != "Hello world" || !sent.Published || sent.AutosavedBy != "" {
		t.Errorf("the form that saved itself was sent and made %+v", sent)
	}
	if err := save("k", "Hello", "Hello wo"); !errors.Is(err, db.ErrStale) {
		t.Errorf("an autosave after the form was sent: %v", err)
	}
	check(t, d.DeletePost(t.Context(), sent.ID, ada))
	check(t, save("k", "Hello", "kept anew"))
	drafts(t, d, ada, 2)
	if _, err := d.Autosave(t.Context(), typed(99, 0, "k", 0, "", "x")); !errors.Is(err, db.ErrInactive) {
		t.Errorf("an autosave of nobody: %v", err)
	}
}

// drafts returns an author's drafts, of which there must be want.
func drafts(t *testing.T, d *db.DB, author int64, want int) []db.Post {
	t.Helper()
	rows, err := d.ListDrafts(t.Context(), db.ListDraftsParams{AuthorID: author, BeforeAt: db.MaxTime, PageSize: 100})
	check(t, err)
	if len(rows) != want {
		t.Fatalf("there are %d drafts, want %d", len(rows), want)
	}
	var posts []db.Post
	for _, row := range rows {
		post, err := d.GetPost(t.Context(), row.ID)
		check(t, err)
		posts = append(posts, post.Post)
	}
	return posts
}

func TestAutosaveOfADraft(t *testing.T) {
	d, clock := withClock(t)
	ada := newUser(t, d, "user_ada").ID
	draft, err := d.CreatePost(t.Context(), db.CreatePostParams{AuthorID: ada, Title: "Idea", Content: "old"})
	check(t, err)
	opened := draft.UpdatedAt
	save := func(key, text string) error {
		clock.at++
		_, err := d.Autosave(t.Context(), typed(ada, draft.ID, key, opened, "Idea", text))
		return err
	}
	send := func(key, text string) error {
		clock.at++
		_, err := d.UpdatePost(t.Context(), db.UpdatePostParams{ID: draft.ID, Content: &db.PostContent{Source: text}, Version: opened, FormKey: key})
		return err
	}
	check(t, save("a", "one"))
	check(t, save("a", "one two")) // its own change is no other's
	if err := save("b", "theirs"); !errors.Is(err, db.ErrStale) {
		t.Errorf("a second window: %v", err)
	}
	if err := send("b", "theirs"); !errors.Is(err, db.ErrStale) {
		t.Errorf("a second window is sent: %v", err)
	}
	check(t, send("a", "one two three"))
	if err := save("a", "one tw"); !errors.Is(err, db.ErrStale) {
		t.Errorf("an autosave that comes after what was sent: %v", err)
	}
	if got := drafts(t, d, ada, 1)[0]; got.Content != "one two three" || got.AutosavedBy != "" {
		t.Errorf("the draft is %+v", got)
	}
	check(t, d.DeletePost(t.Context(), draft.ID, ada))
	if err := save("a", "x"); !errors.Is(err, sql.ErrNoRows) {
		t.Errorf("an autosave of a draft that is gone: %v", err)
	}
}

func TestAutosaveOfAPublishedPost(t *testing.T) {
	d, clock := withClock(t)
	ada := newUser(t, d, "user_ada").ID
	post := newPost(t, d, ada, "Public")
	opened := post.UpdatedAt
	save := func(key, text string) error {
		clock.at++
		_, err := d.Autosave(t.Context(), typed(ada, post.ID, key, opened, "Public", text))
		return err
	}
	kept := func(want string) {
		t.Helper()
		held, err := d.GetWorkingCopy(t.Context(), post.ID)
		if held.Content != want || (want == "") != errors.Is(err, sql.ErrNoRows) {
			t.Errorf("the working copy is %q (%v), want %q", held.Content, err, want)
		}
	}
	check(t, save("a", "half a sen"))
	check(t, save("a", "half a sentence"))
	kept("half a sentence")
	if err := save("b", "theirs"); !errors.Is(err, db.ErrStale) {
		t.Errorf("a second window: %v", err)
	}
	row, err := d.GetPost(t.Context(), post.ID)
	check(t, err)
	if row.Post != post {
		t.Errorf("what was typed and not sent is published: %+v", row.Post)
	}
	clock.at++
	sent, err := d.UpdatePost(t.Context(), db.UpdatePostParams{ID: post.ID, Content: &db.PostContent{Source: "whole"}, Version: opened, FormKey: "a"})
	check(t, err)
	kept("")
	if err := save("a", "who"); !errors.Is(err, db.ErrStale) {
		t.Errorf("an autosave that comes after what was sent: %v", err)
	}
	kept("")
	opened = sent.UpdatedAt
	check(t, save("c", "again"))
	check(t, d.DiscardWorkingCopy(t.Context(), post.ID, nil))
	kept("")
	check(t, save("d", "to be purged"))
	check(t, d.DeletePost(t.Context(), post.ID, ada))
	clock.at = clock.at.Add(db.PurgeAfter + 1e9)
	_, err = d.PurgePosts(t.Context())
	check(t, err)
	kept("")
}

// One form saves itself in many requests at once, and is sent meanwhile: there
// is one post, and it holds what was sent.
func TestAutosaveAtOnce(t *testing.T) {
	d := hasty(t)
	ada := newUser(t, d, "user_ada").ID
	var saves sync.WaitGroup
	for i := range 100 {
		saves.Go(func() {
			_, err := d.Autosave(t.Context(), typed(ada, 0, "k", 0, "", fmt.Sprint("text ", i)))
			if err != nil && !errors.Is(err, db.ErrStale) {
				t.Error(err)
			}
		})
		if i == 50 {
			saves.Go(func() {
				if _, err := d.CreatePost(t.Context(), db.CreatePostParams{AuthorID: ada, FormKey: "k", Title: "Sent", Content: "all of it"}); err != nil {
					t.Error(err)
				}
			})
		}
	}
	saves.Wait()
	if got := drafts(t, d, ada, 1)[0]; got.Title != "Sent" || got.Content != "all of it" {
		t.Errorf("the draft is %+v", got)
	}
}

func TestGetAutosavedDraft(t *testing.T) {
	d, clock := withClock(t)
	ada, ben := newUser(t, d, "user_ada").ID, newUser(t, d, "user_ben").ID
	latest := func(since db.Time, want string) {
		t.Helper()
		row, err := d.GetAutosavedDraft(t.Context(), db.GetAutosavedDraftParams{AuthorID: ada, Since: since})
		if row.Title != want || (want == "") != errors.Is(err, sql.ErrNoRows) {
			t.Errorf("the latest draft is %q (%v), want %q", row.Title, err, want)
		}
	}
	save := func(author int64, key, title string) {
		clock.at++
		_, err := d.Autosave(t.Context(), typed(author, 0, key, 0, title, ""))
		check(t, err)
	}
	latest(0, "")
	save(ada, "a", "First")
	save(ada, "b", "Second")
	save(ben, "c", "Ben's")
	latest(clock.at-1, "Second")
	latest(clock.at, "")
	_, err := d.CreatePost(t.Context(), db.CreatePostParams{AuthorID: ada, FormKey: "b", Title: "Second"})
	check(t, err)
	latest(0, "First")
}

func TestAddViews(t *testing.T) {
	d, clock := withClock(t)
	ada := newUser(t, d, "user_ada").ID
	one, two := newPost(t, d, ada, "One"), newPost(t, d, ada, "Two")
	clock.at++
	check(t, d.AddViews(t.Context(), map[int64]int64{one.ID: 3, two.ID: 1, 99: 5}))
	check(t, d.AddViews(t.Context(), map[int64]int64{one.ID: 2}))
	check(t, d.AddViews(t.Context(), nil))
	for _, want := range []struct {
		post  db.Post
		views int64
	}{{one, 5}, {two, 1}} {
		got, err := d.GetPost(t.Context(), want.post.ID)
		check(t, err)
		if want.post.Views = want.views; got.Post != want.post {
			t.Errorf("the post is %+v, want %+v", got.Post, want.post)
		}
	}
}
