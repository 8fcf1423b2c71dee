package handlers

import (
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/html"

	"inkwell/clerk/emulator"
)

// TestMain fails a run of all tests in which a route did nothing, or a template
// was not shown.
func TestMain(m *testing.M) {
	code := m.Run()
	if code == 0 && everythingRan() {
		for _, name := range seen.missing() {
			fmt.Printf("no test shows or uses %s\n", name)
			code = 1
		}
	}
	os.Exit(code)
}

// everythingRan reports whether the command line asked for all tests.
func everythingRan() bool {
	return !slices.ContainsFunc([]string{"run", "skip", "list", "fuzz"}, func(name string) bool {
		return flag.Lookup("test."+name).Value.String() != ""
	})
}

// An inventory is what there is to test, and what was seen of it. It is safe
// for concurrent use.
type inventory struct {
	mu     sync.Mutex
	router *http.ServeMux // knows which route a request takes; nil: no site was made
	open   map[string]bool
}

// seen collects over all tests of a run.
var seen inventory

// landmarks tell by a piece of an answer that a template was shown.
var landmarks = map[string]string{
	"page account":             `<dl class="facts">`,
	"page admin-data":          `class="data tables"`,
	"page admin-row":           `<p class="back"><a href="/admin/data">All tables</a> <a`,
	"page admin-table":         `<p class="back"><a href="/admin/data">All tables</a></p>`,
	"page admin-webhooks":      `<form id="event-search"`,
	"page api":                 `<div class="api-intro"`,
	"page bio-form":            "<h1>Your bio</h1>",
	"page delete-account":      `id="delete-form"`,
	"page drafts":              `<div id="drafts"`,
	"page error":               `<ul class="links">`,
	"page expired":             `<h1>Your session ran out</h1>`,
	"page feed":                `<div id="feed"`,
	"page people":              `<form id="people-search"`,
	"page post":                `<main id="main" tabindex="-1">` + "\n" + `<article`,
	"page post-form":           `<form id="post-form"`,
	"page profile":             `class="profile-head"`,
	"page quote-form":          "<h1>Your quote</h1>",
	"page search":              `<form id="search-form"`,
	"page settings":            `id="settings"`,
	"page sign-in":             `data-clerk-component="sign-`,
	"page signed-in":           `<h1>You are signed in</h1>`,
	"partial account":          `<div id="account"`,
	"partial alert":            `<hx-partial hx-target="#alerts"`,
	"partial api-fields":       `<dl class="api-fields"`,
	"partial api-operation":    `<details class="api-operation"`,
	"partial api-type":         `<a href="#object-Post">`,
	"partial avatar":           `class="avatar`,
	"partial bio":              `<section id="bio"`,
	"partial bio-form":         `<form id="bio"`,
	"partial byline":           `class="byline"`,
	"partial detail":           `<details class="detail">`,
	"partial admin-nav":        `<nav class="admin-nav"`,
	"partial data-cell":        `<bdi>NULL</bdi>`,
	"partial data-field":       `<p class="field-name">`,
	"partial data-form":        `id="row-form"`,
	"partial data-more":        `hx-target="#data-body"`,
	"partial data-row":         `class="data-row"`,
	"partial data-rows":        `<section id="data-rows"`,
	"partial data-schema":      `<details class="data-schema"`,
	"partial event":            `class="event"`,
	"partial events":           `<table class="events"`,
	"partial events-more":      `hx-target="#event-rows"`,
	"partial item-changed":     `<hx-partial hx-target=".post-item#post-`,
	"partial live":             `hx-sse:connect="`,
	"partial found":            `class="found-count"`,
	"partial found-post":       `class="post-item found-post"`,
	"partial found-posts":      `<article id="found-`,
	"partial marked":           `<mark>`,
	"partial menu":             `<details id="menu"`,
	"partial menu-changed":     `hx-target="#menu"`,
	"partial more":             `id="load-more"`,
	"partial news":             `<hx-partial hx-target="#news" hx-swap="innerHTML"`,
	"partial news-lost":        `<hx-partial hx-target="#news" hx-swap="outerHTML"`,
	"partial notice":           `<div class="notice`,
	"partial overview":         `<div id="overview"`,
	"partial overview-changed": `hx-target="#overview"`,
	"partial poll":             `<section id="poll-`,
	"partial poll-body":        `<h2 id="question-`,
	"partial poll-changed":     `hx-swap="innerMorph"><h2 id="question-`,
	"partial poll-form":        `class="poll-form"`,
	"partial poll-option":      `class="option"`,
	"partial people":           `class="people"`,
	"partial people-part":      `<article id="person-`,
	"partial person":           `class="person"`,
	"partial post":             `class="post">`,
	"partial post-actions":     `class="actions"`,
	"partial post-changed":     `<hx-partial hx-target=".post#post-`,
	"partial post-created":     `hx-swap="afterbegin"`,
	"partial post-deleted":     `class="post-deleted"`,
	"partial post-form":        `-rendering" class="rendering"`,
	"partial post-gone":        `post-gone">`,
	"partial post-item":        `class="post-item"`,
	"partial posts":            `<p id="more"`,
	"partial posts-above":      `<hx-partial hx-target="#live"`,
	"partial preview":          `class="preview"`,
	"partial quote":            `<section id="quote"`,
	"partial quote-form":       `<form id="quote"`,
	"partial status":           `<hx-partial hx-target="#status"`,
	"partial sync":             `<section id="sync"`,
	"partial title":            `· Inkwell</title>`,
}

