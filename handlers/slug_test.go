package handlers

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"inkwell/db"
)

func TestSlug(t *testing.T) {
	tests := []struct{ name, title, want string }{
		{"words", "Hello, World!", "hello-world"},
		{"accents", "Ça va? Über Ångström, naïve Łódź", "ca-va-uber-angstrom-naive-lodz"},
		{"accents apart", "Cafe\u0301 x\u0304", "cafe-x"},
		{"letters of their own", "Straße, Ærø, þing, İstanbul, ıslak", "strasse-aero-thing-istanbul-islak"},
		{"apostrophes", "Don't, don’t", "dont-dont"},
		{"digits", "2001: 1½ · x² · ٣", "2001-11-2-x2-٣"},
		{"Cyrillic", "Привет, Йод", "привет-йод"},
		{"Greek", "Καλημέρα Κόσμος", "καλημέρα-κόσμος"},
		{"Japanese", "がんばれ、日本", "がんばれ-日本"},
		{"Devanagari", "नमस्ते दुनिया", "नमस्ते-दुनिया"},
		{"Hebrew with points", "שָׁלוֹם", "שָׁלוֹם"},
		{"wide letters", "Ｗｉｄｅ", "wide"},
		{"hyphens", " --a -- b- ", "a-b"},
		{"path", "../../etc/passwd?x=1#y%2e", "etc-passwd-x-1-y-2e"},
		{"direction and line marks", "a\u202eb\u2066c\u2028d\u00ade", "abc-de"},
		{"mark alone", "\u0301 \u0e31", ""},
		{"nothing to read", "🎉 … !", ""},
		{"untitled", "", ""},
		{"what edits", "Edit!", "edit-post"},
		{"what edits and more", "Edit this", "edit-this"},
		{"not UTF-8", "a\xffb", "a-b"},
		{"long", strings.Repeat("word ", 40), strings.Repeat("word-", 15) + "word"},
		{"long word", strings.Repeat("日", 200), strings.Repeat("日", 26)},
		{"long word after a short one", "a " + strings.Repeat("b", 200), "a"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := slug(tt.title); got != tt.want {
				t.Errorf("slug(%q) = %q, want %q", tt.title, got, tt.want)
			}
		})
	}
}

// FuzzSlug makes sure that whatever a title is, its address is that of the
// post and leads nowhere else.
func FuzzSlug(f *testing.F) {
	f.Add("Hello, World!")
	f.Add("..\\/%2f\u202e")
	f.Fuzz(func(t *testing.T, title string) {
		got := slug(title)
		switch {
		case len(got) > maxSlug+len("-post"), !utf8.ValidString(got):
			t.Errorf("slug(%q) = %q", title, got)
		case strings.ContainsAny(got, "/\\?#%. \"'<>&"), strings.HasPrefix(got, "-"), strings.HasSuffix(got, "-"), strings.Contains(got, "--"):
			t.Errorf("slug(%q) = %q", title, got)
		}
		u, err := url.Parse(postPath(17, title))
		if err != nil || strings.TrimSuffix("/posts/17/"+got, "/") != u.Path {
			t.Errorf("the path of %q is %q", title, postPath(17, title))
		}
	})
}

// What a route does must not look like the title of a post.
func TestNoSlugIsARoute(t *testing.T) {
	for _, route := range newSite(t).routes() {
		_, path, _ := strings.Cut(route.pattern, " ")
		parts := strings.Split(path, "/")
		if len(parts) < 4 || parts[1] != "posts" || parts[2] != "{id}" || parts[3] == "{slug}" {
			continue
		}
		if slug(parts[3]) == parts[3] {
			t.Errorf("%s is what a post with the title %q has as its address: add it to ownWords", route.pattern, parts[3])
		}
	}
}

