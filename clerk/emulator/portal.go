package emulator

import (
	"bytes"
	"cmp"
	"embed"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"inkwell/clerk"
)

//go:embed portal
var pages embed.FS

// portalRoutes adds the pages, which stand in for Clerk's Account Portal and
// need no JavaScript.
func (e *Emulator) portalRoutes(mux *http.ServeMux) {
	mux.Handle("GET "+Prefix+"/{$}", http.RedirectHandler(Prefix+"/sign-in", http.StatusSeeOther))
	mux.Handle("GET "+Prefix, http.RedirectHandler(Prefix+"/sign-in", http.StatusSeeOther))
	mux.HandleFunc("GET "+Prefix+"/style.css", func(w http.ResponseWriter, r *http.Request) { serveFile(w, r, pages, "portal/style.css") })
	mux.HandleFunc("GET "+picturePath, func(w http.ResponseWriter, r *http.Request) { serveFile(w, r, pages, "portal/picture.svg") })
	mux.HandleFunc("GET "+Prefix+"/sign-in", e.showEntrance)
	mux.HandleFunc("POST "+Prefix+"/sign-in", e.enterPortal)
	mux.HandleFunc("GET "+Prefix+"/sign-up", e.showEntrance)
	mux.HandleFunc("POST "+Prefix+"/sign-up", e.enterPortal)
	mux.HandleFunc("GET "+Prefix+"/user", e.showUser)
	mux.HandleFunc("POST "+Prefix+"/user", e.renameUser)
	mux.HandleFunc("POST "+Prefix+"/user/sign-out", e.leavePortal)
	mux.HandleFunc("POST "+Prefix+"/user/delete", e.deleteOwnUser)
}

// A readyUser is somebody whom a page offers to sign in as.
type readyUser struct {
	ID, Name, Role string
}

// readyUsers returns the users that are there from the start and still can sign
// in, the ordinary ones first.
func (e *Emulator) readyUsers() []readyUser {
	var list []readyUser
	for id, a := range e.state.Load().Users {
		if strings.HasPrefix(id, readyPrefix) && !a.Banned && !a.Locked && !a.Deprovisioned {
			list = append(list, readyUser{ID: id, Name: calledName(a.User), Role: roleName(a.Role)})
		}
	}
	rank := func(u readyUser) int { return slices.Index([]string{"member", "moderator", "administrator"}, u.Role) }
	slices.SortFunc(list, func(a, b readyUser) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.ID, b.ID))
	})
	return list
}

func roleName(role string) string {
	if role == "admin" {
		return "administrator"
	}
	return role
}

// listReadyUsers handles "GET /__clerk/ready-users.json", which Clerk does not
// have: what the stand-in for its sign-in component shows.
func (e *Emulator) listReadyUsers(*http.Request) (any, error) {
	list := []any{}
	for _, u := range e.readyUsers() {
		list = append(list, dict{"ticket": u.ID, "name": u.Name, "role": u.Role})
	}
	return list, nil
}

// entranceView is what the sign-in page shows, and the sign-up page.
type entranceView struct {
	Title, Action  string
	Back           string // where to go afterwards, within the program
	Ready          []readyUser
	Current        string // who is signed in already; empty when nobody is
	Continue       string // Back, for them
	Identifier     string // as typed
	Problem        string // a sentence about it
	Password, Code string // those of ClerkJS's own form
}

// showEntrance handles "GET /__clerk/sign-in" and ".../sign-up", which differ in
// their title alone: whoever is not known yet is signed up.
func (e *Emulator) showEntrance(w http.ResponseWriter, r *http.Request) {
	e.renderEntrance(w, r, http.StatusOK, "")
}

func (e *Emulator) renderEntrance(w http.ResponseWriter, r *http.Request, status int, problem string) {
	browser, back := e.greeter.browserOf(r), goBack(r)
	view := entranceView{
		Title: "Sign in", Action: r.URL.Path, Back: back.String(), Ready: e.readyUsers(),
		Identifier: r.FormValue("identifier"), Problem: problem, Password: ReadyPassword, Code: Code,
	}
	if r.URL.Path == Prefix+"/sign-up" {
		view.Title = "Sign up"
	}
	if _, a, ok := e.signedIn(browser); ok {
		view.Current, view.Continue = calledName(a.User), e.greeter.leadBack(back, browser)
	}
	render(w, status, "sign-in.html", view)
}

// enterPortal handles "POST /__clerk/sign-in" and ".../sign-up" with an
// identifier. It sends the browser back as Clerk's portal does: the
// program then fetches the session by a handshake.
func (e *Emulator) enterPortal(w http.ResponseWriter, r *http.Request) {
	if !parsed(w, r) {
		return
	}
	browser, _, err := e.signIn(cmp.Or(e.greeter.browserOf(r), newBrowser()), holderOf(r.PostForm.Get("identifier"), true))
	if f, ok := errors.AsType[*failure](err); ok {
		e.renderEntrance(w, r, f.status, f.message)
		return
	}
	e.leave(w, r, browser, err)
}

// leave sends the browser back to the program, unless err says that it was in
// vain.
func (e *Emulator) leave(w http.ResponseWriter, r *http.Request, browser string, err error) {
	e.greeter.tell(w.Header(), r, browser, e.since(browser))
	e.done(w, r, e.greeter.leadBack(goBack(r), browser), err)
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
	_, err := e.updateUser(u.ID, func(_ *state, a *account) error { return a.applyNames(r.PostForm) })
	if f, ok := errors.AsType[*failure](err); ok {
		view := newUserView(u)
		view.FirstName, view.LastName, view.Problem = r.PostForm.Get("first_name"), r.PostForm.Get("last_name"), f.message
		render(w, f.status, "user.html", view)
		return
	}
	e.done(w, r, Prefix+"/user?saved", err)
}

// leavePortal handles "POST /__clerk/user/sign-out".
func (e *Emulator) leavePortal(w http.ResponseWriter, r *http.Request) {
	if !parsed(w, r) {
		return
	}
	browser := cmp.Or(e.greeter.browserOf(r), newBrowser())
	e.leave(w, r, browser, e.signOut(browser, sessionEnded))
}

// deleteOwnUser handles "POST /__clerk/user/delete".
func (e *Emulator) deleteOwnUser(w http.ResponseWriter, r *http.Request) {
	browser, u, ok := e.portalUser(w, r)
	if ok && parsed(w, r) {
		e.leave(w, r, browser, e.DeleteUser(u.ID))
	}
}

// portalUser returns who is signed in, or sends the browser to sign in first.
func (e *Emulator) portalUser(w http.ResponseWriter, r *http.Request) (browser string, u clerk.User, ok bool) {
	browser = e.greeter.browserOf(r)
	_, a, ok := e.signedIn(browser)
	if !ok {
		http.Redirect(w, r, Prefix+"/sign-in?redirect_url="+url.QueryEscape(Prefix+"/user"), http.StatusSeeOther)
	}
	return browser, a.User, ok
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
func (e *Emulator) done(w http.ResponseWriter, r *http.Request, target string, err error) {
	if err != nil {
		e.log.Error("the development instance failed", "error", err)
		http.Error(w, notKept, http.StatusInternalServerError)
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
