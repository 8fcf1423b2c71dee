package handlers

import (
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"inkwell/db"
)

// editPost handles "GET /posts/{id}/edit".
func (s *Server) editPost(w http.ResponseWriter, r *http.Request, user db.User) error {
	post, err := s.findOwnPost(r, user)
	if err != nil {
		return err
	}
	query := r.URL.Query()
	form, err := s.editForm(r, post.Post, query.Get("view"))
	if err == nil {
		form, err = s.withCopies(r.Context(), form, post.Post, isOn(query.Get("copy")))
	}
	if err != nil {
		return err
	}
	form.Focus = focusTitle
	return s.showForm(w, r, http.StatusOK, form)
}

// editForm is the form that holds a post and its poll as they stand.
func (s *Server) editForm(r *http.Request, p db.Post, view string) (postForm, error) {
	form := editForm(p, viewOf(view))
	text, votes, err := s.db.GetPollText(r.Context(), p.ID)
	if err != nil {
		return form, fmt.Errorf("poll of post %d: %w", p.ID, err)
	}
	form.Poll = newPollForm(form.FormID, text, votes, p.Published)
	return form, nil
}

// updatePost handles "POST /posts/{id}".
func (s *Server) updatePost(w http.ResponseWriter, r *http.Request, user db.User) error {
	values, err := readForm(r)
	if err != nil {
		return err
	}
	old, form, err := s.sentForm(r, user, values)
	if errors.Is(err, sql.ErrNoRows) {
		return s.offerAsNew(w, r, user, values)
	}
	if err != nil {
		return err
	}
	content, poll, problems := s.prepareForm(form)
	if problems != (fieldProblems{}) {
		return s.refuse(w, r, form, problems)
	}
	post, err := s.db.UpdatePost(r.Context(), db.UpdatePostParams{
		ID: old.ID, Title: &form.Title, Content: &content, Published: &form.Published, Poll: poll, Version: db.Time(form.Version), FormKey: form.FormKey,
	})
	switch {
	case errors.Is(err, db.ErrStale):
		return s.showStale(w, r, old.ID, form)
	case errors.Is(err, sql.ErrNoRows):
		return s.offerAsNew(w, r, user, values)
	case err != nil:
		return s.giveBack(w, r, form, fmt.Errorf("update post %d: %w", old.ID, err))
	}
	s.publishPost(post.ID, old.HasReaders(), post.HasReaders())
	return s.showUpdated(w, r, user, post, form.View, "Saved.")
}

// offerAsNew gives back what was typed into the form of a post that is gone.
func (s *Server) offerAsNew(w http.ResponseWriter, r *http.Request, user db.User, values url.Values) error {
	form := newPostForm(viewPage, user.ID)
	key := form.FormKey
	form.fill(values)
	form.refuse(fieldProblems{})
	form.FormKey, form.Focus = key, focusTitle
	form.Problem = "This post was deleted in the meantime. You can keep what you wrote as a new one."
	return s.showForm(w, r, http.StatusNotFound, form)
}

// showStale gives the typed text back when the post was changed meanwhile. To
// send it again is to decide for it.
func (s *Server) showStale(w http.ResponseWriter, r *http.Request, id int64, form postForm) error {
	row, err := s.db.GetPost(r.Context(), id)
	if err != nil {
		return fmt.Errorf("update post %d: %w", id, err)
	}
	form.Version = int64(row.Post.UpdatedAt)
	form.Autosave.URL = "" // to replace that version is for the author to decide
	form.Problem = "This post was changed elsewhere after you opened it. Save again to replace that version with this one."
	form.Focus = focusTitle
	return s.showForm(w, r, http.StatusConflict, form)
}

// showUpdated answers a change of a post: htmx with the post and what was done,
// else with its page.
func (s *Server) showUpdated(w http.ResponseWriter, r *http.Request, user db.User, post db.Post, view, done string) error {
	if !wantsFragment(r) {
		http.Redirect(w, r, permalinkOf(post).String(), http.StatusSeeOther)
		return nil
	}
	after := s.hub.Last() // before the post is read: nothing comes between
	row, err := s.db.GetPost(r.Context(), post.ID)
	if err != nil {
		return fmt.Errorf("show post %d: %w", post.ID, err)
	}
	if view == viewPage {
		w.Header().Set("HX-Replace-Url", permalinkOf(post).String())
	}
	return s.showInPlace(w, r, http.StatusOK, row, known(user), view, after, part{"status", done})
}
