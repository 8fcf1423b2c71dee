package clerk

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/clerk/clerk-sdk-go/v2"
	"github.com/clerk/clerk-sdk-go/v2/session"
	"github.com/clerk/clerk-sdk-go/v2/user"
	"golang.org/x/time/rate"
)

const (
	defaultAPIURL = "https://api.clerk.com"
	apiTimeout    = 5 * time.Second
	maxAPIAnswer  = 1 << 20 // bytes

	// A list may hold 500 users of 30 KB each.
	listTimeout   = 30 * time.Second
	maxListAnswer = 32 << 20 // bytes
)

// ErrUserUnusable says that what Clerk tells of a user cannot be used.
var ErrUserUnusable = errors.New("clerk: the user is not of the expected form")

// Why a call of the Backend API failed, for errors.Is. The last three may pass.
var (
	ErrKeyRefused  = errors.New("clerk: the Backend API refuses the secret key")
	ErrTooMany     = errors.New("clerk: the Backend API had more requests than it takes")
	ErrFailing     = errors.New("clerk: the Backend API fails")
	ErrUnreachable = errors.New("clerk: the Backend API cannot be reached")
)

// ErrUserNotFound says that Clerk knows no user of an id, or not any more.
var ErrUserNotFound = errors.New("clerk: no such user")

// API is a client of Clerk's Backend API. It is safe for concurrent use.
// Its errors hold no secret: no key, no URL, and of an answer just the status
// and the code.
type API struct {
	backend clerk.Backend
	lists   clerk.Backend // for answers that are long and slow
	pace    *rate.Limiter
}

// NewAPI returns a client that uses c.APIURL, c.SecretKey and c.HTTPClient.
func NewAPI(c Config) *API {
	base := c.APIURL
	if base == "" {
		base = defaultAPIURL
	}
	base = strings.TrimRight(base, "/") + "/v1"
	backend := func(client *http.Client) clerk.Backend {
		return clerk.NewBackend(&clerk.BackendConfig{HTTPClient: client, URL: &base, Key: &c.SecretKey})
	}
	return &API{
		backend: backend(bounded(c.HTTPClient, apiTimeout, maxAPIAnswer)),
		lists:   backend(bounded(c.HTTPClient, listTimeout, maxListAnswer)),
		pace:    newPace(strings.HasPrefix(c.SecretKey, liveSecretPrefix)),
	}
}

// User returns a user, or [ErrUserNotFound] or [ErrUserUnusable].
func (a *API) User(ctx context.Context, id string) (User, error) {
	if !isID(id) {
		return User{}, ErrUserNotFound
	}
	body, err := a.get(ctx, "/users/"+id, nil)
	return answeredUser(body, err, "get user")
}

// BanUser bans a user, whose sessions Clerk ends then, and returns the user as
// they are afterwards. The error may be [ErrUserNotFound] or [ErrUserUnusable].
func (a *API) BanUser(ctx context.Context, id string) (User, error) {
	return a.markUser(ctx, id, "ban")
}

// UnbanUser lets a user sign in again who was banned. It is BanUser otherwise.
func (a *API) UnbanUser(ctx context.Context, id string) (User, error) {
	return a.markUser(ctx, id, "unban")
}

func (a *API) markUser(ctx context.Context, id, verb string) (User, error) {
	if !isID(id) {
		return User{}, ErrUserNotFound
	}
	body, err := a.call(ctx, clerk.NewAPIRequest(http.MethodPost, "/users/"+id+"/"+verb))
	return answeredUser(body, err, verb+" user")
}

// answeredUser reads the answer to what was done to one user.
func answeredUser(body []byte, err error, doing string) (User, error) {
	if isNotFound(err) {
		return User{}, ErrUserNotFound
	}
	if err != nil {
		return User{}, fmt.Errorf("clerk: %s: %w", doing, err)
	}
	user, err := decodeUser(body)
	if err != nil {
		return User{}, fmt.Errorf("%w: %w", ErrUserUnusable, err)
	}
	return user, nil
}

// RevokeSession ends a session of a user at Clerk, whatever the cookies say.
// A session that does not exist has ended already.
func (a *API) RevokeSession(ctx context.Context, id string) error {
	if !isID(id) {
		return nil
	}
	client := &session.Client{Backend: a.backend}
	_, err := client.Revoke(ctx, &session.RevokeParams{ID: id})
	if err = plain(err); err != nil && !isNotFound(err) {
		return fmt.Errorf("clerk: revoke session: %w", err)
	}
	return nil
}

// DeleteUser deletes a user at Clerk, who ends their sessions. A user who does
// not exist is deleted already.
func (a *API) DeleteUser(ctx context.Context, id string) error {
	if !isID(id) {
		return nil
	}
	client := &user.Client{Backend: a.backend}
	_, err := client.Delete(ctx, id)
	if err = plain(err); err != nil && !isNotFound(err) {
		return fmt.Errorf("clerk: delete user: %w", err)
	}
	return nil
}

// handshakePayload returns the Set-Cookie directives of a handshake's nonce.
func (a *API) handshakePayload(ctx context.Context, nonce string) ([]string, error) {
	body, err := a.get(ctx, "/clients/handshake_payload", url.Values{"nonce": {nonce}})
	if err != nil {
		return nil, fmt.Errorf("clerk: get handshake payload: %w", err)
	}
	return decodeDirectives(body, "directives")
}

