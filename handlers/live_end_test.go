package handlers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"inkwell/live"
)

// A stream ends when its reader's rights have to be looked at again, and that
// of nobody else does.
func TestStreamEndsWithRights(t *testing.T) {
	tests := []struct {
		name   string
		happen func(*testSite, *client)
	}{
		{"user changed", func(s *testSite, _ *client) {
			s.deliver(delivery{id: "msg_1", body: userEvent("user.updated", ada, "Ada", time.Now().UnixMilli()+1)}).status(http.StatusOK)
		}},
		{"user deleted", func(s *testSite, _ *client) {
			s.deliver(deletionOf(ada)).status(http.StatusOK)
		}},
		{"signed out", func(_ *testSite, c *client) { c.submit("/sign-out", nil).leadsTo("/") }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			site := newSite(t)
			server := site.serveLive()
			c := site.as(ada)
			guest, other, own := site.guest().listen(server, site.here()), site.as(grace).listen(server, site.here()), c.listen(server, site.here())
			tt.happen(site, c)
			own.ends()
			site.publishedPost(grace, "More")
			guest.until("More")
			other.until("More")
		})
	}
}

// Who comes back after that hears of all that came since, before and after the
// end of the first stream.
func TestStreamGoesOnAfterRightsChanged(t *testing.T) {
	site := newSite(t)
	server := site.serveLive()
	c := site.as(ada)
	before := site.here()
	site.publishedPost(grace, "One")
	site.publish(change{kind: rightsChanged, who: ada})
	changed := site.hub.Last()
	site.publishedPost(grace, "Two")
	first := c.listen(server, before)
	if got := first.until("One"); strings.Contains(got, "Two") {
		t.Errorf("with the old rights is shown %s", got)
	}
	first.ends()
	if first.lastID != changed {
		t.Errorf("the stream ended after %q, want %q", first.lastID, changed)
	}
	again := c.listen(server, before, "Last-Event-ID", first.lastID)
	if got := again.until("Two"); strings.Contains(got, "One") {
		t.Errorf("who comes back is told again: %s", got)
	}
}

func deletionOf(clerkID string) delivery {
	return delivery{id: "msg_1", body: fmt.Sprintf(
		`{"type":"user.deleted","object":"event","timestamp":%d,"data":{"id":%q,"object":"user","deleted":true}}`, time.Now().UnixMilli(), clerkID)}
}

// Who deletes their account takes their posts off the pages of others.
func TestPostsOfDeletedUserGo(t *testing.T) {
	site := newSite(t)
	server := site.serveLive()
	site.post(ada, "One", "", true)
	site.post(grace, "Two", "", true)
	site.post(ada, "Draft", "", false)
	hidden := site.post(ada, "Hidden", "", true)
	site.hide(hidden.ID, "No.")
	l, m := site.guest().listen(server, site.here()), site.as(moderator).listen(server, site.here())
	site.deliver(deletionOf(ada)).status(http.StatusOK)
	m.until(`id="post-4" class="post-item post-gone"`)
	site.publishPost(2, true, true)
	if got := l.until("Two"); !strings.Contains(got, `id="post-1" class="post-item post-gone"`) || strings.Contains(got, "post-3") {
		t.Errorf("a guest sees %s", got)
	}
}

func TestStreamsEndOnShutdown(t *testing.T) {
	site := newSite(t)
	server := site.serveLive()
	l := site.guest().listen(server, site.here())
	server.Config.RegisterOnShutdown(site.EndStreams)
	if err := server.Config.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	l.ends()
}

func TestLiveAnswers(t *testing.T) {
	tests := []struct {
		name, method, path  string
		limit, limitEach    int
		wantStatus          int
		wantText, wantRetry string
	}{
		{"stream", "GET", "/live", 1, 1, 200, "", ""},
		{"head", "HEAD", "/live", 1, 1, 200, "", ""},
		{"no place in the feed", "GET", "/live?top=x", 1, 1, 400, "no place", ""},
		{"no post", "GET", "/live?post=x", 1, 1, 400, "cannot be read", ""},
		{"a post below the first", "GET", "/live?post=0", 1, 1, 400, "cannot be read", ""},
		{"a query that is none", "GET", "/live?%zz", 1, 1, 400, "cannot be read", ""},
		{"full", "GET", "/live", 0, 1, 503, "Load it again", "60"},
		{"too many from there", "GET", "/live", 1, 0, 429, "from your address", "60"},
		{"not to be sent", "POST", "/live", 1, 1, 405, "does not do that", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			site := newSite(t)
			site.streams = newGate(tt.limit, tt.limitEach)
			a := site.guest().send(tt.method, tt.path, "", "Accept", "text/event-stream", "Accept-Encoding", "gzip").status(tt.wantStatus)
			if !strings.Contains(a.body, tt.wantText) || a.Header.Get("Retry-After") != tt.wantRetry {
				t.Errorf("it says %q, Retry-After %q; want %q, %q", a.body, a.Header.Get("Retry-After"), tt.wantText, tt.wantRetry)
			}
			if tt.wantRetry != "" && a.Header.Get("HX-Reswap") != "none" {
				t.Error("the refusal would be shown on the page")
			}
			if a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("Content-Encoding") != "" {
				t.Errorf("the headers are %v", a.Header)
			}
		})
	}
}

