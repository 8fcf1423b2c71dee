package db_test

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"inkwell/db"
	"inkwell/db/dbtest"
)

// instance is the one whose users there are.
const instance = "clerk.example.com"

func begin(t *testing.T, d *db.DB) db.Sync {
	t.Helper()
	sync, err := d.BeginSync(t.Context(), instance)
	check(t, err)
	return sync
}

func TestBeginSync(t *testing.T) {
	tests := []struct {
		name    string
		before  func(t *testing.T, d *db.DB, first db.Sync)
		after   time.Duration
		resumes bool
	}{
		{"interrupted", func(*testing.T, *db.DB, db.Sync) {}, 24*time.Hour - time.Millisecond, true},
		{"interrupted a day ago", func(*testing.T, *db.DB, db.Sync) {}, 24 * time.Hour, false},
		{"broken off", func(t *testing.T, d *db.DB, first db.Sync) {
			sync, err := d.BreakSync(t.Context(), first.ID, "failing", "Clerk is down")
			if err != nil || sync.Error != "Clerk is down" || sync.Cause != "failing" || sync.FinishedAt != 0 {
				t.Errorf("BreakSync = %+v, %v", sync, err)
			}
		}, time.Hour, true},
		{"finished", func(t *testing.T, d *db.DB, first db.Sync) {
			_, err := d.FinishSync(t.Context(), first.ID)
			check(t, err)
		}, time.Hour, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, clock := withClock(t)
			first := begin(t, d)
			if want := (db.Sync{ID: first.ID, Instance: instance, StartedAt: clock.at}); first != want {
				t.Errorf("BeginSync = %+v, want %+v", first, want)
			}
			stored, err := d.SavePage(t.Context(), first.ID, []db.UserData{{ClerkID: "user_ada"}}, "user_ada")
			check(t, err)
			tt.before(t, d, first)
			clock.at = clock.at.Add(tt.after)
			second := begin(t, d)
			want := db.Sync{ID: first.ID + 1, Instance: instance, StartedAt: clock.at}
			if tt.resumes {
				want = stored
			}
			if second != want {
				t.Errorf("BeginSync again = %+v, want %+v", second, want)
			}
			if last, err := d.GetLastSync(t.Context()); last != second || err != nil {
				t.Errorf("GetLastSync = %+v, %v, want %+v", last, err, second)
			}
		})
	}
}

func TestFinishSync(t *testing.T) {
	d, clock := withClock(t)
	for _, get := range []func() (db.Sync, error){
		func() (db.Sync, error) { return d.GetLastSync(t.Context()) },
		func() (db.Sync, error) { return d.GetLastFinishedSync(t.Context()) },
		func() (db.Sync, error) { return d.FinishSync(t.Context(), 7) },
		func() (db.Sync, error) { return d.BreakSync(t.Context(), 7, "failing", "odd") },
		func() (db.Sync, error) { return d.SavePage(t.Context(), 7, nil, "") },
		func() (db.Sync, error) { return d.SetSyncTotal(t.Context(), 7, 1) },
		func() (db.Sync, error) { return d.DeleteMissing(t.Context(), 7, "user_ada", 1) },
	} {
		if sync, err := get(); !errors.Is(err, sql.ErrNoRows) {
			t.Errorf("without a reconciliation: %+v, %v, want sql.ErrNoRows", sync, err)
		}
	}
	first := begin(t, d)
	clock.at++
	finished, err := d.FinishSync(t.Context(), first.ID)
	if err != nil || finished.FinishedAt != clock.at {
		t.Errorf("FinishSync = %+v, %v", finished, err)
	}
	begin(t, d)
	if last, err := d.GetLastFinishedSync(t.Context()); last != finished || err != nil {
		t.Errorf("GetLastFinishedSync = %+v, %v, want %+v", last, err, finished)
	}
}

