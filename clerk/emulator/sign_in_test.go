package emulator_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"inkwell/clerk"
	"inkwell/clerk/emulator"
)

func TestSignInByPassword(t *testing.T) {
	ofBothKinds(t, func(t *testing.T, e *emulator.Emulator) {
		for _, identifier := range []string{"ada", "ada@example.com", "ADA@Example.com"} {
			v := newVisitor(t, e)
			attempt := v.must("POST", "/client/sign_ins", "identifier", identifier)
			if attempt["status"] != "needs_first_factor" || len(attempt["supported_first_factors"].([]any)) != 2 {
				t.Errorf("the attempt of %s is %v", identifier, attempt)
			}
			path := "/client/sign_ins/" + attempt["id"].(string)
			if client := v.must("GET", "/client"); client["sign_in"].(object)["id"] != attempt["id"] {
				t.Errorf("the client does not know the attempt: %v", client)
			}
			v.wantFailure(422, "form_password_incorrect", "password", "POST", path+"/attempt_first_factor", "strategy", "password", "password", "wrong-password")
			if v.user() != "" {
				t.Error("a wrong password signs in")
			}
			done := v.must("POST", path+"/attempt_first_factor", "strategy", "password", "password", emulator.ReadyPassword)
			if done["status"] != "complete" || done["created_session_id"] == nil || v.user() != "user_dev_ada" {
				t.Errorf("signed in as %q by %v", v.user(), done)
			}
			v.wantFailure(404, "resource_not_found", "", "GET", path) // it is used
		}
	})
}

func TestSignInInOneRequest(t *testing.T) {
	v := newVisitor(t, newEmulator(t, emulator.Options{}))
	done := v.must("POST", "/client/sign_ins", "identifier", "ada", "strategy", "password", "password", emulator.ReadyPassword)
	if done["status"] != "complete" || v.user() != "user_dev_ada" {
		t.Errorf("signing in gives %v", done)
	}
}

func TestSignInByCode(t *testing.T) {
	ofBothKinds(t, func(t *testing.T, e *emulator.Emulator) {
		v := newVisitor(t, e)
		path := "/client/sign_ins/" + v.must("POST", "/client/sign_ins", "identifier", "grace@example.com")["id"].(string)
		v.wantFailure(422, "form_code_incorrect", "code", "POST", path+"/attempt_first_factor", "strategy", "email_code", "code", emulator.Code) // not sent yet
		prepared := v.must("POST", path+"/prepare_first_factor", "strategy", "email_code", "email_address_id", "idn_user_dev_grace")
		if prepared["first_factor_verification"].(object)["strategy"] != "email_code" {
			t.Errorf("prepared, the attempt is %v", prepared)
		}
		v.wantFailure(422, "form_code_incorrect", "code", "POST", path+"/attempt_first_factor", "strategy", "email_code", "code", "111111")
		if got := v.must("GET", path); got["status"] != "needs_first_factor" {
			t.Errorf("after a wrong code the attempt is %v", got)
		}
		if v.must("POST", path+"/attempt_first_factor", "strategy", "email_code", "code", emulator.Code); v.user() != "user_dev_grace" {
			t.Errorf("signed in as %q", v.user())
		}
	})
}

func TestSignInFailures(t *testing.T) {
	ofBothKinds(t, func(t *testing.T, e *emulator.Emulator) {
		if _, err := e.UpdateUser("user_dev_alan", func(u *clerk.User) { u.Banned = true }); err != nil {
			t.Fatal(err)
		}
		v := newVisitor(t, e)
		path := "/client/sign_ins/" + v.must("POST", "/client/sign_ins", "identifier", "ada")["id"].(string)
		v.wantFailure(422, "form_param_missing", "identifier", "POST", "/client/sign_ins")
		v.wantFailure(422, "form_identifier_not_found", "identifier", "POST", "/client/sign_ins", "identifier", "nobody@example.com")
		v.wantFailure(422, "form_identifier_not_found", "identifier", "POST", "/client/sign_ins", "identifier", "user_dev_ada")
		v.wantFailure(422, "form_identifier_not_found", "ticket", "POST", "/client/sign_ins", "strategy", "ticket", "ticket", "user_nobody")
		v.wantFailure(422, "strategy_for_user_invalid", "strategy", "POST", path+"/prepare_first_factor", "strategy", "phone_code")
		v.wantFailure(422, "strategy_for_user_invalid", "strategy", "POST", path+"/attempt_first_factor", "code", emulator.Code)
		v.wantFailure(404, "resource_not_found", "", "POST", "/client/sign_ins/sia_other/attempt_first_factor", "strategy", "password", "password", emulator.ReadyPassword)
		v.wantFailure(403, "user_banned", "", "POST", "/client/sign_ins", "identifier", "alan", "strategy", "password", "password", emulator.ReadyPassword)
	})
}

