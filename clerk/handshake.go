package clerk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"
	"golang.org/x/time/rate"
)

const (
	frontendAPIVersion = "2026-05-12"
	maxRedirects       = 3 // to handshakes in a row before it must be a circle

)

// newNonceLimit returns the limit of handshakes whose cookies are asked for.
// Anybody can make up a nonce, and each costs a call of the Backend API. It
// answers 1000 calls in ten seconds, to a development instance 100; half of
// them stay for what is not a stranger's.
func newNonceLimit(production bool) *rate.Limiter {
	if production {
		return rate.NewLimiter(50, 200)
	}
	return rate.NewLimiter(5, 50)
}

// A HandshakeError says that the answer to a development instance's handshake
// cannot be verified. Trying again would lead in a circle, so its text says
// what to check.
type HandshakeError struct{ err *tokenError }

func (e *HandshakeError) Error() string {
	if e.err.code == tokenInvalidSignature || e.err.code == keyMismatch {
		return "Clerk: Handshake token verification failed due to an invalid signature. " +
			"If you have switched Clerk keys locally, clear your cookies and try again; " +
			"check that CLERK_PUBLISHABLE_KEY, CLERK_SECRET_KEY and CLERK_JWT_KEY are of the same instance."
	}
	return fmt.Sprintf("Clerk: Handshake token verification failed: %s Check CLERK_SECRET_KEY and CLERK_API_URL.", e.err.text)
}

func (e *HandshakeError) Unwrap() error { return e.err.err }

// redirect returns the result that sends the browser to a handshake, if the
// request can be sent there, else a signed-out one for the same reason.
func (a *Authenticator) redirect(q *request, reason, message string) Result {
	if !q.eligible || q.redirects >= maxRedirects {
		result := signedOut(reason, message)
		result.HandshakeDue = q.redirects < maxRedirects
		return result
	}
	result := newResult(Handshake, reason, message)
	result.Header.Set("Location", a.handshakeURL(q, reason))
	result.Header.Set("Cache-Control", "no-store") // browsers keep a 307
	result.Header.Add("Set-Cookie", RedirectCountCookie+"="+strconv.Itoa(q.redirects+1)+"; SameSite=Lax; HttpOnly; Max-Age=2")
	return result
}

func (a *Authenticator) handshakeURL(q *request, reason string) string {
	parameters := [][2]string{
		{"redirect_url", without(q.url, DevBrowserCookie, "__dev_session").String()},
		{"__clerk_api_version", frontendAPIVersion},
		{"suffixed_cookies", strconv.FormatBool(q.suffixed)},
		{"__clerk_hs_reason", reason},
		{"format", "nonce"},
	}
	if token := q.sessionToken(); token != "" && len(token) <= maxToken {
		parameters = append(parameters, [2]string{SessionCookie, token})
	}
	if !a.instance.Production && q.devBrowser != "" {
		parameters = append(parameters, [2]string{DevBrowserCookie, q.devBrowser})
	}
	var query strings.Builder
	for i, p := range parameters {
		if i > 0 {
			query.WriteByte('&')
		}
		query.WriteString(p[0] + "=" + url.QueryEscape(p[1]))
	}
	return a.frontendAPI(originOf(q.url)) + "/v1/client/handshake?" + query.String()
}

// resolve finishes a handshake: the browser comes back with the cookies that
// the Frontend API wants it to have. The result is nil when there is nothing
// to resolve or, with the problem, when a production instance's handshake is
// not good, for it may be of another application on the same domain.
func (a *Authenticator) resolve(ctx context.Context, q *request) (result *Result, problem, err error) {
	directives, problem := a.directives(ctx, q)
	if refused, ok := errors.AsType[*tokenError](problem); ok && !a.instance.Production {
		return nil, nil, &HandshakeError{refused}
	}
	if directives == nil {
		return nil, problem, nil
	}
	resolved := a.resolved(q, directives)
	session := sessionOf(directives)
	if session == "" {
		resolved.explain(SignedOut, "session-token-missing", "")
		resolved.Problem, resolved.Unverified = problem, problem != nil && !isNotFound(problem)
		return &resolved, nil, nil
	}
	refused := a.accept(ctx, &resolved, session, q, leeway)
	if refused != nil && refused.untimely() && !a.instance.Production {
		refused = a.accept(ctx, &resolved, session, q, developmentLeeway)
	}
	if refused != nil {
		return nil, fmt.Errorf("clerk: session token of a handshake: %w", refused), nil
	}
	return &resolved, nil, nil
}

