package handlers

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
)

// expiredView is what expired.html shows: a form that came without a good
// session, as it came.
type expiredView struct {
	Action   string
	RenewURL string
	Fields   []field
}

// field is one field of a form; one without a label is not shown.
type field struct {
	Name, Label, Value string
	Long               bool
}

// labels are the fields that people type.
var labels = map[string]string{"title": "Title", "content": "Text"}

// askToSendAgain gives a form back whose sender is not signed in any more. A
// session token lives for a minute and a POST can neither be redirected nor
// renewed, so this is where typed text would be lost.
func (s *Server) askToSendAgain(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodPost {
		return errSignedOut
	}
	values, err := readForm(r)
	if err != nil {
		return err
	}
	view := expiredView{Action: r.URL.RequestURI(), RenewURL: "/account", Fields: newFields(values)}
	p := page{Title: "Your session ran out", Main: view}
	s.useClerk(w, &p, false)
	return s.page(w, r, http.StatusUnauthorized, "expired", p)
}

// newFields returns the first value of each field, those with a label first.
func newFields(values url.Values) []field {
	var fields []field
	for _, name := range slices.Sorted(maps.Keys(values)) {
		f := field{Name: name, Label: labels[name], Value: values.Get(name), Long: name == "content"}
		fields = append(fields, f)
	}
	slices.SortStableFunc(fields, func(a, b field) int { return rank(a) - rank(b) })
	return fields
}

func rank(f field) int {
	return slices.Index([]string{"title", "content", f.Name}, f.Name)
}
