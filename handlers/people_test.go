package handlers

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"inkwell/db"
)

// people is the names on a page of the directory.
func (a *answer) people() string {
	a.t.Helper()
	return strings.Join(texts(a.all(".person h2 a")), ", ")
}

func TestPeople(t *testing.T) {
	site := newSite(t)
	site.post(ada, "One", "", true)
	site.post(ada, "Two", "", true)
	site.post(ada, "A draft", "", false)
	username, odd := "zoé", "odd"
	users := []db.UserData{
		{ClerkID: "user_zoe", Username: &username, CreatedAt: db.Time(1_600_000_000_000)}, // called by their username
		{ClerkID: "user_none"}, // whom Clerk has not told us about
		{ClerkID: "user_banned", Name: "Banned Bob", Banned: true},
		{ClerkID: "user_out", Name: "Out Olga", Deprovisioned: true},
		{ClerkID: "user_gone", Name: "Gone Gwen"},
		{ClerkID: "user_upper", Name: "  ÉMILE   Zola ", Username: &odd},
	}
	for _, user := range users {
		user.UpdatedAt = 1
		if _, err := site.db.SaveUser(t.Context(), user); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := site.db.ApplyEvent(t.Context(), db.Event{SvixID: "msg_1", Type: "user.deleted", At: 2, DeletedClerkID: "user_gone"}); err != nil {
		t.Fatal(err)
	}
	site.guest().get("/users").lacks("#people .links")
	site.guest().get("/users?q=Bob").one("#offer-posts[href='/search?q=Bob']")
	site.guest().get("/users?q=Bob").one("#offer-everybody[href='/users']")
	tests := []struct{ q, want, wantSaid string }{
		{"", "Ada Lovelace, Alan Turing, ÉMILE Zola, Grace Hopper, Katherine Johnson, Margaret Hamilton, zoé", "7 people."},
		{"LOVE", "Ada Lovelace", "1 person."},
		{"a lo", "Ada Lovelace", "1 person."},
		{"emile", "ÉMILE Zola", "1 person."},
		{"@odd", "ÉMILE Zola", "1 person."},
		{"Zoe", "zoé", "1 person."},
		{"ada@example.com", "", "Nobody is called that."},
		{"Bob", "", "Nobody is called that."},
		{"Olga", "", "Nobody is called that."},
		{"Gwen", "", "Nobody is called that."},
		{"New member", "", "Nobody is called that."},
		{"%", "", "Nobody is called that."},
	}
	for _, tt := range tests {
		t.Run(tt.q, func(t *testing.T) {
			query := "?q=" + url.QueryEscape(tt.q)
			a := site.guest().get("/users"+query).status(http.StatusOK).shows(".found-count", tt.wantSaid)
			if got := a.people(); got != tt.want {
				t.Errorf("/users%s has %q, want %q", query, got, tt.want)
			}
			site.guest().htmx("GET", "/users"+query, nil).status(http.StatusOK).shows("hx-partial[hx-target='#status']", tt.wantSaid)
		})
	}
	a := site.as(grace).get("/users").status(http.StatusOK)
	a.shows(fmt.Sprintf("#person-%d p", site.user(ada).ID), "@ada · 2 posts")
	a.shows(fmt.Sprintf("#person-%d p", site.user("user_zoe").ID), "0 posts · member since 13 September 2020")
	a.shows(fmt.Sprintf("#person-%d .badge", site.user(admin).ID), "Administrator")
	if strings.Contains(a.body, "@example.com") {
		t.Error("the directory shows an e-mail address")
	}
}

// All pages together hold everybody once, also those of the same name.
func TestPeoplePages(t *testing.T) {
	site := newSite(t)
	for i := range 2*peoplePageSize + 3 {
		user := db.UserData{ClerkID: fmt.Sprint("user_", i), Name: fmt.Sprintf("Äda %d-0", i/50), UpdatedAt: 1}
		if _, err := site.db.SaveUser(t.Context(), user); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[string]bool{}
	c, next, pages := site.guest(), "/users?q=%C3%A4da", 0
	for next != "" {
		a := c.htmx("GET", next, nil).status(http.StatusOK)
		for _, person := range a.all(".person") {
			if id := attr(person, "id"); seen[id] {
				t.Errorf("%s is there twice", id)
			}
			seen[attr(person, "id")] = true
		}
		next = ""
		if links := a.all("#load-more"); len(links) > 0 {
			next = attr(links[0], "href")
		}
		pages++
	}
	if want := 2*peoplePageSize + 4; len(seen) != want || pages != 3 { // and Ada Lovelace
		t.Errorf("%d pages hold %d people, want 3 with %d", pages, len(seen), want)
	}
	for _, after := range []string{"x", "0-ada", "1-", "-1-ada", "zzzzzzzzzzzzzzzz-a"} {
		c.get("/users?after=" + after).status(http.StatusBadRequest)
	}
}
