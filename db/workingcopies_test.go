package db_test

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"inkwell/db"
	"inkwell/db/dbtest"
)

// A desk is where a published post is changed in several windows.
type desk struct {
	t     *testing.T
	d     *db.DB
	clock *clock
	post  db.Post
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d, clock := withClock(t)
	return &desk{t, d, clock, newPost(t, d, newUser(t, d, "user_ada").ID, "Public")}
}

// form is what stands in the form with the key.
func (k *desk) form(key, text string) *db.FormText {
	return &db.FormText{FormKey: key, Version: k.post.UpdatedAt, Title: "Public", Content: db.PostContent{Source: text}}
}

// autosave is what the form saves by itself.
func (k *desk) autosave(form *db.FormText) db.AutosaveParams {
	return db.AutosaveParams{AuthorID: k.post.AuthorID, PostID: k.post.ID, FormText: *form}
}

func (k *desk) save(key, text string) {
	k.t.Helper()
	k.clock.at++
	_, err := k.d.Autosave(k.t.Context(), k.autosave(k.form(key, text)))
	check(k.t, err)
}

func (k *desk) discard(form *db.FormText) {
	k.t.Helper()
	k.clock.at++
	check(k.t, k.d.DiscardWorkingCopy(k.t.Context(), k.post.ID, form))
}

func (k *desk) restore(key string, form *db.FormText) error {
	k.t.Helper()
	k.clock.at++
	return k.d.RestoreWorkingCopy(k.t.Context(), k.post.ID, k.copyOf(key), form)
}

// copyOf returns the id of the copy that the form with the key has; 0: none.
func (k *desk) copyOf(key string) int64 {
	k.t.Helper()
	copies, err := k.d.ListWorkingCopies(k.t.Context(), k.post.ID)
	check(k.t, err)
	for _, kept := range copies {
		if kept.FormKey == key {
			return kept.ID
		}
	}
	return 0
}

// key returns the key of the form that has a copy.
func (k *desk) key(id int64) string {
	k.t.Helper()
	copies, err := k.d.ListWorkingCopies(k.t.Context(), k.post.ID)
	check(k.t, err)
	i := slices.IndexFunc(copies, func(kept db.WorkingCopy) bool { return kept.ID == id })
	return copies[i].FormKey
}

// holds makes sure of the working copy and of what was discarded last; "" is
// none.
func (k *desk) holds(stands, discarded string) {
	k.t.Helper()
	held, err := k.d.GetWorkingCopy(k.t.Context(), k.post.ID)
	if held.Content != stands || (stands == "") != errors.Is(err, sql.ErrNoRows) {
		k.t.Errorf("the working copy is %q (%v), want %q", held.Content, err, stands)
	}
	since := k.clock.at.Add(-db.UndoPeriod)
	last, err := k.d.GetDiscardedCopy(k.t.Context(), db.GetDiscardedCopyParams{PostID: k.post.ID, Since: since})
	if last.Content != discarded || (discarded == "") != errors.Is(err, sql.ErrNoRows) {
		k.t.Errorf("discarded is %q (%v), want %q", last.Content, err, discarded)
	}
}

func TestRestoreWorkingCopy(t *testing.T) {
	k := newDesk(t)
	k.save("a", "half")
	k.discard(k.form("a", "half a sentence")) // typed since it saved itself
	k.holds("", "half a sentence")
	check(t, k.restore("a", nil))
	k.holds("half a sentence", "")
	check(t, k.restore("a", nil)) // sent twice
	k.holds("half a sentence", "")

	k.discard(nil)
	k.discard(nil) // pressed twice
	k.holds("", "half a sentence")
	gone := k.copyOf("a")
	k.save("a", "and on") // in a window that nobody has told
	k.holds("and on", "half a sentence")
	check(t, k.d.RestoreWorkingCopy(t.Context(), k.post.ID, gone, nil))
	k.holds("half a sentence", "and on")
	k.save(k.key(gone), "half a sentence, and on")
	k.holds("half a sentence, and on", "and on")
	for _, key := range []string{"", "b"} {
		if err := k.restore(key, k.form("c", "typed")); !errors.Is(err, sql.ErrNoRows) {
			t.Errorf("bringing back what never was: %v", err)
		}
		k.holds("half a sentence, and on", "and on")
	}
}

