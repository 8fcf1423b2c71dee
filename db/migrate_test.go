package db_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/golang-migrate/migrate/v4"

	"inkwell/db"
	"inkwell/db/dbtest"
)

func TestMigrationsUpDownUp(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	migrator := func() *migrate.Migrate {
		m, err := db.NewMigrator(path)
		check(t, err)
		return m
	}
	step := func(run func() error) []string {
		check(t, run())
		return schema(t, path)
	}
	m := migrator()
	defer m.Close()
	first := step(m.Up)
	empty := step(m.Down)
	second := step(m.Up)
	if len(first) < 10 || !slices.Equal(first, second) {
		t.Errorf("up, down, up gives\n%q\nwant\n%q", second, first)
	}
	if len(empty) != 2 { // what golang-migrate keeps for itself
		t.Errorf("down leaves %q", empty)
	}
	check(t, openAndClose(t.Context(), path))
}

// What an older database holds stays as it is, there and back.
func TestReconciliationMigrationKeepsRows(t *testing.T) {
	path := migrated(t, 3)
	change(t, path, "INSERT INTO users (clerk_id, name, created_at, updated_at) VALUES ('user_ada', 'Ada', 1, 1)")
	change(t, path, "INSERT INTO webhook_events (svix_id, type, outcome, error, received_at) VALUES ('msg_1', 'user.updated', 'dead_letter', 'odd', 1)")
	m, err := db.NewMigrator(path)
	check(t, err)
	for _, version := range []uint{4, 3, 4} {
		check(t, m.Migrate(version))
	}
	check(t, errors.Join(m.Close()))
	d, err := db.Open(t.Context(), path)
	check(t, err)
	defer d.Close()
	user, err := d.GetUserByClerkID(t.Context(), "user_ada")
	check(t, err)
	if user.Name != "Ada" || user.SeenAt != 0 {
		t.Errorf("the user is %+v, want Ada, never seen", user)
	}
	if got := storedEvent(t, d, "msg_1"); got != "user.updated NULL dead_letter odd NULL" {
		t.Errorf("the event is %q", got)
	}
}

// schema returns the statements that make the schema of the file at path.
func schema(t *testing.T, path string) []string {
	t.Helper()
	handle, err := db.OpenHandle(path)
	check(t, err)
	defer handle.Close()
	rows, err := handle.Query("SELECT sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite%' ORDER BY type, name")
	check(t, err)
	defer rows.Close()
	var all []string
	for rows.Next() {
		var one string
		check(t, rows.Scan(&one))
		all = append(all, one)
	}
	check(t, rows.Err())
	return all
}

// migrated returns the path of a database of an older version.
func migrated(t *testing.T, version uint) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "test.db")
	m, err := db.NewMigrator(path)
	check(t, err)
	check(t, m.Migrate(version))
	check(t, errors.Join(m.Close()))
	return path
}

// change runs a statement on the database at path.
func change(t *testing.T, path, query string) {
	t.Helper()
	handle, err := db.OpenHandle(path)
	check(t, err)
	defer handle.Close()
	if _, err := handle.Exec(query); err != nil {
		t.Fatal(err)
	}
}

func TestUpgradeKeepsCopy(t *testing.T) {
	path := migrated(t, 1)
	check(t, os.WriteFile(path+".v1", []byte("an older copy"), 0o644))
	d, err := db.Open(t.Context(), path)
	check(t, err)
	newUser(t, d, "user_ada")
	check(t, d.Close())

	info, err := os.Stat(path + ".v1")
	check(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the copy has mode %o, want 600", info.Mode().Perm())
	}
	if tables := schema(t, path+".v1"); len(tables) != 3 {
		t.Errorf("the copy holds %q, want the table users alone", tables)
	}
}

func TestBrokenUpgrade(t *testing.T) {
	path := migrated(t, 1)
	change(t, path, "CREATE TABLE posts (id INTEGER)") // in the way of the next migration
	if err := openAndClose(t.Context(), path); err == nil || !strings.Contains(err.Error(), "change its schema") {
		t.Errorf("Open, when a migration fails: %v", err)
	}
	if err := openAndClose(t.Context(), path); err == nil || !strings.Contains(err.Error(), "ends in .v1") {
		t.Errorf("Open after that: %v, want the name of the copy", err)
	}
	check(t, os.Rename(path+".v1", path)) // as it says
	change(t, path, "DROP TABLE posts")
	check(t, openAndClose(t.Context(), path))
}

func TestForeignKeysAreCheckedAfterMigration(t *testing.T) {
	path := migrated(t, 2)
	change(t, path, "INSERT INTO posts (author_id, title, content, created_at, updated_at) VALUES (99, '', '', 1, 1)")
	if err := openAndClose(t.Context(), path); err == nil {
		t.Error("Open accepts a post of nobody after a migration")
	}
}

func TestSchemaRefuses(t *testing.T) {
	const user = "INSERT INTO users (clerk_id, created_at, updated_at, "
	const post = "INSERT INTO posts (author_id, content, created_at, updated_at, title, "
	tests := []struct{ name, query string }{
		{"role", user + "role) VALUES ('x', 1, 1, 'king')"},
		{"boolean", user + "banned) VALUES ('x', 1, 1, 2)"},
		{"text for a number", user + "locked) VALUES ('x', 1, 1, 'yes')"},
		{"user deleted at no time", user + "deleted_at) VALUES ('x', 1, 1, 0)"},
		{"the same Clerk id", user + "name) VALUES ('user_ada', 1, 1, 'Ada')"},
		{"published untitled", post + "published, published_at) VALUES (1, '', 1, 1, '', 1, 1)"},
		{"published at no time", post + "published) VALUES (1, '', 1, 1, 'T', 1)"},
		{"deleted by, not deleted", post + "deleted_by) VALUES (1, '', 1, 1, 'T', 1)"},
		{"outcome", "INSERT INTO webhook_events (svix_id, type, outcome, received_at) VALUES ('a', 'b', 'duplicate', 1)"},
		{"body of what was ignored", "INSERT INTO webhook_events (svix_id, type, outcome, received_at, body) VALUES ('a', 'user.x', 'ignored', 1, '{}')"},
		{"body with a code in it", "INSERT INTO webhook_events (svix_id, type, outcome, error, received_at, body) VALUES ('a', 'sms.created', 'dead_letter', 'odd', 1, '{}')"},
		{"who said nothing", "INSERT INTO profiles (user_id, quote_by) VALUES (1, 'Somebody')"},
		{"session without an id", "INSERT INTO ended_sessions (session_id, ended_at) VALUES ('', 1)"},
		{"dead letter without a reason", "INSERT INTO webhook_events (svix_id, type, outcome, received_at) VALUES ('a', 'b', 'dead_letter', 1)"},
	}
	d := dbtest.New(t)
	newUser(t, d, "user_ada")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := d.Writer().ExecContext(t.Context(), tt.query); err == nil {
				t.Errorf("%s is accepted", tt.query)
			}
		})
	}
}