// accept makes a result that of a session token that Clerk has just issued.
func (a *Authenticator) accept(ctx context.Context, result *Result, session string, q *request, leeway time.Duration) *tokenError {
	t := parseToken(session)
	if t == nil || !t.isSession() {
		return &tokenError{code: tokenInvalid, text: "Invalid session token."}
	}
	claims, err := a.verify(ctx, t, originOf(q.url), leeway)
	switch {
	case err != nil:
		return err
	case t.pending():
		result.explain(SignedOut, reasonPending, pendingMessage)
	default:
		result.State, result.Claims = SignedIn, claims
	}
	return nil
}

// resolved returns the answer that sets the cookies of a handshake. In
// development the handshake came in the URL, which is cleared by a redirect.
func (a *Authenticator) resolved(q *request, directives []string) Result {
	result := Result{Header: http.Header{}}
	result.Header.Set("Access-Control-Allow-Origin", "null")
	result.Header.Set("Access-Control-Allow-Credentials", "true")
	result.Header["Set-Cookie"] = directives
	if !a.instance.Production {
		clean := without(q.url, HandshakeCookie, "__clerk_help", DevBrowserCookie, HandshakeNonceCookie)
		result.Header.Set("Location", clean.String())
		result.Header.Set("Cache-Control", "no-store")
	}
	return result
}

// directives returns the Set-Cookie values of the handshake that q brings; nil
// when it brings none or a bad one. A nonce beats a token; a nonce that the
// Backend API does not know counts as a handshake without directives.
func (a *Authenticator) directives(ctx context.Context, q *request) ([]string, error) {
	if nonce := q.parameter(HandshakeNonceCookie, HandshakeNonceCookie); nonce != "" {
		if !a.nonces.AllowN(a.now(), 1) {
			return []string{}, errTooManyNonces
		}
		directives, err := a.api.handshakePayload(ctx, nonce)
		return usable(directives), err
	}
	raw := q.parameter(HandshakeCookie, HandshakeCookie)
	if raw == "" {
		return nil, nil
	}
	t := parseToken(raw)
	if t == nil || !t.hasSessionCategory() {
		return nil, &tokenError{code: tokenInvalid, text: "Invalid handshake token."}
	}
	if _, err := a.verifySignature(ctx, t); err != nil {
		return nil, err
	}
	var payload struct {
		Handshake []string `json:"handshake"`
	}
	if t.signed.UnsafeClaimsWithoutVerification(&payload) != nil {
		return nil, &tokenError{code: tokenInvalid, text: "Invalid handshake token."}
	}
	return usable(payload.Handshake), nil
}

var errTooManyNonces = errors.New("clerk: too many handshakes at once")

// usable returns the directives that can be headers, in a list that is not nil.
func usable(directives []string) []string {
	list := []string{}
	for _, d := range directives {
		if httpguts.ValidHeaderFieldValue(d) {
			list = append(list, d)
		}
	}
	return list
}

// sessionOf returns the session token that directives set; the last one wins.
func sessionOf(directives []string) string {
	session := ""
	for _, d := range directives {
		pair, _, _ := strings.Cut(d, ";")
		name, value, _ := strings.Cut(pair, "=")
		if strings.HasPrefix(name, SessionCookie) {
			session, _, _ = strings.Cut(value, "=")
		}
	}
	return session
}

// decodeDirectives reads a member of a JSON object that is a list of strings.
func decodeDirectives(body []byte, member string) ([]string, error) {
	var object map[string]json.RawMessage
	var directives []string
	if json.Unmarshal(body, &object) != nil || json.Unmarshal(object[member], &directives) != nil {
		return nil, errors.New("clerk: handshake payload is not of the expected form")
	}
	return directives, nil
}
