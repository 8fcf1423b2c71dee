package handlers

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp/kb"
)

// keyboards are about single keys that do something.
var keyboards = map[string]func(*testing.T, *browser){
	"keys, through a list":        testKeysThroughAList,
	"keys, through every list":    testKeysThroughEveryList,
	"key to write":                testKeyToWrite,
	"key to search, narrow":       at(narrow, testKeyToSearch),
	"key to search, wide":         at(wide, testKeyToSearch),
	"help sheet, narrow":          at(narrow, testHelpSheet),
	"help sheet, wide":            at(wide, testHelpSheet),
	"keys rest":                   testKeysRest,
	"keys are switched off":       testKeysAreSwitchedOff,
	"no keys without JavaScript":  testNoKeysWithoutJavaScript,
	"every key of the help sheet": testEveryKeyIsExplained,
}

// testKeysThroughAList goes through the feed, over what takes the place of a
// post, and on to the next page of it.
func testKeysThroughAList(t *testing.T, b *browser) {
	site := newSite(t)
	for i := range pageSize + 1 {
		site.post(ada, fmt.Sprintf("Post %d", i+1), "words", true)
	}
	p := b.signedIn(t, site, ada, narrow)
	p.strike("k").focused("").strike("j").focused("title-21").strike("j").focused("title-20").strike("k").focused("title-21").strike("k").focused("title-21")
	p.strike(kb.Tab).strike("j").focused("title-20").strike("jj").focused("title-18")
	p.until("the post is in sight", `(({top, bottom}) => top >= 0 && bottom < innerHeight + 1)(document.getElementById("post-18").getBoundingClientRect())`)
	p.press("Delete “Post 18”").focused("undo-18").strike("k").focused("title-19").strike("j").focused("title-17")

	p.strike(strings.Repeat("j", 17)).focused("load-more").strike(kb.Enter).focused("title-1").strike("j").focused("title-1")
	p.strike("k").focused("title-2").strike(kb.Enter).sees(".post h1", "Post 2").strike("j").focused("")

	p.open("/").sees(".post-item", "Post 21")
	eval[any](p, `scrollTo(0, document.getElementById("title-15").getBoundingClientRect().top + scrollY - 1)`)
	p.strike("j").focused("title-15")
}

// testKeysThroughEveryList goes to the first and the second of each list.
func testKeysThroughEveryList(t *testing.T, b *browser) {
	site := newAccessSite(t)
	for i := range 2 {
		post := site.post(ada, fmt.Sprint("Ink ", i), "", true)
		site.post(admin, fmt.Sprint("Draft ", i), "", false)
		site.as(grace).submit(fmt.Sprintf("/posts/%d/report", post.ID), map[string][]string{"kind": {"spam"}})
		site.as(moderator).submit(fmt.Sprintf("/posts/%d/hide", site.post(ada, fmt.Sprint("Bad ", i), "", true).ID), map[string][]string{"reason": {"It is."}})
	}
	p := b.enter(t, site, "admin")
	for _, path := range []string{"/", "/search?q=ink", "/users", site.ids.Replace("/users/{user}"), "/drafts", "/moderation", "/moderation/log"} {
		p.open(path).sees("h1", "")
		ids := eval[[]string](p, `[...document.querySelectorAll("main article")].map(e => e.id)`)
		if len(ids) < 2 {
			t.Fatalf("%s lists %q", path, ids)
		}
		for _, id := range ids[:2] {
			p.strike("j").until("the focus is in "+id+" of "+path, `document.activeElement.closest("article")?.id === `+quote(id))
		}
		p.strike("k").until("the focus is in the first again", `document.activeElement.closest("article")?.id === `+quote(ids[0]))
	}
}

func testKeyToWrite(t *testing.T, b *browser) {
	site := newSite(t)
	site.post(ada, "Old", "", true)
	p := b.signedIn(t, site, ada, narrow)
	p.strike("n").focused("compose-form-title").holds("Title", "").strike("new").holds("Title", "new")
	p.press("Old").sees(".post h1", "Old").strike("n").sees("h1", "Write a post").focused("post-form-title")
	b.visit(t, site, wide).open("/").strike("n").sees("h1", "Sign in")
}

