package emulator

import (
	"crypto/rand"
	"maps"
	"net/http"
	"net/url"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"inkwell/clerk"
)

// A session is somebody's being signed in, in one browser.
type session struct {
	ID           string
	UserID       string
	CreatedAt    time.Time
	RefreshToken string // empty: one of an older state file
}

// sessionLifetime is Clerk's default.
const sessionLifetime = 7 * 24 * time.Hour

func (s session) over(now time.Time) bool { return now.Sub(s.CreatedAt) > sessionLifetime }

// Events about sessions, by Clerk's names, and the status that they leave.
const (
	sessionCreated = "session.created"
	sessionEnded   = "session.ended"   // the user signed out
	sessionRemoved = "session.removed" // it was taken out of the browser, or its user is gone
	sessionRevoked = "session.revoked" // by the Backend API or from another session
)

// statusAfter is the status of a session after an event.
func statusAfter(event string) string {
	if event == sessionCreated {
		return "active"
	}
	return event[len("session."):]
}

// SignIn signs a user in from a browser of their own, and returns the cookies
// that the browser then holds: the session and the client's time, each with and
// without suffix. In development the development browser comes with them, in
// production the cookie "__client", which is for the Frontend API alone, below
// [Prefix]. There is no refresh cookie: only a handshake brings one. The session
// token names no authorized party.
func (e *Emulator) SignIn(userID string) ([]*http.Cookie, error) {
	browser, _, err := e.signIn(newBrowser(), userWith(userID))
	if err != nil {
		return nil, err
	}
	directives, err := e.directives(browser, "")
	if err != nil {
		return nil, err
	}
	if e.greeter.Production {
		directives = append(directives, e.greeter.name(browser, ""))
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
		if s.UserID == userID && !s.over(e.now()) {
			return s, nil
		}
	}
	_, made, err := e.signIn(newBrowser(), userWith(userID))
	return made, err
}

// signIn signs in whom who names, in place of who was signed in in the browser
// before. It returns the browser as it is known afterwards, with all that is
// under way there.
func (e *Emulator) signIn(browser string, who func(*state) (account, error)) (string, session, error) {
	var made session
	known := e.greeter.renewed(browser)
	err := e.change(func(s *state) error {
		a, err := who(s)
		if err != nil {
			return err
		}
		s.end(browser, sessionEnded, e.now())
		made, err = s.enter(known, a, e.now())
		return err
	})
	if err != nil {
		return browser, session{}, err
	}
	move(e.signIns, browser, known)
	move(e.signUps, browser, known)
	return known, made, nil
}

// move lets what is under way in a browser go on in another.
func move[T any](attempts *lru.Cache[string, T], from, to string) {
	if attempt, ok := attempts.Peek(from); ok {
		attempts.Remove(from)
		attempts.Add(to, attempt)
	}
}

// userWith names the user with this id.
func userWith(id string) func(*state) (account, error) {
	return func(s *state) (account, error) {
		a, ok := s.Users[id]
		if !ok {
			return a, noSuchUser(id)
		}
		return a, nil
	}
}

// holderOf names the user with this id, e-mail address or username. With join,
// an e-mail address that nobody has yet is that of a new one.
func holderOf(ticket string, join bool) func(*state) (account, error) {
	return func(s *state) (account, error) {
		a, known := s.holder(ticket)
		switch {
		case known:
			return a, nil
		case !join:
			return a, unknown("ticket")
		}
		err := s.fill(&a, url.Values{"email_address": {ticket}})
		return a, err
	}
}

// signOut ends the browser's session, if it has one, by an event.
func (e *Emulator) signOut(browser, event string) error {
	return e.change(func(s *state) error {
		s.end(browser, event, e.now())
		return nil
	})
}

// enter makes a session in a browser that has none, for a user or for an account
// that has just been filled in, which makes a user first. Sessions past their
// end go then.
func (s *state) enter(browser string, a account, now time.Time) (made session, err error) {
	if a.ID == "" {
		if a, err = s.admit(a, now); err != nil {
			return session{}, err
		}
	}
	if a.Banned || a.Locked || a.Deprovisioned {
		return session{}, &failure{status: http.StatusForbidden, code: "user_banned", message: "This user is banned, locked or deprovisioned, and cannot sign in."}
	}
	maps.DeleteFunc(s.Sessions, func(_ string, old session) bool { return old.over(now) })
	now = now.UTC().Truncate(time.Millisecond)
	made = session{ID: "sess_" + rand.Text(), UserID: a.ID, CreatedAt: now, RefreshToken: rand.Text()}
	s.Sessions[browser] = made
	a.LastSignInAt = now
	s.Users[a.ID] = a
	s.announceSession(sessionCreated, browser, made, now)
	return made, nil
}

// end ends the browser's session, if it has one.
func (s *state) end(browser, event string, now time.Time) {
	if old, ok := s.Sessions[browser]; ok {
		delete(s.Sessions, browser)
		s.announceSession(event, browser, old, now)
	}
}

// endSessions ends all sessions of a user but that of one browser.
func (s *state) endSessions(userID, but, event string, now time.Time) {
	for browser, one := range maps.Clone(s.Sessions) {
		if one.UserID == userID && browser != but {
			s.end(browser, event, now)
		}
	}
}

// browserWith returns the browser that has the session of an id.
func (s *state) browserWith(sessionID string, now time.Time) (string, error) {
	for browser, one := range s.Sessions {
		if one.ID == sessionID && !one.over(now) {
			return browser, nil
		}
	}
	return "", noSuchSession(sessionID)
}

// noSuchSession is the same for a session that has ended: those are forgotten.
func noSuchSession(id string) error {
	return notFound("No session was found with id " + id + ".")
}

// signedIn returns who is signed in in a browser.
func (e *Emulator) signedIn(browser string) (session, account, bool) {
	now := e.state.Load()
	s, ok := now.Sessions[browser]
	if !ok || s.over(e.now()) {
		return session{}, account{}, false
	}
	return s, now.Users[s.UserID], true
}

// since returns when the browser's client last changed; the zero time when
// nobody is signed in there.
func (e *Emulator) since(browser string) time.Time {
	s, _, _ := e.signedIn(browser)
	return s.CreatedAt
}

// directives returns the Set-Cookie headers that tell the program what is known
// of a browser: the facts, and a fresh session token or that there is none.
func (e *Emulator) directives(browser, party string) ([]string, error) {
	list := e.greeter.facts(browser, party, e.since(browser))
	s, _, ok := e.signedIn(browser)
	if !ok {
		return append(list, e.greeter.bothForms(clerk.SessionCookie, "", "; Path=/"+gone(party))...), nil
	}
	token, err := e.tokens.session(s, party, e.now())
	return append(list, e.greeter.bothForms(clerk.SessionCookie, token, "; Path=/"+lasting(party))...), err
}
