package handlers

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// expiredView is what expired.html shows: a form that cannot be taken now, as
// it came.
type expiredView struct {
	Heading  string
	Action   string
	RenewURL string // "": nothing to be renewed
	Why      string // it cannot be taken now, and what to do; with a RenewURL ""
	Fields   []field
}

// field is one field of a form; one without a label is not shown.
type field struct {
	Name, Label, Value string
	Long               bool
}

// askToSendAgain gives a form back whose sender is not signed in any more. A
// session token lives for a minute and a POST can neither be redirected nor
// renewed, so this is where typed text would be lost.
func (s *Server) askToSendAgain(w http.ResponseWriter, r *http.Request, v visitor) error {
	values, err := readForm(r)
	if err != nil {
		return err
	}
	view := expiredView{Heading: "Your session ran out", Action: r.URL.RequestURI(), RenewURL: signedInPath, Fields: newFields(values)}
	if v.unverified {
		view.Heading, view.RenewURL = "Clerk cannot be reached", ""
		view.Why = "Until we can tell who you are, it cannot be taken. Send it again in a minute."
		w.Header().Set("Retry-After", retryAfter)
		return s.page(w, r, http.StatusServiceUnavailable, "expired", page{Title: view.Heading, Main: view})
	}
	p := page{Title: view.Heading, Main: view}
	s.useClerk(w, &p, false)
	return s.page(w, r, http.StatusUnauthorized, "expired", p)
}

// typedFields returns what somebody typed into the form of a request.
func typedFields(r *http.Request) []field {
	values, err := readForm(r)
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(newFields(values), func(f field) bool { return f.Label == "" })
}

// newFields returns the first value of each field: first those that people have
// typed into, then the others.
func newFields(values url.Values) []field {
	typed := []field{
		{Name: "title", Label: "Title"}, {Name: "content", Label: "Text", Long: true},
		{Name: "poll_question", Label: "Poll question"}, {Name: "poll_options", Label: "Poll options, one per line", Long: true},
		{Name: "reason", Label: "Reason", Long: true}, {Name: "bio", Label: "Bio", Long: true},
		{Name: "quote", Label: "Quote", Long: true}, {Name: "quote_by", Label: "Who said it"},
	}
	var fields []field
	for _, f := range typed {
		if values.Get(f.Name) != "" {
			fields = append(fields, f)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if !slices.ContainsFunc(fields, func(f field) bool { return f.Name == name }) {
			fields = append(fields, field{Name: name})
		}
	}
	for i, f := range fields {
		fields[i].Value = strings.ToValidUTF8(values.Get(f.Name), "�")
	}
	return fields
}
