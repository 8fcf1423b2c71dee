package emulator_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"inkwell/clerk"
	"inkwell/clerk/emulator"
)

func TestSignInWithoutScript(t *testing.T) {
	e := newEmulator(t, emulator.Options{})
	b := newBrowser(t, newSite(t, e))
	b.wantUser("before,", "nobody: session-token-and-uat-missing")
	if b.cookie(clerk.DevBrowserCookie) == "" {
		t.Error("the first handshake leaves no development browser")
	}

	_, page := b.get("/__clerk/sign-in?redirect_url=/")
	for _, want := range []string{"no account, no password", "Ada Lovelace", "administrator", "Any e-mail"} {
		if !strings.Contains(page, want) {
			t.Errorf("the sign-in page lacks %q", want)
		}
	}
	if _, got := b.post("/__clerk/sign-in", "identifier", "user_dev_ada", "redirect_url", "/"); got != "user_dev_ada" {
		t.Errorf("signing in ends on a page that says %q", got)
	}
	b.wantUser("afterwards", "user_dev_ada")
	if _, page := b.get("/__clerk/sign-in"); !strings.Contains(page, "signed in as <strong>Ada Lovelace") {
		t.Error("the sign-in page does not know who is signed in")
	}
	b.post("/__clerk/sign-in", "identifier", "grace@example.com")
	b.wantUser("as somebody else,", "user_dev_grace")
	b.post("/__clerk/user/sign-out")
	b.wantUser("signed out,", "nobody: session-token-and-uat-missing")
	if b.cookie(clerk.SessionCookie) != "" {
		t.Error("signing out leaves a session cookie")
	}
}

func TestSignUpWithoutScript(t *testing.T) {
	e := newEmulator(t, emulator.Options{})
	site := newSite(t, e)
	b := newBrowser(t, site)
	_, id := b.post("/__clerk/sign-up", "identifier", " new@example.com ", "redirect_url", "/")
	if !strings.HasPrefix(id, "user_") {
		t.Fatalf("signing up ends on a page that says %q", id)
	}
	again := newBrowser(t, site)
	if _, got := again.post("/__clerk/sign-in", "identifier", "New@Example.com"); got != id {
		t.Errorf("the same address signs in %q, want %q", got, id)
	}
	for _, wrong := range []string{"", "nobody", "a@b@c", "Ada <ada@example.com>", strings.Repeat("a", 250) + "@example.com"} {
		status, page := b.post("/__clerk/sign-in", "identifier", wrong)
		if status != http.StatusUnprocessableEntity || !strings.Contains(page, "not an e-mail address") {
			t.Errorf("signing in as %.20q gives %d, want 422 and a reason", wrong, status)
		}
	}
}

func TestEntranceTitles(t *testing.T) {
	b := newBrowser(t, newSite(t, newEmulator(t, emulator.Options{})))
	for path, title := range map[string]string{"": "Sign in", "/": "Sign in", "/sign-in": "Sign in", "/sign-up": "Sign up"} {
		_, page := b.get("/__clerk" + path)
		for _, want := range []string{"<title>" + title + " ·", "<h1>" + title + "</h1>", emulator.ReadyPassword, emulator.Code} {
			if !strings.Contains(page, want) {
				t.Errorf("/__clerk%s lacks %q", path, want)
			}
		}
	}
}

func TestAccountPage(t *testing.T) {
	e := newEmulator(t, emulator.Options{})
	b := newBrowser(t, newSite(t, e))
	if _, page := b.get("/__clerk/user"); !strings.Contains(page, "Any e-mail") {
		t.Error("signed out, the account page does not ask to sign in")
	}
	b.post("/__clerk/sign-in", "identifier", "user_dev_ada", "redirect_url", "/")
	if _, page := b.post("/__clerk/user", "first_name", "<Augusta>", "last_name", ""); !strings.Contains(page, "saved") || !strings.Contains(page, "&lt;Augusta&gt;") {
		t.Errorf("the renamed account's page is %s", page)
	}
	if status, _ := b.post("/__clerk/user", "first_name", strings.Repeat("é", 101)); status != http.StatusUnprocessableEntity {
		t.Errorf("a name of 101 characters gives %d, want 422", status)
	}
	if u := e.Users()[0]; u.Name != "<Augusta>" || u.LastName != nil || !u.UpdatedAt.After(u.CreatedAt) {
		t.Errorf("the renamed user is %+v", u)
	}
	b.post("/__clerk/user/delete")
	b.wantUser("deleted,", "nobody: session-token-and-uat-missing")
	if n := len(e.Users()); n != 4 {
		t.Errorf("%d users are left, want 4", n)
	}
}

