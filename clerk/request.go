package clerk

import (
	"cmp"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// maxCookieHeader bounds the cookies that are looked at, in bytes. Browsers
// keep some 4 KB a cookie; a request with more is somebody's test.
const maxCookieHeader = 64 << 10

// A request is what an HTTP request says about who is asking.
type request struct {
	method   string
	raw      *http.Request
	url      *url.URL // as the browser sees it: absolute, on the public origin
	query    url.Values
	cookies  map[string]string
	eligible bool // may be redirected to a handshake

	bearer     string // the token of the Authorization header
	suffixed   bool   // the session cookies are those with a suffix
	session    string // the session cookie; empty means none
	token      *token // what the session cookie holds; nil when that is not a token
	clientUAT  int64  // when the sessions of the browser changed, in Unix seconds; 0 means signed out
	devBrowser string // development instances: which browser this is; empty means unknown
	redirects  int    // to handshakes in the last moments
}

// newRequest reads r. Now, in Unix seconds, decides which cookies count.
func (a *Authenticator) newRequest(r *http.Request, now int64) *request {
	q := &request{
		raw:      r,
		method:   r.Method,
		url:      a.publicURL(r),
		query:    r.URL.Query(),
		cookies:  parseCookies(r.Header["Cookie"]),
		eligible: eligible(r),
		bearer:   bearer(r.Header.Get("Authorization")),
	}
	plain := a.token(q.cookies[SessionCookie])
	suffixed := plain
	if other := q.cookies[a.instance.Suffixed(SessionCookie)]; other != q.cookies[SessionCookie] { // mostly they are the same
		suffixed = a.token(other)
	}
	q.suffixed = usesSuffixed(a.instance, q.cookies, plain.claimed(), suffixed.claimed(), now)
	q.session, q.token = q.cookies[a.cookieName(q, SessionCookie)], plain
	if q.suffixed {
		q.token = suffixed
	}
	q.clientUAT = parseInt(q.cookies[a.cookieName(q, ClientUATCookie)])
	q.devBrowser = q.parameter(DevBrowserCookie, a.cookieName(q, DevBrowserCookie))
	q.redirects, _ = strconv.Atoi(q.cookies[RedirectCountCookie]) // 0 for nonsense, the nearest when out of range
	return q
}

// headers returns the headers of r, with its Host, by name in lower case.
func headers(r *http.Request) map[string][]string {
	all := map[string][]string{"host": {r.Host}}
	for name, values := range r.Header {
		all[strings.ToLower(name)] = values
	}
	return all
}

func (a *Authenticator) cookieName(q *request, cookie string) string {
	if q.suffixed {
		return a.instance.Suffixed(cookie)
	}
	return cookie
}

// parameter returns the query parameter of a name, else the cookie. One that
// is longer than any of Clerk's counts as none.
func (q *request) parameter(name, cookie string) string {
	value := cmp.Or(q.query.Get(name), q.cookies[cookie])
	if len(value) > maxToken {
		return ""
	}
	return value
}

// sessionToken returns the token to renew: that of the cookie, else the
// Authorization header's.
func (q *request) sessionToken() string { return cmp.Or(q.session, q.bearer) }

// eligible reports whether the request is for a document, which alone can
// follow a redirect to another site and back.
func eligible(r *http.Request) bool {
	if r.Method != http.MethodGet {
		return false
	}
	switch r.Header.Get("Sec-Fetch-Dest") {
	case "document", "iframe":
		return true
	case "":
		return strings.HasPrefix(r.Header.Get("Accept"), "text/html")
	}
	return false
}

// bearer returns the token in the value of an Authorization header. A value of
// one word is the token; another scheme than Bearer has none.
func bearer(authorization string) string {
	scheme, rest, _ := strings.Cut(authorization, " ")
	token, _, _ := strings.Cut(rest, " ")
	switch {
	case token == "":
		return scheme
	case scheme == "Bearer":
		return token
	}
	return ""
}

// parseCookies reads Cookie headers as Clerk's SDK does: the first of a name
// wins and values are percent-decoded. Only Clerk's cookies are returned; none
// when there are too many bytes of them.
func parseCookies(headers []string) map[string]string {
	cookies := map[string]string{}
	all := strings.Join(headers, ";")
	if len(all) > maxCookieHeader {
		return cookies
	}
	for part := range strings.SplitSeq(all, ";") {
		name, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		name = strings.TrimSpace(name)
		if _, seen := cookies[name]; !ok || seen || !strings.HasPrefix(name, "__") {
			continue
		}
		cookies[name] = unescaped(strings.TrimSpace(value))
	}
	return cookies
}

// unescaped returns a value percent-decoded; as it is when that is impossible.
func unescaped(value string) string {
	if !strings.Contains(value, "%") { // much quicker to see for a token
		return value
	}
	if decoded, err := url.PathUnescape(value); err == nil {
		return decoded
	}
	return value
}

// parseInt is JavaScript's parseInt, with 0 for what is not a number: the
// digits at the start count, whatever follows them.
func parseInt(s string) int64 {
	s = strings.TrimSpace(s)
	end := 0
	for end < len(s) && (s[end] >= '0' && s[end] <= '9' || end == 0 && (s[0] == '-' || s[0] == '+')) {
		end++
	}
	n, _ := strconv.ParseInt(s[:end], 10, 64) // out of range: the nearest
	return n
}

// usesSuffixed reports whether the session cookies of a request are those with
// the instance's suffix. It is usesSuffixedCookies of Clerk's SDK: the cookies
// without suffix may be of another instance on the same domain, or be newer
// when an application has just begun or ceased to use suffixes. The payloads
// are those of the two session cookies.
func usesSuffixed(i Instance, cookies map[string]string, token, suffixedToken payload, now int64) bool {
	session, suffixedSession := cookies[SessionCookie], cookies[i.Suffixed(SessionCookie)]
	uat, suffixedUAT := cookies[ClientUATCookie], cookies[i.Suffixed(ClientUATCookie)]
	switch {
	case session != "" && (token.Issuer == nil || token.Issuer == ""):
		return false
	case session != "" && !i.issued(token):
		return true
	case suffixedUAT == "" && suffixedSession == "":
		return false
	case suffixedUAT != "0" && uat != "0" && number(token.IssuedAt) > number(suffixedToken.IssuedAt):
		return false
	case suffixedUAT == "0" && uat != "0":
		return false
	case !i.Production && suffixedUAT != "0" && uat == "0" && suffixedToken.expired(now):
		return false
	case suffixedSession != "" && suffixedUAT == "":
		return false
	}
	return true
}

// issued reports whether a token says that it was issued by the instance
// itself, whatever proxy stands before it.
func (i Instance) issued(t payload) bool {
	issuer, _ := t.Issuer.(string)
	return strings.TrimPrefix(strings.TrimPrefix(issuer, "https://"), "http://") == i.Host
}

// publicURL returns the URL of r as the browser sees it.
func (a *Authenticator) publicURL(r *http.Request) *url.URL {
	u := *r.URL
	u.Scheme, u.Host = a.origin(r)
	u.User, u.Fragment, u.RawFragment, u.Opaque = nil, "", "", ""
	if u.Path == "" {
		u.Path = "/"
	}
	return &u
}

// Origin returns the application's origin as the browser sees it, such as
// "https://posts.example.com": Config.PublicURL, else the request's own.
// X-Forwarded-Host and -Proto count only from a trusted proxy.
func (a *Authenticator) Origin(r *http.Request) string {
	scheme, host := a.origin(r)
	return scheme + "://" + host
}

func (a *Authenticator) origin(r *http.Request) (scheme, host string) {
	if a.public != nil {
		return a.public.Scheme, a.public.Host
	}
	scheme, host = "http", r.Host
	if r.TLS != nil {
		scheme = "https"
	}
	if a.trusts(r.RemoteAddr) {
		if s := firstOf(r.Header.Get("X-Forwarded-Proto")); s == "http" || s == "https" {
			scheme = s
		}
		if h := firstOf(r.Header.Get("X-Forwarded-Host")); h != "" && !strings.ContainsFunc(h, notInAuthority) {
			host = h
		}
	}
	return scheme, withoutDefaultPort(scheme, host)
}

// trusts reports whether the peer at an address is a trusted proxy.
func (a *Authenticator) trusts(remoteAddr string) bool {
	peer, err := netip.ParseAddrPort(remoteAddr)
	if err != nil {
		return false
	}
	addr := peer.Addr().Unmap().WithZone("")
	return slices.ContainsFunc(a.config.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(addr) })
}

