package handlers

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// Numbers are checked, ASVS 1.4.2.
func TestAPIListParameters(t *testing.T) {
	tests := []struct {
		query     string
		wantPosts int // 0: the answer is 400
	}{
		{"", 20},
		{"?limit=1", 1},
		{"?limit=100", 23},
		{"?limit=2&limit=3", 2},
		{"?before=", 20}, // the first page
		{"?limit=0", 0},
		{"?limit=101", 0},
		{"?limit=-1", 0},
		{"?limit=99999999999999999999", 0},
		{"?limit=", 0},
		{"?limit=ten", 0},
		{"?limit=1.5", 0},
		{"?limit=%00", 0},
		{"?before=%00", 0},
		{"?before=1", 0},
		{"?before=-", 0},
		{"?before=1--1", 0},
		{"?before=1-0", 0},
		{"?before=01-1", 0},
		{"?before=1-1-1", 0},
		{"?before=zzzzzzzzzzzzzz-1", 0},
		{"?before=%27%20OR%201=1--", 0}, // ASVS 1.2.4
		{"?before=" + strings.Repeat("1", 10_000), 0},
	}
	site := newSite(t)
	for i := range 23 {
		site.post(ada, fmt.Sprint("Post ", i), "", true)
	}
	for _, tt := range tests {
		t.Run(tt.query[:min(40, len(tt.query))], func(t *testing.T) {
			a := site.guest().api("GET", "/api/posts"+tt.query, "")
			if tt.wantPosts == 0 {
				a.problem(http.StatusBadRequest, "")
				return
			}
			if got := len(decode[apiPosts](a.status(http.StatusOK)).Posts); got != tt.wantPosts {
				t.Errorf("GET /api/posts%s lists %d posts, want %d", tt.query, got, tt.wantPosts)
			}
		})
	}
}

func TestAPIPages(t *testing.T) {
	site := newSite(t)
	for i := range 7 {
		site.post(ada, fmt.Sprint("Post ", 7-i), "", true)
	}
	path, titles := "/api/posts?limit=3", []string{}
	for range 3 {
		page := decode[apiPosts](site.guest().api("GET", path, "").status(http.StatusOK))
		for _, post := range page.Posts {
			titles = append(titles, post.Title)
		}
		if page.Next == nil {
			break
		}
		path = "/api/posts?limit=3&before=" + *page.Next
	}
	if got, want := strings.Join(titles, ","), "Post 1,Post 2,Post 3,Post 4,Post 5,Post 6,Post 7"; got != want {
		t.Errorf("the pages list %s, want %s", got, want)
	}
	if all := decode[apiPosts](site.guest().api("GET", "/api/posts?limit=7", "")); len(all.Posts) != 7 || all.Next != nil {
		t.Errorf("after the last of %d posts comes %v, want nothing", len(all.Posts), all.Next)
	}
	empty := newSite(t).guest().api("GET", "/api/posts", "").status(http.StatusOK)
	if got := strings.TrimSpace(empty.body); got != `{"posts":[],"next":null}` {
		t.Errorf("no posts are %s", got)
	}
}

func TestAPIDrafts(t *testing.T) {
	site := newSite(t)
	for i := range 5 {
		site.post(ada, "", fmt.Sprint("Idea ", i), false)
	}
	site.post(ada, "Published", "", true)
	site.post(grace, "Another's", "", false)
	c, path, contents := site.as(ada), "/api/drafts?limit=2", []string{}
	for range 3 {
		page := decode[apiPosts](c.api("GET", path, "").status(http.StatusOK))
		for _, post := range page.Posts {
			contents = append(contents, post.Content)
			if post.Published || post.Author.Name != "Ada Lovelace" {
				t.Errorf("among the drafts is %+v", post)
			}
		}
		if page.Next == nil {
			break
		}
		path = "/api/drafts?limit=2&before=" + *page.Next
	}
	if got, want := strings.Join(contents, ","), "Idea 4,Idea 3,Idea 2,Idea 1,Idea 0"; got != want {
		t.Errorf("the drafts are %s, want %s", got, want)
	}
	c.api("GET", "/api/drafts?limit=0", "").problem(http.StatusBadRequest, "limit")
	c.api("GET", "/api/drafts?before=x", "").problem(http.StatusBadRequest, "place")
	site.guest().api("GET", "/api/drafts", "").problem(http.StatusUnauthorized, "sign in")
}

func TestAPIPostsOfAnAuthor(t *testing.T) {
	site := newSite(t)
	for i := range 3 {
		site.post(ada, fmt.Sprint("Ada's ", i), "Text", true)
		site.post(grace, fmt.Sprint("Grace's ", i), "Text", true)
	}
	site.post(ada, "Draft", "", false)
	path := fmt.Sprint("/api/posts?limit=2&author=", site.user(ada).ID)
	first := decode[apiPosts](site.as(ada).api("GET", path, "").status(http.StatusOK))
	if got := apiTitles(first.Posts); got != "Ada's 2,Ada's 1" || first.Next == nil || first.Posts[0].Content != "Text" {
		t.Fatalf("the first page is %s, the next %v", got, first.Next)
	}
	last := decode[apiPosts](site.guest().api("GET", path+"&before="+*first.Next, "").status(http.StatusOK))
	if got := apiTitles(last.Posts); got != "Ada's 0" || last.Next != nil {
		t.Errorf("the last page is %s, the next %v", got, last.Next)
	}
	none := site.guest().api("GET", fmt.Sprint("/api/posts?author=", site.user(admin).ID), "").status(http.StatusOK)
	if got := strings.TrimSpace(none.body); got != `{"posts":[],"next":null}` {
		t.Errorf("no posts are %s", got)
	}
	for _, author := range []string{"99", "0", "-1", "x", "1.0", "99999999999999999999"} {
		site.guest().api("GET", "/api/posts?author="+author, "").problem(http.StatusNotFound, "nothing here")
	}
}

// A post that a moderator has hidden is among the drafts of its author, with
// the reason.
func TestAPIHiddenPost(t *testing.T) {
	site := newSite(t)
	post := site.post(ada, "Hidden", "", true)
	site.hide(post.ID, "Not here.")
	for _, who := range []string{ada, moderator} {
		got := decode[apiPost](site.as(who).api("GET", "/api/posts/1", "").status(http.StatusOK))
		if got.Hidden == nil || got.Hidden.Reason != "Not here." || got.Published {
			t.Errorf("%s finds %+v", who, got)
		}
	}
	drafts := decode[apiPosts](site.as(ada).api("GET", "/api/drafts", "").status(http.StatusOK))
	if len(drafts.Posts) != 1 || drafts.Posts[0].Hidden == nil {
		t.Errorf("the drafts are %+v", drafts.Posts)
	}
	site.as(ada).api("PATCH", "/api/posts/1", `{"published":true}`).problem(http.StatusConflict, "hidden")
	site.as(grace).api("GET", "/api/posts/1", "").problem(http.StatusNotFound, "nothing here")
}
