package db

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
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

// without returns the record with the table's secrets left out; nil for none.
func (r *Record) without(t Table) *Record {
	if r == nil {
		return nil
	}
	kept := Record{r.Columns, slices.Clone(r.Values)}
	for i, name := range r.Columns {
		if c := t.Column(name); c != nil && c.Secret && r.Values[i] != nil {
			kept.Values[i] = "(not kept)"
		}
	}
	return &kept
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
// are when their turn comes. Of a view, all rows are held in memory at once.
func (d *DB) Export(ctx context.Context, q RowQuery, each func(Record) error) error {
	filters, err := q.conditions()
	if err != nil {
		return fmt.Errorf("export %s: %w", q.Table.Name, err)
	}
	limit, room, orderBy := exportRows, exportBytes, " ORDER BY "+quoteAll(q.Table.Key)
	if len(q.Table.Key) == 0 {
		limit, room, orderBy = -1, math.MaxInt, ""
	}
	for after := (Key)(nil); ; {
		where := slices.Clip(filters)
		if after != nil {
			where = append(where, condition{"(" + quoteAll(q.Table.Key) + ") > (" + marks(len(after)) + ")", after})
		}
		keyed := q.Table.withKey()
		records, more, err := selectSome(ctx, d.browser, keyed, where, orderBy, limit, room)
		if err != nil {
			return fmt.Errorf("export %s: %w", q.Table.Name, err)
		}
		for _, r := range records {
			after = Key(r.Values[:len(q.Table.Key)])
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

// selectSome reads whole rows, at most limit (-1: all), until they fill room, in
// bytes of text and BLOB. It reports whether there may be more.
func selectSome(ctx context.Context, q DBTX, t Table, where []condition, orderBy string, limit, room int) (all []Record, more bool, err error) {
	var names, exprs []string
	for _, c := range t.Columns {
		names = append(names, c.Name)
		exprs = append(exprs, "+"+quote(c.Name)) // as in selection
	}
	clause, args := join(where)
	rows, err := q.QueryContext(ctx, "SELECT "+strings.Join(exprs, ", ")+" FROM "+quote(t.Name)+clause+orderBy+" LIMIT ?", append(args, limit)...)
	if err != nil {
		return nil, false, err
	}
	defer rows.Close()
	for rows.Next() {
		r := Record{names, make([]any, len(names))}
		into := make([]any, len(names))
		for i := range into {
			into[i] = &r.Values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, false, err
		}
		all = append(all, r)
		if room -= r.size(); room <= 0 {
			return all, true, nil
		}
	}
	return all, len(all) == limit, rows.Err()
}
