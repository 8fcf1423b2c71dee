package db

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"
	"strings"
)

// A Record is a row, or a part of one, as it is kept: each value is nil, an
// int64, float64, string or []byte.
type Record struct {
	Columns []string
	Values  []any
}

// value returns the value of a column, nil when the record lacks it, or is nil
// itself.
func (r *Record) value(column string) any {
	if r == nil {
		return nil
	}
	i := slices.Index(r.Columns, column)
	if i < 0 {
		return nil
	}
	return r.Values[i]
}

// with returns the values of the record by column, some of them replaced.
func (r *Record) with(values map[string]any) map[string]any {
	all := map[string]any{}
	for i, name := range r.Columns {
		all[name] = r.Values[i]
	}
	maps.Copy(all, values)
	return all
}

// difference returns of two records with the same columns those that differ.
func difference(a, b Record) (Record, Record) {
	var x, y Record
	for i, name := range a.Columns {
		if encodeValue(a.Values[i]) != encodeValue(b.Values[i]) {
			x.Columns, x.Values = append(x.Columns, name), append(x.Values, a.Values[i])
			y.Columns, y.Values = append(y.Columns, name), append(y.Values, b.Values[i])
		}
	}
	return x, y
}

// size is how many bytes the texts and BLOBs of a record have.
func (r *Record) size() (n int) {
	for _, v := range r.Values {
		switch v := v.(type) {
		case string:
			n += len(v)
		case []byte:
			n += len(v)
		}
	}
	return n
}

// MarshalJSON writes an object with the columns in their order. A BLOB is
// written in base64; a number that JSON does not have, as a text.
func (r Record) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	b.WriteByte('{')
	for i, name := range r.Columns {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := enc.Encode(name); err != nil {
			return nil, err
		}
		b.Truncate(b.Len() - 1) // the line end that Encode adds
		b.WriteByte(':')
		if enc.Encode(r.Values[i]) != nil {
			if err := enc.Encode(fmt.Sprint(r.Values[i])); err != nil {
				return nil, err
			}
		}
		b.Truncate(b.Len() - 1)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// text returns the record as JSON, nil for none.
func (r *Record) text() *string {
	if r == nil {
		return nil
	}
	b, err := r.MarshalJSON()
	if err != nil {
		panic(err) // every value that SQLite has can be written
	}
	s := string(b)
	return &s
}

// What of an export is read at once: no read lasts for as long as somebody takes
// to download it, and no batch fills the memory.
const (
	exportRows  = 500
	exportBytes = 4 << 20 // and the rest of the row that passes it
)

// Export calls each with every row that q's filters choose, in the order of
// their keys, until it returns an error. Rows that change meanwhile are as they
// are when their turn comes. Those of a view, which nothing tells apart, are of
// one read, which lasts until the last of them was handed over.
func (d *DB) Export(ctx context.Context, q RowQuery, each func(Record) error) error {
	where, err := q.conditions()
	if err != nil {
		return fmt.Errorf("export %s: %w", q.Table.Name, err)
	}
	if len(q.Table.Key) > 0 {
		return d.exportKeyed(ctx, q.Table, where, each)
	}
	for r, err := range records(ctx, d.browser, q.Table, where, "", -1) {
		if err != nil {
			return fmt.Errorf("export %s: %w", q.Table.Name, err)
		}
		if err := each(r); err != nil {
			return err
		}
	}
	return nil
}

// exportKeyed reads one batch after the other.
func (d *DB) exportKeyed(ctx context.Context, t Table, filters []condition, each func(Record) error) error {
	for after := (Key)(nil); ; {
		where := slices.Clip(filters)
		if after != nil {
			where = append(where, condition{"(" + quoteAll(t.Key) + ") > (" + marks(len(after)) + ")", after})
		}
		batch, more, err := selectSome(ctx, d.browser, t.withKey(), where, " ORDER BY "+quoteAll(t.Key), exportRows, exportBytes)
		if err != nil {
			return fmt.Errorf("export %s: %w", t.Name, err)
		}
		for _, r := range batch {
			after = Key(r.Values[:len(t.Key)])
			if err := each(Record{r.Columns[len(after):], r.Values[len(after):]}); err != nil {
				return err
			}
		}
		if !more {
			return nil
		}
	}
}

// withKey returns the table with its key put before its columns.
func (t Table) withKey() Table {
	var columns []Column
	for _, name := range t.Key {
		columns = append(columns, Column{Name: name})
	}
	t.Columns = append(columns, t.Columns...)
	return t
}

// selectRecords reads whole rows, at most limit.
func selectRecords(ctx context.Context, q DBTX, t Table, where []condition, orderBy string, limit int) ([]Record, error) {
	records, _, err := selectSome(ctx, q, t, where, orderBy, limit, math.MaxInt)
	return records, err
}

// selectSome reads whole rows, at most limit, until they fill room, in bytes of
// text and BLOB. It reports whether there may be more.
func selectSome(ctx context.Context, q DBTX, t Table, where []condition, orderBy string, limit, room int) (all []Record, more bool, err error) {
	for r, err := range records(ctx, q, t, where, orderBy, limit) {
		if err != nil {
			return nil, false, err
		}
		all = append(all, r)
		if room -= r.size(); room <= 0 {
			return all, true, nil
		}
	}
	return all, len(all) == limit, nil
}

// records reads whole rows one after the other, at most limit (-1: all), until
// an error.
func records(ctx context.Context, q DBTX, t Table, where []condition, orderBy string, limit int) iter.Seq2[Record, error] {
	var names, exprs []string
	for _, c := range t.Columns {
		names = append(names, c.Name)
		exprs = append(exprs, "+"+c.shown()) // as in selection
	}
	clause, args := join(where)
	query := "SELECT " + strings.Join(exprs, ", ") + " FROM " + quote(t.Name) + clause + orderBy + " LIMIT ?"
	return func(yield func(Record, error) bool) {
		rows, err := q.QueryContext(ctx, query, append(args, limit)...)
		if err != nil {
			yield(Record{}, err)
			return
		}
		defer rows.Close()
		for rows.Next() {
			r := Record{names, make([]any, len(names))}
			into := make([]any, len(names))
			for i := range into {
				into[i] = &r.Values[i]
			}
			if !yield(r, rows.Scan(into...)) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(Record{}, err)
		}
	}
}
