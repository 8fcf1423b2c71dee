package emulator_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	sdk "github.com/clerk/clerk-sdk-go/v2"
	sdksession "github.com/clerk/clerk-sdk-go/v2/session"
	sdkuser "github.com/clerk/clerk-sdk-go/v2/user"

	"inkwell/clerk"
	"inkwell/clerk/emulator"
)

// sdkConfig has Clerk's own Go SDK ask the emulator.
func sdkConfig(e *emulator.Emulator) *sdk.ClientConfig {
	config := e.Config()
	return &sdk.ClientConfig{BackendConfig: sdk.BackendConfig{
		HTTPClient: config.HTTPClient, URL: sdk.String(config.APIURL + "/v1"), Key: &config.SecretKey,
	}}
}

// wantSDKError checks what the SDK makes of a refusal.
func wantSDKError(t *testing.T, what string, err error, status int, code string) {
	t.Helper()
	failure, ok := errors.AsType[*sdk.APIErrorResponse](err)
	if !ok || failure.HTTPStatusCode != status || len(failure.Errors) != 1 || failure.Errors[0].Code != code {
		t.Errorf("%s fails with %v, want %d %s", what, err, status, code)
	}
}

func TestSDKUsers(t *testing.T) {
	ofBothKinds(t, func(t *testing.T, e *emulator.Emulator) {
		users := sdkuser.NewClient(sdkConfig(e))
		public := json.RawMessage(`{"role":"moderator","plan":{"name":"pro","seats":3}}`)
		made, err := users.Create(t.Context(), &sdkuser.CreateParams{
			EmailAddresses: &[]string{"new@example.com"}, Username: sdk.String("newton"), Password: sdk.String("12345678"),
			FirstName: sdk.String("Isaac"), LastName: sdk.String("Newton"), PublicMetadata: &public,
		})
		if err != nil {
			t.Fatal(err)
		}
		if made.ID == "" || made.EmailAddresses[0].EmailAddress != "new@example.com" || *made.PrimaryEmailAddressID != made.EmailAddresses[0].ID ||
			!made.PasswordEnabled || *made.FirstName != "Isaac" || !strings.Contains(string(made.PublicMetadata), `"seats":3`) {
			t.Errorf("the new user is %+v", made)
		}
		if u := userOf(t, e, "new@example.com"); u.Role != "moderator" || u.Name != "Isaac Newton" {
			t.Errorf("the new user is %+v", u)
		}
		newVisitor(t, e).must("POST", "/client/sign_ins", "identifier", "newton", "strategy", "password", "password", "12345678")

		patch := json.RawMessage(`{"role":"admin","plan":{"seats":null}}`)
		merged, err := users.UpdateMetadata(t.Context(), made.ID, &sdkuser.UpdateMetadataParams{PublicMetadata: &patch})
		if err != nil || string(merged.PublicMetadata) != `{"plan":{"name":"pro"},"role":"admin"}` || userOf(t, e, "new@example.com").Role != "admin" {
			t.Errorf("the merged metadata is %s, %v; the role %s", merged.PublicMetadata, err, userOf(t, e, "new@example.com").Role)
		}
		replaced := json.RawMessage(`{"a":1}`)
		updated, err := users.Update(t.Context(), made.ID, &sdkuser.UpdateParams{FirstName: sdk.String(""), PublicMetadata: &replaced})
		if err != nil || updated.FirstName != nil || *updated.LastName != "Newton" || string(updated.PublicMetadata) != `{"a":1}` || updated.UpdatedAt <= made.UpdatedAt {
			t.Errorf("the updated user is %+v, %v", updated, err)
		}
		got, err := users.Get(t.Context(), made.ID)
		if err != nil || *got.Username != "newton" || got.LastSignInAt == nil {
			t.Errorf("the user is %+v, %v", got, err)
		}
		if gone, err := users.Delete(t.Context(), made.ID); err != nil || !gone.Deleted || gone.ID != made.ID {
			t.Errorf("deleting gives %+v, %v", gone, err)
		}
		_, err = users.Get(t.Context(), made.ID)
		wantSDKError(t, "a deleted user", err, 404, "resource_not_found")
	})
}

