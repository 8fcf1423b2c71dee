package db_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"inkwell/db"
	"inkwell/db/dbtest"
)

func TestApplyEventStores(t *testing.T) {
	tests := []struct {
		name  string
		event db.Event
		want  string // type, Clerk's id, outcome, error and body as stored
	}{
		{"user", db.Event{SvixID: "msg_1", Type: "user.updated", At: 1, User: &db.UserData{ClerkID: "user_ada"}, Body: "{}"}, "user.updated user_ada applied NULL NULL"},
		{"deletion at no time", db.Event{SvixID: "msg_2", Type: "user.deleted", DeletedClerkID: "user_ben"}, "user.deleted user_ben applied NULL NULL"},
		{"other type", db.Event{SvixID: "msg_3", Type: "organization.created", Body: "{}"}, "organization.created NULL ignored NULL NULL"},
		{"end of a session", db.Event{SvixID: "msg_4", Type: "session.ended", EndedSessionID: "sess_1", ClerkID: "user_ada"}, "session.ended user_ada ignored NULL NULL"},
		{"unusable", db.Event{SvixID: "msg_5", Unusable: "it has no type", Body: "{}"}, " NULL dead_letter it has no type NULL"},
		{"unusable user", db.Event{SvixID: "msg_6", Type: "user.updated", ClerkID: "user_ada", Unusable: "odd", Body: "{}"}, "user.updated user_ada dead_letter odd {}"},
		{"unusable, of a deleted user", db.Event{SvixID: "msg_7", Type: "user.updated", ClerkID: "user_ben", Unusable: "odd", Body: "{}"}, "user.updated user_ben dead_letter odd NULL"},
		{"unusable, with a code in it", db.Event{SvixID: "msg_8", Type: "sms.created", ClerkID: "user_ada", Unusable: "odd", Body: "{}"}, "sms.created user_ada dead_letter odd NULL"},
		{"overtaken", db.Event{SvixID: "msg_0", Type: "user.created", At: 1, User: &db.UserData{ClerkID: "user_ada"}}, "user.created user_ada stale NULL NULL"},
	}
	d := dbtest.New(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			outcome, err := d.ApplyEvent(t.Context(), tt.event)
			check(t, err)
			if got := storedEvent(t, d, tt.event.SvixID); got != tt.want {
				t.Errorf("stored as %q, want %q", got, tt.want)
			}
			if !strings.Contains(tt.want, string(outcome)) {
				t.Errorf("outcome %q, want that of %q", outcome, tt.want)
			}
		})
	}
	if n := dbtest.Value[int](t, d, "SELECT count(*) FROM users WHERE deleted_at > 1"); n != 1 {
		t.Errorf("%d users deleted, want 1", n)
	}
	if _, err := d.ApplyEvent(t.Context(), db.Event{Type: "user.updated"}); err == nil {
		t.Error("an event without an id is accepted")
	}
}

// storedEvent returns type, Clerk's id, outcome, error and body of an event.
func storedEvent(t *testing.T, d *db.DB, svixID string) string {
	t.Helper()
	return dbtest.Value[string](t, d, `SELECT concat_ws(' ', type, coalesce(clerk_id, 'NULL'), outcome, coalesce(error, 'NULL'), coalesce(body, 'NULL'))
		FROM webhook_events WHERE svix_id = ?`, svixID)
}

func TestParallelDeliveriesOfOneEvent(t *testing.T) {
	d := dbtest.New(t)
	event := db.Event{SvixID: "msg_1", Type: "user.created", At: 1, User: &db.UserData{ClerkID: "user_ada", UpdatedAt: 1}}
	const deliveries = 500
	outcomes := make(chan db.Outcome, deliveries)
	var wg sync.WaitGroup
	for range deliveries {
		wg.Go(func() {
			outcome, err := d.ApplyEvent(t.Context(), event)
			if err != nil {
				t.Error(err)
			}
			outcomes <- outcome
		})
	}
	wg.Wait()
	close(outcomes)
	count := map[db.Outcome]int{}
	for outcome := range outcomes {
		count[outcome]++
	}
	if count[db.OutcomeApplied] != 1 || count[db.OutcomeDuplicate] != deliveries-1 {
		t.Errorf("outcomes %v, want one applied and the others duplicates", count)
	}
	if n := dbtest.Value[int](t, d, "SELECT (SELECT count(*) FROM webhook_events) * 1000 + count(*) FROM users"); n != 1001 {
		t.Errorf("%d events and users (in thousands and ones), want 1001", n)
	}
}

// A scenario is a sequence of deliveries with the users that must result, as
// in testdata/webhook-orderings.json, where the rules are.
type scenario struct {
	ID         string
	Invariant  bool `json:"permutation_invariant"`
	Deliveries []delivery
	Expect     struct {
		Users     []userRow
		InboxRows int `json:"inbox_rows"`
	}
}

type delivery struct {
	Op, Type, User        string
	SvixID                string `json:"svix_id"`
	UpdatedAt             int64  `json:"updated_at"`
	Timestamp, At         int64
	Email                 *string
	FirstName             *string `json:"first_name"`
	Banned, Deprovisioned bool
	Signature, Fault      string
	Outcome               string `json:"expect_outcome"`
	Allowed               bool   `json:"expect_allowed"`
}

