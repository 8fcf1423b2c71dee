package handlers

import (
	"net/http"
	"net/url"
	"time"

	"github.com/chromedp/chromedp"

	"inkwell/db/dbtest"
)

// A state is what a page becomes while it is used.
type state struct {
	name, role string
	reach      func(*tab, *accessSite) *tab
}

var states = []state{
	{"first run", "guest", func(p *tab, s *accessSite) *tab { s.trial(); return p.open("/").sees(".guide", "trial copy") }},
	{"nothing written", "guest", func(p *tab, s *accessSite) *tab { s.empty(); return p.open("/").sees("main", "Nothing is written") }},
	{"nothing written, first run", "member", func(p *tab, s *accessSite) *tab {
		s.trial()
		s.empty()
		return p.open("/").sees(".guide", "trial copy")
	}},
	{"nothing written by oneself", "member", func(p *tab, s *accessSite) *tab {
		s.empty()
		return p.open(s.profile(grace)).sees("main", "not published anything")
	}},
	{"nothing drafted", "member", func(p *tab, s *accessSite) *tab { return p.open("/drafts").sees("main", "no drafts") }},
	{"nothing reported", "moderator", func(p *tab, s *accessSite) *tab {
		s.empty()
		return p.open("/moderation").sees("main", "No post is reported")
	}},
	{"form to write", "member", func(p *tab, _ *accessSite) *tab { return p.open("/").write("Hello", "World") }},
	{"form with errors", "member", func(p *tab, _ *accessSite) *tab {
		return p.open("/").press("Write a post").press("Publish").sees(".problem", "")
	}},
	{"form with errors, alone", "member", func(p *tab, _ *accessSite) *tab {
		return p.open("/posts/new").press("Publish").sees(".problem", "")
	}},
	{"preview", "member", func(p *tab, _ *accessSite) *tab {
		return p.open("/").write("Hello", "# Heading\n\n    code\n\n> quote\n\n[link](https://example.com)").press("Preview").sees(".preview", "Heading")
	}},
	{"menu", "admin", func(p *tab, _ *accessSite) *tab {
		return p.open("/").tap("#account-menu").sees(".menu-items", "Sign out")
	}},
	{"edit in place", "author", func(p *tab, s *accessSite) *tab {
		return p.open("/").tap("#edit-"+s.ids.Replace("{post}")).sees(".post-form", "")
	}},
	{"deleted", "moderator", func(p *tab, s *accessSite) *tab {
		return p.open("/").tap("#delete-"+s.ids.Replace("{post}")).sees(".post-deleted", "")
	}},
	{"voted", "member", func(p *tab, s *accessSite) *tab {
		return p.open(s.ids.Replace("/posts/{poll}")).tap(".option").sees(".choice", "You voted")
	}},
	{"poll to write", "member", func(p *tab, _ *accessSite) *tab {
		return p.open("/posts/new").tap("#post-form-poll").fill("Question", "Why?").tap("#post-form-publish").sees(".problem", "")
	}},
	{"news", "guest", func(p *tab, s *accessSite) *tab {
		p.open("/").listens()
		s.as(ada).submit("/posts", url.Values{"title": {"News"}, "published": {"true"}}).status(http.StatusSeeOther)
		return p.sees("#news", "1 new post")
	}},
	{"bio and quote", "author", func(p *tab, s *accessSite) *tab {
		return p.open(s.ids.Replace("/users/{user}")).tap("#edit-bio").sees("#bio label", "").tap("#edit-quote").sees("#quote label", "")
	}},
	{"quote removed", "author", func(p *tab, s *accessSite) *tab {
		s.introduce(ada, "", "That brain of mine", "Ada, 1843")
		return p.open(s.ids.Replace("/users/{user}")).press("Edit quote").press("Remove it").sees("#quote", "removed")
	}},
	{"quote removed, on the page", "author", func(p *tab, s *accessSite) *tab {
		s.introduce(ada, "", "That brain of mine", "Ada, 1843")
		p.open(s.ids.Replace("/users/{user}/quote")).sees("h1", "Your quote")
		eval[chromedp.Void](p, `quote.quote.value = quote.quote_by.value = "", quote.submit()`)
		return p.sees("#alerts .notice", "removed")
	}},
	{"quote set since", "author", func(p *tab, s *accessSite) *tab {
		p.allow("status of 409")
		s.introduce(ada, "", "That brain of mine", "Ada, 1843")
		p.open(s.ids.Replace("/users/{user}")).press("Edit quote").press("Remove it").sees("#quote", "removed")
		s.introduce(ada, "", "Another one", "")
		return p.press("Undo").sees("#quote .problem", "another quote since")
	}},
	{"help sheet", "guest", func(p *tab, _ *accessSite) *tab {
		return p.open("/").strike("?").sees("dialog[open] h2", "Keyboard")
	}},
	{"profile of somebody", "guest", func(p *tab, s *accessSite) *tab {
		s.introduce(ada, "I write *notes*.", "That brain of mine", "Ada, 1843")
		return p.open(s.ids.Replace("/users/{user}")).sees("#quote", "brain")
	}},
	{"search, none found", "guest", func(p *tab, _ *accessSite) *tab {
		return p.open("/search?q=zebra").sees("#found", "No post contains that.")
	}},
	{"people, none found", "guest", func(p *tab, _ *accessSite) *tab {
		return p.open("/users?q=zebra").sees("main", "Nobody is called that.")
	}},
	{"settings saved", "guest", func(p *tab, _ *accessSite) *tab {
		return p.open("/settings").tap("#settings-save").sees(".notice", "saved")
	}},
	{"account not deleted", "member", func(p *tab, _ *accessSite) *tab {
		return p.open("/settings/delete").tap("#delete-for-good").sees(".problem", "")
	}},
	{"webhooks", "admin", func(p *tab, s *accessSite) *tab {
		deadLetter(p.t, s.testSite, "msg_a", "user.updated", brokenUser)
		storeEvents(p.t, s.testSite, eventsPageSize)
		return p.open("/admin/webhooks").sees("h1", "Webhooks")
	}},
	{"webhooks, none found", "admin", func(p *tab, _ *accessSite) *tab { return p.open("/admin/webhooks?user=Zuse").sees(".no-events", "") }},
	{"row with errors", "admin", func(p *tab, s *accessSite) *tab {
		return p.open(s.ids.Replace("/admin/data/posts/{post}")).fill("views INTEGER", "many").tap("#row-save").sees(".problem", "")
	}},
	{"unpublished changes", "author", func(p *tab, s *accessSite) *tab {
		return p.open(s.ids.Replace("/posts/{post}/edit")).fill("Text", "Not yet.").sees(".autosave", "kept").open(s.ids.Replace("/posts/{post}/edit")).sees("form", "not published")
	}},
	{"changes discarded", "author", func(p *tab, s *accessSite) *tab {
		return p.open(s.ids.Replace("/posts/{post}/edit")).fill("Text", "Not yet.").sees(".autosave", "kept").open(s.ids.Replace("/posts/{post}/edit?copy=on")).press("Discard unpublished changes").sees("form .notice", "are discarded")
	}},
	{"changes discarded, and others kept", "author", func(p *tab, s *accessSite) *tab {
		return p.open(s.ids.Replace("/posts/{poll}/edit")).fill("Text", "Not yet.").sees(".autosave", "kept").open(s.ids.Replace("/posts/{poll}/edit")).sees("form .offer", "not published").sees("form .notice", "Other changes")
	}},
	{"changed elsewhere", "author", func(p *tab, s *accessSite) *tab {
		p.open(s.ids.Replace("/posts/{post}/edit")).sees("h1", "Edit")
		s.dress("{post}", "Changed", "Elsewhere.")
		return p.press("Save").sees(".problem", "changed elsewhere")
	}},
	{"report", "member", func(p *tab, s *accessSite) *tab {
		return p.open(s.ids.Replace("/posts/{post}")).tap("#report-"+s.ids.Replace("{post}")).sees(".reason-form legend", "wrong")
	}},
	{"hide", "moderator", func(p *tab, s *accessSite) *tab {
		return p.open("/moderation").tap("#hide-"+s.ids.Replace("{reported}")).sees(".reason-form label", "")
	}},
	{"not reached", "member", func(p *tab, s *accessSite) *tab {
		p.allow("ERR_INTERNET_DISCONNECTED", "Failed to fetch")
		p.open("/").write("Hello", "World").offline(true)
		p.press("Preview").sees("#alerts", "cannot be reached")
		return p
	}},
	{"not found", "guest", func(p *tab, _ *accessSite) *tab { return p.open("/nowhere").sees("h1", "Not found") }},
	{"our mistake", "guest", func(p *tab, s *accessSite) *tab { breakPosts(s.testSite); return p.open("/").sees("main", "Reference") }},
	{"banned", "banned", func(p *tab, _ *accessSite) *tab { return p.open("/drafts").sees("main", "Sign out") }},
	{"session ran out", "member", func(p *tab, s *accessSite) *tab {
		p.open("/posts/new").sees("h1", "Write")
		s.pass(2 * time.Minute)
		eval[chromedp.Void](p, `document.querySelector(".post-form").submit()`)
		return p.sees("h1", "Your session ran out")
	}},
}

// trial makes a site a trial copy.
func (s *accessSite) trial() { s.dashboard = newDashboard("/__clerk/webhooks") }

// empty removes all posts of a site.
func (s *accessSite) empty() { dbtest.Exec(s.t, s.db, "DELETE FROM posts") }

// tap clicks what matches the selector.
func (p *tab) tap(selector string) *tab {
	p.t.Helper()
	p.do("tap "+selector, chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
	return p
}