func TestPermalink(t *testing.T) {
	site := newSite(t)
	site.post(ada, "Größe & Maß", "", true)
	site.post(ada, "Draft", "", false)
	site.post(ada, "🎉", "", true)
	site.post(ada, "Edit", "", true)
	site.post(ada, "Привет", "", true)
	guest, author := site.guest(), site.as(ada)
	tests := []struct {
		name string
		c    *client
		path string
		want string // where it leads; "": it is the page
	}{
		{"no slug", guest, "/posts/1", ""},
		{"the slug", guest, "/posts/1/grosse-mass", ""},
		{"wrong slug", guest, "/posts/1/groesse", "/posts/1/grosse-mass"},
		{"route that is no page", guest, "/posts/1/restore", "/posts/1/grosse-mass"},
		{"hostile slug", guest, "/posts/1/%2f%2fevil.example%0d%0aX:%20y", "/posts/1/grosse-mass"},
		{"query is kept", guest, "/posts/1/x?a=b&c=%2F", "/posts/1/grosse-mass?a=b&c=%2F"},
		{"Clerk's query is not", guest, "/posts/1/x?__clerk_synced=false&a=b", "/posts/1/grosse-mass?a=b"},
		{"query at the slug", guest, "/posts/1/grosse-mass?a=b", ""},
		{"another's address", guest, "/posts/4/grosse-mass", "/posts/4/edit-post"},
		{"a slug that would be a route", guest, "/posts/4/edit-post", ""},
		{"nothing to read in the title", guest, "/posts/3/x", "/posts/3"},
		{"nothing to read, right", guest, "/posts/3", ""},
		{"other scripts", guest, "/posts/5/x", "/posts/5/%D0%BF%D1%80%D0%B8%D0%B2%D0%B5%D1%82"},
		{"other scripts, right", guest, "/posts/5/%d0%bf%d1%80%d0%b8%d0%b2%d0%b5%d1%82", ""},
		{"draft", author, "/posts/2", ""},
		{"draft with a slug", author, "/posts/2/draft", "/posts/2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := tt.c.get(tt.path)
			if tt.want == "" {
				a.status(http.StatusOK)
				return
			}
			a.status(http.StatusMovedPermanently).notKept()
			if got := a.Header.Get("Location"); got != tt.want {
				t.Errorf("%s leads to %q, want %q", tt.path, got, tt.want)
			}
			tt.c.get(tt.want).status(http.StatusOK)
		})
	}
	for _, path := range []string{"/posts/2", "/posts/2/draft", "/posts/9/x", "/posts/01/x", "/posts/x/y"} {
		guest.get(path).status(http.StatusNotFound)
	}
	guest.htmx("GET", "/posts/1/old", nil).status(http.StatusOK).shows("h1", "Größe")
	guest.htmx("GET", "/posts/1", nil).status(http.StatusOK)
}

// A title may change and change back: each address leads to the one there is.
func TestPermalinkSurvivesAChangedTitle(t *testing.T) {
	site := newSite(t)
	post, guest := site.post(ada, "First", "", true), site.guest()
	for _, title := range []string{"Second", "First"} {
		if _, err := site.db.UpdatePost(t.Context(), db.UpdatePostParams{ID: post.ID, Title: &title}); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{"/posts/1", "/posts/1/first", "/posts/1/second"} {
			guest.read(path).status(http.StatusOK).at(postPath(1, "")).shows("h1", title)
		}
		guest.get(postPath(1, title)).status(http.StatusOK)
		guest.get("/").status(http.StatusOK).one(`.post-item a[href="` + postPath(1, title) + `"]`)
	}
}

// read goes to a page, and on to where it is: that of a post has its title in
// its address.
func (c *client) read(path string) *answer {
	c.site.t.Helper()
	return c.follow(c.get(path))
}

// withoutSlug takes the title out of the address of a post.
func withoutSlug(path string) string {
	parts := strings.Split(path, "/")
	if len(parts) == 4 && parts[1] == "posts" && !slices.Contains(ownWords, parts[3]) {
		return strings.Join(parts[:3], "/")
	}
	return path
}

// A post that takes the place of its form has its own address there. In a list
// the address stays.
func TestAddressOfAPostInPlace(t *testing.T) {
	site := newSite(t)
	site.post(ada, "Hello, World!", "", true)
	for view, want := range map[string]string{viewPage: "/posts/1/hello-world", viewItem: ""} {
		a := site.as(ada).htmx("GET", "/posts/1?view="+view, nil).status(http.StatusOK)
		if got := a.Header.Get("HX-Replace-Url"); got != want {
			t.Errorf("as %s the address becomes %q, want %q", view, got, want)
		}
	}
}
