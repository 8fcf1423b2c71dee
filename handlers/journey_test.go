package handlers

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"testing"

	"golang.org/x/net/html"
)

// click follows the link that matches, and its redirects.
func (c *client) click(a *answer, selector string) *answer {
	c.site.t.Helper()
	return c.follow(c.get(resolve(a, attr(a.one(selector), "href"))))
}

// press sends the form of the button that matches as a browser without
// JavaScript does, and follows the redirects. Names and values of what is typed
// before follow the button.
func (c *client) press(a *answer, button string, typed ...string) *answer {
	c.site.t.Helper()
	b := a.one(button)
	form := b.Parent
	for form.Data != "form" {
		form = form.Parent
	}
	values := fieldsOf(form)
	for pair := range slices.Chunk(typed, 2) {
		values.Set(pair[0], pair[1])
	}
	if name := attr(b, "name"); name != "" {
		values.Set(name, attr(b, "value"))
	}
	action := attr(form, "action")
	if other := attr(b, "formaction"); other != "" {
		action = other
	}
	return c.follow(c.submit(resolve(a, action), values))
}

// resolve returns a URL that stands in an answer as an absolute one.
func resolve(a *answer, target string) string {
	a.t.Helper()
	u, err := a.Request.URL.Parse(target)
	if err != nil {
		a.t.Fatal(err)
	}
	return u.String()
}

// fieldsOf returns what a browser would send of a form, without its buttons.
func fieldsOf(form *html.Node) url.Values {
	values := url.Values{}
	for n := range form.Descendants() {
		switch name := attr(n, "name"); {
		case name == "":
		case attr(n, "type") == "checkbox" && !slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == "checked" }):
		case n.Data == "input":
			values.Add(name, attr(n, "value"))
		case n.Data == "textarea":
			values.Add(name, rawText(n))
		}
	}
	return values
}

// at makes sure that an answer is that of a path.
func (a *answer) at(path string) *answer {
	a.t.Helper()
	if got := withoutSlug(a.Request.URL.RequestURI()); got != path {
		a.t.Fatalf("the browser is at %s, want %s", got, path)
	}
	return a
}

// TestJourneyWithoutJavaScript walks as a person does: it knows no URL but the
// first, and what it sends it has found in a page.
func TestJourneyWithoutJavaScript(t *testing.T) {
	site := newSite(t)
	for i := range pageSize {
		site.post(grace, fmt.Sprint("Older ", i), "", true)
	}
	c := site.stranger()
	feed := c.follow(c.get("/")).status(http.StatusOK).at("/").shows(".intro", "Join")
	portal := c.click(c.click(feed, "nav a[href^='/sign-in']"), "main p a[href^='/__clerk']").status(http.StatusOK)
	feed = c.press(portal, "button[value="+ada+"]").status(http.StatusOK).at("/").shows("#account-menu", "Ada Lovelace")

	editor := c.click(feed, "#composer a").status(http.StatusOK).shows("h1", "Write a post")
	refused := c.press(editor, "#post-form-publish", "title", " ", "content", "My *first* words").status(http.StatusUnprocessableEntity)
	refused.shows("#post-form-title-problem", "needs a title")
	preview := c.press(refused, "#post-form-preview", "title", "Frist").status(http.StatusOK).shows(".preview em", "first")
	post := c.press(preview, "#post-form-publish").status(http.StatusOK).at("/posts/21").shows("h1", "Frist").shows(".prose", "My first words")

	editor = c.click(post, "#edit-21").status(http.StatusOK).shows("h1", "Edit your post")
	editor = c.press(editor, "#post-21-preview", "title", "First").status(http.StatusOK).shows(".preview h2", "First")
	post = c.press(editor, "#post-21-publish").status(http.StatusOK).at("/posts/21").shows("h1", "First").shows(".prose", "My first words")
	feed = c.press(post, "#delete-21").status(http.StatusOK).at("/").shows(".notice", "“First” is deleted").lacks("#post-21")
	post = c.press(feed, "#undo-notice").status(http.StatusOK).at("/posts/21").shows("h1", "First")
	feed = c.click(post, ".brand").shows("#post-21 h2", "First").lacks(".notice").lacks("#title-1")
	c.click(feed, "#load-more").status(http.StatusOK).shows("#title-1", "Older 0").lacks("#load-more")

	editor = c.click(feed, "nav a[href='/posts/new']")
	draft := c.press(editor, "#post-form-draft", "title", "Later").status(http.StatusOK).shows(".badge", "Draft")
	drafts := c.click(draft, "nav a[href='/drafts']").status(http.StatusOK).shows(".post-item h2", "Later")
	editor = c.click(drafts, "#edit-22").status(http.StatusOK)
	c.press(editor, "#post-22-publish").status(http.StatusOK).lacks(".badge").shows("h1", "Later")

	account := c.click(feed, "nav a[href='/account']").status(http.StatusOK).shows(".facts", "Ada Lovelace")
	dark := c.press(account, "#theme-dark").status(http.StatusOK).at("/account")
	if got := attr(dark.one("html"), "data-theme"); got != "dark" {
		t.Errorf("the page has the colours %q, want dark", got)
	}
	dark = c.press(dark, "#theme-light")
	if got := attr(c.press(dark, "#theme-system").one("html"), "data-theme"); got != "" {
		t.Errorf("the page has the colours %q, want the system's", got)
	}
	c.press(account, "#sign-out").status(http.StatusOK).at("/").shows(".notice", "You are signed out.").lacks("#account-menu").shows("#post-21 h2", "First")
}

