package handlers

import (
	"net/http"
	"slices"
	"strings"

	"inkwell/clerk"
)

// policies are the Content-Security-Policies of the site. None has an unsafe
// word; nothing on a page is inline.
type policies struct {
	plain string // pages without a script of Clerk's
	clerk string // pages that load ClerkJS
	ui    string // pages that show Clerk's components, which set styles; %NONCE% stands for the nonce of these
}

// newPolicies allows what Clerk's scripts need on the pages that load them.
// Browsers hold the redirects after a form against form-action too, so the
// Frontend API, which the handshake redirects to, is in it on every page.
func newPolicies(f clerk.Frontend) policies {
	sources := f.Sources()
	base := []string{"default-src 'none'", directive("form-action", f.Origin), "base-uri 'none'", "frame-ancestors 'none'"}
	withScripts := append(slices.Clone(base),
		directive("script-src", sources.Script...), directive("connect-src", sources.Connect...),
		directive("worker-src", sources.Worker...), directive("frame-src", sources.Frame...))
	style, pictures := directive("style-src"), directive("img-src", clerk.PictureOrigin)
	return policies{
		plain: policy(base, directive("script-src"), directive("connect-src"), style, pictures),
		clerk: policy(withScripts, style, pictures),
		ui:    policy(withScripts, directive("style-src", append(sources.Style, "'nonce-%NONCE%'")...), directive("img-src", clerk.PictureOrigin, "data:")),
	}
}

func policy(base []string, more ...string) string {
	return strings.Join(slices.Concat(base, more), "; ")
}

// directive allows the site itself and more sources.
func directive(name string, more ...string) string {
	return strings.TrimSpace(name + " 'self' " + strings.Join(more, " "))
}

// withHeaders gives every answer its security headers. A handler may replace
// them.
func (s *Server) withHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", s.policies.plain)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "strict-origin-when-cross-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		if s.isHTTPS(r) {
			h.Set("Strict-Transport-Security", "max-age=63072000; includeSubDomains")
		}
		next.ServeHTTP(w, r)
	})
}