func TestSDKRefusals(t *testing.T) {
	e := newEmulator(t, emulator.Options{})
	users := sdkuser.NewClient(sdkConfig(e))
	list := json.RawMessage(`[]`)
	create := func(p sdkuser.CreateParams) error {
		_, err := users.Create(t.Context(), &p)
		return err
	}
	wantSDKError(t, "no address", create(sdkuser.CreateParams{}), 422, "form_param_missing")
	wantSDKError(t, "two addresses", create(sdkuser.CreateParams{EmailAddresses: &[]string{"a@example.com", "b@example.com"}}), 422, "form_param_value_invalid")
	wantSDKError(t, "a taken address", create(sdkuser.CreateParams{EmailAddresses: &[]string{"ada@example.com"}}), 422, "form_identifier_exists")
	wantSDKError(t, "a short password", create(sdkuser.CreateParams{EmailAddresses: &[]string{"a@example.com"}, Password: sdk.String("short")}), 422, "form_password_length_too_short")
	wantSDKError(t, "a list as metadata", create(sdkuser.CreateParams{EmailAddresses: &[]string{"a@example.com"}, PublicMetadata: &list}), 422, "form_param_format_invalid")
	_, err := users.Update(t.Context(), "user_dev_ada", &sdkuser.UpdateParams{Username: sdk.String("alan")})
	wantSDKError(t, "a taken username", err, 422, "form_identifier_exists")
	_, err = users.Update(t.Context(), "user_nobody", &sdkuser.UpdateParams{})
	wantSDKError(t, "nobody", err, 404, "resource_not_found")
	_, err = users.Delete(t.Context(), "user_nobody")
	wantSDKError(t, "deleting nobody", err, 404, "resource_not_found")
	if n := len(e.Users()); n != 5 {
		t.Errorf("%d users, want 5", n)
	}
	config := sdkConfig(e)
	config.Key = sdk.String("sk_test_wrong")
	_, err = sdkuser.NewClient(config).Get(t.Context(), "user_dev_ada")
	wantSDKError(t, "a wrong secret", err, 401, "clerk_key_invalid")
}

func TestSDKBans(t *testing.T) {
	e := newEmulator(t, emulator.Options{})
	users := sdkuser.NewClient(sdkConfig(e))
	v := newVisitor(t, e)
	v.enter("user_dev_ada")
	if u, err := users.Lock(t.Context(), "user_dev_ada"); err != nil || !u.Locked || v.user() == "" {
		t.Errorf("locking gives %+v, %v and leaves %q signed in", u, err, v.user())
	}
	if u, err := users.Unlock(t.Context(), "user_dev_ada"); err != nil || u.Locked {
		t.Errorf("unlocking gives %+v, %v", u, err)
	}
	if u, err := users.Ban(t.Context(), "user_dev_ada"); err != nil || !u.Banned || v.user() != "" {
		t.Errorf("banning gives %+v, %v and leaves %q signed in", u, err, v.user())
	}
	v.wantFailure(403, "user_banned", "", "POST", "/client/sign_ins", "strategy", "ticket", "ticket", "user_dev_ada")
	if u, err := users.Unban(t.Context(), "user_dev_ada"); err != nil || u.Banned {
		t.Errorf("unbanning gives %+v, %v", u, err)
	}
	v.enter("user_dev_ada")
}

func TestSDKSessions(t *testing.T) {
	e := newEmulator(t, emulator.Options{})
	sessions := sdksession.NewClient(sdkConfig(e))
	v, other := newVisitor(t, e), newVisitor(t, e)
	id := v.enter("user_dev_ada")
	other.enter("user_dev_alan")
	list, err := sessions.List(t.Context(), &sdksession.ListParams{UserID: sdk.String("user_dev_ada")})
	if err != nil || list.TotalCount != 1 || list.Sessions[0].ID != id || list.Sessions[0].Status != "active" {
		t.Fatalf("the sessions are %+v, %v", list, err)
	}
	same, err := sessions.List(t.Context(), &sdksession.ListParams{ClientID: &list.Sessions[0].ClientID})
	if err != nil || same.TotalCount != 1 || same.Sessions[0].ID != id {
		t.Errorf("the client's sessions are %+v, %v", same, err)
	}
	if one, err := sessions.Get(t.Context(), id); err != nil || one.UserID != "user_dev_ada" {
		t.Errorf("the session is %+v, %v", one, err)
	}
	if one, err := sessions.Revoke(t.Context(), &sdksession.RevokeParams{ID: id}); err != nil || one.Status != "revoked" || v.user() != "" || other.user() == "" {
		t.Errorf("revoking gives %+v, %v", one, err)
	}
	_, err = sessions.Get(t.Context(), id)
	wantSDKError(t, "a revoked session", err, 404, "resource_not_found")
	if status, body := backend(t, e, "GET", "/sessions?user_id=user_dev_alan", nil); status != http.StatusOK || !strings.HasPrefix(body, "[{") {
		t.Errorf("unpaginated sessions are %d %s, want a bare array", status, body)
	}
	if status, body := backend(t, e, "GET", "/sessions", nil); status != http.StatusUnprocessableEntity {
		t.Errorf("sessions of nobody in particular = %d %s, want 422", status, body)
	}
}

