package handlers

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/gorilla/sessions"
)

// A notice is a sentence above the page, with something to do about it.
type notice struct {
	Text     string
	Problem  bool
	Undo     undoForm
	LinkURL  string
	LinkText string
	NewTab   bool
	SignOut  bool // all that is left to do
}

// undoForm takes back what was done.
type undoForm struct {
	URL       string // "": that cannot be
	Quote, By string // the quote that it brings back; "": something else
}

// preferences are what the app's own cookie holds: how somebody likes to read,
// and the notice for their next page. Nothing says who they are but the undo in
// that, which leads to their post or profile and may hold their quote.
type preferences struct {
	Theme       string // light, dark or "" for the system's
	PageSize    int    // one of pageSizes
	GuideSeen   bool   // the guide of a trial copy is not wanted any more
	NoShortcuts bool   // single keys do nothing
	Notice      notice // only Text and Undo are kept
}

// pageSizes are how many posts a page of a list may have.
var pageSizes = []int{10, pageSize, 50, 100}

// A shortcut is a key that does something by itself, and what that is.
type shortcut struct{ Key, Does string }

// allShortcuts are what the script knows.
var allShortcuts = []shortcut{
	{"j", "Next in the list"},
	{"k", "Previous in the list"},
	{"Enter", "Open it"},
	{"n", "Write a new post"},
	{"/", "Search"},
	{"?", "Show these keys"},
	{"Esc", "Close what is open"},
}

// shortcuts returns the keys that do something, none for who has switched them
// off: they get in the way of some who speak to their computer.
func (p preferences) shortcuts() []shortcut {
	if p.NoShortcuts {
		return nil
	}
	return allShortcuts
}

// pageSizeFor returns how many posts a page of a list has for who asks.
func (s *Server) pageSizeFor(r *http.Request) int { return s.preferences(r).PageSize }

// cookieLife is how long the app's own cookie is kept.
const cookieLife = 365 * 24 * 60 * 60 // seconds

func newCookieStore(keys [][]byte) *sessions.CookieStore {
	store := sessions.NewCookieStore(keys...)
	store.MaxAge(cookieLife)
	return store
}

// cookieName has the prefix that makes browsers insist on HTTPS, where it is
// spoken.
func (s *Server) cookieName(r *http.Request) string {
	if s.isHTTPS(r) {
		return "__Host-inkwell"
	}
	return "inkwell"
}

// preferences reads the app's own cookie. One that is missing, altered or
// signed with a forgotten key is an empty one.
func (s *Server) preferences(r *http.Request) preferences {
	p := preferences{PageSize: pageSize}
	if _, err := r.Cookie(s.cookieName(r)); err != nil {
		return p
	}
	session, _ := s.cookies.New(r, s.cookieName(r))
	p.Theme, _ = session.Values["theme"].(string)
	if size, _ := session.Values["page_size"].(int); slices.Contains(pageSizes, size) {
		p.PageSize = size
	}
	p.GuideSeen, _ = session.Values["guide_seen"].(bool)
	p.NoShortcuts, _ = session.Values["no_shortcuts"].(bool)
	p.Notice.Text, _ = session.Values["notice"].(string)
	p.Notice.Undo.URL, _ = session.Values["undo"].(string)
	p.Notice.Undo.Quote, _ = session.Values["undo_quote"].(string)
	p.Notice.Undo.By, _ = session.Values["undo_quote_by"].(string)
	return p
}

// savePreferences writes the app's own cookie. Without it the visitor loses a
// notice or a colour, which is no reason to fail.
func (s *Server) savePreferences(w http.ResponseWriter, r *http.Request, p preferences) {
	session := sessions.NewSession(s.cookies, s.cookieName(r))
	session.Options = &sessions.Options{Path: "/", MaxAge: cookieLife, HttpOnly: true, Secure: s.isHTTPS(r), SameSite: http.SameSiteLaxMode}
	if p.Theme != "" {
		session.Values["theme"] = p.Theme
	}
	if p.PageSize != pageSize {
		session.Values["page_size"] = p.PageSize
	}
	if p.GuideSeen {
		session.Values["guide_seen"] = true
	}
	if p.NoShortcuts {
		session.Values["no_shortcuts"] = true
	}
	if p.Notice.Text != "" {
		session.Values["notice"] = p.Notice.Text
		session.Values["undo"] = p.Notice.Undo.URL
	}
	if p.Notice.Undo.Quote != "" {
		session.Values["undo_quote"], session.Values["undo_quote_by"] = p.Notice.Undo.Quote, p.Notice.Undo.By
	}
	if len(session.Values) == 0 {
		session.Options.MaxAge = -1
	}
	if err := session.Save(r, w); err != nil {
		s.log.Warn("cannot write the cookie", "id", requestID(r), "error", err)
	}
}

// leaveNotice puts a notice on the visitor's next page.
func (s *Server) leaveNotice(w http.ResponseWriter, r *http.Request, n notice) {
	p := s.preferences(r)
	p.Notice = n
	s.savePreferences(w, r, p)
}

// updatePreferences handles "POST /preferences": the colours of the pages, or
// that the guide has been seen.
func (s *Server) updatePreferences(w http.ResponseWriter, r *http.Request, _ visitor) error {
	form, err := readForm(r)
	if err != nil {
		return err
	}
	p := s.preferences(r)
	if form.Get("guide") == "off" {
		p.GuideSeen = true
	} else if p.Theme, err = readTheme(form.Get("theme")); err != nil {
		return err
	}
	s.savePreferences(w, r, p)
	http.Redirect(w, r, localPath(form.Get("return_to")), http.StatusSeeOther)
	return nil
}

// readTheme returns the theme that a form names.
func readTheme(name string) (string, error) {
	switch name {
	case "system":
		return "", nil
	case "light", "dark":
		return name, nil
	}
	return "", &userError{http.StatusUnprocessableEntity, fmt.Sprintf("The colours are system, light or dark, not %q.", clip(name, 20))}
}
