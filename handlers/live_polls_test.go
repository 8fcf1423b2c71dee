package handlers

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unsafe"

	"inkwell/db"
)

// Each reader sees the votes, if results are for them, together with their own.
func TestVotesAreSeenAtOnce(t *testing.T) {
	site := newSite(t)
	server := site.serveLive()
	post, ids := site.poll(ada, "Poll", true, "Red", "Green", "Blue")
	site.as(grace).htmx("POST", "/posts/1/vote", ballot(ids[0])).status(http.StatusOK)
	asking := site.page(post)
	asking.Results = true
	tests := []struct {
		name   string
		on     *listener
		want   []string // of the poll; none: nothing is told
		unseen string
	}{
		{"voter", site.as(grace).listen(server, site.page(post)), []string{"<b><bdi>Red</bdi></b>", `aria-pressed="true"`, "2 votes"}, "close-1"},
		{"author", site.as(ada).listen(server, site.page(post)), []string{"2 votes", "close-1"}, `aria-pressed="true"`},
		{"asking guest", site.guest().listen(server, asking), []string{"2 votes", "Sign in to vote", "Hide the results"}, "<button"},
		{"asking member", site.as(admin).listen(server, asking), []string{"2 votes", "/vote?results=1", "<button"}, `aria-pressed="true"`},
		{"guest", site.guest().listen(server, site.page(post)), nil, "votes"},
		{"member", site.as(admin).listen(server, site.page(post)), nil, "votes"},
		{"feed", site.as(grace).listen(server, site.here()), nil, "votes"},
	}
	site.as(moderator).htmx("POST", "/posts/1/vote", ballot(ids[1])).status(http.StatusOK)
	for _, tt := range tests[:4] {
		t.Run(tt.name, func(t *testing.T) { sees(t, tt.on.until("2 votes"), tt.want, tt.unseen) })
	}
	site.as(ada).submit("/posts/1", url.Values{"title": {"The end"}, "published": {"true"}}).leadsTo("/posts/1")
	for _, tt := range tests {
		t.Run(tt.name+", edited", func(t *testing.T) { sees(t, tt.on.until("The end"), tt.want, tt.unseen) })
	}
}

func sees(t *testing.T, message string, want []string, unseen string) {
	t.Helper()
	for _, text := range want {
		if !strings.Contains(message, text) {
			t.Errorf("there is no %s in\n%s", text, message)
		}
	}
	if strings.Contains(message, unseen) {
		t.Errorf("there is %s in\n%s", unseen, message)
	}
}

// Many votes at once are shown as one change, and the next is not forgotten.
func TestVotesAreGathered(t *testing.T) {
	site := newSite(t)
	changes, _ := site.hub.Subscribe(site.hub.Last())
	for range 3 {
		for range 1000 {
			site.publishPoll(7)
		}
		<-changes.Ready()
		taken, err := changes.Take()
		if err != nil || len(taken) != 1 || *taken[0] != (change{kind: pollChanged, post: 7}) {
			t.Fatalf("the changes are %v, %v, want one of the votes on post 7", taken, err)
		}
	}
}

// Of a poll on which many vote only the last change is kept as it is shown.
func TestShowingsOfOnePostAreOne(t *testing.T) {
	site := newSite(t)
	post, _ := site.poll(ada, "Poll", true, "Red", "Green")
	member := known(site.user(grace))
	for range 5 {
		for _, kind := range []changeKind{pollChanged, postChanged} {
			c := change{kind: kind, post: post.ID}
			site.publish(c)
			if _, err := site.show(t.Context(), &c, member, site.page(post)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := site.showings.Len(); n > 2 {
		t.Errorf("%d showings of one post are kept, want one of each kind", n)
	}
}

// A poll that is removed while its post is read is none.
func TestPollRemovedMeanwhile(t *testing.T) {
	site := newSite(t)
	row := db.GetPostRow{Post: site.post(ada, "No poll", "", true), PollOptions: 2}
	if poll, err := site.pollOf(t.Context(), row, visitor{}, true); poll != nil || err != nil {
		t.Errorf("the poll is %v, %v, want none", poll, err)
	}
}

// All who see the same of a poll get one rendering.
func TestPollRenderingIsShared(t *testing.T) {
	site := newSite(t)
	post, ids := site.poll(ada, "Poll", true, "Red", "Green")
	users := []string{grace, moderator}
	for i, id := range []string{ids[0], ids[0]} {
		site.as(users[i]).htmx("POST", "/posts/1/vote", ballot(id)).status(http.StatusOK)
	}
	member := func(clerkID string) visitor { return known(db.User{ID: site.user(clerkID).ID, Role: db.RoleMember}) }
	tests := []struct {
		name     string
		one, two visitor
		want     bool
	}{
		{"same vote", member(grace), member(moderator), true},
		{"vote and none", member(grace), member(admin), false},
		{"vote and author", member(grace), member(ada), false},
	}
	c := &change{kind: pollChanged, post: post.ID}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var messages []*byte
			for _, v := range []visitor{tt.one, tt.two} {
				shown, err := site.show(t.Context(), c, v, livePlace{Post: post.ID})
				if err != nil {
					t.Fatal(err)
				}
				messages = append(messages, unsafe.SliceData(shown.message))
			}
			if shared := messages[0] == messages[1]; shared != tt.want {
				t.Errorf("they share a rendering: %t, want %t", shared, tt.want)
			}
		})
	}
}
