package db_test

import (
	"database/sql"
	"errors"
	"strings"
	"testing"
	"time"

	"inkwell/db"
	"inkwell/db/dbtest"
)

// openLetters is how many dead letters nobody has dismissed.
func openLetters(t *testing.T, d *db.DB) int64 {
	t.Helper()
	n, err := d.CountOpenDeadLetters(t.Context())
	check(t, err)
	return n
}

func TestDismissDeadLetter(t *testing.T) {
	d := dbtest.New(t)
	for _, e := range []db.Event{
		{SvixID: "msg_1", Type: "user.updated", Unusable: "odd", Body: "{}"},
		{SvixID: "msg_2", Type: "user.updated", Unusable: "odd", Body: "{}"},
		{SvixID: "msg_3", Type: "session.created"},
	} {
		_, err := d.ApplyEvent(t.Context(), e)
		check(t, err)
	}
	check(t, d.DismissDeadLetter(t.Context(), "msg_1"))
	if got := storedEvent(t, d, "msg_1"); got != "user.updated NULL dead_letter odd NULL" || openLetters(t, d) != 1 {
		t.Errorf("the dead letter is %q, %d are open, want it kept without its body, and one open", got, openLetters(t, d))
	}
	event, err := d.GetEvent(t.Context(), "msg_1")
	if err != nil || event.DismissedAt == 0 || event.Retryable {
		t.Errorf("GetEvent = %+v, %v, want it dismissed", event, err)
	}
	for _, id := range []string{"msg_1", "msg_3", "msg_9"} {
		if err := d.DismissDeadLetter(t.Context(), id); !errors.Is(err, sql.ErrNoRows) {
			t.Errorf("DismissDeadLetter of %s: %v, want sql.ErrNoRows", id, err)
		}
		if _, err := d.RetryEvent(t.Context(), db.Event{SvixID: id}); !errors.Is(err, sql.ErrNoRows) {
			t.Errorf("RetryEvent of %s: %v, want sql.ErrNoRows", id, err)
		}
	}
	if _, err := d.GetEvent(t.Context(), "msg_9"); !errors.Is(err, sql.ErrNoRows) {
		t.Errorf("GetEvent of none: %v, want sql.ErrNoRows", err)
	}
}

// What came after somebody has looked is not dismissed unseen.
func TestDismissDeadLetters(t *testing.T) {
	d := dbtest.New(t)
	dbtest.Exec(t, d, `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 250)
INSERT INTO webhook_events (svix_id, type, outcome, error, body, received_at) SELECT 'msg_' || i, 'user.updated', 'dead_letter', 'odd', '{}', i FROM n`)
	if n, err := d.DismissDeadLetters(t.Context(), 240); err != nil || n != 240 || openLetters(t, d) != 10 {
		t.Errorf("DismissDeadLetters = %d, %v, %d are open; want 240 and 10", n, err, openLetters(t, d))
	}
	if n, err := d.DismissDeadLetters(t.Context(), 240); err != nil || n != 0 {
		t.Errorf("again: %d, %v, want none", n, err)
	}
	if n := dbtest.Value[int](t, d, "SELECT count(*) FROM webhook_events WHERE body IS NOT NULL"); n != 10 {
		t.Errorf("%d bodies are kept, want those of the 10", n)
	}
}

func TestPurgeBodies(t *testing.T) {
	d := dbtest.New(t)
	now := db.TimeOf(time.Now())
	d.SetNow(func() db.Time { return now.Add(-db.KeepBodies - time.Minute) })
	_, err := d.ApplyEvent(t.Context(), db.Event{SvixID: "msg_old", Type: "user.updated", Unusable: "odd", Body: "{}"})
	check(t, err)
	d.SetNow(func() db.Time { return now.Add(-db.KeepBodies + time.Minute) })
	_, err = d.ApplyEvent(t.Context(), db.Event{SvixID: "msg_new", Type: "user.updated", Unusable: "odd", Body: "{}"})
	check(t, err)
	d.SetNow(func() db.Time { return now })
	if n, err := d.PurgeBodies(t.Context()); err != nil || n != 1 {
		t.Errorf("PurgeBodies = %d, %v, want 1", n, err)
	}
	for id, want := range map[string]string{"msg_old": "odd NULL", "msg_new": "odd {}"} {
		if got := storedEvent(t, d, id); !strings.HasSuffix(got, want) {
			t.Errorf("%s is %q, want it to end with %q", id, got, want)
		}
	}
	if n := openLetters(t, d); n != 2 {
		t.Errorf("%d dead letters are open, want both", n)
	}
}

func TestLastMendingSync(t *testing.T) {
	d := dbtest.New(t)
	steps := []struct {
		values string // of a row: id, started, finished, lost
		wantID int64  // of the last that mended something; 0: none
	}{
		{"(1, 10, NULL, 5)", 0},
		{"(2, 20, 25, 0)", 0},
		{"(3, 30, 35, 1)", 3},
		{"(4, 40, 45, 0)", 3},
		{"(5, 50, NULL, 2)", 3},
		{"(6, 60, 65, 2)", 6},
	}
	for _, step := range steps {
		dbtest.Exec(t, d, "INSERT INTO syncs (id, started_at, finished_at, lost, instance) SELECT *, 'clerk.example' FROM (VALUES "+step.values+")")
		row, err := d.GetLastMendingSync(t.Context(), 0)
		if step.wantID == 0 && errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil || row.Sync.ID != step.wantID || !row.Repeated {
			t.Errorf("after %s: %+v, %v, want %d", step.values, row, err, step.wantID)
		}
	}
	if _, err := d.GetLastMendingSync(t.Context(), 60); !errors.Is(err, sql.ErrNoRows) {
		t.Errorf("after the last: %v, want none", err)
	}
	dbtest.Exec(t, d, "DELETE FROM syncs WHERE id < 6")
	if row, err := d.GetLastMendingSync(t.Context(), 0); err != nil || row.Repeated {
		t.Errorf("the first: %+v, %v", row, err)
	}
	if at, err := d.GetFirstSyncTime(t.Context()); err != nil || at != 60 {
		t.Errorf("GetFirstSyncTime = %d, %v, want 60", at, err)
	}
}
