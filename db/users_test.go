package db_test

import (
	"database/sql"
	"errors"
	"testing"

	"inkwell/db"
	"inkwell/db/dbtest"
)

func TestActive(t *testing.T) {
	tests := []struct {
		name string
		user db.User
		want bool
	}{
		{"plain", db.User{}, true},
		{"locked", db.User{Locked: true}, true},
		{"banned", db.User{Banned: true}, false},
		{"deprovisioned", db.User{Deprovisioned: true}, false},
		{"deleted", db.User{DeletedAt: 1}, false},
	}
	for _, tt := range tests {
		if got := tt.user.Active(); got != tt.want {
			t.Errorf("%s: Active() = %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestEnsureUser(t *testing.T) {
	d, clock := withClock(t)
	first := newUser(t, d, "user_ada")
	clock.at++
	if again := newUser(t, d, "user_ada"); again != first {
		t.Errorf("EnsureUser again = %+v, want %+v", again, first)
	}
	want := db.User{ID: first.ID, ClerkID: "user_ada", Role: db.RoleMember, CreatedAt: clock.at - 1, UpdatedAt: clock.at - 1}
	if first != want {
		t.Errorf("EnsureUser = %+v, want %+v", first, want)
	}
	if other := newUser(t, d, "user_ben"); other.ID == first.ID {
		t.Error("two users have one id")
	}
	if _, err := d.GetUserByClerkID(t.Context(), "user_eve"); !errors.Is(err, sql.ErrNoRows) {
		t.Errorf("GetUserByClerkID of nobody: %v, want sql.ErrNoRows", err)
	}
}

func TestSaveUser(t *testing.T) {
	d, clock := withClock(t)
	data := db.UserData{
		ClerkID: "user_ada", Email: ptr("ada@example.com"), EmailVerified: true, Username: ptr("ada"),
		FirstName: ptr("Ada"), LastName: ptr("Example"), Name: "Ada Example", ImageURL: "https://img.example.com/ada",
		Role: db.RoleModerator, Locked: true, CreatedAt: 10, UpdatedAt: 20,
	}
	user, err := d.SaveUser(t.Context(), data)
	check(t, err)
	if user.Name != "Ada Example" || *user.Email != "ada@example.com" || user.Role != db.RoleModerator || !user.Locked || user.ClerkCreatedAt != 10 || user.CreatedAt != clock.at {
		t.Errorf("SaveUser = %+v", user)
	}
	tests := []struct {
		name      string
		text      string
		updatedAt db.Time
		want      string
	}{
		{"older", "Older", 19, "Ada Example"},
		{"equal", "Equal", 20, "Equal"},
		{"newer", "Newer", 21, "Newer"},
		{"nameless", "", 22, ""},
	}
	for _, tt := range tests {
		clock.at++
		user, err := d.SaveUser(t.Context(), db.UserData{ClerkID: "user_ada", Name: tt.text, UpdatedAt: tt.updatedAt})
		if err != nil || string(user.Name) != tt.want {
			t.Errorf("%s: SaveUser names %q, %v, want %q", tt.name, user.Name, err, tt.want)
		}
	}
	if null := dbtest.Value[bool](t, d, "SELECT name IS NULL AND image_url IS NULL AND role = 'member' FROM users"); !null {
		t.Error("no name, no picture and no role are not kept as NULL, NULL and member")
	}
}

// Of an event and a snapshot of the same update the one that Clerk told later
// wins, whichever is stored first.
func TestSaveUserBesideAnEvent(t *testing.T) {
	tests := []struct {
		name      string
		asked     db.Time // relative to the event's arrival
		updatedAt db.Time // the event has 20
		want      string
	}{
		{"asked before", -1, 20, "of the event"},
		{"asked at the same time", 0, 20, "of the snapshot"},
		{"asked after", 1, 20, "of the snapshot"},
		{"asked before, newer", -1, 21, "of the snapshot"},
		{"asked after, older", 1, 19, "of the event"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, clock := withClock(t)
			newUser(t, d, "user_ada") // as their first request makes them
			clock.at += 10
			_, err := d.ApplyEvent(t.Context(), db.Event{SvixID: "msg_1", Type: "user.updated", At: 20, User: &db.UserData{ClerkID: "user_ada", Name: "of the event", UpdatedAt: 20}})
			check(t, err)
			asked := clock.at + tt.asked
			clock.at += 10
			snapshot := db.UserData{ClerkID: "user_ada", Name: "of the snapshot", UpdatedAt: tt.updatedAt, Asked: asked}
			user, err := d.SaveUser(t.Context(), snapshot)
			if err != nil || string(user.Name) != tt.want {
				t.Errorf("SaveUser leaves the name %q, %v, want %q", user.Name, err, tt.want)
			}
			_, err = d.SavePage(t.Context(), begin(t, d).ID, []db.UserData{snapshot}, "user_ada")
			check(t, err)
			if user, err := d.GetUser(t.Context(), user.ID); err != nil || string(user.Name) != tt.want {
				t.Errorf("SavePage leaves the name %q, %v, want %q", user.Name, err, tt.want)
			}
		})
	}
}

func TestDeletedUser(t *testing.T) {
	d, clock := withClock(t)
	user, err := d.SaveUser(t.Context(), db.UserData{ClerkID: "user_ada", Email: ptr("ada@example.com"), Name: "Ada", Role: db.RoleAdmin, CreatedAt: 5, UpdatedAt: 10})
	check(t, err)
	moderator := newUser(t, d, "user_mod")
	kept, own, others := newPost(t, d, user.ID, "kept"), newPost(t, d, user.ID, "own"), newPost(t, d, user.ID, "others")
	check(t, d.DeletePost(t.Context(), own.ID, user.ID))
	check(t, d.DeletePost(t.Context(), others.ID, moderator.ID))
	clock.at++

	outcome, err := d.ApplyEvent(t.Context(), db.Event{SvixID: "msg_1", Type: "user.deleted", At: 30, DeletedClerkID: "user_ada"})
	if outcome != db.OutcomeApplied || err != nil {
		t.Fatalf("ApplyEvent = %q, %v", outcome, err)
	}
	want := db.User{ID: user.ID, ClerkID: "user_ada", Role: db.RoleMember, DeletedAt: 30, CreatedAt: clock.at - 1, UpdatedAt: clock.at}
	for name, get := range map[string]func() (db.User, error){
		"GetUser":    func() (db.User, error) { return d.GetUser(t.Context(), user.ID) },
		"EnsureUser": func() (db.User, error) { return d.EnsureUser(t.Context(), "user_ada") },
		"SaveUser": func() (db.User, error) {
			return d.SaveUser(t.Context(), db.UserData{ClerkID: "user_ada", Name: "Ada", UpdatedAt: 99})
		},
	} {
		if got, err := get(); got != want || err != nil {
			t.Errorf("%s of a deleted user = %+v, %v, want %+v", name, got, err, want)
		}
	}
	if _, err := d.GetPost(t.Context(), kept.ID); !errors.Is(err, sql.ErrNoRows) {
		t.Errorf("a post of a deleted user: %v, want sql.ErrNoRows", err)
	}
	for _, post := range []db.Post{kept, own, others} {
		for _, by := range []int64{user.ID, moderator.ID} {
			if _, err := d.RestorePost(t.Context(), post.ID, by); !errors.Is(err, sql.ErrNoRows) {
				t.Errorf("user %d restores %q of a deleted user: %v", by, post.Title, err)
			}
		}
	}
	if _, err := d.CreatePost(t.Context(), db.CreatePostParams{AuthorID: user.ID}); !errors.Is(err, db.ErrInactive) {
		t.Errorf("CreatePost by a deleted user: %v, want ErrInactive", err)
	}
}
