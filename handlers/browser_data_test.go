package handlers

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"inkwell/db/dbtest"
)

// testDataBrowser finds a row, changes it and deletes another, by keyboard and
// pointer; looking does not load the page again.
func testDataBrowser(t *testing.T, b *browser, width int64) {
	site := newSite(t)
	word := strings.Repeat("Donaudampfschifffahrt", 9)
	site.post(ada, "Hello", word+" <b>bold</b>", true)
	site.post(ada, word, "Text", false)
	storeEvents(t, site, rowsPageSize+2)
	p := b.signedIn(t, site, admin, width)
	p.press("Margaret Hamilton").press("Administration").press("Data").sees("h1", "Data").fits().names()
	p.press("webhook_events").sees("h1", "webhook_events").fits().names()
	eval[bool](p, "window.stillThere = true")

	p.press("Load more").hears("2 more rows.").focused("row-tbXNnXzAwNTE").sees(".more", "That is all there is.").fits()
	p.press("received_at").hears("50 rows, and there are others.").focused("sort-5").sees("th[aria-sort=ascending]", "received_at")
	p.press("received_at").hears("50 rows").sees("th[aria-sort=descending]", "received_at").sees("#data-body tr:first-child", "msg_0052")
	eval[string](p, `document.getElementById("filter-0-column").value = "svix_id"`)
	p.fill("Value", "msg_0007").strike(kb.Enter).hears("1 row.").focused("filter-0-value").sees("#data-body", "msg_0007").fits()
	p.until("the address is what is shown", `location.search.includes("value=msg_0007")`)
	eval[bool](p, "history.back() ?? true")
	p.sees("#data-body tr:first-child", "msg_0052").sees("th[aria-sort=descending]", "received_at")

	p.open("/admin/data/posts/1").sees("h1", "posts 1").fits().names()
	eval[bool](p, "window.stillThere = true")
	p.fill("views INTEGER", "many").press("Save").sees(".problem", "whole number").focused("field-5")
	p.fill("views INTEGER", "7").fill("title TEXT", "New title").press("Save").hears("The row is saved.").focused("row-save").holds("views INTEGER", "7").fits()
	if !eval[bool](p, "window.stillThere === true") {
		t.Error("the page was loaded again")
	}
	dbtest.Exec(t, site.db, "UPDATE posts SET title = 'By another'")
	p.fill("title TEXT", "Mine").press("Save").sees(".now", "By another").holds("title TEXT", "Mine").fits()
	p.allow("status of 422", "status of 409")

	p.open("/admin/data/posts/2").press("Delete this row").press("Delete the row now").sees(".notice", "is deleted").sees("h1", "posts").fits()
	p.press("Add a row").sees("h1", "Add a row to posts").fits().names()
	p.fill("author_id INTEGER", "1").fill("title TEXT", "Added").press("Add the row").sees(".notice", "The row is added.").sees("h1", "posts 3").fits()
}