func TestTwoBrowsers(t *testing.T) {
	e := newEmulator(t, emulator.Options{})
	site := newSite(t, e)
	ada, alan, other := newBrowser(t, site), newBrowser(t, site), newBrowser(t, site)
	ada.post("/__clerk/sign-in", "identifier", "user_dev_ada")
	alan.post("/__clerk/sign-in", "identifier", "user_dev_alan")
	ada.wantUser("in hers", "user_dev_ada")
	alan.wantUser("in his", "user_dev_alan")
	other.wantUser("in another", "nobody: session-token-and-uat-missing")
	ada.post("/__clerk/user/sign-out")
	alan.wantUser("after she signed out, in his", "user_dev_alan")
}

func TestTokenIsRenewed(t *testing.T) {
	var c clock
	e := newEmulator(t, emulator.Options{Now: c.now})
	b := newBrowser(t, newSite(t, e))
	b.post("/__clerk/sign-in", "identifier", "user_dev_ada")
	first := b.cookie(clerk.SessionCookie)
	c.advance(50 * time.Second)
	b.wantUser("after 50 s", "user_dev_ada")
	if b.cookie(clerk.SessionCookie) != first {
		t.Error("a token of 50 s was renewed")
	}
	c.advance(20 * time.Second)
	b.wantUser("after 70 s", "user_dev_ada")
	if b.cookie(clerk.SessionCookie) == first {
		t.Error("a token of 70 s was not renewed")
	}
	c.advance(8 * 24 * time.Hour)
	b.wantUser("after 8 days", "nobody: session-token-and-uat-missing")
}

func TestEndedFromElsewhere(t *testing.T) {
	tests := []struct {
		name string
		end  func(*emulator.Emulator) error
	}{
		{"banned", func(e *emulator.Emulator) error {
			_, err := e.UpdateUser("user_dev_ada", func(u *clerk.User) { u.Banned = true })
			return err
		}},
		{"deleted", func(e *emulator.Emulator) error { return e.DeleteUser("user_dev_ada") }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var c clock
			e := newEmulator(t, emulator.Options{Now: c.now})
			b := newBrowser(t, newSite(t, e))
			b.post("/__clerk/sign-in", "identifier", "user_dev_ada")
			if err := tt.end(e); err != nil {
				t.Fatal(err)
			}
			b.wantUser("while the token is good,", "user_dev_ada")
			c.advance(2 * time.Minute)
			b.wantUser("afterwards", "nobody: session-token-and-uat-missing")
			if status, _ := b.post("/__clerk/sign-in", "identifier", "user_dev_ada"); status/100 != 4 {
				t.Errorf("signing in again gives %d, want a refusal", status)
			}
		})
	}
}

func TestRestart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "clerk.json")
	before := newEmulator(t, emulator.Options{StateFile: file})
	cookies, err := before.SignIn("user_dev_ada")
	if err != nil {
		t.Fatal(err)
	}
	made, err := before.CreateUser("new@example.com")
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the state file is %v, %v; want mode 0600", info, err)
	}

	before.Close()
	after := newEmulator(t, emulator.Options{StateFile: file})
	if after.WebhookSecret() != before.WebhookSecret() || after.Config().SecretKey != before.Config().SecretKey {
		t.Error("a restart changes the secrets")
	}
	b := newBrowser(t, newSite(t, after))
	b.client.Jar.SetCookies(b.origin(), cookies)
	b.wantUser("after a restart", "user_dev_ada")
	if users := after.Users(); len(users) != 6 || users[5].ID != made.ID {
		t.Errorf("after a restart the users are %v", users)
	}
	if left, _ := filepath.Glob(file + ".*"); !slices.Equal(left, []string{file + ".lock"}) {
		t.Errorf("left behind: %v", left)
	}
}

// Two programs would overwrite what the other one has kept.
func TestStateFileIsForOne(t *testing.T) {
	file := filepath.Join(t.TempDir(), "clerk.json")
	first := newEmulator(t, emulator.Options{StateFile: file})
	for range 2 {
		if _, err := emulator.New(emulator.Options{StateFile: file}); err == nil || !strings.Contains(err.Error(), "another program uses the state file "+file) {
			t.Fatalf("a second emulator begins with %v", err)
		}
	}
	if _, err := first.CreateUser("new@example.com"); err != nil {
		t.Errorf("the first goes on with %v", err)
	}
	first.Close()
	second := newEmulator(t, emulator.Options{StateFile: file})
	if _, err := first.CreateUser("late@example.com"); err == nil {
		t.Error("a closed emulator still writes the file")
	}
	if n := len(second.Users()); n != 6 || len(first.Users()) != 6 {
		t.Errorf("%d users after the first and %d in it, want 6", n, len(first.Users()))
	}
	second.Close()
	if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // a start that fails keeps no lock
		if _, err := emulator.New(emulator.Options{StateFile: file}); err == nil || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("a damaged file gives %v", err)
		}
	}
}

