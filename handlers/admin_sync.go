package handlers

import (
	"errors"
	"fmt"
	"net/http"

	"inkwell/clerk"
	"inkwell/db"
)

// syncView is how the comparison with Clerk's users stands.
type syncView struct {
	Running  bool
	Progress string   // how far the one that has not ended is; "": there is none
	Checked  int64    // by it, of Total users
	Total    int64    // 0: Clerk does not say
	Broken   *failure // why it was broken off; nil: nothing is known of that
	Detail   string   // the same for those who know the program
	Last     string   // what the last one that ended found
	LastTime *moment
	Focus    bool // the heading gets it: the button has gone
}

// syncView shows the last comparison and the last one that came to its end.
func (f webhookFacts) syncView() syncView {
	view := syncView{Running: f.syncing}
	view.Broken, view.Detail = f.broken()
	if f.sync.ID != 0 && f.sync.FinishedAt == 0 {
		view.Checked, view.Total = f.sync.Checked, f.sync.Total
		view.Progress = plural(f.sync.Checked, "user") + " checked so far, " + mendedText(f.sync) + "."
	}
	if f.finished.ID != 0 {
		at := newMoment(f.finished.FinishedAt.Time(), f.now)
		view.LastTime = &at
		view.Last = plural(f.finished.Checked, "user") + " checked, " + mendedText(f.finished) + "."
	}
	return view
}

// A cause is why a comparison did not come to its end.
type cause string

const (
	causeKey         cause = "key"
	causeTooMany     cause = "too many"
	causeFailing     cause = "failing"
	causeUnreachable cause = "unreachable"
	causeOthers      cause = "others"
	causeUnknown     cause = "unknown"
)

func causeOf(err error) cause {
	switch {
	case errors.Is(err, clerk.ErrKeyRefused):
		return causeKey
	case errors.Is(err, clerk.ErrTooMany):
		return causeTooMany
	case errors.Is(err, clerk.ErrFailing):
		return causeFailing
	case errors.Is(err, clerk.ErrUnreachable):
		return causeUnreachable
	case errors.Is(err, errOthersUsers), errors.Is(err, errNoUsers), errors.Is(err, errTooManyGone):
		return causeOthers
	}
	return causeUnknown
}

// A failure is a cause in plain words.
type failure struct {
	Text string
	Todo string
}

var failures = map[cause]failure{
	causeKey:         {"Clerk refuses the secret key.", "Copy the key from Clerk’s dashboard, under API keys, into CLERK_SECRET_KEY and restart Inkwell."},
	causeTooMany:     {"Clerk had more requests than it takes.", "It is tried again within an hour. If that does not help, find out what else uses the same secret key."},
	causeFailing:     {"Clerk has trouble answering.", "It is tried again within an hour. See status.clerk.com if it lasts."},
	causeUnreachable: {"Clerk could not be reached.", "It is tried again within an hour. If it lasts, make sure that this machine reaches api.clerk.com."},
	causeOthers:      {"Clerk lists other users than those of this site. Nobody was deleted.", "Make sure that CLERK_SECRET_KEY is of the right instance, and restart Inkwell."},
	causeUnknown:     {"Something went wrong that should not.", "It is tried again within an hour. If it lasts, whoever runs Inkwell finds more in its log."},
}

// ended says how the comparison that ran came to its end.
func (v syncView) ended() string {
	if v.Progress != "" || v.Broken != nil {
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

// showSync handles "GET /admin/sync": while a comparison runs how far it is, and
// then the whole overview. The first is asked for every other second, and
// counting all events takes a while.
func (s *Server) showSync(w http.ResponseWriter, r *http.Request, _ db.User) error {
	if !wantsFragment(r) {
		http.Redirect(w, r, webhooksPath, http.StatusSeeOther)
		return nil
	}
	facts, err := s.readFacts(r.Context())
	if err != nil {
		return fmt.Errorf("show comparison: %w", err)
	}
	if facts.syncing {
		return s.fragment(w, http.StatusOK, part{"sync", facts.syncView()})
	}
	overview, err := s.overview(r)
	if err != nil {
		return err
	}
	return s.fragment(w, http.StatusOK, part{"overview-changed", overview}, part{"status", overview.Sync.ended()})
}
