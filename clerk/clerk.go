// Package clerk decides who is asking, as Clerk's own servers do: from the
// cookies that Clerk's browser script keeps, or from a bearer token.
//
// Clerk's Go SDK reads tokens from the Authorization header only. This package
// adds the rest of what a page needs: the session cookies with and without
// suffix, the handshake that renews an expired session by a redirect, the
// checks that notice a signed-out or stale browser, and webhooks.
//
// An [Authenticator] turns a request into a [Result]:
//
//   - [SignedIn]: Result.Claims says who is asking;
//   - [SignedOut]: Result.Reason says why, in Clerk's words;
//   - [Handshake]: the browser has to fetch a fresh session from Clerk first.
//
// Whatever the state, every header of the result belongs to the answer; if
// there is a Location among them, the answer is a 307 redirect.
package clerk

import (
	"net/http"
	"net/netip"
	"time"
)

// Config describes a Clerk instance and the application that uses it.
type Config struct {
	PublishableKey string // CLERK_PUBLISHABLE_KEY
	SecretKey      string // CLERK_SECRET_KEY

	// JWTKey is the instance's public key in PEM; `\n` may stand for the ends
	// of lines. Empty means that the keys are fetched from the Backend API.
	JWTKey string

	APIURL   string // origin of the Backend API; empty means https://api.clerk.com
	ProxyURL string // of the Frontend API: absolute, or a path such as "/__clerk"; empty means none

	// AuthorizedParties lists the origins whose tokens are accepted. When it is
	// set, a token must name one of them.
	AuthorizedParties []string

	PublicURL      string         // origin of the application; empty means the request's own
	TrustedProxies []netip.Prefix // whose X-Forwarded headers are believed

	// SignInPortal is a sign-in page that works without our script; empty
	// means the Account Portal that Clerk hosts for the instance.
	SignInPortal string

	HTTPClient *http.Client     // for the Backend API; nil means one with short timeouts that follows no redirect
	Now        func() time.Time // nil means time.Now
}

// State is the outcome of an authentication.
type State int

const (
	SignedOut State = iota
	SignedIn
	Handshake // answer with the redirect in Result.Header
)

// String returns Clerk's name of the state, such as "signed-out".
func (s State) String() string {
	return [...]string{"signed-out", "signed-in", "handshake"}[s]
}

// Result is what [Authenticator.Authenticate] found out about a request.
type Result struct {
	State   State
	Reason  string // Clerk's name for why nobody is signed in, such as "token-invalid"; empty when SignedIn
	Message string // more about the reason, for whoever looks for a mistake; often empty

	// Header belongs to the answer, whatever the state: x-clerk-auth-*,
	// Location, Cache-Control and any number of Set-Cookie. Never nil.
	Header http.Header

	Claims *Claims // nil unless SignedIn

	// HandshakeDue says that a handshake may sign the user in, but that this
	// request cannot be redirected to one.
	HandshakeDue bool
}

// Claims are the verified contents of a session token.
type Claims struct {
	Subject         string    // the user's id, "user_…"
	SessionID       string    // "sess_…"; may be empty
	Issuer          string    // may be empty
	AuthorizedParty string    // origin the token was made for; may be empty
	IssuedAt        time.Time // zero when the token does not say
	ExpiresAt       time.Time
}

// Frontend is what pages need to load Clerk's browser script.
type Frontend struct {
	PublishableKey string
	ProxyURL       string // for data-clerk-proxy-url; empty means none
	ScriptURL      string // Clerk's script
	UIScriptURL    string // its components, needed only where one is shown

	// Origin is where the scripts come from and connect to, for a content
	// security policy. Empty when that is the application's own origin.
	Origin string
}
