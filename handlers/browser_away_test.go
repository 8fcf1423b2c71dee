package handlers

import (
	"net/http"
	"testing"

	cdpage "github.com/chromedp/cdproto/page"
)

// away puts tabs out of use and returns what brings them back.
type away func(p *tab) (back func())

// behind is a tab behind another one. The browser of the tests shows all tabs at
// once, so that the page is told.
func behind(p *tab) (back func()) {
	eval[any](p, `Object.defineProperty(document, "hidden", {value: true, configurable: true}), document.dispatchEvent(new Event("visibilitychange"))`)
	p.until("the stream is closed", `!document.getElementById("live")._htmx.sse.reader`)
	return func() {
		eval[any](p, `delete document.hidden, document.dispatchEvent(new Event("visibilitychange"))`)
	}
}

// frozen is a tab that the browser has put to sleep, which loses its connection.
func frozen(p *tab) (back func()) {
	become := func(state cdpage.SetWebLifecycleStateState) {
		p.do("become "+string(state), command(cdpage.SetWebLifecycleState, cdpage.SetWebLifecycleStateParams{State: state}))
	}
	p.allow("net::ERR_", "htmx:sse:error")
	become(cdpage.SetWebLifecycleStateStateFrozen)
	p.server.CloseClientConnections()
	return func() { become(cdpage.SetWebLifecycleStateStateActive) }
}

// afterBeing makes a test of what a reader finds who comes back to their tabs:
// all that they missed, once.
func afterBeing(leave away) func(*testing.T, *browser) {
	return func(t *testing.T, b *browser) {
		site := newSite(t)
		site.post(ada, "First", "", true)
		gone := site.post(ada, "Second", "", true)
		_, options := site.poll(ada, "Third", true, "Red", "Green")
		site.as(grace).htmx("POST", "/posts/3/vote", ballot(options[0])).status(http.StatusOK)
		feed, page := b.visit(t, site, narrow).open("/").listens(), b.signedIn(t, site, grace, wide).open("/posts/3").listens()
		page.sees(".poll", "1 vote")

		feedBack, pageBack := leave(feed), leave(page)
		site.publishedPost(grace, "News")
		author := site.as(ada)
		author.submit("/posts/1", map[string][]string{"title": {"First, and better"}, "published": {"true"}}).status(http.StatusSeeOther)
		if err := site.db.DeletePost(t.Context(), gone.ID, gone.AuthorID); err != nil {
			t.Fatal(err)
		}
		site.publishPost(gone.ID, true, false)
		site.as(moderator).htmx("POST", "/posts/3/vote", ballot(options[1])).status(http.StatusOK)
		feedBack()
		pageBack()

		feed.sees("#news", "1 new post").sees("#post-1 h2", "First, and better").sees("#post-2", "not here any more").hears("1 new post")
		page.sees(".poll", "2 votes").sees(".choice", "Red")
		site.publishedPost(grace, "More news")
		feed.sees("#news", "2 new posts")
	}
}
