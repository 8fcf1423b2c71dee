package handlers

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"inkwell/db"
)

// rowView is what admin-row.html shows: a row, or the form for a new one.
type rowView struct {
	Nav       []navItem
	Table     string
	TableURL  string
	Heading   string
	Form      rowForm
	Referrers []link
	History   string // the address of what the log of changes says of it; "": it is new
	DeleteURL string // "": it cannot be deleted
}

// rowForm is what data-form.html shows: all values of a row, those that can be
// changed as fields.
type rowForm struct {
	Action   string // "": nothing can be changed
	LookOnly string // why
	Kept     string // why the row can neither be deleted nor be joined by others
	Button   string
	Seen     string // the digests of what the editor saw, as JSON
	Problem  string // of the row as a whole
	Fields   []rowField
}

// rowField is a value of a row, or the field for it.
type rowField struct {
	ID       string // of the field
	Name     string // of the column, and of the field behind a prefix
	Type     string
	Value    string
	Kind     string // as cell.Kind
	Editable bool   // there is a field
	ReadOnly string // why there is none; may be ""
	IsText   bool
	MayNull  bool // the field has a box for NULL
	Null     bool // which is ticked
	Time     string
	LinkURL  string // to what the value refers to
	LinkText string
	Help     string
	Problem  string
	Focus    bool
	Now      *string // what the row holds by now, when that is not what the editor saw
}

// showRow handles "GET /admin/data/{table}/{key}".
func (s *Server) showRow(w http.ResponseWriter, r *http.Request, _ db.User) error {
	l, row, err := s.findRow(r)
	if err != nil {
		return err
	}
	return s.page(w, r, http.StatusOK, "admin-row", rowPage(l, row, l.editForm(row)))
}

// findRow returns the row that the path names.
func (s *Server) findRow(r *http.Request) (linker, db.Row, error) {
	tables, t, err := s.findTable(r)
	if err != nil {
		return linker{}, db.Row{}, err
	}
	key, err := db.ParseKey(r.PathValue("key"))
	if err != nil {
		return linker{}, db.Row{}, errNotFound
	}
	row, err := s.db.Row(r.Context(), t, key)
	return linker{tables, t}, row, err
}

func rowPage(l linker, row db.Row, form rowForm) page {
	name := l.table.Name + " " + keyText(row.Key)
	view := rowView{
		Nav: staffNav(db.RoleAdmin, dataPath), Table: l.table.Name, TableURL: tablePath(l.table.Name), Heading: name, Form: form,
		Referrers: l.referrers(row),
		History:   whereURL(db.Table{Name: "audit_log"}, []string{"table_name", "row_key"}, []string{l.table.Name, row.Key.String()}),
	}
	if l.table.LookOnly == "" && l.table.Kept == "" {
		view.DeleteURL = rowPath(l.table.Name, row.Key) + "/delete"
	}
	return page{Title: name, Main: view}
}

// keyText writes a key for people.
func keyText(key db.Key) string {
	var texts []string
	for _, v := range key {
		texts = append(texts, clip(valueText(v), maxCell))
	}
	return strings.Join(texts, ", ")
}

// newRow handles "GET /admin/data/{table}/new".
func (s *Server) newRow(w http.ResponseWriter, r *http.Request, _ db.User) error {
	_, t, err := s.findTable(r)
	if err != nil {
		return err
	}
	if why := whyNoRows(t); why != "" {
		return &userError{http.StatusForbidden, why}
	}
	return s.page(w, r, http.StatusOK, "admin-row", newRowPage(t, newRowForm(t)))
}

func newRowPage(t db.Table, form rowForm) page {
	view := rowView{Nav: staffNav(db.RoleAdmin, dataPath), Table: t.Name, TableURL: tablePath(t.Name), Heading: "Add a row to " + t.Name, Form: form}
	return page{Title: view.Heading, Main: view}
}

// whyNoRows says why no row can be added to a table or deleted from it, or
// nothing when it can.
func whyNoRows(t db.Table) string {
	if t.LookOnly != "" {
		return t.LookOnly
	}
	return t.Kept
}

// fieldID names the field of the n-th column.
func fieldID(n int) string { return fmt.Sprintf("field-%d", n) }

// editForm shows a row as it stands.
func (l linker) editForm(row db.Row) rowForm {
	f := rowForm{LookOnly: l.table.LookOnly, Kept: l.table.Kept, Button: "Save"}
	if f.LookOnly == "" {
		f.Action = rowPath(l.table.Name, row.Key)
	}
	seen := map[string]string{}
	for i, c := range l.table.Columns {
		v := row.Values[i]
		shown := newCell(c, v)
		field := rowField{ID: fieldID(i), Name: c.Name, Type: c.Type, Value: shown.Text, Kind: shown.Kind, Time: shown.Time, ReadOnly: l.whyReadOnly(c, v), Help: c.Note}
		field.LinkURL, field.LinkText = l.target(c, row)
		if field.ReadOnly == "" && f.Action != "" {
			field.Editable = true
			field.edit(c, v.Data)
			seen[c.Name] = db.Digest(v.Data)
		}
		f.Fields = append(f.Fields, field)
	}
	f.Seen = digests(seen)
	return f
}

// edit makes the field one that can be written.
func (f *rowField) edit(c db.Column, v any) {
	f.IsText, f.MayNull = isTextColumn(c), isTextColumn(c) && !c.NotNull
	f.Null, f.Value = f.MayNull && v == nil, valueText(v)
	if !f.IsText && !c.NotNull {
		f.Help = strings.TrimSpace("Empty is NULL. " + f.Help)
	}
}

