package emulator_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"inkwell/clerk"
	"inkwell/clerk/emulator"
)

type object = map[string]any

// kinds are the two kinds of instance, which differ in how browsers are known
// alone.
var kinds = map[string]string{
	"development": "",
	"production":  clerk.NewPublishableKey("clerk.posts.test", true),
}

// ofBothKinds runs a test with an instance of each kind.
func ofBothKinds(t *testing.T, test func(t *testing.T, e *emulator.Emulator)) {
	t.Helper()
	for kind, key := range kinds {
		t.Run(kind, func(t *testing.T) { test(t, newEmulator(t, emulator.Options{PublishableKey: key})) })
	}
}

// A visitor asks the Frontend API from a browser of their own, as clerk-js does.
type visitor struct {
	t       *testing.T
	e       *emulator.Emulator
	browser string                  // in development
	cookies map[string]*http.Cookie // in production
}

func newVisitor(t *testing.T, e *emulator.Emulator) *visitor {
	t.Helper()
	v := &visitor{t: t, e: e, cookies: map[string]*http.Cookie{}}
	if strings.HasPrefix(e.Config().PublishableKey, "pk_test_") {
		_, made := v.call("POST", "/dev_browser")
		v.browser = made["id"].(string)
	}
	return v
}

// call sends fields as a form and returns the status and the JSON object.
func (v *visitor) call(method, path string, fields ...string) (int, object) {
	v.t.Helper()
	status, body := v.raw(method, path, fields...)
	return status, decode(v.t, body)
}

func (v *visitor) raw(method, path string, fields ...string) (int, string) {
	v.t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	r := local("POST", "/__clerk/v1"+path, form.Encode())
	query := url.Values{}
	if v.browser != "" {
		query.Set(clerk.DevBrowserCookie, v.browser)
	}
	if method == "GET" {
		r = local("GET", "/__clerk/v1"+path, "")
	} else if method != "POST" {
		query.Set("_method", method)
	}
	r.URL.RawQuery = query.Encode()
	for _, c := range v.cookies {
		r.AddCookie(c)
	}
	w := serve(v.e, r)
	for _, c := range w.Result().Cookies() {
		v.cookies[c.Name] = c
	}
	return w.Code, w.Body.String()
}

// must is call for what has to succeed, and returns the response.
func (v *visitor) must(method, path string, fields ...string) object {
	v.t.Helper()
	status, body := v.call(method, path, fields...)
	if status != http.StatusOK {
		v.t.Fatalf("%s %s %q = %d %v", method, path, fields, status, body)
	}
	response, _ := body["response"].(object)
	return response
}

// wantFailure calls for what has to fail with a code and a field at fault.
func (v *visitor) wantFailure(status int, code, param, method, path string, fields ...string) {
	v.t.Helper()
	got, body := v.call(method, path, fields...)
	list, _ := body["errors"].([]any)
	if got != status || len(list) != 1 {
		v.t.Errorf("%s %s %q = %d %v, want %d %s", method, path, fields, got, body, status, code)
		return
	}
	failure := list[0].(object)
	at, _ := failure["meta"].(object)["param_name"].(string)
	if failure["code"] != code || at != param || failure["message"] == "" {
		v.t.Errorf("%s %s %q fails with %v, want %s at %q", method, path, fields, failure, code, param)
	}
}

// enter signs a user in by ticket and returns the session's id.
func (v *visitor) enter(userID string) string {
	v.t.Helper()
	return v.must("POST", "/client/sign_ins", "strategy", "ticket", "ticket", userID)["created_session_id"].(string)
}

// user returns the id of who is signed in; empty for nobody.
func (v *visitor) user() string {
	v.t.Helper()
	client := v.must("GET", "/client")
	sessions, _ := client["sessions"].([]any)
	if len(sessions) == 0 {
		return ""
	}
	return sessions[0].(object)["user_id"].(string)
}

// userOf returns the user with an e-mail address.
func userOf(t *testing.T, e *emulator.Emulator, email string) clerk.User {
	t.Helper()
	for _, u := range e.Users() {
		if text(u.Email) == email {
			return u
		}
	}
	t.Fatalf("nobody has %s", email)
	return clerk.User{}
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
