package emulator

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/crypto/bcrypt"

	"inkwell/clerk"
)

// An account is a user with what only the instance knows of them. Once it is in
// a state it does not change; nor do the objects in it.
type account struct {
	clerk.User
	Password     string          `json:",omitempty"` // its hash; empty: none
	Metadata     map[string]dict `json:",omitempty"` // by Clerk's names, the constants below
	LastSignInAt time.Time
}

// Clerk's metadata of a user: what the program's servers write and everybody
// reads, what only servers know, and what the user may write.
const (
	publicMetadata  = "public_metadata"
	privateMetadata = "private_metadata"
	unsafeMetadata  = "unsafe_metadata"
)

// fill adds to a new account what the fields say of it, as far as nobody else
// has the same address or username.
func (s *state) fill(a *account, fields url.Values, metadata ...string) error {
	if fields.Has("email_address") {
		email, err := s.freeAddress(fields.Get("email_address"))
		if err != nil {
			return err
		}
		a.Email = &email
	}
	if err := s.apply(a, fields); err != nil {
		return err
	}
	return a.takeMetadata(fields, false, metadata...)
}

// apply changes an account as the fields say that are there: names, username
// and password. An empty name is none.
func (s *state) apply(a *account, fields url.Values) error {
	if err := a.applyNames(fields); err != nil {
		return err
	}
	if err := s.applyUsername(a, fields); err != nil || fields.Get("password") == "" {
		return err
	}
	hash, err := hashPassword("password", fields.Get("password"))
	a.Password = hash
	return err
}

func (a *account) applyNames(fields url.Values) error {
	if err := applyName(&a.FirstName, fields, "first_name"); err != nil {
		return err
	}
	return applyName(&a.LastName, fields, "last_name")
}

func applyName(name **string, fields url.Values, param string) error {
	if !fields.Has(param) {
		return nil
	}
	value := strings.TrimSpace(fields.Get(param))
	if !isName(value) {
		return wrong(param, "form_param_format_invalid", fmt.Sprintf("A name is one line of at most %d characters.", maxName))
	}
	*name = optional(value)
	return nil
}

func (s *state) applyUsername(a *account, fields url.Values) error {
	username := fields.Get("username")
	if !fields.Has("username") || username == text(a.Username) {
		return nil
	}
	if other, taken := s.find(username); taken && other.ID != a.ID {
		return usernameTaken()
	}
	if !isUsername(username) {
		return wrong("username", "form_username_invalid", "A username has 4 to 64 letters without accents, digits, _ and -.")
	}
	a.Username = optional(username)
	return nil
}

// takeMetadata changes the metadata of these kinds as the fields say that are
// there: it replaces them, or changes them member by member, as merge is or is
// not set.
func (a *account) takeMetadata(fields url.Values, merge bool, kinds ...string) error {
	for _, kind := range kinds {
		if !fields.Has(kind) {
			continue
		}
		var given dict
		if err := json.Unmarshal([]byte(fields.Get(kind)), &given); err != nil {
			return wrong(kind, "form_param_format_invalid", kind+" must be a JSON object.")
		}
		if merge {
			given = merged(a.metadata(kind), given)
		}
		if err := checkMetadata(kind, given); err != nil {
			return err
		}
		a.setMetadata(kind, given)
	}
	return nil
}

// What metadata of one kind may be: Clerk's limit in bytes of JSON, and a depth
// that any reader of it copes with.
const (
	maxMetadata      = 8 << 10
	maxMetadataDepth = 100
)

func checkMetadata(kind string, m dict) error {
	if deeper(m, maxMetadataDepth) {
		return wrong(kind, "form_param_value_invalid", fmt.Sprintf("%s must be nested at most %d deep.", kind, maxMetadataDepth))
	}
	encoded, err := json.Marshal(m)
	if err == nil && len(encoded) > maxMetadata {
		err = wrong(kind, "form_param_exceeds_allowed_size", fmt.Sprintf("%s must be at most %d bytes of JSON.", kind, maxMetadata))
	}
	return err
}