type userRow struct {
	ClerkID               string  `json:"clerk_id"`
	Email                 *string `json:"email"`
	FirstName             *string `json:"first_name"`
	Banned, Deprovisioned bool
	UpdatedAt             int64  `json:"clerk_updated_at"`
	DeletedAt             *int64 `json:"deleted_at"`
}

func readScenarios(t *testing.T) []scenario {
	t.Helper()
	data, err := os.ReadFile("testdata/webhook-orderings.json")
	check(t, err)
	var file struct{ Scenarios []scenario }
	check(t, json.Unmarshal(data, &file))
	if len(file.Scenarios) < 20 {
		t.Fatalf("%d scenarios", len(file.Scenarios))
	}
	return file.Scenarios
}

func TestWebhookOrderings(t *testing.T) {
	const shuffles = 10
	random := rand.New(rand.NewPCG(1, 2))
	for _, s := range readScenarios(t) {
		t.Run(s.ID, func(t *testing.T) {
			d := hasty(t)
			for _, v := range s.Deliveries {
				if got := v.deliver(t, d); got != v.want() {
					t.Errorf("%s %s = %q, want %q", v.Op, v.SvixID, got, v.want())
				}
			}
			s.compare(t, d, "as listed")
			if !s.Invariant {
				return
			}
			for range shuffles {
				d := hasty(t)
				order := s.shuffle(random)
				for _, v := range order {
					v.deliver(t, d)
				}
				s.compare(t, d, names(order))
			}
		})
	}
}

// shuffle returns the deliveries in any order, each up to three times.
func (s scenario) shuffle(random *rand.Rand) []delivery {
	var all []delivery
	for _, v := range s.Deliveries {
		all = append(all, slices.Repeat([]delivery{v}, 1+random.IntN(3))...)
	}
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

func names(order []delivery) string {
	var all []string
	for _, v := range order {
		all = append(all, v.Op+" "+v.SvixID)
	}
	return strings.Join(all, ", ")
}

// deliver carries a delivery out and returns the outcome.
func (v delivery) deliver(t *testing.T, d *db.DB) string {
	t.Helper()
	switch v.Op {
	case "prune_inbox":
		dbtest.Exec(t, d, "DELETE FROM webhook_events")
		return ""
	case "jit":
		return fmt.Sprint(newUser(t, d, v.User).Active())
	case "api_snapshot":
		data := v.data()
		data.Asked = db.MaxTime // after all that came before
		_, err := d.SaveUser(t.Context(), data)
		check(t, err)
		return ""
	case "api_missing":
		sync, err := d.BeginSync(t.Context(), instance)
		check(t, err)
		_, err = d.DeleteMissing(t.Context(), sync.ID, v.User, db.Time(v.At))
		check(t, err)
		return ""
	}
	if v.Signature != "" && v.Signature != "second_secret" {
		return "rejected" // before it comes here
	}
	if v.Fault == "db_error" {
		breakOn(t, d, "INSERT ON webhook_events")
		defer dbtest.Exec(t, d, "DROP TRIGGER broken")
	}
	outcome, err := d.ApplyEvent(t.Context(), v.event())
	if err != nil {
		return "error"
	}
	return string(outcome)
}

// want is the outcome that the listed order must give.
func (v delivery) want() string {
	switch {
	case v.Op == "jit":
		return fmt.Sprint(v.Allowed)
	case v.Outcome == "tombstoned" && v.Type == "user.deleted":
		return string(db.OutcomeApplied) // it was earlier than was thought
	case v.Outcome == "tombstoned":
		return string(db.OutcomeStale)
	}
	return v.Outcome
}

func (v delivery) data() db.UserData {
	return db.UserData{
		ClerkID: v.User, Email: v.Email, FirstName: v.FirstName,
		Banned: v.Banned, Deprovisioned: v.Deprovisioned, UpdatedAt: db.Time(v.UpdatedAt),
	}
}

func (v delivery) event() db.Event {
	at := v.Timestamp
	if at < 1e11 { // seconds
		at *= 1000
	}
	e := db.Event{SvixID: v.SvixID, Type: v.Type, At: db.Time(at)}
	switch v.Type {
	case "user.created", "user.updated":
		e.User = ptr(v.data())
	case "user.deleted":
		e.DeletedClerkID = v.User
	}
	return e
}

func (s scenario) compare(t *testing.T, d *db.DB, order string) {
	t.Helper()
	if n := dbtest.Value[int](t, d, "SELECT count(*) FROM webhook_events"); n != s.Expect.InboxRows {
		t.Errorf("%s: %d events, want %d", order, n, s.Expect.InboxRows)
	}
	if n := dbtest.Value[int](t, d, "SELECT count(*) FROM users"); n != len(s.Expect.Users) {
		t.Errorf("%s: %d users, want %d", order, n, len(s.Expect.Users))
	}
	for _, want := range s.Expect.Users {
		user, err := d.GetUserByClerkID(t.Context(), want.ClerkID)
		check(t, err)
		got := userRow{
			ClerkID: user.ClerkID, Email: user.Email, FirstName: user.FirstName,
			Banned: user.Banned, Deprovisioned: user.Deprovisioned, UpdatedAt: int64(user.ClerkUpdatedAt),
		}
		if user.DeletedAt != 0 {
			got.DeletedAt = ptr(int64(user.DeletedAt))
		}
		if show(t, got) != show(t, want) {
			t.Errorf("%s: %s, want %s", order, show(t, got), show(t, want))
		}
	}
}

func show(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	check(t, err)
	return string(text)
}
