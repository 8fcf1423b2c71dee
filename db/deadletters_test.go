package db_test

import (
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"inkwell/db"
	"inkwell/db/dbtest"
)

// deadLetter returns an event that is unusable, as it comes.
func deadLetter(e db.Event) db.Event {
	clerkID := e.DeletedClerkID
	if e.User != nil {
		clerkID = e.User.ClerkID
	}
	return db.Event{SvixID: e.SvixID, Type: e.Type, At: e.At, ClerkID: clerkID, Unusable: "odd", Body: "{}"}
}

func TestRetryEvent(t *testing.T) {
	update := db.Event{SvixID: "msg_1", Type: "user.updated", At: 5, User: &db.UserData{ClerkID: "user_ada", Name: "Ada", UpdatedAt: 5}}
	deletion := db.Event{SvixID: "msg_1", Type: "user.deleted", At: 5, DeletedClerkID: "user_ada"}
	still := deadLetter(update)
	still.Unusable = "odder"
	tests := []struct {
		name  string
		known db.Time // when the row was updated; 0: there is none
		event db.Event
		want  string // of the event
		row   string // of the user
	}{
		{"mended", 0, update, "user.updated user_ada applied NULL NULL", "Ada false"},
		{"newer", 4, update, "user.updated user_ada applied NULL NULL", "Ada false"},
		{"overtaken", 6, update, "user.updated user_ada stale NULL NULL", "Known false"},
		{"still unusable", 4, still, "user.updated user_ada dead_letter odder {}", "Known false"},
		{"deletion", 4, deletion, "user.deleted user_ada applied NULL NULL", " true"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := dbtest.New(t)
			if tt.known > 0 {
				_, err := d.SaveUser(t.Context(), db.UserData{ClerkID: "user_ada", Name: "Known", UpdatedAt: tt.known})
				check(t, err)
			}
			_, err := d.ApplyEvent(t.Context(), deadLetter(tt.event))
			check(t, err)
			letter, err := d.GetDeadLetter(t.Context(), "msg_1")
			if err != nil || letter.Body != "{}" {
				t.Fatalf("GetDeadLetter = %+v, %v", letter, err)
			}
			outcome, err := d.RetryEvent(t.Context(), tt.event)
			check(t, err)
			if got := storedEvent(t, d, "msg_1"); got != tt.want || !strings.Contains(got, string(outcome)) {
				t.Errorf("RetryEvent = %q, stored as %q, want %q", outcome, got, tt.want)
			}
			user, err := d.GetUserByClerkID(t.Context(), "user_ada")
			if got := fmt.Sprint(user.Name, " ", user.DeletedAt > 0); err != nil || got != tt.row {
				t.Errorf("the user is %q, %v, want %q", got, err, tt.row)
			}
		})
	}
}

func TestRetryEventRefuses(t *testing.T) {
	d := dbtest.New(t)
	update := func(id string) db.Event {
		return db.Event{SvixID: id, Type: "user.updated", At: 5, User: &db.UserData{ClerkID: "user_ada", UpdatedAt: 5}}
	}
	for _, e := range []db.Event{
		deadLetter(update("msg_mended")),
		{SvixID: "msg_applied", Type: "user.updated", At: 1, User: &db.UserData{ClerkID: "user_ben"}},
		{SvixID: "msg_bodiless", Type: "user.updated", Unusable: "odd"},
		{SvixID: "msg_code", Type: "sms.created", Unusable: "odd", Body: "{}"},
	} {
		_, err := d.ApplyEvent(t.Context(), e)
		check(t, err)
	}
	_, err := d.RetryEvent(t.Context(), update("msg_mended"))
	check(t, err)
	dbtest.Exec(t, d, "DELETE FROM users")
	for _, id := range []string{"msg_mended", "msg_applied", "msg_bodiless", "msg_code", "msg_unknown"} {
		if outcome, err := d.RetryEvent(t.Context(), update(id)); !errors.Is(err, sql.ErrNoRows) {
			t.Errorf("RetryEvent of %s = %q, %v, want sql.ErrNoRows", id, outcome, err)
		}
		if _, err := d.GetDeadLetter(t.Context(), id); !errors.Is(err, sql.ErrNoRows) {
			t.Errorf("GetDeadLetter of %s: %v, want sql.ErrNoRows", id, err)
		}
	}
	if n := dbtest.Value[int](t, d, "SELECT count(*) FROM users"); n != 0 {
		t.Errorf("a retry that was refused has made %d users", n)
	}
}