func TestSignUp(t *testing.T) {
	ofBothKinds(t, func(t *testing.T, e *emulator.Emulator) {
		v := newVisitor(t, e)
		attempt := v.must("POST", "/client/sign_ups", "email_address", "new@example.com", "first_name", "Isaac", "unsafe_metadata", `{"hat":"red"}`)
		path := "/client/sign_ups/" + attempt["id"].(string)
		if missing := attempt["missing_fields"].([]any); attempt["status"] != "missing_requirements" || len(missing) != 1 || missing[0] != "password" {
			t.Errorf("the attempt is %v", attempt)
		}
		v.wantFailure(422, "form_password_length_too_short", "password", "PATCH", path, "password", "1234567")
		v.must("PATCH", path, "password", "12345678")
		v.wantFailure(422, "form_code_incorrect", "code", "POST", path+"/attempt_verification", "strategy", "email_code", "code", emulator.Code) // not sent yet
		v.must("POST", path+"/prepare_verification", "strategy", "email_code")
		v.wantFailure(422, "form_code_incorrect", "code", "POST", path+"/attempt_verification", "strategy", "email_code", "code", "000000")
		if n := len(e.Users()); n != 5 {
			t.Errorf("%d users before the address is verified, want 5", n)
		}
		done := v.must("POST", path+"/attempt_verification", "strategy", "email_code", "code", emulator.Code)
		if done["status"] != "complete" || done["created_user_id"] != v.user() || v.user() == "" {
			t.Errorf("signing up ends with %v for %q", done, v.user())
		}
		made := userOf(t, e, "new@example.com")
		if made.ID != v.user() || *made.Email != "new@example.com" || !made.EmailVerified || made.Name != "Isaac" || made.Role != "member" {
			t.Errorf("the new user is %+v", made)
		}
		if me := v.must("GET", "/me"); me["unsafe_metadata"].(object)["hat"] != "red" || me["private_metadata"] != nil {
			t.Errorf("the new user sees %v", me)
		}
		again := newVisitor(t, e)
		again.must("POST", "/client/sign_ins", "identifier", "new@example.com", "strategy", "password", "password", "12345678")
		v.wantFailure(404, "resource_not_found", "", "GET", path)
	})
}

// A code is good for the address that it was sent to.
func TestAnotherAddressNeedsAnotherCode(t *testing.T) {
	v := newVisitor(t, newEmulator(t, emulator.Options{}))
	path := "/client/sign_ups/" + v.must("POST", "/client/sign_ups", "email_address", "a@example.com")["id"].(string)
	v.must("POST", path+"/prepare_verification", "strategy", "email_code")
	v.must("POST", path+"/attempt_verification", "strategy", "email_code", "code", emulator.Code) // the password is missing
	changed := v.must("PATCH", path, "email_address", "b@example.com", "password", "12345678")
	if changed["status"] != "missing_requirements" || len(changed["unverified_fields"].([]any)) != 1 {
		t.Errorf("with another address the attempt is %v", changed)
	}
}

