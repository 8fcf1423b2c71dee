package emulator

import (
	"crypto/rand"
	"crypto/subtle"
	"net/http"
	"time"

	"inkwell/clerk"
)

const (
	maxNonces     = 1000 // handshakes that the program has not fetched yet
	nonceLifetime = time.Minute
)

// A payload is what a nonce stands for.
type payload struct {
	directives []string
	expires    time.Time
}

// handshake handles "GET /v1/client/handshake": it sends the browser back to
// the program with all that its cookies ought to be, or with a nonce for it. It
// makes a development browser when there is none, and changes nothing.
func (e *Emulator) handshake(w http.ResponseWriter, r *http.Request) {
	origin := originOf(r)
	back, ok := within(origin, r.URL.Query().Get("redirect_url"))
	if !ok {
		writeFailure(w, &failure{status: http.StatusBadRequest, code: "url_based_session_syncing_invalid", message: "redirect_url must be a URL of " + origin + "."})
		return
	}
	browser := e.greeter.browserOf(r)
	if browser == "" {
		browser = newBrowser()
	}
	directives, err := e.handshakeDirectives(browser, origin)
	if err != nil {
		e.fail(w, err)
		return
	}
	if r.URL.Query().Get("format") == "nonce" && !e.tokenAlways {
		nonce := rand.Text()
		e.nonces.Add(nonce, payload{directives, e.now().Add(nonceLifetime)})
		e.greeter.handOver(w, r, back, clerk.HandshakeNonceCookie, nonce)
		return
	}
	token, err := e.tokens.handshake(directives)
	if err != nil {
		e.fail(w, err)
		return
	}
	e.greeter.handOver(w, r, back, clerk.HandshakeCookie, token)
}

// handshakeDirectives are all that a handshake brings: also the means to renew
// the session without another, and the end of what carried the handshake.
func (e *Emulator) handshakeDirectives(browser, party string) ([]string, error) {
	list, err := e.directives(browser, party)
	if err != nil {
		return nil, err
	}
	refresh := e.greeter.Suffixed(clerk.RefreshCookie)
	if s, _, ok := e.signedIn(browser); ok && s.RefreshToken != "" {
		list = append(list, refresh+"="+s.RefreshToken+"; Path=/; HttpOnly"+lasting(party))
	} else {
		list = append(list, refresh+"=; Path=/; HttpOnly"+gone(party))
	}
	for _, transport := range []string{clerk.HandshakeCookie, clerk.HandshakeNonceCookie} {
		list = append(list, transport+"=; Path=/; HttpOnly"+gone(party))
	}
	return list, nil
}

// handshakePayload handles "GET /v1/clients/handshake_payload". A nonce serves
// once.
func (e *Emulator) handshakePayload(r *http.Request) (any, error) {
	nonce := r.URL.Query().Get("nonce")
	kept, ok := e.nonces.Peek(nonce)
	if !ok || !e.nonces.Remove(nonce) || !e.now().Before(kept.expires) {
		return nil, notFound("No handshake was found for this nonce.")
	}
	return dict{"directives": kept.directives}, nil
}

// refreshSession handles "POST /v1/sessions/{id}/refresh": a fresh token for
// whoever shows an old one of the session, expired or not, and its refresh
// token.
func (e *Emulator) refreshSession(r *http.Request) (any, error) {
	fields, err := readFields(r)
	if err != nil {
		return nil, err
	}
	now := e.state.Load()
	browser, err := now.browserWith(r.PathValue("id"), e.now())
	if err != nil {
		return nil, err
	}
	s := now.Sessions[browser]
	party := fields.Get("request_origin")
	switch {
	case fields.Get("format") != "cookie":
		return nil, wrong("format", "form_param_value_invalid", "format must be cookie.")
	case !isOrigin(party):
		return nil, wrong("request_origin", "form_param_format_invalid", "request_origin must be an origin such as https://posts.example.com.")
	case s.RefreshToken == "" || subtle.ConstantTimeCompare([]byte(s.RefreshToken), []byte(fields.Get("refresh_token"))) != 1:
		return nil, wrong("refresh_token", "refresh_token_invalid", "The refresh token is not that of the session.")
	case e.tokens.sessionIn(fields.Get("expired_token")) != s.ID:
		return nil, wrong("expired_token", "expired_token_invalid", "The expired token is not one of the session.")
	}
	token, err := e.tokens.session(s, party, e.now())
	cookies := e.greeter.bothForms(clerk.SessionCookie, token, "; Path=/"+lasting(party))
	if r.URL.Query().Get("suffixed_cookies") != "true" {
		cookies = cookies[:1]
	}
	return dict{"object": "cookies", "cookies": cookies}, err
}
