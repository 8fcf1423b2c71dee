package emulator

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/go-jose/go-jose/v3"

	"inkwell/clerk"
)

// jwks handles "GET /v1/jwks" and, without a secret, the public address of the
// key set.
func (e *Emulator) jwks(*http.Request) (any, error) {
	return jose.JSONWebKeySet{Keys: []jose.JSONWebKey{e.tokens.public}}, nil
}

// getUser handles "GET /v1/users/{id}".
func (e *Emulator) getUser(r *http.Request) (any, error) {
	u, ok := e.state.Load().Users[r.PathValue("id")]
	if !ok {
		return nil, noSuchUser(r.PathValue("id"))
	}
	return userJSON(clerk.User(u)), nil
}

// listUsers handles "GET /v1/users": a bare array, the newest first, of limit
// (1 to 500, default 10) users from offset on.
func (e *Emulator) listUsers(r *http.Request) (any, error) {
	limit, err := number(r, "limit", 10, 1, 500)
	if err != nil {
		return nil, err
	}
	users := e.Users()
	offset, err := number(r, "offset", 0, 0, len(users))
	if err != nil {
		return nil, err
	}
	slices.Reverse(users)
	page := []any{}
	for _, u := range users[offset:min(offset+limit, len(users))] {
		page = append(page, userJSON(u))
	}
	return page, nil
}

// number reads a parameter of the query. More than most is not an error.
func number(r *http.Request, name string, missing, least, most int) (int, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return missing, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least {
		return 0, &failure{http.StatusUnprocessableEntity, "form_param_format_invalid", name + " must be a number from " + strconv.Itoa(least) + " on."}
	}
	return min(n, most), nil
}

// revokeSession handles "POST /v1/sessions/{id}/revoke".
func (e *Emulator) revokeSession(r *http.Request) (any, error) {
	var revoked session
	err := e.change(func(s *state) error {
		for browser, one := range s.Sessions {
			if one.ID == r.PathValue("id") {
				delete(s.Sessions, browser)
				revoked = one
				return nil
			}
		}
		return &failure{http.StatusNotFound, "resource_not_found", "No session was found with this id."}
	})
	if err != nil {
		return nil, err
	}
	u := e.state.Load().Users[revoked.UserID]
	return sessionJSON(revoked, clerk.User(u), "revoked", "", e.now()), nil
}

// listReadyUsers handles "GET /__clerk/ready-users.json", which Clerk does not
// have: what the stand-in for its sign-in component shows.
func (e *Emulator) listReadyUsers(*http.Request) (any, error) {
	list := []any{}
	for _, u := range e.readyUsers() {
		list = append(list, dict{"identifier": u.Identifier, "name": u.Name, "role": u.Role})
	}
	return list, nil
}

// A readyUser is somebody whom a page offers to sign in as.
type readyUser struct {
	Identifier, Name, Role string
}

// readyUsers returns the users that are there from the start and still are, the
// ordinary ones first.
func (e *Emulator) readyUsers() []readyUser {
	var list []readyUser
	for id, a := range maps.All(e.state.Load().Users) {
		u := clerk.User(a)
		if strings.HasPrefix(id, readyPrefix) && !u.Banned && !u.Locked && !u.Deprovisioned {
			list = append(list, readyUser{Identifier: id, Name: calledName(u), Role: roleName(u.Role)})
		}
	}
	rank := func(u readyUser) int { return slices.Index([]string{"member", "moderator", "administrator"}, u.Role) }
	slices.SortFunc(list, func(a, b readyUser) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.Identifier, b.Identifier))
	})
	return list
}

func roleName(role string) string {
	if role == "admin" {
		return "administrator"
	}
	return role
}
