package db_test

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"sync"
	"testing"

	"inkwell/db"
	"inkwell/db/dbtest"
)

// family is a schema of rows that hang on each other.
const family = `
CREATE TABLE parents (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE CHECK (length(name) < 9), age INTEGER NOT NULL DEFAULT 3, born_at INTEGER NOT NULL,
    CONSTRAINT grown CHECK (age > 0)) STRICT;
CREATE TABLE children (id INTEGER PRIMARY KEY, parent_id INTEGER NOT NULL REFERENCES parents ON DELETE CASCADE, friend TEXT REFERENCES parents (name)) STRICT;
CREATE TABLE toys (child_id INTEGER REFERENCES children (id) ON DELETE CASCADE, name TEXT, owner INTEGER REFERENCES parents (id) ON DELETE SET NULL,
    PRIMARY KEY (child_id, name)) STRICT, WITHOUT ROWID;
INSERT INTO parents VALUES (1, 'Ann', 40, 0), (2, 'Bob', 50, 0), (3, 'Cid', 60, 0);
INSERT INTO children VALUES (1, 1, NULL), (2, 1, 'Bob');
INSERT INTO toys VALUES (1, 'ball', NULL), (2, 'car', 3), (2, 'doll', NULL);`

// familyDB returns a database with the family, the user who changes it, and
// the clock.
func familyDB(t *testing.T) (*db.DB, db.User, *clock) {
	t.Helper()
	d, c := withClock(t)
	dbtest.Exec(t, d, family)
	return d, newUser(t, d, "user_admin"), c
}

// writable returns the table of that name, without the rule that nothing is
// written to tables that have no rules.
func writable(t testing.TB, d *db.DB, name string) db.Table {
	t.Helper()
	found := table(t, d, name)
	if found.LookOnly == db.KeptByProgram {
		found.LookOnly = ""
	}
	return found
}

// audits returns the log of changes, a line each.
func audits(t *testing.T, d *db.DB) string {
	t.Helper()
	return dbtest.Value[string](t, d, `SELECT coalesce(group_concat(action || ' ' || table_name || ' ' || row_key || ': ' || coalesce(before, '-') || ' > ' || coalesce(after, '-'), char(10)), '')
FROM (SELECT * FROM audit_log ORDER BY id)`)
}

func TestInsertRow(t *testing.T) {
	d, admin, c := familyDB(t)
	key, err := d.InsertRow(t.Context(), db.RowChange{By: admin.ID, Table: writable(t, d, "parents"), Values: map[string]any{"name": "D'\"d"}})
	if err != nil || !reflect.DeepEqual(key, db.Key{int64(4)}) {
		t.Fatal(key, err)
	}
	key, err = d.InsertRow(t.Context(), db.RowChange{By: admin.ID, Table: writable(t, d, "toys"), Values: map[string]any{"child_id": int64(1), "name": "<kite>", "owner": nil}})
	if err != nil || key.String() != "1.tPGtpdGU-" {
		t.Fatal(key, err)
	}
	want := fmt.Sprintf("add parents 4: - > {\"id\":4,\"name\":\"D'\\\"d\",\"age\":3,\"born_at\":%d}\n", c.at) +
		`add toys 1.tPGtpdGU-: - > {"child_id":1,"name":"<kite>","owner":null}`
	if got := audits(t, d); got != want {
		t.Errorf("the log says\n%s, want\n%s", got, want)
	}
	if by := dbtest.Value[int64](t, d, "SELECT DISTINCT user_id FROM audit_log WHERE changed_at = ?", c.at); by != admin.ID {
		t.Errorf("the log names the user %d", by)
	}
}

