package handlers

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"inkwell/db"
)

const (
	// rowsPageSize is how many rows of a table a page has.
	rowsPageSize = 50

	// maxFilters is how many conditions can be set at once.
	maxFilters = 8
)

// An opView is a comparison as the filter offers it.
type opView struct {
	Name  db.Op
	Label string
}

var ops = []opView{
	{db.OpEqual, "is"}, {db.OpHas, "contains"}, {db.OpLess, "is less than"}, {db.OpGreater, "is more than"},
	{db.OpNull, "is NULL"}, {db.OpSet, "is not NULL"},
}

// A rowsQuery is what is asked of a table, as the address says it.
type rowsQuery struct {
	table   db.Table
	filters []filterView
	sort    string // "": the key
	desc    bool
}

// filterView is a condition as it is shown, and as it was typed.
type filterView struct {
	ID       string // prefix of the ids in it
	Column   string // "": no condition
	Op       db.Op
	Text     string
	Problem  string
	value    any
	OfColumn []string // what the condition can be about
	Ops      []opView
}

// readRowsQuery reads what the address asks of a table: conditions by the
// parameters column, op and value, as often as needed, in step with each other.
func readRowsQuery(r *http.Request, t db.Table) (rowsQuery, error) {
	query, err := readQuery(r)
	if err != nil {
		return rowsQuery{}, err
	}
	q := rowsQuery{table: t, sort: query.Get("sort"), desc: query.Get("desc") != ""}
	if q.sort != "" && !choosable(t.Column(q.sort)) {
		return q, errBadQuery
	}
	q.filters, err = readFilters(query, t)
	return q, err
}

func readFilters(query url.Values, t db.Table) ([]filterView, error) {
	columns, names, values := query["column"], query["op"], query["value"]
	if len(columns) > maxFilters || len(names) != len(columns) || len(values) != len(columns) {
		return nil, errBadQuery
	}
	var filters []filterView
	for i, column := range columns {
		if column == "" {
			continue
		}
		c, op := t.Column(column), db.Op(names[i])
		if !choosable(c) || !slices.ContainsFunc(ops, func(o opView) bool { return o.Name == op }) {
			return nil, errBadQuery
		}
		f := filterView{Column: column, Op: op, Text: searched(values[i])}
		f.read(*c)
		filters = append(filters, f)
	}
	return filters, nil
}

// choosable reports whether rows can be chosen and sorted by a column: what is
// secret could be guessed by that.
func choosable(c *db.Column) bool { return c != nil && !c.Secret }

// read makes of the text what the column is compared with.
func (f *filterView) read(c db.Column) {
	switch f.Op {
	case db.OpNull, db.OpSet:
		f.Text = ""
	case db.OpHas:
		f.value = f.Text
	default:
		f.value, f.Problem = parseValue(c, f.Text)
	}
}

// problem reports whether a condition cannot be understood.
func (q rowsQuery) problem() bool {
	return slices.ContainsFunc(q.filters, func(f filterView) bool { return f.Problem != "" })
}

func (q rowsQuery) conditions() []db.Filter {
	var filters []db.Filter
	for _, f := range q.filters {
		filters = append(filters, db.Filter{Column: f.Column, Op: f.Op, Value: f.value})
	}
	return filters
}

// parseRowPlace reads what db.Key.String wrote. The empty text is the beginning.
func parseRowPlace(s string) (db.Key, error) {
	if s == "" {
		return nil, nil
	}
	return db.ParseKey(s)
}

// sameKey returns 0 when two keys are the same. How others follow each other
// depends on the order of the rows, which the database alone knows: of a row that
// is gone it cannot be told what was behind it.
func sameKey(a, b db.Key) int {
	if a.String() == b.String() {
		return 0
	}
	return -1
}

// URL returns the address of what is asked for.
func (q rowsQuery) URL() string { return addressOf(tablePath(q.table.Name), q.values()) }

// sortedURL returns the address of the same rows in the order of a column.
func (q rowsQuery) sortedURL(column string, desc bool) string {
	q.sort, q.desc = column, desc
	return q.URL()
}

// exportURL returns the address of the same rows as a file.
func (q rowsQuery) exportURL(format string) string {
	query := q.values()
	query.Set("format", format)
	query.Del("sort")
	query.Del("desc")
	return addressOf(tablePath(q.table.Name)+"/export", query)
}

func (q rowsQuery) values() url.Values {
	query := url.Values{}
	for _, f := range q.filters {
		query.Add("column", f.Column)
		query.Add("op", string(f.Op))
		query.Add("value", f.Text)
	}
	if q.sort != "" {
		query.Set("sort", q.sort)
	}
	if q.desc {
		query.Set("desc", "1")
	}
	return query
}

// whereURL returns the address of the rows of a table whose columns have the
// values.
func whereURL(t db.Table, columns []string, texts []string) string {
	q := rowsQuery{table: t}
	for i, column := range columns {
		q.filters = append(q.filters, filterView{Column: column, Op: db.OpEqual, Text: texts[i]})
	}
	return q.URL()
}

// filterRows returns the conditions as the form shows them, with room for one
// more.
func (q rowsQuery) filterRows() []filterView {
	var columns []string
	for _, c := range q.table.Columns {
		if choosable(&c) {
			columns = append(columns, c.Name)
		}
	}
	rows := slices.Clone(q.filters)
	if len(rows) < maxFilters {
		rows = append(rows, filterView{})
	}
	for i := range rows {
		rows[i].ID, rows[i].OfColumn, rows[i].Ops = "filter-"+strconv.Itoa(i), columns, ops
	}
	return rows
}
