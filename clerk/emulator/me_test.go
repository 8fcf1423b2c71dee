package emulator_test

import (
	"cmp"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"inkwell/clerk"
	"inkwell/clerk/emulator"
)

func TestProfile(t *testing.T) {
	ofBothKinds(t, func(t *testing.T, e *emulator.Emulator) {
		v := newVisitor(t, e)
		v.wantFailure(401, "signed_out", "", "GET", "/me")
		v.wantFailure(401, "signed_out", "", "PATCH", "/me", "first_name", "Eve")
		v.enter("user_dev_ada")
		before := v.must("GET", "/me")
		after := v.must("PATCH", "/me", "first_name", " Augusta ", "last_name", "", "username", "countess")
		if after["first_name"] != "Augusta" || after["last_name"] != nil || after["username"] != "countess" || after["updated_at"].(float64) <= before["updated_at"].(float64) {
			t.Errorf("the changed profile is %v", after)
		}
		if u := e.Users()[0]; u.Name != "Augusta" {
			t.Errorf("the changed user is %+v", u)
		}
		tests := []struct{ param, value, code string }{
			{"first_name", strings.Repeat("a", 101), "form_param_format_invalid"},
			{"last_name", "a\tb", "form_param_format_invalid"},
			{"username", "alan", "form_identifier_exists"},
			{"username", "a b c d", "form_username_invalid"},
			{"unsafe_metadata", "nothing", "form_param_format_invalid"},
		}
		for _, tt := range tests {
			v.wantFailure(422, tt.code, tt.param, "PATCH", "/me", tt.param, tt.value)
		}
		v.must("PATCH", "/me", "public_metadata", `{"role":"admin"}`, "password", "something-else", "unsafe_metadata", `{"a":{"b":1,"c":2}}`)
		me := v.must("PATCH", "/me/metadata", "unsafe_metadata", `{"a":{"b":null},"d":3}`)
		if u := e.Users()[0]; u.Role != "member" {
			t.Errorf("whoever asks becomes %s", u.Role)
		}
		if unsafe := me["unsafe_metadata"].(object); len(unsafe["a"].(object)) != 1 || unsafe["d"] != 3.0 {
			t.Errorf("the merged metadata is %v", unsafe)
		}
		newVisitor(t, e).must("POST", "/client/sign_ins", "identifier", "countess", "strategy", "password", "password", emulator.ReadyPassword)
	})
}

// nested returns an object in which depth objects and lists are in one another.
func nested(depth int) string {
	return `{"a":` + strings.Repeat("[", depth-1) + strings.Repeat("]", depth-1) + "}"
}

// sized returns an object of so many bytes.
func sized(n int) string { return `{"a":"` + strings.Repeat("b", n-len(`{"a":""}`)) + `"}` }

func TestMetadataIsBounded(t *testing.T) {
	tests := []struct{ name, value, code string }{
		{"deep", nested(100), ""},
		{"too deep", nested(101), "form_param_value_invalid"},
		{"far too deep", nested(9_000), "form_param_value_invalid"},
		{"objects too deep", strings.Repeat(`{"a":`, 101) + "1" + strings.Repeat("}", 101), "form_param_value_invalid"},
		{"deeper than JSON is read", nested(10_500), "form_param_format_invalid"},
		{"large", sized(8 << 10), ""},
		{"too large", sized(8<<10 + 1), "form_param_exceeds_allowed_size"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "clerk.json")
			e := newEmulator(t, emulator.Options{StateFile: file})
			v := newVisitor(t, e)
			v.enter("user_dev_ada")
			for _, path := range []string{"/me", "/me/metadata"} {
				if tt.code == "" {
					v.must("PATCH", path, "unsafe_metadata", tt.value)
				} else {
					v.wantFailure(422, tt.code, "unsafe_metadata", "PATCH", path, "unsafe_metadata", tt.value)
				}
			}
			for _, kind := range []string{"public_metadata", "private_metadata", "unsafe_metadata"} {
				status, body := backend(t, e, "PATCH", "/users/user_dev_ada", object{kind: tt.value})
				if tt.code == "" && status != http.StatusOK || tt.code != "" && (status != 422 || !strings.Contains(body, tt.code)) {
					t.Errorf("%s = %d %.200s, want %s", kind, status, body, cmp.Or(tt.code, "200"))
				}
			}
			if info, err := os.Stat(file); err != nil || info.Size() > 400<<10 {
				t.Errorf("the state file is %v, %v; want at most 400 KiB", info, err)
			}
		})
	}
	v := newVisitor(t, newEmulator(t, emulator.Options{}))
	v.enter("user_dev_ada")
	v.must("PATCH", "/me", "unsafe_metadata", sized(8<<10))
	v.wantFailure(422, "form_param_exceeds_allowed_size", "unsafe_metadata", "PATCH", "/me/metadata", "unsafe_metadata", `{"c":1}`) // merged
}

