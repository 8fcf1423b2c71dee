package handlers

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"inkwell/clerk"
	"inkwell/db"
	"inkwell/static"
)

// A visitor is who is asking.
type visitor struct {
	user      db.User // the zero User unless signedIn
	signedIn  bool
	refused   bool   // a good session of a user who may not come in
	sessionID string // Clerk's; also of a session whose token has run out
}

type visitorKey struct{}

// visitorOf returns who identify found, for what surrounds every page. A
// handler that needs to know gets it as an argument.
func visitorOf(r *http.Request) visitor {
	v, _ := r.Context().Value(visitorKey{}).(visitor)
	return v
}

func withVisitor(r *http.Request, v visitor) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), visitorKey{}, v))
}

// sessionless reports whether a path belongs to those that no session is
// looked at for.
func sessionless(r *http.Request) bool {
	path := r.URL.Path
	return strings.HasPrefix(path, static.Prefix) || slices.Contains([]string{WebhookPath, "/healthz", "/favicon.ico"}, path)
}

// unguarded serves h without looking who is asking.
func (s *Server) unguarded(h func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			s.fail(w, r, err)
		}
	})
}

// public serves h to everybody.
func (s *Server) public(h func(http.ResponseWriter, *http.Request, visitor) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, err := s.identify(w, r)
		if err == nil {
			r = withVisitor(r, v)
			err = h(w, r, v)
		}
		if err != nil && !errors.Is(err, errAnswered) {
			s.fail(w, r, err)
		}
	})
}

// signedIn serves h to users who are signed in. A navigation of somebody else
// is sent to the sign-in page, any other request answered 401.
func (s *Server) signedIn(h func(http.ResponseWriter, *http.Request, db.User) error) http.Handler {
	return s.public(func(w http.ResponseWriter, r *http.Request, v visitor) error {
		switch {
		case v.signedIn:
			return h(w, r, v.user)
		case v.refused:
			return errRefused
		case isAPI(r) || isHTMX(r):
			return errSignedOut
		case r.Method == http.MethodGet || r.Method == http.MethodHead:
			http.Redirect(w, r, signInURL(r.URL.RequestURI()), http.StatusSeeOther)
			return nil
		}
		return s.askToSendAgain(w, r)
	})
}

// errAnswered says that nothing is left to be answered.
var errAnswered = errors.New("answered")

// identify finds out who is asking and adds to the answer what Clerk wants
// said. Where that is the whole answer it returns errAnswered.
func (s *Server) identify(w http.ResponseWriter, r *http.Request) (visitor, error) {
	result, err := s.auth.Authenticate(r)
	if err != nil {
		return visitor{}, err
	}
	if result.Problem != nil {
		s.log.Warn("a session could not be looked at", "id", requestID(r), "error", result.Problem)
	}
	if isHTMX(r) {
		result = result.WithoutRedirect()
	}
	for name, values := range result.Header {
		if name == "Set-Cookie" {
			values = append(w.Header()[name], values...)
		}
		w.Header()[name] = values
	}
	switch {
	case w.Header().Get("Location") != "":
		w.WriteHeader(http.StatusTemporaryRedirect)
		return visitor{}, errAnswered
	case isHTMX(r) && result.HandshakeDue:
		s.sayExpired(w)
		return visitor{}, errAnswered
	case result.State != clerk.SignedIn:
		return visitor{sessionID: result.ExpiredSessionID}, nil
	}
	user, err := s.userOf(r.Context(), result.Claims.Subject)
	switch {
	case err != nil:
		return visitor{}, err
	case !user.Active():
		return visitor{refused: true, sessionID: result.Claims.SessionID}, nil
	}
	return visitor{user: user, signedIn: true, sessionID: result.Claims.SessionID}, nil
}

// sayExpired tells the page's script to renew the session and to repeat its
// request; nothing on the page changes.
func (s *Server) sayExpired(w http.ResponseWriter) {
	w.Header().Set("HX-Reswap", "none")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusUnauthorized)
}

// userOf returns the row of a user with a good session. One that is not there
// yet is made on the spot: signing in never waits for a webhook. What Clerk has
// not told us of them is asked for in the background.
func (s *Server) userOf(ctx context.Context, clerkID string) (db.User, error) {
	user, err := s.db.GetUserByClerkID(ctx, clerkID)
	if errors.Is(err, sql.ErrNoRows) {
		user, err = s.db.EnsureUser(ctx, clerkID)
	}
	if err != nil {
		return user, fmt.Errorf("user of a session: %w", err)
	}
	if user.ClerkUpdatedAt == 0 && user.Active() {
		s.completeUser(clerkID)
	}
	return user, nil
}

// completeAttempts is how often Clerk is asked about a user in a row; the pause
// before each further attempt is twice as long as the last, from completePause.
const (
	completeAttempts = 5
	completePause    = time.Second
)

// completeUser fills in a user's row from Clerk's Backend API, in the
// background and once at a time. A user whom Clerk does not know is not asked
// for again.
func (s *Server) completeUser(clerkID string) {
	if _, underWay := s.completing.LoadOrStore(clerkID, true); underWay {
		return
	}
	s.background.Go(func() {
		err := s.askForUser(clerkID)
		if err != nil && s.running.Err() == nil {
			s.log.Warn("a user has no name until Clerk tells of them", "user", clerkID, "error", err)
		}
		if !errors.Is(err, clerk.ErrUserNotFound) {
			s.completing.Delete(clerkID)
		}
	})
}

func (s *Server) askForUser(clerkID string) error {
	pause := completePause
	for attempt := 1; ; attempt++ {
		err := s.fetchUser(s.running, clerkID)
		if err == nil || attempt == completeAttempts || errors.Is(err, clerk.ErrUserNotFound) {
			return err
		}
		select {
		case <-s.running.Done():
			return err
		case <-time.After(pause):
			pause *= 2
		}
	}
}

func (s *Server) fetchUser(ctx context.Context, clerkID string) error {
	user, err := s.clerkAPI.User(ctx, clerkID)
	if err != nil {
		return err
	}
	_, err = s.db.SaveUser(ctx, userData(user))
	return err
}

// userData is what the database keeps of Clerk's user.
func userData(u clerk.User) db.UserData {
	return db.UserData{
		ClerkID:       u.ID,
		Email:         u.Email,
		EmailVerified: u.EmailVerified,
		Username:      u.Username,
		FirstName:     u.FirstName,
		LastName:      u.LastName,
		Name:          u.Name,
		ImageURL:      u.ImageURL,
		Role:          u.Role,
		Banned:        u.Banned,
		Locked:        u.Locked,
		Deprovisioned: u.Deprovisioned,
		CreatedAt:     db.TimeOf(u.CreatedAt),
		UpdatedAt:     db.TimeOf(u.UpdatedAt),
	}
}
