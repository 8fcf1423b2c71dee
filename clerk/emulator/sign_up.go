package emulator

import "crypto/rand"

// A signUp is somebody's making an account, under way in a browser. It is gone
// once it is complete.
type signUp struct {
	id       string
	account  account // as far as it is known; not in the state yet
	sent     bool    // a code, which nobody sends
	verified bool    // by the code
}

// createSignUp handles "POST /v1/client/sign_ups".
func (e *Emulator) createSignUp(c *call) (any, error) {
	return e.fillIn(c, signUp{id: "sua_" + rand.Text()})
}

// updateSignUp handles "PATCH /v1/client/sign_ups/{id}".
func (e *Emulator) updateSignUp(c *call) (any, error) {
	attempt, err := e.ownSignUp(c)
	if err != nil {
		return nil, err
	}
	return e.fillIn(c, attempt)
}

// fillIn adds the call's fields to the attempt, if all of them are good.
func (e *Emulator) fillIn(c *call, attempt signUp) (any, error) {
	before := text(attempt.account.Email)
	if err := e.state.Load().fill(&attempt.account, c.fields, unsafeMetadata); err != nil {
		return nil, err
	}
	if text(attempt.account.Email) != before {
		attempt.sent, attempt.verified = false, false
	}
	return e.goOn(c, attempt)
}

// goOn completes the attempt when nothing is missing, and keeps it otherwise.
func (e *Emulator) goOn(c *call, attempt signUp) (any, error) {
	if attempt.verified && len(attempt.missing()) == 0 {
		return e.completeSignUp(c, attempt)
	}
	e.signUps.Add(c.browser, attempt)
	return attempt.json(), nil
}

// showSignUp handles "GET /v1/client/sign_ups/{id}".
func (e *Emulator) showSignUp(c *call) (any, error) {
	attempt, err := e.ownSignUp(c)
	if err != nil {
		return nil, err
	}
	return dict{"response": attempt.json()}, nil
}

// prepareVerification handles "POST .../prepare_verification": it would send
// the code.
func (e *Emulator) prepareVerification(c *call) (any, error) {
	attempt, err := e.ownSignUp(c)
	if err != nil {
		return nil, err
	}
	if c.fields.Get("strategy") != emailCode || attempt.account.Email == nil {
		return nil, wrongStrategy()
	}
	attempt.sent = true
	e.signUps.Add(c.browser, attempt)
	return attempt.json(), nil
}

// attemptVerification handles "POST .../attempt_verification" with the code.
func (e *Emulator) attemptVerification(c *call) (any, error) {
	attempt, err := e.ownSignUp(c)
	switch {
	case err != nil:
		return nil, err
	case c.fields.Get("strategy") != emailCode:
		return nil, wrongStrategy()
	case !attempt.sent || c.fields.Get("code") != Code:
		return nil, wrongCode()
	}
	attempt.verified = true
	return e.goOn(c, attempt)
}

// completeSignUp makes the user and the session.
func (e *Emulator) completeSignUp(c *call, attempt signUp) (any, error) {
	made, err := e.signInFrom(c, func(*state) (account, error) { return attempt.account, nil })
	if err != nil {
		return nil, err
	}
	e.signUps.Remove(c.browser)
	response := attempt.json()
	response["status"] = "complete"
	response["created_session_id"], response["created_user_id"] = made.ID, made.UserID
	return response, nil
}

// ownSignUp returns the attempt that the path names, which must be that of the
// browser.
func (e *Emulator) ownSignUp(c *call) (signUp, error) {
	attempt, ok := e.signUps.Get(c.browser)
	if !ok || attempt.id != c.PathValue("id") {
		return signUp{}, notFound("No sign-up was found with this id.")
	}
	return attempt, nil
}

// signUpOf returns the attempt of a browser for its client; nil when there is
// none.
func (e *Emulator) signUpOf(browser string) any {
	attempt, ok := e.signUps.Get(browser)
	if !ok {
		return nil
	}
	return attempt.json()
}

func (u signUp) missing() []string {
	names := []string{}
	if u.account.Email == nil {
		names = append(names, "email_address")
	}
	if u.account.Password == "" {
		names = append(names, "password")
	}
	return names
}

func (u signUp) json() dict {
	a := u.account
	verification := dict{
		"object": "verification_otp", "status": "unverified", "strategy": nil, "supported_strategies": []string{emailCode},
		"next_action": "needs_prepare", "attempts": 0, "expire_at": nil, "error": nil,
	}
	unverified := []string{}
	switch {
	case u.verified:
		verification["status"], verification["strategy"], verification["next_action"] = "verified", emailCode, ""
	case u.sent: // clerk-js asks for a code until it sees the strategy
		verification["strategy"], verification["next_action"] = emailCode, "needs_attempt"
	}
	if a.Email != nil && !u.verified {
		unverified = append(unverified, "email_address")
	}
	return dict{
		"object": "sign_up", "id": u.id, "status": "missing_requirements", "abandon_at": nil, "legal_accepted_at": nil,
		"required_fields": []string{"email_address", byPassword}, "optional_fields": []string{"first_name", "last_name", "username"},
		"missing_fields": u.missing(), "unverified_fields": unverified,
		"verifications": dict{"email_address": verification, "phone_number": nil, "web3_wallet": nil, "external_account": nil},
		"email_address": a.Email, "username": a.Username, "first_name": a.FirstName, "last_name": a.LastName,
		"phone_number": nil, "web3_wallet": nil, "has_password": a.Password != "", unsafeMetadata: a.metadata(unsafeMetadata),
		"created_session_id": nil, "created_user_id": nil,
	}
}
