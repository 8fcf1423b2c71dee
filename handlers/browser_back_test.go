package handlers

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// returns are how readers go through what they have seen.
var returns = map[string]func(*testing.T, *browser){
	"back and forward":        testBackAndForward,
	"back to a list, guest":   func(t *testing.T, b *browser) { testBackToLists(t, b, "guest") },
	"back to a list, admin":   func(t *testing.T, b *browser) { testBackToLists(t, b, "admin") },
	"back after an edit":      testBackAfterEdit,
	"back to what was typed":  testBackToTyped,
	"back to what was chosen": testBackToChosen,
	"decided in a long queue": testDecidedInLongQueue,
}

// testBackAndForward makes sure that what comes out of the history is a page
// and not a part of one.
func testBackAndForward(t *testing.T, b *browser) {
	site := newSite(t)
	for i := range pageSize + 1 {
		site.post(grace, fmt.Sprintf("Post %d", i+1), "", true)
	}
	p := b.signedIn(t, site, ada, wide)
	p.press("Load more").focused("title-1").press("Post 1").sees(".post h1", "Post 1")
	feed := func() {
		p.sees(".site-header", "Write").sees(".composer", "Write a post").sees(".post-item", "Post 21")
	}

	p.travel(-1)
	feed()
	p.travel(1)
	p.sees(".site-header", "Write").sees(".post h1", "Post 1")
	p.press("Write").fill("Title", "Mine").press("Publish").sees(".post h1", "Mine")
	p.travel(-1)
	p.sees(".site-header", "Write").sees("h1", "Write a post")
	p.travel(-2)
	feed()
	p.travel(3)
	p.sees(".site-header", "Write").sees(".post h1", "Mine")
}

// testBackToLists opens something far down in each list, and comes back from
// there and from the page before: as a guest or, in the lists that guests are not
// shown and in the feed, as an administrator.
func testBackToLists(t *testing.T, b *browser, role string) {
	site, lists := newLongSite(t)
	p := b.visit(t, site, narrow).open("/settings")
	if role == "admin" {
		p = b.signedIn(t, site, admin, wide)
	}
	for _, list := range lists {
		forGuests := site.guest().get(list.path).StatusCode == http.StatusOK
		if forGuests != (role == "guest") && list.path != "/" {
			continue
		}
		p.open(list.path).loadAll(list)
		far := fmt.Sprintf("document.querySelectorAll(%s)[%d]", quote(list.link), 2*list.size-5)
		eval[any](p, fmt.Sprintf(`scrollTo(0, scrollY + %s.getBoundingClientRect().top - 200)`, far))
		want := eval[string](p, far+".href")
		isThere := fmt.Sprintf(`%[1]s?.href === %[2]s && Math.abs(%[1]s.getBoundingClientRect().top - 200) < 2`, far, quote(want))
		p.until("it is in sight", isThere)
		p.do("open it", chromedp.Click(chromedp.JSPath(far), chromedp.NodeVisible))
		p.until("it is open", "location.href === "+quote(want))
		for _, steps := range [][]int{{-1}, {-1, 1}} {
			for _, step := range steps {
				p.travel(step)
			}
			p.until(list.path+" is as it was left", isThere)
		}
	}
}

// loadAll loads a list until its end.
func (p *tab) loadAll(list longList) {
	p.t.Helper()
	for pages := range 2 {
		p.press("Load more").until("more is there", fmt.Sprintf(`document.querySelectorAll(%s).length > %d`, quote(list.link), (pages+1)*list.size))
	}
	p.sees("#more", "").lacks("#load-more")
}

// travel goes through the history as the browser's buttons do.
func (p *tab) travel(steps int) {
	p.t.Helper()
	before := eval[string](p, "location.href")
	// Later, so that the answer to this evaluation is there before the page goes.
	eval[any](p, fmt.Sprintf("setTimeout(() => history.go(%d))", steps))
	p.until("the address changes", "location.href !== "+quote(before))
}

// testBackAfterEdit changes a post far down where it is, and comes back there
// from another.
func testBackAfterEdit(t *testing.T, b *browser) {
	site, _ := newLongSite(t)
	p := b.signedIn(t, site, ada, wide)
	p.loadAll(longList{link: ".post-item", size: pageSize})
	eval[any](p, `scrollTo(0, scrollY + document.querySelectorAll(".post-item")[40].getBoundingClientRect().top - 200)`)
	p.press("Edit “Ink 4”").fill("Title", "Pen 4").press("Save").hears("Saved.").sees(".post-item h2", "Pen 4")
	top := `Math.round(document.querySelectorAll(".post-item")[41].getBoundingClientRect().top)`
	before := eval[int](p, top)
	p.press("Ink 3").sees(".post h1", "Ink 3")
	p.travel(-1)
	p.sees(".post-item h2", "Pen 4").until("the posts are where they were", fmt.Sprintf("Math.abs(%s - %d) < 2", top, before))
}

