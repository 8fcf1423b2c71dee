package emulator

import (
	"bytes"
	"cmp"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"inkwell/clerk"
)

//go:embed portal
var pages embed.FS

// maxName bounds a first or last name, in characters.
const maxName = 100

// portalRoutes adds the pages, which stand in for Clerk's Account Portal and
// need no JavaScript.
func (e *Emulator) portalRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+Prefix+"/style.css", func(w http.ResponseWriter, r *http.Request) { serveFile(w, r, pages, "portal/style.css") })
	mux.HandleFunc("GET "+Prefix+"/sign-in", e.showSignIn)
	mux.HandleFunc("POST "+Prefix+"/sign-in", e.enterPortal)
	mux.HandleFunc("GET "+Prefix+"/sign-up", e.showSignIn)
	mux.HandleFunc("POST "+Prefix+"/sign-up", e.enterPortal)
	mux.HandleFunc("GET "+Prefix+"/user", e.showUser)
	mux.HandleFunc("POST "+Prefix+"/user", e.renameUser)
	mux.HandleFunc("POST "+Prefix+"/user/sign-out", e.leavePortal)
	mux.HandleFunc("POST "+Prefix+"/user/delete", e.deleteOwnUser)
}

// signInView is what the sign-in page shows.
type signInView struct {
	Title      string
	Back       string // where to go afterwards, within the program
	Ready      []readyUser
	Current    string // who is signed in already; empty when nobody is
	Continue   string // Back, for them
	Identifier string // as typed
	Problem    string // a sentence about it
}

// showSignIn handles "GET /__clerk/sign-in" and ".../sign-up", which are one
// page: whoever is not known yet is signed up.
func (e *Emulator) showSignIn(w http.ResponseWriter, r *http.Request) {
	e.renderSignIn(w, r, http.StatusOK, "")
}

func (e *Emulator) renderSignIn(w http.ResponseWriter, r *http.Request, status int, problem string) {
	browser, back := e.browserOf(r), goBack(r)
	view := signInView{Title: "Sign in", Back: back.String(), Ready: e.readyUsers(), Identifier: r.FormValue("identifier"), Problem: problem}
	if _, u, ok := e.signedIn(browser); ok {
		view.Current, view.Continue = calledName(u), withQuery(back, clerk.DevBrowserCookie, browser)
	}
	render(w, status, "sign-in.html", view)
}

// enterPortal handles "POST /__clerk/sign-in" and ".../sign-up". It sends the
// browser back with its development browser in the query, as Clerk's portal
// does: the program then fetches the session by a handshake.
func (e *Emulator) enterPortal(w http.ResponseWriter, r *http.Request) {
	if !parsed(w, r) {
		return
	}
	browser := cmp.Or(e.browserOf(r), newBrowser())
	_, err := e.signInOrUp(browser, r.PostForm.Get("identifier"))
	if f, ok := errors.AsType[*failure](err); ok {
		e.renderSignIn(w, r, f.status, f.message)
		return
	}
	done(w, r, withQuery(goBack(r), clerk.DevBrowserCookie, browser), err)
}

// userView is what the account page shows.
type userView struct {
	Title, Name, Email, Role string
	FirstName, LastName      string // as typed
	Saved                    bool
	Problem                  string
}

func newUserView(u clerk.User) userView {
	return userView{
		Title: "Your account", Name: calledName(u), Email: text(u.Email), Role: roleName(u.Role),
		FirstName: text(u.FirstName), LastName: text(u.LastName),
	}
}

// showUser handles "GET /__clerk/user".
func (e *Emulator) showUser(w http.ResponseWriter, r *http.Request) {
	if _, u, ok := e.portalUser(w, r); ok {
		view := newUserView(u)
		view.Saved = r.URL.Query().Has("saved")
		render(w, http.StatusOK, "user.html", view)
	}
}

// renameUser handles "POST /__clerk/user". An empty name is none.
func (e *Emulator) renameUser(w http.ResponseWriter, r *http.Request) {
	_, u, ok := e.portalUser(w, r)
	if !ok || !parsed(w, r) {
		return
	}
	first, last := strings.TrimSpace(r.PostForm.Get("first_name")), strings.TrimSpace(r.PostForm.Get("last_name"))
	if !isName(first) || !isName(last) {
		view := newUserView(u)
		view.FirstName, view.LastName = first, last
		view.Problem = fmt.Sprintf("A name is one line of at most %d characters.", maxName)
		render(w, http.StatusUnprocessableEntity, "user.html", view)
		return
	}
	_, err := e.UpdateUser(u.ID, func(u *clerk.User) { u.FirstName, u.LastName = optional(first), optional(last) })
	done(w, r, Prefix+"/user?saved", err)
}

// leavePortal handles "POST /__clerk/user/sign-out".
func (e *Emulator) leavePortal(w http.ResponseWriter, r *http.Request) {
	if !parsed(w, r) {
		return
	}
	browser := cmp.Or(e.browserOf(r), newBrowser())
	done(w, r, withQuery(goBack(r), clerk.DevBrowserCookie, browser), e.signOut(browser))
}

// deleteOwnUser handles "POST /__clerk/user/delete".
func (e *Emulator) deleteOwnUser(w http.ResponseWriter, r *http.Request) {
	browser, u, ok := e.portalUser(w, r)
	if ok && parsed(w, r) {
		done(w, r, withQuery(goBack(r), clerk.DevBrowserCookie, browser), e.DeleteUser(u.ID))
	}
}

// portalUser returns who is signed in, or sends the browser to sign in first.
func (e *Emulator) portalUser(w http.ResponseWriter, r *http.Request) (browser string, u clerk.User, ok bool) {
	browser = e.browserOf(r)
	if _, u, ok = e.signedIn(browser); !ok {
		http.Redirect(w, r, Prefix+"/sign-in?redirect_url="+url.QueryEscape(Prefix+"/user"), http.StatusSeeOther)
	}
	return browser, u, ok
}

// goBack returns where the request asks to be sent afterwards: to a page of
// this origin, else to the start page.
func goBack(r *http.Request) *url.URL {
	origin := originOf(r)
	back, ok := within(origin, r.FormValue("redirect_url"))
	if !ok {
		back, _ = within(origin, "/")
	}
	return back
}

// done redirects after a form, unless err says that it was in vain.
func done(w http.ResponseWriter, r *http.Request, target string, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	http.Redirect(w, r, target, http.StatusSeeOther)
}

// parsed reads the request's form; when it cannot, it answers and is false.
func parsed(w http.ResponseWriter, r *http.Request) bool {
	if err := r.ParseForm(); err != nil {
		f := unreadable(err)
		http.Error(w, f.message, f.status)
		return false
	}
	return true
}

func isName(s string) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= maxName && !strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c == 0x7f })
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// calledName is never empty.
func calledName(u clerk.User) string { return cmp.Or(u.Name, text(u.Email), u.ID) }

func render(w http.ResponseWriter, status int, name string, view any) {
	set := template.Must(template.ParseFS(pages, "portal/layout.html", "portal/"+name))
	var page bytes.Buffer
	if err := set.ExecuteTemplate(&page, "layout.html", view); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	page.WriteTo(w)
}
