package handlers

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"inkwell/db/dbtest"
)

// profile is the address of a user's profile.
func (s *testSite) profile(clerkID string) string {
	s.t.Helper()
	return profilePath(s.user(clerkID).ID)
}

// introduce gives a user a bio and a quote.
func (s *testSite) introduce(clerkID, bio, quote, by string) {
	s.t.Helper()
	c, path := s.as(clerkID), s.profile(clerkID)
	c.submit(path+"/bio", url.Values{"bio": {bio}}).leadsTo(path)
	c.submit(path+"/quote", url.Values{"quote": {quote}, "quote_by": {by}}).leadsTo(path)
}

// What a profile shows depends on who looks at it.
func TestProfile(t *testing.T) {
	site := newSite(t)
	site.introduce(ada, "I write *notes*.", "That brain of mine", "Ada, 1843")
	site.post(ada, "Hello", "", true)
	site.post(ada, "Not yet", "", false)
	site.post(grace, "Somebody else's", "", true)
	tests := []struct {
		name          string
		who           *client
		email, change bool
	}{
		{"guest", site.guest(), false, false},
		{"another member", site.as(grace), false, false},
		{"moderator", site.as(moderator), false, false},
		{"administrator", site.as(admin), true, false},
		{"owner", site.as(ada), true, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := tt.who.get(site.profile(ada)).status(http.StatusOK).shows("h1", "Ada Lovelace").shows("h1 + p", "@ada Member since")
			a.shows("#bio em", "notes").shows("#quote blockquote", "That brain of mine").shows("#quote figcaption", "Ada, 1843")
			a.shows(".post-item h2", "Hello").lacks(".profile-head .badge").lacks("main > .notice")
			if got := strings.Contains(a.body, "ada@example.com"); got != tt.email {
				t.Errorf("the address is shown: %t, want %t", got, tt.email)
			}
			if got := len(a.all("#edit-account, #edit-bio, #edit-quote")); got != map[bool]int{true: 3}[tt.change] {
				t.Errorf("there are %d ways to change it", got)
			}
		})
	}
	site.guest().get(site.profile(moderator)).shows(".profile-head .badge", "Moderator").lacks("figure").lacks("#bio .prose").shows("#more", "No posts yet.")
	site.guest().get(site.profile(admin)).shows(".profile-head .badge", "Administrator")
}

func TestBylinesLeadToProfiles(t *testing.T) {
	site := newSite(t)
	site.post(ada, "Hello", "", true)
	site.post(ada, "Draft", "", false)
	c := site.as(ada)
	for path, selector := range map[string]string{"/": "#author-1", "/posts/1": "#author-1", "/drafts": "#author-2", site.profile(ada): "#author-1"} {
		page := c.follow(c.get(path)).shows("a"+selector+" bdi", "Ada Lovelace")
		if got := attr(page.one(selector), "href"); got != site.profile(ada) {
			t.Errorf("on %s the author leads to %q", path, got)
		}
	}
	c.follow(c.get(attr(c.get("/").one(".menu-items a:first-child"), "href"))).status(http.StatusOK).shows("h1", "Ada Lovelace")
}

func TestProfilesThatAreNone(t *testing.T) {
	site := newSite(t)
	site.introduce(ada, "My bio", "My quote", "")
	dbtest.Exec(t, site.db, "UPDATE users SET deleted_at = 1 WHERE clerk_id = ?", ada)
	c := site.as(grace)
	for _, path := range []string{site.profile(ada), "/users/99", "/users/0", "/users/ada", "/users/01"} {
		for _, part := range []string{"", "/bio", "/quote"} {
			c.get(path + part).status(http.StatusNotFound).lacks("figure")
		}
		c.submit(path+"/bio", url.Values{"bio": {"x"}}).status(http.StatusNotFound)
		c.submit(path+"/quote", url.Values{"quote": {"x"}}).status(http.StatusNotFound)
		c.htmx("GET", path+"?part=bio", nil).status(http.StatusNotFound)
	}
}

