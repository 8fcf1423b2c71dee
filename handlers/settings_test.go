package handlers

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"
)

func TestSettings(t *testing.T) {
	site := newSite(t)
	for i := range pageSize + 1 {
		site.post(ada, fmt.Sprintf("Post %d", i+1), "", true)
		site.post(ada, fmt.Sprintf("Draft %d", i+1), "", false)
	}
	for name, c := range map[string]*client{"guest": site.guest(), "member": site.as(ada)} {
		t.Run(name, func(t *testing.T) {
			a := c.get("/settings").status(http.StatusOK).shows("option[selected]", "20")
			if got := attr(a.one("input[name=theme][checked]"), "value"); got != "system" {
				t.Errorf("the theme is %q, want the system's", got)
			}
			if n := len(a.all("section.setting")); n != map[bool]int{true: 3}[name == "member"] {
				t.Errorf("there are %d parts for members", n)
			}
			c.submit("/settings", url.Values{"theme": {"dark"}, "page_size": {"10"}}).leadsTo("/settings")
			a = c.get("/settings").shows(".notice", "saved").shows("option[selected]", "10")
			if got := attr(a.one("html"), "data-theme") + " " + attr(a.one("input[name=theme][checked]"), "value"); got != "dark dark" {
				t.Errorf("the theme is %q, want dark", got)
			}
			paths := []string{"/", site.profile(ada)}
			if name == "member" {
				paths = append(paths, "/drafts")
			}
			for _, path := range paths {
				a := c.get(path)
				next := attr(a.one("#load-more"), "href")
				if n, more := len(a.all(".post-item")), len(c.htmx("GET", next, nil).all(".post-item")); n != 10 || more != 10 {
					t.Errorf("the pages of %s have %d and %d posts, want 10", path, n, more)
				}
			}
			c.submit("/preferences", url.Values{"theme": {"light"}}).leadsTo("/")
			c.get("/settings").shows("option[selected]", "10").one("html[data-theme=light]")
			c.submit("/settings", url.Values{"theme": {"system"}, "page_size": {"20"}})
			if n := len(c.get("/").all(".post-item")); n != pageSize {
				t.Errorf("a page has %d posts, want %d", n, pageSize)
			}
		})
	}
}

func TestSettingsThatAreNone(t *testing.T) {
	c := newSite(t).guest()
	good := url.Values{"theme": {"dark"}, "page_size": {"50"}}
	for _, bad := range []url.Values{
		{"theme": {"blue"}}, {"theme": {""}}, {"page_size": {"11"}}, {"page_size": {""}}, {"page_size": {"-10"}}, {"page_size": {"1e1"}}, {"page_size": {"99999999999999999999"}},
	} {
		form := url.Values{"theme": good["theme"], "page_size": good["page_size"]}
		for name, values := range bad {
			form[name] = values
		}
		c.submit("/settings", form).status(http.StatusUnprocessableEntity).shows("main p", ", not ")
	}
	c.get("/").lacks("html[data-theme]")
}