func TestReadOnly(t *testing.T) {
	file := filepath.Join(t.TempDir(), "clerk.json")
	if _, err := emulator.New(emulator.Options{StateFile: file, ReadOnly: true}); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("without a file: %v", err)
	}
	writer := newEmulator(t, emulator.Options{StateFile: file})
	if _, err := writer.CreateUser("new@example.com"); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	rec := &receiver{t: t}
	reader := newEmulator(t, emulator.Options{StateFile: file, ReadOnly: true, Client: emulator.InProcess(rec)})
	if _, body := backend(t, reader, "GET", "/users/count", nil); decode(t, body)["total_count"] != 6.0 {
		t.Errorf("the users there are %s, want 6", body)
	}
	if _, err := reader.SignIn("user_dev_ada"); err == nil {
		t.Error("it signs somebody in")
	}
	if status, body := backend(t, reader, "DELETE", "/users/user_dev_ada", nil); status != http.StatusInternalServerError || strings.Contains(body, file) {
		t.Errorf("deleting somebody = %d %s, want 500", status, body)
	}
	reader.DeliverTo(endpoint)
	flush(t, reader)
	reader.Close()
	after, err := os.ReadFile(file)
	if err != nil || !bytes.Equal(after, before) || len(rec.types()) > 0 {
		t.Errorf("the file has changed, or %d webhooks were sent; %v", len(rec.types()), err)
	}
	if _, err := writer.CreateUser("newer@example.com"); err != nil {
		t.Errorf("the one that has the file goes on with %v", err)
	}
}

// What a kill leaves behind half-written is gone with the next change.
func TestHalfWrittenStateFile(t *testing.T) {
	dir := t.TempDir()
	file, part := filepath.Join(dir, "clerk.json"), filepath.Join(dir, "clerk.json.new")
	if err := os.WriteFile(part, []byte(`{"SecretKey":`), 0o644); err != nil {
		t.Fatal(err)
	}
	newEmulator(t, emulator.Options{StateFile: file})
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the state file is %v, %v; want mode 0600", info, err)
	}
	if _, err := os.Stat(part); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the half is still there: %v", err)
	}
}

// A state file of a program that knew neither passwords nor metadata.
func TestOldStateFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "clerk.json")
	first := newEmulator(t, emulator.Options{StateFile: file})
	cookies, err := first.SignIn("user_dev_katherine")
	if err != nil {
		t.Fatal(err)
	}
	first.Close()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	old := decode(t, string(text))
	for _, u := range old["Users"].(object) {
		for _, name := range []string{"Password", "Metadata", "LastSignInAt"} {
			delete(u.(object), name)
		}
	}
	for _, s := range old["Sessions"].(object) {
		delete(s.(object), "RefreshToken")
	}
	if text, err = json.Marshal(old); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}

	e := newEmulator(t, emulator.Options{StateFile: file})
	b := newBrowser(t, newSite(t, e))
	b.client.Jar.SetCookies(b.origin(), cookies)
	b.wantUser("with the old session", "user_dev_katherine")
	v := newVisitor(t, e)
	v.must("POST", "/client/sign_ins", "identifier", "katherine", "strategy", "password", "password", emulator.ReadyPassword)
	if role := v.must("GET", "/me")["public_metadata"].(object)["role"]; role != "moderator" {
		t.Errorf("the role is %v", role)
	}
}

// What somebody typed as a password is not in the state file.
func TestPasswordsAreNotKept(t *testing.T) {
	file := filepath.Join(t.TempDir(), "clerk.json")
	e := newEmulator(t, emulator.Options{StateFile: file})
	v := newVisitor(t, e)
	v.enter("user_dev_ada")
	const secret = "correct horse battery"
	v.must("POST", "/me/change_password", "current_password", emulator.ReadyPassword, "new_password", secret)
	v.must("POST", "/client/sign_ups", "email_address", "new@example.com", "password", secret)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), secret) || strings.Contains(string(text), emulator.ReadyPassword) || strings.Contains(string(text), "new@example.com") {
		t.Errorf("the state file holds a password, or who has not signed up: %s", text)
	}
}

func TestStateFileOfTheOtherKind(t *testing.T) {
	for kind, key := range kinds {
		file := filepath.Join(t.TempDir(), "clerk.json")
		newEmulator(t, emulator.Options{StateFile: file, PublishableKey: key}).Close()
		for other, key := range kinds {
			e, err := emulator.New(emulator.Options{StateFile: file, PublishableKey: key})
			if kind == other && err != nil || kind != other && (err == nil || !strings.Contains(err.Error(), file+" belongs to the other kind")) {
				t.Errorf("a %s instance takes the file of a %s one with %v", other, kind, err)
			}
			if e != nil {
				e.Close()
			}
		}
	}
}

