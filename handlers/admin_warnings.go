package handlers

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"inkwell/db"
)

const (
	// silence is for how long no event has come when Clerk seems to have stopped
	// and not to have lost some.
	silence = time.Hour

	// overdueAfter is how old the last comparison is when something keeps the
	// daily one from its end.
	overdueAfter = 2 * syncEvery
)

// A warning is something that an administrator should do something about.
type warning struct {
	Heading  string
	Text     string // what is wrong; may be ""
	Todo     string
	LinkURL  string
	LinkText string
	Dismiss  db.Time // dead letters that came until then can be dismissed; 0: it is not about them
}

// webhookFacts are what the warnings go by.
type webhookFacts struct {
	now         time.Time
	dashboard   dashboard
	instance    string // whose users are to be here
	endpoint    string // where Clerk delivers
	configured  bool   // there is a signing secret
	newest      db.Time
	deadLetters int64 // that nobody has dismissed
	syncing     bool
	sync        db.Sync // the last one; zero: there was none
	finished    db.Sync // the last that came to its end; zero: there was none
	mending     db.GetLastMendingSyncRow
	firstSync   db.Time // 0: there was none
}

// readFacts returns all but the endpoint.
func (s *Server) readFacts(ctx context.Context) (webhookFacts, error) {
	facts := webhookFacts{
		now:        time.Now(),
		dashboard:  s.dashboard,
		instance:   s.auth.Instance().Host,
		configured: s.webhooks != nil,
		syncing:    s.syncing.Load(),
	}
	var problems [6]error
	facts.newest, problems[0] = orZero(s.db.GetNewestEventTime(ctx)) // first: what comes now is not among those shown
	facts.deadLetters, problems[1] = s.db.CountOpenDeadLetters(ctx)
	facts.sync, problems[2] = orZero(s.db.GetLastSync(ctx))
	facts.finished, problems[3] = orZero(s.db.GetLastFinishedSync(ctx))
	facts.firstSync, problems[4] = orZero(s.db.GetFirstSyncTime(ctx))
	// Whether an event came after an older one is not on record any more.
	facts.mending, problems[5] = orZero(s.db.GetLastMendingSync(ctx, db.TimeOf(facts.now.Add(-db.KeepEvents))))
	return facts, errors.Join(problems[:]...)
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
	switch mending := f.mending.Sync; {
	case !f.configured:
		all = append(all, f.unconfigured())
	case f.newest == 0 && !f.mending.Repeated:
		all = append(all, f.silent())
	case mending.ID != 0 && f.newest < mending.StartedAt.Add(-silence):
		all = append(all, f.stopped())
	case mending.ID != 0 && mending.ID == f.finished.ID && f.mending.Repeated:
		all = append(all, f.lost())
	}
	if f.isOverdue() {
		all = append(all, f.overdue())
	}
	if f.deadLetters > 0 {
		all = append(all, f.unusable())
	}
	return all
}

func (f webhookFacts) unconfigured() warning {
	return f.atClerk("Every webhook is refused", "CLERK_WEBHOOK_SIGNING_SECRET is not set.",
		fmt.Sprintf("In Clerk’s dashboard, under Webhooks, make an endpoint for %s with the user and session events. Put its signing secret into that setting and restart Inkwell.", f.endpoint))
}

func (f webhookFacts) silent() warning {
	return f.atClerk("No webhook has come",
		fmt.Sprintf("None is on record for the last %d days. Where nobody joined or changed anything, that is as it should be.", days(db.KeepEvents)),
		fmt.Sprintf("In Clerk’s dashboard, under Webhooks, make sure that there is an endpoint for %s, that it is enabled, and that it gets the user and session events. It can send a test event.", f.endpoint))
}

// stopped warns until an event comes: comparisons that find nothing to mend do
// not prove that Clerk sends again.
func (f webhookFacts) stopped() warning {
	return f.atClerk("Clerk seems to have stopped sending",
		f.mended()+" No webhook has come since. This warning goes when one comes.",
		fmt.Sprintf("In Clerk’s dashboard, under Webhooks, open the endpoint %s. Enable it if it is disabled, look under Message Attempts at what failed, and replay what is missing. It can send a test event, too.", f.endpoint))
}

