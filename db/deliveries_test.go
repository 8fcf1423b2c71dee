package db_test

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"inkwell/db"
	"inkwell/db/dbtest"
)

func TestSessionsEnd(t *testing.T) {
	d, clock := withClock(t)
	newUser(t, d, "user_ada")
	events := 0
	end := func(id string) {
		t.Helper()
		events++
		outcome, err := d.ApplyEvent(t.Context(), db.Event{SvixID: fmt.Sprint("msg_", events), Type: "session.ended", ClerkID: "user_ada", EndedSessionID: id})
		if outcome != db.OutcomeIgnored || err != nil {
			t.Errorf("the end of %s is %q, %v, want ignored", id, outcome, err)
		}
	}
	ended := func(id string) bool {
		t.Helper()
		row, err := d.GetSessionUser(t.Context(), db.GetSessionUserParams{ClerkID: "user_ada", SessionID: id})
		if err != nil || row.User.ClerkID != "user_ada" {
			t.Fatalf("GetSessionUser = %+v, %v", row, err)
		}
		return row.SessionEnded
	}
	end("sess_1")
	end("sess_1") // heard of once more
	_, err := d.ApplyEvent(t.Context(), db.Event{SvixID: "msg_late", Type: "session.created", ClerkID: "user_ada"})
	check(t, err)
	for id, want := range map[string]bool{"sess_1": true, "sess_2": false, "": false} {
		if got := ended(id); got != want {
			t.Errorf("session %q has ended: %v, want %v", id, got, want)
		}
	}
	clock.at = clock.at.Add(db.KeepSessions)
	end("sess_2")
	for _, want := range []int64{0, 1, 0} {
		if n, err := d.PurgeSessions(t.Context()); n != want || err != nil {
			t.Errorf("PurgeSessions = %d, %v, want %d", n, err, want)
		}
		clock.at++
	}
	if !ended("sess_2") || ended("sess_1") {
		t.Error("PurgeSessions forgets others than the oldest")
	}
	if _, err := d.GetSessionUser(t.Context(), db.GetSessionUserParams{ClerkID: "user_eve", SessionID: "sess_2"}); !errors.Is(err, sql.ErrNoRows) {
		t.Errorf("GetSessionUser of nobody: %v, want sql.ErrNoRows", err)
	}
}

func TestPurgeEvents(t *testing.T) {
	const old = 250 // more than two batches
	d, clock := withClock(t)
	dbtest.Exec(t, d, `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
		INSERT INTO webhook_events (svix_id, type, outcome, received_at) SELECT 'msg_' || i, 'user.updated', 'applied', ? FROM n`, old, clock.at)
	clock.at = clock.at.Add(db.KeepEvents)
	_, err := d.ApplyEvent(t.Context(), db.Event{SvixID: "msg_new", Type: "session.created"})
	check(t, err)
	for _, want := range []int64{0, old, 0} {
		if n, err := d.PurgeEvents(t.Context()); n != want || err != nil {
			t.Errorf("PurgeEvents = %d, %v, want %d", n, err, want)
		}
		clock.at++
	}
}

// applyAll stores events a second apart.
func applyAll(t *testing.T, d *db.DB, clock *clock, events []db.Event) {
	t.Helper()
	for _, e := range events {
		_, err := d.ApplyEvent(t.Context(), e)
		check(t, err)
		clock.at = clock.at.Add(time.Second)
	}
}

// applyMany applies events of every kind and outcome, of which the ids rise.
func applyMany(t *testing.T, d *db.DB, clock *clock) {
	t.Helper()
	ada := &db.UserData{ClerkID: "user_ada", Name: "Ada 100%", Username: ptr("a_da"), Email: ptr("Ada@Example.com"), UpdatedAt: 5}
	applyAll(t, d, clock, []db.Event{
		{SvixID: "1", Type: "user.created", User: ada},
		{SvixID: "2", Type: "user.updated", User: &db.UserData{ClerkID: "user_ada", UpdatedAt: 4}},
		{SvixID: "3", Type: "session.ended", ClerkID: "user_ada", EndedSessionID: "sess_1"},
		{SvixID: "4", Type: "user.updated", ClerkID: "user_eve", Unusable: "odd", Body: "{}"},
		{SvixID: "5", Unusable: "no type"},
		{SvixID: "6", Type: "user.updated", User: &db.UserData{ClerkID: "user_ben", Name: "Ben!", UpdatedAt: 5}},
		{SvixID: "7", Type: "organization.created"},
	})
}

