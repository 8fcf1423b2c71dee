package handlers

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestPostWithHTMX(t *testing.T) {
	site := newSite(t)
	c := site.as(ada)
	form := c.htmx("GET", "/posts/new?view=item", nil).status(http.StatusOK).fields("#compose-form")
	form.Set("title", "Hello")
	form.Set("content", "Some *words*.")
	form.Set("published", "true")

	created := c.htmx("POST", "/posts", form).status(http.StatusCreated)
	created.shows(`hx-partial[hx-target="#feed"] h2`, "Hello")
	created.shows(`hx-partial[hx-target="#status"]`, "published")
	fresh := created.fields("#compose-form")
	if fresh.Get("title") != "" || fresh.Get("form_key") == form.Get("form_key") {
		t.Errorf("the form after a post is %v, want an empty one with a new key", fresh)
	}
	site.guest().get("/").status(http.StatusOK).shows(".post-item h2", "Hello").shows(".post-item .excerpt", "Some words.").shows(".post-item .author", "Ada Lovelace")
}

func TestPostWithoutJavaScript(t *testing.T) {
	site := newSite(t)
	c := site.as(ada)
	page := c.get("/posts/new").status(http.StatusOK)
	form := page.fields("#post-form")
	form.Set("title", "Hello")
	form.Set("content", "# One\r\ntwo")
	form.Set("published", "true")
	c.submit("/posts", form).leadsTo("/posts/1")
	c.read("/posts/1").status(http.StatusOK).shows("h1", "Hello").shows(".prose h2", "One").shows(".prose p", "two")
}

func TestFormsSayWhatIsWrong(t *testing.T) {
	tests := []struct {
		name, title, content, published string
		wantProblem                     string // beside the field
		atContent                       bool
	}{
		{"no title", "", "text", "true", "needs a title", false},
		{"only blanks", " \t ", "text", "true", "needs a title", false},
		{"only invisible signs", "\u200b", "text", "true", "needs a title", false},
		{"title too long", strings.Repeat("é", maxTitle+1), "", "true", "201 characters", false},
		{"title of two lines", "a\nb", "", "true", "one line", false},
		{"NUL in the title", "a\x00b", "", "true", "U+0000", false},
		{"title is no text", "a\xff", "", "true", "UTF-8", false},
		{"title in use", "TAKEN", "", "true", "another post", false},
		{"title in use for a draft", "taken", "", "", "another post", false},
		{"content too long", "t", strings.Repeat("é", maxContent+1), "true", "40001 characters", true},
		{"escape in the content", "t", "a\x1b[31m", "true", "U+001B", true},
		{"content is no text", "t", "\xc3\x28", "true", "UTF-8", true},
	}
	site := newSite(t)
	site.post(ada, "Taken", "", true)
	c := site.as(ada)
	for _, tt := range tests {
		for _, how := range []string{"htmx", "plain"} {
			t.Run(tt.name+"/"+how, func(t *testing.T) {
				form := url.Values{"title": {tt.title}, "content": {tt.content}, "published": {tt.published}, "form_key": {"k"}}
				send := func() *answer { return c.htmx("POST", "/posts", form) }
				if how == "plain" {
					send = func() *answer { return c.submit("/posts", form) }
				}
				a := send().status(http.StatusUnprocessableEntity)
				field := "title"
				if tt.atContent {
					field = "content"
				}
				a.shows("#post-form-"+field+"-problem", tt.wantProblem)
				input := a.one(fmt.Sprintf("#post-form [name=%s]", field))
				if attr(input, "aria-invalid") != "true" || !strings.Contains(attr(input, "aria-describedby"), field+"-problem") {
					t.Error("the field is not tied to its problem")
				}
				kept := a.fields("#post-form")
				if want := strings.TrimSpace(strings.ToValidUTF8(tt.title, "�")); kept.Get("title") != want && !strings.Contains(want, "\x00") && !strings.Contains(want, "\n") {
					t.Errorf("the title is %q, want what was typed", kept.Get("title"))
				}
				if n := len(site.guest().get("/").all(".post-item")); n != 1 {
					t.Errorf("there are %d posts, want one", n)
				}
			})
		}
	}
}