func TestSuspendedProfile(t *testing.T) {
	for _, column := range []string{"banned", "deprovisioned"} {
		site := newSite(t)
		site.introduce(moderator, "My bio", "My quote", "")
		site.post(moderator, "Hello", "", true)
		dbtest.Exec(t, site.db, "UPDATE users SET "+column+" = 1 WHERE clerk_id = ?", moderator)
		a := site.guest().get(site.profile(moderator)).status(http.StatusOK)
		a.shows("h1", "Katherine Johnson").shows("main > .notice", "suspended").shows(".post-item h2", "Hello").lacks("figure").lacks("#bio .prose").lacks(".profile-head .badge")
		for _, part := range []string{bioPart, quotePart} {
			if a := site.guest().htmx("GET", site.profile(moderator)+"?part="+part, nil); strings.Contains(a.body, "My ") {
				t.Errorf("part %s of somebody suspended is %s", part, a.body)
			}
		}
	}
}

func TestPostsOfAProfilePageByPage(t *testing.T) {
	site := newSite(t)
	for i := range pageSize + 2 {
		site.post(ada, fmt.Sprintf("Post %d", i+1), "", true)
	}
	c := site.guest()
	first := c.get(site.profile(ada)).status(http.StatusOK)
	if n := len(first.all(".post-item")); n != pageSize {
		t.Errorf("the first page has %d posts, want %d", n, pageSize)
	}
	next := attr(first.one("#load-more"), "href")
	more := c.htmx("GET", next, nil).status(http.StatusOK).shows("hx-partial", "2 more posts.").shows("#more", "That is all.").lacks("h1")
	if got := text(more.one("#post-1 h2")); got != "Post 1" {
		t.Errorf("the last post is %q", got)
	}
	c.get(next).status(http.StatusOK).shows("h1", "Ada Lovelace").shows("#post-1 h2", "Post 1")
	c.get(site.profile(ada) + "?before=x").status(http.StatusBadRequest)
}

// Nobody changes the profile of somebody else, whatever they are.
func TestProfileIsItsOwners(t *testing.T) {
	site := newSite(t)
	site.introduce(ada, "Hers", "Hers", "")
	path := site.profile(ada)
	form := url.Values{"bio": {"taken over"}, "quote": {"taken over"}, "version": {"1"}}
	for _, who := range []string{grace, moderator, admin} {
		c := site.as(who)
		for _, part := range []string{"/bio", "/quote"} {
			c.get(path+part).status(http.StatusForbidden).shows("main", "Only they themselves")
			c.submit(path+part, form).status(http.StatusForbidden)
			c.htmx("POST", path+part, form).status(http.StatusForbidden).shows(".notice-problem", "Only they themselves")
		}
	}
	guest := site.guest()
	for _, part := range []string{"/bio", "/quote"} {
		guest.get(path + part).leadsTo("/sign-in?redirect_url=" + url.QueryEscape(path+part))
		guest.htmx("GET", path+part, nil).status(http.StatusUnauthorized)
		guest.submit(path+part, form).status(http.StatusUnauthorized)
	}
	guest.get(path).shows("#bio", "Hers").shows("#quote", "Hers")
}

func TestBioInPlace(t *testing.T) {
	site := newSite(t)
	c, path := site.as(ada), site.profile(ada)
	form := c.htmx("GET", path+"/bio", nil).status(http.StatusOK).lacks("h1").fields("form#bio")
	form.Set("bio", "  I am **here**.\r\nStill.  ")
	a := c.htmx("POST", path+"/bio", form).status(http.StatusOK).shows("#bio strong", "here").shows("hx-partial", "Your bio is saved.").lacks("#quote")
	if link := a.one("#edit-bio"); text(link) != "Edit bio" || attr(link, "hx-get") != path+"/bio" {
		t.Errorf("the way to change it is %q", text(link))
	}
	if got := c.get(path + "/bio").status(http.StatusOK).fields("form#bio").Get("bio"); got != "I am **here**.\nStill." {
		t.Errorf("the form holds %q", got)
	}
	c.htmx("GET", path+"?part=bio", nil).status(http.StatusOK).shows("#bio strong", "here").one("#edit-bio[autofocus]")

	form = c.get(path + "/bio").fields("form#bio")
	form.Set("bio", " \n ")
	c.submit(path+"/bio", form).leadsTo(path)
	c.get(path).lacks("#bio .prose").shows("#edit-bio", "Write a bio")
}