// add takes an answer into account, and returns the pattern of its route. A
// refusal exercises no route.
func (i *inventory) add(s *Server, r *http.Request, status int, body string) (pattern string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.router == nil {
		i.list(s)
	}
	_, pattern = i.router.Handler(r)
	if status < http.StatusBadRequest && status != http.StatusTemporaryRedirect { // a handshake is no answer of the route
		delete(i.open, "route "+pattern)
		delete(i.open, fmt.Sprint("answer ", answerKind{pattern, fmt.Sprint(status)}))
	}
	for name := range i.open {
		if mark := landmarks[name]; mark != "" && strings.Contains(body, mark) {
			delete(i.open, name)
		}
	}
	return pattern
}

// list makes the list of all there is.
func (i *inventory) list(s *Server) {
	i.router, i.open = http.NewServeMux(), map[string]bool{}
	for _, route := range s.routes() {
		i.router.Handle(route.pattern, http.NotFoundHandler())
		i.open["route "+route.pattern] = true
	}
	for _, kind := range successes() {
		i.open[fmt.Sprint("answer ", kind)] = true
	}
	for _, name := range s.pages.Pages() {
		i.open["page "+name] = true
	}
	for _, name := range s.pages.Partials() {
		i.open["partial "+name] = true
	}
}

// missing returns what was not seen, sorted.
func (i *inventory) missing() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	var names []string
	for name := range i.open {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// inspect makes sure of what holds for every answer of the site, whatever the
// test is about.
func (s *testSite) inspect(r *http.Request, rec *httptest.ResponseRecorder) {
	s.t.Helper()
	if strings.HasPrefix(r.URL.Path, emulator.Prefix+"/") {
		return
	}
	res, body := rec.Result(), rec.Body.String()
	res.Request = r
	pattern := seen.add(s.Server, r, res.StatusCode, body)
	problems := append(headerProblems(res, body), apiProblems(pattern, res, body)...)
	if strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") && res.Header.Get("Content-Encoding") == "" {
		problems = append(problems, markupProblems(s.t, body)...)
	}
	for _, problem := range problems {
		s.t.Errorf("%s %s = %d: %s", r.Method, r.URL, res.StatusCode, problem)
	}
}

// markupProblems returns what is wrong with a page or a fragment.
func markupProblems(t testing.TB, body string) []string {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	m := markup{ids: map[string]bool{}}
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode {
			m.look(n)
		}
	}
	for _, id := range m.references {
		if !m.ids[id] {
			m.fault("nothing has the id %q", id)
		}
	}
	if whole := strings.HasPrefix(body, "<!doctype html>"); whole && m.headings != 1 {
		m.fault("there are %d h1", m.headings)
	}
	return m.faults
}

// A markup is what is found in a document.
type markup struct {
	ids        map[string]bool
	references []string // ids that others name
	headings   int      // of level 1
	faults     []string
}

func (m *markup) fault(format string, args ...any) {
	m.faults = append(m.faults, fmt.Sprintf(format, args...))
}

