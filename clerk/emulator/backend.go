package emulator

import (
	"cmp"
	"crypto/subtle"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v3"
)

// backendRoutes lists the Backend API, which knows the secret key.
func (e *Emulator) backendRoutes(mux *http.ServeMux) {
	handle := func(pattern string, f func(*http.Request) (any, error)) {
		mux.Handle(pattern, e.answer(e.withSecret(f)))
	}
	handle("GET /v1/jwks", e.jwks)
	handle("GET /v1/clients/handshake_payload", e.handshakePayload)

	handle("GET /v1/users", e.listUsers)
	handle("GET /v1/users/count", e.countUsers)
	handle("POST /v1/users", e.postUser)
	handle("GET /v1/users/{id}", e.getUser)
	handle("PATCH /v1/users/{id}", e.patchUser)
	handle("DELETE /v1/users/{id}", e.removeUser)
	handle("PATCH /v1/users/{id}/metadata", e.mergeMetadata)
	handle("POST /v1/users/{id}/ban", e.mark(func(a *account) { a.Banned = true }))
	handle("POST /v1/users/{id}/unban", e.mark(func(a *account) { a.Banned = false }))
	handle("POST /v1/users/{id}/lock", e.mark(func(a *account) { a.Locked = true }))
	handle("POST /v1/users/{id}/unlock", e.mark(func(a *account) { a.Locked = false }))

	handle("GET /v1/sessions", e.listSessions)
	handle("GET /v1/sessions/{id}", e.getSession)
	handle("POST /v1/sessions/{id}/revoke", e.revokeSession)
	handle("POST /v1/sessions/{id}/refresh", e.refreshSession)
}

// withSecret admits to the Backend API who shows the secret key.
func (e *Emulator) withSecret(f func(*http.Request) (any, error)) func(*http.Request) (any, error) {
	return func(r *http.Request) (any, error) {
		secret, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if subtle.ConstantTimeCompare([]byte(secret), []byte(e.state.Load().SecretKey)) != 1 {
			return nil, &failure{status: http.StatusUnauthorized, code: "clerk_key_invalid", message: "The provided Clerk Secret Key is invalid."}
		}
		return f(r)
	}
}

// jwks handles "GET /v1/jwks" and, without a secret, the public address of the
// key set.
func (e *Emulator) jwks(*http.Request) (any, error) {
	return jose.JSONWebKeySet{Keys: []jose.JSONWebKey{e.tokens.public}}, nil
}

// listSessions handles "GET /v1/sessions", of a user, a client or with a status.
// Sessions that have ended are forgotten. With paginated=true the array comes
// with the number of all.
func (e *Emulator) listSessions(r *http.Request) (any, error) {
	query := r.URL.Query()
	userID, client, status := query.Get("user_id"), query.Get("client_id"), cmp.Or(query.Get("status"), "active")
	if userID == "" && client == "" && !query.Has("status") {
		return nil, missing("user_id")
	}
	list := e.sessionsWhere(func(browser string, s session) bool {
		return status == "active" && (userID == "" || s.UserID == userID) && (client == "" || clientID(browser) == client)
	})
	page, err := pageOf(r, list)
	if err != nil || query.Get("paginated") != "true" {
		return page, err
	}
	return dict{"data": page, "total_count": len(list)}, nil
}

// sessionsWhere returns the sessions that are not over and that pick picks, the
// newest first.
func (e *Emulator) sessionsWhere(pick func(browser string, s session) bool) []dict {
	now, sessions := e.now(), e.state.Load().Sessions
	var browsers []string
	for browser, one := range sessions {
		if !one.over(now) && pick(browser, one) {
			browsers = append(browsers, browser)
		}
	}
	slices.SortFunc(browsers, func(a, b string) int {
		return cmp.Or(sessions[b].CreatedAt.Compare(sessions[a].CreatedAt), cmp.Compare(sessions[a].ID, sessions[b].ID))
	})
	list := make([]dict, len(browsers))
	for i, browser := range browsers {
		list[i] = sessionJSON(browser, sessions[browser], "active", now)
	}
	return list
}

// getSession handles "GET /v1/sessions/{id}".
func (e *Emulator) getSession(r *http.Request) (any, error) {
	s := e.state.Load()
	browser, err := s.browserWith(r.PathValue("id"), e.now())
	if err != nil {
		return nil, err
	}
	return sessionJSON(browser, s.Sessions[browser], "active", e.now()), nil
}