func TestJourneyOfANewMember(t *testing.T) {
	site := newSite(t)
	c := site.stranger()
	page := c.follow(c.get("/posts/new")).status(http.StatusOK).at("/sign-in?redirect_url=%2Fposts%2Fnew")
	portal := c.click(page, "main p a[href^='/__clerk']").status(http.StatusOK)
	editor := c.press(portal, ".cl-main", "identifier", "joan@example.com").status(http.StatusOK).at("/posts/new")
	c.press(editor, "#post-form-publish", "title", "Hello").status(http.StatusOK).shows("h1", "Hello")
	site.Wait()
	c.get("/account").shows(".facts", "joan@example.com")
}

// Whoever wrote for longer than a session token lives sends the text twice and
// loses none of it.
func TestJourneyOfASlowWriter(t *testing.T) {
	site := newSite(t)
	c := site.as(ada)
	editor := c.get("/posts/new")
	site.pass(tokenLife)
	again := c.press(editor, "#post-form-publish", "title", "Slow", "content", "\nword by word").status(http.StatusUnauthorized).shows("h1", "session ran out")
	c.click(again, "main p a").status(http.StatusOK).at("/signed-in").shows("h1 + p", "Go back to the other tab")
	c.press(again, "main form button").status(http.StatusOK).at("/posts/1").shows("h1", "Slow").shows(".prose", "word by word").lacks(".badge")
}

func TestJourneyOfAModerator(t *testing.T) {
	site := newSite(t)
	site.post(ada, "Rude", "", true)
	c := site.as(moderator)
	post := c.click(c.get("/"), "#title-1").status(http.StatusOK).lacks("#edit-1")
	feed := c.press(post, "#delete-1").status(http.StatusOK).at("/").lacks(".post-item")
	c.press(feed, "#undo-notice").status(http.StatusOK).at("/posts/1").shows("h1", "Rude")
}

// A draft that is saved above the feed is no part of the feed: a notice says
// where it is.
func TestDraftFromTheFeed(t *testing.T) {
	site := newSite(t)
	c := site.as(ada)
	form := c.htmx("GET", "/posts/new?view=item", nil).status(http.StatusOK).fields("#compose-form")
	form.Set("title", "Later")
	form.Set("published", "false")
	saved := c.htmx("POST", "/posts", form).status(http.StatusCreated).shows("hx-partial[hx-target='#alerts']", "Your draft is saved").lacks(".post-item")
	c.get(attr(saved.one(".notice a"), "href")).status(http.StatusOK).shows(".post-item h2", "Later")
}

func TestColoursThatAreNone(t *testing.T) {
	c := newSite(t).guest()
	for _, theme := range []string{"", "pink", "<script>"} {
		c.submit("/preferences", url.Values{"theme": {theme}}).status(http.StatusUnprocessableEntity).shows("h1 + p", "system, light or dark")
	}
}

// A trial copy says what to try, until its reader has seen that.
func TestGuide(t *testing.T) {
	newSite(t).guest().get("/").lacks(".guide")
	site := newSite(t, func(c *Config) { c.DashboardURL = "/__clerk/webhooks" })
	c := site.guest()
	c.get("/").shows(".guide", "trial copy").one(".guide a[href='/__clerk/webhooks']")
	c.get("/").one(".guide a[href='/sign-in']")
	site.as(ada).get("/").shows(".guide", "trial copy").lacks(".guide a[href='/sign-in']")

	dark := c.press(c.get("/"), "#theme-dark")
	seen := c.press(dark, "#guide-hide").lacks(".guide")
	if theme := attr(seen.one("html"), "data-theme"); theme != "dark" {
		t.Errorf("with the guide went the colours: %q", theme)
	}
	c.get("/").lacks(".guide")
}