func TestSignUpFailures(t *testing.T) {
	ofBothKinds(t, func(t *testing.T, e *emulator.Emulator) {
		v := newVisitor(t, e)
		tests := []struct{ param, value, code string }{
			{"email_address", "ADA@example.com", "form_identifier_exists"},
			{"email_address", "nothing", "form_param_format_invalid"},
			{"email_address", "", "form_param_format_invalid"},
			{"username", "Ada", "form_identifier_exists"},
			{"username", "abc", "form_username_invalid"},
			{"username", "Ada Byron", "form_username_invalid"},
			{"first_name", strings.Repeat("é", 101), "form_param_format_invalid"},
			{"last_name", "a\nb", "form_param_format_invalid"},
			{"password", "short", "form_password_length_too_short"},
			{"password", strings.Repeat("a", 73), "form_password_length_too_long"},
			{"unsafe_metadata", "[]", "form_param_format_invalid"},
		}
		for _, tt := range tests {
			v.wantFailure(422, tt.code, tt.param, "POST", "/client/sign_ups", tt.param, tt.value)
		}
		if n := len(e.Users()); n != 5 {
			t.Errorf("%d users, want 5", n)
		}
	})
}

// Who comes second finds the address taken, though it was free when they began.
func TestAddressTakenMeanwhile(t *testing.T) {
	e := newEmulator(t, emulator.Options{})
	slow, quick := newVisitor(t, e), newVisitor(t, e)
	path := "/client/sign_ups/" + slow.must("POST", "/client/sign_ups", "email_address", "new@example.com", "password", "12345678")["id"].(string)
	slow.must("POST", path+"/prepare_verification", "strategy", "email_code")
	quick.must("POST", "/client/sign_ins", "strategy", "ticket", "ticket", "new@example.com", "sign_up_if_missing", "true")
	slow.wantFailure(422, "form_identifier_exists", "email_address", "POST", path+"/attempt_verification", "strategy", "email_code", "code", emulator.Code)
}

// Two browsers at once are never taken for each other.
func TestVisitorsAreNotMixedUp(t *testing.T) {
	ofBothKinds(t, func(t *testing.T, e *emulator.Emulator) {
		ada, alan := newVisitor(t, e), newVisitor(t, e)
		hers := "/client/sign_ins/" + ada.must("POST", "/client/sign_ins", "identifier", "ada")["id"].(string)
		his := "/client/sign_ins/" + alan.must("POST", "/client/sign_ins", "identifier", "alan")["id"].(string)
		ada.must("POST", hers+"/prepare_first_factor", "strategy", "email_code")
		alan.wantFailure(404, "resource_not_found", "", "GET", hers)
		alan.wantFailure(404, "resource_not_found", "", "POST", hers+"/attempt_first_factor", "strategy", "email_code", "code", emulator.Code)
		alan.wantFailure(422, "form_code_incorrect", "code", "POST", his+"/attempt_first_factor", "strategy", "email_code", "code", emulator.Code)
		up := "/client/sign_ups/" + alan.must("POST", "/client/sign_ups", "email_address", "new@example.com")["id"].(string)
		ada.wantFailure(404, "resource_not_found", "", "PATCH", up, "password", "12345678")
		ada.wantFailure(404, "resource_not_found", "", "POST", up+"/prepare_verification", "strategy", "email_code")

		herSession := ada.must("POST", hers+"/attempt_first_factor", "strategy", "email_code", "code", emulator.Code)["created_session_id"].(string)
		hisSession := alan.must("POST", his+"/attempt_first_factor", "strategy", "password", "password", emulator.ReadyPassword)["created_session_id"].(string)
		for _, verb := range []string{"tokens", "touch", "end", "remove"} {
			alan.wantFailure(401, "signed_out", "", "POST", "/client/sessions/"+herSession+"/"+verb)
		}
		alan.wantFailure(404, "resource_not_found", "", "POST", "/me/sessions/"+herSession+"/revoke")
		if ada.user() != "user_dev_ada" || alan.user() != "user_dev_alan" {
			t.Errorf("they are %q and %q", ada.user(), alan.user())
		}
		ada.must("DELETE", "/client/sessions")
		if ada.user() != "" || alan.user() != "user_dev_alan" {
			t.Errorf("after she signed out they are %q and %q", ada.user(), alan.user())
		}
		alan.call("POST", "/client/sessions/"+hisSession+"/tokens")
		ada.wantFailure(401, "signed_out", "", "GET", "/me")
	})
}

