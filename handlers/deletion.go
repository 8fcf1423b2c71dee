package handlers

import (
	"errors"
	"fmt"
	"net/http"

	"inkwell/db"
)

// undoHint says how long a deletion can be taken back.
var undoHint = fmt.Sprintf("You can undo that for %d minutes.", int(db.UndoPeriod.Minutes()))

// deletedView is what post-deleted.html shows in the place of a post.
type deletedView struct {
	ID    int64
	Title string
	View  string
	Alone bool // nothing else is on the page
}

// deletePost handles "DELETE /posts/{id}" and "POST /posts/{id}/delete". It
// does not ask: who deleted a post can take that back.
func (s *Server) deletePost(w http.ResponseWriter, r *http.Request, user db.User) error {
	view, err := requestedView(r)
	if err != nil {
		return err
	}
	post, err := s.deleteFor(r, user)
	if err != nil {
		return err
	}
	title := shownTitle(post.Title)
	if wantsFragment(r) {
		return s.fragment(w, http.StatusOK, part{"post-deleted", deletedView{post.ID, title, view, view == viewPage}}, part{"status", "Deleted. " + undoHint})
	}
	s.leaveNotice(w, r, notice{Text: fmt.Sprintf("“%s” is deleted. %s", title, undoHint), Undo: undoForm{URL: postPath(post.ID, "") + "/restore"}})
	http.Redirect(w, r, listOf(post.Published), http.StatusSeeOther)
	return nil
}

// deleteFor deletes the post that the path names, if the user may.
func (s *Server) deleteFor(r *http.Request, user db.User) (db.Post, error) {
	v := known(user)
	row, err := s.findPost(r, v)
	post := row.Post
	if err != nil {
		return post, err
	}
	if post.AuthorID != user.ID && !mayModerate(v) {
		return post, errNotModerator
	}
	if err := s.db.DeletePost(r.Context(), post.ID, user.ID); err != nil {
		return post, fmt.Errorf("delete post %d: %w", post.ID, err)
	}
	deleted, err := s.db.GetAnyPost(r.Context(), post.ID) // it may have been published meanwhile
	s.publishPost(post.ID, err != nil || deleted.HasReaders(), false)
	return post, nil
}

// listOf is the page that lists posts of a kind.
func listOf(published bool) string {
	if published {
		return "/"
	}
	return "/drafts"
}

// requestedView returns the way of showing that a form or a query names.
func requestedView(r *http.Request) (string, error) {
	if r.Method != http.MethodPost {
		return viewOf(r.URL.Query().Get("view")), nil
	}
	values, err := readForm(r)
	return viewOf(values.Get("view")), err
}

// restorePost handles "POST /posts/{id}/restore": the undo of a deletion.
func (s *Server) restorePost(w http.ResponseWriter, r *http.Request, user db.User) error {
	view, err := requestedView(r)
	if err != nil {
		return err
	}
	id, err := pathID(r)
	if err != nil {
		return err
	}
	post, err := s.db.RestorePost(r.Context(), id, user.ID)
	if errors.Is(err, db.ErrTitleTaken) {
		return errTitleInUseAgain
	}
	if err != nil {
		return fmt.Errorf("restore post %d: %w", id, err)
	}
	s.publishPost(post.ID, false, post.HasReaders())
	return s.showUpdated(w, r, user, post, view, "The post is back.")
}