// isTextColumn reports whether any text can be written into a column.
func isTextColumn(c db.Column) bool { return !c.IsInteger() && !strings.EqualFold(c.Type, "REAL") }

// whyReadOnly says why a value cannot be written here, or nothing when it can.
func (l linker) whyReadOnly(c db.Column, v db.Value) string {
	text, _ := v.Data.(string)
	switch {
	case l.table.LookOnly != "": // said once, above all of them
		return ""
	case c.ReadOnly != "":
		return c.ReadOnly
	case c.IsKey(l.table):
		return "It is the row’s key."
	case v.Blob || strings.EqualFold(c.Type, "BLOB"):
		return "It is binary."
	case len(text) > maxFormText || textProblem(cleanContent(text), maxFormText) != "":
		return "A form cannot carry this text: it is too long, or holds control characters."
	}
	return ""
}

// maxFormText is how many bytes of a text a field takes: percent-encoded it is
// thrice as long, and a request may carry maxBody.
const maxFormText = 250_000

// newRowForm is the form for a new row.
func newRowForm(t db.Table) rowForm {
	f := rowForm{Action: tablePath(t.Name), Button: "Add the row"}
	for i, c := range t.Columns {
		if c.ReadOnly != "" || strings.EqualFold(c.Type, "BLOB") {
			continue
		}
		field := rowField{ID: fieldID(i), Name: c.Name, Type: c.Type, Editable: true, Help: c.Note}
		field.edit(c, nil)
		if when := whenEmpty(c); when != "" {
			field.MayNull, field.Null = false, false
			field.Help = strings.TrimSpace(when + " " + c.Note)
		}
		f.Fields = append(f.Fields, field)
	}
	return f
}

// whenEmpty says what an empty field of a new row becomes, "" when it is what
// it says.
func whenEmpty(c db.Column) string {
	switch {
	case c.Default != nil:
		return "Empty: " + *c.Default + "."
	case c.NotNull && c.IsTime():
		return "Empty: now."
	}
	return ""
}

func digests(seen map[string]string) string {
	b, err := json.Marshal(seen)
	if err != nil {
		panic(err) // texts by texts
	}
	return string(b)
}

// The names of a row's fields are those of its columns behind a prefix.
const (
	valuePrefix = "value-"
	nullPrefix  = "null-"
)

// fill puts into the form what was typed, and returns the values to be written:
// those that are not as the editor saw them. What is wrong stands at its field.
func (f *rowForm) fill(t db.Table, typed url.Values, current map[string]any) (values map[string]any, seen map[string]string) {
	if json.Unmarshal([]byte(typed.Get("seen")), &seen) != nil {
		seen = map[string]string{}
	}
	if f.Seen != "" {
		f.Seen = digests(seen)
	}
	values = map[string]any{}
	for i := range f.Fields {
		field := &f.Fields[i]
		c := t.Column(field.Name)
		if !field.Editable || !typed.Has(valuePrefix+c.Name) {
			continue
		}
		text := cleanContent(typed.Get(valuePrefix + c.Name))
		v, write := field.read(*c, text, typed.Has(nullPrefix+c.Name), seen[c.Name])
		old, isOld := current[c.Name].(string)
		if write && field.Problem == "" && db.Digest(v) != seen[c.Name] && !(isOld && v == cleanContent(old)) {
			values[c.Name] = v
		}
	}
	return values, seen
}

// read returns the value that was typed, and whether there is one: an empty
// field of a new row leaves it to the database. A ticked NULL counts for an
// empty field, or one that is as it was; a text typed into a field that was
// NULL counts as typed.
func (f *rowField) read(c db.Column, text string, null bool, seen string) (v any, write bool) {
	isNew := seen == ""
	f.Value, f.Null = strings.ToValidUTF8(text, "�"), null && f.MayNull
	switch wasNull := isNew || seen == db.Digest(nil); {
	case isNew && text == "" && whenEmpty(c) != "":
		return nil, false
	case f.Null && (text == "" || !isNew && db.Digest(text) == seen):
		return nil, true
	case f.Null && !wasNull:
		f.Problem = "You changed the text and ticked NULL. Do one of the two."
	}
	f.Null = f.Null && f.Problem != ""
	if v, problem := parseValue(c, text); f.Problem == "" {
		f.Problem = problem
		return v, true
	}
	return nil, true
}

// mark shows problems at their fields and the focus at the first; those of
// columns without a field it joins above the form.
func (f *rowForm) mark(problems map[string]string) {
	for i := range f.Fields {
		field := &f.Fields[i]
		if p := problems[field.Name]; p != "" && field.Editable {
			field.Problem = p
			delete(problems, field.Name)
		}
	}
	for _, column := range slices.Sorted(maps.Keys(problems)) {
		p := problems[column]
		if p != "" && column != "" {
			p = column + ": " + p
		}
		f.Problem = strings.TrimSpace(f.Problem + " " + p)
	}
	for i := range f.Fields {
		if f.Fields[i].Problem != "" {
			f.Fields[i].Focus = true
			return
		}
	}
}

// wrong reports whether anything is marked.
func (f *rowForm) wrong() bool {
	for _, field := range f.Fields {
		if field.Problem != "" {
			return true
		}
	}
	return f.Problem != ""
}