func TestEdgesOfLimits(t *testing.T) {
	site := newSite(t)
	c := site.as(ada)
	form := url.Values{"title": {strings.Repeat("é", maxTitle)}, "content": {strings.Repeat("é\r\n", maxContent/2)}, "published": {"true"}}
	c.submit("/posts", form).leadsTo("/posts/1")
	untitled := url.Values{"title": {""}, "content": {"an idea"}}
	c.submit("/posts", untitled).leadsTo("/posts/2")
	c.submit("/posts", untitled).leadsTo("/posts/3") // any number of drafts may lack a title
	c.get("/drafts").status(http.StatusOK).lacks("#load-more")
	if n := len(c.get("/drafts").all(".post-item")); n != 2 {
		t.Errorf("there are %d drafts, want 2", n)
	}
}

func TestDoubleSubmitMakesOnePost(t *testing.T) {
	site := newSite(t)
	c := site.as(ada)
	form := c.get("/posts/new").fields("#post-form")
	form.Set("title", "Once")
	form.Set("published", "true")
	c.submit("/posts", form).leadsTo("/posts/1")
	c.submit("/posts", form).leadsTo("/posts/1")
	c.htmx("POST", "/posts", form).status(http.StatusCreated).shows("h1", "Once")
	form.Set("title", "Once more, after going back")
	c.submit("/posts", form).leadsTo("/posts/2")
}

func TestEditInPlace(t *testing.T) {
	site := newSite(t)
	post := site.post(ada, "Before", "old", true)
	c := site.as(ada)
	path := fmt.Sprintf("/posts/%d", post.ID)

	page := c.get("/")
	link := page.one("#edit-1")
	form := c.htmx("GET", attr(link, "hx-get"), nil).status(http.StatusOK).fields("form#post-1")
	if form.Get("title") != "Before" || form.Get("content") != "old" {
		t.Fatalf("the form holds %v", form)
	}
	form.Set("title", "After")
	form.Set("published", "true")
	c.htmx("POST", path, form).status(http.StatusOK).shows("article#post-1 h2", "After").shows(`hx-partial[hx-target="#status"]`, "Saved")
	c.htmx("GET", path+"?view=item", nil).status(http.StatusOK).shows("article#post-1 h2", "After")

	form = c.get(path + "/edit").status(http.StatusOK).fields("form#post-1")
	form.Set("content", "new")
	form.Set("published", "true")
	c.submit(path, form).leadsTo(path)
	c.read(path).shows(".prose", "new").shows("h1", "After")
}

func TestEditOfWhatWasChangedElsewhere(t *testing.T) {
	site := newSite(t)
	site.post(ada, "Before", "old", true)
	c := site.as(ada)
	first := c.get("/posts/1/edit").fields("form#post-1")
	second := c.get("/posts/1/edit").fields("form#post-1")
	first.Set("content", "first")
	first.Set("published", "true")
	c.submit("/posts/1", first).leadsTo("/posts/1")

	second.Set("content", "second")
	second.Set("published", "true")
	stale := c.submit("/posts/1", second).status(http.StatusConflict).shows("form > .problem", "changed elsewhere")
	again := stale.fields("form#post-1")
	if again.Get("content") != "second" {
		t.Errorf("the form holds %q, want what was typed", again.Get("content"))
	}
	again.Set("published", "true")
	c.submit("/posts/1", again).leadsTo("/posts/1")
	c.read("/posts/1").shows(".prose", "second")
}

func TestDraftsAreTheirAuthorsAlone(t *testing.T) {
	site := newSite(t)
	site.post(ada, "Secret", "", false)
	for _, who := range []string{grace, moderator, admin} {
		c := site.as(who)
		c.get("/posts/1").status(http.StatusNotFound)
		c.get("/posts/1/edit").status(http.StatusNotFound)
		c.submit("/posts/1", url.Values{"title": {"x"}}).status(http.StatusNotFound)
		c.submit("/posts/1/delete", nil).status(http.StatusNotFound)
		c.submit("/posts/1/preview", nil).status(http.StatusNotFound)
		c.api("GET", "/api/posts/1", "").status(http.StatusNotFound)
		c.api("DELETE", "/api/posts/1", "").status(http.StatusNotFound)
		c.get("/drafts").lacks(".post-item")
	}
	site.guest().get("/posts/1").status(http.StatusNotFound)
	c := site.as(ada)
	c.get("/posts/1").status(http.StatusOK).shows(".badge", "Draft")
	c.get("/drafts").shows(".post-item h2", "Secret")

	form := c.get("/posts/1/edit").fields("form#post-1")
	form.Set("published", "true")
	c.submit("/posts/1", form).leadsTo("/posts/1")
	site.guest().read("/posts/1").status(http.StatusOK).shows("h1", "Secret")
}

