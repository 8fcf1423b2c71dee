package handlers

import (
	"net/http"
	"net/url"
	"strings"
)

// maxReason is how many code points a reason may have.
const maxReason = 500

// A choice is one of several, each with a name and what it is called.
type choice struct{ Name, Label string }

// reasonForm is what reason-form.html shows: it asks for a reason before
// something is done to somebody else's post or account.
type reasonForm struct {
	Heading string // of the page that holds the form
	ID      string // of the form; prefix of the ids in it
	Action  string
	View    string // how the post is shown, when it is about one
	Intro   string // what is going to happen

	Kinds        []choice // none: the text is all there is
	Kind         string   // the one that is chosen
	KindProblem  string
	Label        string // of the text
	Reason       string // as typed
	Problem      string // with the text
	CanHidePosts bool   // offers to hide the posts of a user
	HidePosts    bool

	Failure string // why it could not be done; "": nothing failed
	Button  string

	CancelURL    string
	CancelTarget string // what a press on Cancel replaces when the form is Inline; "": then there is no Cancel
	Inline       bool   // the form stands among other things, and not on a page of its own
	Focus        bool   // the first field, or the first that is wrong, gets it
}

// fill puts into the form what was typed, and reports whether it can be kept.
func (f *reasonForm) fill(values url.Values) bool {
	f.Kind = values.Get("kind")
	f.Reason = strings.TrimSpace(cleanContent(values.Get("reason")))
	f.HidePosts = f.CanHidePosts && isOn(values.Get("hide_posts"))
	f.Problem = textProblem(f.Reason, maxReason)
	f.Reason = strings.ToValidUTF8(f.Reason, "�")
	return f.Problem == ""
}

// require says what is missing when there is no reason, and reports whether
// there is one.
func (f *reasonForm) require(missing string) bool {
	if f.Problem == "" && f.Reason == "" {
		f.Problem = missing
	}
	return f.Problem == ""
}

// FocusKind reports whether the choice gets the focus, and not the text.
func (f reasonForm) FocusKind() bool {
	return f.Focus && len(f.Kinds) > 0 && (f.KindProblem != "" || f.Problem == "")
}

// FocusReason reports whether the text gets the focus.
func (f reasonForm) FocusReason() bool { return f.Focus && !f.FocusKind() }

// CanCancel reports whether there is a way back. A form among others that has
// nothing to give way to stays.
func (f reasonForm) CanCancel() bool { return !f.Inline || f.CancelTarget != "" }

// showReasonForm answers with a form, the way it was typed.
func (s *Server) showReasonForm(w http.ResponseWriter, r *http.Request, status int, form reasonForm) error {
	form.Focus, form.Inline = true, wantsFragment(r)
	return s.render(w, r, status, "reason-form", form.Heading, form)
}

// giveReasonBack answers with the form when what it asks for could not be done,
// where a page without JavaScript would lose what was typed. Any other error it
// returns.
func (s *Server) giveReasonBack(w http.ResponseWriter, r *http.Request, form reasonForm, err error) error {
	if !s.mustGiveBack(w, r, err) {
		return err
	}
	form.Failure = problemOf(err).text
	return s.showReasonForm(w, r, http.StatusServiceUnavailable, form)
}
