package emulator

import (
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"time"

	"inkwell/clerk"
)

// SignIn signs a user in from a browser of their own, and returns the cookies
// that the browser then holds for the program: the session, the development
// browser and the client's time, each with and without suffix. The session
// token names no authorized party.
func (e *Emulator) SignIn(userID string) ([]*http.Cookie, error) {
	browser := newBrowser()
	if _, err := e.signIn(browser, userID); err != nil {
		return nil, err
	}
	directives, err := e.directives(browser, "")
	if err != nil {
		return nil, err
	}
	cookies := make([]*http.Cookie, len(directives))
	for i, directive := range directives {
		if cookies[i], err = http.ParseSetCookie(directive); err != nil {
			return nil, err
		}
	}
	return cookies, nil
}

// SessionToken returns a session token of the user as it was issued age ago,
// whether or not it has expired since; a negative age lies in the future. The
// user gets a session when they have none.
func (e *Emulator) SessionToken(userID string, age time.Duration) (string, error) {
	s, err := e.sessionOf(userID)
	if err != nil {
		return "", err
	}
	return e.tokens.session(s, "", e.now().Add(-age))
}

func (e *Emulator) sessionOf(userID string) (session, error) {
	for _, s := range e.state.Load().Sessions {
		if s.UserID == userID {
			return s, nil
		}
	}
	return e.signIn(newBrowser(), userID)
}

// signIn signs in whoever has this e-mail address, username or id, in place of
// who was signed in in the browser before.
func (e *Emulator) signIn(browser, identifier string) (session, error) {
	var made session
	err := e.change(func(s *state) error {
		u, ok := s.find(identifier)
		if !ok {
			return &failure{http.StatusUnprocessableEntity, unknownIdentifier, "Couldn't find your account."}
		}
		var err error
		made, err = s.start(browser, u, e.now())
		return err
	})
	return made, err
}

const unknownIdentifier = "form_identifier_not_found"

// signUp makes an account for the e-mail address and signs it in.
func (e *Emulator) signUp(browser, email string) (session, error) {
	var made session
	err := e.change(func(s *state) error {
		u, err := s.createUser(email, e.now())
		if err == nil {
			made, err = s.start(browser, u, e.now())
		}
		return err
	})
	return made, err
}

// signInOrUp signs in who is known, and signs up whose e-mail address is not.
func (e *Emulator) signInOrUp(browser, identifier string) (session, error) {
	s, err := e.signIn(browser, identifier)
	if f, ok := errors.AsType[*failure](err); ok && f.code == unknownIdentifier {
		return e.signUp(browser, identifier)
	}
	return s, err
}

// signOut ends the browser's session, if it has one.
func (e *Emulator) signOut(browser string) error {
	return e.change(func(s *state) error {
		delete(s.Sessions, browser)
		return nil
	})
}

// start makes the browser's session. Sessions past their end go then too.
func (s *state) start(browser string, u clerk.User, now time.Time) (session, error) {
	if u.Banned || u.Locked || u.Deprovisioned {
		return session{}, &failure{http.StatusForbidden, "user_banned", "This user is banned, locked or deprovisioned, and cannot sign in."}
	}
	maps.DeleteFunc(s.Sessions, func(_ string, old session) bool { return old.over(now) })
	made := session{ID: "sess_" + rand.Text(), UserID: u.ID, CreatedAt: now.UTC().Truncate(time.Millisecond)}
	s.Sessions[browser] = made
	return made, nil
}

func (s session) over(now time.Time) bool { return now.Sub(s.CreatedAt) > sessionLifetime }

// signedIn returns who is signed in in a browser.
func (e *Emulator) signedIn(browser string) (session, clerk.User, bool) {
	now := e.state.Load()
	s, ok := now.Sessions[browser]
	if !ok || s.over(e.now()) {
		return session{}, clerk.User{}, false
	}
	return s, clerk.User(now.Users[s.UserID]), true
}

const browserPrefix = "dvb_"

// newBrowser returns the id of a development browser, by which a browser is
// known here. It is a secret between the two. Browsers in which nobody is
// signed in are not remembered: any id of this form is one.
func newBrowser() string { return browserPrefix + rand.Text() }

// browserOf returns the development browser that r comes from; empty when it
// does not say. The query wins over the cookies, which are those of the
// program: other programs on this machine may share the plain one.
func (e *Emulator) browserOf(r *http.Request) string {
	if id := r.URL.Query().Get(clerk.DevBrowserCookie); isBrowser(id) {
		return id
	}
	for _, name := range []string{e.instance.Suffixed(clerk.DevBrowserCookie), clerk.DevBrowserCookie} {
		if c, err := r.Cookie(name); err == nil && isBrowser(c.Value) {
			return c.Value
		}
	}
	return ""
}

func isBrowser(id string) bool {
	random, ok := strings.CutPrefix(id, browserPrefix)
	return ok && len(random) == 26 && strings.Trim(random, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == ""
}

// directives returns the Set-Cookie headers that tell the program's origin what
// is known of a browser: who it is, since when its client is as it is, and a
// fresh session token, or that there is none.
func (e *Emulator) directives(browser, party string) ([]string, error) {
	token, since := "", int64(0)
	if s, _, ok := e.signedIn(browser); ok {
		since = s.CreatedAt.Unix()
		var err error
		if token, err = e.tokens.session(s, party, e.now()); err != nil {
			return nil, err
		}
	}
	attributes := "; Path=/; SameSite=Lax"
	if strings.HasPrefix(party, "https:") {
		attributes += "; Secure"
	}
	keep := attributes + "; Max-Age=31536000"
	clear := attributes + "; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT"
	var list []string
	add := func(name, value, attributes string) {
		list = append(list, name+"="+value+attributes, e.instance.Suffixed(name)+"="+value+attributes)
	}
	add(clerk.DevBrowserCookie, browser, keep)
	add(clerk.ClientUATCookie, fmt.Sprint(since), keep)
	if token == "" {
		add(clerk.SessionCookie, "", clear)
	} else {
		add(clerk.SessionCookie, token, keep)
	}
	return list, nil
}
