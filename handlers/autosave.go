package handlers

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"time"

	"inkwell/db"
)

// autosaveView is what autosave.html shows: how a form that saves itself
// stands, beside its buttons.
type autosaveView struct {
	FormID string
	URL    string // where to it saves itself; "": not any more
	Text   string
}

// offerFor is how long a draft that saved itself is offered where another one
// is begun. The list of drafts has it for good.
const offerFor = 24 * time.Hour

// clockTime is a time of day as authors read it.
func clockTime(t db.Time) string { return t.Time().Format("15:04 UTC") }

// dayTime is clockTime, with the date when that is not today.
func dayTime(t db.Time, now time.Time) string {
	const day = "2 January 2006, "
	if date := t.Time().UTC().Format(day); date != now.UTC().Format(day) {
		return date + clockTime(t)
	}
	return clockTime(t)
}

// autosavePost handles "POST /posts/autosave" and "POST /posts/{id}/autosave",
// which a form sends by itself. Nobody has asked for it: what goes wrong is said
// beside the form alone.
func (s *Server) autosavePost(w http.ResponseWriter, r *http.Request, user db.User) error {
	said, err := s.autosave(w, r, user)
	switch {
	case err == nil && said == "":
		w.WriteHeader(http.StatusNoContent)
		return nil
	case !wantsFragment(r) && err == nil:
		http.Redirect(w, r, "/drafts", http.StatusSeeOther)
		return nil
	case !wantsFragment(r):
		return err
	case err == nil:
		return write(w, http.StatusOK, "text/html; charset=utf-8", []byte(template.HTMLEscapeString(said)))
	}
	return s.sayNotSaved(w, r, err)
}

// autosave keeps what stands in a form and says that it did, or nothing when
// nothing stands there.
func (s *Server) autosave(w http.ResponseWriter, r *http.Request, user db.User) (said string, err error) {
	p, said, err := s.readAutosave(r, user)
	if err != nil || said == "" {
		return "", err
	}
	if err := s.mayBegin(w, r, p); err != nil {
		return "", err
	}
	at, err := s.db.Autosave(r.Context(), p)
	if errors.Is(err, db.ErrTitleTaken) {
		said, p.Title = "Saved without its title, which another post of yours has", ""
		at, err = s.db.Autosave(r.Context(), p)
	}
	return fmt.Sprintf("%s, %s.", said, clockTime(at)), err
}

// readAutosave reads what stands in a form, and what is said when it is kept: ""
// when nothing stands there.
func (s *Server) readAutosave(r *http.Request, user db.User) (p db.AutosaveParams, said string, err error) {
	values, err := readForm(r)
	if err != nil {
		return p, "", err
	}
	form, said := newPostForm(viewPage, user.ID), "Saved as a draft"
	if r.PathValue("id") != "" {
		row, err := s.findOwnPost(r, user)
		if err != nil {
			return p, "", err
		}
		form, p.PostID = editForm(row.Post, viewPage), row.Post.ID
		if row.Post.HasReaders() {
			said = "Not published yet, but kept"
		}
	}
	form.fill(values)
	form.Published = false // a draft needs no title
	switch {
	case !form.isKeyed(values):
		return p, "", errBadForm
	case form.isOfAnother(values):
		return p, "", errOfAnother
	case form.Title == "" && form.Content == "":
		return p, "", nil
	}
	content, problems := s.prepare(form.postText)
	if problems != (fieldProblems{}) {
		return p, "", problems.unprocessable()
	}
	p.AuthorID, p.FormText = user.ID, form.unsent(content)
	return p, said, nil
}

// unsent is what is kept of a form that was not sent.
func (f *postForm) unsent(content db.PostContent) db.FormText {
	return db.FormText{FormKey: f.FormKey, Version: db.Time(f.Version), Title: f.Title, Content: content}
}

// mayBegin counts the draft that a form makes when it saves itself for the first
// time as what it is, a new post.
func (s *Server) mayBegin(w http.ResponseWriter, r *http.Request, p db.AutosaveParams) error {
	if p.PostID != 0 {
		return nil
	}
	begun, err := s.db.HasFormPost(r.Context(), db.HasFormPostParams{AuthorID: p.AuthorID, FormKey: db.Text(p.FormKey)})
	if err != nil {
		return fmt.Errorf("look for a draft: %w", err)
	}
	if begun {
		return nil
	}
	if wait := s.waitFor(posting, r); wait > 0 {
		return tooFast(w, posting, wait)
	}
	return nil
}

// sayNotSaved says beside a form why it could not save itself. Where it never
// can again it gives up.
func (s *Server) sayNotSaved(w http.ResponseWriter, r *http.Request, err error) error {
	p := problemOf(err)
	switch {
	case errors.Is(err, db.ErrStale):
		p.text = "This was changed or sent in another window, so that it does not save itself any more. Press a button to save what is here."
	case errors.Is(err, sql.ErrNoRows), errors.Is(err, errNotFound):
		p.text = "This was deleted in the meantime. Press a button to keep what is here as a new post."
	}
	if p.status >= http.StatusInternalServerError {
		s.log.Error("a form cannot save itself", "id", requestID(r), "error", err)
	}
	view := autosaveView{FormID: formID(r), Text: "Not saved: " + p.text}
	switch p.status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusConflict:
		w.Header().Set("HX-Reswap", "outerHTML")
		return s.fragment(w, p.status, part{"autosave", view}, part{"status", view.Text})
	}
	return write(w, p.status, "text/html; charset=utf-8", []byte(template.HTMLEscapeString(view.Text)))
}

// formID is the prefix of the ids in the form that a request comes from.
func formID(r *http.Request) string {
	id, err := pathID(r)
	switch values, _ := readForm(r); {
	case err == nil:
		return fmt.Sprintf("post-%d", id)
	case values.Get("view") == viewItem:
		return "compose-form"
	}
	return "post-form"
}

// newPostOffer offers the draft that the user typed last and never sent.
func (s *Server) newPostOffer(ctx context.Context, user db.User) (*resumeOffer, error) {
	since := db.TimeOf(time.Now().Add(-offerFor))
	draft, err := s.db.GetAutosavedDraft(ctx, db.GetAutosavedDraftParams{AuthorID: user.ID, Since: since})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for a draft: %w", err)
	}
	title := shownTitle(draft.Title)
	return &resumeOffer{
		Text: fmt.Sprintf("You have a draft that you did not finish: “%s”, saved at %s.", title, clockTime(draft.UpdatedAt)),
		URL:  postPath(draft.ID, "") + "/edit", LinkText: "Go on with it",
	}, nil
}

// publishDraft handles "POST /posts/{id}/publish": it publishes a draft as it
// stands.
func (s *Server) publishDraft(w http.ResponseWriter, r *http.Request, user db.User) error {
	values, err := readForm(r)
	if err != nil {
		return err
	}
	row, err := s.findOwnPost(r, user)
	if err != nil {
		return err
	}
	form := editForm(row.Post, viewOf(values.Get("view")))
	form.readVersion(values)
	yes := true
	post, err := s.db.UpdatePost(r.Context(), db.UpdatePostParams{ID: row.Post.ID, Published: &yes, Version: db.Time(form.Version)})
	if errors.Is(err, db.ErrUntitled) {
		return &userError{http.StatusUnprocessableEntity, titleMissing}
	}
	if err != nil {
		return fmt.Errorf("publish post %d: %w", row.Post.ID, err)
	}
	s.publishPost(post.ID, row.Post.Published, post.Published)
	return s.showUpdated(w, r, user, post, form.View, savedAs(post))
}
