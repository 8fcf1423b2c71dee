package clerk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/clerk/clerk-sdk-go/v2"
)

// MaxPage is how many users Clerk gives at once.
const MaxPage = 500

// A UserPage is a part of Clerk's users, in the order in which they joined.
type UserPage struct {
	Users    []User
	Unusable []error // one for each user of the page who cannot be used
	Cursor   string  // what the next page begins after
	Last     bool    // there is no next page
}

// Users returns the page of at most limit users, 1 to [MaxPage], who joined
// after the user with the id after; an empty id is before everybody. The error
// is [ErrUserNotFound] when Clerk does not take that user for a place to begin
// at, as it does not know them any more: then only the first page leads to all
// users.
func (a *API) Users(ctx context.Context, after string, limit int) (UserPage, error) {
	values := url.Values{"limit": {strconv.Itoa(limit)}, "order_by": {"+created_at"}}
	if after != "" {
		values.Set("starting_after", after)
	}
	request := clerk.NewAPIRequest(http.MethodGet, "/users")
	request.SetParams(&query{values: values}) // those of the SDK lack starting_after
	var answer userList
	err := plain(a.lists.Call(ctx, request, &answer))
	switch {
	case after != "" && (isNotFound(err) || isInvalid(err)):
		err = fmt.Errorf("%w: %w", ErrUserNotFound, err)
	case err == nil && answer == nil:
		err = errors.New("the Backend API's answer is not a list")
	}
	if err != nil {
		return UserPage{}, fmt.Errorf("clerk: list users: %w", err)
	}
	page := UserPage{Cursor: after, Last: len(answer) < limit}
	for i, raw := range answer {
		page.add(i, raw)
	}
	if page.Cursor == after && !page.Last {
		return UserPage{}, errors.New("clerk: list users: the Backend API's answer leads no further")
	}
	return page, nil
}

// CountUsers returns how many users Clerk has.
func (a *API) CountUsers(ctx context.Context) (int64, error) {
	body, err := a.get(ctx, "/users/count", nil)
	if err != nil {
		return 0, fmt.Errorf("clerk: count users: %w", err)
	}
	var count struct {
		Total int64 `json:"total_count"`
	}
	if err := json.Unmarshal(body, &count); err != nil {
		return 0, errors.New("clerk: count users: the Backend API's answer is not of the expected form")
	}
	return count.Total, nil
}

// isInvalid reports whether Clerk finds fault with a parameter. Its
// documentation does not say which answer an unknown user in one leads to.
func isInvalid(err error) bool {
	e, ok := errors.AsType[*apiError](err)
	return ok && e.Status == http.StatusUnprocessableEntity && e.Code != ""
}

// A userList is an answer of the Backend API, which the SDK decodes into it:
// nil for one that is empty or null.
type userList []json.RawMessage

// Read implements clerk.ResponseReader.
func (*userList) Read(*clerk.APIResponse) {}

// add takes over the user at a place of the answer. The id of one who cannot
// be used still tells where the next page begins.
func (p *UserPage) add(place int, raw json.RawMessage) {
	o, err := decodeObject(raw)
	if id := o.id("id"); id != "" {
		p.Cursor = id
	}
	var user User
	if err == nil {
		user, err = o.user()
	}
	if err != nil {
		p.Unusable = append(p.Unusable, fmt.Errorf("clerk: user %d of a page, %q: %w", place, o.id("id"), err))
		return
	}
	p.Users = append(p.Users, user)
}
