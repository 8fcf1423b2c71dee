package handlers

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// shown makes sure of the quote on a profile; "" is none.
func (a *answer) shown(quote string) *answer {
	a.t.Helper()
	if quote == "" {
		return a.lacks("figure")
	}
	if got := text(a.one("figure")); got != quote {
		a.t.Errorf("the quote is %q, want %q", got, quote)
	}
	return a
}

// The longest quote comes back, too, also where another notice was left before.
func TestUndoOfAQuoteWithoutJavaScript(t *testing.T) {
	for _, tt := range []struct{ quote, by string }{
		{"One <b>\"line\"\n  and another", "Somebody & Co."},
		{"That brain of mine", ""},
		{strings.Repeat("🜁", maxQuote), strings.Repeat("🜁", maxQuoteBy)},
	} {
		site := newSite(t)
		site.introduce(ada, "", tt.quote, tt.by)
		c, path := site.as(ada), site.profile(ada)
		c.submit("/settings", url.Values{"theme": {"dark"}, "page_size": {"10"}}).leadsTo("/settings")
		before := text(c.get(path).one("figure"))
		editor := c.get(path + "/quote")
		removed := c.press(editor, "#quote-remove").status(http.StatusOK).at(path).shown("").shows("#alerts .notice", "Your quote is removed.")
		c.get(path).shown("").lacks(".notice")
		again := c.press(editor, "#quote-remove").status(http.StatusOK).at(path).shown("") // pressed twice
		for _, page := range []*answer{removed, again, removed} {
			c.press(page, "#undo-notice").status(http.StatusOK).at(path).shown(before).lacks(".notice")
		}

		emptied := c.press(c.get(path+"/quote"), "#quote-save", "quote", " ", "quote_by", "").at(path).shown("")
		c.press(emptied, "#undo-notice").at(path).shown(before)
	}
}

// What was removed does not come back over another quote.
func TestUndoOfAQuoteThatWasReplaced(t *testing.T) {
	site := newSite(t)
	site.introduce(ada, "", "First", "Somebody")
	c, path := site.as(ada), site.profile(ada)
	inPlace := c.htmx("POST", path+"/quote", url.Values{"remove": {"true"}}).fields("#quote form")
	site.introduce(ada, "", "First", "Somebody")
	removed := c.press(c.get(path+"/quote"), "#quote-remove").shown("")
	site.introduce(ada, "", "Second", "")
	c.htmx("POST", path+"/quote", inPlace).status(http.StatusConflict).shows("#quote .problem", "another quote since").shows("#quote-text", "First")
	refused := c.press(removed, "#undo-notice").status(http.StatusConflict).shows("h1", "Your quote").shows("#quote .problem", "another quote since")
	c.get(path).shown("Second")
	c.press(refused, "#quote-save").at(path).shown("FirstSomebody")

	c.submit(path+"/quote", url.Values{"undo": {"on"}}).status(http.StatusConflict) // of nothing
	c.get(path).shown("FirstSomebody")
	for _, who := range []string{grace, moderator, admin} {
		site.as(who).submit(path+"/quote", inPlace).status(http.StatusForbidden)
	}
}

// A session that runs out between loses nothing.
func TestUndoOfAQuoteAfterTheSession(t *testing.T) {
	site := newSite(t)
	site.introduce(ada, "", "First", "Somebody")
	c, path := site.as(ada), site.profile(ada)
	removed := c.press(c.get(path+"/quote"), "#quote-remove").shown("")
	site.pass(tokenLife)
	again := c.press(removed, "#undo-notice").status(http.StatusUnauthorized).shows("h1", "ran out").shows("[name=quote]", "First")
	c.click(again, "main p a").status(http.StatusOK).at("/signed-in")
	c.press(again, "main form button").at(path).shown("FirstSomebody")
}

// Who pressed Remove with something else typed gets back what stood there.
func TestRemovedQuoteIsTheOneThatStood(t *testing.T) {
	site := newSite(t)
	site.introduce(ada, "", "First", "Somebody")
	c, path := site.as(ada), site.profile(ada)
	removed := c.press(c.get(path+"/quote"), "#quote-remove", "quote", "Second")
	c.press(removed, "#undo-notice").shown("FirstSomebody")
	c.submit(path+"/quote", url.Values{"remove": {"true"}})
	c.get(path)
	c.submit(path+"/quote", url.Values{"remove": {"true"}, "quote": {strings.Repeat("x", maxQuote+1)}})
	c.get(path).lacks(".notice") // nothing was there, and what is typed never was a quote
}

// Who presses Remove twice gets back what stood there, not what they had typed.
func TestRemovedQuoteIsTheOneThatStoodTwice(t *testing.T) {
	site := newSite(t)
	site.introduce(ada, "", "First", "Somebody")
	c, path := site.as(ada), site.profile(ada)
	form := c.get(path + "/quote").fields("main form")
	form.Set("quote", "Second")
	form.Set("remove", "true")
	for range 2 {
		c.submit(path+"/quote", form).leadsTo(path)
	}
	c.press(c.get(path).shown(""), "#undo-notice").at(path).shown("FirstSomebody")
}