func TestDeleteAndUndo(t *testing.T) {
	site := newSite(t)
	site.post(ada, "Gone", "", true)
	c := site.as(ada)

	gone := c.htmx("POST", "/posts/1/delete", url.Values{"view": {"item"}}).status(http.StatusOK)
	gone.shows("#post-1", "“Gone” is deleted").shows("#undo-1", "Undo")
	site.guest().get("/").lacks(".post-item")
	site.guest().get("/posts/1").status(http.StatusNotFound)
	c.htmx("POST", "/posts/1/restore", url.Values{"view": {"item"}}).status(http.StatusOK).shows("article#post-1 h2", "Gone")
	site.guest().read("/posts/1").status(http.StatusOK)

	c.submit("/posts/1/delete", nil).leadsTo("/")
	feed := c.get("/").shows(".notice", "“Gone” is deleted")
	undo := attr(feed.one(".notice form"), "action")
	c.get("/").lacks(".notice")
	c.submit(undo, nil).leadsTo("/posts/1")
	site.guest().read("/posts/1").status(http.StatusOK)
}

func TestUndoIsForWhoDeleted(t *testing.T) {
	site := newSite(t)
	site.post(ada, "Gone", "", true)
	site.as(moderator).htmx("DELETE", "/posts/1", nil).status(http.StatusOK)
	site.as(ada).submit("/posts/1/restore", nil).status(http.StatusNotFound)
	site.as(grace).submit("/posts/1/restore", nil).status(http.StatusNotFound)
	site.as(moderator).submit("/posts/1/restore", nil).leadsTo("/posts/1")
}

func TestUndoWhenTheTitleIsInUseAgain(t *testing.T) {
	site := newSite(t)
	site.post(ada, "Twice", "", true)
	c := site.as(ada)
	c.submit("/posts/1/delete", nil).leadsTo("/")
	site.post(ada, "twice", "", true)
	c.htmx("POST", "/posts/1/restore", nil).status(http.StatusConflict).shows(".notice-problem", "title")
	c.submit("/posts/1/restore", nil).status(http.StatusConflict).shows("main", "title")
}

func TestPreview(t *testing.T) {
	site := newSite(t)
	c := site.as(ada)
	form := c.get("/posts/new").fields("#post-form")
	form.Set("title", "Look")
	form.Set("content", "<script>alert(1)</script> **bold**")
	c.htmx("POST", "/posts/preview", form).status(http.StatusOK).shows(".preview h2", "Look").shows(".preview strong", "bold").lacks("script")

	page := c.submit("/posts/preview", form).status(http.StatusOK).shows(".preview strong", "bold")
	if kept := page.fields("#post-form"); kept.Get("content") != form.Get("content") || kept.Get("form_key") != form.Get("form_key") {
		t.Errorf("the form beside the preview holds %v, want %v", kept, form)
	}
	form.Set("content", "\x00")
	c.htmx("POST", "/posts/preview", form).status(http.StatusUnprocessableEntity).shows(".notice-problem", "U+0000")
	site.guest().get("/").lacks(".post-item")
}

func TestWhoMayChangeAPost(t *testing.T) {
	site := newSite(t)
	site.post(ada, "Ada's", "", true)
	form := url.Values{"title": {"Taken over"}, "published": {"true"}}
	tests := []struct {
		who                    string
		wantEdit, wantDeletion int
	}{
		{grace, http.StatusForbidden, http.StatusForbidden},
		{moderator, http.StatusForbidden, http.StatusOK},
		{admin, http.StatusForbidden, http.StatusOK},
		{ada, http.StatusOK, http.StatusOK},
	}
	for _, tt := range tests {
		t.Run(tt.who, func(t *testing.T) {
			c := site.as(tt.who)
			c.htmx("GET", "/posts/1/edit", nil).status(tt.wantEdit)
			c.htmx("POST", "/posts/1", form).status(tt.wantEdit)
			deletion := c.htmx("POST", "/posts/1/delete", nil).status(tt.wantDeletion)
			if deletion.StatusCode == http.StatusOK {
				c.htmx("POST", "/posts/1/restore", nil).status(http.StatusOK)
			}
		})
	}
}

