package handlers

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"inkwell/db"
)

// The moderators' pages.
const (
	moderationPath = "/moderation"
	actsPath       = "/moderation/log"
)

// maxShownReports is how many reports of one post are shown.
const maxShownReports = 10

// A navItem is an entry of admin-nav.html.
type navItem struct {
	URL, Text string
	Current   bool
}

// staffNav lists the pages of those who look after the site, as far as the role
// may see them; current is the path of the one that is shown, or that it belongs
// to.
func staffNav(role, current string) []navItem {
	items := []navItem{{URL: moderationPath, Text: "Reports"}, {URL: actsPath, Text: "Log"}}
	if role == db.RoleAdmin {
		items = append(items, navItem{URL: webhooksPath, Text: "Webhooks"}, navItem{URL: dataPath, Text: "Data"})
	}
	for i := range items {
		items[i].Current = items[i].URL == current
	}
	return items
}

// queueView is what moderation.html shows, and queue.html.
type queueView struct {
	Nav   []navItem
	Items []queueItem
	More  moreView
}

// queueItem is what queue-item.html shows: a post with its reports.
type queueItem struct {
	postItem
	Reports []reportItem
	Others  string // how many more there are; "": none
	LastID  int64  // of the reports
	Own     bool   // somebody else has to decide
	Hide    reasonForm
}

// reportItem is what one reader has said of a post.
type reportItem struct {
	Kind, Text string
	Reporter   party
	Time       moment
}

// party is somebody who takes part, with a profile if they have one.
type party struct {
	Name, URL string
	Username  string // "" where the name says it
}

func newParty(id int64, name db.Text, username *string, deletedAt db.Time) party {
	if deletedAt != 0 {
		return party{Name: "a deleted member"}
	}
	p := party{Name: displayName(name, username), URL: profilePath(id)}
	if handle := valueOf(username); handle != p.Name {
		p.Username = handle
	}
	return p
}

// showQueue handles "GET /moderation": the posts that are reported, the one
// that waits longest first.
func (s *Server) showQueue(w http.ResponseWriter, r *http.Request, user db.User) error {
	st, err := readStretch(r, "after", pageSize, idPlaces(0))
	if err != nil {
		return err
	}
	view, err := s.queue(r.Context(), user, st)
	if err != nil {
		return fmt.Errorf("reports: %w", err)
	}
	if !wantsFragment(r) {
		view.Nav = staffNav(user.Role, moderationPath)
		return s.page(w, r, http.StatusOK, "moderation", page{Title: "Moderation", Main: view})
	}
	if len(view.Items) > 0 {
		view.Items[0].Focus = true
	}
	return s.fragment(w, http.StatusOK, part{"queue", view}, part{"status", plural(len(view.Items), "more post") + "."})
}

// queue returns a part of the queue. A place in it is the id of a post's first
// report.
func (s *Server) queue(ctx context.Context, user db.User, st stretch[idPlace]) (queueView, error) {
	rows, err := s.db.ListReportedPosts(ctx, db.ListReportedPostsParams{AfterID: int64(st.from), PageSize: st.limit()})
	if err != nil {
		return queueView{}, err
	}
	rows, next := nextStretch(rows, st, func(row db.ListReportedPostsRow) idPlace { return idPlace(row.FirstReportID) }, cmp.Compare)
	reports, err := s.reportsOf(ctx, rows)
	if err != nil {
		return queueView{}, err
	}
	view := queueView{More: st.more(moderationPath, next, "That is all.")}
	now := time.Now()
	for _, row := range rows {
		view.Items = append(view.Items, newQueueItem(row, reports[row.ID], user, now))
	}
	if len(rows) == 0 && st.isFirst {
		view.More.Nothing = nothingView{Text: "No post is reported.", Help: "What readers report waits here until a moderator has decided."}
	}
	return view, nil
}

// reportsOf returns the first reports of posts in the queue, by the id of the
// post.
func (s *Server) reportsOf(ctx context.Context, rows []db.ListReportedPostsRow) (map[int64][]db.ListReportsRow, error) {
	ids := make([]int64, len(rows))
	for i, row := range rows {
		ids[i] = row.ID
	}
	all, err := s.db.ListReports(ctx, db.ListReportsParams{Posts: ids, PageSize: maxShownReports})
	reports := map[int64][]db.ListReportsRow{}
	for _, report := range all {
		reports[report.Report.PostID] = append(reports[report.Report.PostID], report)
	}
	return reports, err
}

func newQueueItem(row db.ListReportedPostsRow, reports []db.ListReportsRow, user db.User, now time.Time) queueItem {
	item := queueItem{LastID: row.LastReportID, Own: row.AuthorID == user.ID, Hide: newHideForm(row.ID, row.Title, viewQueue)}
	item.Excerpt = row.Excerpt
	item.postHead = postHead{
		postActions: postActions{ID: row.ID, Title: row.Title},
		URL:         postPath(row.ID, row.Title),
		Author:      newAuthor(row.AuthorID, row.AuthorName, row.AuthorUsername, row.AuthorImageURL),
		Time:        newMoment(row.PublishedAt.Time(), now),
	}
	for _, report := range reports {
		r := report.Report
		item.Reports = append(item.Reports, reportItem{
			Kind: reportKind(r.Kind), Text: r.Text, Time: newMoment(r.CreatedAt.Time(), now),
			Reporter: newParty(r.ReporterID, report.ReporterName, report.ReporterUsername, report.ReporterDeletedAt),
		})
	}
	if others := row.Reports - int64(len(reports)); others > 0 {
		item.Others = "and " + plural(others, "other report")
	}
	item.Hide.Inline = true
	return item
}

// dismissReports handles "POST /moderation/dismiss": nothing has to be done
// about the reports of the post that the field post names, up to the last one
// that the moderator has seen.
func (s *Server) dismissReports(w http.ResponseWriter, r *http.Request, user db.User) error {
	values, err := readForm(r)
	if err != nil {
		return err
	}
	id, err := strconv.ParseInt(values.Get("post"), 10, 64)
	last, err2 := strconv.ParseInt(values.Get("last"), 10, 64)
	if err != nil || err2 != nil {
		return errBadForm
	}
	row, err := s.readPost(r.Context(), id, known(user))
	switch {
	case err != nil:
		return err
	case row.Post.AuthorID == user.ID:
		return errOwnCase
	}
	if err := s.db.DismissReports(r.Context(), db.DismissReportsParams{PostID: id, LastID: last, By: user.ID}); err != nil {
		return decidedIfGone(err)
	}
	return s.showDecided(w, r, row.Post, fmt.Sprintf("“%s” stays: its reports are dismissed.", row.Post.Title))
}

// decidedView is what decided.html shows in the place of a post in the queue.
type decidedView struct {
	ID   int64
	Said string
	URL  string
}

// showDecided answers what was decided about a post in the queue.
func (s *Server) showDecided(w http.ResponseWriter, r *http.Request, post db.Post, said string) error {
	if wantsFragment(r) {
		w.Header().Set("HX-Retarget", fmt.Sprintf("#post-%d", post.ID))
		return s.fragment(w, http.StatusOK, part{"decided", decidedView{post.ID, said, permalinkOf(post).String()}}, part{"status", said})
	}
	s.leaveNotice(w, r, notice{Text: said})
	http.Redirect(w, r, moderationPath, http.StatusSeeOther)
	return nil
}
