package clerktest

import (
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"inkwell/clerk"
)

// A Want is what the answer to a request must be.
type Want struct {
	State   clerk.State
	Reason  string
	Message string // "<time>" stands for any time
	User    string // the id of who is signed in; empty when nobody is

	// Throws says that there is no answer but a [*clerk.HandshakeError].
	Throws bool

	// HandshakeDue says that nobody is signed in although a handshake may sign
	// the user in. In the state [clerk.Handshake] it is under way.
	HandshakeDue bool

	Header http.Header // all of Clerk's; a Location's query may be in any order
}

// want returns the answer of package clerk, which is that of Clerk's SDK where
// they do not differ on purpose.
func (r *recording) want() Want {
	switch {
	case r.Oracle.State == "throws":
		return Want{Throws: true}
	case r.Oracle.Reason == "primary-domain-cross-origin-sync":
		return Want{State: clerk.SignedIn, User: "user_12345"}
	case r.Oracle.Reason == "primary-responds-to-syncing":
		return signedOut("session-token-and-uat-missing", "")
	case r.Oracle.State == "signed-in" && r.pending():
		return signedOut("session-pending", "The session has tasks that the user must finish first.")
	case r.Oracle.State == "handshake" && r.redirects() > 3:
		return signedOut(r.Oracle.Reason, r.Oracle.Message)
	}
	w := r.Oracle.want()
	w.HandshakeDue = w.State == clerk.Handshake || leadsToHandshake(w.Reason) && r.redirects() < 3
	return w
}

// want returns the answer of Clerk's SDK.
func (o *oracle) want() Want {
	w := Want{State: stateOf(o.State), Reason: o.Reason, Message: o.Message, User: o.ToAuth.UserID, Header: http.Header{}}
	values := map[string]string{"x-clerk-auth-status": o.State, "x-clerk-auth-reason": o.Reason, "x-clerk-auth-message": o.Message}
	for _, name := range o.DebugHeaders {
		w.Header.Set(name, values[name])
	}
	for name, value := range o.Headers {
		w.Header.Set(name, value)
	}
	if len(o.SetCookie) > 0 {
		w.Header["Set-Cookie"] = o.SetCookie
	}
	if o.Location != nil {
		query := url.Values{}
		for name, value := range o.Location.Query {
			query.Set(name, value)
		}
		w.Header.Set("Location", strings.TrimSuffix(o.Location.Base+"?"+query.Encode(), "?"))
	}
	return w
}

func stateOf(name string) clerk.State {
	for _, s := range []clerk.State{clerk.SignedIn, clerk.Handshake} {
		if s.String() == name {
			return s
		}
	}
	return clerk.SignedOut
}

func signedOut(reason, message string) Want {
	w := oracle{State: "signed-out", Reason: reason, Message: message, DebugHeaders: []string{"x-clerk-auth-status", "x-clerk-auth-reason"}}
	if message != "" {
		w.DebugHeaders = append(w.DebugHeaders, "x-clerk-auth-message")
	}
	return w.want()
}

// leadsToHandshake reports whether a reason sends a browser to a handshake
// that can go there.
func leadsToHandshake(reason string) bool {
	return strings.HasPrefix(reason, "session-token-expired-") || slices.Contains([]string{
		"dev-browser-sync", "dev-browser-missing", "session-token-but-no-client-uat", "client-uat-but-no-session-token",
		"session-token-iat-before-client-uat", "session-token-nbf", "session-token-iat-in-the-future",
	}, reason)
}

// WithoutRedirect returns what the answer must be to the same request if it
// cannot be redirected to Clerk, see [clerk.Result.WithoutRedirect].
func (w Want) WithoutRedirect() Want {
	if w.State != clerk.Handshake {
		return w
	}
	w.State, w.Header = clerk.SignedOut, w.Header.Clone()
	w.Header.Del("Location")
	w.Header.Del("Set-Cookie")
	w.Header.Set("X-Clerk-Auth-Status", w.State.String())
	return w
}

// CheckResult makes sure that an Authenticator answers as it must.
func (w Want) CheckResult(t testing.TB, got clerk.Result, err error) {
	t.Helper()
	if (err != nil) != w.Throws {
		t.Fatalf("error %v, want one: %t", err, w.Throws)
	}
	if got.State != w.State || got.Reason != w.Reason || !sameMessage(got.Message, w.Message) {
		t.Errorf("%s %q (%s), want %s %q (%s)", got.State, got.Reason, got.Message, w.State, w.Reason, w.Message)
	}
	user := ""
	if got.Claims != nil {
		user = got.Claims.Subject
	}
	if user != w.User {
		t.Errorf("user %q, want %q", user, w.User)
	}
	if due := w.HandshakeDue && w.State != clerk.Handshake; got.HandshakeDue != due {
		t.Errorf("HandshakeDue is %t, want %t", got.HandshakeDue, due)
	}
	for name := range got.Header {
		if len(got.Header[name]) > 0 && w.Header[name] == nil {
			t.Errorf("there is a header %s: %q", name, got.Header[name])
		}
	}
	w.CheckHeader(t, got.Header)
}

// CheckHeader makes sure that an answer has the headers that it must have, and
// no other that is Clerk's.
func (w Want) CheckHeader(t testing.TB, got http.Header) {
	t.Helper()
	names := slices.Collect(maps.Keys(w.Header))
	names = append(names, "Location", "Set-Cookie", "X-Clerk-Auth-Status", "X-Clerk-Auth-Reason", "X-Clerk-Auth-Message",
		"Access-Control-Allow-Origin", "Access-Control-Allow-Credentials")
	for _, name := range names {
		if want := w.Header[name]; !same(name, got[name], want) {
			t.Errorf("%s: %q, want %q", name, got[name], want)
		}
	}
}

func same(name string, got, want []string) bool {
	switch {
	case len(got) != 1 || len(want) != 1:
		return slices.Equal(got, want)
	case name == "X-Clerk-Auth-Message":
		return sameMessage(got[0], want[0])
	case name == "Location":
		return sameURL(got[0], want[0])
	}
	return got[0] == want[0]
}

func sameMessage(got, want string) bool {
	pattern := strings.ReplaceAll(regexp.QuoteMeta(want), "<time>", ".+")
	return regexp.MustCompile("^" + pattern + "$").MatchString(got)
}

func sameURL(got, want string) bool {
	a, errA := url.Parse(got)
	b, errB := url.Parse(want)
	if errA != nil || errB != nil || !maps.EqualFunc(a.Query(), b.Query(), slices.Equal) {
		return false
	}
	a.RawQuery, b.RawQuery = "", ""
	return a.String() == b.String()
}
