package handlers

import (
	"fmt"
	"net/http"
	"time"

	"inkwell/db"
)

// syncView is how the comparison with Clerk's users stands.
type syncView struct {
	Running  bool
	Progress string // how far the one that has not ended is; "": there is none
	Broken   string // why it was broken off; "": nothing is known of that
	Last     string // what the last one that ended found
	LastTime *moment
	Focus    bool // the heading gets it: the button has gone
}

// newSyncView shows the last comparison and the last one that came to its end.
func newSyncView(running bool, sync, finished db.Sync, now time.Time) syncView {
	view := syncView{Running: running}
	if sync.ID != 0 && sync.FinishedAt == 0 {
		view.Progress = plural(sync.Checked, "user") + " checked so far, " + mendedText(sync) + "."
		view.Broken = string(sync.Error)
	}
	if finished.ID != 0 {
		at := newMoment(finished.FinishedAt.Time(), now)
		view.LastTime = &at
		view.Last = plural(finished.Checked, "user") + " checked, " + mendedText(finished) + "."
	}
	return view
}

// ended says how the comparison that ran came to its end.
func (v syncView) ended() string {
	if v.Progress != "" {
		return "The comparison with Clerk was broken off."
	}
	return "The comparison with Clerk has ended: " + v.Last
}

// mendedBy is how many users a comparison found to be wrong here.
func mendedBy(sync db.Sync) int64 { return sync.Added + sync.Changed + sync.Deleted }

func mendedText(sync db.Sync) string {
	mended := mendedBy(sync)
	if mended == 0 {
		return "nothing had to be mended"
	}
	return fmt.Sprintf("%s mended (%s added, %s changed, %s deleted)", thousands(mended), thousands(sync.Added), thousands(sync.Changed), thousands(sync.Deleted))
}

// requestSync handles "POST /admin/sync": it starts a comparison with Clerk's
// users, unless one is under way.
func (s *Server) requestSync(w http.ResponseWriter, r *http.Request, user db.User) error {
	said := "A comparison with Clerk is under way already."
	if s.startSync() {
		said = "The comparison with Clerk has started."
		s.log.Info("comparison with Clerk asked for", "id", requestID(r), "by", user.ClerkID)
	}
	if !wantsFragment(r) {
		s.leaveNotice(w, r, notice{Text: said})
		http.Redirect(w, r, webhooksPath, http.StatusSeeOther)
		return nil
	}
	overview, err := s.overview(r)
	if err != nil {
		return err
	}
	overview.Sync.Running, overview.Sync.Focus = true, true // its row may be yet to come
	return s.fragment(w, http.StatusOK, part{"overview", overview}, part{"status", said})
}

// showSync handles "GET /admin/sync": the overview, while a comparison runs.
func (s *Server) showSync(w http.ResponseWriter, r *http.Request, _ db.User) error {
	if !wantsFragment(r) {
		http.Redirect(w, r, webhooksPath, http.StatusSeeOther)
		return nil
	}
	overview, err := s.overview(r)
	if err != nil {
		return err
	}
	parts := []part{{"overview", overview}}
	if !overview.Sync.Running {
		parts = append(parts, part{"status", overview.Sync.ended()})
	}
	return s.fragment(w, http.StatusOK, parts...)
}
