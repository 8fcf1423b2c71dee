package emulator

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// maxBody bounds a request's body: every form here is a few fields.
const maxBody = 64 << 10

// guarded gives every answer its headers, bounds bodies, and refuses what
// another site's page sends.
func (e *Emulator) guarded(next http.Handler) http.Handler {
	next = new(http.CrossOriginProtection).Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		secure(w.Header())
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}

func secure(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

// isLocal reports whether r came from this machine and asks for it by a name
// that always means this machine. A page elsewhere can make its own name
// resolve to 127.0.0.1, but it cannot change the Host header.
func isLocal(r *http.Request) bool {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && from.Addr().Unmap().IsLoopback() && isLoopbackHost(r.Host)
}

// isLoopbackHost reports whether a Host header names this machine: localhost,
// a name below it (RFC 6761), or a loopback address.
func isLoopbackHost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(host)
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"))
	return err == nil && addr.IsLoopback()
}

// originOf returns the origin under which r reached the emulator.
func originOf(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// isOrigin reports whether s is a scheme and a host, as a browser sends them.
func isOrigin(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && s == u.Scheme+"://"+u.Host
}

// within returns target as an absolute URL of origin. It is false for every
// target that a browser standing on a page of origin might take elsewhere.
func within(origin, target string) (*url.URL, bool) {
	elsewhere := func(c rune) bool { return c <= ' ' || c == '\\' || c == 0x7f }
	if strings.ContainsFunc(target, elsewhere) {
		return nil, false // browsers drop these, or read them as a slash
	}
	base, err := url.Parse(origin)
	if err != nil {
		return nil, false
	}
	u, err := url.Parse(target)
	if err != nil || u.Opaque != "" || u.User != nil {
		return nil, false
	}
	if u.Scheme == "" && u.Host == "" {
		if !strings.HasPrefix(target, "/") || strings.HasPrefix(target, "//") {
			return nil, false
		}
		u.Scheme, u.Host = base.Scheme, base.Host
	}
	return u, u.Scheme == base.Scheme && u.Host == base.Host
}

// withQuery appends a parameter to u's query and leaves the rest as it was
// written: url.Values would sort it.
func withQuery(u *url.URL, name, value string) string {
	v := *u
	if v.RawQuery != "" {
		v.RawQuery += "&"
	}
	v.RawQuery += name + "=" + url.QueryEscape(value)
	return v.String()
}