func TestUpdateRow(t *testing.T) {
	d, admin, _ := familyDB(t)
	parents := writable(t, d, "parents")
	change := db.RowChange{
		By: admin.ID, Table: parents, Key: db.Key{int64(1)}, Values: map[string]any{"name": "Anna", "age": int64(40)},
		Seen: map[string]string{"name": db.Digest("Ann"), "age": db.Digest(int64(39))}, // the age is not changed, so that it does not matter
	}
	if err := d.UpdateRow(t.Context(), change); err != nil {
		t.Fatal(err)
	}
	if err := d.UpdateRow(t.Context(), change); err != nil {
		t.Errorf("the same change again gives %v", err)
	}
	change.Values["name"] = "Anne"
	if err := d.UpdateRow(t.Context(), change); !errors.Is(err, db.ErrRowChanged) || !errors.Is(err, db.ErrConflict) {
		t.Errorf("a change of what was not seen gives %v", err)
	}
	if got, want := audits(t, d), `edit parents 1: {"name":"Ann"} > {"name":"Anna"}`; got != want {
		t.Errorf("the log says\n%s, want\n%s", got, want)
	}
}

// Of many who saw the same value one changes it.
func TestUpdateRowConcurrently(t *testing.T) {
	d, admin, _ := familyDB(t)
	parents := writable(t, d, "parents")
	var wg sync.WaitGroup
	var mu sync.Mutex
	var won, refused int
	for i := range 20 {
		wg.Go(func() {
			err := d.UpdateRow(t.Context(), db.RowChange{
				By: admin.ID, Table: parents, Key: db.Key{int64(1)},
				Values: map[string]any{"age": int64(100 + i)}, Seen: map[string]string{"age": db.Digest(int64(40))},
			})
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				won++
			case errors.Is(err, db.ErrRowChanged):
				refused++
			}
		})
	}
	wg.Wait()
	if won != 1 || refused != 19 || strings.Count(audits(t, d), "\n") != 0 {
		t.Errorf("%d changed it and %d were refused; the log says\n%s", won, refused, audits(t, d))
	}
}

// A deletion takes with it what the schema says, and notes all of it; nothing
// is deleted, or noted, that something else holds.
func TestDeleteRow(t *testing.T) {
	d, admin, _ := familyDB(t)
	remove := func(name string, key ...any) error {
		return d.DeleteRow(t.Context(), db.RowChange{By: admin.ID, Table: writable(t, d, name), Key: key})
	}
	for id, holder := range map[int64]string{2: "children.friend", 3: "toys.owner"} {
		var broken *db.RuleError
		if err := remove("parents", id); !errors.As(err, &broken) || broken.Rule != db.RuleReferred || broken.Detail != holder {
			t.Errorf("the deletion of %d gives %v", id, err)
		}
	}
	if got := audits(t, d); got != "" {
		t.Fatalf("the log says %s", got)
	}
	if err := remove("parents", int64(1)); err != nil {
		t.Fatal(err)
	}
	want := `delete toys 1.tYmFsbA: {"child_id":1,"name":"ball","owner":null} > -
delete children 1: {"id":1,"parent_id":1,"friend":null} > -
delete toys 2.tY2Fy: {"child_id":2,"name":"car","owner":3} > -
delete toys 2.tZG9sbA: {"child_id":2,"name":"doll","owner":null} > -
delete children 2: {"id":2,"parent_id":1,"friend":"Bob"} > -
delete parents 1: {"id":1,"name":"Ann","age":40,"born_at":0} > -`
	if got := audits(t, d); got != want {
		t.Errorf("the log says\n%s, want\n%s", got, want)
	}
	if n := dbtest.Value[int64](t, d, "SELECT (SELECT count(*) FROM parents) * 100 + (SELECT count(*) FROM children) * 10 + (SELECT count(*) FROM toys)"); n != 200 {
		t.Errorf("what is left is %d", n)
	}
}