func TestDamagedStateFile(t *testing.T) {
	for _, text := range []string{"", "{", "null", "[]", `{"Users":{}}`, `{"InstanceID":"ins_1","SecretKey":"sk_test_1","WebhookSecret":"","SigningKey":"x","Users":{},"Sessions":{}}`} {
		file := filepath.Join(t.TempDir(), "clerk.json")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := emulator.New(emulator.Options{StateFile: file}); err == nil || !strings.Contains(err.Error(), "remove "+file) {
			t.Errorf("a state file with %q gives the error %v", text, err)
		}
		if kept, _ := os.ReadFile(file); string(kept) != text {
			t.Errorf("a state file with %q was overwritten", text)
		}
	}
}

// What cannot be kept has not happened.
func TestStateThatCannotBeKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "dir")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	e := newEmulator(t, emulator.Options{StateFile: filepath.Join(dir, "clerk.json")})
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := e.CreateUser("new@example.com"); err == nil {
		t.Error("a user was made though there is nowhere to keep them")
	}
	v := newVisitor(t, e)
	v.wantFailure(500, "internal_clerk_error", "", "POST", "/client/sign_ins", "strategy", "ticket", "ticket", "user_dev_ada")
	for _, path := range []string{"/__clerk/sign-in", "/__clerk/v1/client/sign_ins?__clerk_db_jwt=" + v.browser} {
		w := serve(e, local("POST", path, "identifier=user_dev_ada&strategy=ticket&ticket=user_dev_ada"))
		if body := w.Body.String(); w.Code != http.StatusInternalServerError || !strings.Contains(body, "could not keep its state") || strings.Contains(body, dir) {
			t.Errorf("POST %s = %d %s, want 500 and no path", path, w.Code, body)
		}
	}
	if n := len(e.Users()); n != 5 {
		t.Errorf("%d users, want 5", n)
	}
}

func TestPublishableKey(t *testing.T) {
	tests := []struct {
		key  string
		good bool
	}{
		{"", true},
		{clerk.NewPublishableKey("clerk.posts.test", false), true},
		{clerk.NewPublishableKey("posts.emulator.clerk.accounts.dev", false), true},
		{clerk.NewPublishableKey("happy-hippo-1.clerk.accounts.dev", false), false},
		{clerk.NewPublishableKey("clerk.example.com", false), false},
		{clerk.NewPublishableKey("clerk.posts.test", true), true},
		{clerk.NewPublishableKey("clerk.example.com", true), false},
		{"pk_test_", false},
	}
	for _, tt := range tests {
		if _, err := emulator.New(emulator.Options{PublishableKey: tt.key}); (err == nil) != tt.good {
			t.Errorf("the key %q gives the error %v", tt.key, err)
		}
	}
	if problems := newEmulator(t, emulator.Options{}).Config().Validate(); len(problems) > 0 {
		t.Errorf("the settings are wrong: %v", problems)
	}
}

func TestSessionToken(t *testing.T) {
	var c clock
	e := newEmulator(t, emulator.Options{Now: c.now})
	authenticator, err := clerk.New(e.Config())
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		age  time.Duration
		want string
	}{
		{0, "user_dev_grace"},
		{59 * time.Second, "user_dev_grace"},
		{70 * time.Second, "nobody: session-token-expired-refresh-non-eligible-no-refresh-cookie"},
		{-time.Minute, "nobody: session-token-nbf"},
	}
	for _, tt := range tests {
		token, err := e.SessionToken("user_dev_grace", tt.age)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		result, err := authenticator.Authenticate(r)
		if got := who(result); got != tt.want || err != nil {
			t.Errorf("a token of age %v: %q, %v; want %q", tt.age, got, err, tt.want)
		}
	}
	if _, err := e.SessionToken("user_nobody", 0); err == nil {
		t.Error("there is a token for nobody")
	}
}

// Everything at once, for the race detector.
func TestConcurrentUse(t *testing.T) {
	e := newEmulator(t, emulator.Options{StateFile: filepath.Join(t.TempDir(), "clerk.json")})
	site := newSite(t, e)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			b := newBrowser(t, site)
			email := fmt.Sprintf("user%d@example.com", i)
			if _, got := b.post("/__clerk/sign-in", "identifier", email, "redirect_url", "/"); !strings.HasPrefix(got, "user_") {
				t.Errorf("%s is signed in as %q", email, got)
			}
			b.post("/__clerk/user", "first_name", email)
			e.Users()
			b.post("/__clerk/user/sign-out")
		})
	}
	wg.Wait()
	if n := len(e.Users()); n != 13 {
		t.Errorf("%d users, want 13", n)
	}
}