func (m *markup) look(n *html.Node) {
	if n.Data == "h1" {
		m.headings++
	}
	if n.Data == "style" || n.Data == "script" && (attr(n, "src") == "" || n.FirstChild != nil) {
		m.fault("there is an inline <%s>", n.Data)
	}
	if n.Data == "form" && (!slices.Contains([]string{"get", "post"}, attr(n, "method")) || attr(n, "action") == "") {
		m.fault("a form has method %q and action %q", attr(n, "method"), attr(n, "action"))
	}
	for _, a := range n.Attr {
		m.lookAt(n, a)
	}
}

func (m *markup) lookAt(n *html.Node, a html.Attribute) {
	switch {
	case a.Key == "style" || strings.HasPrefix(a.Key, "on") || strings.HasPrefix(a.Key, "hx-on"):
		m.fault("<%s> has the attribute %s", n.Data, a.Key)
	case a.Key == "id" && m.ids[a.Val]:
		m.fault("two elements have the id %q", a.Val)
	case a.Key == "id":
		m.ids[a.Val] = true
	case a.Key == "for" || a.Key == "aria-describedby" || a.Key == "aria-labelledby":
		m.references = append(m.references, strings.Fields(a.Val)...)
	case a.Key == "hx-get" || a.Key == "hx-post" || a.Key == "hx-delete":
		m.lookAtRequest(n, a)
	}
}

// lookAtRequest makes sure that what htmx asks for can be had without it: by
// the same element, or by a link within.
func (m *markup) lookAtRequest(n *html.Node, a html.Attribute) {
	plain := map[string]string{"a": "href", "form": "action", "button": "formaction"}[n.Data]
	if plain == "" {
		for link := range n.Descendants() {
			if link.Data == "a" && pathOf(attr(link, "href")) == pathOf(a.Val) {
				return
			}
		}
	}
	if plain == "" || pathOf(attr(n, plain)) != pathOf(a.Val) {
		m.fault("<%s> does %s=%q with htmx alone", n.Data, a.Key, a.Val)
	}
}

func pathOf(target string) string {
	u, err := url.Parse(target)
	if err != nil {
		return target
	}
	return u.Path
}

// TestMarkupProblems tests the inspection itself.
func TestMarkupProblems(t *testing.T) {
	const page = "<!doctype html><h1>One</h1>"
	tests := []struct{ name, body, want string }{
		{"good", page + `<form method="post" action="/a" hx-post="/a"><label for="x">X</label><input id="x" name="x"></form>`, ""},
		{"fragment without a heading", `<p>One</p>`, ""},
		{"two headings", page + "<h1>Two</h1>", "there are 2 h1"},
		{"id twice", page + `<p id="a"><p id="a">`, `two elements have the id "a"`},
		{"label of nothing", page + `<label for="a">A</label>`, `nothing has the id "a"`},
		{"description by nothing", page + `<input id="b" aria-describedby="b a">`, `nothing has the id "a"`},
		{"inline style", page + `<p style="color:red">`, "<p> has the attribute style"},
		{"inline handler", page + `<p onclick="a()">`, "<p> has the attribute onclick"},
		{"inline script", page + `<script>a()</script>`, "there is an inline <script>"},
		{"form without a method", page + `<form action="/a"></form>`, `a form has method "" and action "/a"`},
		{"button for htmx alone", page + `<button hx-post="/a">A</button>`, `<button> does hx-post="/a" with htmx alone`},
		{"link elsewhere", page + `<a href="/b" hx-get="/a">A</a>`, `<a> does hx-get="/a" with htmx alone`},
		{"link within", page + `<details hx-get="/a?b"><a href="/a">A</a></details>`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := strings.Join(markupProblems(t, tt.body), "; "); got != tt.want {
				t.Errorf("%s has the problems %q, want %q", tt.body, got, tt.want)
			}
		})
	}
}

func TestEveryTemplateHasALandmark(t *testing.T) {
	site := newSite(t)
	var want []string
	for _, name := range site.pages.Pages() {
		want = append(want, "page "+name)
	}
	for _, name := range site.pages.Partials() {
		want = append(want, "partial "+name)
	}
	for _, name := range want {
		if landmarks[name] == "" {
			t.Errorf("%s has no landmark", name)
		}
	}
	if len(landmarks) != len(want) {
		t.Errorf("there are %d landmarks, want %d, one for each template", len(landmarks), len(want))
	}
}