// deeper reports whether there are more than depth objects and lists in one
// another in a JSON value.
func deeper(value any, depth int) bool {
	inner := func(v any) bool { return deeper(v, depth-1) }
	switch v := value.(type) {
	case dict:
		return depth == 0 || slices.ContainsFunc(slices.Collect(maps.Values(v)), inner)
	case []any:
		return depth == 0 || slices.ContainsFunc(v, inner)
	}
	return false
}

// merged returns a new object of both, at any depth; null in patch removes a
// member.
func merged(base, patch dict) dict {
	next := dict{}
	maps.Copy(next, base)
	for name, value := range patch {
		before, _ := next[name].(dict)
		inner, isObject := value.(dict)
		switch {
		case value == nil:
			delete(next, name)
		case isObject:
			next[name] = merged(before, inner)
		default:
			next[name] = value
		}
	}
	return next
}

// metadata returns the metadata of a kind, never nil.
func (a *account) metadata(kind string) dict {
	if m := a.Metadata[kind]; m != nil {
		return m
	}
	return dict{}
}

// setMetadata replaces the metadata of a kind; the role follows.
func (a *account) setMetadata(kind string, m dict) {
	all := map[string]dict{}
	maps.Copy(all, a.Metadata)
	all[kind] = m
	a.Metadata = all
	a.Role = roleIn(a.metadata(publicMetadata))
}

// roleIn returns the role in public metadata, as package clerk reads it.
func roleIn(public dict) string {
	if role, _ := public["role"].(string); role == "moderator" || role == "admin" {
		return role
	}
	return "member"
}

// maxName bounds a first or last name, in characters.
const maxName = 100

func isName(s string) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= maxName && !strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c == 0x7f })
}

// isUsername reports whether s can be a username; none can.
func isUsername(s string) bool {
	odd := func(c rune) bool {
		return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-')
	}
	return s == "" || len(s) >= 4 && len(s) <= 64 && !strings.ContainsFunc(s, odd)
}

// displayName is both names, or the one there is, or the username.
func displayName(u clerk.User) string {
	name := strings.TrimSpace(text(u.FirstName) + " " + text(u.LastName))
	return cmp.Or(name, text(u.Username))
}

// calledName is never empty.
func calledName(u clerk.User) string { return cmp.Or(u.Name, text(u.Email), u.ID) }

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// detached returns u with strings of its own, so that nobody changes a state
// through it.
func detached(u clerk.User) clerk.User {
	for _, p := range []**string{&u.Email, &u.Username, &u.FirstName, &u.LastName} {
		if *p != nil {
			s := **p
			*p = &s
		}
	}
	return u
}

const (
	// ReadyPassword is the password of every ready user.
	ReadyPassword = "inkwell-dev"

	// Code is the code that every e-mail would bring if any were sent. It is
	// the one that Clerk's own test addresses have.
	Code = "424242"
)

// Clerk's limits: characters at least, bytes at most.
const (
	minPassword = 8
	maxPassword = 72
)

// hashPassword returns what is kept of a password, at the least cost there is:
// nobody's real one belongs here, but somebody may type it.
func hashPassword(param, password string) (string, error) {
	switch {
	case utf8.RuneCountInString(password) < minPassword:
		return "", wrong(param, "form_password_length_too_short", "Passwords must be 8 characters or more.")
	case len(password) > maxPassword:
		return "", wrong(param, "form_password_length_too_long", "Passwords must be less than 73 characters.")
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	return string(hash), err
}

// isPassword reports whether password is the one whose hash was kept; no
// password is that of an empty hash.
func isPassword(hash, password string) bool {
	return bcrypt.CompareHashAndPassword([]byte(hash), []byte(password)) == nil
}

// readyHash is that of ReadyPassword.
var readyHash = sync.OnceValue(func() string {
	hash, err := hashPassword("password", ReadyPassword)
	if err != nil {
		panic(err) // the password is one of ours
	}
	return hash
})

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
