package emulator

import (
	_ "embed"
	"encoding/json"
	"net/http"
	"strings"

	"inkwell/clerk"
)

//go:embed environment.json
var environment []byte

// createBrowser handles "POST /v1/dev_browser".
func (e *Emulator) createBrowser(*http.Request) (any, error) {
	return dict{"object": "dev_browser", "id": newBrowser()}, nil
}

// showEnvironment handles "GET /v1/environment": what the instance offers.
func (e *Emulator) showEnvironment(*http.Request) (any, error) {
	return json.RawMessage(environment), nil
}

// showClient handles "GET /v1/client"; the response is null for a browser in
// which nobody is signed in.
func (e *Emulator) showClient(r *http.Request) (any, error) {
	client, err := e.client(r)
	return dict{"response": client}, err
}

// client returns the client of the browser that r comes from, with a fresh
// session token; nil when nobody is signed in there.
func (e *Emulator) client(r *http.Request) (any, error) {
	browser := e.browserOf(r)
	s, u, ok := e.signedIn(browser)
	if !ok {
		return nil, nil
	}
	one, err := e.activeSession(r, s, u)
	return clientJSON(browser, []any{one}, s.ID, s.CreatedAt), err
}

func (e *Emulator) activeSession(r *http.Request, s session, u clerk.User) (dict, error) {
	token, err := e.tokens.session(s, originOf(r), e.now())
	return sessionJSON(s, u, "active", token, e.now()), err
}

// createSignIn handles "POST /v1/client/sign_ins" with an identifier: an e-mail
// address, a username or an id. No proof is asked for. With sign_up_if_missing,
// an address that is not known is signed up.
func (e *Emulator) createSignIn(r *http.Request) (any, error) {
	browser, identifier, err := e.readForm(r, "identifier")
	if err != nil {
		return nil, err
	}
	enter := e.signIn
	if r.PostForm.Get("sign_up_if_missing") == "true" {
		enter = e.signInOrUp
	}
	s, err := enter(browser, identifier)
	if err != nil {
		return nil, err
	}
	return e.entered(r, dict{
		"object": "sign_in", "id": "sia_" + s.ID, "status": "complete", "identifier": identifier,
		"supported_identifiers": []string{"email_address", "username"}, "supported_first_factors": []any{}, "supported_second_factors": []any{},
		"first_factor_verification": nil, "second_factor_verification": nil, "user_data": nil, "created_session_id": s.ID,
	})
}

// createSignUp handles "POST /v1/client/sign_ups" with an email_address. The
// address counts as verified.
func (e *Emulator) createSignUp(r *http.Request) (any, error) {
	browser, email, err := e.readForm(r, "email_address")
	if err != nil {
		return nil, err
	}
	s, err := e.signUp(browser, email)
	if err != nil {
		return nil, err
	}
	return e.entered(r, dict{
		"object": "sign_up", "id": "sua_" + s.ID, "status": "complete", "email_address": strings.TrimSpace(email),
		"required_fields": []string{"email_address"}, "missing_fields": []any{}, "unverified_fields": []any{},
		"created_session_id": s.ID, "created_user_id": s.UserID,
	})
}

// readForm returns the browser that r comes from and a field of its form.
func (e *Emulator) readForm(r *http.Request, field string) (browser, value string, err error) {
	if err := r.ParseForm(); err != nil {
		return "", "", unreadable(err)
	}
	if browser = e.browserOf(r); browser == "" {
		return "", "", &failure{http.StatusUnauthorized, "dev_browser_unauthenticated", "Unable to authenticate this browser for your development instance."}
	}
	if value = r.PostForm.Get(field); value == "" {
		return "", "", &failure{http.StatusUnprocessableEntity, "form_param_missing", field + " must be included."}
	}
	return browser, value, nil
}

func (e *Emulator) entered(r *http.Request, response dict) (any, error) {
	client, err := e.client(r)
	return dict{"response": response, "client": client}, err
}

// deleteSessions handles "DELETE /v1/client/sessions": signing out.
func (e *Emulator) deleteSessions(r *http.Request) (any, error) {
	browser := e.browserOf(r)
	if err := e.signOut(browser); err != nil {
		return nil, err
	}
	none := clientJSON(browser, []any{}, nil, e.now())
	return dict{"response": none, "client": none}, nil
}

// createToken handles "POST /v1/client/sessions/{id}/tokens".
func (e *Emulator) createToken(r *http.Request) (any, error) {
	s, _, err := e.ownSession(r)
	if err != nil {
		return nil, err
	}
	token, err := e.tokens.session(s, originOf(r), e.now())
	return dict{"object": "token", "jwt": token}, err
}

// touchSession handles "POST /v1/client/sessions/{id}/touch".
func (e *Emulator) touchSession(r *http.Request) (any, error) {
	s, u, err := e.ownSession(r)
	if err != nil {
		return nil, err
	}
	one, err := e.activeSession(r, s, u)
	return dict{"response": one, "client": clientJSON(e.browserOf(r), []any{one}, s.ID, s.CreatedAt)}, err
}

// endSession handles "POST /v1/client/sessions/{id}/end" and ".../remove".
func (e *Emulator) endSession(r *http.Request) (any, error) {
	s, u, err := e.ownSession(r)
	if err != nil {
		return nil, err
	}
	if err := e.signOut(e.browserOf(r)); err != nil {
		return nil, err
	}
	return dict{
		"response": sessionJSON(s, u, "ended", "", e.now()),
		"client":   clientJSON(e.browserOf(r), []any{}, nil, e.now()),
	}, nil
}

// ownSession returns the session that the path names, which must be that of the
// browser. A 401 makes clerk-js look at its client again.
func (e *Emulator) ownSession(r *http.Request) (session, clerk.User, error) {
	s, u, ok := e.signedIn(e.browserOf(r))
	if !ok || s.ID != r.PathValue("id") {
		return s, u, &failure{http.StatusUnauthorized, "signed_out", "You are signed out."}
	}
	return s, u, nil
}

// handshake handles "GET /v1/client/handshake": it sends the browser back to
// the program with all that its cookies ought to be. It makes a development
// browser when there is none, and changes nothing.
func (e *Emulator) handshake(w http.ResponseWriter, r *http.Request) {
	origin := originOf(r)
	back, ok := within(origin, r.URL.Query().Get("redirect_url"))
	if !ok {
		fail(w, &failure{http.StatusBadRequest, "url_based_session_syncing_invalid", "redirect_url must be a URL of " + origin + "."})
		return
	}
	browser := e.browserOf(r)
	if browser == "" {
		browser = newBrowser()
	}
	token, err := e.handshakeToken(browser, origin)
	if err != nil {
		fail(w, err)
		return
	}
	http.Redirect(w, r, withQuery(back, clerk.HandshakeCookie, token), http.StatusTemporaryRedirect)
}

func (e *Emulator) handshakeToken(browser, party string) (string, error) {
	directives, err := e.directives(browser, party)
	if err != nil {
		return "", err
	}
	return e.tokens.handshake(directives)
}
