package clerk

import (
	"context"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v3"
	"github.com/go-jose/go-jose/v3/jwt"
)

const (
	// maxToken bounds a token, in bytes. Clerk's stay below the 4 KB of a cookie.
	maxToken = 16 << 10

	// leeway is how far Clerk's clock and ours may differ.
	leeway = 5 * time.Second

	// developmentLeeway is for the clock of a developer's machine, once a
	// handshake has shown that the token is new.
	developmentLeeway = 24 * time.Hour

	categorySession = "cl_B7d4PD111AAA"
	categoryIgnore  = "cl_I7d4PD111III"

	regenerate = "Make sure that this is a valid Clerk-generated JWT."
)

// Names of what is wrong with a token; most are the reasons of a Result too.
const (
	tokenExpired            = "token-expired"
	tokenNotActiveYet       = "token-not-active-yet"
	tokenIssuedInFuture     = "token-iat-in-the-future"
	tokenInvalid            = "token-invalid"
	tokenInvalidAlgorithm   = "token-invalid-algorithm"
	tokenInvalidSignature   = "token-invalid-signature"
	tokenInvalidParties     = "token-invalid-authorized-parties"
	tokenInvalidIssuer      = "token-invalid-issuer"
	tokenVerificationFailed = "token-verification-failed"
	keyMismatch             = "jwk-kid-mismatch"
	keysNotLoaded           = "jwk-remote-failed-to-load"
	secretKeyInvalid        = "secret-key-invalid"
	unexpectedError         = "unexpected-error"
)

// A tokenError says why a token is refused.
type tokenError struct {
	code string // one of the names above
	text string
	err  error // what our side or Clerk's failed at; nil when the token alone is to blame
}

func (e *tokenError) Error() string { return fmt.Sprintf("%s (reason=%s)", e.text, e.code) }

func (e *tokenError) Unwrap() error { return e.err }

// untimely reports whether the token would be good at another time.
func (e *tokenError) untimely() bool {
	return e.code == tokenExpired || e.code == tokenNotActiveYet || e.code == tokenIssuedInFuture
}

// A token is a JWT whose form is right. It does not change.
type token struct {
	raw      string
	signed   *jwt.JSONWebToken
	header   jose.Header
	payload  payload
	verified *rsa.PublicKey // the key that its signature was found good with; nil means not verified
}

// A payload is the claims of a token. They are of any type because a wrong
// type is a reason of its own.
type payload struct {
	Issuer          any `json:"iss"`
	Subject         any `json:"sub"`
	AuthorizedParty any `json:"azp"`
	SessionID       any `json:"sid"`
	Status          any `json:"sts"`
	IssuedAt        any `json:"iat"`
	NotBefore       any `json:"nbf"`
	ExpiresAt       any `json:"exp"`
}

// parseToken returns nil when s is not a JWT.
func parseToken(s string) *token {
	if len(s) > maxToken || strings.Count(s, ".") != 2 || !isTokenText(s) {
		return nil
	}
	signed, err := jwt.ParseSigned(s)
	if err != nil || len(signed.Headers) != 1 {
		return nil
	}
	t := &token{raw: s, signed: signed, header: signed.Headers[0]}
	if signed.UnsafeClaimsWithoutVerification(&t.payload) != nil {
		return nil
	}
	return t
}

// isTokenText reports whether s holds nothing but base64url and dots. It goes
// by bytes: tokens are long.
func isTokenText(s string) bool {
	for i := range len(s) {
		if c := s[i]; c != '.' && !isBase64URL(c) {
			return false
		}
	}
	return true
}

func isBase64URL(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_'
}

// claimed returns what a token says, verified or not; nothing when t is nil.
func (t *token) claimed() payload {
	if t == nil {
		return payload{}
	}
	return t.payload
}

// number returns a claim in Unix seconds; 0 when it is not a number.
func number(claim any) float64 {
	n, _ := claim.(float64)
	return n
}

func (p payload) expired(now int64) bool {
	expires, ok := p.ExpiresAt.(float64)
	return ok && expires <= float64(now)
}

