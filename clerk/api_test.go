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
	revoked := ""
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/sessions/{id}/revoke", func(w http.ResponseWriter, r *http.Request) {
		revoked = r.PathValue("id")
		switch revoked {
		case "sess_1":
			answer(200, map[string]any{"id": "sess_1", "status": "revoked"})(w, r)
		case "sess_gone":
			answer(404, clerksError("resource_not_found"))(w, r)
		default:
			answer(500, clerksError("down"))(w, r)
		}
	})
	api := newAPI(mux)
	tests := []struct {
		id, asked string
		fails     bool
	}{
		{"sess_1", "sess_1", false},
		{"sess_gone", "sess_gone", false},
		{"sess_down", "sess_down", true},
		{"", "", false},
		{"../users/user_1", "", false},
	}
	for _, tt := range tests {
		revoked = ""
		if err := api.RevokeSession(t.Context(), tt.id); (err != nil) != tt.fails || revoked != tt.asked {
			t.Errorf("RevokeSession(%q): %v, asked for %q", tt.id, err, revoked)
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
