package handlers

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// polls are about asking and voting.
var polls = map[string]func(*testing.T, *browser){
	"poll, narrow":         at(narrow, testPoll),
	"poll, wide":           at(wide, testPoll),
	"poll by keyboard":     testPollByKeyboard,
	"a second click":       testSecondClick,
	"long poll, narrow":    at(narrow, testLongPoll),
	"long poll, wide":      at(wide, testLongPoll),
	"poll, live":           testLivePoll,
	"poll from the feed":   testPollFromTheFeed,
	"poll on paper":        testPollOnPaper,
	"voting leads back":    testVotingLeadsBack,
	"vote of an old page":  testVoteOfAnOldPage,
	"vote without a token": testVoteWithoutAToken,
}

// testPoll votes, changes the vote and withdraws it, and closes the poll,
// without the page being loaded again.
func testPoll(t *testing.T, b *browser, width int64) {
	site := newSite(t)
	site.poll(ada, "Drinks", true, "Tea", "Coffee", strings.Repeat("Donaudampfschifffahrt", 4))
	p := b.signedIn(t, site, ada, width).open("/posts/1").sees(".poll > .help", "0 votes").fits().names()
	eval[bool](p, "window.stillThere = true")
	p.press("Coffee 0 votes").hears("Your vote is counted.").focused("option-2").sees(".choice", "You voted for Coffee.").
		sees(".options li:first-child", "Coffee ✓ yours, 1 vote, 100%").fits().names()
	settled(p)
	p.press("Tea 0 votes").hears("Your vote is counted.").focused("option-1").sees(".options li:first-child", "Tea ✓ yours, 1 vote, 100%")
	settled(p)
	p.press("Withdraw").hears("Your vote is withdrawn.").focused("question-1").lacks(".choice").sees(".poll > .help", "0 votes")
	settled(p)
	p.press("Close the poll").hears("The poll is closed.").focused("question-1").lacks(".poll button").sees(".poll > .help", "Closed").fits()
	if !eval[bool](p, "window.stillThere") {
		t.Error("the page was loaded again")
	}
}

