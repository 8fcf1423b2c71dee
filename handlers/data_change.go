package handlers

import (
	"errors"
	"fmt"
	"net/http"

	"inkwell/db"
)

// createRow handles "POST /admin/data/{table}".
func (s *Server) createRow(w http.ResponseWriter, r *http.Request, user db.User) error {
	typed, err := readForm(r)
	if err != nil {
		return err
	}
	_, t, err := s.findTable(r)
	if err != nil {
		return err
	}
	if why := whyNoRows(t); why != "" {
		return &userError{http.StatusForbidden, why}
	}
	form := newRowForm(t)
	change := db.RowChange{By: user.ID, Table: t}
	change.Values, _ = form.fill(t, typed, nil)
	form.mark(s.derive(&change, nil))
	if form.wrong() {
		return s.showRowForm(w, r, http.StatusUnprocessableEntity, newRowPage(t, form), form)
	}
	key, err := s.db.InsertRow(r.Context(), change)
	if problems := ruleProblems(err); problems != nil {
		form.mark(problems)
		return s.showRowForm(w, r, http.StatusUnprocessableEntity, newRowPage(t, form), form)
	}
	if err != nil {
		return err
	}
	s.publishRow(t, key, nil, change.Values)
	return s.leaveFor(w, r, rowPath(t.Name, key), "The row is added.")
}

// updateRow handles "POST /admin/data/{table}/{key}".
func (s *Server) updateRow(w http.ResponseWriter, r *http.Request, user db.User) error {
	typed, err := readForm(r)
	if err != nil {
		return err
	}
	l, row, err := s.findRow(r)
	if err != nil {
		return err
	}
	form := l.editForm(row)
	if form.Action == "" {
		return &userError{http.StatusForbidden, form.LookOnly}
	}
	current := l.byColumn(row)
	change := db.RowChange{By: user.ID, Table: l.table, Key: row.Key}
	change.Values, change.Seen = form.fill(l.table, typed, current)
	form.mark(s.derive(&change, current))
	if form.wrong() {
		return s.showRowForm(w, r, http.StatusUnprocessableEntity, rowPage(l, row, form), form)
	}
	err = s.db.UpdateRow(r.Context(), change)
	problems := ruleProblems(err)
	switch {
	case problems != nil:
		form.mark(problems)
		return s.showRowForm(w, r, http.StatusUnprocessableEntity, rowPage(l, row, form), form)
	case errors.Is(err, db.ErrRowChanged):
		return s.showBoth(w, r, form, change.Values)
	case err != nil:
		return err
	}
	s.publishRow(l.table, row.Key, current, change.Values)
	return s.showSavedRow(w, r, l, row.Key)
}

// showSavedRow answers an edit: htmx with the form as the row stands now.
func (s *Server) showSavedRow(w http.ResponseWriter, r *http.Request, l linker, key db.Key) error {
	if !wantsFragment(r) {
		return s.leaveFor(w, r, rowPath(l.table.Name, key), "The row is saved.")
	}
	row, err := s.db.Row(r.Context(), l.table, key)
	if err != nil {
		return err
	}
	return s.fragment(w, http.StatusOK, part{"data-form", l.editForm(row)}, part{"status", "The row is saved."})
}

// publishRow lets open pages follow a change of a post.
func (s *Server) publishRow(t db.Table, key db.Key, before, written map[string]any) {
	if id, ok := key[0].(int64); ok && t.Name == "posts" {
		wasRead := before["published"] == int64(1) || before["hidden_at"] != nil
		s.publishPost(id, wasRead, written["published"] == int64(1))
	}
}

// byColumn returns the values of a row by their columns.
func (l linker) byColumn(row db.Row) map[string]any {
	values := map[string]any{}
	for i, c := range l.table.Columns {
		values[c.Name] = row.Values[i].Data
	}
	return values
}

// showBoth answers an edit of what somebody else has changed: with what was
// typed, and beside it what the row holds by now. Saved once more, it counts.
// Fields that were not touched show the row as it is.
func (s *Server) showBoth(w http.ResponseWriter, r *http.Request, form rowForm, touched map[string]any) error {
	l, row, err := s.findRow(r)
	if err != nil {
		return err
	}
	now := l.editForm(row)
	for i := range form.Fields {
		field := &form.Fields[i]
		if _, ok := touched[field.Name]; !ok {
			*field = now.Fields[i]
			continue
		}
		if text := now.Fields[i].Value; field.Editable && (text != field.Value || now.Fields[i].Null != field.Null) {
			if now.Fields[i].Null {
				text = "NULL"
			}
			field.Now = &text
		}
	}
	form.Seen, form.Problem = now.Seen, "Somebody changed this row meanwhile. What it holds now stands below each field that differs. Save again to keep what you typed."
	return s.showRowForm(w, r, http.StatusConflict, rowPage(l, row, form), form)
}

// deleteRow handles "POST /admin/data/{table}/{key}/delete".
func (s *Server) deleteRow(w http.ResponseWriter, r *http.Request, user db.User) error {
	l, row, err := s.findRow(r)
	if err != nil {
		return err
	}
	if why := whyNoRows(l.table); why != "" {
		return &userError{http.StatusForbidden, why}
	}
	current := l.byColumn(row)
	err = s.db.DeleteRow(r.Context(), db.RowChange{By: user.ID, Table: l.table, Key: row.Key})
	var broken *db.RuleError
	switch {
	case errors.As(err, &broken):
		return &userError{http.StatusConflict, ruleText(broken)}
	case err != nil:
		return err
	}
	s.publishRow(l.table, row.Key, current, nil)
	return s.leaveFor(w, r, tablePath(l.table.Name), fmt.Sprintf("The row %s of %s is deleted. The log of changes keeps what it held.", keyText(row.Key), l.table.Name))
}

// showRowForm answers with the form of a row as it was typed.
func (s *Server) showRowForm(w http.ResponseWriter, r *http.Request, status int, p page, form rowForm) error {
	if wantsFragment(r) {
		return s.fragment(w, status, part{"data-form", form})
	}
	return s.page(w, r, status, "admin-row", p)
}

// leaveFor leads to another page, which says what was done.
func (s *Server) leaveFor(w http.ResponseWriter, r *http.Request, path, said string) error {
	s.leaveNotice(w, r, notice{Text: said})
	if wantsFragment(r) {
		w.Header().Set("HX-Redirect", path)
		return s.fragment(w, http.StatusOK)
	}
	http.Redirect(w, r, path, http.StatusSeeOther)
	return nil
}