func testKeyToSearch(t *testing.T, b *browser, width int64) {
	p := b.visit(t, newSite(t), width).open("/").sees("h1", "Latest posts").hit("/")
	if width == narrow {
		p.sees("h1", "Search").focused("search-q")
	} else {
		p.focused("site-search")
	}
	p.strike("a/b")
	if got := eval[string](p, "document.activeElement.value"); got != "a/b" {
		t.Errorf("the field holds %q, want what was typed after the key", got)
	}
	p.open("/search?q=ink").focused("").strike("/").focused("search-q").open("/users").strike("/").focused("people-q")
}

// hit presses a key as a keyboard does: what it types is not typed when the page
// has a use for it.
func (p *tab) hit(key string) *tab {
	p.t.Helper()
	p.do("hit "+key, command(input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: "keyDown", Key: key, Text: key}),
		command(input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: "keyUp", Key: key}))
	return p
}

// testHelpSheet opens and closes it in every way. The focus comes back.
func testHelpSheet(t *testing.T, b *browser, width int64) {
	site := newSite(t)
	site.post(ada, "Hello", "", true)
	p := b.visit(t, site, width).open("/").strike("j").focused("title-1")
	p.strike("?").sees("dialog[open] h2", "Keyboard").fits().names().strike("j?n/").sees("dialog[open] h2", "Keyboard")
	p.strike(kb.Escape).lacks("dialog[open]").focused("title-1")
	p.press("Keyboard").sees("dialog[open] h2", "Keyboard").press("Close").lacks("dialog[open]")
	p.until("the focus is on what opened it", `document.activeElement.textContent === "Keyboard"`)
}

// testKeysRest strikes keys where they mean something else.
func testKeysRest(t *testing.T, b *browser) {
	site := newSite(t)
	site.post(ada, "Hello", "", true)
	p := b.signedIn(t, site, ada, wide).write("", "")
	p.strike("jkn/?").holds("Text", "jkn/?").focused("compose-form-content").lacks("dialog[open]")
	p.open("/").press("Ada Lovelace").sees(".menu-items", "Sign out").strike("j?").focused("account-menu").lacks("dialog[open]")
	p.strike(kb.Escape).lacks("#menu[open]").strike("j").focused("title-1")
	for _, how := range []string{"altKey", "ctrlKey", "metaKey", "repeat", "isComposing"} {
		eval[bool](p, `document.activeElement.dispatchEvent(new KeyboardEvent("keydown", {key: "?", bubbles: true, `+how+`: true}))`)
	}
	p.lacks("dialog[open]").strike("J").focused("title-1").open("/settings").press("Save").sees(".notice", "saved")
}

func testKeysAreSwitchedOff(t *testing.T, b *browser) {
	site := newSite(t)
	site.post(ada, "Hello", "", true)
	p := b.visit(t, site, narrow).open("/settings").press("Single keys as shortcuts: j, k, n, / and ?").press("Save").sees(".notice", "saved")
	p.open("/").lacks("#shortcuts").lacks("[commandfor]").strike("j?n/").focused("").sees(".post-item", "Hello")
	p.open("/settings").press("Single keys as shortcuts: j, k, n, / and ?").press("Save").sees(".notice", "saved").open("/").strike("j").focused("title-1")
}

func testNoKeysWithoutJavaScript(t *testing.T, b *browser) {
	p := b.visit(t, newSite(t), wide)
	p.withoutScripts().open("/").until("no key is spoken of", `!document.querySelector("[commandfor=shortcuts]").checkVisibility()`)
}

// testEveryKeyIsExplained holds the help sheet against what the script knows.
func testEveryKeyIsExplained(t *testing.T, b *browser) {
	p := b.visit(t, newSite(t), wide).open("/")
	p.until("they are the same", `Object.keys(shortcuts).join() === [...document.querySelectorAll("kbd")].map(e => e.textContent).filter(key => !/^E/.test(key)).join()`)
}
