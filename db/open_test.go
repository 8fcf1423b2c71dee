package db_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"inkwell/db"
	"inkwell/db/dbtest"
)

func TestOpenPaths(t *testing.T) {
	for _, name := range []string{"plain.db", "a b.db", "what?mode=ro.db", "#1 100%.db", "%41.db", "日本 é.db", "file:x&y=z;.db", "no-extension"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, name)
			d, err := db.Open(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			newUser(t, d, "user_ada")
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			if info.Size() == 0 || info.Mode().Perm() != 0o600 {
				t.Errorf("%s has %d bytes and mode %o, want data and 600", name, info.Size(), info.Mode().Perm())
			}
			entries, _ := os.ReadDir(dir)
			if len(entries) != 2 {
				t.Errorf("the folder holds %v, want the database and its lock", entries)
			}
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	tests := []struct {
		name    string
		prepare func(t *testing.T, path string) // makes what Open finds
		want    []string                        // in the error
	}{
		{"folder", func(t *testing.T, path string) { check(t, os.Mkdir(path, 0o700)) }, []string{"that is a folder", "path of a file"}},
		{"no folder", func(t *testing.T, path string) { check(t, os.RemoveAll(filepath.Dir(path))) }, []string{"does not exist", "create it"}},
		{"unwritable folder", func(t *testing.T, path string) { forbid(t, filepath.Dir(path), 0o500) }, []string{"let this user write"}},
		{"unwritable file", func(t *testing.T, path string) { check(t, openAndClose(t.Context(), path)); forbid(t, path, 0o400) }, []string{"let this user write"}},
		{"text", func(t *testing.T, path string) {
			check(t, os.WriteFile(path, []byte(strings.Repeat("Dear diary, ", 100)), 0o600))
		}, []string{"no SQLite database", "restore a backup"}},
		{"of another program", func(t *testing.T, path string) { execute(t, path, "CREATE TABLE users (id INTEGER)") }, []string{"another program", "choose another path"}},
		{"newer", func(t *testing.T, path string) { execute(t, path, "UPDATE schema_migrations SET version = 999") }, []string{"newer release", "schema 999", "start that release"}},
		{"dirty", func(t *testing.T, path string) { execute(t, path, "UPDATE schema_migrations SET dirty = 1") }, []string{"broken off", "a copy from before it"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			check(t, os.Mkdir(dir, 0o700))
			path := filepath.Join(dir, "test.db")
			tt.prepare(t, path)
			before, _ := os.ReadFile(path)
			_, err := db.Open(t.Context(), path)
			if err == nil {
				t.Fatal("Open succeeds")
			}
			for _, want := range append(tt.want, path) {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("Open: %q, want it to contain %q", err, want)
				}
			}
			if after, _ := os.ReadFile(path); string(after) != string(before) {
				t.Error("Open has changed the file")
			}
		})
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// forbid takes rights away until the test ends. The superuser has them anyway.
func forbid(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if os.Geteuid() == 0 {
		t.Skip("the superuser may write everywhere")
	}
	check(t, os.Chmod(path, mode))
	t.Cleanup(func() { os.Chmod(path, 0o700) })
}

// execute runs a statement on the database at path: a migrated one, or with
// CREATE a new one.
func execute(t *testing.T, path, query string) {
	t.Helper()
	if !strings.HasPrefix(query, "CREATE") {
		check(t, openAndClose(t.Context(), path))
	}
	change(t, path, query)
}

func TestOpenTogether(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	const each = 4
	errs := make([]error, 2*each)
	var wg sync.WaitGroup
	for i := range each {
		wg.Go(func() { errs[i] = openAndClose(t.Context(), path) })
		wg.Go(func() {
			out, err := command(t, "open", path).CombinedOutput()
			if err != nil {
				err = errors.New(string(out))
			}
			errs[each+i] = err
		})
	}
	wg.Wait()
	for i, err := range errs {
		if err != nil {
			t.Errorf("opener %d: %v", i, err)
		}
	}
}

func TestOpenWaitsForLockUntilCancelled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	unlock, err := db.LockFile(t.Context(), path+".lock")
	check(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	opened := make(chan error)
	go func() { opened <- openAndClose(ctx, path) }()
	cancel()
	if err := <-opened; !errors.Is(err, context.Canceled) {
		t.Errorf("Open beside a holder of the lock: %v, want context.Canceled", err)
	}
	check(t, unlock())
	check(t, openAndClose(t.Context(), path))
}

func TestSettingsOfEveryConnection(t *testing.T) {
	d := dbtest.New(t)
	tests := []struct {
		name   string
		handle *sql.DB
		want   string
	}{
		{"reader", d.Reader(), "wal 2 1 1"},
		{"writer", d.Writer(), "wal 2 1 0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for i := range tt.handle.Stats().MaxOpenConnections {
				conn, err := tt.handle.Conn(t.Context()) // held, so that each is another one
				check(t, err)
				defer conn.Close()
				var got string
				check(t, conn.QueryRowContext(t.Context(), `SELECT format('%s %d %d %d', journal_mode, synchronous, foreign_keys, query_only)
					FROM pragma_journal_mode, pragma_synchronous, pragma_foreign_keys, pragma_query_only`).Scan(&got))
				if got != tt.want {
					t.Errorf("connection %d: %q, want %q", i, got, tt.want)
				}
				_, err = conn.ExecContext(t.Context(), "INSERT INTO posts (author_id, title, content, created_at, updated_at) VALUES (99, '', '', 1, 1)")
				wantText := map[string]string{"reader": "readonly", "writer": "FOREIGN KEY"}[tt.name]
				if err == nil || !strings.Contains(err.Error(), wantText) {
					t.Errorf("connection %d: a post of nobody: %v, want %s", i, err, wantText)
				}
			}
		})
	}
}

func TestPing(t *testing.T) {
	d := dbtest.New(t)
	check(t, d.Ping(t.Context()))
	conn, err := d.Writer().Conn(t.Context())
	check(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := d.Ping(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Ping, cancelled: %v", err)
	}
	check(t, conn.Close())
	dbtest.Exec(t, d, "DROP TABLE schema_migrations")
	if d.Ping(t.Context()) == nil {
		t.Error("Ping finds nothing wrong with a broken database")
	}
}
