package emulator

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"inkwell/clerk"
)

// browserPrefix begins the id by which a browser is known here. The id is a
// secret between the two. Browsers of which nothing is known are not
// remembered: any id of this form is one.
const browserPrefix = "dvb_"

func newBrowser() string { return browserPrefix + rand.Text() }

func isBrowser(id string) bool {
	random, ok := strings.CutPrefix(id, browserPrefix)
	return ok && len(random) == 26 && strings.Trim(random, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == ""
}

// clientID is how others may call a browser: its own id is a secret.
func clientID(browser string) string {
	sum := sha256.Sum256([]byte(browser))
	return "client_" + base32.StdEncoding.EncodeToString(sum[:])[:26]
}

// clientCookie says who a browser is to a production instance's Frontend API,
// and to nobody else.
const clientCookie = "__client"

// A greeter knows how browsers and the instance recognise each other, which is
// the one difference between its two kinds. The Frontend API of a development
// instance is on another site than the program, where browsers keep no cookies
// for it: the browser's id travels in the query, and what the program has to
// know goes there too. That of a production instance has cookies of its own,
// and sets the program's.
type greeter struct{ clerk.Instance }

// browserOf returns the browser that r comes from; empty when it does not say.
// The query wins over the cookies, which are those of the program: other
// programs on this machine may share the plain one.
func (g greeter) browserOf(r *http.Request) string {
	said := []string{r.URL.Query().Get(clerk.DevBrowserCookie)}
	names := []string{g.Suffixed(clerk.DevBrowserCookie), clerk.DevBrowserCookie}
	if g.Production {
		said, names = nil, []string{clientCookie}
	}
	for _, name := range names {
		if c, err := r.Cookie(name); err == nil {
			said = append(said, c.Value)
		}
	}
	for _, id := range said {
		if isBrowser(id) {
			return id
		}
	}
	return ""
}

// greet returns the browser that r comes from, or a new one where the instance
// is free to make it: a development browser is asked for by name.
func (g greeter) greet(r *http.Request) (browser string, ok bool) {
	browser = g.browserOf(r)
	if g.Production {
		browser = cmp.Or(browser, newBrowser())
	}
	return browser, browser != ""
}

// renewed returns the browser by another id, where the instance is free to make
// it: somebody may have planted the cookie of before, and must not be signed in
// with whoever comes by. In development clerk-js holds the id for good.
func (g greeter) renewed(browser string) string {
	if g.Production {
		return newBrowser()
	}
	return browser
}

// facts returns the Set-Cookie headers by which the program knows since when
// the browser's client is as it is, the zero time for nobody signed in, and in
// development which browser it is.
func (g greeter) facts(browser, party string, since time.Time) []string {
	attributes := "; Path=/" + lasting(party)
	list := g.bothForms(clerk.ClientUATCookie, fmt.Sprint(max(0, since.Unix())), attributes)
	if g.Production {
		return list
	}
	return append(list, g.bothForms(clerk.DevBrowserCookie, browser, attributes)...)
}

// name returns the Set-Cookie header that tells a browser who it is to a
// production instance.
func (g greeter) name(browser, party string) string {
	return clientCookie + "=" + browser + "; Path=" + Prefix + "; HttpOnly" + lasting(party)
}

// tell adds to the answer to r what follows for the cookies. The browser learns
// who it is only when that is new: an answer that comes late must not undo a
// sign-in. In development clerk-js sets the cookies itself.
func (g greeter) tell(h http.Header, r *http.Request, browser string, since time.Time) {
	if !g.Production {
		return
	}
	party := originOf(r)
	if browser != g.browserOf(r) {
		h.Add("Set-Cookie", g.name(browser, party))
	}
	h["Set-Cookie"] = append(h["Set-Cookie"], g.facts(browser, party, since)...)
}

// leadBack returns where a page of the instance sends the browser when it is
// done. In development the program learns there which browser it is.
func (g greeter) leadBack(to *url.URL, browser string) string {
	if g.Production {
		return to.String()
	}
	return withQuery(to, clerk.DevBrowserCookie, browser)
}

// handOver redirects to the program with the payload of a handshake, which has
// the name of its cookie and its parameter.
func (g greeter) handOver(w http.ResponseWriter, r *http.Request, to *url.URL, name, payload string) {
	target := withQuery(to, name, payload)
	if g.Production {
		target = to.String()
		w.Header().Add("Set-Cookie", name+"="+payload+"; Path=/; HttpOnly; SameSite=Lax; Max-Age=60"+secureFor(originOf(r)))
	}
	http.Redirect(w, r, target, http.StatusTemporaryRedirect)
}

// bothForms returns the two Set-Cookie headers of a cookie that exists with and
// without the instance's suffix.
func (g greeter) bothForms(name, value, attributes string) []string {
	return []string{name + "=" + value + attributes, g.Suffixed(name) + "=" + value + attributes}
}

// lasting are the attributes of a cookie that stays, gone those of one that
// goes.
func lasting(party string) string {
	return "; SameSite=Lax; Max-Age=31536000" + secureFor(party)
}

func gone(party string) string {
	return "; SameSite=Lax; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT" + secureFor(party)
}

func secureFor(party string) string {
	if strings.HasPrefix(party, "https:") {
		return "; Secure"
	}
	return ""
}
