package db

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
)

// A Table is a table or a view of the database.
type Table struct {
	Name       string
	Kind       string // in SQLite's words: table, view, virtual, shadow (of a virtual one)
	SQL        string // the statement that made it; "": SQLite made it itself
	Columns    []Column
	Key        []string // what tells its rows apart; nil: nothing does, as in a view
	Indexes    []Index
	Refers     []Reference // its foreign keys
	ReferredBy []Reference // those of other tables to it, and its own
	LookOnly   string      // why no row of it can be changed here; "": some can
	Kept       string      // why no row can be added or deleted here; "": they can
}

// A Column is a column of a table.
type Column struct {
	Name     string
	Type     string // as declared; may be ""
	NotNull  bool
	Default  *string // SQL; nil: there is none
	Primary  int     // its place in the primary key, from 1; 0: none
	AutoKey  bool    // an integer that SQLite chooses
	ReadOnly string  // why it can never be written here; "": it can
	Note     string  // what writing to it does besides; may be ""
	MadeFrom string  // the column that the program makes it from; "": none
	Secret   bool    // neither looks nor files nor the log of changes hold it, and no row is chosen by it
}

// An Index is an index of a table.
type Index struct {
	Name    string
	Columns []string // an expression is ""
	Unique  bool
	SQL     string // "": a constraint of the table made it
}

// A Reference is a foreign key: the columns From of Table hold what To of
// Parent do.
type Reference struct {
	Table, Parent string
	From, To      []string
	OnDelete      string // in SQL, as NO ACTION or CASCADE
}

// Column returns the column of that name, or nil.
func (t Table) Column(name string) *Column {
	for i := range t.Columns {
		if t.Columns[i].Name == name {
			return &t.Columns[i]
		}
	}
	return nil
}

// Indexed reports whether rows are found, and are in order, by the column
// without looking at all of them.
func (t Table) Indexed(name string) bool {
	if len(t.Key) > 0 && t.Key[0] == name {
		return true
	}
	return slices.ContainsFunc(t.Indexes, func(i Index) bool {
		return i.Columns[0] == name && !strings.Contains(i.SQL, " WHERE ")
	})
}

// IsInteger reports whether the column holds nothing but integers and NULL.
func (c Column) IsInteger() bool {
	return strings.EqualFold(c.Type, "INTEGER") || strings.EqualFold(c.Type, "INT")
}

// isText reports whether what is compared with the column is made a text.
func (c Column) isText() bool {
	kind := strings.ToUpper(c.Type)
	return !strings.Contains(kind, "INT") && (strings.Contains(kind, "CHAR") || strings.Contains(kind, "CLOB") || strings.Contains(kind, "TEXT"))
}

// Tables returns all tables and views, sorted by name.
func (d *DB) Tables(ctx context.Context) ([]Table, error) {
	var tables []Table
	err := d.look(ctx, func(ctx context.Context) (err error) {
		tables, err = readSchema(ctx, d.browser)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the schema: %w", err)
	}
	return tables, nil
}

// Table returns the table of that name. The error may be sql.ErrNoRows.
func (d *DB) Table(ctx context.Context, name string) (Table, error) {
	tables, err := d.Tables(ctx)
	if err != nil {
		return Table{}, err
	}
	return findTable(tables, name)
}

func findTable(tables []Table, name string) (Table, error) {
	for _, t := range tables {
		if t.Name == name {
			return t, nil
		}
	}
	return Table{}, fmt.Errorf("table %.100q: %w", name, sql.ErrNoRows)
}

// readSchema reads how all tables are made, in four queries.
func readSchema(ctx context.Context, q DBTX) ([]Table, error) {
	s := schema{q: q, at: map[string]*Table{}, withoutRowID: map[string]bool{}}
	for _, read := range []func(context.Context) error{s.readTables, s.readColumns, s.readIndexes, s.readReferences} {
		if err := read(ctx); err != nil {
			return nil, err
		}
	}
	tables := make([]Table, 0, len(s.names))
	for _, name := range s.names {
		t := s.at[name]
		s.settleKey(t)
		t.applyRules()
		tables = append(tables, *t)
	}
	return tables, nil
}

// A schema is the schema while it is being read.
type schema struct {
	q            DBTX
	names        []string // sorted
	at           map[string]*Table
	withoutRowID map[string]bool
}

// each runs a query and calls add after each row was read into its arguments.
func (s *schema) each(ctx context.Context, query string, add func(), into ...any) error {
	rows, err := s.q.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		add()
	}
	return rows.Err()
}

func (s *schema) readTables(ctx context.Context) error {
	const query = `SELECT list.name, list.type, list.wr, coalesce(made.sql, '')
FROM pragma_table_list AS list
LEFT JOIN sqlite_schema AS made ON made.name = list.name AND made.type IN ('table', 'view')
WHERE list.schema = 'main'
ORDER BY list.name`
	var t Table
	var withoutRowID bool
	return s.each(ctx, query, func() {
		added := t
		s.names = append(s.names, t.Name)
		s.at[t.Name], s.withoutRowID[t.Name] = &added, withoutRowID
	}, &t.Name, &t.Kind, &withoutRowID, &t.SQL)
}