func TestGate(t *testing.T) {
	g := newGate(4, 2)
	steps := []struct {
		address string
		want    error
	}{
		{"192.0.2.1", nil},
		{"192.0.2.1", nil},
		{"192.0.2.1", errStreamsMany},
		{"2001:db8::1", nil},
		{"2001:db8::2", nil},
		{"2001:db8::3", errStreamsFull},
		{"192.0.2.9", errStreamsFull},
	}
	var leave []func()
	for _, s := range steps {
		out, err := g.enter(s.address)
		if !errors.Is(err, s.want) {
			t.Fatalf("from %s: %v, want %v", s.address, err, s.want)
		}
		if err == nil {
			leave = append(leave, out)
		}
	}
	leave[2]()
	if _, err := g.enter("2001:db8::ffff"); err != nil {
		t.Errorf("after one left: %v", err)
	}
	if _, err := g.enter("2001:db8::1"); !errors.Is(err, errStreamsFull) {
		t.Errorf("and one more: %v, want %v", err, errStreamsFull)
	}
	if _, err := newGate(1, 1).enter(""); err != nil {
		t.Errorf("from no address: %v", err)
	}
}

// A wire is a connection whose other end takes nothing once it is cut.
type wire struct {
	http.ResponseWriter
	sent     logBuffer
	deadline time.Time   // for writing
	endless  atomic.Bool // there is none for reading
	cut      atomic.Bool
}

func (w *wire) Write(b []byte) (int, error) {
	if !w.deadline.After(time.Now()) {
		return 0, errors.New("too late")
	}
	return w.sent.Write(b)
}

func (w *wire) FlushError() error {
	if w.cut.Load() {
		return io.ErrClosedPipe
	}
	return nil
}

func (w *wire) SetWriteDeadline(t time.Time) error { w.deadline = t; return nil }

func (w *wire) SetReadDeadline(t time.Time) error { w.endless.Store(t.IsZero()); return nil }

func TestStreamInTime(t *testing.T) {
	tests := []struct {
		name     string
		happen   func(s *Server, w *wire, leave func())
		want     error
		wantTook func(time.Duration) bool
	}{
		{"nothing happens", func(*Server, *wire, func()) {}, nil,
			func(d time.Duration) bool { return d >= streamAge && d < streamAge*5/4 }},
		{"the reader leaves", func(_ *Server, _ *wire, leave func()) { leave() }, context.Canceled,
			func(d time.Duration) bool { return d == 0 }},
		{"the reader is gone unseen", func(_ *Server, w *wire, _ func()) { w.cut.Store(true) }, errCutOff,
			func(d time.Duration) bool { return d == heartbeat }},
		{"the site shuts down", func(s *Server, _ *wire, _ func()) { s.EndStreams() }, live.ErrClosed,
			func(d time.Duration) bool { return d == 0 }},
		{"too much happens at once", func(s *Server, _ *wire, _ func()) {
			for range 2 * (rememberedChanges + 1) { // of the first half some may be taken meanwhile
				s.publish(change{kind: rightsChanged})
			}
		}, live.ErrBehind, func(d time.Duration) bool { return d <= pace }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, w := &Server{hub: newHub()}, &wire{}
				ctx, leave := context.WithCancel(t.Context())
				defer leave()
				st := &stream{server: s, w: w, conn: http.NewResponseController(w)}
				st.changes, _ = s.hub.Subscribe(s.hub.Last())
				began, ended := time.Now(), make(chan error)
				go func() { ended <- st.run(ctx, true, true) }()
				synctest.Wait()
				if !strings.HasPrefix(w.sent.String(), ": here\nid: ") || !w.endless.Load() {
					t.Errorf("it began with %q, without a deadline for reading: %t", w.sent.String(), w.endless.Load())
				}
				tt.happen(s, w, leave)
				if err := <-ended; !errors.Is(err, tt.want) {
					t.Errorf("it ended with %v, want %v", err, tt.want)
				}
				took := time.Since(began)
				if !tt.wantTook(took) {
					t.Errorf("it took %s", took)
				}
				if beats := strings.Count(w.sent.String(), ": still here\nid: "); beats < int(took/heartbeat)-1 {
					t.Errorf("%d heartbeats in %s", beats, took)
				}
			})
		})
	}
}

// However much happens, a reader gets a few messages a second, and the first
// one at once.
func TestManyChangesAreOneMessage(t *testing.T) {
	site := newSite(t)
	server := site.serveLive()
	post := site.post(ada, "One", "", true)
	l := site.guest().listen(server, site.page(post))
	site.publishPost(post.ID, true, true)
	l.until("One")
	for range 500 {
		site.publish(change{kind: postChanged, post: post.ID})
	}
	messages := 0
	for ; l.lastID != site.hub.Last(); messages++ {
		if _, ok := l.next(); !ok {
			t.Fatal("the stream ended")
		}
	}
	if messages > 5 {
		t.Errorf("500 changes came in %d messages", messages)
	}
}

func TestLatest(t *testing.T) {
	one, two, poll := change{post: 1}, change{post: 2}, change{kind: pollChanged, post: 1}
	a, b, c, d, e := one, two, one, poll, two
	kept := latest([]*change{&a, &b, &c, &d, &e})
	if len(kept) != 3 || kept[0] != &c || kept[1] != &d || kept[2] != &e {
		t.Errorf("the latest are %v", kept)
	}
	if kept := latest([]*change{&d, &b, &a}); len(kept) != 2 || kept[0] != &b || kept[1] != &a {
		t.Errorf("with the post itself last, the latest are %v", kept)
	}
}
