package emulator_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"inkwell/clerk"
	"inkwell/clerk/emulator"
)

const someBrowser = "dvb_ABCDEFGHIJKLMNOPQRSTUVWXYZ"

// frontend asks the Frontend API as clerk-js does.
func frontend(e *emulator.Emulator, method, path, body string) *httptest.ResponseRecorder {
	r := local("POST", "/__clerk/v1"+path, body)
	if method == "GET" {
		r.Method = "GET"
	}
	query := r.URL.Query()
	query.Set("__clerk_db_jwt", someBrowser)
	if method == "DELETE" || method == "PATCH" {
		query.Set("_method", method)
	}
	r.URL.RawQuery = query.Encode()
	return serve(e, r)
}

func TestFrontendAPI(t *testing.T) {
	e := newEmulator(t, emulator.Options{})
	if id := decode(t, frontend(e, "POST", "/dev_browser", "").Body.String())["id"].(string); !strings.HasPrefix(id, "dvb_") {
		t.Errorf("the development browser is %q", id)
	}
	if got := frontend(e, "PATCH", "/environment", "").Body.String(); decode(t, got)["auth_config"] == nil {
		t.Errorf("the environment is %s", got)
	}
	if got := frontend(e, "GET", "/client", "").Body.String(); got != `{"response":null}` {
		t.Errorf("signed out, the client is %s", got)
	}
	signedIn := decode(t, frontend(e, "POST", "/client/sign_ins", "strategy=ticket&ticket=user_dev_ada").Body.String())
	response, client := signedIn["response"].(map[string]any), signedIn["client"].(map[string]any)
	id, _ := response["created_session_id"].(string)
	if response["status"] != "complete" || id == "" || client["last_active_session_id"] != id {
		t.Fatalf("signing in gives %v", signedIn)
	}
	if got := decode(t, frontend(e, "POST", "/client/sessions/"+id+"/tokens", "").Body.String()); got["object"] != "token" || got["jwt"] == "" {
		t.Errorf("a token is %v", got)
	}
	touched := decode(t, frontend(e, "POST", "/client/sessions/"+id+"/touch", "intent=focus").Body.String())
	if user := touched["response"].(map[string]any)["user"].(map[string]any); user["id"] != "user_dev_ada" {
		t.Errorf("touching gives %v", touched)
	}
	out := decode(t, frontend(e, "DELETE", "/client/sessions", "").Body.String())
	if sessions := out["response"].(map[string]any)["sessions"].([]any); len(sessions) != 0 {
		t.Errorf("signing out gives %v", out)
	}
	if w := frontend(e, "POST", "/client/sessions/"+id+"/tokens", ""); w.Code != http.StatusUnauthorized {
		t.Errorf("a token of an ended session = %d, want 401", w.Code)
	}
}

func TestFrontendAPIEndsOneSession(t *testing.T) {
	for verb, want := range map[string]string{"end": "ended", "remove": "removed"} {
		e := newEmulator(t, emulator.Options{})
		up := decode(t, frontend(e, "POST", "/client/sign_ins", "strategy=ticket&ticket=new@example.com&sign_up_if_missing=true").Body.String())
		id := up["response"].(map[string]any)["created_session_id"].(string)
		ended := decode(t, frontend(e, "POST", "/client/sessions/"+id+"/"+verb, "").Body.String())
		if got := ended["response"].(map[string]any)["status"]; got != want {
			t.Errorf("%s leaves the session %v", verb, got)
		}
		if got := frontend(e, "GET", "/client", "").Body.String(); got != `{"response":null}` {
			t.Errorf("after %s the client is %s", verb, got)
		}
	}
}

func TestFrontendAPIFailures(t *testing.T) {
	e := newEmulator(t, emulator.Options{})
	tests := []struct {
		method, path, body string
		wantStatus         int
		wantCode           string
	}{
		{"POST", "/client/sign_ins", "identifier=nobody@example.com", 422, "form_identifier_not_found"},
		{"POST", "/client/sign_ins", "", 422, "form_param_missing"},
		{"POST", "/client/sign_ins", "%zz", 400, "request_body_invalid"},
		{"PATCH", "/me", "%zz", 400, "request_body_invalid"},
		{"PATCH", "/me", "first_name=" + strings.Repeat("a", 1<<20), 413, "request_body_too_large"},
		{"POST", "/client/sign_ups", "email_address=ada@example.com", 422, "form_identifier_exists"},
		{"POST", "/client/sign_ups", "email_address=nothing", 422, "form_param_format_invalid"},
		{"POST", "/client/sessions/sess_1/touch", "", 401, "signed_out"},
		{"GET", "/client/nothing", "", 404, "resource_not_found"},
		{"DELETE", "/client", "", 405, "method_not_allowed"},
	}
	for _, tt := range tests {
		w := frontend(e, tt.method, tt.path, tt.body)
		wantFailure(t, fmt.Sprintf("%s %s %.40s", tt.method, tt.path, tt.body), w.Result(), tt.wantStatus, tt.wantCode)
	}
	w := serve(e, local("POST", "/__clerk/v1/client/sign_ins", "identifier=ada"))
	wantFailure(t, "signing in from no browser", w.Result(), 401, "dev_browser_unauthenticated")
}