// revokeSession handles "POST /v1/sessions/{id}/revoke".
func (e *Emulator) revokeSession(r *http.Request) (any, error) {
	return e.revoke(r.PathValue("id"), "")
}

// revoke ends the session of an id, if it is one of the user's; of anybody's
// for no user.
func (e *Emulator) revoke(id, userID string) (any, error) {
	var revoked dict
	err := e.change(func(s *state) error {
		browser, err := s.browserWith(id, e.now())
		one := s.Sessions[browser]
		if err != nil || userID != "" && one.UserID != userID {
			return noSuchSession(id)
		}
		s.end(browser, sessionRevoked, e.now())
		revoked = sessionJSON(browser, one, statusAfter(sessionRevoked), e.now())
		return nil
	})
	return revoked, err
}

// pageOf returns the part of a list that the query asks for: limit (1 to 500,
// default 10) elements from offset on.
func pageOf[T any](r *http.Request, list []T) ([]T, error) {
	limit, err := queryNumber(r, "limit", 10, 1, 500)
	if err != nil {
		return nil, err
	}
	offset, err := queryNumber(r, "offset", 0, 0, len(list))
	if err != nil {
		return nil, err
	}
	return list[offset:min(offset+limit, len(list))], nil
}

// queryNumber reads a parameter of the query. More than most is not an error.
func queryNumber(r *http.Request, name string, absent, least, most int) (int, error) {
	value := r.URL.Query().Get(name)
	if value == "" {
		return absent, nil
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < least {
		return 0, wrong(name, "form_param_format_invalid", name+" must be a number from "+strconv.Itoa(least)+" on.")
	}
	return min(n, most), nil
}

// getUser handles "GET /v1/users/{id}".
func (e *Emulator) getUser(r *http.Request) (any, error) {
	a, ok := e.state.Load().Users[r.PathValue("id")]
	if !ok {
		return nil, noSuchUser(r.PathValue("id"))
	}
	return userJSON(a), nil
}

// postUser handles "POST /v1/users". A user has one address here.
func (e *Emulator) postUser(r *http.Request) (any, error) {
	fields, err := readFields(r)
	if err != nil {
		return nil, err
	}
	if fields.Has("email_address[]") {
		fields["email_address"] = fields["email_address[]"]
	}
	switch n := len(fields["email_address"]); {
	case n == 0:
		return nil, missing("email_address")
	case n > 1:
		return nil, wrong("email_address", "form_param_value_invalid", "The development instance keeps one e-mail address of a user.")
	}
	a, err := e.createUser(fields, publicMetadata, privateMetadata, unsafeMetadata)
	return userJSON(a), err
}

// patchUser handles "PATCH /v1/users/{id}": names, username, password, and
// metadata, which are replaced.
func (e *Emulator) patchUser(r *http.Request) (any, error) {
	return e.editUser(r, func(s *state, a *account, fields url.Values) error {
		if err := s.apply(a, fields); err != nil {
			return err
		}
		if fields.Get("sign_out_of_other_sessions") == "true" {
			s.endSessions(a.ID, "", sessionRevoked, e.now())
		}
		return a.takeMetadata(fields, false, publicMetadata, privateMetadata, unsafeMetadata)
	})
}

// mergeMetadata handles "PATCH /v1/users/{id}/metadata".
func (e *Emulator) mergeMetadata(r *http.Request) (any, error) {
	return e.editUser(r, func(_ *state, a *account, fields url.Values) error {
		return a.takeMetadata(fields, true, publicMetadata, privateMetadata, unsafeMetadata)
	})
}

// mark returns the handler of what takes no fields, such as "POST
// /v1/users/{id}/ban".
func (e *Emulator) mark(edit func(*account)) func(*http.Request) (any, error) {
	return func(r *http.Request) (any, error) {
		return e.editUser(r, func(_ *state, a *account, _ url.Values) error {
			edit(a)
			return nil
		})
	}
}

func (e *Emulator) editUser(r *http.Request, edit func(*state, *account, url.Values) error) (any, error) {
	fields, err := readFields(r)
	if err != nil {
		return nil, err
	}
	a, err := e.updateUser(r.PathValue("id"), func(s *state, a *account) error { return edit(s, a, fields) })
	return userJSON(a), err
}

// removeUser handles "DELETE /v1/users/{id}".
func (e *Emulator) removeUser(r *http.Request) (any, error) {
	id := r.PathValue("id")
	return deletedJSON(id), e.DeleteUser(id)
}

// countUsers handles "GET /v1/users/count".
func (e *Emulator) countUsers(r *http.Request) (any, error) {
	return dict{"object": "total_count", "total_count": len(e.usersWhere(r.URL.Query()))}, nil
}

// listUsers handles "GET /v1/users": a bare array, the newest first if nothing
// else is asked for. It begins after the user starting_after, or at offset.
func (e *Emulator) listUsers(r *http.Request) (any, error) {
	query := r.URL.Query()
	order := strings.TrimLeft(cmp.Or(query.Get("order_by"), "-created_at"), " +") // a plus in a query is a blank
	users, err := e.usersBy(order, query)
	if err != nil {
		return nil, err
	}
	if users, err = startingAfter(users, query, order); err != nil {
		return nil, err
	}
	page, err := pageOf(r, users)
	list := make([]dict, len(page))
	for i, a := range page {
		list[i] = userJSON(a)
	}
	return list, err
}

// startingAfter returns the users after the one that the query names. Clerk
// has this with an order of creation alone, and not with an offset.
func startingAfter(users []account, query url.Values, order string) ([]account, error) {
	id := query.Get("starting_after")
	if id == "" {
		return users, nil
	}
	i := slices.IndexFunc(users, func(a account) bool { return a.ID == id })
	if i < 0 || strings.TrimPrefix(order, "-") != "created_at" || query.Has("offset") {
		return nil, wrong("starting_after", "form_param_value_invalid", "starting_after must be a user of the list, which is ordered by created_at and has no offset.")
	}
	return users[i+1:], nil
}

// usersBy returns the users whom the query lets through in an order; a minus
// before it turns it round.
func (e *Emulator) usersBy(order string, query url.Values) ([]account, error) {
	name, descending := strings.CutPrefix(order, "-")
	compare := comparing(name)
	if compare == nil {
		return nil, wrong("order_by", "form_param_value_invalid", "Users cannot be ordered by "+name+".")
	}
	users := e.usersWhere(query)
	slices.SortFunc(users, func(a, b account) int { return cmp.Or(compare(a, b), cmp.Compare(a.ID, b.ID)) })
	if descending {
		slices.Reverse(users)
	}
	return users, nil
}

// comparing returns how users compare by a member of Clerk's user object; nil
// for one that is no order.
func comparing(member string) func(a, b account) int {
	byTime := func(of func(account) time.Time) func(a, b account) int {
		return func(a, b account) int { return of(a).Compare(of(b)) }
	}
	byText := func(of func(account) *string) func(a, b account) int {
		return func(a, b account) int { return cmp.Compare(text(of(a)), text(of(b))) }
	}
	switch member {
	case "created_at":
		return byTime(func(a account) time.Time { return a.CreatedAt })
	case "updated_at":
		return byTime(func(a account) time.Time { return a.UpdatedAt })
	case "last_sign_in_at", "last_active_at":
		return byTime(func(a account) time.Time { return a.LastSignInAt })
	case "email_address":
		return byText(func(a account) *string { return a.Email })
	case "username":
		return byText(func(a account) *string { return a.Username })
	case "first_name":
		return byText(func(a account) *string { return a.FirstName })
	case "last_name":
		return byText(func(a account) *string { return a.LastName })
	}
	return nil
}

// usersWhere returns the users whom a query's filters let through.
func (e *Emulator) usersWhere(query url.Values) []account {
	wanted := func(name string) []string { return slices.Concat(query[name], query[name+"[]"]) }
	ids, addresses, usernames := wanted("user_id"), wanted("email_address"), wanted("username")
	part := strings.ToLower(query.Get("query"))
	all := e.state.Load().Users
	users := make([]account, 0, len(all))
	for _, a := range all {
		if among(ids, a.ID) && among(addresses, text(a.Email)) && among(usernames, text(a.Username)) && a.mentions(part) {
			users = append(users, a)
		}
	}
	return users
}

// among reports whether value is one of those wanted; without any, all are.
func among(wanted []string, value string) bool {
	return len(wanted) == 0 || slices.ContainsFunc(wanted, func(one string) bool { return strings.EqualFold(one, value) })
}

// mentions reports whether part, in small letters, is in what a user is found
// by.
func (a account) mentions(part string) bool {
	return part == "" || strings.Contains(strings.ToLower(strings.Join([]string{a.ID, text(a.Email), text(a.Username), text(a.FirstName), text(a.LastName), a.Name}, "\n")), part)
}