// Whatever rule a change breaks is named with its columns; the row and the log
// stay as they were.
func TestRuleErrors(t *testing.T) {
	d, admin, _ := familyDB(t)
	tests := []struct {
		table  string
		key    db.Key // nil: a new row
		values map[string]any
		want   db.RuleError
	}{
		{"parents", nil, map[string]any{"name": "Ann"}, db.RuleError{Rule: db.RuleUnique, Columns: []string{"name"}}},
		{"parents", nil, nil, db.RuleError{Rule: db.RuleRequired, Columns: []string{"name"}}},
		{"parents", db.Key{int64(1)}, map[string]any{"name": nil}, db.RuleError{Rule: db.RuleRequired, Columns: []string{"name"}}},
		{"parents", db.Key{int64(1)}, map[string]any{"name": "much too long"}, db.RuleError{Rule: db.RuleCheck, Columns: []string{"name"}, Detail: "length(name) < 9"}},
		{"parents", db.Key{int64(1)}, map[string]any{"age": int64(0)}, db.RuleError{Rule: db.RuleCheck, Columns: []string{"age"}, Detail: "age > 0"}},
		{"parents", db.Key{int64(1)}, map[string]any{"age": "old"}, db.RuleError{Rule: db.RuleType, Columns: []string{"age"}, Detail: "cannot store TEXT value in INTEGER column parents.age"}},
		{"parents", db.Key{int64(2)}, map[string]any{"name": "Bert"}, db.RuleError{Rule: db.RuleReferred, Detail: "rows of other tables"}},
		{"children", nil, map[string]any{"parent_id": int64(9)}, db.RuleError{Rule: db.RuleReference, Columns: []string{"parent_id"}, Detail: "parents"}},
		{"children", db.Key{int64(1)}, map[string]any{"friend": "Zoe"}, db.RuleError{Rule: db.RuleReference, Columns: []string{"friend"}, Detail: "parents"}},
		{"toys", nil, map[string]any{"child_id": int64(1), "name": "ball"}, db.RuleError{Rule: db.RuleUnique, Columns: []string{"child_id", "name"}}},
		{"posts", nil, map[string]any{"author_id": admin.ID, "title": "", "content": "x", "published": int64(1)}, db.RuleError{Rule: db.RuleCheck, Columns: []string{"title", "published", "published_at"}, Detail: "published = 0 OR (title <> '' AND published_at IS NOT NULL)"}},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.table, tt.key, tt.values), func(t *testing.T) {
			change := db.RowChange{By: admin.ID, Table: writable(t, d, tt.table), Key: tt.key, Values: tt.values}
			var err error
			if tt.key == nil {
				_, err = d.InsertRow(t.Context(), change)
			} else {
				err = d.UpdateRow(t.Context(), change)
			}
			var got *db.RuleError
			if !errors.As(err, &got) || !reflect.DeepEqual(*got, tt.want) {
				t.Errorf("the change gives %v, want %v", err, &tt.want)
			}
		})
	}
	if got := audits(t, d); got != "" {
		t.Errorf("the log says\n%s", got)
	}
	if name := dbtest.Value[string](t, d, "SELECT group_concat(name) FROM parents"); name != "Ann,Bob,Cid" {
		t.Errorf("the parents are %s", name)
	}
}