func TestChangePassword(t *testing.T) {
	e := newEmulator(t, emulator.Options{})
	v, elsewhere := newVisitor(t, e), newVisitor(t, e)
	v.enter("user_dev_ada")
	elsewhere.enter("user_dev_ada")
	v.wantFailure(422, "form_password_incorrect", "current_password", "POST", "/me/change_password", "current_password", "wrong-password", "new_password", "long enough")
	v.wantFailure(422, "form_password_length_too_short", "new_password", "POST", "/me/change_password", "current_password", emulator.ReadyPassword, "new_password", "short")
	v.must("POST", "/me/change_password", "current_password", emulator.ReadyPassword, "new_password", "long enough", "sign_out_of_other_sessions", "true")
	if v.user() != "user_dev_ada" || elsewhere.user() != "" {
		t.Errorf("then %q is here and %q elsewhere, want the user here alone", v.user(), elsewhere.user())
	}
	elsewhere.wantFailure(422, "form_password_incorrect", "password", "POST", "/client/sign_ins", "identifier", "ada", "strategy", "password", "password", emulator.ReadyPassword)
	elsewhere.must("POST", "/client/sign_ins", "identifier", "ada", "strategy", "password", "password", "long enough")

	invited := newVisitor(t, e) // has no password yet
	invited.must("POST", "/client/sign_ins", "strategy", "ticket", "ticket", "new@example.com", "sign_up_if_missing", "true")
	if me := invited.must("POST", "/me/change_password", "new_password", "long enough"); me["password_enabled"] != true {
		t.Errorf("with a first password the user is %v", me)
	}
}

func TestOwnSessions(t *testing.T) {
	ofBothKinds(t, func(t *testing.T, e *emulator.Emulator) {
		v, elsewhere, other := newVisitor(t, e), newVisitor(t, e), newVisitor(t, e)
		v.enter("user_dev_ada")
		away := elsewhere.enter("user_dev_ada")
		other.enter("user_dev_alan")
		status, list := v.raw("GET", "/me/sessions/active")
		if status != http.StatusOK || strings.Count(list, `"object":"session"`) != 2 || !strings.HasPrefix(list, "[") {
			t.Errorf("the sessions are %d %s, want two in a bare array", status, list)
		}
		if secret := elsewhere.browser; secret != "" && strings.Contains(list, secret) {
			t.Error("a session shows the secret of another browser")
		}
		if revoked := v.must("POST", "/me/sessions/"+away+"/revoke"); revoked["status"] != "revoked" {
			t.Errorf("the revoked session is %v", revoked)
		}
		if v.user() != "user_dev_ada" || elsewhere.user() != "" || other.user() != "user_dev_alan" {
			t.Errorf("then they are %q, %q and %q", v.user(), elsewhere.user(), other.user())
		}
	})
}

func TestDeleteMe(t *testing.T) {
	ofBothKinds(t, func(t *testing.T, e *emulator.Emulator) {
		v := newVisitor(t, e)
		v.enter("user_dev_ada")
		if gone := v.must("DELETE", "/me"); gone["deleted"] != true || gone["id"] != "user_dev_ada" {
			t.Errorf("deleting gives %v", gone)
		}
		if v.user() != "" || len(e.Users()) != 4 {
			t.Errorf("%q is still signed in among %d users", v.user(), len(e.Users()))
		}
		if c := v.cookies[clerk.ClientUATCookie]; c != nil && c.Value != "0" {
			t.Errorf("the client's time is %v", c)
		}
	})
}
