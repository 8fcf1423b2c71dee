package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/mattn/go-sqlite3"
)

// The data browser looks at tables, whichever there are, and changes their
// rows. It is the only part of the program whose SQL is put together while it
// runs: names in it come from the schema and are quoted, values are parameters.

// browseTime is how long one look may take.
const browseTime = 2 * time.Second

var (
	// ErrTooSlow: the look would take longer than the browser waits.
	ErrTooSlow = errors.New("the rows were not found in time")

	// ErrNoColumn: the table has no such column.
	ErrNoColumn = errors.New("no such column")

	// ErrSearchOnly: the virtual table shows its rows only to a search.
	ErrSearchOnly = errors.New("the table can only be searched")

	// ErrNoPlace: the row to go on after is not there any more.
	ErrNoPlace = errors.New("no such place in the rows")
)

// An Op is how a Filter compares.
type Op string

// The comparisons of a Filter. OpHas takes no notice of the case of ASCII
// letters; OpNull and OpSet need no value.
const (
	OpEqual   Op = "eq"
	OpHas     Op = "has"
	OpLess    Op = "lt"
	OpGreater Op = "gt"
	OpNull    Op = "null"
	OpSet     Op = "set"
)

// A Filter chooses rows by one column.
type Filter struct {
	Column string
	Op     Op
	Value  any // int64, float64 or string
}

// A RowQuery asks for rows of a table.
type RowQuery struct {
	Table   Table
	Filters []Filter // all of them hold
	Sort    string   // the column to sort by; "": the key
	Desc    bool
	After   Key // of the last row already shown; nil: from the first
	Limit   int
	Cut     int // texts are cut to this many characters; 0: they are whole
}

// A Row is a row of a table, its values in the order of the table's columns.
type Row struct {
	Key    Key // nil: the rows of a view have none
	Values []Value
}

// A Value is a value as it is looked at. A BLOB is not read: only its size is.
type Value struct {
	Data any   // nil, int64, float64 or string; of a BLOB nil
	Size int64 // of a text in characters, whether it is cut or not; of a BLOB in bytes
	Blob bool
}

// Rows returns the rows that q asks for. The error may be ErrTooSlow,
// ErrNoColumn, ErrSearchOnly or ErrNoPlace.
func (d *DB) Rows(ctx context.Context, q RowQuery) ([]Row, error) {
	var rows []Row
	err := d.look(ctx, func(ctx context.Context) (err error) {
		rows, err = d.findRows(ctx, q)
		return err
	})
	var refused sqlite3.Error
	if q.Table.Kind == "virtual" && errors.As(err, &refused) && refused.Code == sqlite3.ErrError {
		err = ErrSearchOnly // a disk that fails, or a lack of memory, has another code
	}
	if err != nil {
		return nil, fmt.Errorf("rows of %s: %w", q.Table.Name, err)
	}
	return rows, nil
}

// Row returns the row of a table with the key, its texts whole. The error may
// be sql.ErrNoRows.
func (d *DB) Row(ctx context.Context, t Table, key Key) (Row, error) {
	var rows []Row
	err := d.look(ctx, func(ctx context.Context) error {
		where, err := t.is(key)
		if err == nil {
			rows, err = d.selectRows(ctx, RowQuery{Table: t, Limit: 1}, []condition{where}, "")
		}
		return err
	})
	if err == nil && (len(rows) == 0 || rows[0].Key.String() != key.String()) { // '1' finds 1
		err = sql.ErrNoRows
	}
	if err != nil {
		return Row{}, fmt.Errorf("row of %s: %w", t.Name, err)
	}
	return rows[0], nil
}

// CountRows returns how many rows a table has, or limit when there are more.
// The error may be ErrTooSlow.
func (d *DB) CountRows(ctx context.Context, t Table, limit int64) (int64, error) {
	var n int64
	err := d.look(ctx, func(ctx context.Context) error {
		query := "SELECT count(*) FROM (SELECT 1 FROM " + quote(t.Name) + " LIMIT ?)"
		return d.browser.QueryRowContext(ctx, query, limit).Scan(&n)
	})
	if err != nil {
		return 0, fmt.Errorf("count rows of %s: %w", t.Name, err)
	}
	return n, nil
}