// isSession reports whether the token is one of a browser's session, as
// opposed to a machine's or one made from a template.
func (t *token) isSession() bool {
	typ, subject := t.header.ExtraHeaders["typ"], t.payload.Subject
	if s, _ := subject.(string); strings.HasPrefix(s, "mch_") {
		return false
	}
	return typ != "at+jwt" && typ != "application/at+jwt" && t.hasSessionCategory()
}

// pending reports whether the user must finish a task, such as choosing an
// organization, before the session counts.
func (t *token) pending() bool { return t.payload.Status == "pending" }

// issuedBefore reports whether the token is older than a time in Unix seconds.
func (t *token) issuedBefore(uat int64) bool {
	issued, ok := t.payload.IssuedAt.(float64)
	return ok && issued < float64(uat)
}

func (t *token) hasSessionCategory() bool {
	category, present := t.header.ExtraHeaders["cat"]
	return !present || category == categorySession || category == categoryIgnore
}

// rememberedTokens is how many verified tokens are remembered, at some 2 KB
// each. A browser sends the same one for a minute.
const rememberedTokens = 2048

// token returns what s holds, with the verification that is remembered of it;
// nil when it is not a JWT.
func (a *Authenticator) token(s string) *token {
	if t, ok := a.verified.Get(s); ok {
		return t
	}
	return parseToken(s)
}

// remember spares the next request with the token the work of verifying its
// signature, for as long as the key set does not change. Only good tokens are
// remembered: what anybody can make up takes no room.
func (a *Authenticator) remember(t *token, key *rsa.PublicKey) {
	if t.verified != key {
		known := *t
		known.verified = key
		a.verified.Add(t.raw, &known)
	}
}

// verifySignature checks the header and the signature of a token, and returns
// the key that it is signed with.
func (a *Authenticator) verifySignature(ctx context.Context, t *token) (*rsa.PublicKey, *tokenError) {
	key, err := a.keys.key(ctx, t.header.KeyID)
	if err != nil || t.verified == key {
		return key, err
	}
	return key, t.signedWith(key)
}

func (t *token) signedWith(key *rsa.PublicKey) *tokenError {
	if typ, present := t.header.ExtraHeaders["typ"]; present && typ != "JWT" {
		return &tokenError{code: tokenInvalid, text: fmt.Sprintf("Invalid JWT type %s. Expected \"JWT\". %s", quoted(typ), regenerate)}
	}
	if !slices.Contains([]string{"RS256", "RS384", "RS512"}, t.header.Algorithm) {
		return &tokenError{code: tokenInvalidAlgorithm, text: fmt.Sprintf("Invalid JWT algorithm %s. Supported: RS256,RS384,RS512. %s", quoted(t.header.Algorithm), regenerate)}
	}
	if err := t.signed.Claims(key); err != nil {
		return &tokenError{code: tokenInvalidSignature, text: "JWT signature is invalid."}
	}
	return nil
}

// verify checks a session token in the order in which Clerk's SDK does. The
// origin is the application's, for a proxy that is given as a path.
func (a *Authenticator) verify(ctx context.Context, t *token, origin string, leeway time.Duration) (*Claims, *tokenError) {
	key, err := a.verifySignature(ctx, t)
	if err != nil {
		return nil, err
	}
	a.remember(t, key)
	checks := []*tokenError{
		t.payload.checkSubject(),
		a.checkAuthorizedParty(t.payload.AuthorizedParty),
		a.checkIssuer(t.payload.Issuer, origin),
		t.payload.checkTimes(a.now(), leeway),
	}
	for _, err := range checks {
		if err != nil {
			return nil, err
		}
	}
	return t.payload.claims(), nil
}

func (p payload) checkSubject() *tokenError {
	if s, _ := p.Subject.(string); s == "" {
		return &tokenError{code: tokenVerificationFailed, text: fmt.Sprintf("Subject claim (sub) is required and must be a string. Received %s. %s", quoted(p.Subject), regenerate)}
	}
	return nil
}

