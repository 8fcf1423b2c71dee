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
// Whatever the state, every header of the result belongs to the answer, and
// some results are the whole answer: see [Result.Answer].
//
// Users are learnt from webhooks, with a [WebhookVerifier] and [ParseEvent],
// and from the Backend API, with an [API].
//
// # Differences
//
// [Authenticator.Authenticate] decides what authenticateRequest of Clerk's
// @clerk/backend does, but for these:
//
//   - It stops after three redirects or more in a row; Clerk's SDK stops after
//     exactly three, and goes on after the fourth.
//   - A signed-in reader who comes from another site is not sent to Clerk once
//     more: there are no satellite domains, and __clerk_redirect_url and
//     __clerk_synced, which in development lead anywhere, mean nothing.
//   - The active organization is not synchronised with the address.
//   - A pending session, whose user has tasks to finish, is signed out.
//   - X-Forwarded-Host and -Proto count from trusted proxies alone.
//   - Cookies of more than 64 KB in all, and tokens of more than 16 KB, count
//     as none.
//   - A handshake whose cookies cannot be had takes no good session away.
//   - Requests can make it call the Backend API only so often: for keys, for
//     handshakes, and for each session that is refreshed.
//   - A token's issuer, when it has one, must be the instance; its authorized
//     party, when it has one, must be Config.PublicURL if that is set.
//
// # Outages
//
// Keys are fetched from the Backend API and used for five minutes, and for an
// hour while they cannot be fetched anew. A request without a session or a
// handshake never waits for Clerk. One whose token cannot be verified, as there
// are no keys, is signed out with Result.Unverified.
package clerk

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
)

// An Authenticator finds out who sends a request. It is safe for concurrent
// use.
type Authenticator struct {
	config   Config
	instance Instance
	public   *url.URL // Config.PublicURL; nil when empty
	keys     keySource
	verified *lru.Cache[string, *token] // by the token itself
	api      *API
	now      func() time.Time

	nonces    *rate.Limiter // of handshakes that have to be asked for
	refreshes *refresher
}

// New returns an Authenticator for the instance of c, or all that is wrong
// with c in one error. It does not use the network.
func New(c Config) (*Authenticator, error) {
	if err := errors.Join(c.Validate()...); err != nil {
		return nil, err
	}
	c.AuthorizedParties, c.TrustedProxies = slices.Clone(c.AuthorizedParties), slices.Clone(c.TrustedProxies)
	a := &Authenticator{config: c, api: NewAPI(c), now: c.Now}
	a.verified, _ = lru.New[string, *token](rememberedTokens) // fails for a size of 0
	a.instance, _ = ParsePublishableKey(c.PublishableKey)
	if a.now == nil {
		a.now = time.Now
	}
	if c.PublicURL != "" {
		a.public, _ = parseOrigin(c.PublicURL)
	}
	a.nonces = newNonceLimit(a.instance.Production)
	a.refreshes = newRefresher(a.api)
	a.keys = newKeySet(a.api.fetchKeys, a.now)
	if c.JWTKey != "" {
		a.keys, _ = parsePEM(c.JWTKey)
	}
	return a, nil
}

// API returns the client of the Backend API that the Authenticator uses.
func (a *Authenticator) API() *API { return a.api }

// Instance returns the instance whose users sign in.
func (a *Authenticator) Instance() Instance { return a.instance }

// Frontend returns what pages need to load Clerk's browser script.
func (a *Authenticator) Frontend() Frontend {
	return newFrontend(a.config, strings.TrimRight(cmp.Or(a.config.ProxyURL, "https://"+a.instance.Host), "/"))
}

// SignInURL returns a sign-in page of Clerk's that works without our script
// and leads back to redirectURL, which must be absolute for Clerk to accept it.
func (a *Authenticator) SignInURL(redirectURL string) string {
	portal := cmp.Or(a.config.SignInPortal, a.instance.accountPortal()+"/sign-in")
	separator := "?"
	if strings.Contains(portal, "?") {
		separator = "&"
	}
	return portal + separator + "redirect_url=" + url.QueryEscape(redirectURL)
}

// frontendAPI returns the base URL of the Frontend API for an application at
// an origin.
func (a *Authenticator) frontendAPI(origin string) string {
	base := cmp.Or(a.config.ProxyURL, "https://"+a.instance.Host)
	if strings.HasPrefix(base, "/") {
		base = origin + base
	}
	return strings.TrimRight(base, "/")
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

	// ExpiredSessionID names the session of a token that is good in all but its
	// time, so that a user can sign out who has been away for a minute.
	ExpiredSessionID string

	// HandshakeDue says that nobody is signed in although a handshake may sign
	// the user in: this request just cannot be redirected to one.
	HandshakeDue bool

	// Unverified says that nobody is signed in because Clerk cannot be asked
	// what has to be known: the key of a token, or the cookies of a handshake.
	// Who is asking may well be signed in. What needs a user is best answered
	// with status 503.
	Unverified bool

	// Problem is what went wrong on the way to this result, for the log: a key
	// set that cannot be fetched, a handshake that is not good. Mostly nil.
	Problem error
}

// Answer adds the headers of the result to an answer. It reports whether that
// is the whole answer, since the browser has to go elsewhere; then it has been
// given, and nothing may follow.
func (r Result) Answer(w http.ResponseWriter) bool {
	for name, values := range r.Header {
		if name == "Set-Cookie" { // of which alone there can be several
			values = append(w.Header()[name], values...)
		}
		w.Header()[name] = values
	}
	if r.Header.Get("Location") == "" {
		return false
	}
	w.WriteHeader(http.StatusTemporaryRedirect)
	return true
}

// WithoutRedirect returns the result for a request that cannot follow a
// redirect to Clerk, such as one of fetch or htmx: a [Handshake] becomes
// [SignedOut] for the same reason, with HandshakeDue. Other results stay as
// they are; a Location of theirs is on the application's own origin.
func (r Result) WithoutRedirect() Result {
	if r.State != Handshake {
		return r
	}
	r.Header = r.Header.Clone()
	r.Header.Del("Location")
	r.Header.Del("Set-Cookie") // the count of redirects
	r.Header.Set(statusHeader, SignedOut.String())
	r.State, r.HandshakeDue = SignedOut, true
	return r
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
