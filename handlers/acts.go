package handlers

import (
	"cmp"
	"fmt"
	"math"
	"net/http"
	"time"

	"inkwell/db"
)

// actsPageSize is how many acts a page of the log has.
const actsPageSize = 50

// actsView is what moderation-log.html shows, and acts.html.
type actsView struct {
	Nav   []navItem
	Items []actItem
	More  moreView
}

// actItem is what act.html shows: who did what to whom, and why.
type actItem struct {
	ID      int64
	By      party
	Did     string // such as "hid"
	Title   string // of the post; "": the act is about the user
	URL     string // of the post, where it can be seen
	Whom    party  // the author of the post, or the user
	Reason  string // may be ""
	Time    moment
	Reports string // what was decided with it; "": nothing
	Focus   bool   // it has just come
}

// showActs handles "GET /moderation/log": what moderators have done, newest
// first.
func (s *Server) showActs(w http.ResponseWriter, r *http.Request, user db.User) error {
	st, err := readStretch(r, "before", actsPageSize, idPlaces(math.MaxInt64))
	if err != nil {
		return err
	}
	rows, err := s.db.ListActs(r.Context(), db.ListActsParams{BeforeID: int64(st.from), PageSize: st.limit()})
	if err != nil {
		return fmt.Errorf("moderation log: %w", err)
	}
	view := newActsView(rows, st, time.Now())
	if !wantsFragment(r) {
		view.Nav = staffNav(user.Role, actsPath)
		return s.page(w, r, http.StatusOK, "moderation-log", page{Title: "Moderation log", Main: view})
	}
	if len(view.Items) > 0 {
		view.Items[0].Focus = true
	}
	return s.fragment(w, http.StatusOK, part{"acts", view}, part{"status", plural(len(view.Items), "more entry") + "."})
}

func newActsView(rows []db.ListActsRow, st stretch[idPlace], now time.Time) actsView {
	place := func(row db.ListActsRow) idPlace { return idPlace(row.ModerationLog.ID) }
	rows, next := nextStretch(rows, st, place, func(a, b idPlace) int { return cmp.Compare(b, a) })
	view := actsView{More: st.more(actsPath, next, "That is all.")}
	if len(rows) == 0 && st.isFirst {
		view.More.Nothing = nothingView{Text: "No moderator has had to do anything yet."}
	}
	for _, row := range rows {
		view.Items = append(view.Items, newActItem(row, now))
	}
	return view
}

func newActItem(row db.ListActsRow, now time.Time) actItem {
	act := row.ModerationLog
	item := actItem{
		ID:     act.ID,
		By:     newParty(act.ByID, row.ByName, row.ByUsername, row.ByDeletedAt),
		Did:    didWhat(act.Act),
		Whom:   newParty(act.UserID, row.UserName, row.UserUsername, row.UserDeletedAt),
		Reason: string(act.Reason),
		Time:   newMoment(act.CreatedAt.Time(), now),
	}
	if act.PostID == nil {
		return item
	}
	item.Title = "a post"
	if act.Title != "" {
		item.Title = "“" + string(act.Title) + "”"
	}
	if act.Act != db.ActDelete && row.UserDeletedAt == 0 {
		item.URL = postPath(*act.PostID, "")
	}
	if act.Reports > 0 {
		item.Reports = plural(act.Reports, "report")
	}
	return item
}

// didWhat says in a word or two what an act was.
func didWhat(act db.Act) string {
	switch act {
	case db.ActHide:
		return "hid"
	case db.ActUnhide:
		return "restored"
	case db.ActDismiss:
		return "dismissed the reports of"
	case db.ActDelete:
		return "deleted"
	case db.ActUndelete:
		return "brought back"
	case db.ActBan:
		return "banned"
	case db.ActUnban:
		return "unbanned"
	}
	return string(act)
}