func TestSavePage(t *testing.T) {
	full := db.UserData{
		ClerkID: "user_ada", Email: ptr("ada@example.com"), EmailVerified: true, Username: ptr("ada"), FirstName: ptr("Ada"), LastName: ptr("L"),
		Name: "Ada L", ImageURL: "https://img.example.com/ada", Role: db.RoleAdmin, CreatedAt: 1, UpdatedAt: 10,
	}
	changed := func(change func(*db.UserData)) db.UserData {
		data := full
		data.UpdatedAt++
		change(&data)
		return data
	}
	tests := []struct {
		name string
		data db.UserData
		want string // checked, added, changed; Clerk's time in the row
	}{
		{"the same", full, "1 0 0 10"},
		{"touched", changed(func(*db.UserData) {}), "1 0 0 11"},
		{"older", changed(func(u *db.UserData) { u.Name, u.UpdatedAt = "Old", 9 }), "1 0 0 10"},
		{"other, of the same time", changed(func(u *db.UserData) { u.Name, u.UpdatedAt = "Other", 10 }), "1 0 1 10"},
		{"new here", changed(func(u *db.UserData) { u.ClerkID = "user_new" }), "1 1 0 11"},
		{"deleted here", changed(func(u *db.UserData) { u.ClerkID = "user_gone" }), "1 0 0 0"},
		{"known by the id alone", changed(func(u *db.UserData) { u.ClerkID = "user_bare" }), "1 0 1 11"},
		{"email", changed(func(u *db.UserData) { u.Email = nil }), "1 0 1 11"},
		{"another email", changed(func(u *db.UserData) { u.Email = ptr("a@example.com") }), "1 0 1 11"},
		{"verification", changed(func(u *db.UserData) { u.EmailVerified = false }), "1 0 1 11"},
		{"username", changed(func(u *db.UserData) { u.Username = ptr("") }), "1 0 1 11"},
		{"first name", changed(func(u *db.UserData) { u.FirstName = nil }), "1 0 1 11"},
		{"last name", changed(func(u *db.UserData) { u.LastName = nil }), "1 0 1 11"},
		{"name", changed(func(u *db.UserData) { u.Name = "" }), "1 0 1 11"},
		{"picture", changed(func(u *db.UserData) { u.ImageURL = "" }), "1 0 1 11"},
		{"role", changed(func(u *db.UserData) { u.Role = "" }), "1 0 1 11"},
		{"ban", changed(func(u *db.UserData) { u.Banned = true }), "1 0 1 11"},
		{"lock", changed(func(u *db.UserData) { u.Locked = true }), "1 0 1 11"},
		{"removal", changed(func(u *db.UserData) { u.Deprovisioned = true }), "1 0 1 11"},
		{"creation", changed(func(u *db.UserData) { u.CreatedAt = 2 }), "1 0 1 11"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, clock := withClock(t)
			_, err := d.SaveUser(t.Context(), full)
			check(t, err)
			newUser(t, d, "user_bare")
			clock.at++
			_, err = d.ApplyEvent(t.Context(), db.Event{SvixID: "msg_1", Type: "user.deleted", At: 5, DeletedClerkID: "user_gone"})
			check(t, err)
			sync, err := d.SavePage(t.Context(), begin(t, d).ID, []db.UserData{tt.data}, "cursor")
			check(t, err)
			user, err := d.GetUserByClerkID(t.Context(), tt.data.ClerkID)
			check(t, err)
			if got := fmt.Sprint(sync.Checked, sync.Added, sync.Changed, user.ClerkUpdatedAt); got != tt.want || sync.Cursor != "cursor" {
				t.Errorf("SavePage = %+v, of a user as of %d: %q, want %q", sync, user.ClerkUpdatedAt, got, tt.want)
			}
		})
	}
}

// Users whose event may well be yet to come are not lost.
func TestLostUsers(t *testing.T) {
	d, clock := withClock(t)
	clock.at = 24 * hour
	newUser(t, d, "user_2")
	newUser(t, d, "user_3")
	newUser(t, d, "user_gone")
	lock := db.UserData{ClerkID: "user_4", Name: "Out", Locked: true, UpdatedAt: 1}
	_, err := d.SaveUser(t.Context(), lock)
	check(t, err)
	lock.Locked = false // of which Clerk tells nobody
	clock.at++
	sync := begin(t, d)
	sync, err = d.SavePage(t.Context(), sync.ID, []db.UserData{
		{ClerkID: "user_0", UpdatedAt: clock.at.Add(-time.Hour)},
		{ClerkID: "user_1", UpdatedAt: clock.at.Add(-time.Hour) - 1},
		{ClerkID: "user_2", Name: "Late", UpdatedAt: clock.at.Add(-time.Hour)},
		{ClerkID: "user_3", Name: "Lost", UpdatedAt: clock.at.Add(-time.Hour) - 1},
		lock,
	}, "user_4")
	if err != nil || sync.Added != 2 || sync.Changed != 3 || sync.Lost != 2 {
		t.Errorf("SavePage = %+v, %v, want 2 added, 3 changed, 2 of them lost", sync, err)
	}
	if sync, err = d.DeleteMissing(t.Context(), sync.ID, "user_gone", clock.at); err != nil || sync.Deleted != 1 || sync.Lost != 2 {
		t.Errorf("DeleteMissing = %+v, %v, want 1 deleted, 2 lost", sync, err)
	}
}

