package db

import (
	"context"
	"fmt"
	"strings"
)

// maxDeleted is how many rows one deletion may take with it.
const maxDeleted = 1000

// DeleteRow deletes a row and those that the schema has go with it, each with
// its note in the log of changes. The error may be sql.ErrNoRows, a *RuleError
// or ErrLookOnly.
func (d *DB) DeleteRow(ctx context.Context, c RowChange) error {
	if c.Table.LookOnly != "" || c.Table.Kept != "" {
		return fmt.Errorf("delete a row of %s: %w", c.Table.Name, ErrLookOnly)
	}
	err := d.write(ctx, func(ctx context.Context, q *Queries) error {
		tables, err := readSchema(ctx, q.db)
		if err != nil {
			return err
		}
		e := eraser{d: d, q: q, tables: tables}
		return e.erase(ctx, c)
	})
	if err != nil {
		return fmt.Errorf("delete a row of %s: %w", c.Table.Name, err)
	}
	return nil
}

// An eraser deletes rows in one transaction.
type eraser struct {
	d       *DB
	q       *Queries
	tables  []Table
	deleted int
}

// erase deletes a row after those that go with it.
func (e *eraser) erase(ctx context.Context, c RowChange) error {
	if e.deleted++; e.deleted > maxDeleted {
		return &RuleError{Rule: RuleReferred, Detail: fmt.Sprintf("more than %d rows", maxDeleted)}
	}
	row, err := readRecord(ctx, e.q, c.Table, c.Key)
	if err != nil {
		return err
	}
	if err := checkOwner(ctx, e.q, c.Table, row.with(nil)); err != nil {
		return err
	}
	for _, r := range c.Table.ReferredBy {
		if err := e.eraseChildren(ctx, c.By, r, row); err != nil {
			return err
		}
	}
	where, err := c.Table.is(c.Key)
	if err != nil {
		return err
	}
	if _, err := e.q.db.ExecContext(ctx, "DELETE FROM "+quote(c.Table.Name)+" WHERE "+where.text, where.args...); err != nil {
		return explainRule(ctx, e.q, c.Table, nil, err)
	}
	return e.d.audit(ctx, e.q, c, actionDelete, &row, nil)
}

// eraseChildren deletes the rows that refer to a row and go with it. Where they
// do not go with it, they keep it.
func (e *eraser) eraseChildren(ctx context.Context, by int64, r Reference, row Record) error {
	child, err := findTable(e.tables, r.Table)
	if err != nil {
		return err
	}
	records, err := selectRecords(ctx, e.q.db, child.withKey(), []condition{r.to(row)}, "", maxDeleted+1)
	if err != nil {
		return err
	}
	if len(records) > 0 && r.OnDelete != "CASCADE" {
		return &RuleError{Rule: RuleReferred, Detail: r.Table + "." + strings.Join(r.From, ", ")}
	}
	for _, record := range records {
		key := Key(record.Values[:len(child.Key)])
		if err := e.erase(ctx, RowChange{By: by, Table: child, Key: key}); err != nil {
			return err
		}
	}
	return nil
}

// to returns the condition that a row refers to the given one.
func (r Reference) to(row Record) condition {
	var c condition
	var terms []string
	for i, name := range r.From {
		terms = append(terms, quote(name)+" = ?")
		c.args = append(c.args, row.value(r.To[i]))
	}
	c.text = strings.Join(terms, " AND ")
	return c
}
