package handlers

import (
	"slices"
	"strings"

	"inkwell/db"
)

// schemaView is what data-schema.html shows: how a table is made.
type schemaView struct {
	Columns []columnView
	Indexes []indexView
	SQL     string // "": SQLite made the table itself
}

// columnView is a column as it is described.
type columnView struct {
	Name, Type string
	Rules      string
	Index      string
	RefersTo   string
	RefersURL  string
}

// indexView is an index as it is described.
type indexView struct {
	Name, Columns string
	Unique        bool
	SQL           string
}

func newSchemaView(t db.Table) schemaView {
	v := schemaView{SQL: t.SQL}
	for _, c := range t.Columns {
		column := columnView{Name: c.Name, Type: c.Type, Rules: columnRules(t, c)}
		if t.Indexed(c.Name) {
			column.Index = "yes"
		}
		for _, r := range t.Refers {
			if i := slices.Index(r.From, c.Name); i >= 0 {
				column.RefersTo, column.RefersURL = r.Parent+"."+r.To[i], tablePath(r.Parent)
			}
		}
		v.Columns = append(v.Columns, column)
	}
	for _, i := range t.Indexes {
		v.Indexes = append(v.Indexes, indexView{Name: i.Name, Columns: listed(i.Columns), Unique: i.Unique, SQL: i.SQL})
	}
	return v
}

// columnRules says what the schema says of a column. The CHECKs are in the
// statement that made the table.
func columnRules(t db.Table, c db.Column) string {
	var rules []string
	if c.Primary > 0 {
		rules = append(rules, "primary key")
	}
	if c.NotNull {
		rules = append(rules, "not NULL")
	}
	if c.Default != nil {
		rules = append(rules, "default "+*c.Default)
	}
	return strings.Join(rules, ", ")
}

// listed writes names one after the other. An expression of an index has none.
func listed(names []string) string {
	shown := slices.Clone(names)
	for i, name := range shown {
		if name == "" {
			shown[i] = "an expression"
		}
	}
	return strings.Join(shown, ", ")
}
