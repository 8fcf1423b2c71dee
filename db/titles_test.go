package db_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"inkwell/db"
	"inkwell/db/dbtest"
)

// Whoever writes, renames, brings back or types at the same time: an author has
// a title once, and who comes too late is told so.
func TestATitleIsTakenOnce(t *testing.T) {
	d := hasty(t)
	ada, ben := newUser(t, d, "user_ada").ID, newUser(t, d, "user_ben").ID
	const title = "Straße"
	var gone, others []db.Post
	for i := range 10 {
		deleted := newPost(t, d, ada, title)
		check(t, d.DeletePost(t.Context(), deleted.ID, ada))
		gone, others = append(gone, deleted), append(others, newPost(t, d, ada, fmt.Sprint("Other ", i)))
	}
	writers := []func(i int) error{
		func(i int) error {
			_, err := d.CreatePost(t.Context(), db.CreatePostParams{AuthorID: ada, Title: title, Published: i%2 == 0})
			return err
		},
		func(i int) error {
			_, err := d.UpdatePost(t.Context(), db.UpdatePostParams{ID: others[i].ID, Title: ptr(strings.ToUpper(title))})
			return err
		},
		func(i int) error { _, err := d.RestorePost(t.Context(), gone[i].ID, ada); return err },
		func(i int) error {
			_, err := d.Autosave(t.Context(), typed(ada, 0, fmt.Sprint("key ", i), 0, title, "text"))
			return err
		},
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	done := 0
	for _, write := range writers {
		for i := range 10 {
			wg.Go(func() {
				err := write(i)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					done++
				case !errors.Is(err, db.ErrTitleTaken):
					t.Error(err)
				}
			})
		}
	}
	wg.Go(func() { newPost(t, d, ben, title) }) // of somebody else: no matter
	wg.Wait()
	if n := dbtest.Value[int](t, d, "SELECT count(*) FROM posts WHERE author_id = ? AND title_key = 'strasse' AND deleted_at IS NULL", ada); n != 1 || done != 1 {
		t.Errorf("%d have the title and %d were told so, want 1", n, done)
	}
}