// testBackToTyped searches while typing, which is one place in the history
// however often the results changed, and comes back to the last.
func testBackToTyped(t *testing.T, b *browser) {
	site, _ := newLongSite(t)
	p := b.signedIn(t, site, admin, wide)
	for _, tt := range []struct{ path, label, field, last, result string }{
		{"/search", "Words in posts", "q", "in", ".found-post h2 a"},
		{"/users", "Name or username", "q", "gr", ".person h2 a"},
		{"/admin/webhooks", "User", "user", "ada", "[id^=event-][id$=-type]"},
	} {
		entries := eval[int](p.open(tt.path), "history.length")
		for _, typed := range []string{"z", "zz", tt.last} {
			p.fill(tt.label, typed).until("the address is what is typed", fmt.Sprintf(`location.search === "?%s=%s"`, tt.field, typed))
		}
		p.until("something is found", fmt.Sprintf("document.querySelector(%s)", quote(tt.result)))
		if n := eval[int](p, "history.length"); n != entries {
			t.Errorf("typing on %s makes %d entries in the history, want none", tt.path, n-entries)
		}
		p.do("open the first", chromedp.Click(chromedp.CSS(tt.result), chromedp.NodeVisible))
		p.until("it is open", `location.search !== `+quote("?"+tt.field+"="+tt.last))
		p.travel(-1)
		p.holds(tt.label, tt.last).until("what was found is there", fmt.Sprintf("document.querySelector(%s)", quote(tt.result)))
	}
	p.open("/search").fill("Words in posts", "ink").press("Load more").until("the address says how much", `location.search.includes("&through=")`)
	p.fill("Words in posts", "ink w").until("that ends with another search", `location.search === "?q=ink+w"`)
}

// testBackToChosen chooses rows in two ways, one of them twice, reads a row, and
// comes back to each choice.
func testBackToChosen(t *testing.T, b *browser) {
	site, _ := newLongSite(t)
	p := b.signedIn(t, site, admin, wide).open("/admin/data/webhook_events")
	eval[string](p, `document.getElementById("filter-0-column").value = "svix_id"`)
	eval[string](p, `document.getElementById("filter-0-op").value = "has"`)
	for range 2 {
		p.fill("Value", "msg").strike(kb.Enter).hears("50 rows")
	}
	p.press("Load more").hears("50 more rows")
	p.fill("Value", "msg_0007").strike(kb.Enter).hears("1 row.")
	p.press("msg_0007").sees("h1", "webhook_events msg_0007")
	p.travel(-1)
	p.holds("Value", "msg_0007").until("one row is there", `document.querySelectorAll(".data-row").length === 1`)
	p.travel(-1)
	p.holds("Value", "msg").until("all that was loaded is there", `document.querySelectorAll(".data-row").length === 100`)
	p.travel(-1)
	p.holds("Value", "").until("so is the first page", `document.querySelectorAll(".data-row").length === 50`)
}

// testDecidedInLongQueue decides about posts far down in the queue: nothing
// else moves, and coming back leads to what is left.
func testDecidedInLongQueue(t *testing.T, b *browser) {
	site, _ := newLongSite(t)
	p := b.signedIn(t, site, moderator, wide).open("/moderation")
	p.loadAll(longList{link: ".queue-item", size: pageSize})
	address := eval[string](p, "location.href")
	for _, tt := range []struct {
		above, button, said string
		prepare             func()
	}{
		{"61", "Dismiss the reports of “Ink 31”", "“Ink 31” stays", func() {}},
		{"69", "Hide", "“Ink 35” is hidden.", func() { p.press("Hide… “Ink 35”").focused("hide-form-71-reason").fill("Reason", "No.") }},
	} {
		eval[any](p, fmt.Sprintf(`scrollTo(0, scrollY + document.getElementById("post-%s").getBoundingClientRect().top - 100)`, tt.above))
		tt.prepare()
		where := fmt.Sprintf(`document.getElementById("post-%s").getBoundingClientRect().top`, tt.above)
		before := eval[float64](p, where)
		p.press(tt.button).hears(tt.said).until("what is above stays", fmt.Sprintf("Math.abs(%s - %f) < 2", where, before))
		p.until("so does the address", "location.href === "+quote(address))
	}
	p.until("the others are there", fmt.Sprintf(`document.querySelectorAll(".queue-item").length === %d`, 2*pageSize+5-2))
	p.press("Ink 33").sees(".post h1", "Ink 33")
	p.travel(-1)
	p.until("what is left is there", fmt.Sprintf(`document.querySelectorAll(".queue-item").length === %d`, 2*pageSize+5-2))
	p.lacks("#load-more")
}
