package handlers

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"inkwell/db"
)

// A resumeOffer leads from a form to what was typed before and never sent.
type resumeOffer struct {
	Text     string
	URL      string
	LinkText string
	HTMX     bool // it can be had in the place of the form
}

// A discardUndo brings back into a form what was discarded.
type discardUndo struct {
	Text   string
	URL    string
	CopyID int64
}

// noCopy says why what was discarded stays away.
const noCopy = "What you discarded cannot be brought back: it was discarded too long ago, or it was sent meanwhile. What stands in this form is untouched."

// withCopies adds to the form of a post how what was typed into forms of it and
// never sent stands: an offer of that, or how it is discarded where the form holds
// it, and the undo of what was discarded. What was taken comes into the form.
func (s *Server) withCopies(ctx context.Context, form postForm, p db.Post, taken bool) (postForm, error) {
	form.Offer, form.DiscardURL, form.Undo = nil, "", nil
	held, err := s.db.GetWorkingCopy(ctx, p.ID)
	if err == nil {
		form.offer(held, taken)
	} else if !errors.Is(err, sql.ErrNoRows) {
		return form, fmt.Errorf("working copy of post %d: %w", p.ID, err)
	}
	since := db.TimeOf(time.Now().Add(-db.UndoPeriod))
	gone, err := s.db.GetDiscardedCopy(ctx, db.GetDiscardedCopyParams{PostID: p.ID, Since: since})
	if err == nil {
		form.offerUndo(gone)
	} else if !errors.Is(err, sql.ErrNoRows) {
		return form, fmt.Errorf("discarded copy of post %d: %w", p.ID, err)
	}
	return form, nil
}

// offer adds a working copy, or puts it into the form when it was taken. That of
// the form itself needs no offer.
func (f *postForm) offer(held db.WorkingCopy, taken bool) {
	if taken {
		f.Title, f.Content, f.FormKey, f.Version = held.Title, held.Content, held.FormKey, int64(held.Version)
	}
	at := dayTime(held.SavedAt, time.Now())
	f.DiscardURL, f.FromCopy = f.Action+"/discard", f.FromCopy || held.FormKey == f.FormKey
	if f.FromCopy {
		f.Autosave.Text = fmt.Sprintf("These are your changes from %s. They are not published yet.", at)
		return
	}
	f.Offer = &resumeOffer{
		Text: fmt.Sprintf("You have changes from %s that are not published.", at),
		URL:  fmt.Sprintf("%s/edit?copy=on&view=%s", f.Action, f.View), LinkText: "Go on with them", HTMX: true,
	}
}

// offerUndo adds the way back of a working copy that was discarded, beside what
// was offered before.
func (f *postForm) offerUndo(gone db.WorkingCopy) {
	which := "Your changes"
	if f.FromCopy || f.Offer != nil {
		which = "Other changes"
	}
	until := gone.DiscardedAt.Add(db.UndoPeriod)
	f.Undo = &discardUndo{
		Text: fmt.Sprintf("%s from %s are discarded. You can undo that until %s.", which, dayTime(gone.SavedAt, time.Now()), clockTime(until)),
		URL:  f.Action + "/discard/undo", CopyID: gone.ID,
	}
}

// discardWorkingCopy handles "POST /posts/{id}/discard": it takes away what was
// typed before and never sent. What was typed since stays in the form, and so
// does the poll, which no working copy holds.
func (s *Server) discardWorkingCopy(w http.ResponseWriter, r *http.Request, user db.User) error {
	values, err := readForm(r)
	if err != nil {
		return err
	}
	post, form, err := s.keyedForm(r, user, values)
	if errors.Is(err, sql.ErrNoRows) {
		return s.offerAsNew(w, r, user, values)
	}
	if err != nil {
		return err
	}
	form.refuse(fieldProblems{})
	var typed *db.FormText
	if form.FromCopy {
		typed, _ = s.typedInto(form, post) // of what cannot be kept, what was kept before
	}
	err = s.db.DiscardWorkingCopy(r.Context(), post.ID, typed)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return s.offerAsNew(w, r, user, values)
	case err != nil:
		return s.giveBack(w, r, form, fmt.Errorf("discard changes of post %d: %w", post.ID, err))
	}
	if form.FromCopy {
		poll := form.Poll
		form = editForm(post, form.View)
		form.Poll = poll
	}
	form, err = s.withCopies(r.Context(), form, post, false)
	if err != nil {
		return err
	}
	form.Focus = focusTitle
	said := "Your changes are discarded."
	if form.Undo != nil {
		form.Focus, said = focusUndo, form.Undo.Text
	}
	return s.showFormSaying(w, r, form, said)
}

