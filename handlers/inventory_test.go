package handlers

import (
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

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
	"page moderation":          "<h1>Moderation</h1>",
	"page moderation-log":      "<h1>Moderation log</h1>",
	"page post":                `<main id="main" tabindex="-1">` + "\n" + `<article`,
	"page post-form":           `<form id="post-form"`,
	"page profile":             `class="profile-head"`,
	"page quote-form":          "<h1>Your quote</h1>",
	"page search":              `<form id="search-form"`,
	"page reason-form":         `<h1 dir="auto">Hide “`,
	"page settings":            `id="settings"`,
	"page sign-in":             `data-clerk-component="sign-`,
	"page signed-in":           `<h1>You are signed in</h1>`,
	"partial account":          `<div id="account"`,
	"partial alert":            `<hx-partial hx-target="#alerts"`,
	"partial api-fields":       `<dl class="api-fields"`,
	"partial api-operation":    `<details class="api-operation"`,
	"partial api-type":         `<a href="#object-Post">`,
	"partial autosave":         `-autosave" class="help`,
	"partial author":           `</span><bdi>`,
	"partial author-changed":   `<hx-partial hx-target=".author[href='/users/`,
	"partial avatar":           `class="avatar`,
	"partial bio":              `<section id="bio"`,
	"partial bio-form":         `<form id="bio"`,
	"partial byline":           `class="byline"`,
	"partial detail":           `<details class="detail">`,
	"partial act":              `<article id="act-`,
	"partial acts":             "moderator has had to do anything yet.",
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
	"partial mark":             `<svg class="brand-mark"`,
	"partial marked":           `<mark>`,
	"partial menu":             `<details id="menu"`,
	"partial menu-changed":     `hx-target="#menu"`,
	"partial decided":          `<a id="decided-`,
	"partial guide":            `<section id="guide"`,
	"partial hidden":           `class="hidden-note"`,
	"partial more":             `id="load-more"`,
	"partial nothing":          `class="nothing"`,
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
	"partial party":            `<b>hid</b>`,
	"partial queue":            "No post is reported.",
	"partial queue-item":       `class="post-item queue-item"`,
	"partial reported":         `class="reported"`,
	"partial preview":          `class="preview"`,
	"partial quote":            `<section id="quote"`,
	"partial quote-form":       `<form id="quote"`,
	"partial quote-removed":    `id="undo-quote"`,
	"partial reason-form":      `class="post-form reason-form"`,
	"partial status":           `<hx-partial hx-target="#status"`,
	"partial shortcuts":        `<dialog id="shortcuts"`,
	"partial sync":             `<section id="sync"`,
	"partial undo-fields":      `name="undo" value="on"`,
	"partial user-actions":     `<a id="ban"`,
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
