package clerk

import (
	"context"
	"net/http"
	"net/url"
	"strings"
)

const (
	statusHeader  = "X-Clerk-Auth-Status"
	reasonHeader  = "X-Clerk-Auth-Reason"
	messageHeader = "X-Clerk-Auth-Message"
	maxMessage    = 1 << 10 // bytes of a header
)

// Why nobody is signed in, in the words of Clerk's SDK, beside the names of
// what is wrong with a token. The pending session is a word of ours.
const (
	reasonDevBrowserSync    = "dev-browser-sync"
	reasonDevBrowserMissing = "dev-browser-missing"
	reasonNothing           = "session-token-and-uat-missing"
	reasonNoClientUAT       = "session-token-but-no-client-uat"
	reasonNoSession         = "client-uat-but-no-session-token"
	reasonBeforeClientUAT   = "session-token-iat-before-client-uat"
	reasonTypeMismatch      = "token-type-mismatch"
	reasonNotActiveYet      = "session-token-nbf"
	reasonIssuedInFuture    = "session-token-iat-in-the-future"
	reasonExpiredRefresh    = "session-token-expired-refresh-" // and why there was none
	reasonPending           = "session-pending"

	pendingMessage = "The session has tasks that the user must finish first."
	notJWTMessage  = "Invalid JWT form. A JWT consists of three parts separated by dots."
)

// Authenticate finds out who sends r, as authenticateRequest of Clerk's server
// SDK does, but for the differences that the package comment lists.
//
// The error is a [*HandshakeError], to be answered with status 500.
func (a *Authenticator) Authenticate(r *http.Request) (Result, error) {
	q := a.newRequest(r, a.now().Unix())
	if q.bearer != "" {
		return a.byHeader(r.Context(), q), nil
	}
	resolved, problem, err := a.resolve(r.Context(), q)
	if err != nil {
		return Result{}, err
	}
	if resolved != nil && !resolved.Unverified {
		return *resolved, nil
	}
	result := a.byCookies(r.Context(), q)
	if resolved != nil && result.State != SignedIn { // a handshake that cannot be asked for takes no session away
		return *resolved, nil
	}
	if result.Problem == nil {
		result.Problem = problem
	}
	return result, nil
}

// byHeader decides by the token of the Authorization header alone.
func (a *Authenticator) byHeader(ctx context.Context, q *request) Result {
	t := a.token(q.bearer)
	switch {
	case t == nil:
		return signedOut(tokenInvalid, message(notJWTMessage, tokenInvalid, "header"))
	case !t.isSession():
		return signedOut(reasonTypeMismatch, "")
	}
	return a.byToken(ctx, q, t, "header")
}

// byCookies decides by the cookies. The cases are in Clerk's order; the first
// that applies counts.
func (a *Authenticator) byCookies(ctx context.Context, q *request) Result {
	development := !a.instance.Production
	switch {
	case development && q.query.Has(DevBrowserCookie):
		return a.redirect(q, reasonDevBrowserSync, "")
	case development && q.devBrowser == "":
		return a.redirect(q, reasonDevBrowserMissing, "")
	case q.clientUAT == 0 && q.session == "":
		return signedOut(reasonNothing, "")
	case q.clientUAT == 0:
		return a.redirect(q, reasonNoClientUAT, "")
	case q.session == "":
		return a.redirect(q, reasonNoSession, "")
	case q.token == nil:
		return signedOut(tokenInvalid, message(notJWTMessage, tokenInvalid, "cookie"))
	case !q.token.isSession():
		return signedOut(reasonTypeMismatch, "")
	case q.token.issuedBefore(q.clientUAT):
		return a.redirect(q, reasonBeforeClientUAT, "")
	}
	return a.byToken(ctx, q, q.token, "cookie")
}

// byToken decides by a session token, which its carrier brought.
func (a *Authenticator) byToken(ctx context.Context, q *request, t *token, carrier string) Result {
	claims, err := a.verify(ctx, t, originOf(q.url), leeway)
	switch {
	case err != nil && err.code == tokenExpired: // times are looked at last
		return a.byExpiredToken(ctx, q, t, message(err.text, err.code, carrier))
	case err != nil:
		return a.refuse(q, err, message(err.text, err.code, carrier))
	case t.pending():
		return signedOut(reasonPending, pendingMessage)
	}
	return Result{State: SignedIn, Claims: claims, Header: http.Header{}}
}

// refuse returns the result of a token with something wrong. A token that will
// be good is worth a handshake.
func (a *Authenticator) refuse(q *request, err *tokenError, message string) Result {
	switch err.code {
	case tokenNotActiveYet:
		return a.redirect(q, reasonNotActiveYet, message)
	case tokenIssuedInFuture:
		return a.redirect(q, reasonIssuedInFuture, message)
	}
	result := signedOut(err.code, message)
	result.Problem = err.err
	result.Unverified = err.err != nil
	return result
}

func message(text, code, carrier string) string {
	return text + " (reason=" + code + ", token-carrier=" + carrier + ")"
}

func signedOut(reason, message string) Result { return newResult(SignedOut, reason, message) }

// newResult returns a result of a state other than SignedIn.
func newResult(state State, reason, message string) Result {
	r := Result{Header: http.Header{}}
	r.explain(state, reason, message)
	return r
}

// explain sets why nobody is signed in. A message that cannot be a header, as
// it may quote a token, is not sent.
func (r *Result) explain(state State, reason, message string) {
	r.State, r.Reason, r.Message = state, reason, message
	r.Header.Set(statusHeader, state.String())
	r.Header.Set(reasonHeader, reason)
	if message != "" && len(message) <= maxMessage && !strings.ContainsFunc(message, notInHeader) {
		r.Header.Set(messageHeader, message)
	}
}

func notInHeader(r rune) bool { return r < ' ' || r > '~' }

// SignOutCookies returns the cookies that end a session in the browser that
// sent r: those of this instance, each of them cleared.
func (a *Authenticator) SignOutCookies(r *http.Request) []*http.Cookie {
	scheme, host := a.origin(r)
	names := []string{a.instance.Suffixed(RefreshCookie)}
	for _, name := range []string{SessionCookie, ClientUATCookie} {
		names = append(names, name, a.instance.Suffixed(name))
	}
	var cookies []*http.Cookie
	for _, name := range names {
		for _, domain := range a.cookieDomains(host) {
			cookies = append(cookies, &http.Cookie{Name: name, Domain: domain, Path: "/", MaxAge: -1, Secure: scheme == "https", SameSite: http.SameSiteLaxMode})
		}
	}
	return cookies
}

// cookieDomains returns the domains that cookies of an application may
// have: none, or that of the instance, for which a production instance sets
// its own.
func (a *Authenticator) cookieDomains(authority string) []string {
	host := (&url.URL{Host: authority}).Hostname()
	domain, ok := strings.CutPrefix(a.instance.Host, "clerk.")
	if ok && a.instance.Production && (host == domain || strings.HasSuffix(host, "."+domain)) {
		return []string{"", domain}
	}
	return []string{""}
}