// Whoever discards without an end fills nothing but the room of some.
func TestDiscardedCopiesAreBounded(t *testing.T) {
	k := newDesk(t)
	for i := range 25 {
		k.discard(k.form(fmt.Sprint(i), fmt.Sprint("text ", i)))
	}
	copies, err := k.d.ListWorkingCopies(t.Context(), k.post.ID)
	check(t, err)
	if len(copies) != 10 || copies[0].Content != "text 15" {
		t.Errorf("%d discarded copies are kept, from %q on; want the last 10", len(copies), copies[0].Content)
	}
	k.holds("", "text 24")
}

// What is discarded as it saved itself is as old as that.
func TestDiscardedCopyKeepsItsTime(t *testing.T) {
	k := newDesk(t)
	k.save("a", "half")
	saved := k.clock.at
	k.discard(k.form("a", "half"))
	last, err := k.d.GetDiscardedCopy(t.Context(), db.GetDiscardedCopyParams{PostID: k.post.ID})
	check(t, err)
	if last.SavedAt != saved {
		t.Errorf("the discarded copy is of %d, want %d", last.SavedAt, saved)
	}
}

// What comes back takes the place of what was typed since, which can come back
// in its turn.
func TestRestoreWorkingCopyOverAnother(t *testing.T) {
	k := newDesk(t)
	k.save("a", "first")
	k.discard(nil)
	k.save("b", "second")
	k.holds("second", "first")
	check(t, k.restore("a", k.form("b", "second, all")))
	k.holds("first", "second, all")
	check(t, k.restore("b", k.form("a", "first")))
	k.holds("second, all", "first")
	check(t, k.restore("a", k.form("c", "third"))) // from a window that has saved nothing yet
	k.holds("first", "third")
	check(t, k.restore("b", nil))
	k.holds("second, all", "first")
}

func TestRestoreWorkingCopyTooLate(t *testing.T) {
	k := newDesk(t)
	k.save("a", "old")
	k.discard(nil)
	discarded := k.clock.at
	k.clock.at = discarded.Add(db.UndoPeriod) - 1
	check(t, k.restore("a", nil)) // just in time
	k.clock.at = discarded
	check(t, k.d.DiscardWorkingCopy(t.Context(), k.post.ID, nil))
	k.clock.at = discarded.Add(db.UndoPeriod)
	k.save("b", "new")
	if err := k.restore("a", k.form("b", "new, all")); !errors.Is(err, sql.ErrNoRows) {
		t.Errorf("bringing back what was discarded long ago: %v", err)
	}
	k.holds("new", "")
	k.discard(nil)
	for _, want := range []int64{1, 0} {
		if n, err := k.d.PurgeWorkingCopies(t.Context()); n != want || err != nil {
			t.Errorf("PurgeWorkingCopies = %d, %v, want %d", n, err, want)
		}
	}
	k.holds("", "new")
}

// Of what was discarded at one time the later text comes back first.
func TestDiscardedAtOneTime(t *testing.T) {
	for _, keys := range [][]string{{"a", "b"}, {"b", "a"}} {
		k := newDesk(t)
		_, err := k.d.Autosave(t.Context(), k.autosave(k.form(keys[0], "first")))
		check(t, err)
		check(t, k.d.DiscardWorkingCopy(t.Context(), k.post.ID, k.form(keys[1], "second")))
		k.holds("", "second")
	}
}

// A post that was changed meanwhile is not changed back without a question.
func TestRestoreWorkingCopyOfAChangedPost(t *testing.T) {
	k := newDesk(t)
	opened := k.post.UpdatedAt
	k.save("a", "mine")
	k.discard(nil)
	k.clock.at++
	text := "theirs"
	_, err := k.d.UpdatePost(t.Context(), db.UpdatePostParams{ID: k.post.ID, Content: &db.PostContent{Source: text}})
	check(t, err)
	check(t, k.restore("a", nil))
	held, err := k.d.GetWorkingCopy(t.Context(), k.post.ID)
	check(t, err)
	if held.Version != opened {
		t.Errorf("the copy is of the version %d, want %d, of which it was made", held.Version, opened)
	}
	mine := "mine"
	_, err = k.d.UpdatePost(t.Context(), db.UpdatePostParams{ID: k.post.ID, Content: &db.PostContent{Source: mine}, Version: held.Version, FormKey: held.FormKey})
	if !errors.Is(err, db.ErrStale) {
		t.Errorf("it is sent: %v, want ErrStale", err)
	}
	k.holds("mine", "")
}

