package db_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"inkwell/db"
	"inkwell/db/dbtest"
)

// odd is a schema of all that is not to be expected: names that look like SQL,
// keys of every kind, columns that are made from others.
const odd = `
CREATE TABLE "a "" ; DROP TABLE users; --" ("x"" y" INTEGER PRIMARY KEY, "''" TEXT, "select" REAL) STRICT;
CREATE TABLE pairs (b TEXT, a INTEGER, note TEXT CHECK (note <> 'bad'), PRIMARY KEY (a, b)) STRICT, WITHOUT ROWID;
CREATE TABLE loose (rowid TEXT, anything, bin BLOB, yes BOOLEAN, at DATETIME);
CREATE TABLE made (id INTEGER PRIMARY KEY, n INTEGER NOT NULL, twice INTEGER AS (n * 2), thrice INTEGER AS (n * 3) STORED) STRICT;
CREATE VIEW sums AS SELECT a, count(*) AS n FROM pairs GROUP BY a;
CREATE VIRTUAL TABLE words USING fts4(word);
INSERT INTO "a "" ; DROP TABLE users; --" VALUES (1, '%', 1.5), (2, NULL, 9e999), (3, '_', NULL), (-4, '', 0);
INSERT INTO pairs VALUES ('x', 1, NULL), ('y', 1, ''), ('x', 2, 'n'), ('', 2, NULL), ('x''"; --', 3, 'n');
INSERT INTO loose VALUES ('r', 1, x'00ff', 1, 1), (NULL, 'text', NULL, 0, 2), ('r', 2.5, x'', NULL, NULL), ('r', x'01', NULL, 1, 3);
INSERT INTO made (n) VALUES (1), (2), (2);
INSERT INTO words VALUES ('one two'), ('three');`

// oddDB returns a database with the odd schema beside its own.
func oddDB(t testing.TB) *db.DB {
	t.Helper()
	d := dbtest.New(t)
	dbtest.Exec(t, d, odd)
	return d
}

