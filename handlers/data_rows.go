package handlers

import (
	"slices"
	"strconv"
	"time"

	"inkwell/db"
)

// maxCell is how many characters of a text a list shows.
const maxCell = 80

// rowsView is what data-rows.html shows: rows of a table, and what chooses
// them.
type rowsView struct {
	Table    string
	URL      string // of the table
	Filters  []filterView
	Sort     string
	Desc     bool
	AllURL   string // of all rows; "": they are shown
	Caption  string
	Heads    []headView
	HiddenID bool // the rows have a number that is no column
	Items    []rowItem
	More     moreView
	Empty    string // what is said when there are no rows
	Problem  string // why none were looked for
	Exports  []link
}

// headView is the heading of a column.
type headView struct {
	ID, Name string
	URL      string // of the rows sorted by it; "": they cannot be
	Order    string // in the words of aria-sort; "": the rows are not sorted by it
}

// rowItem is what data-row.html shows.
type rowItem struct {
	ID     string // of the element; "": the row has no address
	Number string // that is no column
	URL    string
	Cells  []cell
	Focus  bool // it has just come
}

// cell is a value in a row.
type cell struct {
	Kind string // null, blob, number or text
	Text string
	Cut  bool   // there is more of the text
	Time string // what a number is as a time
	URL  string // of the row itself or of what the value refers to
	Head bool   // it names the row
}

func newRowsView(q rowsQuery) rowsView {
	v := rowsView{
		Table: q.table.Name, URL: tablePath(q.table.Name), Filters: q.filterRows(), Sort: q.sort, Desc: q.desc,
		HiddenID: hidden(q.table), Empty: "The table is empty.",
		Exports: []link{{q.exportURL("csv"), "Download as CSV"}, {q.exportURL("json"), "Download as JSON"}},
	}
	if len(q.filters) > 0 {
		v.AllURL, v.Empty = v.URL, "No row is like that."
	}
	sorted := q.sort
	if sorted == "" && len(q.table.Key) > 0 {
		sorted = q.table.Key[0]
	}
	v.Caption = "Sorted by " + sorted + ", ascending"
	if q.desc {
		v.Caption = "Sorted by " + sorted + ", descending"
	}
	if sorted == "" {
		v.Caption = "As they come"
	}
	for i, c := range q.table.Columns {
		head := headView{ID: "sort-" + strconv.Itoa(i), Name: c.Name}
		if choosable(&c) {
			head.URL = q.sortedURL(c.Name, c.Name == sorted && !q.desc)
		}
		switch {
		case c.Name != sorted:
		case q.desc:
			head.Order = "descending"
		default:
			head.Order = "ascending"
		}
		v.Heads = append(v.Heads, head)
	}
	return v
}

// hidden reports whether the rows of a table are told apart by a number that is
// no column.
func hidden(t db.Table) bool { return len(t.Key) == 1 && t.Column(t.Key[0]) == nil }

// A linker shows rows of a table with links to what they refer to.
type linker struct {
	tables []db.Table
	table  db.Table
}

func (l linker) rowItem(row db.Row) rowItem {
	item := rowItem{Cells: make([]cell, len(row.Values))}
	if row.Key != nil {
		item.ID, item.URL = "row-"+row.Key.String(), rowPath(l.table.Name, row.Key)
	}
	if hidden(l.table) {
		item.Number = valueText(row.Key[0])
	}
	for i, c := range l.table.Columns {
		item.Cells[i] = newCell(c, row.Values[i])
		switch {
		case slices.Contains(l.table.Key, c.Name):
			item.Cells[i].URL, item.Cells[i].Head = item.URL, c.Name == l.table.Key[0]
		default:
			item.Cells[i].URL, _ = l.target(c, row)
		}
	}
	return item
}

func newCell(c db.Column, v db.Value) cell {
	switch data := v.Data.(type) {
	case string:
		return cell{Kind: "text", Text: data, Cut: v.Size > maxCell && v.Size > int64(len([]rune(data)))}
	case nil:
		if v.Blob {
			return cell{Kind: "blob", Text: plural(v.Size, "byte")}
		}
		return cell{Kind: "null", Text: "NULL"}
	default:
		return cell{Kind: "number", Text: valueText(data), Time: timeText(c, data)}
	}
}

// timeText is what a value of a column is as a time, "" when it is none.
func timeText(c db.Column, v any) string {
	ms, ok := v.(int64)
	if !ok || !c.IsTime() || ms <= 0 || ms > maxTime {
		return ""
	}
	return db.Time(ms).Time().Format(time.DateTime) + " UTC"
}

// maxTime is the last millisecond of the year 9999.
const maxTime = 253402300799999

// valueText writes a value as it is typed, NULL as nothing.
func valueText(v any) string {
	switch v := v.(type) {
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case string:
		return v
	}
	return ""
}

// target returns the address of what a value refers to, and its table; "" when
// it refers to nothing.
func (l linker) target(c db.Column, row db.Row) (address, table string) {
	for _, r := range l.table.Refers {
		if !slices.Contains(r.From, c.Name) {
			continue
		}
		key, texts := l.valuesOf(r.From, row)
		parent := tableNamed(l.tables, r.Parent)
		switch {
		case key == nil || parent == nil:
		case slices.Equal(r.To, parent.Key):
			return rowPath(parent.Name, key), parent.Name
		default:
			return whereURL(*parent, r.To, texts), parent.Name
		}
	}
	return "", ""
}

// valuesOf returns the values of columns in a row, and as texts; nil when one
// is NULL, or not whole.
func (l linker) valuesOf(columns []string, row db.Row) (db.Key, []string) {
	var key db.Key
	var texts []string
	for _, name := range columns {
		i := slices.IndexFunc(l.table.Columns, func(c db.Column) bool { return c.Name == name })
		if i < 0 || row.Values[i].Data == nil || row.Values[i].Size > maxCell {
			return nil, nil
		}
		key = append(key, row.Values[i].Data)
		texts = append(texts, valueText(row.Values[i].Data))
	}
	return key, texts
}

// referrers links to the rows that refer to a row.
func (l linker) referrers(row db.Row) []link {
	var links []link
	for _, r := range l.table.ReferredBy {
		_, texts := l.valuesOf(r.To, row)
		child := tableNamed(l.tables, r.Table)
		if texts != nil && child != nil {
			links = append(links, link{whereURL(*child, r.From, texts), "Rows of " + r.Table + " by " + listed(r.From)})
		}
	}
	return links
}
