package emulator_test

import (
	"net/http"
	"path/filepath"
	"slices"
	"testing"

	"inkwell/clerk/emulator"
)

func TestCreateUsers(t *testing.T) {
	file := filepath.Join(t.TempDir(), "clerk.json")
	rec := new(receiver)
	e := receive(t, rec, file)
	e.DeliverTo(endpoint)
	for _, taken := range []string{"user2@example.com", "User5@Example.com"} {
		if _, err := e.CreateUser(taken); err != nil {
			t.Fatal(err)
		}
	}
	users, err := e.CreateUsers(3)
	if err != nil {
		t.Fatal(err)
	}
	more, err := e.CreateUsers(1)
	if err != nil {
		t.Fatal(err)
	}
	var emails []string
	for _, u := range slices.Concat(users, more) {
		emails = append(emails, *u.Email)
		if !u.EmailVerified || u.Role != "member" || u.Username != nil {
			t.Errorf("one of them is %+v", u)
		}
	}
	if want := []string{"user1@example.com", "user3@example.com", "user4@example.com", "user6@example.com"}; !slices.Equal(emails, want) {
		t.Errorf("their addresses are %q, want %q", emails, want)
	}
	if !users[0].CreatedAt.Before(users[1].CreatedAt) || !users[1].CreatedAt.Before(users[2].CreatedAt) || users[0].Name != "User 1" {
		t.Errorf("they are %+v", users)
	}
	flush(t, e)
	if n := len(rec.types()); n != 5+2+4 {
		t.Errorf("%d webhooks were sent, want 11", n)
	}
	e.Close()
	if again := newEmulator(t, emulator.Options{StateFile: file}); len(again.Users()) != 11 {
		t.Errorf("%d users are kept, want 11", len(again.Users()))
	}
	for _, n := range []int{-1, 0, 10_001} {
		if made, err := e.CreateUsers(n); err == nil || made != nil {
			t.Errorf("%d users can be made", n)
		}
	}
}

// All users, page by page as a program reads them when it compares its own.
func TestListManyUsers(t *testing.T) {
	e := newEmulator(t, emulator.Options{})
	if _, err := e.CreateUsers(1200); err != nil {
		t.Fatal(err)
	}
	for _, order := range []string{"created_at", "-created_at"} {
		var want, got []string
		for _, u := range e.Users() {
			want = append(want, u.ID)
		}
		if order[0] == '-' {
			slices.Reverse(want)
		}
		for query := "?limit=500&order_by=" + order; ; {
			page := listUsers(t, e, query)
			got = append(got, page...)
			if len(page) < 500 {
				break
			}
			query = "?limit=500&order_by=" + order + "&starting_after=" + page[499]
		}
		if !slices.Equal(got, want) {
			t.Errorf("by %s, the pages have %d users, want %d in their order", order, len(got), len(want))
		}
	}
}

// listUsers returns the ids of the users on a page of the Backend API.
func listUsers(t testing.TB, e *emulator.Emulator, query string) []string {
	t.Helper()
	status, body := backend(t, e, "GET", "/users"+query, nil)
	if status != http.StatusOK {
		t.Fatalf("GET /v1/users%s = %d %s", query, status, body)
	}
	return ids(t, body)
}

func BenchmarkListUsers(b *testing.B) {
	e, err := emulator.New(emulator.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer e.Close()
	users, err := e.CreateUsers(5000)
	if err != nil {
		b.Fatal(err)
	}
	for name, query := range map[string]string{"1": "?limit=1", "500": "?limit=500"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				listUsers(b, e, query+"&order_by=%2Bcreated_at&starting_after="+users[2500].ID)
			}
		})
	}
}
