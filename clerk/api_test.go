package clerk_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"inkwell/clerk"
)

func newAPI(h http.Handler) *clerk.API {
	c := config(true)
	c.HTTPClient = double{h}.client()
	return clerk.NewAPI(c)
}

func clerksError(code string) any {
	return map[string]any{"errors": []any{map[string]any{"code": code, "message": "not to be shown"}}, "clerk_trace_id": "x"}
}

func TestAPIUser(t *testing.T) {
	mux := http.NewServeMux()
	mux.Handle("GET /v1/users/user_1", answer(200, map[string]any{"id": "user_1", "first_name": "Ada", "deprovisioned": true, "updated_at": 1760000000000}))
	mux.Handle("GET /v1/users/user_odd", answer(200, map[string]any{"id": "user_odd", "banned": "yes"}))
	mux.Handle("GET /v1/users/user_none", answer(404, clerksError("resource_not_found")))
	mux.Handle("GET /v1/users/user_down", answer(503, clerksError("down")))
	api := newAPI(mux)
	tests := []struct {
		name, id string
		notFound bool
		problem  string
	}{
		{"there", "user_1", false, ""},
		{"of another form", "user_odd", false, "banned"},
		{"gone", "user_none", true, ""},
		{"down", "user_down", false, "503 down"},
		{"404 of something else", "user_2", false, "404"},
		{"empty", "", true, ""},
		{"another path", "../jwks", true, ""},
		{"a query", "user_1?x", true, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			user, err := api.User(t.Context(), tt.id)
			switch {
			case errors.Is(err, clerk.ErrUserNotFound) != tt.notFound:
				t.Errorf("User(%q): %v", tt.id, err)
			case tt.problem != "" && (err == nil || !strings.Contains(err.Error(), tt.problem) || strings.Contains(err.Error(), "not to be shown")):
				t.Errorf("User(%q): %v, want %q", tt.id, err, tt.problem)
			case err == nil && (user.ID != tt.id || user.Name != "Ada" || !user.Deprovisioned):
				t.Errorf("User(%q) = %+v", tt.id, user)
			}
		})
	}
}

func TestAPIRevokeSession(t *testing.T) {
	testEnding(t, "POST /v1/sessions/{id}/revoke", (*clerk.API).RevokeSession)
}

func TestAPIDeleteUser(t *testing.T) {
	testEnding(t, "DELETE /v1/users/{id}", (*clerk.API).DeleteUser)
}

// testEnding tests the end of what has an id: what does not exist has ended.
func testEnding(t *testing.T, pattern string, end func(api *clerk.API, ctx context.Context, id string) error) {
	t.Helper()
	ended := ""
	mux := http.NewServeMux()
	mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		ended = r.PathValue("id")
		switch ended {
		case "id_1":
			answer(200, map[string]any{"id": "id_1"})(w, r)
		case "id_gone":
			answer(404, clerksError("resource_not_found"))(w, r)
		case "id_elsewhere":
			answer(404, "not Clerk")(w, r)
		default:
			answer(500, clerksError("down"))(w, r)
		}
	})
	api := newAPI(mux)
	tests := []struct {
		id, asked string
		fails     bool
	}{
		{"id_1", "id_1", false},
		{"id_gone", "id_gone", false},
		{"id_elsewhere", "id_elsewhere", true},
		{"id_down", "id_down", true},
		{"", "", false},
		{"../users/user_1", "", false},
	}
	for _, tt := range tests {
		ended = ""
		if err := end(api, t.Context(), tt.id); (err != nil) != tt.fails || ended != tt.asked {
			t.Errorf("ending %q: %v, asked for %q", tt.id, err, ended)
		}
	}
}

func TestAPITimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := config(true)
		c.HTTPClient = &http.Client{Transport: silent{}}
		start := time.Now()
		_, err := clerk.NewAPI(c).User(t.Context(), "user_1")
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 5*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		if strings.Contains(err.Error(), "api.clerk.com") {
			t.Errorf("%q holds the URL", err)
		}
	})
}

func TestAPIBanUser(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/users/{id}/{verb}", func(w http.ResponseWriter, r *http.Request) {
		switch id := r.PathValue("id"); id {
		case "user_1":
			answer(200, map[string]any{"id": id, "banned": r.PathValue("verb") == "ban", "updated_at": 1_700_000_000_000})(w, r)
		case "user_odd":
			answer(200, map[string]any{"object": "user"})(w, r)
		case "user_gone":
			answer(404, clerksError("resource_not_found"))(w, r)
		default:
			answer(500, clerksError("down"))(w, r)
		}
	})
	api := newAPI(mux)
	for id, want := range map[string]error{"user_1": nil, "user_odd": clerk.ErrUserUnusable, "user_gone": clerk.ErrUserNotFound, "": clerk.ErrUserNotFound, "../jwks": clerk.ErrUserNotFound} {
		banned, err := api.BanUser(t.Context(), id)
		unbanned, err2 := api.UnbanUser(t.Context(), id)
		if !errors.Is(err, want) || !errors.Is(err2, want) || want == nil && (!banned.Banned || unbanned.Banned) {
			t.Errorf("BanUser(%q) = %+v, %v, and UnbanUser = %+v, %v; want %v", id, banned, err, unbanned, err2, want)
		}
	}
	if _, err := api.BanUser(t.Context(), "user_down"); err == nil || !strings.Contains(err.Error(), "ban user: the Backend API answered 500") {
		t.Errorf("BanUser of a Clerk that is down: %v", err)
	}
}
