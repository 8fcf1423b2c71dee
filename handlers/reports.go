package handlers

import (
	"errors"
	"fmt"
	"net/http"
	"slices"

	"inkwell/db"
)

// reportKinds are what can be wrong with a post.
var reportKinds = []choice{
	{db.ReportSpam, "Spam or advertising"},
	{db.ReportAbuse, "Abuse or harassment"},
	{db.ReportIllegal, "Something illegal"},
	{db.ReportOther, "Something else"},
}

// reportKind is what a kind of report is called.
func reportKind(name string) string {
	for _, kind := range reportKinds {
		if kind.Name == name {
			return kind.Label
		}
	}
	return name
}

// reportedView is what reported.html shows.
type reportedView struct {
	ID    int64
	Title string
}

// confirmReport handles "GET /posts/{id}/report": it asks what is wrong.
func (s *Server) confirmReport(w http.ResponseWriter, r *http.Request, user db.User) error {
	post, err := s.findReportable(r, user)
	if err != nil {
		return err
	}
	reported, err := s.db.HasReported(r.Context(), db.HasReportedParams{PostID: post.ID, ReporterID: user.ID})
	if err != nil {
		return fmt.Errorf("report post %d: %w", post.ID, err)
	}
	if reported {
		return errReported
	}
	return s.showReasonForm(w, r, http.StatusOK, newReportForm(post, viewOf(r.URL.Query().Get("view"))))
}

func newReportForm(post db.Post, view string) reasonForm {
	path := postPath(post.ID, "") // no title: it goes into attributes of htmx
	return reasonForm{
		Heading: "Report “" + shownTitle(post.Title) + "”", ID: fmt.Sprintf("report-form-%d", post.ID), Action: path + "/report", View: view,
		Intro: "Moderators will look at the post. They see who reports it; its author does not.",
		Kinds: reportKinds, Label: "What should they know? (optional)",
		Button: "Report", CancelURL: path, CancelTarget: fmt.Sprintf("#post-%d", post.ID),
	}
}

// findReportable returns the post that the path names, which readers can see
// and the user has not written.
func (s *Server) findReportable(r *http.Request, user db.User) (db.Post, error) {
	row, err := s.findPost(r, known(user))
	switch {
	case err != nil:
		return row.Post, err
	case row.Post.AuthorID == user.ID:
		return row.Post, errOwnReport
	case !row.Post.Published:
		return row.Post, errDecided
	}
	return row.Post, nil
}

// reportPost handles "POST /posts/{id}/report".
func (s *Server) reportPost(w http.ResponseWriter, r *http.Request, user db.User) error {
	values, err := readForm(r)
	if err != nil {
		return err
	}
	post, err := s.findReportable(r, user)
	if err != nil {
		return err
	}
	form := newReportForm(post, viewOf(values.Get("view")))
	if !form.fill(values) || !form.checkKind() {
		return s.showReasonForm(w, r, http.StatusUnprocessableEntity, form)
	}
	err = s.db.ReportPost(r.Context(), db.ReportPostParams{ID: post.ID, By: user.ID, Kind: form.Kind, Text: form.Reason})
	switch {
	case errors.Is(err, db.ErrReported):
		return errReported
	case err != nil:
		return s.giveReasonBack(w, r, form, fmt.Errorf("report post %d: %w", post.ID, err))
	}
	if wantsFragment(r) {
		return s.fragment(w, http.StatusCreated, part{"reported", reportedView{post.ID, post.Title}}, part{"status", "Thank you. A moderator will look at it."})
	}
	s.leaveNotice(w, r, notice{Text: fmt.Sprintf("Thank you. A moderator will look at “%s”.", post.Title)})
	http.Redirect(w, r, permalinkOf(post).String(), http.StatusSeeOther)
	return nil
}

// checkKind says what is missing in a report, and reports whether nothing is.
func (f *reasonForm) checkKind() bool {
	if !slices.ContainsFunc(f.Kinds, func(kind choice) bool { return kind.Name == f.Kind }) {
		f.KindProblem = "Choose what is wrong with it."
		return false
	}
	return f.Kind != db.ReportOther || f.require("Say what is wrong with it.")
}
