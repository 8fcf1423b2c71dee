package db_test

import (
	"testing"

	"inkwell/db"
	"inkwell/db/dbtest"
)

// BenchmarkRows looks at a table of a million rows: 50 of them at once, with
// their texts cut, as a page of the data browser does.
func BenchmarkRows(b *testing.B) {
	d := dbtest.New(b)
	dbtest.Exec(b, d, "CREATE TABLE big (id INTEGER PRIMARY KEY, shop INTEGER NOT NULL, seen_at INTEGER, label TEXT NOT NULL) STRICT")
	dbtest.Exec(b, d, `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000)
INSERT INTO big SELECT i, i % 1000, CASE WHEN i % 2 THEN i * 7919 % 1000003 END, 'Label of row ' || i || ' ' || hex(randomblob(40)) FROM n`)
	dbtest.Exec(b, d, "CREATE INDEX big_shop ON big (shop)")
	dbtest.Exec(b, d, "CREATE INDEX big_seen ON big (seen_at)")
	big := table(b, d, "big")
	for _, bench := range []struct {
		name string
		q    db.RowQuery
	}{
		{"first page", db.RowQuery{}},
		{"deep page", db.RowQuery{After: db.Key{int64(900_000)}}},
		{"sorted, first page", db.RowQuery{Sort: "seen_at", Desc: true}},
		{"sorted, deep page", db.RowQuery{Sort: "seen_at", After: db.Key{int64(900_001)}}},
		{"sorted, deep in NULL", db.RowQuery{Sort: "seen_at", After: db.Key{int64(900_000)}}},
		{"sorted, deep in equals", db.RowQuery{Sort: "shop", After: db.Key{int64(900_500)}}},
		{"filter with an index", db.RowQuery{Filters: []db.Filter{{Column: "shop", Op: db.OpEqual, Value: int64(500)}}}},
		{"filter without an index", db.RowQuery{Filters: []db.Filter{{Column: "label", Op: db.OpHas, Value: "row 999999 "}}}},
		{"sort without an index", db.RowQuery{Sort: "label"}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			bench.q.Table, bench.q.Limit, bench.q.Cut = big, 51, 80
			for b.Loop() {
				if rows, err := d.Rows(b.Context(), bench.q); err != nil || len(rows) == 0 {
					b.Fatal(len(rows), err)
				}
			}
		})
	}
	b.Run("count", func(b *testing.B) {
		for b.Loop() {
			if n, err := d.CountRows(b.Context(), big, 1_000_001); n != 1_000_000 {
				b.Fatal(n, err)
			}
		}
	})
	b.Run("schema", func(b *testing.B) {
		for b.Loop() {
			if _, err := d.Tables(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
}