// A discard, or its undo, that comes after the post was deleted or its author
// banned comes too late.
func TestWorkingCopiesOfTheGone(t *testing.T) {
	for _, tt := range []struct {
		name string
		gone string
		want error
	}{
		{"deleted post", "UPDATE posts SET deleted_at = 1", sql.ErrNoRows},
		{"banned author", "UPDATE users SET banned = 1", db.ErrInactive},
	} {
		t.Run(tt.name, func(t *testing.T) {
			k := newDesk(t)
			k.save("a", "first")
			k.discard(nil)
			k.save("b", "second")
			dbtest.Exec(t, k.d, tt.gone)
			if err := k.d.DiscardWorkingCopy(t.Context(), k.post.ID, k.form("b", "more")); !errors.Is(err, tt.want) {
				t.Errorf("discarding: %v, want %v", err, tt.want)
			}
			if err := k.restore("a", k.form("b", "more")); !errors.Is(err, tt.want) {
				t.Errorf("bringing back: %v, want %v", err, tt.want)
			}
			k.holds("second", "first")
		})
	}
}

// Many windows save, discard and bring back at once. Of each the last text is
// there, and one at most stands.
func TestWorkingCopiesAtOnce(t *testing.T) {
	const windows = 8
	d := hasty(t)
	k := &desk{t, d, nil, newPost(t, d, newUser(t, d, "user_ada").ID, "Public")}
	var all sync.WaitGroup
	for i := range windows {
		form := k.form(fmt.Sprint("window ", i), fmt.Sprint("text ", i))
		all.Go(func() {
			for range 3 {
				if _, err := d.Autosave(t.Context(), k.autosave(form)); err != nil && !errors.Is(err, db.ErrStale) {
					t.Error(err)
				}
				if err := d.DiscardWorkingCopy(t.Context(), k.post.ID, form); err != nil {
					t.Error(err)
				}
				if err := d.RestoreWorkingCopy(t.Context(), k.post.ID, k.copyOf(form.FormKey), nil); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	copies, err := d.ListWorkingCopies(t.Context(), k.post.ID)
	check(t, err)
	if len(copies) != windows {
		t.Fatalf("there are %d copies, want %d", len(copies), windows)
	}
	standing := 0
	for _, c := range copies {
		if c.DiscardedAt == 0 {
			standing++
		}
		if want := "text " + c.FormKey[len("window "):]; c.Content != want {
			t.Errorf("%s holds %q, want %q", c.FormKey, c.Content, want)
		}
	}
	if standing != 1 {
		t.Errorf("%d copies stand, want 1", standing)
	}
}

// What an older database holds stays as it is, there and back. It has no place for
// what was discarded.
func TestDiscardMigrationKeepsCopies(t *testing.T) {
	path := migrated(t, 16)
	change(t, path, "INSERT INTO users (id, clerk_id, created_at, updated_at) VALUES (1, 'user_ada', 1, 1)")
	change(t, path, "INSERT INTO posts (id, author_id, title, title_key, content, content_html, excerpt, render_version, created_at, updated_at) VALUES (7, 1, 'A', 'a', '', '', '', 1, 1, 1)")
	change(t, path, "INSERT INTO working_copies VALUES (7, 'key', 1, 2, 'Title', 'Text')")
	m, err := db.NewMigrator(path)
	check(t, err)
	check(t, m.Migrate(17))
	change(t, path, "INSERT INTO working_copies (post_id, form_key, version, saved_at, discarded_at, title, content) VALUES (7, 'gone', 1, 3, 4, 'Gone', 'Gone')")
	for _, version := range []uint{16, 17} {
		check(t, m.Migrate(version))
	}
	check(t, errors.Join(m.Close()))
	d, err := db.Open(t.Context(), path)
	check(t, err)
	defer d.Close()
	copies, err := d.ListWorkingCopies(t.Context(), 7)
	check(t, err)
	want := db.WorkingCopy{PostID: 7, FormKey: "key", Version: 1, SavedAt: 2, Title: "Title", Content: "Text"}
	for i := range copies {
		copies[i].ID = 0
	}
	if !slices.Equal(copies, []db.WorkingCopy{want}) {
		t.Errorf("the copies are %+v, want %+v alone", copies, want)
	}
}
