package handlers

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"inkwell/db"
)

// A page is what layout.html shows.
type page struct {
	Title       string
	Description string
	Address     string       // path of a page for everybody; "": search engines leave it out
	Canonical   string       // Address with the site's origin
	Published   string       // when what it shows was published; "": it is no post
	Feed        *feedLink    // of the posts of one author; nil: none
	Path        string       // of this page, to come back to
	Theme       string       // light, dark or "" for the system's
	Shortcuts   []shortcut   // none: single keys do nothing
	CurrentUser *currentUser // nil: signed out
	SignInURL   string
	SignUpURL   string
	Notices     []notice
	Clerk       *clerkScripts // nil: the reader cannot be signed in
	Live        bool          // it has, or can come to have, parts that change by themselves
	Main        any
}

// feedLink leads a reader's program to a feed.
type feedLink struct{ Title, URL string }

// clerkScripts are the scripts of Clerk's that a page loads.
type clerkScripts struct {
	PublishableKey string
	ProxyURL       string
	ScriptURL      string
	UIScriptURL    string // "": no component of Clerk's is on the page
	Nonce          string // for the styles of Clerk's components
}

const siteDescription = "A place to write and read posts."

// isAPI reports whether the answer is for a program and not for a browser.
func isAPI(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/api/") }

// isHTMX reports whether htmx asks, so that a redirect to another site is of
// no use.
func isHTMX(r *http.Request) bool { return r.Header.Get("HX-Request") == "true" }

// wantsFragment reports whether htmx asks for a part of the page.
func wantsFragment(r *http.Request) bool {
	return isHTMX(r) && r.Header.Get("HX-Request-Type") == "partial"
}

// pageURL is the address of the page from which htmx asks; it is empty when htmx
// does not say it.
func pageURL(r *http.Request) *url.URL {
	u, err := url.Parse(r.Header.Get("HX-Current-URL"))
	if err != nil {
		return &url.URL{}
	}
	return u
}

// render answers with the partial of the given name, alone for htmx and in the
// page of the same name for a plain browser.
func (s *Server) render(w http.ResponseWriter, r *http.Request, status int, name, title string, view any) error {
	if wantsFragment(r) {
		return s.fragment(w, status, part{name, view})
	}
	return s.page(w, r, status, name, page{Title: title, Main: view})
}

// A part of a fragment is a partial with its data.
type part struct {
	name string
	view any
}

// fragment answers with partials alone.
func (s *Server) fragment(w http.ResponseWriter, status int, parts ...part) error {
	b := s.buffer()
	defer s.buffers.Put(b)
	if err := s.renderParts(b, parts...); err != nil {
		return err
	}
	return write(w, status, "text/html; charset=utf-8", b.Bytes())
}

func (s *Server) renderParts(w io.Writer, parts ...part) error {
	for _, p := range parts {
		if err := s.pages.Partial(w, p.name, p.view); err != nil {
			return fmt.Errorf("render %s: %w", p.name, err)
		}
	}
	return nil
}

// page answers with a whole document. It fills in what surrounds p.Main.
func (s *Server) page(w http.ResponseWriter, r *http.Request, status int, name string, p page) error {
	s.surround(w, r, &p)
	p.Live = slices.Contains(livePages, name)
	if status == http.StatusOK && asking(r).unverified {
		p.Notices = append(p.Notices, notice{Text: "Clerk cannot be reached, so that we cannot tell who you are. You see this page as a guest does.", Problem: true})
	}
	b := s.buffer()
	defer s.buffers.Put(b)
	if err := s.pages.Page(b, name, p); err != nil {
		return fmt.Errorf("render page %s: %w", name, err)
	}
	if status == http.StatusOK && isAnonymous(r) && w.Header().Get("Set-Cookie") == "" {
		writeKept(w, r, b.Bytes())
		return nil
	}
	return write(w, status, "text/html; charset=utf-8", b.Bytes())
}

// writeKept sends a page that is the same for everybody. A browser may keep it,
// and is told in a few bytes when it asks for the same again.
func writeKept(w http.ResponseWriter, r *http.Request, body []byte) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-cache")
	h.Set("ETag", fmt.Sprintf(`W/"%x"`, sha256.Sum256(body))) // weak: it may be sent compressed
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

// isAnonymous reports whether nothing in a request tells its sender from
// others, so that the answer may be kept.
func isAnonymous(r *http.Request) bool {
	return r.Header.Get("Cookie") == "" && r.Header.Get("Authorization") == "" && r.Method != http.MethodPost
}

// buffer returns an empty buffer. An answer is rendered whole before its first
// byte is sent, so that a broken template breaks no page in the middle.
func (s *Server) buffer() *bytes.Buffer {
	b, ok := s.buffers.Get().(*bytes.Buffer)
	if !ok {
		return new(bytes.Buffer)
	}
	b.Reset()
	return b
}

// surround fills in what every page shows around its own part: who is asking,
// notices, colours and Clerk's script for those who may be signed in.
func (s *Server) surround(w http.ResponseWriter, r *http.Request, p *page) {
	v := asking(r)
	if p.Description == "" {
		p.Description = siteDescription
	}
	if p.Address != "" {
		p.Canonical = s.auth.Origin(r) + p.Address
	}
	p.Path = "/"
	if r.Method == http.MethodGet {
		p.Path = returnPath(r)
	}
	p.SignInURL, p.SignUpURL = "/sign-in", "/sign-up"
	if p.Path != "/" && !strings.HasPrefix(p.Path, "/sign-") {
		p.SignInURL, p.SignUpURL = signInURL(p.Path), signUpURL(p.Path)
	}
	prefs := s.preferences(r)
	p.Theme, p.Shortcuts = prefs.Theme, prefs.shortcuts()
	if prefs.Notice.Text != "" {
		p.Notices = append(p.Notices, prefs.Notice)
		prefs.Notice = notice{}
		s.savePreferences(w, r, prefs)
	}
	if v.signedIn() {
		p.CurrentUser = newCurrentUser(v.user)
		s.useClerk(w, p, false)
	}
}

// useClerk makes a page load ClerkJS, with its components when ui is set.
func (s *Server) useClerk(w http.ResponseWriter, p *page, ui bool) {
	if p.Clerk != nil {
		return
	}
	f := s.auth.Frontend()
	p.Clerk = &clerkScripts{PublishableKey: f.PublishableKey, ProxyURL: f.ProxyURL, ScriptURL: f.ScriptURL}
	policy := s.policies.clerk
	if ui {
		p.Clerk.UIScriptURL = f.UIScriptURL
		p.Clerk.Nonce = rand.Text()
		policy = strings.ReplaceAll(s.policies.ui, "%NONCE%", p.Clerk.Nonce)
	}
	w.Header().Set("Content-Security-Policy", policy)
}

// mustGiveBack reports whether a form that met an error has to be answered with
// what was typed into it, because a page without JavaScript would lose that. Then
// the answer is a 503, and the error is in the log.
func (s *Server) mustGiveBack(w http.ResponseWriter, r *http.Request, err error) bool {
	if wantsFragment(r) || !db.IsUnavailable(err) {
		return false
	}
	s.log.Error("cannot save a form", "id", requestID(r), "path", r.URL.Path, "error", err)
	w.Header().Set("Retry-After", retryAfter)
	return true
}

// writeJSON answers with v as JSON of the given type.
func writeJSON(w http.ResponseWriter, status int, contentType string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	return write(w, status, contentType, append(b, '\n'))
}

// write sends a whole answer. That the client has gone is no error of ours.
func write(w http.ResponseWriter, status int, contentType string, body []byte) error {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	w.Write(body)
	return nil
}

// pathID returns the number in a path such as /posts/{id}. What is no number
// is the id of nothing.
func pathID(r *http.Request) (int64, error) { return parseID(r.PathValue("id")) }

func parseID(text string) (int64, error) {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id < 1 || strconv.FormatInt(id, 10) != text { // one post, one address
		return 0, errNotFound
	}
	return id, nil
}
