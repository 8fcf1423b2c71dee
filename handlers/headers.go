package handlers

import (
	"net/http"
	"strings"

	"inkwell/clerk"
)

// policies are the Content-Security-Policies of the site. None has an unsafe
// word; nothing on a page is inline.
type policies struct {
	plain string // pages without a script of Clerk's
	clerk string // pages that load ClerkJS
	ui    string // pages that show Clerk's components; %NONCE% stands for the nonce of their styles
}

const (
	// picturesOfClerk is where Clerk keeps its users' pictures.
	picturesOfClerk = "https://img.clerk.com"
	// Clerk's scripts use these for bot protection, see Clerk's guide on
	// Content-Security-Policy.
	challenges  = "https://challenges.cloudflare.com https://*.protect.clerk.com"
	protectAPIs = "https://*.protect.clerk.com:*"
)

// newPolicies allows the instance's origin where Clerk needs it. Browsers hold
// the redirects after a form against form-action too, so the Frontend API,
// which the handshake redirects to, is in it on every page.
func newPolicies(f clerk.Frontend) policies {
	policy := func(script, style, connect, worker, frame string) string {
		directives := []string{
			"default-src 'none'",
			sources("script-src 'self'", script),
			sources("style-src 'self'", style),
			"img-src 'self' " + picturesOfClerk,
			sources("connect-src 'self'", connect),
			sources("form-action 'self'", f.Origin),
			"base-uri 'none'",
			"frame-ancestors 'none'",
		}
		if worker != "" {
			directives = append(directives, "worker-src "+worker, "frame-src "+frame)
		}
		return strings.Join(directives, "; ")
	}
	script := sources(f.Origin, challenges)
	connect := sources(f.Origin, protectAPIs)
	return policies{
		plain: policy("", "", "", "", ""),
		clerk: policy(script, "", connect, "'self' blob:", challenges),
		ui:    policy(script, "'nonce-%NONCE%'", connect, "'self' blob:", challenges),
	}
}

func sources(list ...string) string {
	return strings.TrimSpace(strings.Join(list, " "))
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