// testPollOnPaper prints what can be voted for, and nothing to press.
func testPollOnPaper(t *testing.T, b *browser) {
	site := newSite(t)
	site.poll(grace, "Drinks", true, "Tea", "Coffee")
	p := b.signedIn(t, site, ada, wide).open("/posts/1").sees(".poll", "Tea")
	p.do("print", command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"}))
	p.until("the options are on the paper", `[...document.querySelectorAll(".option")].filter(e => e.checkVisibility()).length === 2`)
	p.until("nothing can be pressed there", `!document.getElementById("results-1").checkVisibility()`)
}

// settled waits until what has moved can be pressed again.
func settled(p *tab) {
	p.t.Helper()
	p.until("the poll has settled", `getComputedStyle(document.querySelector(".poll")).pointerEvents !== "none"`)
}

func testPollByKeyboard(t *testing.T, b *browser) {
	site := newSite(t)
	site.poll(grace, "Drinks", true, "Tea", "Coffee")
	p := b.signedIn(t, site, ada, wide).open("/posts/1").sees(".poll", "Tea")
	eval[chromedp.Void](p, `document.getElementById("results-1").focus()`)
	p.strike(kb.Enter).sees(".poll > .help", "Hide the results")
	eval[chromedp.Void](p, `document.getElementById("results-1").focus()`)
	p.strike(kb.Tab).focused("option-1").strike(kb.Tab).focused("option-2").strike(" ").hears("Your vote is counted.").focused("option-2")
	p.sees(".options li:first-child", "Coffee ✓ yours").strike(kb.Tab).focused("option-1").strike(kb.Enter).hears("Your vote is counted.").focused("option-1")
	eval[chromedp.Void](p, `document.getElementById("withdraw-1").focus()`)
	p.strike(kb.Enter).hears("Your vote is withdrawn.").focused("question-1").strike(kb.Tab).focused("results-1")
}

// testSecondClick looks what a second click would meet, which many do without
// thinking: the vote moves its option away, and another one comes there.
func testSecondClick(t *testing.T, b *browser) {
	site := newSite(t)
	site.poll(grace, "Drinks", true, "Tea", "Coffee", "Water")
	p := b.signedIn(t, site, ada, wide).open("/posts/1")
	place := `(({x, y, width, height}) => document.elementFromPoint(x + width / 2, y + height / 2)?.closest("button")?.id ?? "nothing")`
	eval[chromedp.Void](p, `{
		const before = document.getElementById("option-3").getBoundingClientRect();
		const under = () => `+place+`(before);
		document.addEventListener("htmx:after:swap", () => requestAnimationFrame(() => { window.second = under(); }), {once: true});
		window.under = under;
	}`)
	p.press("Water").sees(".options li:first-child", "Water ✓ yours")
	p.until("a click at the same place has met nothing", `window.second === "nothing"`)
	p.until("the place can be pressed again", `/option-[12]/.test(window.under())`)
}

// testLongPoll votes far down: the reader is brought to where their vote is
// said.
func testLongPoll(t *testing.T, b *browser, width int64) {
	site := newSite(t)
	var options []string
	for i := range 118 {
		options = append(options, fmt.Sprintf("%d Praseodymium", i+1))
	}
	site.poll(grace, "Elements", true, options...)
	p := b.signedIn(t, site, ada, width).open("/posts/1").sees(".poll", "118 Praseodymium").fits().names()
	p.press("118 Praseodymium").hears("Your vote is counted.").focused("option-118").sees(".options li:first-child", "118 Praseodymium ✓ yours").fits()
	p.until("the choice is in sight", `(({top, bottom}) => top >= 0 && bottom <= innerHeight)(document.querySelector(".choice").getBoundingClientRect())`)
}

// testPollFromTheFeed asks in a post that is written above the feed.
func testPollFromTheFeed(t *testing.T, b *browser) {
	site := newSite(t)
	p := b.signedIn(t, site, ada, narrow)
	p.allow("status of 422")
	p.write("Drinks", "Text").press("Add a poll").fill("Question", "Which?").fill("Options, one per line", "Tea\nCoffee\nTea").fits().names()
	p.press("Publish").focused("compose-form-options").sees("#compose-form-options-problem", "“Tea” is there twice").holds("Question", "Which?")
	p.fill("Options, one per line", "Tea\nCoffee").press("Publish").hears("Your post is published.").sees("#feed > :first-child", "Poll: 2 options")
	p.press("Drinks").sees(".poll h2", "Which?")
	p.press("Edit “Drinks”").focused("post-1-title").sees("summary", "Poll").fill("Options, one per line", "Tea\nCoffee\nWater").press("Save").
		hears("Saved.").sees(".options", "Water").fits()
}

func testVotingLeadsBack(t *testing.T, b *browser) {
	site := newSite(t)
	site.poll(grace, "Drinks", true, "Tea", "Coffee")
	p := b.visit(t, site, wide).open("/posts/1").press("Sign in to vote").press("Ada Lovelace member").sees(".poll button", "Tea")
	p.press("Tea").hears("Your vote is counted.").sees(".choice", "Tea")
}

// testVoteOfAnOldPage votes where the author has closed the poll meanwhile.
func testVoteOfAnOldPage(t *testing.T, b *browser) {
	site := newSite(t)
	post, _ := site.poll(grace, "Drinks", true, "Tea", "Coffee")
	p := b.signedIn(t, site, ada, narrow).open("/posts/1").sees(".poll button", "Tea")
	if _, err := site.db.ClosePoll(t.Context(), post.ID); err != nil {
		t.Fatal(err)
	}
	p.allow("status of 409")
	p.press("Tea").sees("#alerts", "This poll is closed.").sees(".poll > .help", "Closed").lacks(".poll button")
}

// testVoteWithoutAToken votes on a page that was open for long.
func testVoteWithoutAToken(t *testing.T, b *browser) {
	site := newSite(t)
	site.poll(grace, "Drinks", true, "Tea", "Coffee")
	p := b.signedIn(t, site, ada, wide).open("/posts/1")
	p.allow("status of 401")
	site.pass(2 * time.Minute)
	p.press("Tea").hears("Your vote is counted.").sees(".choice", "Tea")
}

// testLivePoll has two people vote side by side, and two guests look on.
func testLivePoll(t *testing.T, b *browser) {
	site := newSite(t)
	site.poll(grace, "Drinks", true, "Tea", "Coffee")
	one := b.signedIn(t, site, ada, wide).open("/posts/1").listens()
	two := b.signedIn(t, site, moderator, narrow).open("/posts/1").listens()
	guest := b.visit(t, site, narrow).open("/posts/1").listens()
	asking := b.visit(t, site, narrow).open("/posts/1?results=1").listens()

	one.press("Coffee").hears("Your vote is counted.").sees(".options li:first-child", "Coffee ✓ yours, 1 vote, 100%")
	asking.sees(".options li:first-child", "Coffee 1 vote, 100%")
	eval[chromedp.Void](one, `document.getElementById("option-1").focus()`)
	two.press("Tea").hears("Your vote is counted.").sees(".options li:first-child", "Tea ✓ yours, 1 vote, 50%")
	one.sees(".options li:first-child", "Tea 1 vote, 50%").sees(".options", "Coffee ✓ yours, 1 vote, 50%").sees(".choice", "Coffee").focused("option-1")
	asking.sees(".poll > .help", "2 votes").sees(".poll > .help", "Hide the results")

	site.as(grace).htmx("POST", "/posts/1/poll/close", nil)
	for _, p := range []*tab{one, two, guest, asking} {
		p.sees(".poll > .help", "Closed").sees(".poll > .help", "2 votes").lacks(".poll button")
	}
}
