package emulator

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"net/http"
)

//go:embed environment.json
var environment []byte

// frontendRoutes lists the Frontend API, which knows a browser.
func (e *Emulator) frontendRoutes(mux *http.ServeMux) {
	mux.Handle("POST /v1/dev_browser", e.answer(e.createBrowser))
	mux.Handle("GET /v1/environment", e.answer(e.showEnvironment))
	mux.Handle("PATCH /v1/environment", e.answer(e.showEnvironment))
	mux.Handle("GET /v1/client", e.ask(e.showClient))
	mux.HandleFunc("GET /v1/client/handshake", e.handshake)

	mux.Handle("POST /v1/client/sign_ins", e.do(e.createSignIn))
	mux.Handle("GET /v1/client/sign_ins/{id}", e.ask(e.showSignInAttempt))
	mux.Handle("POST /v1/client/sign_ins/{id}/prepare_first_factor", e.do(e.prepareFirstFactor))
	mux.Handle("POST /v1/client/sign_ins/{id}/attempt_first_factor", e.do(e.attemptFirstFactor))
	mux.Handle("POST /v1/client/sign_ups", e.do(e.createSignUp))
	mux.Handle("GET /v1/client/sign_ups/{id}", e.ask(e.showSignUp))
	mux.Handle("PATCH /v1/client/sign_ups/{id}", e.do(e.updateSignUp))
	mux.Handle("POST /v1/client/sign_ups/{id}/prepare_verification", e.do(e.prepareVerification))
	mux.Handle("POST /v1/client/sign_ups/{id}/attempt_verification", e.do(e.attemptVerification))

	mux.Handle("DELETE /v1/client/sessions", e.do(e.deleteSessions))
	mux.Handle("POST /v1/client/sessions/{id}/tokens", e.doBare(e.createToken))
	mux.Handle("POST /v1/client/sessions/{id}/touch", e.do(e.touchSession))
	mux.Handle("POST /v1/client/sessions/{id}/end", e.do(e.endSession(sessionEnded)))
	mux.Handle("POST /v1/client/sessions/{id}/remove", e.do(e.endSession(sessionRemoved)))

	mux.Handle("GET /v1/me", e.ask(e.showMe))
	mux.Handle("PATCH /v1/me", e.do(e.updateMe))
	mux.Handle("DELETE /v1/me", e.do(e.deleteMe))
	mux.Handle("PATCH /v1/me/metadata", e.do(e.updateMyMetadata))
	mux.Handle("POST /v1/me/change_password", e.do(e.changePassword))
	mux.Handle("GET /v1/me/sessions", e.ask(e.listMySessions))
	mux.Handle("GET /v1/me/sessions/active", e.ask(e.listMySessions))
	mux.Handle("POST /v1/me/sessions/{id}/revoke", e.do(e.revokeMySession))
}

// createBrowser handles "POST /v1/dev_browser".
func (e *Emulator) createBrowser(*http.Request) (any, error) {
	return dict{"object": "dev_browser", "id": newBrowser()}, nil
}

// showEnvironment handles "GET /v1/environment": what the instance offers.
func (e *Emulator) showEnvironment(*http.Request) (any, error) {
	if e.greeter.Production {
		return json.RawMessage(bytes.Replace(environment, []byte(`"development"`), []byte(`"production"`), 1)), nil
	}
	return json.RawMessage(environment), nil
}

// showClient handles "GET /v1/client"; the response is null for a browser of
// which nothing is known.
func (e *Emulator) showClient(c *call) (any, error) {
	client, err := e.clientOf(c)
	if err == nil && client["last_active_session_id"] == nil && client["sign_in"] == nil && client["sign_up"] == nil {
		return dict{"response": nil}, nil
	}
	return dict{"response": client}, err
}

// deleteSessions handles "DELETE /v1/client/sessions": signing out.
func (e *Emulator) deleteSessions(c *call) (any, error) {
	if err := e.signOut(c.browser, sessionEnded); err != nil {
		return nil, err
	}
	return e.clientOf(c)
}

// createToken handles "POST /v1/client/sessions/{id}/tokens".
func (e *Emulator) createToken(c *call) (any, error) {
	s, _, err := e.ownSession(c)
	if err != nil {
		return nil, err
	}
	token, err := e.tokens.session(s, c.origin, e.now())
	return dict{"object": "token", "jwt": token}, err
}

// touchSession handles "POST /v1/client/sessions/{id}/touch".
func (e *Emulator) touchSession(c *call) (any, error) {
	s, a, err := e.ownSession(c)
	if err != nil {
		return nil, err
	}
	return e.activeSession(c, s, a)
}

// endSession handles "POST /v1/client/sessions/{id}/end" and ".../remove".
func (e *Emulator) endSession(event string) func(*call) (any, error) {
	return func(c *call) (any, error) {
		s, a, err := e.ownSession(c)
		if err != nil {
			return nil, err
		}
		err = e.signOut(c.browser, event)
		return ownSessionJSON(c.browser, s, a, statusAfter(event), "", e.now()), err
	}
}
