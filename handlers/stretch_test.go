package handlers

import (
	"fmt"
	"net/http"
	"testing"
)

// Who had loaded more of a list, and comes back to it, finds all of that again.
func TestListIsShownThrough(t *testing.T) {
	site := newSite(t)
	for i := range 3*pageSize + 5 {
		site.post(ada, fmt.Sprintf("Post %d", i), "", true)
		site.post(ada, fmt.Sprintf("Draft %d", i), "", false)
	}
	c := site.as(ada)
	for _, path := range []string{"/", "/drafts", site.profile(ada)} {
		t.Run(path, func(t *testing.T) {
			first := c.get(path)
			more := func(a *answer, name string) string { return attr(a.one("#load-more"), name) }
			second := c.htmx("GET", more(first, "href"), nil)
			for i, stay := range []string{more(first, "hx-replace-url"), more(second, "hx-replace-url")} {
				a := c.get(stay).status(http.StatusOK)
				if n, want := len(a.all(".post-item")), (i+2)*pageSize; n != want {
					t.Errorf("%s has %d posts, want %d", stay, n, want)
				}
			}
			if got, want := more(c.get(more(first, "hx-replace-url")), "href"), more(second, "href"); got != want {
				t.Errorf("it goes on at %s, want %s", got, want)
			}
			site.post(ada, "New "+path, "", true)
			site.post(ada, "New draft "+path, "", false)
			if n := len(c.get(more(first, "hx-replace-url")).all(".post-item")); n != 2*pageSize+1 {
				t.Errorf("after a new post there are %d, want %d", n, 2*pageSize+1)
			}
			c.get(path + "?through=nonsense").status(http.StatusBadRequest)
		})
	}
}

// A list has an end to what it shows at once, also where the last place is
// behind all.
func TestListIsShownThroughTheEnd(t *testing.T) {
	site := newSite(t)
	for i := range pageSize + 5 {
		site.post(ada, fmt.Sprintf("Post %d", i), "", true)
	}
	a := site.guest().get("/?through=0-1").shows("#more", "That is all there is.")
	if n := len(a.all(".post-item")); n != pageSize+5 {
		t.Errorf("there are %d posts, want all", n)
	}
	rows := make([]int64, maxStretch+1)
	for i := range rows {
		rows[i] = int64(len(rows) - i)
	}
	place := func(id int64) cursor { return cursor{1, id} }
	shown, next := nextStretch(rows, stretch{through: cursor{1, 1}, size: pageSize}, place)
	if len(shown) != maxStretch || next == nil || *next != (cursor{1, 2}) {
		t.Errorf("%d rows are shown, then %v, want %d and the last of them", len(shown), next, maxStretch)
	}
}