// table returns the table of that name.
func table(t testing.TB, d *db.DB, name string) db.Table {
	t.Helper()
	found, err := d.Table(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestTables(t *testing.T) {
	d := oddDB(t)
	tests := []struct {
		name, wantKind string
		wantKey        []string
		wantColumns    []string
		wantLookOnly   bool
	}{
		{"posts", "table", []string{"id"}, nil, false},
		{"users", "table", []string{"id"}, nil, true},
		{"webhook_events", "table", []string{"svix_id"}, nil, true},
		{`a " ; DROP TABLE users; --`, "table", []string{`x" y`}, []string{`x" y`, "''", "select"}, true},
		{"pairs", "table", []string{"a", "b"}, []string{"b", "a", "note"}, true},
		{"loose", "table", []string{"_rowid_"}, []string{"rowid", "anything", "bin", "yes", "at"}, true},
		{"made", "table", []string{"id"}, []string{"id", "n", "twice", "thrice"}, true},
		{"sums", "view", nil, []string{"a", "n"}, true},
		{"words", "virtual", []string{"rowid"}, []string{"word"}, true},
		{"words_content", "shadow", []string{"docid"}, nil, true},
		{"sqlite_schema", "table", []string{"rowid"}, nil, true},
		{"schema_migrations", "table", []string{"rowid"}, nil, true},
		{"audit_log", "table", []string{"id"}, nil, true},
		{"moderation_log", "table", []string{"id"}, nil, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := table(t, d, tt.name)
			var columns []string
			for _, c := range got.Columns {
				columns = append(columns, c.Name)
			}
			if got.Kind != tt.wantKind || !slices.Equal(got.Key, tt.wantKey) || (got.LookOnly != "") != tt.wantLookOnly {
				t.Errorf("%q is a %s with the key %q, look only: %q; want a %s with %q, %t", tt.name, got.Kind, got.Key, got.LookOnly, tt.wantKind, tt.wantKey, tt.wantLookOnly)
			}
			if tt.wantColumns != nil && !slices.Equal(columns, tt.wantColumns) {
				t.Errorf("%q has the columns %q, want %q", tt.name, columns, tt.wantColumns)
			}
		})
	}
	if _, err := d.Table(t.Context(), `users"; DROP TABLE users; --`); !errors.Is(err, sql.ErrNoRows) {
		t.Errorf("a table that is not there gives %v", err)
	}
}

// Every table has its rules. One about a table or a column that has another
// name by now would be none.
func TestRulesNameTables(t *testing.T) {
	tables, err := dbtest.New(t).Tables(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ruled := db.RuledColumns()
	for name := range ruled {
		if !slices.ContainsFunc(tables, func(t db.Table) bool { return t.Name == name }) {
			t.Errorf("there are rules for %s, which is not there", name)
		}
	}
	for _, table := range tables {
		if _, ok := ruled[table.Name]; !ok && table.Kind == "table" && !strings.HasPrefix(table.Name, "sqlite_") {
			t.Errorf("there are no rules for %s", table.Name)
		}
		for _, column := range ruled[table.Name] {
			if table.Column(column) == nil {
				t.Errorf("a rule names %s.%s, which is not there", table.Name, column)
			}
		}
	}
}

// Every table can be looked at, sorted by each of its columns and filtered by
// each comparison, but for secrets.
func TestRowsOfEveryTable(t *testing.T) {
	d := oddDB(t)
	author := newUser(t, d, "user_a")
	newPost(t, d, author.ID, "Post")
	tables, err := d.Tables(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ops := []db.Op{db.OpEqual, db.OpHas, db.OpLess, db.OpGreater, db.OpNull, db.OpSet}
	for _, table := range tables {
		if _, err := d.CountRows(t.Context(), table, 10); err != nil {
			t.Errorf("count %s: %v", table.Name, err)
		}
		for _, c := range table.Columns {
			if c.Secret {
				continue
			}
			for _, desc := range []bool{false, true} {
				look(t, d, db.RowQuery{Table: table, Sort: c.Name, Desc: desc, Limit: 10, Cut: 5})
			}
			for _, op := range ops {
				for _, value := range []any{"x'\"; --", int64(7), 1.5} {
					look(t, d, db.RowQuery{Table: table, Filters: []db.Filter{{c.Name, op, value}}, Limit: 10})
				}
			}
		}
	}
}

// look makes sure that a query gives rows whose keys lead back to them.
func look(t *testing.T, d *db.DB, q db.RowQuery) {
	t.Helper()
	rows, err := d.Rows(t.Context(), q)
	if err != nil {
		t.Errorf("%s %v by %s: %v", q.Table.Name, q.Filters, q.Sort, err)
	}
	for _, row := range rows {
		if row.Key == nil {
			continue
		}
		key, err := db.ParseKey(row.Key.String())
		if err != nil || !reflect.DeepEqual(key, row.Key) {
			t.Fatalf("the key %v is read as %v, %v", row.Key, key, err)
		}
		if found, err := d.Row(t.Context(), q.Table, key); err != nil || !reflect.DeepEqual(found.Key, row.Key) {
			t.Errorf("%s has no row %v: %v, %v", q.Table.Name, key, found.Key, err)
		}
	}
}

// Pages that are put together are the rows in the order of SQLite itself,
// whatever the order is and wherever NULL stands.
func TestRowsPageByPage(t *testing.T) {
	d := oddDB(t)
	dbtest.Exec(t, d, `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40)
INSERT INTO pairs SELECT 'b' || (i % 7), 10 + i / 7, CASE i % 3 WHEN 0 THEN NULL WHEN 1 THEN 'same' ELSE 'n' || i END FROM n`)
	dbtest.Exec(t, d, `INSERT INTO loose (anything) SELECT CASE a % 4 WHEN 0 THEN NULL WHEN 1 THEN a WHEN 2 THEN b ELSE x'02' END FROM pairs`)
	for _, name := range []string{`a " ; DROP TABLE users; --`, "pairs", "loose", "made"} {
		table := table(t, d, name)
		for _, c := range table.Columns {
			for _, direction := range []string{"ASC", "DESC"} {
				t.Run(name+" "+c.Name+" "+direction, func(t *testing.T) {
					var all []string
					for q := (db.RowQuery{Table: table, Sort: c.Name, Desc: direction == "DESC", Limit: 3}); ; {
						rows, err := d.Rows(t.Context(), q)
						if err != nil {
							t.Fatal(err)
						}
						for _, row := range rows {
							all = append(all, row.Key.String())
							q.After = row.Key
						}
						if len(rows) < q.Limit {
							break
						}
					}
					if want := orderedKeys(t, d, table, c.Name, direction); !slices.Equal(all, want) {
						t.Errorf("the pages hold\n%q, want\n%q", all, want)
					}
				})
			}
		}
	}
}

// orderedKeys returns the keys of all rows in the order of a column.
func orderedKeys(t *testing.T, d *db.DB, table db.Table, column, direction string) []string {
	t.Helper()
	name := func(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }
	var keys, order []string
	for _, k := range table.Key {
		keys = append(keys, "+"+name(k))
		order = append(order, name(k)+" "+direction)
	}
	rows, err := d.Reader().QueryContext(t.Context(), fmt.Sprintf("SELECT %s FROM %s ORDER BY %s %s, %s",
		strings.Join(keys, ", "), name(table.Name), name(column), direction, strings.Join(order, ", ")))
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		key := make(db.Key, len(keys))
		into := make([]any, len(keys))
		for i := range key {
			into[i] = &key[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		all = append(all, key.String())
	}
	return all
}

func TestFilters(t *testing.T) {
	d := oddDB(t)
	tests := []struct {
		table   string
		filters []db.Filter
		want    string // keys
	}{
		{"pairs", []db.Filter{{"a", db.OpEqual, int64(1)}}, "1.teA 1.teQ"},
		{"pairs", []db.Filter{{"a", db.OpLess, int64(2)}, {"b", db.OpGreater, "x"}}, "1.teQ"},
		{"pairs", []db.Filter{{"note", db.OpNull, nil}}, "1.teA 2.t"},
		{"pairs", []db.Filter{{"note", db.OpSet, nil}, {"note", db.OpEqual, ""}}, "1.teQ"},
		{"pairs", []db.Filter{{"b", db.OpHas, "X'\""}}, "3.teCciOyAtLQ"},
		{`a " ; DROP TABLE users; --`, []db.Filter{{"''", db.OpHas, "%"}}, "1"},
		{`a " ; DROP TABLE users; --`, []db.Filter{{"''", db.OpHas, "_"}}, "3"},
		{"made", []db.Filter{{"thrice", db.OpEqual, int64(6)}}, "2 3"},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.filters), func(t *testing.T) {
			rows, err := d.Rows(t.Context(), db.RowQuery{Table: table(t, d, tt.table), Filters: tt.filters, Limit: 10})
			var got []string
			for _, row := range rows {
				got = append(got, row.Key.String())
			}
			if strings.Join(got, " ") != tt.want || err != nil {
				t.Errorf("found %q, %v, want %q", got, err, tt.want)
			}
		})
	}
}

func TestValues(t *testing.T) {
	d := oddDB(t)
	rows, err := d.Rows(t.Context(), db.RowQuery{Table: table(t, d, "loose"), Limit: 10, Cut: 2})
	if err != nil {
		t.Fatal(err)
	}
	want := [][]db.Value{
		{{Data: "r", Size: 1}, {Data: int64(1)}, {Size: 2, Blob: true}, {Data: int64(1)}, {Data: int64(1)}},
		{{}, {Data: "te", Size: 4}, {}, {Data: int64(0)}, {Data: int64(2)}},
		{{Data: "r", Size: 1}, {Data: 2.5}, {Blob: true}, {}, {}},
		{{Data: "r", Size: 1}, {Size: 1, Blob: true}, {}, {Data: int64(1)}, {Data: int64(3)}},
	}
	for i, row := range rows {
		if !reflect.DeepEqual(row.Values, want[i]) {
			t.Errorf("row %d is %v, want %v", i, row.Values, want[i])
		}
	}
}

func TestBrowseMistakes(t *testing.T) {
	d := oddDB(t)
	pairs := table(t, d, "pairs")
	tests := []struct {
		name string
		q    db.RowQuery
		want error
	}{
		{"no such column", db.RowQuery{Table: pairs, Sort: "none"}, db.ErrNoColumn},
		{"SQL for a column", db.RowQuery{Table: pairs, Filters: []db.Filter{{`a" = 1 --`, db.OpEqual, 1}}}, db.ErrNoColumn},
		{"row gone", db.RowQuery{Table: pairs, After: db.Key{int64(9), "x"}}, db.ErrNoPlace},
		{"key of another table", db.RowQuery{Table: pairs, After: db.Key{int64(9)}}, db.ErrNoPlace},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := d.Rows(t.Context(), tt.q); !errors.Is(err, tt.want) {
				t.Errorf("Rows gives %v, want %v", err, tt.want)
			}
		})
	}
	if _, err := d.Row(t.Context(), pairs, db.Key{int64(9)}); !errors.Is(err, sql.ErrNoRows) {
		t.Errorf("Row of a key of another shape gives %v", err)
	}
}

