package db

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"strings"
)

// A condition is a piece of SQL that is true or not, with its parameters.
type condition struct {
	text string
	args []any
}

// join returns a WHERE clause, or nothing for no conditions.
func join(conditions []condition) (string, []any) {
	var texts []string
	var args []any
	for _, c := range conditions {
		if c.text != "" {
			texts, args = append(texts, c.text), append(args, c.args...)
		}
	}
	if len(texts) == 0 {
		return "", nil
	}
	return " WHERE " + strings.Join(texts, " AND "), args
}

// likeEscaper keeps what is searched from being a pattern.
var likeEscaper = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// conditions returns the filters as SQL.
func (q RowQuery) conditions() ([]condition, error) {
	var all []condition
	for _, f := range q.Filters {
		if c := q.Table.Column(f.Column); c == nil || c.Secret {
			return nil, ErrNoColumn
		}
		all = append(all, f.condition())
	}
	return all, nil
}

func (f Filter) condition() condition {
	name := quote(f.Column)
	switch f.Op {
	case OpHas:
		text, _ := f.Value.(string)
		return condition{name + ` LIKE ? ESCAPE '\'`, []any{"%" + likeEscaper.Replace(text) + "%"}}
	case OpLess:
		return condition{name + " < ?", []any{f.Value}}
	case OpGreater:
		return condition{name + " > ?", []any{f.Value}}
	case OpNull:
		return condition{name + " IS NULL", nil}
	case OpSet:
		return condition{name + " IS NOT NULL", nil}
	}
	return condition{name + " = ?", []any{f.Value}}
}

// An order is how rows follow each other: by a column, and among rows with the
// same value there by the columns of the key that are left.
type order struct {
	column   string // "": as they come
	rest     []string
	desc     bool
	nullable bool
	least    any // no value but NULL is below it
}

func (q RowQuery) order() (order, error) {
	o := order{column: q.Sort, desc: q.Desc, least: math.Inf(-1)}
	if o.column == "" && len(q.Table.Key) > 0 {
		o.column = q.Table.Key[0]
	}
	for _, name := range q.Table.Key {
		if name != o.column {
			o.rest = append(o.rest, name)
		}
	}
	c := q.Table.Column(o.column)
	switch {
	case c == nil && q.Sort != "", c != nil && c.Secret:
		return o, ErrNoColumn
	case c == nil: // the hidden key of rows
		return o, nil
	}
	o.nullable = !c.NotNull
	if c.isText() {
		o.least = ""
	}
	return o, nil
}

// by returns the ORDER BY clause.
func (o order) by() string {
	if o.column == "" {
		return ""
	}
	direction := ""
	if o.desc {
		direction = " DESC"
	}
	terms := []string{quote(o.column) + direction}
	for _, name := range o.rest {
		terms = append(terms, quote(name)+direction)
	}
	return " ORDER BY " + strings.Join(terms, ", ")
}

// parts returns conditions, each of which chooses rows that follow each other
// in an index on the column of the order: SQLite seeks each of them, where it
// would read from the first row on for all of them in one. NULL comes first, or
// last when the order is descending.
func (d *DB) parts(ctx context.Context, q RowQuery, o order) ([]condition, error) {
	name := quote(o.column)
	null, values := condition{text: name + " IS NULL"}, condition{name + " >= ?", []any{o.least}}
	if q.After == nil {
		switch {
		case !o.nullable:
			return []condition{{}}, nil
		case o.desc:
			return []condition{values, null}, nil
		}
		return []condition{null, values}, nil
	}
	at, rest, err := d.place(ctx, q, o)
	if err != nil {
		return nil, err
	}
	compare := " > "
	if o.desc {
		compare = " < "
	}
	same := condition{name + " IS ?", []any{at}}
	if at != nil {
		same.text = name + " = ?"
	}
	var parts []condition
	if len(o.rest) > 0 {
		parts = append(parts, condition{same.text + " AND (" + quoteAll(o.rest) + ")" + compare + "(" + marks(len(rest)) + ")", append(same.args, rest...)})
	}
	switch {
	case at != nil:
		parts = append(parts, condition{name + compare + "?", []any{at}})
	case !o.desc:
		parts = append(parts, values)
	}
	if o.nullable && o.desc && at != nil {
		parts = append(parts, null)
	}
	return parts, nil
}

// place returns what the row to go on after has in the columns of the order.
func (d *DB) place(ctx context.Context, q RowQuery, o order) (at any, rest []any, err error) {
	where, err := q.Table.is(q.After)
	if err != nil {
		return nil, nil, ErrNoPlace
	}
	clause, args := join([]condition{where})
	query := "SELECT +" + quote(o.column) + " FROM " + quote(q.Table.Name) + clause
	if err := d.browser.QueryRowContext(ctx, query, args...).Scan(&at); err != nil {
		if errors.Is(err, sql.ErrNoRows) {
			err = ErrNoPlace
		}
		return nil, nil, err
	}
	for i, name := range q.Table.Key {
		if name != o.column {
			rest = append(rest, q.After[i])
		}
	}
	return at, rest, nil
}

// is returns the condition that a row has the key. A key of another shape is
// that of no row.
func (t Table) is(key Key) (condition, error) {
	if len(key) != len(t.Key) || len(key) == 0 {
		return condition{}, sql.ErrNoRows
	}
	var terms []string
	for _, name := range t.Key {
		terms = append(terms, quote(name)+" = ?")
	}
	return condition{strings.Join(terms, " AND "), key}, nil
}

func quoteAll(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = quote(name)
	}
	return strings.Join(quoted, ", ")
}

// marks returns n marks of parameters.
func marks(n int) string { return strings.TrimSuffix(strings.Repeat("?, ", n), ", ") }
