package db_test

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"inkwell/db"
	"inkwell/db/dbtest"
)

func TestManyWriters(t *testing.T) {
	d := dbtest.New(t)
	author := newUser(t, d, "user_ada")
	const writers = 100
	errs := make(chan error, 2*writers)
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			_, err := d.CreatePost(t.Context(), db.CreatePostParams{AuthorID: author.ID, Title: fmt.Sprint("Title ", i), Published: true})
			errs <- err
		})
		wg.Go(func() {
			_, err := d.ListPosts(t.Context(), db.ListPostsParams{BeforeAt: db.MaxTime, PageSize: 20})
			errs <- err
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
	if n := dbtest.Value[int](t, d, "SELECT count(*) FROM posts"); n != writers {
		t.Errorf("%d posts, want %d", n, writers)
	}
}

func TestWriteRollsBack(t *testing.T) {
	event := db.Event{SvixID: "msg_1", Type: "user.created", At: 1, User: &db.UserData{ClerkID: "user_ada", UpdatedAt: 1}}
	tests := []struct {
		name    string
		prepare func(t *testing.T, d *db.DB) context.Context
	}{
		{"cancelled", func(t *testing.T, _ *db.DB) context.Context {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			return ctx
		}},
		{"first statement fails", func(t *testing.T, d *db.DB) context.Context {
			breakOn(t, d, "INSERT ON webhook_events")
			return t.Context()
		}},
		{"last statement fails", func(t *testing.T, d *db.DB) context.Context {
			breakOn(t, d, "INSERT ON users")
			return t.Context()
		}},
		{"clock panics in the middle", func(t *testing.T, d *db.DB) context.Context {
			calls := 0
			d.SetNow(func() db.Time {
				if calls++; calls == 2 { // for the user, when the event is stored
					panic("no time")
				}
				return 1
			})
			return t.Context()
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := dbtest.New(t)
			ctx := tt.prepare(t, d)
			func() {
				defer func() { recover() }()
				if outcome, err := d.ApplyEvent(ctx, event); err == nil {
					t.Errorf("ApplyEvent = %q, nil, want an error", outcome)
				}
			}()
			rows := dbtest.Value[int](t, d, "SELECT (SELECT count(*) FROM users) + (SELECT count(*) FROM webhook_events)")
			if rows != 0 {
				t.Errorf("%d rows stay, want 0", rows)
			}
			d.SetNow(func() db.Time { return 1 })
			dbtest.Exec(t, d, "DROP TRIGGER IF EXISTS broken")
			if outcome, err := d.ApplyEvent(t.Context(), event); outcome != db.OutcomeApplied {
				t.Errorf("ApplyEvent again = %q, %v, want applied", outcome, err)
			}
		})
	}
}

// breakOn has every change of a kind fail, such as "INSERT ON users", until the
// trigger broken is dropped.
func breakOn(t *testing.T, d *db.DB, change string) {
	t.Helper()
	dbtest.Exec(t, d, "CREATE TRIGGER broken BEFORE "+change+" BEGIN SELECT raise(ABORT, 'broken'); END")
}

func TestIsUnavailable(t *testing.T) {
	d := dbtest.New(t)
	author := newUser(t, d, "user_ada")
	create := func() error {
		_, err := d.CreatePost(t.Context(), db.CreatePostParams{AuthorID: author.ID, Content: strings.Repeat("full ", 8000)})
		return err
	}
	_, err := d.Writer().Exec("PRAGMA max_page_count = 1") // as small as it is
	check(t, err)
	if err := create(); err == nil || !db.IsUnavailable(err) {
		t.Errorf("CreatePost on a full disk: %v, want unavailable", err)
	}
	if _, err := d.GetUser(t.Context(), author.ID); err != nil {
		t.Errorf("GetUser on a full disk: %v", err)
	}
	_, err = d.Writer().Exec("PRAGMA max_page_count = 1000000")
	check(t, err)
	check(t, create())

	_, err = d.Writer().Exec("PRAGMA busy_timeout = 1")
	check(t, err)
	handle, err := db.OpenHandle(d.Path())
	check(t, err)
	defer handle.Close()
	tx, err := handle.Begin() // immediate
	check(t, err)
	if err := create(); err == nil || !db.IsUnavailable(err) {
		t.Errorf("CreatePost on a locked database: %v, want unavailable", err)
	}
	check(t, tx.Rollback())
	check(t, create())
	for _, err := range []error{nil, sql.ErrNoRows, db.ErrTitleTaken, errors.New("disk full")} {
		if db.IsUnavailable(err) {
			t.Errorf("IsUnavailable(%v) = true", err)
		}
	}
}

// writeForever creates posts and prints the title of each that is stored.
func writeForever(ctx context.Context, path string) error {
	d, err := db.Open(ctx, path)
	if err != nil {
		return err
	}
	author, err := d.EnsureUser(ctx, "user_ada")
	if err != nil {
		return err
	}
	for i := 0; ; i++ {
		title := fmt.Sprintf("Title %d of process %d", i, os.Getpid())
		if _, err := d.CreatePost(ctx, db.CreatePostParams{AuthorID: author.ID, Title: title, Content: strings.Repeat("word ", i%2000), Published: true}); err != nil {
			return err
		}
		fmt.Println(title)
	}
}

func TestKilledWriterLosesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	var stored []string
	for range 3 {
		cmd := command(t, "write", path)
		out, err := cmd.StdoutPipe()
		check(t, err)
		check(t, cmd.Start())
		lines := bufio.NewScanner(out)
		for n := 1; lines.Scan(); n++ {
			stored = append(stored, lines.Text())
			if n == 100 {
				check(t, cmd.Process.Kill()) // what it printed until it died is read too
			}
		}
		if err := cmd.Wait(); err == nil {
			t.Fatal("the writer has ended by itself")
		}
	}
	d, err := db.Open(t.Context(), path)
	check(t, err)
	defer d.Close()
	for _, title := range stored {
		if n := dbtest.Value[int](t, d, "SELECT count(*) FROM posts WHERE title = ?", title); n != 1 {
			t.Errorf("%q is stored %d times, want once", title, n)
		}
	}
	if got := dbtest.Value[string](t, d, "PRAGMA integrity_check"); got != "ok" {
		t.Errorf("integrity_check: %s", got)
	}
}

// A change that cannot begin soon is refused, and not made after its sender
// has gone.
func TestLongQueueIsUnavailable(t *testing.T) {
	d := dbtest.New(t)
	d.SetPatience(time.Millisecond)
	held, err := d.Writer().Conn(t.Context())
	check(t, err)
	if _, err := d.EnsureUser(t.Context(), "user_late"); !db.IsUnavailable(err) {
		t.Errorf("a change that waits for too long: %v, want it unavailable", err)
	}
	check(t, held.Close())
	_, err = d.EnsureUser(t.Context(), "user_late")
	check(t, err)
}

// What is written into a file that was removed would be lost at the next start.
func TestFileThatWasRemoved(t *testing.T) {
	d := dbtest.New(t)
	away := d.Path() + ".away"
	check(t, os.Rename(d.Path(), away))
	if err := d.Ping(t.Context()); !db.IsUnavailable(err) {
		t.Errorf("Ping without the file: %v, want it unavailable", err)
	}
	if _, err := d.EnsureUser(t.Context(), "user_ada"); !db.IsUnavailable(err) {
		t.Errorf("a change without the file: %v, want it unavailable", err)
	}
	check(t, os.Rename(away, d.Path()))
	check(t, d.Ping(t.Context()))
	_, err := d.EnsureUser(t.Context(), "user_ada")
	check(t, err)
}
