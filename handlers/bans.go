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
		Heading: "Let in again: " + displayName(user.Name, user.Username), ID: "unban-form", Action: path + "/unban", CancelURL: path,
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

// findWithBan is findOther, with the id of the last ban that the log has. It is
// read first: a ban that comes between is later than that.
func (s *Server) findWithBan(r *http.Request, user db.User) (seen int64, other db.User, err error) {
	id, err := pathID(r)
	if err != nil {
		return 0, db.User{}, err
	}
	if seen, err = s.db.GetLastBanID(r.Context(), id); err != nil {
		return 0, db.User{}, err
	}
	other, err = s.findOther(r, user)
	return seen, other, err
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
	seen, user, err := s.findWithBan(r, admin)
	if err != nil {
		return err
	}
	form := b.asking(user)
	if !form.fill(values) || b.act == db.ActBan && !form.require("Say why: other moderators have to know.") {
		return s.showReasonForm(w, r, http.StatusUnprocessableEntity, form)
	}
	params := db.BanUserParams{Act: b.act, By: admin.ID, Seen: seen, Reason: form.Reason, HidePosts: form.HidePosts}
	hidden, err := s.carryOut(r.Context(), b, user, params)
	if err != nil {
		return s.giveBanBack(w, r, form, fmt.Errorf("%s user %d: %w", b.act, user.ID, err))
	}
	return s.showBanned(w, r, user, fmt.Sprintf(b.done, displayName(user.Name, user.Username)), hidden)
}

// carryOut does at Clerk and then here what was decided on a user, also when the
// browser has gone, and returns the ids of the posts that it hid.
func (s *Server) carryOut(ctx context.Context, b ban, user db.User, p db.BanUserParams) ([]int64, error) {
	ctx = context.WithoutCancel(ctx)
	asked := db.TimeOf(time.Now())
	there, err := s.banAtClerk(ctx, b, user.ClerkID)
	switch {
	case errors.Is(err, clerk.ErrUserNotFound):
		return nil, errBannedNobody
	case err != nil:
		return nil, fmt.Errorf("%w: %w", errNotBanned, err)
	}
	p.User, p.Again = userDataAsOf(there, asked), user.Banned == there.Banned
	hidden, err := s.db.BanUser(ctx, p)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errHalfBanned, err)
	}
	s.publish(change{kind: rightsChanged, who: user.ClerkID})
	for _, id := range hidden[:min(len(hidden), maxPublishedGone)] {
		s.publishPost(id, true, false)
	}
	return hidden, nil
}

// banAtClerk bans a user at Clerk, or lets them in. Where the answer does not
// come Clerk may have done it all the same.
func (s *Server) banAtClerk(ctx context.Context, b ban, clerkID string) (clerk.User, error) {
	user, err := b.atDesk(s.clerkAPI, ctx, clerkID)
	if err == nil || errors.Is(err, clerk.ErrUserNotFound) {
		return user, err
	}
	there, askErr := s.clerkAPI.User(ctx, clerkID)
	if askErr == nil && there.Banned == (b.act == db.ActBan) {
		return there, nil
	}
	return clerk.User{}, err
}

// giveBanBack gives the form back when what it asks for could not be done, where
// a page without JavaScript would lose what was typed. Any other error it
// returns.
func (s *Server) giveBanBack(w http.ResponseWriter, r *http.Request, form reasonForm, err error) error {
	p := problemOf(err)
	if wantsFragment(r) || p.status != http.StatusServiceUnavailable {
		return err
	}
	s.log.Error("cannot ban or unban a user", "id", requestID(r), "error", err)
	w.Header().Set("Retry-After", retryAfter)
	form.Failure = p.text
	return s.showReasonForm(w, r, p.status, form)
}

// showBanned answers what was done to a user.
func (s *Server) showBanned(w http.ResponseWriter, r *http.Request, user db.User, said string, hidden []int64) error {
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
