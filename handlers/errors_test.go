package handlers

import (
	"slices"
	"testing"
)

// A page of refusal leads on to where its reader can do something.
func TestRefusalsLeadOn(t *testing.T) {
	site := newSite(t)
	site.post(ada, "Hello", "", true)
	broken := newSite(t)
	breakPosts(broken)
	tests := []struct {
		name   string
		answer *answer
		want   []string
	}{
		{"not found", site.guest().get("/nowhere"), []string{"/"}},
		{"of somebody else", site.as(grace).get("/posts/1/edit"), []string{"/posts/1", "/"}},
		{"of oneself", site.as(ada).get("/posts/1/report"), []string{"/posts/1", "/"}},
		{"not for everybody", site.as(ada).get("/moderation"), []string{"/"}},
		{"from another site", site.as(ada).send("POST", "/posts/1", "", "Sec-Fetch-Site", "cross-site", "Accept", "text/html"), []string{"/"}},
		{"a handshake that would lead in a circle", site.guest().get("/?__clerk_handshake=bad"), nil},
		{"our mistake", broken.guest().get("/?before="), []string{"/?before="}},
		{"our mistake in a form", broken.as(ada).send("POST", "/posts/1/delete", "", "Sec-Fetch-Site", "same-origin"), []string{"/"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := attrs(tt.answer.all("main .links a"), "href"); !slices.Equal(got, tt.want) {
				t.Errorf("the page with %d leads to %q, want %q", tt.answer.StatusCode, got, tt.want)
			}
		})
	}
}
