package db_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"inkwell/db"
	"inkwell/db/dbtest"
)

// The environment variables that make the test binary another program.
const (
	programVariable = "DB_TEST_PROGRAM" // the name in programs
	pathVariable    = "DB_TEST_PATH"    // of the database
)

// programs are run by other processes, on the database at path.
var programs = map[string]func(ctx context.Context, path string) error{
	"open":  openAndClose,
	"write": writeForever,
}

func TestMain(m *testing.M) {
	program := programs[os.Getenv(programVariable)]
	if program == nil {
		os.Exit(m.Run())
	}
	if err := program(context.Background(), os.Getenv(pathVariable)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// command returns the command that runs a program on the database at path.
func command(t *testing.T, program, path string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), programVariable+"="+program, pathVariable+"="+path)
	return cmd
}

func openAndClose(ctx context.Context, path string) error {
	d, err := db.Open(ctx, path)
	if err != nil {
		return err
	}
	return d.Close()
}

// newUser returns a new active user.
func newUser(t testing.TB, d *db.DB, clerkID string) db.User {
	t.Helper()
	user, err := d.EnsureUser(t.Context(), clerkID)
	if err != nil {
		t.Fatal(err)
	}
	return user
}

// newPost returns a new published post.
func newPost(t testing.TB, d *db.DB, authorID int64, title string) db.Post {
	t.Helper()
	post, err := d.CreatePost(t.Context(), db.CreatePostParams{
		AuthorID:    authorID,
		Title:       title,
		Content:     "Content of " + title,
		ContentHTML: "<p>Content of " + title + "</p>",
		Excerpt:     "Content of " + title,
		Published:   true,
	})
	if err != nil {
		t.Fatal(err)
	}
	return post
}

// hasty returns an empty database that does not wait for the disk.
func hasty(t testing.TB) *db.DB {
	t.Helper()
	d := dbtest.New(t)
	if _, err := d.Writer().ExecContext(t.Context(), "PRAGMA synchronous = OFF"); err != nil {
		t.Fatal(err)
	}
	return d
}

// A clock stands still until it is moved.
type clock struct{ at db.Time }

// withClock returns an empty database and its clock.
func withClock(t testing.TB) (*db.DB, *clock) {
	t.Helper()
	c := &clock{at: 1_760_000_000_000}
	d := dbtest.New(t)
	d.SetNow(func() db.Time { return c.at })
	return d, c
}

func ptr[T any](v T) *T { return &v }
