package handlers

import (
	"cmp"
	"fmt"
	"net/http"

	"inkwell/db"
)

// webhooksPath is the administrators' page of webhooks.
const webhooksPath = "/admin/webhooks"

// admin serves h to administrators. Others who are signed in get 403.
func (s *Server) admin(h func(http.ResponseWriter, *http.Request, db.User) error) http.Handler {
	return s.signedIn(func(w http.ResponseWriter, r *http.Request, user db.User) error {
		if user.Role != db.RoleAdmin {
			return errNotAdmin
		}
		return h(w, r, user)
	})
}

// moderator serves h to moderators and administrators. Others who are signed in
// get 403.
func (s *Server) moderator(h func(http.ResponseWriter, *http.Request, db.User) error) http.Handler {
	return s.signedIn(func(w http.ResponseWriter, r *http.Request, user db.User) error {
		if !mayModerate(known(user)) {
			return errModeratorsOnly
		}
		return h(w, r, user)
	})
}

// webhooksView is what admin-webhooks.html shows.
type webhooksView struct {
	Nav       []navItem
	Dashboard dashboard
	Overview  overviewView
	Search    eventSearch
	Events    eventsView
}

// showWebhooks handles "GET /admin/webhooks".
func (s *Server) showWebhooks(w http.ResponseWriter, r *http.Request, _ db.User) error {
	search, err := readEventSearch(r)
	if err != nil {
		return err
	}
	st, err := readStretch(r, "before", eventsPageSize, parseEventPlace)
	if err != nil {
		return err
	}
	events, err := s.findEvents(r.Context(), search, st)
	if err != nil {
		return err
	}
	if wantsFragment(r) {
		return s.showFound(w, search, st.isFirst, events)
	}
	overview, err := s.overview(r)
	if err != nil {
		return err
	}
	view := webhooksView{Nav: staffNav(db.RoleAdmin, webhooksPath), Dashboard: s.dashboard, Overview: overview, Search: search, Events: events}
	return s.page(w, r, http.StatusOK, "admin-webhooks", page{Title: "Webhooks", Main: view})
}

// A dashboard is where Clerk's webhooks are looked after.
type dashboard struct {
	URL     string
	StandIn bool // it is that of a stand-in for Clerk
}

// newDashboard returns the dashboard of a stand-in or, without a URL, Clerk's,
// with the webhooks of the application that somebody used last.
func newDashboard(standIn string) dashboard {
	return dashboard{
		URL:     cmp.Or(standIn, "https://dashboard.clerk.com/last-active?path=webhooks"),
		StandIn: standIn != "",
	}
}

// Name is what it is called.
func (d dashboard) Name() string {
	if d.StandIn {
		return "the stand-in for Clerk"
	}
	return "Clerk’s dashboard"
}

// overviewView is what overview.html shows: how well the users are kept.
type overviewView struct {
	Warnings []warning
	Newest   *moment // nil: no event is stored
	Counts   []eventCount
	Sync     syncView
}

// eventCount is how many events have an outcome.
type eventCount struct {
	outcomeView
	Events string
	URL    string // of the list of them
}

// overview looks at how well the users are kept.
func (s *Server) overview(r *http.Request) (overviewView, error) {
	facts, err := s.readFacts(r.Context())
	if err != nil {
		return overviewView{}, fmt.Errorf("overview of webhooks: %w", err)
	}
	counts, err := s.db.CountEvents(r.Context())
	if err != nil {
		return overviewView{}, fmt.Errorf("overview of webhooks: %w", err)
	}
	facts.endpoint = s.auth.Origin(r) + WebhookPath
	view := overviewView{
		Warnings: facts.warnings(),
		Counts:   newEventCounts(counts),
		Sync:     facts.syncView(),
	}
	if facts.newest != 0 {
		newest := newMoment(facts.newest.Time(), facts.now)
		view.Newest = &newest
	}
	return view, nil
}

// newEventCounts shows how many events have each outcome.
func newEventCounts(rows []db.CountEventsRow) []eventCount {
	events := map[db.Outcome]int64{}
	for _, row := range rows {
		events[row.Outcome] = row.Events
	}
	var all []eventCount
	for _, outcome := range outcomes {
		all = append(all, eventCount{
			outcomeView: outcome,
			Events:      thousands(events[db.Outcome(outcome.Name)]),
			URL:         eventSearch{Outcome: outcome.Name}.URL(),
		})
	}
	return all
}
