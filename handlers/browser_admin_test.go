package handlers

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// administration is what administrators do.
var administration = map[string]func(*testing.T, *browser){
	"data, narrow":     at(narrow, testDataBrowser),
	"data, wide":       at(wide, testDataBrowser),
	"webhooks, narrow": at(narrow, testWebhooksPage),
	"webhooks, wide":   at(wide, testWebhooksPage),
}

// testWebhooksPage does what the page of webhooks is for without loading it
// again, and the focus is always where one goes on.
func testWebhooksPage(t *testing.T, b *browser, width int64) {
	site := newSite(t)
	rename(t, site, ada, "<b>Ada"+strings.Repeat("Ada", 30))
	deadLetter(t, site, "msg_a", "user.created", userEvent("user.created", "user_new", "Joan", time.Now().UnixMilli()))
	deadLetter(t, site, "msg_b", "user.updated", brokenUser)
	storeEvents(t, site, eventsPageSize)
	p := b.signedIn(t, site, admin, width)
	p.press("Margaret Hamilton").press("Administration").sees("h1", "Webhooks").sees(".event", "<b>Ada").fits().names()
	eval[bool](p, "window.stillThere = true")

	p.press("Load more").hears("2 more events.").focused(eventRowID("msg_0002")).sees(".more", "That is all there is.").fits()

	p.fill("User", "Zuse").hears("No event.").sees(".no-events", "No event is like that.").focused("search-user").holds("User", "Zuse")
	p.until("the address is what is searched", `location.search === "?user=Zuse"`)
	p.fill("User", "").hears("50 events, and there are others.").focused("search-user")

	again := "Try again %s of 14 Nov 2023, 22:13:20"
	p.press(fmt.Sprintf(again, "user.created")).hears("The event is applied.").focused(eventRowID("msg_a"))
	p.sees("#"+eventRowID("msg_a")+" .outcome", "Applied").sees("#"+eventRowID("msg_a"), "Joan").sees("#count-dead_letter b", "1")
	p.press(fmt.Sprintf(again, "user.updated")).hears("still cannot be used").focused(eventRowID("msg_b")).fits()
	p.press("Dismiss user.updated of 14 Nov 2023, 22:13:20").hears("The event is dismissed.").focused(eventRowID("msg_b"))
	p.sees("#"+eventRowID("msg_b"), "Dismissed.").names()

	p.press("Compare with Clerk now").hears("has started").focused("sync-heading")
	p.hears("has ended").focused("sync-heading").sees(".sync", "The last one ended just now").names()
	if !eval[bool](p, "window.stillThere === true") {
		t.Error("the page was loaded again")
	}
}
