package handlers

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"
)

// searches are how one finds posts and people.
var searches = map[string]func(*testing.T, *browser){
	"search, narrow":     at(narrow, testSearch),
	"search, wide":       at(wide, testSearch),
	"search by keyboard": testSearchByKeyboard,
	"people, narrow":     at(narrow, testPeople),
	"people, wide":       at(wide, testPeople),
}

// testSearch finds posts while typing, reads one, and comes back to what was
// found.
func testSearch(t *testing.T, b *browser, width int64) {
	site := newSite(t)
	for i := range pageSize + 2 {
		site.post(grace, fmt.Sprintf("Post %d", i+1), "About écrire and <b>ink</b>.", true)
	}
	site.post(ada, strings.Repeat("Donaudampfschifffahrt", 9), "", true)
	p := b.visit(t, site, width).open("/")
	if width == narrow {
		p.press("Search")
	} else {
		p.open("/search")
	}
	p.sees(".search-help", "Type some words").focused("search-q").lacks("main mark")
	eval[bool](p, "window.stillThere = true")

	p.fill("Words in posts", "ecri").hears("22 posts match.").sees("mark", "écrire").focused("search-q").fits().names()
	p.until("the address is what is searched", `location.search === "?q=ecri"`)
	p.until("the title is too", `document.title.startsWith("ecri")`)
	p.press("Load more").hears("2 more posts.").focused("title-2").sees(".more", "That is all that was found.").fits()
	p.fill("Words in posts", "dona").hears("1 post matches.").sees("h2 mark", "Donau").fits()
	p.fill("Words in posts", "zebra ink").hears("No post contains that.").focused("search-q")
	p.fill("Words in posts", "ecri").hears("22 posts match.")
	p.until("the page was never loaded again", "window.stillThere")

	p.press("Post 22").sees(".post h1", "Post 22")
	p.travel(-1)
	p.sees(".found-count", "22 posts match.").holds("Words in posts", "ecri").sees(".site-header", "Join")
	p.fill("Words in posts", "zebra ink").press("Search without the last word").sees(".found-count", "No post contains that.").press("Search people").
		sees("h1", "People").sees(".found-count", "Nobody is called that.")
}

// testSearchByKeyboard searches from the header of another page.
func testSearchByKeyboard(t *testing.T, b *browser) {
	site := newSite(t)
	site.post(ada, "Ink", "", true)
	p := b.visit(t, site, wide).open("/posts/1")
	for range 3 { // over the skip link and the name of the site
		p.strike(kb.Tab)
	}
	p.focused("site-search").strike("in").strike(kb.Enter).sees("h1", "Search").sees("h2 mark", "Ink").holds("Words in posts", "in")
}

func testPeople(t *testing.T, b *browser, width int64) {
	site := newSite(t)
	rename(t, site, ada, "<b>Ada"+strings.Repeat("Ada", 30))
	p := b.visit(t, site, width).open("/").press("People").sees("h1", "People").sees(".person", "Grace Hopper").fits().names()
	p.fill("Name or username", "gräce").hears("1 person.").focused("people-q").lacks(".person ~ .person")
	p.until("the address is who is searched", `decodeURIComponent(location.search) === "?q=gräce"`)
	p.fill("Name or username", "adaada").hears("1 person.").sees(".person h2", "<b>Ada").fits()
}
