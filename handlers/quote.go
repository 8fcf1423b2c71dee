package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode"

	"inkwell/db"
)

// Limits of a quote, in code points after CRLF became LF.
const (
	maxQuote      = 300
	maxQuoteBy    = 100
	maxQuoteLines = 8
)

const quoteRemoved = "Your quote is removed."

// quoteForm is what quote-form.html shows.
type quoteForm struct {
	Action    string
	CancelURL string
	Quote, By string // as typed
	CanRemove bool   // there is one
	Problem   string // with the form; "": none

	QuoteWrong, ByWrong string // with the fields; "": nothing
	FocusQuote, FocusBy bool   // one of them
}

func newQuoteForm(row db.GetProfileRow) quoteForm {
	path := profilePath(row.User.ID)
	return quoteForm{Action: path + "/quote", CancelURL: path, Quote: row.Quote, By: row.QuoteBy, CanRemove: row.Quote != "", FocusQuote: true}
}

// fill puts into the form what was typed. Pressing Remove is as leaving both
// fields empty.
func (f *quoteForm) fill(values url.Values) {
	f.Quote, f.By = "", ""
	if !isOn(values.Get("remove")) {
		f.Quote, f.By = cleanTitle(values.Get("quote")), cleanTitle(values.Get("quote_by"))
	}
}

// check says at the fields what is wrong, and reports whether nothing is.
func (f *quoteForm) check() bool {
	f.QuoteWrong, f.ByWrong = textProblem(f.Quote, maxQuote), textProblem(f.By, maxQuoteBy)
	switch {
	case f.QuoteWrong != "":
	case strings.Count(f.Quote, "\n") >= maxQuoteLines:
		f.QuoteWrong = fmt.Sprintf("A quote has %d lines at most.", maxQuoteLines)
	case !strings.ContainsFunc(f.Quote, unicode.IsGraphic) && f.Quote+f.By != "":
		f.QuoteWrong = "Write what was said, or leave both fields empty."
	}
	if f.ByWrong == "" && strings.ContainsAny(f.By, "\n\u2028\u2029") {
		f.ByWrong = "A name is one line."
	}
	f.Quote, f.By = strings.ToValidUTF8(f.Quote, "�"), strings.ToValidUTF8(f.By, "�")
	f.FocusBy = f.QuoteWrong == "" && f.ByWrong != ""
	f.FocusQuote = !f.FocusBy
	return f.QuoteWrong == "" && f.ByWrong == ""
}

// editQuote handles "GET /users/{id}/quote".
func (s *Server) editQuote(w http.ResponseWriter, r *http.Request, user db.User) error {
	row, err := s.findOwnProfile(r, user)
	if err != nil {
		return err
	}
	return s.showQuoteForm(w, r, http.StatusOK, newQuoteForm(row))
}

func (s *Server) showQuoteForm(w http.ResponseWriter, r *http.Request, status int, form quoteForm) error {
	return s.render(w, r, status, "quote-form", "Your quote", form)
}

// updateQuote handles "POST /users/{id}/quote". Of two changes the later wins,
// unless it is the undo of a removal.
func (s *Server) updateQuote(w http.ResponseWriter, r *http.Request, user db.User) error {
	values, err := readForm(r)
	if err != nil {
		return err
	}
	row, err := s.findOwnProfile(r, user)
	if err != nil {
		return err
	}
	form := newQuoteForm(row)
	form.fill(values)
	if !form.check() {
		return s.showQuoteForm(w, r, http.StatusUnprocessableEntity, form)
	}
	removed, err := s.saveQuote(r.Context(), user, form, isOn(values.Get("undo")))
	switch {
	case errors.Is(err, db.ErrStale):
		form.Problem = "You have set another quote since. Save this one to replace it."
		return s.showQuoteForm(w, r, http.StatusConflict, form)
	case err != nil && s.mustGiveBack(w, r, err):
		form.Problem = problemOf(err).text
		return s.showQuoteForm(w, r, http.StatusServiceUnavailable, form)
	case err != nil:
		return fmt.Errorf("update quote of user %d: %w", user.ID, err)
	case form.Quote != "":
		return s.showSavedPart(w, r, user, quotePart, "Your quote is saved.")
	case removed == db.Quote{} && s.preferences(r).Notice.Undo.Quote != "":
		return s.showSavedPart(w, r, user, quotePart, quoteRemoved) // pressed twice; the notice brings back what stood there
	case removed == db.Quote{}:
		removed = typedQuote(values) // the answer to the removal was lost
	}
	return s.showQuoteRemoved(w, r, user, removed)
}

// saveQuote stores the quote of a form, and returns the one that it has removed,
// the zero Quote when it has none.
func (s *Server) saveQuote(ctx context.Context, user db.User, form quoteForm, undo bool) (db.Quote, error) {
	switch {
	case undo:
		return db.Quote{}, s.db.RestoreQuote(ctx, user.ID, db.Quote{Text: form.Quote, By: form.By})
	case form.Quote == "":
		return s.db.RemoveQuote(ctx, user.ID)
	}
	return db.Quote{}, s.db.SetQuote(ctx, user.ID, form.Quote, form.By)
}

// typedQuote is the quote in a form whose button Remove was pressed, the zero
// Quote when it is none.
func typedQuote(values url.Values) db.Quote {
	form := quoteForm{Quote: cleanTitle(values.Get("quote")), By: cleanTitle(values.Get("quote_by"))}
	if !form.check() {
		return db.Quote{}
	}
	return db.Quote{Text: form.Quote, By: form.By}
}

// showQuoteRemoved answers the removal of a quote, which an undo brings back.
func (s *Server) showQuoteRemoved(w http.ResponseWriter, r *http.Request, user db.User, removed db.Quote) error {
	undo := undoForm{URL: profilePath(user.ID) + "/quote", Quote: removed.Text, By: removed.By}
	if undo.Quote != "" && wantsFragment(r) {
		return s.fragment(w, http.StatusOK, part{"quote-removed", undo}, part{"status", quoteRemoved + " You can undo that."})
	}
	if undo.Quote != "" {
		s.leaveNotice(w, r, notice{Text: quoteRemoved, Undo: undo})
	}
	return s.showSavedPart(w, r, user, quotePart, quoteRemoved)
}
