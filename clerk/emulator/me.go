package emulator

// showMe handles "GET /v1/me".
func (e *Emulator) showMe(c *call) (any, error) {
	_, a, err := e.own(c)
	return dict{"response": ownUserJSON(a)}, err
}

// updateMe handles "PATCH /v1/me": names, username and unsafe metadata.
func (e *Emulator) updateMe(c *call) (any, error) {
	return e.changeMe(c, func(s *state, a *account) error {
		c.fields.Del("password") // needs the old one: see changePassword
		if err := s.apply(a, c.fields); err != nil {
			return err
		}
		return a.takeMetadata(c.fields, false, unsafeMetadata)
	})
}

// updateMyMetadata handles "PATCH /v1/me/metadata".
func (e *Emulator) updateMyMetadata(c *call) (any, error) {
	return e.changeMe(c, func(_ *state, a *account) error {
		return a.takeMetadata(c.fields, true, unsafeMetadata)
	})
}

// changePassword handles "POST /v1/me/change_password". Whoever has a password
// must know it.
func (e *Emulator) changePassword(c *call) (any, error) {
	return e.changeMe(c, func(s *state, a *account) error {
		if a.Password != "" && !isPassword(a.Password, c.fields.Get("current_password")) {
			return wrong("current_password", "form_password_incorrect", "Password is incorrect. Try again.")
		}
		hash, err := hashPassword("new_password", c.fields.Get("new_password"))
		if err == nil && c.fields.Get("sign_out_of_other_sessions") == "true" {
			s.endSessions(a.ID, c.browser, sessionRevoked, e.now())
		}
		a.Password = hash
		return err
	})
}

func (e *Emulator) changeMe(c *call, edit func(*state, *account) error) (any, error) {
	_, a, err := e.own(c)
	if err != nil {
		return nil, err
	}
	a, err = e.updateUser(a.ID, edit)
	return ownUserJSON(a), err
}

// deleteMe handles "DELETE /v1/me".
func (e *Emulator) deleteMe(c *call) (any, error) {
	_, a, err := e.own(c)
	if err != nil {
		return nil, err
	}
	return deletedJSON(a.ID), e.DeleteUser(a.ID)
}

func deletedJSON(userID string) dict {
	return dict{"object": "user", "id": userID, "deleted": true}
}

// listMySessions handles "GET /v1/me/sessions" and ".../active": a bare array,
// as at Clerk.
func (e *Emulator) listMySessions(c *call) (any, error) {
	_, a, err := e.own(c)
	if err != nil {
		return nil, err
	}
	return e.sessionsWhere(func(_ string, s session) bool { return s.UserID == a.ID }), nil
}

// revokeMySession handles "POST /v1/me/sessions/{id}/revoke".
func (e *Emulator) revokeMySession(c *call) (any, error) {
	_, a, err := e.own(c)
	if err != nil {
		return nil, err
	}
	return e.revoke(c.PathValue("id"), a.ID)
}
