package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

var (
	// ErrRowChanged: what is to be changed is not what the editor saw.
	ErrRowChanged = fmt.Errorf("%w: the row was changed meanwhile", ErrConflict)

	// ErrLookOnly: the table or a column of it cannot be written here.
	ErrLookOnly = errors.New("this cannot be changed here")
)

// The actions in the log of changes.
const (
	actionAdd    = "add"
	actionEdit   = "edit"
	actionDelete = "delete"
)

// KeepAudits is how long the log of changes is kept.
const KeepAudits = 365 * 24 * time.Hour

// A RowChange is a change of one row by an administrator. It is made together
// with its note in the log of changes.
type RowChange struct {
	By      int64 // the user who makes it
	Table   Table
	Key     Key               // of the row; nil: a new one
	Values  map[string]any    // by column: nil, int64, float64 or string
	Seen    map[string]string // by column: the Digest of what the editor saw
	Derived map[string]any    // by column: what the caller makes of Values
}

// InsertRow adds a row and returns its key. A time that must be there and was
// left out is now. The error may be a *RuleError or ErrLookOnly.
func (d *DB) InsertRow(ctx context.Context, c RowChange) (Key, error) {
	if c.Table.Kept != "" || c.mayWrite(true) != nil {
		return nil, fmt.Errorf("add a row to %s: %w", c.Table.Name, ErrLookOnly)
	}
	err := d.write(ctx, func(ctx context.Context, q *Queries) error {
		values := c.all()
		if err := checkOwner(ctx, q, c.Table, values); err != nil {
			return err
		}
		d.finish(c.Table, values, nil)
		var err error
		if c.Key, err = insertRow(ctx, q, c.Table, values); err != nil {
			return explainRule(ctx, q, c.Table, values, err)
		}
		after, err := readRecord(ctx, q, c.Table, c.Key)
		if err != nil {
			return err
		}
		return d.audit(ctx, q, c, actionAdd, nil, &after)
	})
	if err != nil {
		return nil, fmt.Errorf("add a row to %s: %w", c.Table.Name, err)
	}
	return c.Key, nil
}

// UpdateRow changes the values of a row that differ from what it holds. The
// error may be sql.ErrNoRows, ErrRowChanged, a *RuleError or ErrLookOnly.
func (d *DB) UpdateRow(ctx context.Context, c RowChange) error {
	err := c.mayWrite(false)
	if err == nil {
		err = d.write(ctx, func(ctx context.Context, q *Queries) error { return d.updateRow(ctx, q, c) })
	}
	if err != nil {
		return fmt.Errorf("change a row of %s: %w", c.Table.Name, err)
	}
	return nil
}

func (d *DB) updateRow(ctx context.Context, q *Queries, c RowChange) error {
	before, err := readRecord(ctx, q, c.Table, c.Key)
	if err != nil {
		return err
	}
	values := c.all()
	maps.DeleteFunc(values, func(column string, v any) bool { return encodeValue(v) == encodeValue(before.value(column)) })
	if len(values) == 0 {
		return nil
	}
	for column := range values {
		if seen, ok := c.Seen[column]; ok && seen != Digest(before.value(column)) {
			return ErrRowChanged
		}
	}
	if err := checkOwner(ctx, q, c.Table, values, before.with(nil)); err != nil {
		return err
	}
	d.finish(c.Table, values, &before)
	if err := setValues(ctx, q, c.Table, c.Key, values); err != nil {
		return explainRule(ctx, q, c.Table, before.with(values), err)
	}
	after, err := readRecord(ctx, q, c.Table, c.Key)
	if err != nil {
		return err
	}
	before, after = difference(before, after)
	return d.audit(ctx, q, c, actionEdit, &before, &after)
}

// checkOwner returns a *RuleError when the row is, or would be, that of a user
// who is deleted: what was theirs is on its way out and must not come back.
func checkOwner(ctx context.Context, q *Queries, t Table, versions ...map[string]any) error {
	for _, column := range []string{"author_id", "user_id"} {
		for _, values := range versions {
			id, ok := values[column].(int64)
			if !ok || t.Column(column) == nil {
				continue
			}
			user, err := q.GetUser(ctx, id)
			switch {
			case errors.Is(err, sql.ErrNoRows): // the schema says so better
			case err != nil:
				return err
			case user.DeletedAt != 0:
				return &RuleError{Rule: RuleGone, Columns: []string{column}}
			}
		}
	}
	return nil
}

// all returns what is to be written, given or derived.
func (c RowChange) all() map[string]any {
	values := maps.Clone(c.Derived)
	if values == nil {
		values = map[string]any{}
	}
	maps.Copy(values, c.Values)
	return values
}

// mayWrite returns ErrLookOnly when a column cannot be written. A key is given
// once, to a new row.
func (c RowChange) mayWrite(isNew bool) error {
	if c.Table.LookOnly != "" {
		return ErrLookOnly
	}
	for name := range c.Values {
		column := c.Table.Column(name)
		if column == nil || column.ReadOnly != "" || !isNew && column.IsKey(c.Table) {
			return ErrLookOnly
		}
	}
	return nil
}