func TestListEvents(t *testing.T) {
	d, clock := withClock(t)
	applyMany(t, d, clock)
	tests := []struct {
		name   string
		params db.ListEventsParams
		want   string
	}{
		{"all", db.ListEventsParams{}, "7654321"},
		{"applied", db.ListEventsParams{Outcome: db.OutcomeApplied}, "61"},
		{"dead letters", db.ListEventsParams{Outcome: db.OutcomeDeadLetter}, "54"},
		{"type", db.ListEventsParams{Type: "user.updated"}, "642"},
		{"type and outcome", db.ListEventsParams{Type: "user.updated", Outcome: db.OutcomeStale}, "2"},
		{"a part of a type", db.ListEventsParams{Type: "user"}, ""},
		{"id", db.ListEventsParams{User: "user_ada"}, "321"},
		{"id of nobody here", db.ListEventsParams{User: "user_eve"}, "4"},
		{"a part of an id", db.ListEventsParams{User: "user_"}, ""},
		{"name", db.ListEventsParams{User: "bEN"}, "6"},
		{"username", db.ListEventsParams{User: "a_d"}, "321"},
		{"address", db.ListEventsParams{User: "@example.COM"}, "321"},
		{"user and type", db.ListEventsParams{User: "ada", Type: "session.ended"}, "3"},
		{"percent", db.ListEventsParams{User: "%"}, "321"},
		{"percent within", db.ListEventsParams{User: "B%n"}, ""},
		{"underscore", db.ListEventsParams{User: "_"}, "321"},
		{"the escape itself", db.ListEventsParams{User: "!"}, "6"},
		{"a quote", db.ListEventsParams{User: `'; DROP TABLE users; --"`}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for size := int64(1); size <= 8; size++ {
				if got := listAll(t, d, tt.params, size); got != tt.want {
					t.Errorf("pages of %d: %q, want %q", size, got, tt.want)
				}
			}
		})
	}
}

func TestEventsAsTheyAreShown(t *testing.T) {
	d, clock := withClock(t)
	if _, err := d.GetNewestEventTime(t.Context()); !errors.Is(err, sql.ErrNoRows) {
		t.Errorf("GetNewestEventTime without events: %v, want sql.ErrNoRows", err)
	}
	applyMany(t, d, clock)
	rows, err := d.ListEvents(t.Context(), db.ListEventsParams{BeforeAt: db.MaxTime, PageSize: 10})
	check(t, err)
	if got := rows[6]; got.UserName != "Ada 100%" || *got.UserUsername != "a_da" || *got.UserEmail != "Ada@Example.com" || got.Retryable {
		t.Errorf("Ada's first event is %+v", got)
	}
	if got := rows[3]; got.ClerkID != "user_eve" || got.UserName != "" || got.Error != "odd" || !got.Retryable {
		t.Errorf("the dead letter is %+v", got)
	}
	newest, err := d.GetNewestEventTime(t.Context())
	if err != nil || newest != rows[0].ReceivedAt {
		t.Errorf("GetNewestEventTime = %d, %v, want %d", newest, err, rows[0].ReceivedAt)
	}
	counts, err := d.CountEvents(t.Context())
	want := []db.CountEventsRow{{Outcome: db.OutcomeApplied, Events: 2}, {Outcome: db.OutcomeDeadLetter, Events: 2}, {Outcome: db.OutcomeIgnored, Events: 2}, {Outcome: db.OutcomeStale, Events: 1}}
	if err != nil || !slices.Equal(counts, want) {
		t.Errorf("CountEvents = %v, %v, want %v", counts, err, want)
	}
}

// listAll returns the ids of all events that p chooses, in pages of a size.
func listAll(t *testing.T, d *db.DB, p db.ListEventsParams, size int64) string {
	t.Helper()
	var ids strings.Builder
	p.BeforeAt, p.PageSize = db.MaxTime, size
	for {
		rows, err := d.ListEvents(t.Context(), p)
		check(t, err)
		for _, row := range rows {
			ids.WriteString(row.SvixID)
			p.BeforeAt, p.BeforeID = row.ReceivedAt, row.SvixID
		}
		if int64(len(rows)) < size {
			return ids.String()
		}
	}
}

// Events that come in one millisecond have an order, too.
func TestListEventsOfOneMoment(t *testing.T) {
	d, _ := withClock(t)
	for i := range 9 {
		_, err := d.ApplyEvent(t.Context(), db.Event{SvixID: fmt.Sprint(i + 1), Type: "session.created"})
		check(t, err)
	}
	for size := int64(1); size < 5; size++ {
		if got := listAll(t, d, db.ListEventsParams{}, size); got != "987654321" {
			t.Errorf("pages of %d: %s", size, got)
		}
	}
}

func TestListEventsSearchesTheIndex(t *testing.T) {
	const want = "USING COVERING INDEX webhook_events_newest (received_at<?)"
	plan := queryPlan(t, dbtest.New(t), db.ListEventsSQL, []any{db.MaxTime, "", "", "", "", 50})
	if !strings.Contains(plan, "SEARCH found "+want) || strings.Contains(plan, "SCAN webhook_events") || strings.Contains(plan, "SCAN found") {
		t.Errorf("the plan is\n%s\nwant found %s", plan, want)
	}
}

func TestOpenDeadLettersAreCountedInTheirIndex(t *testing.T) {
	if plan := queryPlan(t, dbtest.New(t), db.OpenLettersSQL, nil); !strings.Contains(plan, "webhook_events_open") {
		t.Errorf("the plan is\n%s\nwant the index of those that are open", plan)
	}
}
