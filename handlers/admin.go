package handlers

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"time"

	"inkwell/db"
)

// webhooksPath is the administrators' page of webhooks.
const webhooksPath = "/admin/webhooks"

// dashboardURL leads to the webhooks of the application that somebody used last
// in Clerk's dashboard.
const dashboardURL = "https://dashboard.clerk.com/last-active?path=webhooks"

// silence is for how long no event has come when Clerk seems to have stopped
// and not to have lost some.
const silence = time.Hour

// admin serves h to administrators. Others who are signed in get 403.
func (s *Server) admin(h func(http.ResponseWriter, *http.Request, db.User) error) http.Handler {
	return s.signedIn(func(w http.ResponseWriter, r *http.Request, user db.User) error {
		if user.Role != db.RoleAdmin {
			return errNotAdmin
		}
		return h(w, r, user)
	})
}

// webhooksView is what admin-webhooks.html shows.
type webhooksView struct {
	Overview overviewView
	Search   eventSearch
	Events   eventsView
}

// showWebhooks handles "GET /admin/webhooks".
func (s *Server) showWebhooks(w http.ResponseWriter, r *http.Request, _ db.User) error {
	search, before, err := readEventSearch(r)
	if err != nil {
		return err
	}
	events, err := s.findEvents(r.Context(), search, before)
	if err != nil {
		return err
	}
	if wantsFragment(r) {
		return s.showFound(w, search, before, events)
	}
	overview, err := s.overview(r)
	if err != nil {
		return err
	}
	view := webhooksView{Overview: overview, Search: search, Events: events}
	return s.page(w, r, http.StatusOK, "admin-webhooks", page{Title: "Webhooks", Main: view})
}

// overviewView is what overview.html shows: how well the users are kept.
type overviewView struct {
	Warnings []warning
	Newest   *moment // nil: no event is stored
	Counts   []eventCount
	Sync     syncView
}

// A warning is something that an administrator should do something about.
type warning struct {
	Heading  string
	Text     string // what is wrong; may be ""
	Todo     string
	LinkURL  string
	LinkText string
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
	facts.endpoint, facts.configured = s.auth.Origin(r)+WebhookPath, s.webhooks != nil
	now := time.Now()
	view := overviewView{
		Warnings: facts.warnings(),
		Counts:   newEventCounts(facts.counts),
		Sync:     newSyncView(s.syncing.Load(), facts.sync, facts.finished, now),
	}
	if facts.newest != 0 {
		newest := newMoment(facts.newest.Time(), now)
		view.Newest = &newest
	}
	return view, nil
}

// webhookFacts are what the overview goes by.
type webhookFacts struct {
	endpoint   string // where Clerk delivers
	configured bool   // there is a signing secret
	newest     db.Time
	counts     map[db.Outcome]int64
	sync       db.Sync // the last one; zero: there was none
	finished   db.Sync // the last that came to its end; zero: there was none
}

func (s *Server) readFacts(ctx context.Context) (webhookFacts, error) {
	facts := webhookFacts{counts: map[db.Outcome]int64{}}
	rows, err := s.db.CountEvents(ctx)
	if err != nil {
		return facts, err
	}
	for _, row := range rows {
		facts.counts[row.Outcome] = row.Events
	}
	if facts.newest, err = orZero(s.db.GetNewestEventTime(ctx)); err != nil {
		return facts, err
	}
	if facts.sync, err = orZero(s.db.GetLastSync(ctx)); err != nil {
		return facts, err
	}
	facts.finished, err = orZero(s.db.GetLastFinishedSync(ctx))
	return facts, err
}

// orZero takes the zero value for a row that is not there.
func orZero[T any](row T, err error) (T, error) {
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return row, err
}

// warnings returns what there is to be done, the most urgent first.
func (f webhookFacts) warnings() []warning {
	var all []warning
	switch mended := mendedBy(f.finished); {
	case !f.configured:
		all = append(all, f.unconfigured())
	case f.newest == 0:
		all = append(all, f.silent())
	case mended > 0 && f.newest < f.finished.StartedAt.Add(-silence):
		all = append(all, f.lost("Clerk seems to have stopped sending"))
	case mended > 0:
		all = append(all, f.lost("Some webhooks did not arrive"))
	}
	if n := f.counts[db.OutcomeDeadLetter]; n > 0 {
		all = append(all, unusableEvents(n))
	}
	return all
}

func (f webhookFacts) unconfigured() warning {
	return atClerk("Every webhook is refused", "CLERK_WEBHOOK_SIGNING_SECRET is not set.",
		fmt.Sprintf("In Clerk’s dashboard, under Webhooks, make an endpoint for %s with the user and session events. Put its signing secret into that setting and restart Inkwell.", f.endpoint))
}

func (f webhookFacts) silent() warning {
	days := int(db.KeepEvents.Hours() / 24)
	return atClerk("No webhook has come",
		fmt.Sprintf("None is on record for the last %d days. Where nobody joined or changed anything, that is as it should be.", days),
		fmt.Sprintf("In Clerk’s dashboard, under Webhooks, make sure that there is an endpoint for %s, that it is enabled, and that it gets the user and session events. It can send a test event.", f.endpoint))
}

func (f webhookFacts) lost(heading string) warning {
	at, mended := f.finished.FinishedAt.Time().Format("2 January 2006, 15:04 UTC"), plural(mendedBy(f.finished), "user")
	return atClerk(heading,
		fmt.Sprintf("The comparison of %s mended %s that no webhook had told of. After the first comparison of a new site that is as it should be.", at, mended),
		fmt.Sprintf("In Clerk’s dashboard, under Webhooks, open the endpoint %s. Enable it if it is disabled, look under Message Attempts at what failed, and replay what is missing. "+
			"Then compare once more: this warning goes when nothing is left to mend.", f.endpoint))
}

// atClerk is a warning that something has to be done in Clerk's dashboard.
func atClerk(heading, text, todo string) warning {
	return warning{Heading: heading, Text: text, Todo: todo, LinkURL: dashboardURL, LinkText: "Open Clerk’s dashboard"}
}

func unusableEvents(n int64) warning {
	return warning{
		Heading:  "Events that could not be used: " + thousands(n),
		Todo:     "Each says why. Nobody’s data was changed by them. Try them again after an upgrade of Inkwell that can read them; comparing with Clerk mends their users too.",
		LinkURL:  eventSearch{Outcome: string(db.OutcomeDeadLetter)}.URL(),
		LinkText: "Show the dead letters",
	}
}

func newEventCounts(counts map[db.Outcome]int64) []eventCount {
	var all []eventCount
	for _, outcome := range outcomes {
		all = append(all, eventCount{
			outcomeView: outcome,
			Events:      thousands(counts[db.Outcome(outcome.Name)]),
			URL:         eventSearch{Outcome: outcome.Name}.URL(),
		})
	}
	return all
}