const hour = db.Time(time.Hour / time.Millisecond)

// A row that is as Clerk says is not written, or every walk would say that
// everybody has changed.
func TestSavePageTwice(t *testing.T) {
	d, clock := withClock(t)
	page := []db.UserData{{ClerkID: "user_ada", Name: "Ada", UpdatedAt: 1}, {ClerkID: "user_ben", Name: "Ben", UpdatedAt: 1}}
	sync := begin(t, d)
	_, err := d.SavePage(t.Context(), sync.ID, page, "user_ben")
	check(t, err)
	before, err := d.GetUserByClerkID(t.Context(), "user_ada")
	check(t, err)
	clock.at++
	again, err := d.SavePage(t.Context(), sync.ID, page, "user_ben")
	if err != nil || again.Checked != 2 || again.Added != 2 || again.Changed != 0 {
		t.Errorf("SavePage again = %+v, %v, want everybody counted once", again, err)
	}
	if user, err := d.GetUserByClerkID(t.Context(), "user_ada"); user != before || err != nil {
		t.Errorf("the row is %+v, %v, want %+v", user, err, before)
	}
}

func TestSavePageRollsBack(t *testing.T) {
	d := dbtest.New(t)
	sync := begin(t, d)
	breakOn(t, d, "INSERT ON users WHEN NEW.clerk_id = 'user_3'")
	page := []db.UserData{{ClerkID: "user_1"}, {ClerkID: "user_2"}, {ClerkID: "user_3"}}
	if got, err := d.SavePage(t.Context(), sync.ID, page, "user_3"); err == nil {
		t.Errorf("SavePage = %+v, want an error", got)
	}
	if n := dbtest.Value[int](t, d, "SELECT count(*) FROM users"); n != 0 {
		t.Errorf("%d users stay", n)
	}
	if last, err := d.GetLastSync(t.Context()); last != sync || err != nil {
		t.Errorf("the reconciliation is %+v, %v, want %+v", last, err, sync)
	}
	dbtest.Exec(t, d, "DROP TRIGGER broken")
	if got, err := d.SavePage(t.Context(), sync.ID, page, "user_3"); err != nil || got.Added != 3 {
		t.Errorf("SavePage again = %+v, %v, want 3 added", got, err)
	}
}

func TestMissingUsers(t *testing.T) {
	d, clock := withClock(t)
	for i := range 7 {
		newUser(t, d, fmt.Sprint("user_", i))
	}
	_, err := d.ApplyEvent(t.Context(), db.Event{SvixID: "msg_1", Type: "user.deleted", At: 1, DeletedClerkID: "user_6"})
	check(t, err)
	clock.at++
	first := begin(t, d)
	newUser(t, d, "user_young") // in the millisecond in which the walk started
	_, err = d.SavePage(t.Context(), first.ID, []db.UserData{{ClerkID: "user_0"}, {ClerkID: "user_2"}, {ClerkID: "user_other"}}, "user_2")
	check(t, err)
	for size := int64(1); size < 6; size++ {
		if got := missing(t, d, first.ID, size); !slices.Equal(got, []string{"user_1", "user_3", "user_4", "user_5"}) {
			t.Errorf("pages of %d: %v", size, got)
		}
	}
	_, err = d.DeleteMissing(t.Context(), first.ID, "user_3", 50)
	check(t, err)
	_, err = d.DeleteMissing(t.Context(), first.ID, "user_3", 40)
	check(t, err)
	_, err = d.DeleteMissing(t.Context(), first.ID, "user_6", 40)
	check(t, err)
	_, err = d.SavePage(t.Context(), first.ID, []db.UserData{{ClerkID: "user_1"}}, "user_2") // it was there after all
	check(t, err)
	if got := missing(t, d, first.ID, 9); !slices.Equal(got, []string{"user_4", "user_5"}) {
		t.Errorf("missing: %v", got)
	}
	finished, err := d.FinishSync(t.Context(), first.ID)
	if err != nil || finished.Deleted != 1 {
		t.Errorf("FinishSync = %+v, %v, want one deleted", finished, err)
	}
	if user, err := d.GetUserByClerkID(t.Context(), "user_3"); err != nil || user.DeletedAt != 40 {
		t.Errorf("the missing user is %+v, %v, want deleted at 40", user, err)
	}
	clock.at++
	second := begin(t, d)
	if got := missing(t, d, second.ID, 9); len(got) != 7 {
		t.Errorf("missing for the next walk: %v, want all who live", got)
	}
	clock.at = 1 // the clock goes back
	_, err = d.SavePage(t.Context(), second.ID, []db.UserData{{ClerkID: "user_1"}}, "user_1")
	check(t, err)
	if got := missing(t, d, second.ID, 9); slices.Contains(got, "user_1") {
		t.Errorf("missing though it was seen: %v", got)
	}
}

