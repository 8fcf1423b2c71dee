package handlers

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"inkwell/db"
)

const (
	// eventsPageSize is how many events a page of the list has.
	eventsPageSize = 50

	// maxSearch is how many code points of what is searched are looked at.
	maxSearch = 200
)

// outcomeView is what is shown of an outcome. Its name is what the database
// keeps.
type outcomeView struct{ Name, Label, Meaning string }

// outcomes are those that an event can have, as db.Outcome.
var outcomes = []outcomeView{
	{string(db.OutcomeApplied), "Applied", "changed a user"},
	{string(db.OutcomeStale), "Stale", "something newer was known"},
	{string(db.OutcomeIgnored), "Ignored", "changed no user"},
	{string(db.OutcomeDeadLetter), "Dead letter", "could not be used"},
}

// newOutcome shows an outcome.
func newOutcome(o db.Outcome) outcomeView {
	for _, view := range outcomes {
		if view.Name == string(o) {
			return view
		}
	}
	return outcomeView{Name: string(o), Label: string(o)}
}

// eventTypes are those that the search offers. Clerk has more, and adds some: a
// type is searched from its event, too.
var eventTypes = []string{
	"user.created", "user.updated", "user.deleted",
	"session.created", "session.pending", "session.ended", "session.removed", "session.revoked",
}

// An eventSearch chooses among the events; a field that is empty chooses all.
type eventSearch struct {
	User    string // Clerk's id or a part of a name or an address
	Type    string
	Outcome string
}

// Types returns what the search offers, what is searched among it.
func (e eventSearch) Types() []string {
	if e.Type == "" || slices.Contains(eventTypes, e.Type) {
		return eventTypes
	}
	return append([]string{e.Type}, eventTypes...)
}

// Outcomes returns what the search offers.
func (e eventSearch) Outcomes() []outcomeView { return outcomes }

// URL returns the address of what is found.
func (e eventSearch) URL() string {
	query := url.Values{}
	for name, value := range map[string]string{"user": e.User, "type": e.Type, "outcome": e.Outcome} {
		if value != "" {
			query.Set(name, value)
		}
	}
	return addressOf(webhooksPath, query)
}

// An eventPlace is a place in the list of events: right behind the one with
// this time and id.
type eventPlace struct {
	at db.Time
	id string
}

// compare tells which of two places comes first.
func (p eventPlace) compare(other eventPlace) int {
	return cmp.Or(cmp.Compare(other.at, p.at), cmp.Compare(other.id, p.id))
}

func (p eventPlace) String() string { return strconv.FormatInt(int64(p.at), 36) + "-" + p.id }

// parseEventPlace reads what String wrote. The empty string is the first page.
func parseEventPlace(s string) (eventPlace, error) {
	if s == "" {
		return eventPlace{at: db.MaxTime}, nil
	}
	at, id, _ := strings.Cut(s, "-")
	ms, err := strconv.ParseInt(at, 36, 64)
	p := eventPlace{db.Time(ms), id}
	if err != nil || ms < 0 || id == "" || p.String() != s {
		return p, errBadCursor
	}
	return p, nil
}

// readEventSearch reads what a request searches. What cannot be an outcome is
// none.
func readEventSearch(r *http.Request) (eventSearch, error) {
	query, err := readQuery(r)
	if err != nil {
		return eventSearch{}, err
	}
	search := eventSearch{User: searched(query.Get("user")), Type: searched(query.Get("type"))}
	if o := query.Get("outcome"); slices.ContainsFunc(outcomes, func(view outcomeView) bool { return view.Name == o }) {
		search.Outcome = o
	}
	return search, nil
}

// searched is a text as it is looked for.
func searched(s string) string {
	runes := []rune(strings.TrimSpace(strings.ToValidUTF8(s, "�")))
	return string(runes[:min(len(runes), maxSearch)])
}

// eventsView is what events.html shows: the events that were found.
type eventsView struct {
	Items []eventItem
	More  moreView
	Empty string // what is said when there are none
	All   string // the address of all events; "": they are shown
}

// eventItem is what event.html shows.
type eventItem struct {
	ID         string
	RowID      string // as an element
	Type       string
	TypeURL    string
	Time       moment
	User       string // "": the event is about nobody
	UserURL    string
	Outcome    outcomeView
	Detail     string // why it is a dead letter, for those who know the program
	CanRetry   bool
	CanDismiss bool
	WhyNot     string // of a dead letter that cannot be tried again
	ReturnTo   string // where a try without JavaScript leads back to
	Said       string // what came of a try just now
	Focus      bool   // it has just come
}

