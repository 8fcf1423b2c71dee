package emulator

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"maps"
	"net/mail"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"inkwell/clerk"
)

// readyPrefix begins the ids of the users that are there from the start.
const readyPrefix = "user_dev_"

// Events about users, by Clerk's names.
const (
	userCreated = "user.created"
	userUpdated = "user.updated"
	userDeleted = "user.deleted"
)

// readyAccounts returns one user of each kind, and two more to talk to.
func readyAccounts(now time.Time) []account {
	now = now.UTC().Truncate(time.Millisecond)
	ready := func(username, first, last, role string) account {
		email := username + "@example.com"
		a := account{Password: readyHash(), User: clerk.User{
			ID: readyPrefix + username, Email: &email, EmailVerified: true,
			Username: &username, FirstName: &first, LastName: &last, Name: first + " " + last, CreatedAt: now, UpdatedAt: now,
		}}
		a.setMetadata(publicMetadata, dict{"role": role})
		return a
	}
	return []account{
		ready("ada", "Ada", "Lovelace", "member"),
		ready("alan", "Alan", "Turing", "member"),
		ready("grace", "Grace", "Hopper", "member"),
		ready("katherine", "Katherine", "Johnson", "moderator"),
		ready("margaret", "Margaret", "Hamilton", "admin"),
	}
}

