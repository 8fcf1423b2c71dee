package handlers

import (
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"inkwell/db"
)

const hiddenText = "A moderator has hidden this post, so that it cannot be published. You can edit it and save it unpublished, or delete it."

// hiding is what hidden.html shows: why a post is hidden.
type hiding struct {
	Reason string // "": it is not
	By     string // its author is not told who
	Time   moment // may be none
}

// newHiding says why a post is hidden, if it is.
func newHiding(row db.GetPostRow, v visitor) hiding {
	p := row.Post
	if p.HiddenAt == 0 {
		return hiding{}
	}
	h := hiddenFor(p.HiddenReason)
	h.Time = newMoment(p.HiddenAt.Time(), time.Now())
	if mayModerate(v) && p.AuthorID != v.user.ID {
		h.By = displayName(row.HiddenByName, row.HiddenByUsername)
	}
	return h
}

// hiddenFor is what the author is told.
func hiddenFor(reason db.Text) hiding { return hiding{Reason: string(reason), By: "a moderator"} }

// confirmHiding handles "GET /posts/{id}/hide": it asks for the reason.
func (s *Server) confirmHiding(w http.ResponseWriter, r *http.Request, user db.User) error {
	post, err := s.findOthersPost(r, user)
	if err != nil {
		return err
	}
	form := newHideForm(post.ID, shownTitle(post.Title), hidingViewOf(r.URL.Query().Get("view")))
	return s.showReasonForm(w, r, http.StatusOK, form)
}

// hidingViewOf is viewOf where a post may stand in the moderators' queue, too.
func hidingViewOf(name string) string {
	if name == viewQueue {
		return viewQueue
	}
	return viewOf(name)
}

// newHideForm asks why a post is to be hidden, which is shown in a way of
// hidingViewOf.
func newHideForm(id int64, title, view string) reasonForm {
	path := postPath(id, "") // no title: it goes into attributes of htmx
	form := reasonForm{
		Heading: "Hide “" + title + "”", ID: fmt.Sprintf("hide-form-%d", id), Action: path + "/hide", View: view,
		Intro:  "Only its author and the moderators will still see this post. The author is told your reason, not your name.",
		Label:  "Reason",
		Button: "Hide", CancelURL: path, CancelTarget: fmt.Sprintf("#post-%d", id),
	}
	if view == viewQueue {
		form.CancelURL, form.CancelTarget = moderationPath, "" // or the form is folded away
	}
	return form
}

// findOthersPost returns the post that the path names, which the user may see
// and has not written.
func (s *Server) findOthersPost(r *http.Request, user db.User) (db.Post, error) {
	row, err := s.findPost(r, known(user))
	if err == nil && row.Post.AuthorID == user.ID {
		return row.Post, errOwnCase
	}
	return row.Post, err
}

// hidePost handles "POST /posts/{id}/hide".
func (s *Server) hidePost(w http.ResponseWriter, r *http.Request, user db.User) error {
	values, err := readForm(r)
	if err != nil {
		return err
	}
	post, err := s.findOthersPost(r, user)
	if err != nil {
		return err
	}
	view := hidingViewOf(values.Get("view"))
	form := newHideForm(post.ID, shownTitle(post.Title), view)
	if !form.fill(values) || !form.require("Say why: the author has to know.") {
		return s.showReasonForm(w, r, http.StatusUnprocessableEntity, form)
	}
	if post, err = s.db.HidePost(r.Context(), db.HidePostParams{ID: post.ID, By: user.ID, Reason: form.Reason}); err != nil {
		return s.giveReasonBack(w, r, form, decidedIfGone(err))
	}
	s.publishPost(post.ID, true, false)
	said := fmt.Sprintf("“%s” is hidden.", post.Title)
	if view == viewQueue {
		return s.showDecided(w, r, post, said)
	}
	return s.showModerated(w, r, user, post, view, said)
}

// unhidePost handles "POST /posts/{id}/unhide".
func (s *Server) unhidePost(w http.ResponseWriter, r *http.Request, user db.User) error {
	values, err := readForm(r)
	if err != nil {
		return err
	}
	post, err := s.findOthersPost(r, user)
	if err != nil {
		return err
	}
	version, _ := strconv.ParseInt(values.Get("version"), 10, 64) // programs need not say
	post, err = s.db.UnhidePost(r.Context(), db.UnhidePostParams{ID: post.ID, By: user.ID, Version: db.Time(version)})
	if errors.Is(err, db.ErrUntitled) {
		return errNoTitleToShow
	}
	if err != nil {
		return decidedIfGone(err)
	}
	s.publishPost(post.ID, false, true)
	return s.showModerated(w, r, user, post, values.Get("view"), fmt.Sprintf("“%s” is published again.", post.Title))
}

// decidedIfGone explains why there is nothing to be decided any more.
func decidedIfGone(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return errDecided
	}
	return fmt.Errorf("moderate: %w", err)
}

// showModerated answers with the post as it is now.
func (s *Server) showModerated(w http.ResponseWriter, r *http.Request, user db.User, post db.Post, view, said string) error {
	if !wantsFragment(r) {
		s.leaveNotice(w, r, notice{Text: said})
	}
	w.Header().Set("HX-Retarget", fmt.Sprintf("#post-%d", post.ID))
	return s.showUpdated(w, r, user, post, viewOf(view), said)
}
