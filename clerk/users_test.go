package clerk_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"inkwell/clerk"
)

func TestAPIUsers(t *testing.T) {
	const ada, ben, odd = `{"id":"user_ada","first_name":"Ada","deprovisioned":true}`, `{"id":"user_ben"}`, `{"id":"user_odd","banned":"yes"}`
	tests := []struct {
		name     string
		body     string
		users    []string
		unusable string // in the errors
		cursor   string
		last     bool
		problem  string // of the whole page
	}{
		{"full", "[" + ada + "," + ben + "]", []string{"user_ada", "user_ben"}, "", "user_ben", false, ""},
		{"last", "[" + ada + "]", []string{"user_ada"}, "", "user_ada", true, ""},
		{"empty", "[]", nil, "", "user_0", true, ""},
		{"unusable in front", "[" + odd + "," + ben + "]", []string{"user_ben"}, "banned", "user_ben", false, ""},
		{"unusable at the end", "[" + ben + "," + odd + "]", []string{"user_ben"}, "user_odd", "user_odd", false, ""},
		{"without an id at the end", "[" + ben + `,{"first_name":"Eve"}]`, []string{"user_ben"}, "id is missing", "user_ben", false, ""},
		{"not an object", "[1," + ben + "]", []string{"user_ben"}, "not a JSON object", "user_ben", false, ""},
		{"null among them", "[null," + ben + "]", []string{"user_ben"}, "not a JSON object", "user_ben", false, ""},
		{"without any id", "[{},{}]", nil, "", "", false, "leads no further"},
		{"the same again", `[{"id":"user_1"},{"id":"user_0"}]`, nil, "", "", false, "leads no further"},
		{"an object", `{"data":[` + ada + `]}`, nil, "", "", false, "not JSON of the expected form"},
		{"null", "null", nil, "", "", false, "not a list"},
		{"nothing", "", nil, "", "", false, "not a list"},
		{"broken off", "[" + ada, nil, "", "", false, "not JSON of the expected form"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			api := newAPI(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if got := r.URL.Path + " " + r.URL.Query().Encode(); got != "/v1/users limit=2&order_by=%2Bcreated_at&starting_after=user_0" {
					t.Errorf("asked for %s", got)
				}
				fmt.Fprint(w, tt.body)
			}))
			page, err := api.Users(t.Context(), "user_0", 2)
			if tt.problem != "" {
				if err == nil || !strings.Contains(err.Error(), tt.problem) {
					t.Errorf("Users = %+v, %v, want %q", page, err, tt.problem)
				}
				return
			}
			if err != nil || page.Cursor != tt.cursor || page.Last != tt.last || !slices.Equal(ids(page), tt.users) {
				t.Errorf("Users = %+v, %v, want %q, cursor %q, last %v", page, err, tt.users, tt.cursor, tt.last)
			}
			if got := errors.Join(page.Unusable...); (got != nil) != (tt.unusable != "") || got != nil && !strings.Contains(got.Error(), tt.unusable) {
				t.Errorf("unusable: %v, want %q", got, tt.unusable)
			}
			if tt.name == "full" && !page.Users[0].Deprovisioned {
				t.Error("what the SDK's type lacks is lost")
			}
		})
	}
}

func ids(p clerk.UserPage) []string {
	var all []string
	for _, u := range p.Users {
		all = append(all, u.ID)
	}
	return all
}

func TestAPIUsersFromTheStart(t *testing.T) {
	asked := ""
	api := newAPI(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.RawQuery
		http.Error(w, "down", http.StatusBadGateway)
	}))
	page, err := api.Users(t.Context(), "", clerk.MaxPage)
	if err == nil || !strings.Contains(err.Error(), "502") || asked != "limit=500&order_by=%2Bcreated_at" {
		t.Errorf("Users = %+v, %v, asked for %s", page, err, asked)
	}
}

// A walk that was interrupted may find that the user it came to is gone.
func TestAPIUsersAfterNobody(t *testing.T) {
	tests := []struct {
		after    string
		status   int
		code     string
		notFound bool
	}{
		{"user_1", 422, "form_param_value_invalid", true},
		{"user_1", 404, "resource_not_found", true},
		{"user_1", 404, "", false}, // of something that is not Clerk
		{"user_1", 422, "", false},
		{"user_1", 401, "authentication_invalid", false},
		{"user_1", 429, "too_many_requests", false},
		{"user_1", 500, "down", false},
		{"", 422, "form_param_value_invalid", false},
	}
	for _, tt := range tests {
		_, err := newAPI(answer(tt.status, clerksError(tt.code))).Users(t.Context(), tt.after, 1)
		if err == nil || errors.Is(err, clerk.ErrUserNotFound) != tt.notFound {
			t.Errorf("%d %s after %q: %v, want not found: %v", tt.status, tt.code, tt.after, err, tt.notFound)
		}
	}
}

// A list may be longer than other answers, and take longer.
func TestAPIUsersBounds(t *testing.T) {
	user := func(i int, size int) string {
		return fmt.Sprintf(`{"id":"user_%d","unsafe_metadata":{"x":%q}}`, i, strings.Repeat("x", size))
	}
	list := func(users, size int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			for i := range users {
				fmt.Fprint(w, map[bool]string{true: "[", false: ","}[i == 0], user(i, size))
			}
			fmt.Fprint(w, "]")
		}
	}
	if page, err := newAPI(list(clerk.MaxPage, 30<<10)).Users(t.Context(), "", clerk.MaxPage); err != nil || len(page.Users) != clerk.MaxPage {
		t.Errorf("a page of 15 MB: %d users, %v", len(page.Users), err)
	}
	if page, err := newAPI(list(33, 1<<20)).Users(t.Context(), "", clerk.MaxPage); err == nil {
		t.Errorf("a page of 33 MiB: %d users, want an error", len(page.Users))
	}
	one := newAPI(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, user(1, 1<<20)) }))
	if _, err := one.User(t.Context(), "user_1"); err == nil {
		t.Error("a user of more than 1 MiB is read")
	}
	synctest.Test(t, func(t *testing.T) {
		c := config(true)
		c.HTTPClient = &http.Client{Transport: silent{}}
		start := time.Now()
		_, err := clerk.NewAPI(c).Users(t.Context(), "", 1)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 30*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}