// ids returns the ids of a list of users.
func ids(t testing.TB, body string) []string {
	t.Helper()
	var list []struct{ ID string }
	if err := json.Unmarshal([]byte(body), &list); err != nil {
		t.Fatalf("%v in %.300s", err, body)
	}
	names := make([]string, len(list))
	for i, one := range list {
		names[i] = one.ID
	}
	return names
}

func TestListUsers(t *testing.T) {
	e := newEmulator(t, emulator.Options{})
	if _, err := e.UpdateUser("user_dev_grace", func(*clerk.User) {}); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ query, want string }{
		{"", "margaret katherine grace alan ada"}, // all came at once
		{"order_by=created_at", "ada alan grace katherine margaret"},
		{"order_by=%2Bcreated_at", "ada alan grace katherine margaret"},
		{"order_by=+created_at", "ada alan grace katherine margaret"},
		{"order_by=-updated_at&limit=1", "grace"},
		{"order_by=email_address&offset=1&limit=2", "alan grace"},
		{"order_by=last_name&limit=3", "margaret grace katherine"},
		{"order_by=created_at&limit=2&starting_after=user_dev_alan", "grace katherine"},
		{"limit=2&starting_after=user_dev_katherine", "grace alan"},
		{"limit=2&starting_after=user_dev_ada", ""},
		{"offset=4", "ada"},
		{"offset=5", ""},
		{"offset=99", ""},
		{"limit=1000", "margaret katherine grace alan ada"},
		{"user_id=user_dev_ada&user_id=user_dev_alan&user_id=user_nobody", "alan ada"},
		{"user_id[]=user_dev_ada", "ada"},
		{"email_address=GRACE@example.com", "grace"},
		{"email_address[]=grace@example.com", "grace"},
		{"username=alan", "alan"},
		{"query=HOPPER", "grace"},
		{"query=nobody", ""},
	}
	for _, tt := range tests {
		status, body := backend(t, e, "GET", "/users?"+tt.query, nil)
		got := strings.ReplaceAll(strings.Join(ids(t, body), " "), "user_dev_", "")
		if status != http.StatusOK || got != tt.want {
			t.Errorf("users by %q = %d %s, want %s", tt.query, status, got, tt.want)
		}
	}
	for query, want := range map[string]float64{"": 5, "?limit=1": 5, "?query=hopper": 1, "?user_id=user_nobody": 0} {
		if _, body := backend(t, e, "GET", "/users/count"+query, nil); decode(t, body)["total_count"] != want {
			t.Errorf("counting users %s gives %s, want %v", query, body, want)
		}
	}
	for _, query := range []string{"limit=0", "limit=x", "offset=-1", "order_by=shoe_size", "starting_after=user_nobody", "starting_after=user_dev_ada&offset=1", "starting_after=user_dev_ada&order_by=updated_at"} {
		if status, body := backend(t, e, "GET", "/users?"+query, nil); status != http.StatusUnprocessableEntity {
			t.Errorf("users by %q = %d %s, want 422", query, status, body)
		}
	}
}

// All users are seen once by whoever pages through them, though some come
// meanwhile.
func TestPagingThroughUsers(t *testing.T) {
	var c clock
	e := newEmulator(t, emulator.Options{Now: c.now})
	create := func(i int) {
		c.advance(time.Second)
		if _, err := e.CreateUser(fmt.Sprintf("user%d@example.com", i)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 20 {
		create(i)
	}
	var seen []string
	for after := ""; ; {
		query := url.Values{"limit": {"6"}, "order_by": {"-created_at"}}
		if after != "" {
			query.Set("starting_after", after)
		}
		_, body := backend(t, e, "GET", "/users?"+query.Encode(), nil)
		page := ids(t, body)
		seen = append(seen, page...)
		if len(page) < 6 {
			break
		}
		after = page[5]
		create(100 + len(seen))
	}
	slices.Sort(seen)
	if n := len(slices.Compact(seen)); n != 25 {
		t.Errorf("%d users were seen, want 25", n)
	}
}

// Fields come as a form, too.
func TestBackendForms(t *testing.T) {
	e := newEmulator(t, emulator.Options{})
	r := local("POST", "/__clerk/v1/users", "email_address%5B%5D=form@example.com&first_name=Form&public_metadata=%7B%22role%22%3A%22admin%22%7D")
	r.Header.Set("Authorization", "Bearer "+e.Config().SecretKey)
	w := serve(e, r)
	if u := userOf(t, e, "form@example.com"); w.Code != http.StatusOK || u.Role != "admin" || text(u.FirstName) != "Form" {
		t.Errorf("a form = %d %s", w.Code, w.Body)
	}
}
