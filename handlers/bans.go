package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"inkwell/clerk"
	"inkwell/db"
)

// A ban is what an administrator does to a user's account: it shuts them out,
// or lets them in again.
type ban struct {
	act    db.Act
	asking func(user db.User) reasonForm
	atDesk func(*clerk.API, context.Context, string) (clerk.User, error)
	done   string // said of the user
}

var (
	banning   = ban{db.ActBan, newBanForm, (*clerk.API).BanUser, "%s is banned."}
	unbanning = ban{db.ActUnban, newUnbanForm, (*clerk.API).UnbanUser, "%s can sign in again."}
)

func newBanForm(user db.User) reasonForm {
	path := profilePath(user.ID)
	return reasonForm{
		Heading: "Ban " + displayName(user.Name, user.Username), ID: "ban-form", Action: path + "/ban", CancelURL: path,
		Intro: "They are signed out everywhere and cannot sign in again. Their posts stay, unless you hide them too.",
		Label: "Reason, for the moderators’ log", CanHidePosts: true, Button: "Ban",
	}
}

func newUnbanForm(user db.User) reasonForm {
	path := profilePath(user.ID)
	return reasonForm{
		Heading: "Let " + displayName(user.Name, user.Username) + " in again", ID: "unban-form", Action: path + "/unban", CancelURL: path,
		Intro: "They can sign in again. Posts that were hidden stay so until a moderator restores them.",
		Label: "Reason, for the moderators’ log (optional)", Button: "Let in again",
	}
}

// confirmBan handles "GET /users/{id}/ban": it asks for the reason.
func (s *Server) confirmBan(w http.ResponseWriter, r *http.Request, admin db.User) error {
	return s.confirm(w, r, admin, banning)
}

// confirmUnban handles "GET /users/{id}/unban".
func (s *Server) confirmUnban(w http.ResponseWriter, r *http.Request, admin db.User) error {
	return s.confirm(w, r, admin, unbanning)
}

func (s *Server) confirm(w http.ResponseWriter, r *http.Request, admin db.User, b ban) error {
	user, err := s.findOther(r, admin)
	if err != nil {
		return err
	}
	return s.showReasonForm(w, r, http.StatusOK, b.asking(user))
}

// findOther returns the user that the path names, who is somebody else.
func (s *Server) findOther(r *http.Request, user db.User) (db.User, error) {
	row, err := s.findProfile(r)
	if err == nil && row.User.ID == user.ID {
		return row.User, errOwnBan
	}
	return row.User, err
}

// banUser handles "POST /users/{id}/ban".
func (s *Server) banUser(w http.ResponseWriter, r *http.Request, admin db.User) error {
	return s.decideOn(w, r, admin, banning)
}

// unbanUser handles "POST /users/{id}/unban".
func (s *Server) unbanUser(w http.ResponseWriter, r *http.Request, admin db.User) error {
	return s.decideOn(w, r, admin, unbanning)
}

// decideOn bans a user or lets them in again: at Clerk first, who decides who
// may sign in. When that fails nothing is changed here.
func (s *Server) decideOn(w http.ResponseWriter, r *http.Request, admin db.User, b ban) error {
	values, err := readForm(r)
	if err != nil {
		return err
	}
	user, err := s.findOther(r, admin)
	if err != nil {
		return err
	}
	form := b.asking(user)
	if !form.fill(values) || b.act == db.ActBan && !form.require("Say why: other moderators have to know.") {
		return s.showReasonForm(w, r, http.StatusUnprocessableEntity, form)
	}
	asked := db.TimeOf(time.Now())
	there, err := b.atDesk(s.clerkAPI, r.Context(), user.ClerkID)
	switch {
	case errors.Is(err, clerk.ErrUserNotFound):
		return errBannedNobody
	case err != nil && wantsFragment(r):
		return fmt.Errorf("%s user %d: %w: %w", b.act, user.ID, errNotBanned, err)
	case err != nil:
		return s.showClerkFailure(w, r, form, err)
	}
	params := db.BanUserParams{User: userDataAsOf(there, asked), Act: b.act, By: admin.ID, Reason: form.Reason, HidePosts: form.HidePosts}
	return s.saveBan(w, r, user, params, b.done)
}

// showClerkFailure gives the form back when Clerk could not be asked.
func (s *Server) showClerkFailure(w http.ResponseWriter, r *http.Request, form reasonForm, err error) error {
	s.log.Error("cannot ban or unban a user at Clerk", "id", requestID(r), "error", err)
	w.Header().Set("Retry-After", retryAfter)
	form.Failure = errNotBanned.text
	return s.showReasonForm(w, r, http.StatusServiceUnavailable, form)
}

// saveBan does here what was done at Clerk, also when the browser has gone.
func (s *Server) saveBan(w http.ResponseWriter, r *http.Request, user db.User, p db.BanUserParams, done string) error {
	hidden, err := s.db.BanUser(context.WithoutCancel(r.Context()), p)
	if err != nil {
		return err
	}
	s.publish(change{kind: rightsChanged, who: user.ClerkID})
	for _, id := range hidden[:min(len(hidden), maxPublishedGone)] {
		s.publishPost(id, true, false)
	}
	said := fmt.Sprintf(done, displayName(user.Name, user.Username))
	if len(hidden) > 0 {
		said += " Hidden: " + plural(len(hidden), "post") + "."
	}
	if wantsFragment(r) {
		return s.fragment(w, http.StatusOK, part{"alert", notice{Text: said}}, part{"status", said})
	}
	s.leaveNotice(w, r, notice{Text: said})
	http.Redirect(w, r, profilePath(user.ID), http.StatusSeeOther)
	return nil
}
