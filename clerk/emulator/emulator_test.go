package emulator_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
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
