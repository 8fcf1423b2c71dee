package handlers

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// do carries out what is described.
func (p *tab) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.t.Fatalf("%s: %v\n%s", what, err, p.state())
	}
}

// state describes the page for somebody who wonders why a test fails.
func (p *tab) state() string {
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	state, err := chromedp.Run(ctx, chromedp.Evaluate[string](`[
		location.href,
		"focus: " + document.activeElement?.outerHTML.slice(0, 200),
		"status: " + document.getElementById("status")?.textContent,
		document.body.innerText.slice(0, 2000),
	].join("\n")`))
	if err != nil {
		return err.Error()
	}
	return state
}

// eval returns what a JavaScript expression is.
func eval[T any](p *tab, expression string, options ...chromedp.EvaluateOption) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, options...))
	if err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
	return value
}

// quote writes text as JavaScript does.
func quote(text string) string {
	b, err := json.Marshal(text)
	if err != nil {
		panic(err) // text is a string
	}
	return string(b)
}

// fold makes a JavaScript expression for the text of an element as it is read.
func fold(element string) string { return element + `.innerText.replace(/\s+/g, " ").trim()` }

// when is a path to what an expression gives, once the page has loaded.
func when(expression string) chromedp.JSPath {
	return chromedp.JSPath(`document.readyState === "complete" ? (` + expression + `) : null`)
}

// until waits for a JavaScript expression to be true. chromedp.Poll would need
// eval, which the site's policy forbids.
func (p *tab) until(what, expression string) {
	p.t.Helper()
	p.do("wait until "+what, chromedp.WaitReady(when("("+expression+") ? document.documentElement : null")))
}

// open goes to an address of the site.
func (p *tab) open(path string) *tab {
	p.t.Helper()
	p.do("open "+path, chromedp.Navigate(p.server.URL+path))
	return p
}

// withoutScripts opens pages from now on as a browser without JavaScript does.
func (p *tab) withoutScripts() *tab {
	p.t.Helper()
	p.do("switch JavaScript off", command(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}))
	return p
}

// named finds the elements of that accessible name, which is what a reader or
// a screen reader knows them by, in one of the roles.
func named(name string, roles ...string) chromedp.QueryOption {
	return chromedp.ByFunc(func(ctx context.Context, target *chromedp.Target, root *chromedp.Node) ([]cdp.NodeID, error) {
		loaded, err := chromedp.Evaluate[bool](`document.readyState === "complete"`)(ctx, target)
		if err != nil || !loaded {
			return nil, err
		}
		found, err := cdp.Call(ctx, target, accessibility.QueryAXTree,
			accessibility.QueryAXTreeParams{NodeID: root.NodeID, AccessibleName: name})
		if err != nil {
			return nil, err
		}
		var ids []cdp.BackendNodeID
		for _, node := range found.Nodes {
			if slices.Contains(roles, axText(node.Role)) {
				ids = append(ids, node.BackendDOMNodeID)
			}
		}
		pushed, err := cdp.Call(ctx, target, dom.PushNodesByBackendIDsToFrontend,
			dom.PushNodesByBackendIDsToFrontendParams{BackendNodeIDs: ids})
		return pushed.NodeIDs, err
	})
}

// press clicks the link, the button or the choice of that name.
func (p *tab) press(name string) *tab {
	p.t.Helper()
	p.do("press "+name, chromedp.Click(name, named(name, "link", "button", "radio", "checkbox", "DisclosureTriangle"), chromedp.NodeVisible))
	return p
}

// labelled is the field with that label, in the form where the focus is.
func labelled(label string) chromedp.JSPath {
	return when(fmt.Sprintf(`[...(document.activeElement?.form ?? document).querySelectorAll("label")]
		.find(e => e.checkVisibility() && %s === %s)?.control`, fold("e"), quote(label)))
}

// fill types text into the field with that label, in the place of what is
// there.
func (p *tab) fill(label, text string) *tab {
	p.t.Helper()
	p.do("fill in "+label, chromedp.Focus(labelled(label), chromedp.NodeVisible), replaceText(text))
	return p
}

// replaceText types text in the place of what is in the field with the focus.
func replaceText(text string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		if _, err := chromedp.Evaluate[chromedp.Void]("document.activeElement.select()")(ctx, target); err != nil {
			return err
		}
		_, err := cdp.Call(ctx, target, input.InsertText, input.InsertTextParams{Text: text})
		return err
	})
}

