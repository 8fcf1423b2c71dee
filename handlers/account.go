package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"inkwell/clerk"
	"inkwell/db"
)

// returnPath is the path and query of a request, to come back to.
func returnPath(r *http.Request) string { return clerk.StripQuery(r.URL).RequestURI() }

// signInURL is the sign-in page that leads back to a path of this site.
func signInURL(path string) string { return "/sign-in?redirect_url=" + url.QueryEscape(path) }

func signUpURL(path string) string { return "/sign-up?redirect_url=" + url.QueryEscape(path) }

// localPath returns a path of this site for what may be anything, "/" for what
// leads elsewhere. Browsers read a backslash as a slash and skip tabs and line
// ends, so that neither may be in it.
func localPath(target string) string {
	if !strings.HasPrefix(target, "/") || strings.HasPrefix(target, "//") || len(target) > 2000 {
		return "/"
	}
	if strings.ContainsFunc(target, func(r rune) bool { return r == '\\' || r < ' ' || r == 0x7f }) {
		return "/"
	}
	u, err := url.Parse(target)
	if err != nil || u.Host != "" || u.Scheme != "" || strings.Contains(u.Path, "/.") {
		return "/"
	}
	return clerk.StripQuery(u).String()
}

// signInView is what sign-in.html shows.
type signInView struct {
	Heading     string
	Component   string // Clerk's component
	Mount       string // the method of ClerkJS that shows it
	RedirectURL string
	PortalURL   string
}

// showSignIn handles "GET /sign-in".
func (s *Server) showSignIn(w http.ResponseWriter, r *http.Request, v visitor) error {
	return s.showClerkForm(w, r, v, signInView{Heading: "Sign in", Component: "sign-in", Mount: "mountSignIn"})
}

// showSignUp handles "GET /sign-up".
func (s *Server) showSignUp(w http.ResponseWriter, r *http.Request, v visitor) error {
	return s.showClerkForm(w, r, v, signInView{Heading: "Join", Component: "sign-up", Mount: "mountSignUp"})
}

func (s *Server) showClerkForm(w http.ResponseWriter, r *http.Request, v visitor, view signInView) error {
	target := localPath(r.URL.Query().Get("redirect_url"))
	switch {
	case v.signedIn():
		http.Redirect(w, r, target, http.StatusSeeOther)
		return nil
	case v.refused: // Clerk's form would send them straight back
		return errRefused
	case v.unverified:
		return errUnverified
	}
	view.RedirectURL = target
	view.PortalURL = s.auth.SignInURL(s.auth.Origin(r) + target)
	p := page{Title: view.Heading, Main: view}
	s.useClerk(w, &p, true)
	return s.page(w, r, http.StatusOK, "sign-in", p)
}

// signOut handles "POST /sign-out": it ends the session at Clerk and takes its
// cookies from the browser, with or without JavaScript.
func (s *Server) signOut(w http.ResponseWriter, r *http.Request, v visitor) error {
	s.forgetSession(w, r)
	switch {
	case v.unverified:
		s.fail(w, withVisitor(r, visitor{}), errHalfSignedOut)
		return nil
	case v.sessionID == "":
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return nil
	}
	if err := s.clerkAPI.RevokeSession(r.Context(), v.sessionID); err != nil {
		s.fail(w, withVisitor(r, visitor{}), fmt.Errorf("end session at Clerk: %w: %w", errHalfSignedOut, err))
		return nil
	}
	s.publish(change{kind: rightsChanged, who: v.sessionID})
	s.leaveNotice(w, r, notice{Text: "You are signed out."})
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

// forgetSession takes the session from the browser that asks.
func (s *Server) forgetSession(w http.ResponseWriter, r *http.Request) {
	for _, cookie := range s.auth.SignOutCookies(r) {
		http.SetCookie(w, cookie)
	}
	w.Header().Set("Clear-Site-Data", `"storage"`)
}

// accountView is what account.html shows.
type accountView struct {
	Name     string
	Email    string
	Username string
	Role     string
}

var roleNames = map[string]string{db.RoleMember: "Member", db.RoleModerator: "Moderator", db.RoleAdmin: "Administrator"}

func newAccountView(user db.User) accountView {
	view := accountView{Name: displayName(user.Name, user.Username), Role: roleNames[user.Role]}
	if user.Email != nil {
		view.Email = *user.Email
	}
	if user.Username != nil {
		view.Username = *user.Username
	}
	return view
}

// showAccount handles "GET /account".
func (s *Server) showAccount(w http.ResponseWriter, r *http.Request, user db.User) error {
	p := page{Title: "Your account", Main: newAccountView(user)}
	s.useClerk(w, &p, true)
	return s.page(w, r, http.StatusOK, "account", p)
}

// refreshTimeout is how long somebody waits for what Clerk says of them.
const refreshTimeout = 3 * time.Second

// refreshAccount handles "POST /account": it asks Clerk who the user is now. The
// webhook that says so may come later, or there may be none.
func (s *Server) refreshAccount(w http.ResponseWriter, r *http.Request, user db.User) error {
	user, err := s.refreshUser(r.Context(), user)
	if err != nil {
		return fmt.Errorf("refresh account: %w", err)
	}
	if !user.Active() {
		return errRefused
	}
	const said = "This is what Clerk says now."
	if !wantsFragment(r) {
		s.leaveNotice(w, r, notice{Text: said})
		http.Redirect(w, r, "/account", http.StatusSeeOther)
		return nil
	}
	return s.fragment(w, http.StatusOK, part{"account", newAccountView(user)}, part{"menu-changed", newCurrentUser(user)}, part{"status", said})
}

// refreshUser stores and returns a user as Clerk tells of them now. While it is
// asked about them already they are as they were.
func (s *Server) refreshUser(ctx context.Context, user db.User) (db.User, error) {
	if _, underWay := s.refreshing.LoadOrStore(user.ID, true); underWay {
		return user, nil
	}
	defer s.refreshing.Delete(user.ID)
	ctx, cancel := context.WithTimeout(ctx, refreshTimeout)
	defer cancel()
	var data db.UserData
	err := s.clerkAPI.Patiently(ctx, func() (err error) {
		data, err = s.askClerk(ctx, user.ClerkID)
		return err
	})
	switch {
	case errors.Is(err, clerk.ErrUserNotFound): // the webhook is yet to come
		return user, errRefused
	case errors.Is(err, clerk.ErrUserUnusable):
		return user, fmt.Errorf("%w: %w", errUnusableAccount, err)
	case err != nil:
		return user, fmt.Errorf("%w: %w", errNotRefreshed, err)
	}
	err = s.publishingUsers(ctx, []string{user.ClerkID}, func() (err error) {
		user, err = s.db.SaveUser(ctx, data)
		return err
	})
	return user, err
}

// signedInPath is where a tab goes to sign in or to renew the session for
// another one.
const signedInPath = "/signed-in"

// showSignedIn handles "GET /signed-in".
func (s *Server) showSignedIn(w http.ResponseWriter, r *http.Request, user db.User) error {
	return s.page(w, r, http.StatusOK, "signed-in", page{Title: "You are signed in", Main: displayName(user.Name, user.Username)})
}