// The effect of a retry and the end of the dead letter come together.
func TestRetryEventRollsBack(t *testing.T) {
	e := db.Event{SvixID: "msg_1", Type: "user.updated", At: 5, User: &db.UserData{ClerkID: "user_ada", UpdatedAt: 5}}
	d := dbtest.New(t)
	_, err := d.ApplyEvent(t.Context(), deadLetter(e))
	check(t, err)
	breakOn(t, d, "UPDATE ON webhook_events")
	if outcome, err := d.RetryEvent(t.Context(), e); err == nil {
		t.Errorf("RetryEvent = %q, want an error", outcome)
	}
	if n := dbtest.Value[int](t, d, "SELECT count(*) FROM users"); n != 0 {
		t.Errorf("%d users stay", n)
	}
	dbtest.Exec(t, d, "DROP TRIGGER broken")
	if outcome, err := d.RetryEvent(t.Context(), e); outcome != db.OutcomeApplied {
		t.Errorf("RetryEvent again = %q, %v, want applied", outcome, err)
	}
}

// Of a deleted user nothing is left in dead letters, whichever came first.
func TestDeletionClearsDeadLetters(t *testing.T) {
	events := []db.Event{
		{SvixID: "msg_1", Type: "user.updated", ClerkID: "user_ada", Unusable: "odd", Body: `{"secret":1}`},
		{SvixID: "msg_2", Type: "user.updated", ClerkID: "user_ben", Unusable: "odd", Body: "{}"},
		{SvixID: "msg_3", Type: "user.deleted", At: 5, DeletedClerkID: "user_ada"},
	}
	for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}} {
		d := dbtest.New(t)
		for _, i := range order {
			_, err := d.ApplyEvent(t.Context(), events[i])
			check(t, err)
		}
		if got := storedEvent(t, d, "msg_1"); got != "user.updated user_ada dead_letter odd NULL" {
			t.Errorf("order %v: %q", order, got)
		}
		if got := storedEvent(t, d, "msg_2"); got != "user.updated user_ben dead_letter odd {}" {
			t.Errorf("order %v: of another user %q", order, got)
		}
	}
}

// Whatever order events come in, how often, and whether they could be used at
// once or only in a retry: the users and the sessions are the same.
func TestAnyOrderLeavesTheSame(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for round := range 30 {
		events := randomEvents(random)
		want := ""
		for i := range 4 {
			d := hasty(t)
			order := events
			if i > 0 {
				order = disorder(random, events)
			}
			deliverAll(t, d, random, order)
			got := state(t, d)
			if want == "" {
				want = got
			}
			if got != want {
				t.Fatalf("round %d, order %+v:\n%s\nwant\n%s", round, order, got, want)
			}
		}
	}
}

// randomEvents returns events of two users and two sessions, many of them at
// the same time.
func randomEvents(random *rand.Rand) []db.Event {
	var events []db.Event
	for i := range 8 {
		e := db.Event{SvixID: fmt.Sprint("msg_", i), At: db.Time(1 + random.IntN(3))}
		user := []string{"user_ada", "user_ben"}[random.IntN(2)]
		switch random.IntN(8) {
		case 0:
			e.Type, e.DeletedClerkID = "user.deleted", user
		case 1:
			e.Type, e.EndedSessionID, e.ClerkID = "session.ended", fmt.Sprint("sess_", random.IntN(2)), user
		case 2:
			e.Type, e.ClerkID = "session.created", user
		default:
			e.Type = []string{"user.created", "user.updated"}[random.IntN(2)]
			e.User = &db.UserData{ClerkID: user, Name: e.SvixID, UpdatedAt: db.Time(random.IntN(3))}
		}
		events = append(events, e)
	}
	return events
}

// disorder returns the events in any order, each up to three times.
func disorder(random *rand.Rand, events []db.Event) []db.Event {
	var all []db.Event
	for _, e := range events {
		all = append(all, slices.Repeat([]db.Event{e}, 1+random.IntN(3))...)
	}
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// deliverAll delivers events, of which some cannot be used until all have come.
func deliverAll(t *testing.T, d *db.DB, random *rand.Rand, events []db.Event) {
	t.Helper()
	var dead []db.Event
	for _, e := range events {
		now := e
		if strings.HasPrefix(e.Type, "user.") && random.IntN(3) == 0 {
			now = deadLetter(e)
		}
		outcome, err := d.ApplyEvent(t.Context(), now)
		check(t, err)
		if outcome == db.OutcomeDeadLetter {
			dead = append(dead, e)
		}
	}
	for _, e := range disorder(random, dead) {
		if _, err := d.RetryEvent(t.Context(), e); err != nil && !errors.Is(err, sql.ErrNoRows) {
			t.Fatal(err)
		}
	}
}

// state is what must not depend on the order.
func state(t *testing.T, d *db.DB) string {
	t.Helper()
	return dbtest.Value[string](t, d, `SELECT
	(SELECT coalesce(group_concat(concat_ws(' ', clerk_id, name, clerk_updated_at, event_at, event_rank, event_id, coalesce(deleted_at, 'live')), char(10) ORDER BY clerk_id), '') FROM users)
	|| char(10) || (SELECT coalesce(group_concat(session_id ORDER BY session_id), '') FROM ended_sessions)
	|| char(10) || (SELECT group_concat(svix_id || ' ' || coalesce(clerk_id, ''), ', ' ORDER BY svix_id) FROM webhook_events)`)
}
