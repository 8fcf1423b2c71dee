package handlers

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// What each reader sees of a post in the hands of its author and of moderators,
// in the feed and on its page.
func TestWithdrawnPostsAreSeen(t *testing.T) {
	const shown, gone, draft, hidden = ">Loud<", "post-gone", ">Draft<", "hidden-note"
	site := newSite(t)
	server := site.serveLive()
	post := site.post(ada, "Loud", "LOUD", true)
	author, katherine := site.as(ada), site.as(moderator)
	save := func(published string) func() {
		return func() {
			form := url.Values{"title": {"Loud"}, "content": {"LOUD"}, "published": {published}}
			author.submit("/posts/1", form).status(http.StatusSeeOther)
		}
	}
	do := func(c *client, path string) func() {
		return func() { c.submit(path, url.Values{"reason": {"It is loud."}}).status(http.StatusSeeOther) }
	}
	readers := []*client{site.guest(), site.as(grace), author, katherine, site.as(admin)}
	steps := []struct {
		name string
		step func()
		want [5]string // by guest, member, author, moderator, administrator
	}{
		{"hidden", do(katherine, "/posts/1/hide"), [5]string{gone, gone, hidden, hidden, hidden}},
		{"edited while hidden", save("false"), [5]string{gone, gone, hidden, hidden, hidden}},
		{"edited by a program", func() { author.api("PATCH", "/api/posts/1", `{"content":"LOUDER"}`).status(http.StatusOK) }, [5]string{gone, gone, hidden, hidden, hidden}},
		{"restored", do(katherine, "/posts/1/unhide"), [5]string{shown, shown, shown, shown, shown}},
		{"withdrawn", save("false"), [5]string{gone, gone, draft, gone, gone}},
		{"published", save("true"), [5]string{shown, shown, shown, shown, shown}},
		{"deleted", do(katherine, "/posts/1/delete"), [5]string{gone, gone, gone, gone, gone}},
		{"brought back", do(katherine, "/posts/1/restore"), [5]string{shown, shown, shown, shown, shown}},
		{"hidden again", do(katherine, "/posts/1/hide"), [5]string{gone, gone, hidden, hidden, hidden}},
		{"deleted while hidden", do(author, "/posts/1/delete"), [5]string{gone, gone, gone, gone, gone}},
	}
	var streams [][]*listener
	for _, c := range readers {
		streams = append(streams, []*listener{c.listen(server, site.here()), c.listen(server, site.page(post))})
	}
	for _, s := range steps {
		t.Run(s.name, func(t *testing.T) {
			s.step()
			for i, want := range s.want {
				for _, l := range streams[i] {
					seesAlone(t, l.until(`id="post-1"`), want, shown, gone, draft, hidden)
				}
			}
		})
	}
}

// seesAlone makes sure of the one state of several that a message shows. A draft
// and a hidden post have their title, too.
func seesAlone(t *testing.T, message, want string, states ...string) {
	t.Helper()
	for _, state := range states {
		if has := strings.Contains(message, state); has != (state == want) && (state != ">Loud<" || want == "post-gone") {
			t.Errorf("%s is there: %t, want %s in\n%s", state, has, want, message)
		}
	}
}

// A busyWire lets something happen while the first bytes are sent.
type busyWire struct {
	wire
	happen func()
}

func (w *busyWire) FlushError() error {
	if happen := w.happen; happen != nil {
		w.happen = nil
		happen()
	}
	return w.wire.FlushError()
}

