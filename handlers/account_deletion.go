package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"inkwell/clerk"
	"inkwell/db"
)

// deletionWord is what has to be typed to delete an account.
const deletionWord = "delete"

// deletionView is what delete-account.html shows.
type deletionView struct {
	Name    string
	Ask     string // the word to be typed
	Word    string // as typed
	Wrong   string // with the word; "": nothing
	Problem string // with the form; "": none
}

// confirmDeletion handles "GET /settings/delete".
func (s *Server) confirmDeletion(w http.ResponseWriter, r *http.Request, user db.User) error {
	return s.showDeletion(w, r, http.StatusOK, user, deletionView{})
}

func (s *Server) showDeletion(w http.ResponseWriter, r *http.Request, status int, user db.User, view deletionView) error {
	view.Name, view.Ask = displayName(user.Name, user.Username), deletionWord
	return s.page(w, r, status, "delete-account", page{Title: "Delete your account", Main: view})
}

// deleteAccount handles "POST /settings/delete": the user goes at Clerk first,
// because a user who is there still would come back here.
func (s *Server) deleteAccount(w http.ResponseWriter, r *http.Request, user db.User) error {
	form, err := readForm(r)
	if err != nil {
		return err
	}
	view := deletionView{Word: clip(form.Get("word"), 100)}
	if !strings.EqualFold(strings.TrimSpace(view.Word), deletionWord) {
		view.Wrong = fmt.Sprintf("Type the word “%s” to delete your account. Nothing is deleted yet.", deletionWord)
		return s.showDeletion(w, r, http.StatusUnprocessableEntity, user, view)
	}
	if err := s.deleteAtClerk(context.WithoutCancel(r.Context()), user.ClerkID); err != nil {
		s.log.Error("cannot delete a user at Clerk", "id", requestID(r), "user", user.ClerkID, "error", err)
		w.Header().Set("Retry-After", retryAfter)
		view.Problem = "Clerk, which keeps the accounts of this site, could not be asked to delete yours. Nothing was deleted here: try again in a minute."
		return s.showDeletion(w, r, http.StatusServiceUnavailable, user, view)
	}
	return s.forgetUser(w, r, user)
}

// deleteAtClerk deletes a user at Clerk, also when the browser has gone. Where
// the answer does not come Clerk may have deleted them all the same.
func (s *Server) deleteAtClerk(ctx context.Context, clerkID string) error {
	err := s.clerkAPI.DeleteUser(ctx, clerkID)
	if err == nil {
		return nil
	}
	if _, gone := s.clerkAPI.User(ctx, clerkID); errors.Is(gone, clerk.ErrUserNotFound) {
		return nil
	}
	return err
}

// forgetUser deletes here who is deleted at Clerk, and signs them out. It goes
// on when the browser has gone.
func (s *Server) forgetUser(w http.ResponseWriter, r *http.Request, user db.User) error {
	s.forgetSession(w, r)
	ctx := context.WithoutCancel(r.Context())
	if err := s.db.DeleteUser(ctx, user.ClerkID); err != nil {
		s.fail(w, withVisitor(r, visitor{}), fmt.Errorf("delete user %d: %w: %w", user.ID, errHalfDeleted, err))
		return nil
	}
	s.publishDeletion(ctx, user.ClerkID)
	s.log.Info("a user has deleted their account", "id", requestID(r), "user", user.ClerkID)
	s.leaveNotice(w, r, notice{Text: "Your account is deleted, with everything you wrote here."})
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}
