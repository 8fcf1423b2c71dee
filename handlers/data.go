package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"inkwell/db"
)

// dataPath is the administrators' page of what is in the database.
const dataPath = "/admin/data"

// maxCounted is up to how many rows of a table are counted.
const maxCounted = 1_000_000

// tablesView is what admin-data.html shows.
type tablesView struct {
	Nav    []navItem
	Groups []tableGroup
}

// tableGroup is a list of tables under a heading.
type tableGroup struct {
	ID, Heading, Intro string
	Tables             []tableItem
}

// tableItem is a table in a list of them.
type tableItem struct {
	Name, URL string
	Rows      string // how many
	Columns   int
}

// showTables handles "GET /admin/data".
func (s *Server) showTables(w http.ResponseWriter, r *http.Request, _ db.User) error {
	tables, err := s.db.Tables(r.Context())
	if err != nil {
		return err
	}
	own := tableGroup{ID: "own", Heading: "Tables"}
	other := tableGroup{ID: "other", Heading: "Kept by the program", Intro: "These can be looked at, but not changed."}
	for _, t := range tables {
		rows, err := s.countRows(r.Context(), t)
		if err != nil {
			return err
		}
		group := &own
		if t.LookOnly != "" {
			group = &other
		}
		group.Tables = append(group.Tables, tableItem{Name: t.Name, URL: tablePath(t.Name), Rows: rows, Columns: len(t.Columns)})
	}
	view := tablesView{Nav: staffNav(db.RoleAdmin, dataPath), Groups: []tableGroup{own, other}}
	return s.page(w, r, http.StatusOK, "admin-data", page{Title: "Data", Main: view})
}

// countRows says how many rows a table has, as far as that is quickly found
// out.
func (s *Server) countRows(ctx context.Context, t db.Table) (string, error) {
	n, err := s.db.CountRows(ctx, t, maxCounted+1)
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case err != nil: // some virtual tables cannot be read without a search
		return "not counted", nil
	case n > maxCounted:
		return "more than " + thousands(int64(maxCounted)), nil
	}
	return thousands(n), nil
}

// tablePath is the address of a table.
func tablePath(name string) string { return dataPath + "/" + url.PathEscape(name) }

// rowPath is the address of a row.
func rowPath(table string, key db.Key) string { return tablePath(table) + "/" + key.String() }

// tableView is what admin-table.html shows.
type tableView struct {
	Nav      []navItem
	Name     string
	Count    string
	LookOnly string
	AddURL   string // "": no row can be added
	Rows     rowsView
	Schema   schemaView
}

// showTable handles "GET /admin/data/{table}".
func (s *Server) showTable(w http.ResponseWriter, r *http.Request, _ db.User) error {
	tables, t, err := s.findTable(r)
	if err != nil {
		return err
	}
	q, err := readRowsQuery(r, t)
	if err != nil {
		return err
	}
	st, err := readStretch(r, "after", rowsPageSize, parseRowPlace)
	if err != nil {
		return err
	}
	status, view, err := s.findRows(r.Context(), tables, q, st)
	if err != nil {
		return err
	}
	switch {
	case wantsFragment(r) && st.isFirst:
		return s.showFoundRows(w, r, status, q.URL(), view)
	case wantsFragment(r):
		return s.showMoreRows(w, status, view)
	}
	count, err := s.countRows(r.Context(), t)
	if err != nil {
		return err
	}
	whole := tableView{Nav: staffNav(db.RoleAdmin, dataPath), Name: t.Name, Count: rowCount(count), LookOnly: t.LookOnly, Rows: view, Schema: newSchemaView(t)}
	if t.LookOnly == "" && t.Kept == "" {
		whole.AddURL = tablePath(t.Name) + "/new"
	}
	return s.page(w, r, status, "admin-table", page{Title: t.Name, Main: whole})
}

func rowCount(count string) string {
	if count == "1" {
		return "1 row"
	}
	return strings.ToUpper(count[:1]) + count[1:] + " rows"
}

// findTable returns all tables, and the one that the path names.
func (s *Server) findTable(r *http.Request) ([]db.Table, db.Table, error) {
	tables, err := s.db.Tables(r.Context())
	if err != nil {
		return nil, db.Table{}, err
	}
	t := tableNamed(tables, r.PathValue("table"))
	if t == nil {
		return nil, db.Table{}, errNotFound
	}
	return tables, *t, nil
}

func tableNamed(tables []db.Table, name string) *db.Table {
	for i := range tables {
		if tables[i].Name == name {
			return &tables[i]
		}
	}
	return nil
}

// showFoundRows answers htmx with what was found. Asked once more, as by a link to
// the same page, it gets no other entry in the history.
func (s *Server) showFoundRows(w http.ResponseWriter, r *http.Request, status int, address string, view rowsView) error {
	if pageURL(r).RequestURI() != address {
		w.Header().Set("HX-Push-Url", address)
	}
	return s.fragment(w, status, part{"data-rows", view}, part{"status", view.said("row")})
}

// showMoreRows answers htmx with the next part of what was found; its first row
// gets the focus.
func (s *Server) showMoreRows(w http.ResponseWriter, status int, view rowsView) error {
	if len(view.Items) > 0 {
		view.Items[0].Focus = true
	}
	return s.fragment(w, status, part{"more", view.More}, part{"data-more", view}, part{"status", view.said("more row")})
}

// said says how many rows have come.
func (v rowsView) said(noun string) string {
	switch n := len(v.Items); {
	case v.Problem != "":
		return v.Problem
	case n == 0:
		return "No " + noun + "."
	case v.More.URL != "":
		return plural(n, noun) + ", and there are others."
	default:
		return plural(n, noun) + "."
	}
}

// findRows returns a part of what is asked for. A question that cannot be
// answered is shown with the reason, so that it can be mended.
func (s *Server) findRows(ctx context.Context, tables []db.Table, q rowsQuery, st stretch[db.Key]) (int, rowsView, error) {
	view := newRowsView(q)
	if q.problem() {
		view.Problem = "Nothing was looked for: mend what is marked."
		return http.StatusUnprocessableEntity, view, nil
	}
	rows, err := s.db.Rows(ctx, db.RowQuery{
		Table: q.table, Filters: q.conditions(), Sort: q.sort, Desc: q.desc, After: st.from, Limit: int(st.limit()), Cut: maxCell,
	})
	switch {
	case errors.Is(err, db.ErrTooSlow):
		view.Problem = "That takes too long. Sort by a column with an index (under “How this table is made”), or choose fewer rows by one."
		return http.StatusUnprocessableEntity, view, nil
	case errors.Is(err, db.ErrNoPlace):
		return 0, view, errBadCursor
	case errors.Is(err, db.ErrSearchOnly):
		view.Problem = "SQLite shows the rows of this table only to a search."
		return http.StatusOK, view, nil
	case err != nil:
		return 0, view, fmt.Errorf("find rows: %w", err)
	}
	shown, next := nextStretch(rows, st, func(row db.Row) db.Key { return row.Key }, sameKey)
	end := "That is all there is."
	if len(shown) < len(rows) {
		end = "There are more rows; a view shows no more than these."
	}
	view.More = st.more(q.URL(), next, end)
	l := linker{tables, q.table}
	for _, row := range shown {
		view.Items = append(view.Items, l.rowItem(row))
	}
	return http.StatusOK, view, nil
}