// look runs fn, which reads, and breaks it off when it takes too long.
func (d *DB) look(ctx context.Context, fn func(context.Context) error) error {
	limited, cancel := context.WithTimeout(ctx, d.lookTime)
	defer cancel()
	err := fn(limited)
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		return ErrTooSlow
	}
	return err
}

// findRows reads the parts of the order one after the other until there are
// enough rows.
func (d *DB) findRows(ctx context.Context, q RowQuery) ([]Row, error) {
	filters, err := q.conditions()
	if err != nil {
		return nil, err
	}
	o, err := q.order()
	if err != nil {
		return nil, err
	}
	parts, err := d.parts(ctx, q, o)
	if err != nil {
		return nil, err
	}
	var all []Row
	for _, part := range parts {
		rest := q
		rest.Limit = q.Limit - len(all)
		rows, err := d.selectRows(ctx, rest, append(filters[:len(filters):len(filters)], part), o.by())
		if err != nil {
			return nil, err
		}
		if all = append(all, rows...); len(all) >= q.Limit {
			break
		}
	}
	return all, nil
}

// selectRows reads the rows for which all conditions hold.
func (d *DB) selectRows(ctx context.Context, q RowQuery, where []condition, orderBy string) ([]Row, error) {
	text, args := q.Table.selection(q.Cut, where)
	rows, err := d.browser.QueryContext(ctx, text+orderBy+" LIMIT ?", append(args, q.Limit)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Row
	for rows.Next() {
		row, err := scanRow(rows, q.Table)
		if err != nil {
			return nil, err
		}
		all = append(all, row)
	}
	return all, rows.Err()
}

// selection returns a query for the key and the values of rows, each value with
// its size.
func (t Table) selection(cut int, where []condition) (string, []any) {
	var exprs []string
	for _, name := range t.Key {
		exprs = append(exprs, "+"+quote(name)) // an expression has no declared type, which the driver would go by
	}
	text := "%s"
	if cut > 0 {
		text = fmt.Sprintf("substr(%%s, 1, %d)", cut)
	}
	for _, c := range t.Columns {
		name := c.shown()
		exprs = append(exprs,
			"CASE typeof("+name+") WHEN 'blob' THEN NULL WHEN 'text' THEN "+strings.ReplaceAll(text, "%s", name)+" ELSE "+name+" END",
			"CASE WHEN typeof("+name+") IN ('text', 'blob') THEN length("+name+") END")
	}
	clause, args := join(where)
	return "SELECT " + strings.Join(exprs, ", ") + " FROM " + quote(t.Name) + clause, args
}

func scanRow(rows *sql.Rows, t Table) (Row, error) {
	cells := make([]any, len(t.Key)+2*len(t.Columns))
	into := make([]any, len(cells))
	for i := range cells {
		into[i] = &cells[i]
	}
	if err := rows.Scan(into...); err != nil {
		return Row{}, err
	}
	row := Row{Values: make([]Value, len(t.Columns))}
	if len(t.Key) > 0 {
		row.Key = cells[:len(t.Key):len(t.Key)]
	}
	for i := range row.Values {
		data, size := cells[len(t.Key)+2*i], cells[len(t.Key)+2*i+1]
		n, sized := size.(int64)
		row.Values[i] = Value{Data: data, Size: n, Blob: data == nil && sized}
	}
	return row, nil
}

// shown is the column as an expression: of a secret only whether there is one.
func (c Column) shown() string {
	if c.Secret {
		return "iif(" + quote(c.Name) + " IS NULL, NULL, '(kept secret)')"
	}
	return quote(c.Name)
}

// quote writes a name as SQL does.
func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