// The oldest attempts give way, so that memory is bounded.
func TestAttemptsAreBounded(t *testing.T) {
	e := newEmulator(t, emulator.Options{})
	first := newVisitor(t, e)
	path := "/client/sign_ins/" + first.must("POST", "/client/sign_ins", "identifier", "ada")["id"].(string)
	for range 1000 {
		newVisitor(t, e).must("POST", "/client/sign_ins", "identifier", "ada")
	}
	first.wantFailure(404, "resource_not_found", "", "GET", path)
}

// A production instance tells the browser by an HttpOnly cookie of its own who
// it is, and the program by cookies of the program when that changed.
func TestProductionCookies(t *testing.T) {
	e := newEmulator(t, emulator.Options{PublishableKey: kinds["production"]})
	v := newVisitor(t, e)
	if v.must("GET", "/client"); v.cookies["__client"] != nil {
		t.Errorf("looking sets %v", v.cookies)
	}
	if _, environment := v.call("GET", "/environment"); environment["display_config"].(object)["instance_environment_type"] != "production" {
		t.Error("the environment is not that of a production instance")
	}
	if !strings.HasPrefix(e.Config().SecretKey, "sk_live_") {
		t.Errorf("the secret key is %q", e.Config().SecretKey)
	}
	v.enter("user_dev_ada")
	client := v.cookies["__client"]
	if client == nil || !client.HttpOnly || client.Path != emulator.Prefix {
		t.Errorf("the client's cookie is %v", client)
	}
	uat := clerk.ClientUATCookie + "_" + clerk.Suffix(e.Config().PublishableKey)
	for _, name := range []string{clerk.ClientUATCookie, uat} {
		if c := v.cookies[name]; c == nil || c.HttpOnly || c.Path != "/" || len(c.Value) < 10 {
			t.Errorf("signed in, %s is %v", name, c)
		}
	}
	v.must("DELETE", "/client/sessions")
	for _, name := range []string{clerk.ClientUATCookie, uat} {
		if c := v.cookies[name]; c.Value != "0" {
			t.Errorf("signed out, %s is %v", name, c)
		}
	}
	if v.cookies[clerk.SessionCookie] != nil {
		t.Error("the Frontend API sets the session's cookie, which clerk-js does")
	}
}

// What a browser asks tells the program that the session has ended elsewhere, or
// that it has not.
func TestProductionCookiesFollowTheSession(t *testing.T) {
	e := newEmulator(t, emulator.Options{PublishableKey: kinds["production"]})
	uat := clerk.ClientUATCookie + "_" + clerk.Suffix(e.Config().PublishableKey)
	v := newVisitor(t, e)
	id := v.enter("user_dev_ada")
	since := v.cookies[uat].Value
	for _, lost := range []string{"", "0", "1"} {
		v.cookies[uat] = &http.Cookie{Name: uat, Value: lost}
		if v.must("GET", "/client"); v.cookies[uat].Value != since {
			t.Errorf("after %q the client's time is %v, want %s", lost, v.cookies[uat], since)
		}
	}
	backend(t, e, "POST", "/sessions/"+id+"/revoke", nil)
	v.must("GET", "/client")
	for _, name := range []string{clerk.ClientUATCookie, uat} {
		if c := v.cookies[name]; c.Value != "0" {
			t.Errorf("revoked, %s is %v", name, c)
		}
	}
}

