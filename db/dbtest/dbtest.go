// Package dbtest gives a test a database of its own.
package dbtest

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"

	_ "github.com/mattn/go-sqlite3"

	"inkwell/db"
)

// New returns an empty migrated database in a file of the test's own. It is
// closed when the test ends.
func New(t testing.TB) *db.DB {
	t.Helper()
	file, err := template()
	if err != nil {
		t.Fatalf("make the template database: %v", err)
	}
	path := filepath.Join(t.TempDir(), "test.db")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := db.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Errorf("close the database: %v", err)
		}
	})
	return d
}

// template is the content of a migrated database file, made once.
var template = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "dbtest")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "template.db")
	d, err := db.Open(context.Background(), path)
	if err != nil {
		return nil, err
	}
	if err := d.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// Exec runs a statement on a connection of its own to the file of d, without
// foreign keys: what another program could do to it.
func Exec(t testing.TB, d *db.DB, query string, args ...any) {
	t.Helper()
	handle := connect(t, d)
	defer handle.Close()
	if _, err := handle.ExecContext(t.Context(), query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// Value returns the one value that a query gives, read from the file of d.
func Value[T any](t testing.TB, d *db.DB, query string, args ...any) T {
	t.Helper()
	handle := connect(t, d)
	defer handle.Close()
	var v T
	if err := handle.QueryRowContext(t.Context(), query, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return v
}

func connect(t testing.TB, d *db.DB) *sql.DB {
	t.Helper()
	dsn := url.URL{Scheme: "file", OmitHost: true, Path: d.Path(), RawQuery: "_busy_timeout=5000"}
	handle, err := sql.Open("sqlite3", dsn.String())
	if err != nil {
		t.Fatal(fmt.Errorf("open %s: %w", d.Path(), err))
	}
	return handle
}