// What a deleted user left cannot be brought back, nor be added to.
func TestRowsOfTheDeleted(t *testing.T) {
	d, admin, _ := familyDB(t)
	gone := newUser(t, d, "user_gone")
	theirs, other := newPost(t, d, gone.ID, "Theirs"), newPost(t, d, admin.ID, "Other")
	if err := d.DeleteUser(t.Context(), gone.ClerkID); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		table  string
		key    db.Key // nil: a new row
		values map[string]any
		want   string // the column
	}{
		{"posts", db.Key{theirs.ID}, map[string]any{"deleted_at": nil}, "author_id"},
		{"posts", db.Key{theirs.ID}, map[string]any{"author_id": admin.ID}, "author_id"},
		{"posts", db.Key{other.ID}, map[string]any{"author_id": gone.ID}, "author_id"},
		{"posts", nil, map[string]any{"author_id": gone.ID, "title": "New", "content": "x"}, "author_id"},
		{"profiles", nil, map[string]any{"user_id": gone.ID, "quote": "x"}, "user_id"},
	}
	for _, tt := range tests {
		change := db.RowChange{By: admin.ID, Table: writable(t, d, tt.table), Key: tt.key, Values: tt.values}
		var err error
		if tt.key == nil {
			_, err = d.InsertRow(t.Context(), change)
		} else {
			err = d.UpdateRow(t.Context(), change)
		}
		var broken *db.RuleError
		if !errors.As(err, &broken) || !reflect.DeepEqual(*broken, db.RuleError{Rule: db.RuleGone, Columns: []string{tt.want}}) {
			t.Errorf("%s %v %v gives %v", tt.table, tt.key, tt.values, err)
		}
	}
	var broken *db.RuleError
	if err := d.DeleteRow(t.Context(), db.RowChange{By: admin.ID, Table: writable(t, d, "posts"), Key: db.Key{theirs.ID}}); !errors.As(err, &broken) || broken.Rule != db.RuleGone {
		t.Errorf("the deletion gives %v", err)
	}
	if got := audits(t, d); got != "" {
		t.Errorf("the log says %s", got)
	}
}

// A change that cannot be noted is not made.
func TestNoChangeWithoutItsNote(t *testing.T) {
	d, _, _ := familyDB(t)
	const nobody = 99
	change := db.RowChange{By: nobody, Table: writable(t, d, "parents"), Values: map[string]any{"name": "Eve"}}
	if _, err := d.InsertRow(t.Context(), change); err == nil {
		t.Error("a row was added by nobody")
	}
	change.Key, change.Values = db.Key{int64(3)}, map[string]any{"name": "Eve"}
	if err := d.UpdateRow(t.Context(), change); err == nil {
		t.Error("a row was changed by nobody")
	}
	change.Table, change.Key = writable(t, d, "toys"), db.Key{int64(1), "ball"}
	if err := d.DeleteRow(t.Context(), change); err == nil {
		t.Error("a row was deleted by nobody")
	}
	if got := dbtest.Value[string](t, d, "SELECT group_concat(name) || (SELECT count(*) FROM toys) FROM parents"); got != "Ann,Bob,Cid3" {
		t.Errorf("what is there is %s", got)
	}
}

func TestLookOnly(t *testing.T) {
	d, admin, _ := familyDB(t)
	post := newPost(t, d, admin.ID, "Post")
	tests := []struct {
		table  string
		key    db.Key
		values map[string]any
	}{
		{"parents", nil, map[string]any{"name": "Eve"}},
		{"parents", db.Key{int64(1)}, map[string]any{"name": "Eve"}},
		{"polls", db.Key{post.ID}, map[string]any{"question": "Which?"}},
		{"poll_options", db.Key{int64(1)}, map[string]any{"label": "Red"}},
		{"votes", db.Key{post.ID, admin.ID}, map[string]any{"option_id": int64(2)}},
		{"syncs", nil, map[string]any{"instance": "x", "started_at": int64(1)}},
		{"ended_sessions", nil, map[string]any{"session_id": "x", "ended_at": int64(1)}},
		{"webhook_events", nil, map[string]any{"svix_id": "x"}},
		{"audit_log", nil, map[string]any{"action": "add"}},
		{"schema_migrations", db.Key{int64(1)}, map[string]any{"version": int64(1)}},
		{"sqlite_schema", db.Key{int64(1)}, map[string]any{"sql": ""}},
		{"users", nil, map[string]any{"clerk_id": "user_x"}},
		{"users", db.Key{admin.ID}, map[string]any{"role": "admin"}},
		{"posts", db.Key{post.ID}, map[string]any{"content_html": "<script>"}},
		{"posts", db.Key{post.ID}, map[string]any{"form_key": "x"}},
		{"posts", db.Key{post.ID}, map[string]any{"id": int64(9)}},
		{"posts", nil, map[string]any{"id": int64(-1), "author_id": admin.ID, "title": "x", "content": "x"}},
		{"posts", nil, map[string]any{"id": int64(math.MaxInt64), "author_id": admin.ID, "title": "x", "content": "x"}},
		{"posts", db.Key{post.ID}, map[string]any{`title" = '' --`: "x"}},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.table, tt.values), func(t *testing.T) {
			change := db.RowChange{By: admin.ID, Table: table(t, d, tt.table), Key: tt.key, Values: tt.values}
			_, err := d.InsertRow(t.Context(), change)
			if tt.key != nil {
				err = d.UpdateRow(t.Context(), change)
			}
			if !errors.Is(err, db.ErrLookOnly) {
				t.Errorf("the change gives %v, want %v", err, db.ErrLookOnly)
			}
		})
	}
	toys := db.RowChange{By: admin.ID, Table: writable(t, d, "toys"), Key: db.Key{int64(1), "ball"}, Values: map[string]any{"name": "bat"}}
	if err := d.UpdateRow(t.Context(), toys); !errors.Is(err, db.ErrLookOnly) {
		t.Errorf("another key gives %v", err)
	}
	if err := d.DeleteRow(t.Context(), db.RowChange{By: admin.ID, Table: table(t, d, "users"), Key: db.Key{admin.ID}}); !errors.Is(err, db.ErrLookOnly) {
		t.Errorf("the deletion of a user gives %v", err)
	}
}