// holds makes sure of what is typed in the field with that label.
func (p *tab) holds(label, want string) *tab {
	p.t.Helper()
	p.until(fmt.Sprintf("%s holds %q", label, want), fmt.Sprintf("(%s)?.value === %s", labelled(label), quote(want)))
	return p
}

// sees waits until an element that matches the selector shows the text.
func (p *tab) sees(selector, text string) *tab {
	p.t.Helper()
	p.until(fmt.Sprintf("%s shows %q", selector, text),
		fmt.Sprintf(`[...document.querySelectorAll(%s)].some(e => e.checkVisibility() && %s.includes(%s))`, quote(selector), fold("e"), quote(text)))
	return p
}

// lacks waits until nothing matches the selector.
func (p *tab) lacks(selector string) *tab {
	p.t.Helper()
	p.until("nothing is "+selector, fmt.Sprintf(`!document.querySelector(%s)`, quote(selector)))
	return p
}

// hears waits until the live region has said the text, and forgets it as a
// screen reader does.
func (p *tab) hears(text string) *tab {
	p.t.Helper()
	p.sees("#status", text)
	eval[chromedp.Void](p, `document.getElementById("status").replaceChildren()`)
	return p
}

// focused waits until the focus is on the element with that id.
func (p *tab) focused(id string) *tab {
	p.t.Helper()
	p.until("the focus is on "+id, fmt.Sprintf(`document.activeElement?.id === %s`, quote(id)))
	return p
}

// strike presses keys.
func (p *tab) strike(keys string) *tab {
	p.t.Helper()
	p.do("strike keys", chromedp.KeyEvent(keys))
	return p
}

// titles returns the titles of the posts that are listed.
func (p *tab) titles() []string {
	p.t.Helper()
	return eval[[]string](p, `[...document.querySelectorAll(".post-item h2")].map(e => `+fold("e")+`)`)
}

// fits makes sure that the page does not scroll sideways.
func (p *tab) fits() *tab {
	p.t.Helper()
	if over := eval[int](p, `document.documentElement.scrollWidth - document.documentElement.clientWidth`); over > 0 {
		p.t.Errorf("%s is %d pixels too wide in a window of %d", eval[string](p, "location.pathname"), over, eval[int](p, "innerWidth"))
	}
	return p
}

// names makes sure that whatever can be operated has an accessible name.
func (p *tab) names() *tab {
	p.t.Helper()
	tree, err := chromedp.Call(p.ctx, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	if err != nil {
		p.t.Fatal(err)
	}
	for _, node := range tree.Nodes {
		if slices.Contains(operable, axText(node.Role)) && !node.Ignored && axText(node.Name) == "" {
			p.t.Errorf("%s has a %s without a name", eval[string](p, "location.pathname"), axText(node.Role))
		}
	}
	return p
}

// operable are roles of what can be pressed or filled in.
var operable = []string{"link", "button", "DisclosureTriangle", "textbox"}

// axText is a value of the accessibility tree, "" for none.
func axText(v *accessibility.Value) string {
	if v == nil {
		return ""
	}
	return strings.Trim(string(v.Value), `"`)
}

// signIn signs a ready user in with one click.
func (p *tab) signIn(name string) *tab {
	p.t.Helper()
	return p.press("Sign in").press(name+" member").sees(".site-header summary", name)
}

// write opens the form above the feed and fills it in.
func (p *tab) write(title, content string) *tab {
	p.t.Helper()
	return p.press("Write a post").fill("Title", title).fill("Text", content)
}

// signedIn is a tab with the feed in which a user is signed in.
func (b *browser) signedIn(t *testing.T, site *testSite, userID string, width int64) *tab {
	t.Helper()
	p := b.visit(t, site, width)
	cookies, err := site.clerk.SignIn(userID)
	if err != nil {
		t.Fatal(err)
	}
	for _, cookie := range cookies {
		p.do("set a cookie", command(network.SetCookie, network.SetCookieParams{
			Name: cookie.Name, Value: cookie.Value, URL: p.server.URL, Path: cookie.Path, HTTPOnly: &cookie.HttpOnly,
		}))
	}
	return p.open("/").sees(".site-header", "Write")
}

// setCookie sets a cookie; an empty value removes it.
func (p *tab) setCookie(name, value string) {
	p.t.Helper()
	if value == "" {
		p.do("remove a cookie", command(network.DeleteCookies, network.DeleteCookiesParams{Name: name, URL: p.server.URL}))
		return
	}
	p.do("set a cookie", command(network.SetCookie, network.SetCookieParams{Name: name, Value: value, URL: p.server.URL, Path: "/"}))
}