func firstOf(list string) string {
	first, _, _ := strings.Cut(list, ",")
	return strings.TrimSpace(first)
}

func notInAuthority(r rune) bool {
	return r != '[' && r != ']' && notInHost(r)
}

func withoutDefaultPort(scheme, authority string) string {
	host, port, err := net.SplitHostPort(authority)
	if err != nil || !(scheme == "http" && port == "80" || scheme == "https" && port == "443") {
		return authority
	}
	if strings.Contains(host, ":") {
		return "[" + host + "]"
	}
	return host
}

// StripQuery returns a URL without the query parameters that Clerk adds to it,
// for where it is to be come back to: a handshake must not happen twice.
func StripQuery(u *url.URL) *url.URL {
	return without(u, DevBrowserCookie, HandshakeCookie, HandshakeNonceCookie, "__clerk_help", "__clerk_synced", "__dev_session")
}

// without returns u without some query parameters; the others stay as they
// were written.
func without(u *url.URL, parameters ...string) *url.URL {
	var kept []string
	for part := range strings.SplitSeq(u.RawQuery, "&") {
		if !names(part, parameters) {
			kept = append(kept, part)
		}
	}
	stripped := *u
	stripped.RawQuery = strings.Join(kept, "&")
	stripped.ForceQuery = false
	return &stripped
}

// names reports whether a part of a query is one of the parameters.
func names(part string, parameters []string) bool {
	key, _, _ := strings.Cut(part, "=")
	if decoded, err := url.QueryUnescape(key); err == nil {
		key = decoded
	}
	return slices.Contains(parameters, key)
}