func (s *schema) readColumns(ctx context.Context) error {
	const query = `SELECT list.name, info.name, info.type, info."notnull", info.dflt_value, info.pk, info.hidden
FROM pragma_table_list AS list JOIN pragma_table_xinfo(list.name) AS info
WHERE list.schema = 'main' AND info.hidden <> 1
ORDER BY list.name, info.cid`
	var table string
	var c Column
	var hidden int
	return s.each(ctx, query, func() {
		added := c
		if hidden > 1 {
			added.ReadOnly = "The database makes it from other columns."
		}
		if t := s.at[table]; t != nil {
			t.Columns = append(t.Columns, added)
		}
	}, &table, &c.Name, &c.Type, &c.NotNull, &c.Default, &c.Primary, &hidden)
}

func (s *schema) readIndexes(ctx context.Context) error {
	const query = `SELECT tables.name, list.name, list."unique", coalesce(made.sql, ''), coalesce(info.name, ''), info.seqno
FROM pragma_table_list AS tables JOIN pragma_index_list(tables.name) AS list JOIN pragma_index_xinfo(list.name) AS info
LEFT JOIN sqlite_schema AS made ON made.name = list.name AND made.type = 'index'
WHERE tables.schema = 'main' AND info.key = 1
ORDER BY tables.name, list.name, info.seqno`
	var table, column string
	var seqno int
	var i Index
	return s.each(ctx, query, func() {
		t := s.at[table]
		if t == nil {
			return
		}
		if seqno == 0 {
			t.Indexes = append(t.Indexes, Index{Name: i.Name, Unique: i.Unique, SQL: i.SQL})
		}
		last := &t.Indexes[len(t.Indexes)-1]
		last.Columns = append(last.Columns, column)
	}, &table, &i.Name, &i.Unique, &i.SQL, &column, &seqno)
}

func (s *schema) readReferences(ctx context.Context) error {
	const query = `SELECT tables.name, keys.seq, keys."table", keys."from", coalesce(keys."to", ''), keys.on_delete
FROM pragma_table_list AS tables JOIN pragma_foreign_key_list(tables.name) AS keys
WHERE tables.schema = 'main'
ORDER BY tables.name, keys.id, keys.seq`
	var r Reference
	var seq int
	var from, to string
	err := s.each(ctx, query, func() {
		t := s.at[r.Table]
		if t == nil {
			return
		}
		if seq == 0 {
			t.Refers = append(t.Refers, Reference{Table: r.Table, Parent: r.Parent, OnDelete: r.OnDelete})
		}
		last := &t.Refers[len(t.Refers)-1]
		last.From, last.To = append(last.From, from), append(last.To, to)
	}, &r.Table, &seq, &r.Parent, &from, &to, &r.OnDelete)
	if err == nil {
		s.connect()
	}
	return err
}

// connect tells parents of the references to them. One that names no columns
// means the parent's primary key.
func (s *schema) connect() {
	for _, name := range s.names {
		for _, r := range s.at[name].Refers {
			parent := s.at[r.Parent]
			if parent == nil {
				continue
			}
			if r.To[0] == "" {
				copy(r.To, parent.primaryKey())
			}
			parent.ReferredBy = append(parent.ReferredBy, r)
		}
	}
}

// primaryKey returns the columns of the primary key in its order.
func (t *Table) primaryKey() []string {
	var names []string
	for place := 1; ; place++ {
		i := slices.IndexFunc(t.Columns, func(c Column) bool { return c.Primary == place })
		if i < 0 {
			return names
		}
		names = append(names, t.Columns[i].Name)
	}
}

// settleKey finds out what tells the rows of a table apart: its primary key
// where that is how the rows are kept, else the number that SQLite gives them.
func (s *schema) settleKey(t *Table) {
	primary := t.primaryKey()
	switch {
	case t.Kind == "view":
		return
	case s.withoutRowID[t.Name]:
		t.Key = primary
	case len(primary) == 1 && t.Column(primary[0]).IsInteger() && !t.hasIndexOn(primary):
		t.Key = primary
		t.Column(primary[0]).AutoKey = !t.refersBy(primary[0])
	default:
		t.Key = t.rowID()
	}
	for _, name := range t.Key {
		if c := t.Column(name); c != nil {
			c.NotNull = true
		}
	}
}

// refersBy reports whether a column belongs to a foreign key.
func (t *Table) refersBy(column string) bool {
	return slices.ContainsFunc(t.Refers, func(r Reference) bool { return slices.Contains(r.From, column) })
}

func (t *Table) hasIndexOn(columns []string) bool {
	return slices.ContainsFunc(t.Indexes, func(i Index) bool { return i.SQL == "" && slices.Equal(i.Columns, columns) })
}

// rowID is a name of SQLite's number of a row that no column has taken.
func (t *Table) rowID() []string {
	for _, name := range []string{"rowid", "_rowid_", "oid"} {
		if !slices.ContainsFunc(t.Columns, func(c Column) bool { return strings.EqualFold(c.Name, name) }) {
			return []string{name}
		}
	}
	return nil
}