func TestBioChangedElsewhere(t *testing.T) {
	site := newSite(t)
	c, path := site.as(ada), site.profile(ada)
	first, second := c.get(path+"/bio").fields("form#bio"), c.get(path+"/bio").fields("form#bio")
	first.Set("bio", "from one window")
	second.Set("bio", "from the other")
	c.submit(path+"/bio", first).leadsTo(path)
	refused := c.htmx("POST", path+"/bio", second).status(http.StatusConflict).shows("#bio .problem", "changed elsewhere")
	c.get(path).shows("#bio", "from one window")
	again := refused.fields("form#bio")
	if got := again.Get("bio"); got != "from the other" {
		t.Errorf("the form comes back with %q", got)
	}
	c.submit(path+"/bio", again).leadsTo(path)
	c.get(path).shows("#bio", "from the other")
}

func TestProfileTexts(t *testing.T) {
	long := func(n int) string { return strings.Repeat("é", n) }
	tests := []struct{ name, part, field, value, want string }{
		{"bio", "bio", "bio", long(maxBio), ""},
		{"long bio", "bio", "bio", long(maxBio + 1), "2001 characters"},
		{"bio with a control character", "bio", "bio", "a\x00b", "control character"},
		{"bio that is no text", "bio", "bio", "a\xffb", "not valid text"},
		{"quote", "quote", "quote", long(maxQuote), ""},
		{"long quote", "quote", "quote", long(maxQuote + 1), "301 characters"},
		{"quote of many lines", "quote", "quote", strings.Repeat("a\r\n", maxQuoteLines) + "a", "8 lines"},
		{"quote of a few lines", "quote", "quote", strings.Repeat("a\r\n", maxQuoteLines-1) + "a", ""},
		{"quote that cannot be seen", "quote", "quote", "\u200b", "Write what was said"},
		{"quote that is no text", "quote", "quote", "a\xffb", "not valid text"},
		{"name without a quote", "quote", "quote_by", "Nobody", "Write what was said"},
		{"long name", "quote", "quote_by", long(maxQuoteBy + 1), "101 characters"},
		{"name of two lines", "quote", "quote_by", "a\nb", "one line"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			site := newSite(t)
			c, path := site.as(ada), site.profile(ada)
			form := url.Values{tt.field: {tt.value}}
			if tt.want == "" {
				c.submit(path+"/"+tt.part, form).leadsTo(path)
				return
			}
			a := c.htmx("POST", path+"/"+tt.part, form).status(http.StatusUnprocessableEntity)
			if got := text(a.one("form")); !strings.Contains(got, tt.want) {
				t.Errorf("the form says %q, want %q", got, tt.want)
			}
			if got, want := a.fields("form").Get(tt.field), strings.ToValidUTF8(tt.value, "�"); want != "a\x00b" && got != cleanTitle(want) {
				t.Errorf("the form holds %q", got)
			}
			if n := len(a.all("[autofocus]")); n != 1 {
				t.Errorf("%d fields get the focus", n)
			}
			c.submit(path+"/"+tt.part, form).status(http.StatusUnprocessableEntity).shows("h1", "Your "+tt.part)
			c.get(path).lacks("figure").lacks("#bio .prose")
		})
	}
}

func TestQuote(t *testing.T) {
	site := newSite(t)
	c, path := site.as(ada), site.profile(ada)
	c.get(path).shows("#edit-quote", "Set a quote").lacks("figure")
	c.get(path + "/quote").status(http.StatusOK).lacks("#quote-remove")
	steps := []struct {
		form             url.Values
		said, text, name string
	}{
		{url.Values{"quote": {" First "}, "quote_by": {"Somebody"}}, "saved", "First", "Somebody"},
		{url.Values{"quote": {"Second\r\nline"}}, "saved", "Second line", ""},
		{url.Values{"quote": {"Third"}, "quote_by": {"Somebody"}, "remove": {"true"}}, "removed", "", ""},
		{url.Values{"quote": {"Fourth"}, "quote_by": {"Somebody"}}, "saved", "Fourth", "Somebody"},
		{url.Values{"quote": {" "}, "quote_by": {" "}}, "removed", "", ""},
	}
	for _, step := range steps {
		a := c.htmx("POST", path+"/quote", step.form).status(http.StatusOK).shows("hx-partial", step.said)
		a.one(map[string]string{"saved": "#edit-quote[autofocus]", "removed": "#undo-quote[autofocus]"}[step.said])
		for _, shown := range []*answer{a, c.get(path), c.htmx("GET", path+"?part=quote", nil)} {
			if step.text == "" {
				shown.lacks("figure")
				continue
			}
			if got := text(shown.one("figure")); got != strings.TrimSpace(step.text+step.name) {
				t.Errorf("after %v the quote is %q", step.form, got)
			}
		}
	}
}