// Whoever planted the cookie of a browser that then signs in has nothing by it.
func TestPlantedClient(t *testing.T) {
	const planted = someBrowser
	tests := []struct {
		name   string
		signIn func(v *visitor)
	}{
		{"ticket", func(v *visitor) { v.enter("user_dev_ada") }},
		{"password", func(v *visitor) {
			path := "/client/sign_ins/" + v.must("POST", "/client/sign_ins", "identifier", "ada")["id"].(string)
			v.must("POST", path+"/attempt_first_factor", "strategy", "password", "password", emulator.ReadyPassword)
		}},
		{"new user", func(v *visitor) {
			v.must("POST", "/client/sign_ins", "strategy", "ticket", "ticket", "new@example.com", "sign_up_if_missing", "true")
		}},
		{"sign-up", func(v *visitor) {
			path := "/client/sign_ups/" + v.must("POST", "/client/sign_ups", "email_address", "new@example.com", "password", "12345678")["id"].(string)
			v.must("POST", path+"/prepare_verification", "strategy", "email_code")
			v.must("POST", path+"/attempt_verification", "strategy", "email_code", "code", emulator.Code)
		}},
		{"page", func(v *visitor) {
			r := local("POST", "/__clerk/sign-in", "identifier=user_dev_ada")
			r.AddCookie(v.cookies["__client"])
			for _, c := range serve(v.e, r).Result().Cookies() {
				v.cookies[c.Name] = c
			}
		}},
		{"somebody else", func(v *visitor) {
			v.enter("user_dev_alan")
			v.enter("user_dev_ada")
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := newEmulator(t, emulator.Options{PublishableKey: kinds["production"]})
			attacker, victim := newVisitor(t, e), newVisitor(t, e)
			attacker.cookies["__client"] = &http.Cookie{Name: "__client", Value: planted}
			victim.cookies["__client"] = &http.Cookie{Name: "__client", Value: planted}
			begun := victim.must("POST", "/client/sign_ups", "email_address", "begun@example.com")["id"]
			tt.signIn(victim)
			if victim.user() == "" || victim.cookies["__client"].Value == planted {
				t.Errorf("%q is signed in with %v, want somebody with another cookie", victim.user(), victim.cookies["__client"])
			}
			if got := attacker.user(); got != "" {
				t.Errorf("the attacker is signed in as %q", got)
			}
			attacker.wantFailure(401, "signed_out", "", "GET", "/me")
			attacker.wantFailure(404, "resource_not_found", "", "GET", "/client/sign_ups/"+begun.(string))
		})
	}
}

// An attempt goes on in a browser that signs in by another.
func TestAttemptsFollowTheBrowser(t *testing.T) {
	ofBothKinds(t, func(t *testing.T, e *emulator.Emulator) {
		v := newVisitor(t, e)
		up := v.must("POST", "/client/sign_ups", "email_address", "new@example.com")["id"].(string)
		in := v.must("POST", "/client/sign_ins", "identifier", "alan")["id"].(string)
		v.enter("user_dev_ada")
		client := v.must("GET", "/client")
		if client["sign_in"].(object)["id"] != in || client["sign_up"].(object)["id"] != up {
			t.Errorf("signed in, the client is %v", client)
		}
		v.must("PATCH", "/client/sign_ups/"+up, "password", "12345678")
		v.must("POST", "/client/sign_ins/"+in+"/attempt_first_factor", "strategy", "password", "password", emulator.ReadyPassword)
		if got := v.user(); got != "user_dev_alan" {
			t.Errorf("signed in as %q", got)
		}
		if status, body := backend(t, e, "GET", "/sessions?status=active&paginated=true", nil); status != http.StatusOK || decode(t, body)["total_count"] != 1.0 {
			t.Errorf("the sessions are %d %s, want one", status, body)
		}
	})
}

// The whole of it, in front of a program, with a production instance.
func TestProductionSite(t *testing.T) {
	e := newEmulator(t, emulator.Options{PublishableKey: kinds["production"]})
	b := newBrowser(t, newSite(t, e))
	b.wantUser("before,", "nobody: session-token-and-uat-missing")
	if _, got := b.post("/__clerk/sign-in", "identifier", "user_dev_ada", "redirect_url", "/"); got != "user_dev_ada" {
		t.Errorf("signing in ends on a page that says %q", got)
	}
	b.wantUser("afterwards", "user_dev_ada")
	suffix := "_" + clerk.Suffix(e.Config().PublishableKey)
	for _, names := range [][]string{{clerk.SessionCookie, clerk.SessionCookie + suffix}, {clerk.ClientUATCookie, clerk.ClientUATCookie + suffix}} {
		for _, name := range names {
			b.client.Jar.SetCookies(b.origin(), []*http.Cookie{{Name: name, Path: "/", MaxAge: -1}})
		}
		b.wantUser(fmt.Sprintf("without %v", names), "user_dev_ada")
	}
	if got := b.cookie(clerk.HandshakeNonceCookie); got != "" {
		t.Errorf("the handshake leaves the nonce %q", got)
	}
	b.post("/__clerk/user/sign-out")
	b.wantUser("signed out,", "nobody: session-token-and-uat-missing")
}