// Whenever something happens while a page is made and its stream begins, it is
// told, and a new post is counted once.
func TestNothingIsMissedWhileItBegins(t *testing.T) {
	moments := []string{"after the page was made", "after the stream has its place", "while the first bytes are sent", "once it listens"}
	for now, name := range moments {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				site := newSite(t)
				old := site.post(ada, "Old", "", true)
				top, place := cursor{old.PublishedAt, old.ID}, site.here()
				place.Top = &top
				happen := func(moment int) {
					if moment == now {
						site.publishPost(old.ID, true, true)
						site.publishedPost(grace, "News")
					}
				}
				happen(0)
				w := &busyWire{happen: func() { happen(2) }}
				st := &stream{server: site.Server, place: place, w: w, conn: http.NewResponseController(w)}
				st.changes, _ = site.hub.Subscribe(place.After)
				happen(1)
				go st.run(t.Context(), true, true)
				synctest.Wait()
				happen(3)
				time.Sleep(2 * pace)
				synctest.Wait()
				sent := w.sent.String()
				if strings.Count(sent, `<article id="post-1"`) != 1 || !strings.Contains(sent, ">1 new post<") || strings.Contains(sent, "2 new posts") {
					t.Errorf("the reader is told\n%s", sent)
				}
			})
		})
	}
}

// Of an edit and a deletion the deletion is what is seen last, and no text after
// it, however close they come.
func TestDeletionComesAfterEdit(t *testing.T) {
	tests := []struct {
		name        string
		between     func()
		editIsTold  bool // before it is deleted
		toldDeleted bool // of the deletion, by then, too
	}{
		{"one by one", func() { time.Sleep(time.Second); synctest.Wait() }, true, true},
		{"together", func() {}, false, true},
		{"edit told late", func() {}, false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				site := newSite(t)
				post := site.post(ada, "Edited", "", true)
				place, w := site.here(), &wire{}
				st := &stream{server: site.Server, place: place, w: w, conn: http.NewResponseController(w)}
				st.changes, _ = site.hub.Subscribe(place.After)
				go st.run(t.Context(), true, true)
				synctest.Wait()
				site.publishedPost(grace, "Other")
				synctest.Wait() // until the stream rests
				site.publishPost(post.ID, true, true)
				tt.between()
				if err := site.db.DeletePost(t.Context(), post.ID, post.AuthorID); err != nil {
					t.Fatal(err)
				}
				if tt.toldDeleted {
					site.publishPost(post.ID, true, false)
				}
				time.Sleep(time.Second)
				synctest.Wait()
				before, after, gone := strings.Cut(w.sent.String(), "post-gone")
				if !gone || strings.Contains(after, "Edited") || strings.Contains(before, "Edited") && !tt.editIsTold {
					t.Errorf("the reader is told\n%s", w.sent.String())
				}
			})
		})
	}
}

// Whatever a program names as the last event, it is answered as after a long
// break, and not with what it sent.
func TestHostileLastEventID(t *testing.T) {
	site := newSite(t)
	server := site.serveLive()
	post := site.publishedPost(ada, "As it is")
	epoch := strings.TrimSuffix(site.hub.Last(), "1")
	tests := map[string]string{
		"negative":              epoch + "-1",
		"to come":               epoch + "2",
		"huge":                  epoch + "18446744073709551615",
		"larger than a number":  epoch + strings.Repeat("9", 40),
		"no number":             epoch + "1e0",
		"padded":                epoch + "01",
		"of another program":    newHub().Last(),
		"of another, same form": strings.Repeat("A", len(epoch)-1) + "-1",
		"long":                  strings.Repeat("x", 100_000),
		"mark-up":               `"><script>alert(1)</script>`,
		"no ASCII":              "\xff\xfe\u2028é",
		"blank":                 "-",
	}
	for name, id := range tests {
		t.Run(name, func(t *testing.T) {
			feed := site.guest().listen(server, site.here(), "Last-Event-ID", id)
			page := site.guest().listen(server, site.page(post), "Last-Event-ID", id)
			for l, want := range map[*listener]string{feed: "There may be something new", page: ">As it is<"} {
				got, _ := l.next()
				if !strings.Contains(got, want) || strings.Contains(got, id) && len(id) > 1 || l.lastID != site.hub.Last() {
					t.Errorf("it is told %q and goes on after %q, want %q", got, l.lastID, want)
				}
			}
		})
	}
}
