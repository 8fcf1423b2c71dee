package emulator

import (
	"net/http"
	"net/url"
)

// A call is a request of the Frontend API from a browser.
type call struct {
	*http.Request
	browser string     // empty only when nothing is to be changed
	origin  string     // of the program, and so of the request
	fields  url.Values // of the body
}

// ask serves what f finds out for a browser, known or not.
func (e *Emulator) ask(f func(*call) (any, error)) http.Handler {
	return e.answer(func(r *http.Request) (any, error) {
		return f(&call{Request: r, browser: e.greeter.browserOf(r), origin: originOf(r)})
	})
}

// do serves what f changes for a browser, and tells the browser what follows
// for the program's cookies. Like at Clerk, the client comes with the response.
func (e *Emulator) do(f func(*call) (any, error)) http.Handler {
	return e.doBare(func(c *call) (any, error) {
		response, err := f(c)
		if err != nil {
			return nil, err
		}
		client, err := e.clientOf(c)
		return dict{"response": response, "client": client}, err
	})
}

// doBare is do for what f answers without any wrapping.
func (e *Emulator) doBare(f func(*call) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := e.newCall(r)
		if err != nil {
			e.fail(w, err)
			return
		}
		body, err := f(c)
		if err != nil {
			e.fail(w, err)
			return
		}
		e.greeter.tell(w.Header(), c.browser, c.origin, e.since(c.browser))
		writeJSON(w, http.StatusOK, body)
	})
}

func (e *Emulator) newCall(r *http.Request) (*call, error) {
	fields, err := readFields(r)
	if err != nil {
		return nil, err
	}
	browser, ok := e.greeter.greet(r)
	if !ok {
		return nil, &failure{status: http.StatusUnauthorized, code: "dev_browser_unauthenticated", message: "Unable to authenticate this browser for your development instance."}
	}
	return &call{Request: r, browser: browser, origin: originOf(r), fields: fields}, nil
}

// clientOf returns the client of the call's browser, with a fresh session token
// when somebody is signed in there.
func (e *Emulator) clientOf(c *call) (dict, error) {
	signIn, signUp := e.signInOf(c.browser), e.signUpOf(c.browser)
	s, a, ok := e.signedIn(c.browser)
	if !ok {
		return clientJSON(c.browser, []any{}, nil, signIn, signUp, e.now()), nil
	}
	one, err := e.activeSession(c, s, a)
	return clientJSON(c.browser, []any{one}, s.ID, signIn, signUp, s.CreatedAt), err
}

func (e *Emulator) activeSession(c *call, s session, a account) (dict, error) {
	token, err := e.tokens.session(s, c.origin, e.now())
	return ownSessionJSON(c.browser, s, a, "active", token, e.now()), err
}

// own returns who is signed in where the call comes from. A 401 makes clerk-js
// look at its client again.
func (e *Emulator) own(c *call) (session, account, error) {
	s, a, ok := e.signedIn(c.browser)
	if !ok {
		return s, a, &failure{status: http.StatusUnauthorized, code: "signed_out", message: "You are signed out."}
	}
	return s, a, nil
}

// ownSession returns the session that the path names, which must be that of the
// browser.
func (e *Emulator) ownSession(c *call) (session, account, error) {
	s, a, err := e.own(c)
	if err == nil && s.ID != c.PathValue("id") {
		return s, a, &failure{status: http.StatusUnauthorized, code: "signed_out", message: "This session is not one of this browser."}
	}
	return s, a, err
}