// An edited post is as if its author had saved it: its title is found to be
// taken, and an older window does not overwrite the edit.
func TestEditPostByHand(t *testing.T) {
	d, c := withClock(t)
	author := newUser(t, d, "user_a")
	newPost(t, d, author.ID, "Straße")
	draft, err := d.CreatePost(t.Context(), db.CreatePostParams{AuthorID: author.ID, Title: "Other", Content: "x"})
	if err != nil {
		t.Fatal(err)
	}
	edit := func(values map[string]any) error {
		return d.UpdateRow(t.Context(), db.RowChange{By: author.ID, Table: writable(t, d, "posts"), Key: db.Key{draft.ID}, Values: values})
	}
	var broken *db.RuleError
	if err := edit(map[string]any{"title": "STRASSE"}); !errors.As(err, &broken) || !reflect.DeepEqual(broken.Columns, []string{"author_id", "title"}) {
		t.Errorf("a title in use gives %v", err)
	}
	if err := edit(map[string]any{"title": "New", "published": int64(1)}); err != nil {
		t.Fatal(err)
	}
	got := dbtest.Value[string](t, d, "SELECT title_key || ' ' || published_at || ' ' || updated_at FROM posts WHERE id = ?", draft.ID)
	if want := fmt.Sprint("new ", int64(c.at), " ", int64(draft.UpdatedAt)+1); got != want {
		t.Errorf("the post has %s, want %s", got, want)
	}
	if _, err := d.UpdatePost(t.Context(), db.UpdatePostParams{ID: draft.ID, Title: ptr("Old"), Version: draft.UpdatedAt}); !errors.Is(err, db.ErrStale) {
		t.Errorf("an older window gives %v", err)
	}
}

func TestPurgeAudits(t *testing.T) {
	d, admin, c := familyDB(t)
	for _, name := range []string{"Old", "New"} {
		if _, err := d.InsertRow(t.Context(), db.RowChange{By: admin.ID, Table: writable(t, d, "parents"), Values: map[string]any{"name": name}}); err != nil {
			t.Fatal(err)
		}
		c.at = c.at.Add(db.KeepAudits)
	}
	c.at++
	c.at -= db.Time(db.KeepAudits.Milliseconds())
	if n, err := d.PurgeAudits(t.Context()); n != 1 || err != nil {
		t.Errorf("PurgeAudits = %d, %v", n, err)
	}
	if got := audits(t, d); !strings.Contains(got, "New") {
		t.Errorf("the log says %s", got)
	}
}