func wantFailure(t *testing.T, what string, res *http.Response, status int, code string) {
	t.Helper()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	list, _ := decode(t, string(body))["errors"].([]any)
	if res.StatusCode != status || len(list) != 1 || list[0].(map[string]any)["code"] != code {
		t.Errorf("%s = %d %s, want %d %s", what, res.StatusCode, body, status, code)
	}
	if got := res.Header.Get("Content-Type"); got != "application/json" {
		t.Errorf("%s has the type %q", what, got)
	}
}

func TestBackendAPI(t *testing.T) {
	e := newEmulator(t, emulator.Options{})
	picture := "https://img.example.com/grace"
	want, err := e.UpdateUser("user_dev_grace", func(u *clerk.User) { u.ImageURL, u.Locked, u.Role = picture, true, "moderator" })
	if err != nil {
		t.Fatal(err)
	}
	api := clerk.NewAPI(e.Config())
	got, err := api.User(t.Context(), "user_dev_grace")
	if err != nil || got.Name != "Grace Hopper" || *got.Email != "grace@example.com" || !got.EmailVerified || got.ImageURL != picture ||
		!got.Locked || got.Banned || got.Role != "moderator" || !got.UpdatedAt.Equal(want.UpdatedAt) || !got.CreatedAt.Equal(want.CreatedAt) {
		t.Errorf("the user is %+v, %v", got, err)
	}
	if _, err := api.User(t.Context(), "user_nobody"); !errors.Is(err, clerk.ErrUserNotFound) {
		t.Errorf("an unknown user gives %v", err)
	}
}

func TestRevokedSession(t *testing.T) {
	e := newEmulator(t, emulator.Options{})
	in := decode(t, frontend(e, "POST", "/client/sign_ins", "strategy=ticket&ticket=user_dev_ada").Body.String())
	id := in["response"].(map[string]any)["created_session_id"].(string)
	if err := clerk.NewAPI(e.Config()).RevokeSession(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if got := frontend(e, "GET", "/client", "").Body.String(); got != `{"response":null}` {
		t.Errorf("revoked, the client is %s", got)
	}
}

// The Backend API answers in the process and over HTTP alike.
func TestBackendAPIRaw(t *testing.T) {
	e := newEmulator(t, emulator.Options{})
	config := e.Config()
	tests := []struct {
		name, path, secret string
		wantStatus         int
		want               string // of the body
	}{
		{"keys", "/v1/jwks", config.SecretKey, 200, `"kty":"RSA"`},
		{"users", "/v1/users?limit=2", config.SecretKey, 200, `[{`},
		{"no more users", "/v1/users?offset=99", config.SecretKey, 200, `[]`},
		{"odd limit", "/v1/users?limit=0", config.SecretKey, 422, "form_param_format_invalid"},
		{"no user", "/v1/users/user_1", config.SecretKey, 404, "resource_not_found"},
		{"no secret", "/v1/users", "", 401, "clerk_key_invalid"},
		{"wrong secret", "/v1/jwks", "sk_test_wrong", 401, "clerk_key_invalid"},
	}
	site := newSite(t, e)
	for _, tt := range tests {
		for base, client := range map[string]*http.Client{config.APIURL: config.HTTPClient, site + "/__clerk": http.DefaultClient} {
			r, err := http.NewRequestWithContext(t.Context(), "GET", base+tt.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", "Bearer "+tt.secret)
			res, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(res.Body)
			res.Body.Close()
			if res.StatusCode != tt.wantStatus || !strings.Contains(string(body), tt.want) || res.Header.Get("Content-Type") != "application/json" {
				t.Errorf("%s at %s = %d %.200s, want %d %s", tt.name, base, res.StatusCode, body, tt.wantStatus, tt.want)
			}
		}
	}
}
