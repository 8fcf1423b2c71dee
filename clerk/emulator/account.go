package emulator

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

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
	if err := applyName(&a.FirstName, fields, "first_name"); err != nil {
		return err
	}
	if err := applyName(&a.LastName, fields, "last_name"); err != nil {
		return err
	}
	if err := s.applyUsername(a, fields); err != nil || fields.Get("password") == "" {
		return err
	}
	hash, err := hashPassword("password", fields.Get("password"))
	a.Password = hash
	return err
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
		a.setMetadata(kind, given)
	}
	return nil
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
