package handlers

import (
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"inkwell/clerk"
)

// layouts are about what pages look like and how they are reached.
var layouts = map[string]func(*testing.T, *browser){
	"every page on a telephone": testPages,
	"markup stays text":         testMarkupStaysText,
	"colours":                   testColours,
	"skip link":                 testSkipLink,
	"account menu by keyboard":  testAccountMenu,
}

// testPages opens every kind of page on a telephone, with text that is hard to
// break: none scrolls sideways, and everything on it has a name.
func testPages(t *testing.T, b *browser) {
	site := newSite(t)
	rename(t, site, ada, strings.Repeat("Ada", 30))
	word := strings.Repeat("Donaudampfschifffahrt", 9)
	hard := strings.Join([]string{
		word, "    " + strings.Repeat("code that is not broken ", 20), "> " + word, "- `" + word + "`", "# " + word,
		"|" + strings.Repeat("column|", 20) + "\n|" + strings.Repeat("-|", 20),
	}, "\n\n")
	site.post(ada, word, hard, true)
	site.introduce(ada, hard, word, word[:maxQuoteBy])
	site.post(ada, "A draft of "+word[:180], hard, false)

	type sight struct{ path, selector, text string }
	look := func(p *tab, sights ...sight) {
		t.Helper()
		p.allow("status of 404")
		for _, s := range sights {
			p.open(s.path).sees(s.selector, s.text).fits().names()
		}
	}
	look(b.visit(t, site, narrow),
		sight{"/", ".post-item h2", word}, sight{"/posts/1", ".post h1", word}, sight{"/posts/99", "h1", "Not found"},
		sight{"/sign-in", "#clerk-component", "Any e-mail address"}, sight{"/sign-up", "#clerk-component", "Any e-mail address"})
	p := b.signedIn(t, site, ada, narrow)
	look(p,
		sight{"/", ".post-item h2", word}, sight{"/posts/1", ".post h1", word}, sight{"/posts/99", "h1", "Not found"},
		sight{"/posts/new", "h1", "Write a post"}, sight{"/posts/1/edit", "h1", "Edit your post"},
		sight{"/drafts", ".post-item h2", "A draft"}, sight{"/account", "#clerk-component h2", "Profile"},
		sight{"/users/1", ".post-item h2", word}, sight{"/users/1/bio", "h1", "Your bio"}, sight{"/users/1/quote", "h1", "Your quote"},
		sight{"/settings", "h1", "Settings"}, sight{"/settings/delete", "h1", "Delete your account"})
	p.open("/").write(word, hard).press("Preview").sees(".preview", "Donau").fits().names()
	p.press("Delete “" + word + "”").focused("undo-1").fits()
}

// rename gives a user a first name and no other.
func rename(t *testing.T, site *testSite, userID, name string) {
	t.Helper()
	user, err := site.clerk.UpdateUser(userID, func(u *clerk.User) { u.FirstName, u.LastName = &name, nil })
	if err == nil {
		_, err = site.db.SaveUser(t.Context(), userData(user))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// testMarkupStaysText writes what would open a dialog if it were taken for a
// part of the page. Any dialog fails the test.
func testMarkupStaysText(t *testing.T, b *browser) {
	const attack = `<img src=x onerror=alert(1)><script>alert(2)</script>"'><svg onload=alert(3)>`
	site := newSite(t)
	rename(t, site, ada, attack)
	p := b.signedIn(t, site, ada, wide)
	p.write(attack, attack+"\n\n[link](javascript:alert(4))").press("Preview").sees(".preview h2", attack).
		sees(".preview .prose", "onerror=alert(1)")
	p.press("Publish").hears("published").sees(".post-item h2", attack).sees(".post-item .author", "<img").sees(".excerpt", "onerror")
	p.press("Edit “"+attack+"”").holds("Title", attack)
	p.open("/posts/1").sees(".post h1", attack).sees(".prose", "onerror=alert(1)").
		lacks(`.prose :is(img, script, svg, a[href^="javascript"])`)
	p.press("Delete “"+attack+"”").sees(".post-deleted", attack).lacks(`main :is(img, script, svg)`)
}

func testColours(t *testing.T, b *browser) {
	site := newSite(t)
	site.post(grace, "Hello", "", true)
	p := b.visit(t, site, narrow).open("/posts/1")
	theme := func(want string) {
		t.Helper()
		p.until("the theme is "+want, `(document.documentElement.dataset.theme ?? "system") === `+quote(want))
		p.until(want+" is pressed", `document.querySelector("[aria-pressed=true]").value === `+quote(want))
	}
	theme("system")
	choices := []struct{ button, theme, scheme string }{
		{"Dark", "dark", "dark"},
		{"Light", "light", "light"},
		{"System", "system", "light dark"},
	}
	for _, choice := range choices {
		p.press(choice.button)
		theme(choice.theme)
		p.open("/posts/1")
		theme(choice.theme)
		if got := eval[string](p, "getComputedStyle(document.documentElement).colorScheme"); got != choice.scheme {
			t.Errorf("%s: the colour scheme is %q, want %q", choice.button, got, choice.scheme)
		}
		p.sees(".post h1", "Hello")
	}
}

func testSkipLink(t *testing.T, b *browser) {
	p := b.visit(t, newSite(t), narrow).open("/")
	p.strike(kb.Tab).until("the skip link has the focus and is seen",
		`document.activeElement.matches(".skip-link") && document.activeElement.getBoundingClientRect().top >= 0`)
	p.strike(kb.Enter).focused("main")
}

func testAccountMenu(t *testing.T, b *browser) {
	p := b.signedIn(t, newSite(t), ada, narrow)
	var passed []string
	for !slices.Contains(passed, "account-menu") && len(passed) < 10 {
		p.strike(kb.Tab)
		passed = append(passed, eval[string](p, "document.activeElement.id"))
	}
	p.focused("account-menu").strike(kb.Enter).sees(".menu-items", "Sign out").fits()
	p.strike(kb.Tab).until("the focus is in the menu", `document.activeElement.pathname === "/users/1"`)
	p.strike(kb.Escape).focused("account-menu").lacks(".menu[open]")
	p.press("Ada Lovelace").sees(".menu-items", "Sign out")
	p.do("click beside the menu", chromedp.MouseClickXY(5, 700))
	p.lacks(".menu[open]")
	p.press("Ada Lovelace").press("Account").sees("h1", "Your account")
}