// missing returns all whom a reconciliation has not seen, in pages of a size.
func missing(t *testing.T, d *db.DB, syncID, size int64) []string {
	t.Helper()
	var ids []string
	p := db.ListMissingUsersParams{SyncID: syncID, PageSize: size}
	for {
		rows, err := d.ListMissingUsers(t.Context(), p)
		check(t, err)
		for _, row := range rows {
			ids, p.AfterID = append(ids, row.ClerkID), row.ID
		}
		if int64(len(rows)) < size {
			return ids
		}
	}
}

func TestDeleteMissingRollsBack(t *testing.T) {
	d := dbtest.New(t)
	before := newUser(t, d, "user_ada")
	sync := begin(t, d)
	breakOn(t, d, "UPDATE ON syncs")
	if _, err := d.DeleteMissing(t.Context(), sync.ID, "user_ada", 5); err == nil {
		t.Error("DeleteMissing succeeds")
	}
	if user, err := d.GetUserByClerkID(t.Context(), "user_ada"); user != before || err != nil {
		t.Errorf("the user is %+v, %v, want %+v", user, err, before)
	}
}

// Two programs may reconcile at once: the users are right, and counted once.
func TestTwoSyncsAtOnce(t *testing.T) {
	const users, size = 60, 7
	d := hasty(t)
	var all []db.UserData
	for i := range users {
		all = append(all, db.UserData{ClerkID: fmt.Sprintf("user_%03d", i), Name: fmt.Sprint(i), UpdatedAt: 1})
		newUser(t, d, fmt.Sprintf("user_%03d", i/2*2)) // every other one is there
	}
	walk := func() error {
		sync, err := d.BeginSync(t.Context(), instance)
		for page := range slices.Chunk(all, size) {
			if err != nil {
				return err
			}
			_, err = d.SavePage(t.Context(), sync.ID, page, page[len(page)-1].ClerkID)
		}
		return err
	}
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			if err := walk(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	sync, err := d.GetLastSync(t.Context())
	if err != nil || sync.Checked != users || sync.Added+sync.Changed != users {
		t.Errorf("%+v, %v, want %d checked, and each of them added or changed", sync, err, users)
	}
	if got := missing(t, d, sync.ID, 99); len(got) != 0 {
		t.Errorf("missing: %v", got)
	}
	if n := dbtest.Value[int](t, d, "SELECT count(*) FROM users WHERE name = CAST(substr(clerk_id, 6) AS INTEGER)"); n != users {
		t.Errorf("%d users are right, want %d", n, users)
	}
}

// A comparison with another instance would find everybody missing.
func TestBeginSyncOfAnotherInstance(t *testing.T) {
	d, _ := withClock(t)
	first := begin(t, d)
	if other, err := d.BeginSync(t.Context(), "clerk.other.example"); err != nil || other.ID == first.ID {
		t.Errorf("before any was finished: %+v, %v; want one of its own", other, err)
	}
	_, err := d.FinishSync(t.Context(), first.ID)
	check(t, err)
	if _, err := d.BeginSync(t.Context(), "clerk.other.example"); !errors.Is(err, db.ErrOtherInstance) {
		t.Errorf("afterwards: %v, want %v", err, db.ErrOtherInstance)
	}
	broken, err := d.BreakSync(t.Context(), first.ID, "failing", "too late")
	if err != nil || broken.Error != "" {
		t.Errorf("what is finished is broken off: %+v, %v", broken, err)
	}
}