func (f webhookFacts) lost() warning {
	return f.atClerk("Some webhooks did not arrive",
		f.mended()+" This warning goes with the next comparison that finds nothing of that kind.",
		fmt.Sprintf("In Clerk’s dashboard, under Webhooks, open the endpoint %s. Look under Message Attempts at what failed, and replay what is missing. Then compare once more.", f.endpoint))
}

// mended says what the last comparison that mended what was lost has found.
func (f webhookFacts) mended() string {
	sync := f.mending.Sync
	text := fmt.Sprintf("The comparison of %s mended %s that no webhook had told of.", stamp(sync.FinishedAt), plural(sync.Lost, "user"))
	if !f.mending.Repeated {
		text += " It was the first one of this site, which finds all users who are older than the endpoint: that is as it should be."
	}
	return text
}

// atClerk is a warning that something has to be done in Clerk's dashboard. In
// that of a stand-in there is nothing to set up.
func (f webhookFacts) atClerk(heading, text, todo string) warning {
	if f.dashboard.StandIn {
		todo = "The stand-in for Clerk shows what it sent, what waits and what it dropped, and sends it again."
	}
	return warning{Heading: heading, Text: text, Todo: todo, LinkURL: f.dashboard.URL, LinkText: "Open " + f.dashboard.Name()}
}

// comparedAt is when the last comparison came to its end or, before the first
// has, when that was started; 0: there was none.
func (f webhookFacts) comparedAt() db.Time {
	if f.finished.ID != 0 {
		return f.finished.FinishedAt
	}
	return f.firstSync
}

// isOverdue reports whether no comparison has come to its end for days, or none
// can.
func (f webhookFacts) isOverdue() bool {
	since := f.comparedAt()
	return !f.syncing && since != 0 && (f.foreign() != nil || f.now.Sub(since.Time()) > overdueAfter)
}

func (f webhookFacts) overdue() warning {
	w := warning{
		Heading:  "The users were not compared with Clerk’s since " + stamp(f.comparedAt()),
		Text:     "Inkwell did not run, or every comparison was interrupted.",
		Todo:     "Compare now, and let Inkwell run until that has ended.",
		LinkURL:  "#sync-heading",
		LinkText: "Go to the comparison",
	}
	if broken, _ := f.broken(); broken != nil {
		w.Text, w.Todo = broken.Text, broken.Todo
	}
	return w
}

// broken returns why the last comparison did not come to its end or not even
// began, with its error; nil: nothing is known of that.
func (f webhookFacts) broken() (reason *failure, detail string) {
	if foreign := f.foreign(); foreign != nil {
		return foreign, ""
	}
	if f.sync.FinishedAt != 0 {
		return nil, ""
	}
	known, ok := failures[cause(f.sync.Cause)]
	if !ok {
		return nil, ""
	}
	return &known, string(f.sync.Error)
}

// foreign returns why users of another instance of Clerk cannot be compared;
// nil: they are of the right one.
func (f webhookFacts) foreign() *failure {
	if f.finished.ID == 0 || f.finished.Instance == f.instance {
		return nil
	}
	return &failure{
		Text: fmt.Sprintf("The users here are those of another instance of Clerk, %s, and the keys are those of %s.", f.finished.Instance, f.instance),
		Todo: "Put the keys of the other one back, or start with another database.",
	}
}

func (f webhookFacts) unusable() warning {
	return warning{
		Heading: "Events that could not be used: " + thousands(f.deadLetters),
		Todo: fmt.Sprintf("Nobody’s data was changed by them. Compare with Clerk to mend their users. Each can be tried again for %d days, "+
			"for instance after an upgrade of Inkwell. Dismiss those that are dealt with: what is dismissed cannot be tried again.", days(db.KeepBodies)),
		LinkURL:  eventSearch{Outcome: string(db.OutcomeDeadLetter)}.URL(),
		LinkText: "Show the dead letters",
		Dismiss:  f.newest,
	}
}

func days(d time.Duration) int { return int(d.Hours() / 24) }

// stamp is a time as it stands in a sentence.
func stamp(t db.Time) string { return t.Time().UTC().Format("2 January 2006, 15:04 UTC") }