// A look that takes too long is broken off, and says so; one whose asker has
// gone does not.
func TestLookTooSlow(t *testing.T) {
	d := dbtest.New(t)
	dbtest.Exec(t, d, "CREATE VIEW endless AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n")
	q := db.RowQuery{Table: table(t, d, "endless"), Sort: "i", Limit: 1}
	d.SetLookTime(20 * time.Millisecond)
	if _, err := d.Rows(t.Context(), q); !errors.Is(err, db.ErrTooSlow) {
		t.Errorf("Rows gives %v, want %v", err, db.ErrTooSlow)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.Rows(gone, q); !errors.Is(err, context.Canceled) {
		t.Errorf("Rows gives %v, want %v", err, context.Canceled)
	}
}

// What looks cannot write.
func TestBrowserCannotWrite(t *testing.T) {
	d := dbtest.New(t)
	for _, statement := range []string{"DELETE FROM users", "CREATE TABLE t (a)", "PRAGMA user_version = 7"} {
		if _, err := d.Browser().ExecContext(t.Context(), statement); err == nil || !strings.Contains(err.Error(), "readonly") {
			t.Errorf("%s gives %v", statement, err)
		}
	}
}

func FuzzParseKey(f *testing.F) {
	for _, key := range []db.Key{{int64(-7)}, {"", "x.y"}, {1.5, []byte{0, 255}}, {nil}} {
		f.Add(key.String())
	}
	f.Fuzz(func(t *testing.T, s string) {
		if key, err := db.ParseKey(s); err == nil && key.String() != s {
			t.Errorf("%q is read as %v, which is written %q", s, key, key.String())
		}
	})
}

// What is read of an export at once is bounded by its size, too, and nothing is
// left out where a batch ends.
func TestExportOfLargeRows(t *testing.T) {
	d := dbtest.New(t)
	dbtest.Exec(t, d, "CREATE TABLE large (a TEXT)")
	dbtest.Exec(t, d, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) INSERT INTO large SELECT hex(zeroblob(250000)) || i FROM n")
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var peak uint64
	n := 0
	err := d.Export(t.Context(), db.RowQuery{Table: table(t, d, "large")}, func(db.Record) error {
		if n++; n%10 == 1 {
			runtime.GC()
			runtime.ReadMemStats(&after)
			peak = max(peak, after.HeapAlloc-min(after.HeapAlloc, before.HeapAlloc))
		}
		return nil
	})
	if err != nil || n != 100 {
		t.Errorf("the export has %d rows, %v", n, err)
	}
	if peak > 16<<20 {
		t.Errorf("50 MB of rows took %d bytes of memory at once", peak)
	}
}
