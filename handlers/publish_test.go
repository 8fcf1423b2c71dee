package handlers

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"inkwell/clerk"
	"inkwell/db"
)

// update changes a user at Clerk, of which no event comes.
func (s *testSite) update(clerkID string, edit func(*clerk.User)) {
	s.t.Helper()
	if _, err := s.clerk.UpdateUser(clerkID, edit); err != nil {
		s.t.Fatal(err)
	}
}

// The comparison with Clerk ends the streams of whose rights it changes, and of
// nobody else.
func TestSyncEndsStreamsWithRights(t *testing.T) {
	tests := []struct {
		name string
		edit func(*clerk.User)
		want bool
	}{
		{"another role", func(u *clerk.User) { u.Role = db.RoleModerator }, true},
		{"banned", func(u *clerk.User) { u.Banned = true }, true},
		{"another name", func(u *clerk.User) { u.FirstName = new("Other") }, false},
		{"nothing", func(*clerk.User) {}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			site := newSiteWith(t, production)
			server := site.serveLive()
			own, other := site.as(grace).listen(server, site.here()), site.as(moderator).listen(server, site.here())
			site.update(grace, tt.edit)
			if _, err := site.SyncUsers(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			site.publishedPost(ada, "After")
			other.until("After")
			if tt.want {
				own.ends()
			} else {
				own.until("After")
			}
		})
	}
}

// Whatever tells of a new name, open pages show it at once; those who read it are
// told nothing else. Who is not known to have changed is not shown anew.
func TestNewNamesAreSeen(t *testing.T) {
	rename := func(site *testSite) { site.update(ada, func(u *clerk.User) { u.FirstName = new("Augusta") }) }
	tests := []struct {
		name   string
		happen func(*testSite)
		want   bool
	}{
		{"webhook", func(s *testSite) {
			s.deliver(delivery{id: "msg_1", body: userEvent("user.updated", ada, "Augusta", time.Now().UnixMilli()+1)}).status(http.StatusOK)
		}, true},
		{"webhook of what is known", func(s *testSite) {
			s.deliver(delivery{id: "msg_1", body: userEvent("user.updated", ada, "Augusta", 1)}).status(http.StatusOK)
		}, false},
		{"account page", func(s *testSite) {
			c := s.as(ada)
			rename(s)
			c.htmx("POST", "/account", nil).status(http.StatusOK)
		}, true},
		{"comparison", func(s *testSite) {
			rename(s)
			if _, err := s.SyncUsers(s.t.Context(), nil); err != nil {
				s.t.Fatal(err)
			}
		}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			site := newSiteWith(t, production)
			server := site.serveLive()
			post := site.post(ada, "First", "", true)
			feed, page := site.guest().listen(server, site.here()), site.as(grace).listen(server, site.page(post))
			tt.happen(site)
			site.publishPost(post.ID, true, true)
			for _, seen := range []string{feed.until("<h2"), page.until("<h1")} {
				byline, _, _ := strings.Cut(seen, "</hx-partial>")
				if got := strings.Contains(byline, fmt.Sprintf(`hx-target=".author[href='/users/%d']"`, post.AuthorID)) && strings.Contains(byline, "Augusta"); got != tt.want {
					t.Errorf("the new name is told by itself: %t, want %t:\n%s", got, tt.want, seen)
				}
			}
		})
	}
}

// Of many new names open pages are told a few, so that they do not fall behind.
func TestManyNewNames(t *testing.T) {
	site := newSiteWith(t, production)
	users, err := site.clerk.CreateUsers(3 * maxPublishedNames)
	if err != nil {
		t.Fatal(err)
	}
	compare := func() {
		t.Helper()
		if _, err := site.SyncUsers(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	}
	compare()
	for _, user := range users {
		site.update(user.ID, func(u *clerk.User) { u.FirstName = new("Other") })
	}
	heard, _ := site.hub.Subscribe(site.hub.Last())
	compare()
	if changes, err := heard.Take(); err != nil || len(changes) != maxPublishedNames {
		t.Errorf("%d changes, %v; want %d", len(changes), err, maxPublishedNames)
	}
}

// The votes of a deleted user go from open pages with them.
func TestVotesOfDeletedUserGo(t *testing.T) {
	site := newSite(t)
	server := site.serveLive()
	post, ids := site.poll(grace, "Poll", true, "Red", "Green")
	other := site.publishedPost(grace, "No poll")
	site.as(ada).htmx("POST", "/posts/1/vote", ballot(ids[0])).status(http.StatusOK)
	author, bare := site.as(grace).listen(server, site.page(post)), site.guest().listen(server, site.page(other))
	author.until("1 vote<")
	site.deliver(deletionOf(ada)).status(http.StatusOK)
	if seen := author.until("0 votes"); strings.Contains(seen, "post-gone") {
		t.Errorf("the author sees %s", seen)
	}
	site.publishPost(other.ID, true, true)
	if seen, _ := bare.next(); !strings.Contains(seen, "No poll") {
		t.Errorf("a page without a poll is told %s", seen)
	}
}

// What is stored is told, also when who asked for it has gone meanwhile.
func TestRightsAreToldToTheEnd(t *testing.T) {
	site := newSite(t)
	user := site.user(ada)
	heard, _ := site.hub.Subscribe(site.hub.Last())
	ctx, leave := context.WithCancel(t.Context())
	err := site.publishingUsers(ctx, []string{ada}, func() error {
		_, err := site.db.SaveUser(ctx, db.UserData{ClerkID: ada, Banned: true, UpdatedAt: user.ClerkUpdatedAt + 1})
		leave()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if changes, err := heard.Take(); err != nil || len(changes) == 0 || changes[0].kind != rightsChanged {
		t.Errorf("open pages hear of %d changes, %v; want the ban first", len(changes), err)
	}
}