// A quote that is removed comes back as it was.
func TestUndoOfAQuote(t *testing.T) {
	site := newSite(t)
	site.introduce(ada, "", "One <b>\"line\"\n  and another", "Somebody & Co.")
	c, path := site.as(ada), site.profile(ada)
	before := text(c.get(path).one("figure"))
	offer := c.htmx("POST", path+"/quote", url.Values{"remove": {"true"}})
	undo := url.Values{}
	for _, field := range offer.all("input[type=hidden]") {
		undo.Set(attr(field, "name"), attr(field, "value"))
	}
	c.htmx("POST", attr(offer.one("form"), "action"), undo).status(http.StatusOK)
	if after := text(c.get(path).one("figure")); after != before {
		t.Errorf("the quote is %q, was %q", after, before)
	}
	c.htmx("POST", path+"/quote", url.Values{"remove": {"true"}})
	c.htmx("POST", path+"/quote", url.Values{"remove": {"true"}}).lacks("#undo-quote").one("#edit-quote[autofocus]")
}

func TestHostileProfile(t *testing.T) {
	site := newSite(t)
	site.introduce(ada, hostile+"\n\n[a](javascript:evil())", hostile, hostile[:maxQuoteBy])
	site.post(ada, "Hello", "", true)
	dbtest.Exec(t, site.db, "UPDATE users SET name = ?, username = ? WHERE clerk_id = ?", hostile, hostile, ada)
	path := site.profile(ada)
	for _, c := range []*client{site.guest(), site.as(ada), site.as(admin)} {
		c.get(path).status(http.StatusOK).harmless().shows("h1", hostile).shows("blockquote", hostile).shows("#bio", "evil()")
	}
	c := site.as(ada)
	for _, part := range []string{"/bio", "/quote"} {
		c.get(path + part).status(http.StatusOK).harmless()
		c.htmx("POST", path+part, url.Values{"bio": {strings.Repeat(hostile, 20)}, "quote": {strings.Repeat(hostile, 20)}}).status(http.StatusUnprocessableEntity).harmless()
	}
	c.get("/settings/delete").status(http.StatusOK).harmless()
	c.submit("/settings/delete", url.Values{"word": {hostile}}).status(http.StatusUnprocessableEntity).harmless()
}

// What was typed is not lost when it cannot be saved.
func TestProfileFormsComeBack(t *testing.T) {
	site := newSite(t)
	c, path := site.as(ada), site.profile(ada)
	forms := map[string]url.Values{"/bio": {"bio": {"Typed"}}, "/quote": {"quote": {"Typed"}, "quote_by": {"Me"}}}
	if err := os.Rename(site.db.Path(), site.db.Path()+".moved"); err != nil {
		t.Fatal(err)
	}
	for part, form := range forms {
		c.submit(path+part, form).status(http.StatusServiceUnavailable).shows("form textarea", "Typed").shows("form .problem", "cannot be saved")
		c.htmx("POST", path+part, form).status(http.StatusServiceUnavailable).shows(".notice-problem", "cannot be saved").lacks("form")
	}
	if err := os.Rename(site.db.Path()+".moved", site.db.Path()); err != nil {
		t.Fatal(err)
	}
	site.pass(tokenLife)
	for part, form := range forms {
		c.submit(path+part, form).status(http.StatusUnauthorized).shows("main form textarea", "Typed").shows("h1", "ran out")
	}
}

func TestUpkeepRendersBiosAnew(t *testing.T) {
	site := newSite(t)
	site.introduce(ada, "some *words*", "", "")
	dbtest.Exec(t, site.db, "UPDATE profiles SET bio_html = 'old', render_version = 0")
	site.upkeep(t.Context())
	site.guest().get(site.profile(ada)).shows("#bio em", "words")
}