// Users returns all users, ordered by when they came and then by id.
func (e *Emulator) Users() []clerk.User {
	var users []clerk.User
	for a := range maps.Values(e.state.Load().Users) {
		users = append(users, detached(a.User))
	}
	slices.SortFunc(users, func(a, b clerk.User) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	return users
}

// CreateUser adds a user with a verified e-mail address and no name, as a
// sign-up does. The address must be one, and not in use.
func (e *Emulator) CreateUser(email string) (clerk.User, error) {
	a, err := e.createUser(url.Values{"email_address": {email}})
	return detached(a.User), err
}

// CreateUsers adds n users, 1 to 10,000, in one change, and returns them in the
// order in which they came: a millisecond apart, the last one now. They are
// called "User 1" and so on, and have a verified e-mail address.
func (e *Emulator) CreateUsers(n int) ([]clerk.User, error) {
	if n < 1 || n > maxPending {
		return nil, fmt.Errorf("emulator: %d users cannot be made at once: 1 to %d can", n, maxPending)
	}
	users := make([]clerk.User, n)
	err := e.change(func(s *state) error {
		addresses, first := s.addresses(), e.now().Add(-time.Duration(n-1)*time.Millisecond)
		number := 0
		for i := range users {
			number = nextNumber(number, addresses)
			a := s.enrol(numbered(number), first.Add(time.Duration(i)*time.Millisecond))
			users[i] = detached(a.User)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return users, nil
}

// addresses returns the e-mail addresses in use, in small letters.
func (s *state) addresses() map[string]bool {
	all := make(map[string]bool, len(s.Users))
	for _, a := range s.Users {
		all[strings.ToLower(text(a.Email))] = true
	}
	return all
}

// nextNumber returns the next number after one whose address is free.
func nextNumber(after int, addresses map[string]bool) int {
	for after++; addresses[numberedAddress(after)]; after++ {
	}
	return after
}

func numberedAddress(number int) string { return fmt.Sprintf("user%d@example.com", number) }

// numbered returns one of many accounts.
func numbered(number int) account {
	email, first, last := numberedAddress(number), "User", strconv.Itoa(number)
	return account{User: clerk.User{Email: &email, FirstName: &first, LastName: &last}}
}

// createUser adds a user of whom fields say all that is known.
func (e *Emulator) createUser(fields url.Values, metadata ...string) (account, error) {
	var a account
	err := e.change(func(s *state) (err error) {
		if err = s.fill(&a, fields, metadata...); err == nil {
			a, err = s.admit(a, e.now())
		}
		return err
	})
	return a, err
}

// admit makes a user of an account that has just been filled in. Its e-mail
// address counts as verified.
func (s *state) admit(a account, now time.Time) (account, error) {
	if _, err := s.freeAddress(text(a.Email)); err != nil {
		return a, err
	}
	if _, taken := s.find(text(a.Username)); taken {
		return a, usernameTaken()
	}
	return s.enrol(a, now), nil
}

// enrol makes a user of an account that nobody has yet.
func (s *state) enrol(a account, now time.Time) account {
	now = now.UTC().Truncate(time.Millisecond)
	a.ID, a.EmailVerified, a.CreatedAt, a.UpdatedAt = "user_"+rand.Text(), true, now, now
	a.Name = displayName(a.User)
	a.setMetadata(publicMetadata, a.metadata(publicMetadata))
	s.Users[a.ID] = a
	s.announceUser(userCreated, a, now)
	return a
}

// freeAddress returns the e-mail address without blanks around it, or says why
// nobody can sign up with it.
func (s *state) freeAddress(email string) (string, error) {
	email = strings.TrimSpace(email)
	if a, err := mail.ParseAddress(email); err != nil || a.Address != email || len(email) > 254 {
		return "", wrong("email_address", "form_param_format_invalid", "That is not an e-mail address, such as name@example.com.")
	}
	if _, taken := s.find(email); taken {
		return "", wrong("email_address", "form_identifier_exists", "That e-mail address is taken. Please try another.")
	}
	return email, nil
}

func usernameTaken() *failure {
	return wrong("username", "form_identifier_exists", "That username is taken. Please try another.")
}

// UpdateUser changes what edit changes of a user, but for the id and the times,
// and returns the user as it is then. Name follows from the others, and
// public_metadata.role from Role. Banning or deprovisioning a user ends their
// sessions.
func (e *Emulator) UpdateUser(id string, edit func(*clerk.User)) (clerk.User, error) {
	a, err := e.updateUser(id, func(_ *state, a *account) error {
		before := a.Role
		edit(&a.User)
		if a.Role != before {
			a.setMetadata(publicMetadata, merged(a.metadata(publicMetadata), dict{"role": a.Role}))
		}
		return nil
	})
	return detached(a.User), err
}

func (e *Emulator) updateUser(id string, edit func(*state, *account) error) (account, error) {
	var a account
	err := e.change(func(s *state) error {
		old, ok := s.Users[id]
		if !ok {
			return noSuchUser(id)
		}
		a = old
		a.User = detached(old.User)
		if err := edit(s, &a); err != nil {
			return err
		}
		a.ID, a.CreatedAt, a.Name = old.ID, old.CreatedAt, displayName(a.User)
		a.UpdatedAt = later(old.UpdatedAt, e.now())
		s.Users[id] = a
		s.announceUser(userUpdated, a, a.UpdatedAt)
		if a.Banned || a.Deprovisioned {
			s.endSessions(id, "", sessionRevoked, e.now())
		}
		return nil
	})
	return a, err
}

// DeleteUser removes a user and ends their sessions.
func (e *Emulator) DeleteUser(id string) error {
	return e.change(func(s *state) error {
		a, ok := s.Users[id]
		if !ok {
			return noSuchUser(id)
		}
		s.endSessions(id, "", sessionRemoved, e.now())
		delete(s.Users, id)
		s.announceUser(userDeleted, a, later(a.UpdatedAt, e.now()))
		return nil
	})
}

func noSuchUser(id string) error {
	return notFound("No user was found with id " + id + ".")
}

// find returns the user with this e-mail address or username.
func (s *state) find(identifier string) (account, bool) {
	identifier = strings.TrimSpace(identifier)
	is := func(p *string) bool { return p != nil && strings.EqualFold(*p, identifier) }
	for _, a := range s.Users {
		if is(a.Email) || is(a.Username) {
			return a, true
		}
	}
	return account{}, false
}

// holder returns the user with this id, e-mail address or username.
func (s *state) holder(ticket string) (account, bool) {
	if a, ok := s.Users[ticket]; ok {
		return a, true
	}
	return s.find(ticket)
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