// checkAuthorizedParty follows Config.AuthorizedParties; without any, a token
// may be made for the public origin or for none that it names.
func (a *Authenticator) checkAuthorizedParty(azp any) *tokenError {
	expected := a.config.AuthorizedParties
	if len(expected) == 0 {
		if a.public == nil || azp == nil {
			return nil
		}
		expected = []string{a.public.String()}
	}
	if party, ok := azp.(string); ok && slices.Contains(expected, party) {
		return nil
	}
	return &tokenError{code: tokenInvalidParties, text: fmt.Sprintf("Invalid JWT Authorized party claim (azp) %s. Expected \"%s\".", quoted(azp), strings.Join(expected, ","))}
}

// checkIssuer accepts a token that names no issuer. Behind a proxy, Clerk's
// SDKs disagree about who the issuer is, so both are accepted.
func (a *Authenticator) checkIssuer(iss any, origin string) *tokenError {
	if iss == nil || iss == "https://"+a.instance.Host || a.config.ProxyURL != "" && iss == a.frontendAPI(origin) {
		return nil
	}
	return &tokenError{code: tokenInvalidIssuer, text: fmt.Sprintf("Invalid JWT issuer claim (iss) %s. Expected \"https://%s\".", quoted(iss), a.instance.Host)}
}

func (p payload) checkTimes(now time.Time, leeway time.Duration) *tokenError {
	expires, ok := p.ExpiresAt.(float64)
	if !ok {
		return badTime("expiry date claim (exp)", p.ExpiresAt)
	}
	before, hasBefore := p.NotBefore.(float64)
	if !hasBefore && p.NotBefore != nil {
		return badTime("not before date claim (nbf)", p.NotBefore)
	}
	issued, hasIssued := p.IssuedAt.(float64)
	if !hasIssued && p.IssuedAt != nil {
		return badTime("issued at date claim (iat)", p.IssuedAt)
	}
	seconds, margin := float64(now.UnixMilli())/1000, leeway.Seconds()
	switch {
	case expires <= seconds-margin:
		return &tokenError{code: tokenExpired, text: fmt.Sprintf("JWT is expired. Expiry date: %s, Current date: %s.", date(expires), date(seconds))}
	case hasBefore && before > seconds+margin:
		return &tokenError{code: tokenNotActiveYet, text: fmt.Sprintf("JWT cannot be used prior to not before date claim (nbf). Not before date: %s; Current date: %s;", date(before), date(seconds))}
	case hasIssued && issued > seconds+margin:
		return &tokenError{code: tokenIssuedInFuture, text: fmt.Sprintf("JWT issued at date claim (iat) is in the future. Issued at date: %s; Current date: %s;", date(issued), date(seconds))}
	}
	return nil
}

func badTime(claim string, value any) *tokenError {
	return &tokenError{code: tokenVerificationFailed, text: fmt.Sprintf("Invalid JWT %s %s. Expected a number. %s", claim, quoted(value), regenerate)}
}

// claims returns the claims of a verified payload.
func (p payload) claims() *Claims {
	c := &Claims{ExpiresAt: unix(number(p.ExpiresAt))}
	c.Subject, _ = p.Subject.(string)
	c.SessionID, _ = p.SessionID.(string)
	c.Issuer, _ = p.Issuer.(string)
	c.AuthorizedParty, _ = p.AuthorizedParty.(string)
	if issued, ok := p.IssuedAt.(float64); ok {
		c.IssuedAt = unix(issued)
	}
	return c
}

func unix(seconds float64) time.Time {
	return time.Unix(int64(min(max(seconds, -1e11), 1e11)), 0).UTC() // years that can be written
}

func date(seconds float64) string { return unix(seconds).Format(http.TimeFormat) }

// quoted writes a claim as JavaScript would in a message.
func quoted(value any) string {
	if value == nil {
		return "undefined"
	}
	text, _ := json.Marshal(value) // it came out of JSON
	return string(text)
}