// restoreWorkingCopy handles "POST /posts/{id}/discard/undo". What is typed into
// the form meanwhile is discarded in its turn.
func (s *Server) restoreWorkingCopy(w http.ResponseWriter, r *http.Request, user db.User) error {
	values, err := readForm(r)
	if err != nil {
		return err
	}
	post, form, err := s.keyedForm(r, user, values)
	if errors.Is(err, sql.ErrNoRows) {
		return s.offerAsNew(w, r, user, values)
	}
	if err != nil {
		return err
	}
	typed, problems := s.typedInto(form, post)
	if problems != (fieldProblems{}) {
		return s.refuse(w, r, form, problems)
	}
	id, _ := strconv.ParseInt(values.Get("discarded"), 10, 64) // 0: none has that
	err = s.db.RestoreWorkingCopy(r.Context(), post.ID, id, typed)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		form.Problem, form.Focus = noCopy, focusTitle
		return s.showForm(w, r, http.StatusNotFound, form)
	case err != nil:
		return s.giveBack(w, r, form, fmt.Errorf("restore changes of post %d: %w", post.ID, err))
	}
	form, err = s.withCopies(r.Context(), form, post, true)
	if err != nil {
		return err
	}
	form.Focus = focusTitle
	said := "Your changes are back."
	if form.Undo != nil {
		said += " " + form.Undo.Text
	}
	return s.showFormSaying(w, r, form, said)
}

// sentForm is the form of the user's own post that the path names, with what was
// typed into it and what was typed before.
func (s *Server) sentForm(r *http.Request, user db.User, values url.Values) (db.Post, postForm, error) {
	row, err := s.findOwnPost(r, user)
	if err != nil {
		return row.Post, postForm{}, err
	}
	form, err := s.editForm(r, row.Post, values.Get("view"))
	if err != nil {
		return row.Post, form, err
	}
	form.fill(values)
	form.FromCopy = isOn(values.Get("copy"))
	form, err = s.withCopies(r.Context(), form, row.Post, false)
	return row.Post, form, err
}

// keyedForm is sentForm for a form that something is to be kept of.
func (s *Server) keyedForm(r *http.Request, user db.User, values url.Values) (db.Post, postForm, error) {
	post, form, err := s.sentForm(r, user, values)
	if err == nil && !form.isKeyed(values) {
		err = errBadForm
	}
	return post, form, err
}

// typedInto returns what is to be kept of a form whose text makes room for
// another: nil when that is nothing but the post as it stands.
func (s *Server) typedInto(form postForm, post db.Post) (*db.FormText, fieldProblems) {
	if form.Title+form.Content == "" || form.Title == post.Title && form.Content == post.Content {
		return nil, fieldProblems{}
	}
	content, problems := s.prepare(form.postText)
	if problems != (fieldProblems{}) {
		return nil, problems
	}
	typed := form.unsent(content)
	return &typed, problems
}

// showFormSaying answers with a form, and says what was done where it changes in
// place.
func (s *Server) showFormSaying(w http.ResponseWriter, r *http.Request, form postForm, said string) error {
	if wantsFragment(r) {
		return s.fragment(w, http.StatusOK, part{"post-form", form}, part{"status", said})
	}
	return s.showForm(w, r, http.StatusOK, form)
}