// refreshParams ask for a fresh token of a session, on behalf of a browser.
type refreshParams struct {
	clerk.APIParams
	Format         string              `json:"format"`
	ExpiredToken   string              `json:"expired_token"`
	RefreshToken   string              `json:"refresh_token"`
	RequestOrigin  string              `json:"request_origin"`
	RequestHeaders map[string][]string `json:"request_headers"` // of the browser, by name in lower case
}

// refreshSession returns the Set-Cookie directives of a fresh session token.
func (a *API) refreshSession(ctx context.Context, id string, suffixed bool, p refreshParams) ([]string, error) {
	path := "/sessions/" + id + "/refresh"
	if suffixed {
		path += "?suffixed_cookies=true"
	}
	request := clerk.NewAPIRequest(http.MethodPost, path)
	request.SetParams(&p)
	var answer struct {
		clerk.APIResource
		Cookies []string `json:"cookies"`
	}
	if err := a.backend.Call(ctx, request, &answer); err != nil {
		return nil, fmt.Errorf("clerk: refresh session: %w", plain(err))
	}
	return answer.Cookies, nil
}

// isID reports whether id looks like one of Clerk's, and is safe in a path.
func isID(id string) bool {
	return id != "" && len(id) <= maxID && !strings.Contains(id, ".") && isTokenText(id)
}

// query is the parameters of a GET.
type query struct {
	clerk.APIParams
	values url.Values
}

func (q *query) ToQuery() url.Values { return q.values }

// get returns the body of an answer below 300, which is a JSON object.
func (a *API) get(ctx context.Context, path string, values url.Values) ([]byte, error) {
	request := clerk.NewAPIRequest(http.MethodGet, path)
	request.SetParams(&query{values: values})
	return a.call(ctx, request)
}

// call makes a request and returns the body of its answer, as get does.
func (a *API) call(ctx context.Context, request *clerk.APIRequest) ([]byte, error) {
	var answer clerk.APIResource
	if err := a.backend.Call(ctx, request, &answer); err != nil {
		return nil, plain(err)
	}
	return answer.Response.RawJSON, nil
}

// An apiError is an answer of the Backend API that is not a success.
type apiError struct {
	Status     int
	Code       string        // Clerk's, such as "resource_not_found"; may be empty
	RetryAfter time.Duration // how long to wait; 0: Clerk does not ask for it
}

func (e *apiError) Error() string {
	return strings.TrimSpace(fmt.Sprintf("the Backend API answered %d %s", e.Status, e.Code))
}

// Is reports whether the answer is of the kind that target stands for.
func (e *apiError) Is(target error) bool {
	switch target {
	case ErrKeyRefused:
		return e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden
	case ErrTooMany:
		return e.Status == http.StatusTooManyRequests
	case ErrFailing:
		return e.Status >= http.StatusInternalServerError
	}
	return false
}

// isNotFound reports whether Clerk itself says that there is no such thing,
// as opposed to a 404 of something that is not Clerk.
func isNotFound(err error) bool {
	e, ok := errors.AsType[*apiError](err)
	return ok && e.Status == http.StatusNotFound && e.Code != ""
}

// An unreachableError says why there was no whole answer.
type unreachableError struct{ cause error }

func (e *unreachableError) Error() string {
	return fmt.Sprintf("the Backend API cannot be reached: %v", e.cause)
}

func (e *unreachableError) Unwrap() error { return e.cause }

func (e *unreachableError) Is(target error) bool { return target == ErrUnreachable }

// plain returns an error without what may be secret in those of the SDK and
// of net/http: the URL, which may hold a nonce, and the text of the answer.
func plain(err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*apiError](err); ok {
		return e
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		return &unreachableError{e.Err}
	}
	if isNotJSON(err) {
		return errors.New("the Backend API's answer is not JSON of the expected form")
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return errors.New("the Backend API's answer is too long")
	}
	return &unreachableError{err} // in the middle of the answer
}

func isNotJSON(err error) bool {
	_, syntax := errors.AsType[*json.SyntaxError](err)
	_, kind := errors.AsType[*json.UnmarshalTypeError](err)
	return syntax || kind
}

// bounded returns a client like c, or a new one, that waits only so long, if c
// does not say how long, and reads only so many bytes. It takes a redirect,
// which could lead the secret key astray, for an error.
func bounded(c *http.Client, timeout time.Duration, limit int64) *http.Client {
	client := *cmp.Or(c, &http.Client{})
	client.Timeout = cmp.Or(client.Timeout, timeout)
	client.Transport = boundedTransport{cmp.Or(client.Transport, http.DefaultTransport), limit}
	return &client
}

type boundedTransport struct {
	next  http.RoundTripper
	limit int64
}

func (t boundedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := t.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	answer.Body = struct {
		io.Reader
		io.Closer
	}{http.MaxBytesReader(nil, answer.Body, t.limit), answer.Body}
	if answer.StatusCode >= 300 {
		defer answer.Body.Close()
		return nil, newAPIError(answer)
	}
	return answer, nil
}

// newAPIError returns the error that an answer is.
func newAPIError(answer *http.Response) error {
	var body struct {
		Errors []struct {
			Code string `json:"code"`
		} `json:"errors"`
	}
	e := &apiError{Status: answer.StatusCode, RetryAfter: retryAfter(answer)}
	if json.NewDecoder(answer.Body).Decode(&body) == nil && len(body.Errors) > 0 && isID(body.Errors[0].Code) {
		e.Code = body.Errors[0].Code
	}
	return e
}