// findEvents returns a part of the events that are searched.
func (s *Server) findEvents(ctx context.Context, search eventSearch, st stretch[eventPlace]) (eventsView, error) {
	rows, err := s.db.ListEvents(ctx, db.ListEventsParams{
		BeforeAt: st.from.at,
		BeforeID: st.from.id,
		Outcome:  db.Outcome(search.Outcome),
		Type:     search.Type,
		User:     search.User,
		PageSize: st.limit(),
	})
	if err != nil {
		return eventsView{}, fmt.Errorf("find events: %w", err)
	}
	place := func(row db.ListEventsRow) eventPlace { return eventPlace{row.ReceivedAt, row.SvixID} }
	rows, next := nextStretch(rows, st, place, eventPlace.compare)
	view := eventsView{More: st.more(search.URL(), next, "That is all there is."), Empty: "No webhook has come yet."}
	if search != (eventSearch{}) {
		view.All, view.Empty = webhooksPath, "No event is like that."
	}
	if !st.isFirst {
		view.All, view.Empty = webhooksPath, "No more events."
	}
	now := time.Now()
	for _, row := range rows {
		view.Items = append(view.Items, newEventItem(row, st.address(search.URL()), now))
	}
	return view, nil
}

// newEventItem shows an event in the list with the address list.
func newEventItem(row db.ListEventsRow, list string, now time.Time) eventItem {
	item := eventItem{
		ID:         row.SvixID,
		RowID:      eventRowID(row.SvixID),
		Type:       row.Type,
		TypeURL:    eventSearch{Type: row.Type}.URL(),
		Time:       newMoment(row.ReceivedAt.Time(), now),
		User:       userLabel(row),
		UserURL:    eventSearch{User: string(row.ClerkID)}.URL(),
		Outcome:    newOutcome(row.Outcome),
		Detail:     string(row.Error),
		CanRetry:   row.Retryable,
		CanDismiss: row.Outcome == db.OutcomeDeadLetter && row.DismissedAt == 0,
		ReturnTo:   list,
	}
	item.Time.Full = row.ReceivedAt.Time().Format("2 Jan 2006, 15:04:05")
	switch {
	case row.DismissedAt != 0:
		item.WhyNot = "Dismissed."
	case row.Outcome == db.OutcomeDeadLetter && !row.Retryable:
		item.WhyNot = whyNoRetry(row.Type)
	}
	return item
}

// whyNoRetry says why the body of a dead letter is not kept.
func whyNoRetry(eventType string) string {
	if strings.HasPrefix(eventType, "user.") {
		return "It cannot be tried again: its text is not kept, or not any more. Comparing with Clerk mends its user."
	}
	return "It cannot be tried again: only the text of user events is kept. Others may hold codes for signing in."
}

// userLabel is what a user is called, or Clerk's id when nothing else is known.
func userLabel(row db.ListEventsRow) string {
	return cmp.Or(string(row.UserName), valueOf(row.UserUsername), valueOf(row.UserEmail), string(row.ClerkID))
}

func valueOf(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// eventRowID names an event's element. Svix's ids could be anything.
func eventRowID(svixID string) string {
	h := fnv.New64a()
	h.Write([]byte(svixID))
	return "event-" + strconv.FormatUint(h.Sum64(), 36)
}

// showFound answers with what was found, or with the next part of it; then its
// first event gets the focus. The address is brought up to date, as one that
// can be kept.
func (s *Server) showFound(w http.ResponseWriter, search eventSearch, isFirst bool, events eventsView) error {
	if isFirst {
		w.Header().Set("HX-Replace-Url", search.URL())
		return s.fragment(w, http.StatusOK, part{"events", events}, part{"status", foundStatus(events, "event")})
	}
	if len(events.Items) > 0 {
		events.Items[0].Focus = true
	}
	return s.fragment(w, http.StatusOK, part{"more", events.More}, part{"events-more", events}, part{"status", foundStatus(events, "more event")})
}

// foundStatus says how many events have come.
func foundStatus(events eventsView, noun string) string {
	switch n := len(events.Items); {
	case n == 0:
		return "No " + noun + "."
	case events.More.URL != "":
		return plural(n, noun) + ", and there are others."
	default:
		return plural(n, noun) + "."
	}
}