// IsKey reports whether the column tells the rows of its table apart.
func (c Column) IsKey(t Table) bool { return c.Primary > 0 || slices.Contains(t.Key, c.Name) }

// finish adds to the values that are to be written what the program always
// writes with them. Before is the row as it is; nil: it is new.
func (d *DB) finish(t Table, values map[string]any, before *Record) {
	now := int64(d.now())
	for _, c := range t.Columns {
		_, given := values[c.Name]
		if before == nil && !given && c.NotNull && c.Default == nil && c.IsTime() {
			values[c.Name] = now
		}
	}
	if before != nil && t.Column("updated_at") != nil {
		values["updated_at"] = later(now, before.value("updated_at"))
	}
	switch _, bio := values["bio"]; {
	case t.Name == "posts":
		finishPost(values, before, now)
	case t.Name == "profiles" && bio:
		values["bio_updated_at"] = later(now, before.value("bio_updated_at"))
	}
}

// later is now, but after the time of an older version: the clock may stand
// still or go back.
func later(now int64, old any) int64 {
	ms, _ := old.(int64)
	return max(now, ms+1)
}

// finishPost does what CreatePost and UpdatePost do.
func finishPost(values map[string]any, before *Record, now int64) {
	if title, ok := values["title"].(string); ok {
		values["title_key"] = titleKey(title)
	}
	if published, ok := values["published"].(int64); !ok || published != 1 {
		return
	}
	at, given := values["published_at"]
	if !given {
		at = before.value("published_at")
	}
	if at == nil {
		values["published_at"] = now
	}
}

// IsTime reports whether the column holds times, in Unix milliseconds.
func (c Column) IsTime() bool { return c.IsInteger() && strings.HasSuffix(c.Name, "_at") }

func insertRow(ctx context.Context, q *Queries, t Table, values map[string]any) (Key, error) {
	columns := slices.Sorted(maps.Keys(values))
	query := "INSERT INTO " + quote(t.Name) + " DEFAULT VALUES"
	if len(columns) > 0 {
		query = "INSERT INTO " + quote(t.Name) + " (" + quoteAll(columns) + ") VALUES (" + marks(len(columns)) + ")"
	}
	key := make(Key, len(t.Key))
	into := make([]any, len(t.Key))
	for i := range key {
		into[i] = &key[i]
	}
	args := valuesOf(values, columns)
	return key, q.db.QueryRowContext(ctx, query+" RETURNING "+quoteAll(t.Key), args...).Scan(into...)
}

func setValues(ctx context.Context, q *Queries, t Table, key Key, values map[string]any) error {
	columns := slices.Sorted(maps.Keys(values))
	where, err := t.is(key)
	if err != nil {
		return err
	}
	var sets []string
	for _, name := range columns {
		sets = append(sets, quote(name)+" = ?")
	}
	query := "UPDATE " + quote(t.Name) + " SET " + strings.Join(sets, ", ") + " WHERE " + where.text
	_, err = q.db.ExecContext(ctx, query, append(valuesOf(values, columns), where.args...)...)
	return err
}

func valuesOf(values map[string]any, columns []string) []any {
	args := make([]any, len(columns))
	for i, name := range columns {
		args[i] = values[name]
	}
	return args
}

// audit notes a change in the log of changes.
func (d *DB) audit(ctx context.Context, q *Queries, c RowChange, action string, before, after *Record) error {
	return q.insertAudit(ctx, insertAuditParams{
		ChangedAt: d.now(),
		UserID:    c.By,
		Action:    action,
		TableName: c.Table.Name,
		RowKey:    c.Key.String(),
		Before:    before.text(),
		After:     after.text(),
	})
}

// PurgeAudits forgets the changes that were made more than KeepAudits ago, and
// returns how many that were. Other changes can be made meanwhile.
func (d *DB) PurgeAudits(ctx context.Context) (int64, error) {
	since := d.now().Add(-KeepAudits)
	n, err := d.purge(ctx, func(ctx context.Context, q *Queries, batch int64) (int64, error) {
		return q.purgeAudits(ctx, purgeAuditsParams{Since: since, BatchSize: batch})
	})
	if err != nil {
		return n, fmt.Errorf("purge the log of changes: %w", err)
	}
	return n, nil
}

// readRecord returns a row as it is kept.
func readRecord(ctx context.Context, q *Queries, t Table, key Key) (Record, error) {
	where, err := t.is(key)
	if err != nil {
		return Record{}, err
	}
	records, err := selectRecords(ctx, q.db, t, []condition{where}, "", 1)
	if err == nil && len(records) == 0 {
		err = sql.ErrNoRows
	}
	if err != nil {
		return Record{}, err
	}
	return records[0], nil
}
