package emulator

import "crypto/rand"

// maxAttempts bounds how many browsers may be signing in, and how many signing
// up, at once; the oldest give way.
const maxAttempts = 1000

// Clerk's names for the ways to prove who one is.
const (
	byPassword = "password"
	emailCode  = "email_code"
	byTicket   = "ticket"
)

// A signIn is somebody's signing in, under way in a browser. It is gone once it
// is complete.
type signIn struct {
	id         string
	identifier string // as typed
	userID     string
	sent       bool // a code, which nobody sends
}

// createSignIn handles "POST /v1/client/sign_ins" with an identifier, which is
// an e-mail address or a username. A strategy may come with it.
//
// With the strategy "ticket" there is no proof to give: at Clerk a server has
// made the ticket for one user, who is signed in by showing it. Here the user's
// id is a ticket, or the e-mail address; with sign_up_if_missing also one that
// nobody has yet.
func (e *Emulator) createSignIn(c *call) (any, error) {
	strategy := c.fields.Get("strategy")
	if strategy == byTicket {
		return e.signInByTicket(c)
	}
	identifier := c.fields.Get("identifier")
	if identifier == "" {
		return nil, missing("identifier")
	}
	a, ok := e.state.Load().find(identifier)
	if !ok {
		return nil, unknown("identifier")
	}
	attempt := signIn{id: "sia_" + rand.Text(), identifier: identifier, userID: a.ID}
	e.signIns.Add(c.browser, attempt)
	switch strategy {
	case byPassword:
		return e.attemptSignIn(c, attempt)
	case emailCode:
		return e.prepareSignIn(c, attempt)
	}
	return signInJSON(attempt, a), nil
}

func unknown(param string) *failure {
	return wrong(param, "form_identifier_not_found", "Couldn't find your account.")
}

func (e *Emulator) signInByTicket(c *call) (any, error) {
	ticket := c.fields.Get("ticket")
	if ticket == "" {
		return nil, missing("ticket")
	}
	made, err := e.signInFrom(c, holderOf(ticket, c.fields.Get("sign_up_if_missing") == "true"))
	if err != nil {
		return nil, err
	}
	a := e.state.Load().Users[made.UserID]
	return completed(signIn{id: "sia_" + rand.Text(), identifier: calledName(a.User)}, a, made), nil
}

// showSignInAttempt handles "GET /v1/client/sign_ins/{id}".
func (e *Emulator) showSignInAttempt(c *call) (any, error) {
	if _, err := e.ownSignIn(c); err != nil {
		return nil, err
	}
	return dict{"response": e.signInOf(c.browser)}, nil
}

// prepareFirstFactor handles "POST .../prepare_first_factor": it would send the
// code.
func (e *Emulator) prepareFirstFactor(c *call) (any, error) {
	attempt, err := e.ownSignIn(c)
	if err != nil {
		return nil, err
	}
	return e.prepareSignIn(c, attempt)
}

func (e *Emulator) prepareSignIn(c *call, attempt signIn) (any, error) {
	a := e.state.Load().Users[attempt.userID]
	if c.fields.Get("strategy") != emailCode || a.Email == nil {
		return nil, wrongStrategy()
	}
	attempt.sent = true
	e.signIns.Add(c.browser, attempt)
	return signInJSON(attempt, a), nil
}

// attemptFirstFactor handles "POST .../attempt_first_factor" with a password or
// a code.
func (e *Emulator) attemptFirstFactor(c *call) (any, error) {
	attempt, err := e.ownSignIn(c)
	if err != nil {
		return nil, err
	}
	return e.attemptSignIn(c, attempt)
}

func (e *Emulator) attemptSignIn(c *call, attempt signIn) (any, error) {
	switch a := e.state.Load().Users[attempt.userID]; c.fields.Get("strategy") {
	case byPassword:
		if !isPassword(a.Password, c.fields.Get("password")) {
			return nil, wrong("password", "form_password_incorrect", "Password is incorrect. Try again, or use another method.")
		}
	case emailCode:
		if !attempt.sent || c.fields.Get("code") != Code {
			return nil, wrongCode()
		}
	default:
		return nil, wrongStrategy()
	}
	return e.completeSignIn(c, attempt)
}

func wrongCode() *failure {
	return wrong("code", "form_code_incorrect", "Incorrect code. On this development instance it is "+Code+".")
}

func wrongStrategy() *failure {
	return wrong("strategy", "strategy_for_user_invalid", "The verification strategy is not valid for this account.")
}

// completeSignIn makes the session.
func (e *Emulator) completeSignIn(c *call, attempt signIn) (any, error) {
	made, err := e.signInFrom(c, userWith(attempt.userID))
	if err != nil {
		return nil, err
	}
	e.signIns.Remove(c.browser)
	return completed(attempt, e.state.Load().Users[made.UserID], made), nil
}

// signInFrom is signIn for a call, which goes on as one of the browser as it is
// known afterwards.
func (e *Emulator) signInFrom(c *call, who func(*state) (account, error)) (made session, err error) {
	c.browser, made, err = e.signIn(c.browser, who)
	return made, err
}

func completed(attempt signIn, a account, s session) dict {
	response := signInJSON(attempt, a)
	response["status"], response["created_session_id"] = "complete", s.ID
	return response
}

// ownSignIn returns the attempt that the path names, which must be that of the
// browser.
func (e *Emulator) ownSignIn(c *call) (signIn, error) {
	attempt, ok := e.signIns.Get(c.browser)
	if _, known := e.state.Load().Users[attempt.userID]; !ok || !known || attempt.id != c.PathValue("id") {
		return signIn{}, notFound("No sign-in was found with this id.")
	}
	return attempt, nil
}

// signInOf returns the attempt of a browser for its client; nil when there is
// none.
func (e *Emulator) signInOf(browser string) any {
	attempt, ok := e.signIns.Get(browser)
	a, known := e.state.Load().Users[attempt.userID]
	if !ok || !known {
		return nil
	}
	return signInJSON(attempt, a)
}

func signInJSON(attempt signIn, a account) dict {
	factors := []any{}
	if a.Password != "" {
		factors = append(factors, dict{"strategy": byPassword})
	}
	if a.Email != nil {
		factors = append(factors, dict{"strategy": emailCode, "safe_identifier": *a.Email, "email_address_id": emailID(a.User), "primary": true})
	}
	var verification any
	if attempt.sent {
		verification = dict{"object": "verification_otp", "status": "unverified", "strategy": emailCode, "attempts": 0, "expire_at": nil, "error": nil}
	}
	return dict{
		"object": "sign_in", "id": attempt.id, "status": "needs_first_factor", "identifier": attempt.identifier,
		"supported_identifiers": []string{"email_address", "username"}, "supported_first_factors": factors, "supported_second_factors": []any{},
		"first_factor_verification": verification, "second_factor_verification": nil, "created_session_id": nil, "abandon_at": nil,
		"user_data": dict{"first_name": a.FirstName, "last_name": a.LastName, "image_url": a.ImageURL, "has_image": a.ImageURL != ""},
	}
}