func TestFeedPages(t *testing.T) {
	site := newSite(t)
	for i := range 2*pageSize + 1 {
		site.post(ada, fmt.Sprintf("Post %d", i), "", true)
	}
	c := site.as(grace)
	first := c.get("/").status(http.StatusOK)
	titles := titlesOf(first)
	second := c.htmx("GET", attr(first.one("#load-more"), "hx-get"), nil).status(http.StatusOK)
	second.lacks("html > head > title").shows(`hx-partial[hx-target="#status"]`, "20 more posts")
	third := c.get(attr(second.one("#load-more"), "href")).status(http.StatusOK).lacks("#load-more")
	titles = append(append(titles, titlesOf(second)...), titlesOf(third)...)
	if len(titles) != 2*pageSize+1 {
		t.Fatalf("the pages have %d posts, want %d", len(titles), 2*pageSize+1)
	}
	for i, title := range titles {
		if want := fmt.Sprintf("Post %d", 2*pageSize-i); title != want {
			t.Errorf("post %d is %q, want %q", i, title, want)
		}
	}
}

func titlesOf(a *answer) []string {
	var titles []string
	for _, n := range a.all(".post-item h2") {
		titles = append(titles, text(n))
	}
	return titles
}

func TestPublishFromItsOwnPage(t *testing.T) {
	site := newSite(t)
	c := site.as(ada)
	form := c.get("/posts/new").fields("#post-form")
	form.Set("title", "Straight")
	form.Set("published", "true")
	a := c.htmx("POST", "/posts", form).status(http.StatusCreated).shows("h1", "Straight").shows(`hx-partial[hx-target="#status"]`, "published")
	if got := a.Header.Get("HX-Retarget") + " " + a.Header.Get("HX-Push-Url"); got != "#main /posts/1/straight" {
		t.Errorf("the post goes to %q", got)
	}
	if attr(a.one("h1"), "autofocus") != "" || !strings.Contains(a.body, "autofocus") {
		t.Error("the focus is not on the title")
	}
}

func TestEditOfWhatWasDeletedElsewhere(t *testing.T) {
	site := newSite(t)
	site.post(ada, "Gone", "old", true)
	c := site.as(ada)
	form := c.get("/posts/1/edit").fields("form#post-1")
	c.submit("/posts/1/delete", nil).leadsTo("/")
	form.Set("content", "typed for an hour")
	form.Set("published", "true")
	again := c.submit("/posts/1", form).status(http.StatusNotFound).shows("form > .problem", "deleted in the meantime").fields("#post-form")
	if again.Get("content") != "typed for an hour" {
		t.Fatalf("the form holds %v", again)
	}
	again.Set("published", "true")
	c.submit("/posts", again).leadsTo("/posts/2")
}

// A text that would fill the memory when it is shown is refused.
func TestTextThatGrows(t *testing.T) {
	site := newSite(t)
	c := site.as(ada)
	bomb := "[a]: http://x.example/" + strings.Repeat("y", 20_000) + "\n\n" + strings.Repeat("[a]", 6500)
	form := url.Values{"title": {"Bomb"}, "content": {bomb}, "published": {"true"}}
	c.submit("/posts", form).status(http.StatusUnprocessableEntity).shows("#post-form-content-problem", "grows")
	c.htmx("POST", "/posts/preview", form).status(http.StatusUnprocessableEntity).shows(".notice-problem", "grows")
	c.api("POST", "/api/posts", fmt.Sprintf(`{"title":"Bomb","content":%q}`, bomb)).status(http.StatusUnprocessableEntity)
}

// Who signs in in another tab does not become the author of what is typed in
// this one, unless they say so.
func TestFormOfSomebodyElse(t *testing.T) {
	for _, view := range []string{"/posts/new", "/posts/new?view=item"} {
		site := newSite(t)
		form := site.as(ada).get(view).status(http.StatusOK).fields("main form.post-form")
		form.Set("title", "Begun as Ada")
		form.Set("content", "Her words.")
		form.Set("published", "true")
		other := site.as(grace)
		given := other.submit("/posts", form).status(http.StatusConflict).shows(".problem", "signed in as Grace Hopper")
		again := given.fields("form.post-form")
		if again.Get("title") != "Begun as Ada" || again.Get("content") != "Her words." {
			t.Errorf("the form comes back with %v", again)
		}
		other.htmx("POST", "/posts", form).status(http.StatusConflict).shows(".problem", "Nothing is saved")
		again.Set("published", "true")
		other.submit("/posts", again).leadsTo("/posts/1")
		site.guest().read("/posts/1").shows(".author", "Grace Hopper")
	}
}
