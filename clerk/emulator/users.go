package emulator

import (
	"cmp"
	"crypto/rand"
	"maps"
	"net/http"
	"net/mail"
	"slices"
	"strings"
	"time"

	"inkwell/clerk"
)

// readyPrefix begins the ids of the users that are there from the start.
const readyPrefix = "user_dev_"

// An account is a user as the state file keeps it: without the methods that
// would make it Clerk's JSON.
type account clerk.User

// Events about users, by Clerk's names.
const (
	userCreated = "user.created"
	userUpdated = "user.updated"
	userDeleted = "user.deleted"
)

// readyUsers returns one user of each kind, and two more to talk to.
func readyUsers(now time.Time) []clerk.User {
	ready := func(username, first, last, role string) clerk.User {
		u := newUser(readyPrefix+username, username+"@example.com", now)
		u.Username, u.FirstName, u.LastName, u.Role = &username, &first, &last, role
		u.Name = displayName(u)
		return u
	}
	return []clerk.User{
		ready("ada", "Ada", "Lovelace", "member"),
		ready("alan", "Alan", "Turing", "member"),
		ready("grace", "Grace", "Hopper", "member"),
		ready("katherine", "Katherine", "Johnson", "moderator"),
		ready("margaret", "Margaret", "Hamilton", "admin"),
	}
}

// newUser returns somebody who signed up with an e-mail address: like at
// Clerk, nothing else is known of them.
func newUser(id, email string, now time.Time) clerk.User {
	now = now.UTC().Truncate(time.Millisecond)
	return clerk.User{ID: id, Email: &email, EmailVerified: true, Role: "member", CreatedAt: now, UpdatedAt: now}
}

// Users returns all users, ordered by when they came and then by id.
func (e *Emulator) Users() []clerk.User {
	var users []clerk.User
	for a := range maps.Values(e.state.Load().Users) {
		users = append(users, detached(clerk.User(a)))
	}
	slices.SortFunc(users, func(a, b clerk.User) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	return users
}

// CreateUser adds a user with a verified e-mail address and no name, as a
// sign-up does. The address must be one, and not in use.
func (e *Emulator) CreateUser(email string) (clerk.User, error) {
	var u clerk.User
	err := e.change(func(s *state) (err error) {
		u, err = s.createUser(email, e.now())
		return err
	})
	return detached(u), err
}

// UpdateUser changes what edit changes of a user, but for the id and the times,
// and returns the user as it is then. Name follows from the others. Banning or
// deprovisioning a user ends their sessions.
func (e *Emulator) UpdateUser(id string, edit func(*clerk.User)) (clerk.User, error) {
	var u clerk.User
	err := e.change(func(s *state) error {
		old, ok := s.Users[id]
		if !ok {
			return noSuchUser(id)
		}
		u = detached(clerk.User(old))
		edit(&u)
		u.ID, u.CreatedAt, u.Name = old.ID, old.CreatedAt, displayName(u)
		u.UpdatedAt = later(old.UpdatedAt, e.now())
		s.Users[id] = account(u)
		if u.Banned || u.Deprovisioned {
			s.endSessions(id)
		}
		s.announce(userUpdated, u, u.UpdatedAt)
		return nil
	})
	return detached(u), err
}

// DeleteUser removes a user and ends their sessions.
func (e *Emulator) DeleteUser(id string) error {
	return e.change(func(s *state) error {
		u, ok := s.Users[id]
		if !ok {
			return noSuchUser(id)
		}
		delete(s.Users, id)
		s.endSessions(id)
		s.announce(userDeleted, clerk.User(u), later(u.UpdatedAt, e.now()))
		return nil
	})
}

func noSuchUser(id string) error {
	return &failure{http.StatusNotFound, "resource_not_found", "No user was found with id " + id + "."}
}

func (s *state) createUser(email string, now time.Time) (clerk.User, error) {
	email = strings.TrimSpace(email)
	if a, err := mail.ParseAddress(email); err != nil || a.Address != email || len(email) > 254 {
		return clerk.User{}, &failure{http.StatusUnprocessableEntity, "form_param_format_invalid", "That is not an e-mail address, such as name@example.com."}
	}
	if _, taken := s.find(email); taken {
		return clerk.User{}, &failure{http.StatusUnprocessableEntity, "form_identifier_exists", "That e-mail address is taken. Please try another."}
	}
	u := newUser("user_"+rand.Text(), email, now)
	s.Users[u.ID] = account(u)
	s.announce(userCreated, u, u.CreatedAt)
	return u, nil
}

// find returns the user with this e-mail address, username or id.
func (s *state) find(identifier string) (clerk.User, bool) {
	identifier = strings.TrimSpace(identifier)
	is := func(p *string) bool { return p != nil && strings.EqualFold(*p, identifier) }
	for _, u := range s.Users {
		if u.ID == identifier || is(u.Email) || is(u.Username) {
			return clerk.User(u), true
		}
	}
	return clerk.User{}, false
}

func (s *state) endSessions(userID string) {
	maps.DeleteFunc(s.Sessions, func(_ string, one session) bool { return one.UserID == userID })
}

// later returns now in whole milliseconds, but always after before: the order
// of a user's changes can be read from their times.
func later(before, now time.Time) time.Time {
	now = now.UTC().Truncate(time.Millisecond)
	if !now.After(before) {
		return before.Add(time.Millisecond)
	}
	return now
}

// displayName is both names, or the one there is, or the username.
func displayName(u clerk.User) string {
	name := strings.TrimSpace(text(u.FirstName) + " " + text(u.LastName))
	return cmp.Or(name, text(u.Username))
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
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
