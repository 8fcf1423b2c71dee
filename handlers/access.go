package handlers

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"inkwell/clerk"
	"inkwell/db"
	"inkwell/static"
)

// A visitor is who is asking.
type visitor struct {
	user       db.User // the zero User: somebody unknown
	refused    bool    // a good session of a user who may not come in
	unverified bool    // a session that cannot be looked at as long as Clerk cannot be reached
	sessionID  string  // Clerk's; also of a session whose token has run out
}

// known is a visitor who is signed in.
func known(user db.User) visitor { return visitor{user: user} }

func (v visitor) signedIn() bool { return v.user.ID != 0 }

type visitorKey struct{}

// asking returns who identify found, for what surrounds every page. A handler
// that needs to know gets it as an argument.
func asking(r *http.Request) visitor {
	v, _ := r.Context().Value(visitorKey{}).(visitor)
	return v
}

func withVisitor(r *http.Request, v visitor) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), visitorKey{}, v))
}

// sessionless reports whether no session is looked at for a path, also where
// no route matches.
func sessionless(path string) bool {
	switch path {
	case WebhookPath, "/healthz", "/feed.atom", "/sitemap.xml", "/robots.txt":
		return true
	}
	return strings.HasPrefix(path, static.Prefix)
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
		w.Header().Set("Vary", "Accept, Authorization, Cookie, HX-Request, HX-Request-Type, Sec-Fetch-Dest")
		w.Header().Set("Cache-Control", "no-store")
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
		case v.signedIn():
			return h(w, r, v.user)
		case v.refused:
			return errRefused
		case isAPI(r):
			return errSignedOut
		case r.Method == http.MethodPost && !isHTMX(r):
			return s.askToSendAgain(w, r, v)
		case v.unverified:
			return errUnverified
		case isHTMX(r):
			return errSignedOut
		case r.Method == http.MethodGet || r.Method == http.MethodHead:
			http.Redirect(w, r, signInURL(returnPath(r)), http.StatusSeeOther)
			return nil
		}
		return errSignedOut
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
	logEntryOf(r).auth = result.Reason
	if result.Problem != nil {
		s.log.Warn("a session could not be looked at", "id", requestID(r), "error", result.Problem)
	}
	if isHTMX(r) {
		result = result.WithoutRedirect()
	}
	switch {
	case result.Answer(w):
		return visitor{}, errAnswered
	case isHTMX(r) && result.HandshakeDue:
		s.sayExpired(w)
		return visitor{}, errAnswered
	case result.State != clerk.SignedIn:
		return visitor{unverified: result.Unverified, sessionID: result.ExpiredSessionID}, nil
	}
	return s.visitorOf(r.Context(), result.Claims)
}

// visitorOf returns the visitor with a good token. It outlives its session by
// up to a minute, unless Clerk has told us of the end.
func (s *Server) visitorOf(ctx context.Context, claims *clerk.Claims) (visitor, error) {
	user, ended, err := s.userOf(ctx, claims)
	switch {
	case err != nil:
		return visitor{}, err
	case !user.Active():
		return visitor{refused: true, sessionID: claims.SessionID}, nil
	case ended:
		return visitor{}, nil
	}
	return visitor{user: user, sessionID: claims.SessionID}, nil
}

// sayExpired tells the page's script to renew the session and to repeat its
// request; nothing on the page changes.
func (s *Server) sayExpired(w http.ResponseWriter) {
	w.Header().Set("HX-Reswap", "none")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusUnauthorized)
}

// userOf returns the row of the user of a session, and whether the session is
// known to have ended. A row that is not there yet is made on the spot: signing
// in never waits for a webhook. What Clerk has not told us of them is asked for
// in the background.
func (s *Server) userOf(ctx context.Context, claims *clerk.Claims) (user db.User, ended bool, err error) {
	row, err := s.db.GetSessionUser(ctx, db.GetSessionUserParams{ClerkID: claims.Subject, SessionID: claims.SessionID})
	if errors.Is(err, sql.ErrNoRows) {
		if _, err = s.db.EnsureUser(ctx, claims.Subject); err == nil {
			row, err = s.db.GetSessionUser(ctx, db.GetSessionUserParams{ClerkID: claims.Subject, SessionID: claims.SessionID})
		}
	}
	if err != nil {
		return row.User, false, fmt.Errorf("user of a session: %w", err)
	}
	if row.User.ClerkUpdatedAt == 0 && row.User.Active() {
		s.completeUser(claims.Subject)
	}
	return row.User, row.SessionEnded, nil
}

// completeUser fills in a user's row from Clerk's Backend API, in the
// background and once at a time. When Clerk has answered it is not asked again.
func (s *Server) completeUser(clerkID string) {
	if _, underWay := s.completing.LoadOrStore(clerkID, true); underWay {
		return
	}
	s.background.Go(func() {
		err := s.clerkAPI.Patiently(s.running, func() error { return s.fetchUser(s.running, clerkID) })
		if err != nil && s.running.Err() == nil {
			s.log.Warn("a user has no name until Clerk tells of them", "user", clerkID, "error", err)
		}
		if err != nil && !errors.Is(err, clerk.ErrUserNotFound) {
			s.completing.Delete(clerkID)
		}
	})
}

// fetchUser stores a user as Clerk's Backend API tells of them.
func (s *Server) fetchUser(ctx context.Context, clerkID string) error {
	user, err := s.askClerk(ctx, clerkID)
	if err != nil {
		return err
	}
	return s.publishingUsers(ctx, []string{clerkID}, func() error {
		_, err := s.db.SaveUser(ctx, user)
		return err
	})
}

// askClerk returns a user as Clerk's Backend API tells of them.
func (s *Server) askClerk(ctx context.Context, clerkID string) (db.UserData, error) {
	asked := db.TimeOf(time.Now())
	user, err := s.clerkAPI.User(ctx, clerkID)
	return userDataAsOf(user, asked), err
}

// userDataAsOf is what the database keeps of Clerk's user, who was asked for at
// a time.
func userDataAsOf(u clerk.User, asked db.Time) db.UserData {
	data := userData(u)
	data.Asked = asked
	return data
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
