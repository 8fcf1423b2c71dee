package handlers

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"inkwell/db/dbtest"
)

func TestViewCounter(t *testing.T) {
	day := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	type step struct {
		reading
		at time.Time
	}
	tests := []struct {
		name  string
		steps []step
		want  map[int64]int64
	}{
		{"once a day", []step{{reading{1, "a"}, day}, {reading{1, "a"}, day.Add(24*time.Hour - 1)}}, map[int64]int64{1: 1}},
		{"again tomorrow", []step{{reading{1, "a"}, day.Add(-1)}, {reading{1, "a"}, day}}, map[int64]int64{1: 2}},
		{"two readers", []step{{reading{1, "a"}, day}, {reading{1, "b"}, day}}, map[int64]int64{1: 2}},
		{"two posts", []step{{reading{1, "a"}, day}, {reading{2, "a"}, day}}, map[int64]int64{1: 1, 2: 1}},
		{"no more than are remembered", []step{{reading{1, "a"}, day}, {reading{1, "b"}, day}, {reading{1, "c"}, day}, {reading{1, "d"}, day}}, map[int64]int64{1: 3}},
		{"room again tomorrow", []step{{reading{1, "a"}, day}, {reading{1, "b"}, day}, {reading{1, "c"}, day}, {reading{1, "d"}, day.Add(24 * time.Hour)}}, map[int64]int64{1: 4}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newViewCounter(3)
			for _, s := range tt.steps {
				c.count(s.reading, s.at)
			}
			if got := c.take(); fmt.Sprint(got) != fmt.Sprint(tt.want) {
				t.Errorf("views are %v, want %v", got, tt.want)
			}
			if got := c.take(); len(got) != 0 {
				t.Errorf("%v are counted twice", got)
			}
		})
	}
}

const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"

func TestWhoIsCounted(t *testing.T) {
	site := newSite(t)
	site.post(ada, "Hello", "", true)
	site.post(ada, "Draft", "", false)
	read := func(c *client, path string, header ...string) func() {
		return func() { c.send("GET", path, "", append([]string{"User-Agent", firefox}, header...)...) }
	}
	const path = "/posts/1/hello"
	guest, member := site.guest(), site.as(grace)
	tests := []struct {
		name string
		read func()
		want int64
	}{
		{"author", read(site.as(ada), path), 0},
		{"head", func() { guest.send("HEAD", path, "", "User-Agent", firefox) }, 0},
		{"fragment", read(guest, path, "HX-Request", "true", "HX-Request-Type", "partial"), 0},
		{"API", read(guest, "/api/posts/1"), 0},
		{"prefetch", read(guest, path, "Sec-Purpose", "prefetch;prerender"), 0},
		{"robot", func() { guest.send("GET", path, "", "User-Agent", "Mozilla/5.0 (compatible; Googlebot/2.1)") }, 0},
		{"robot that does not say so", func() { guest.send("GET", path, "", "User-Agent", "Mozilla/5.0 (compatible; GoogleOther)") }, 0},
		{"browser that nobody sees", func() { guest.send("GET", path, "", "User-Agent", "Mozilla/5.0 (X11) HeadlessChrome/142.0.0.0") }, 0},
		{"program", func() { guest.send("GET", path, "", "User-Agent", "curl/8.5") }, 0},
		{"says nothing of itself", func() { guest.send("GET", path, "") }, 0},
		{"on the way to it", read(guest, "/posts/1/hullo"), 0},
		{"draft", read(site.as(ada), "/posts/2"), 0},
		{"guest", read(guest, path), 1},
		{"guest again", read(site.guest(), path), 1},
		{"guest with another browser", func() { guest.send("GET", path, "", "User-Agent", "Mozilla/5.0 (iPhone)") }, 2},
		{"member", read(member, path), 3},
		{"member elsewhere", func() { site.as(grace).send("GET", path, "", "User-Agent", "Mozilla/5.0 (iPad)") }, 3},
		{"moderator", read(site.as(moderator), path), 4},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.read()
			site.writeViews(t.Context())
			row, err := site.db.GetPost(t.Context(), 1)
			if err != nil || row.Post.Views != tt.want {
				t.Errorf("there are %d views (%v), want %d", row.Post.Views, err, tt.want)
			}
		})
	}
	for _, c := range []*client{site.as(ada), site.as(moderator)} {
		c.get(path).shows(".actions .views", "4 views")
		c.get("/").shows(".actions .views", "4 views")
	}
	for _, c := range []*client{guest, member} {
		c.get(path).status(http.StatusOK).lacks(".views")
		c.get("/").lacks(".views")
	}
}

// Looking at pages writes nothing; what was counted is written at the end, and
// when the database fails, later.
func TestViewsAreWrittenTogether(t *testing.T) {
	site := newSite(t)
	for i := range 3 {
		site.post(ada, fmt.Sprint("Post ", i), "", true)
	}
	views := func() (views string) {
		for id := range int64(3) {
			row, err := site.db.GetPost(t.Context(), id+1)
			if err != nil {
				t.Fatal(err)
			}
			views += fmt.Sprint(row.Post.Views, " ")
		}
		return views
	}
	var readers sync.WaitGroup
	for i := range 60 {
		readers.Go(func() {
			path := fmt.Sprintf("/posts/%[1]d/post-%[2]d", 1+i%3, i%3)
			site.guest().send("GET", path, "", "User-Agent", fmt.Sprint(firefox, i/3)).status(http.StatusOK)
		})
	}
	readers.Wait()
	if got := views(); got != "0 0 0 " {
		t.Errorf("the views %s were written for pages", got)
	}
	breakPosts(site)
	site.writeViews(t.Context())
	dbtest.Exec(t, site.db, "ALTER TABLE broken RENAME TO posts")
	site.Close()
	if got := views(); got != "20 20 20 " {
		t.Errorf("the views are %s, want 20 of each", got)
	}
}
