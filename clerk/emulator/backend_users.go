package emulator

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

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
