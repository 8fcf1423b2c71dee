package clerk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/singleflight"
	"golang.org/x/time/rate"
)

// Why an expired session is not refreshed, in the words of Clerk's SDK: each
// is the end of a reason. A code of the Backend API is one, too.
const (
	refreshNotGET         = "non-eligible-non-get"
	refreshNoCookie       = "non-eligible-no-refresh-cookie"
	refreshNoSessionID    = "expired-session-token-missing-sid-claim"
	refreshUnreachable    = "fetch-error"
	refreshAPIError       = "unexpected-bapi-error"
	refreshNoCookies      = "unexpected-sdk-error"
	refreshInvalidSession = "invalid-session-token"

	// unexpectedErrorCode is how Clerk's SDK calls what is no answer of Clerk's.
	unexpectedErrorCode = "unexpected_error"
)

// byExpiredToken decides by a token that is good in all but its time. The
// browser of a GET gets a fresh one in the answer itself when the Frontend API
// gave it a refresh token, which works for fetch and htmx too; else a handshake
// is due.
func (a *Authenticator) byExpiredToken(ctx context.Context, q *request, t *token, message string) Result {
	result, err := a.refresh(ctx, q, t)
	if err == nil {
		return result
	}
	result = a.redirect(q, reasonExpiredRefresh+err.why, message)
	result.ExpiredSessionID, _ = t.payload.SessionID.(string)
	result.Problem = err.err
	return result
}

// A refreshError says why a session is not refreshed.
type refreshError struct {
	why string // the end of a reason
	err error  // what failed; nil when nothing was tried
}

// refresh returns the result of a request whose session gets a fresh token
// from the Backend API, with the cookies as Clerk wants them set.
func (a *Authenticator) refresh(ctx context.Context, q *request, expired *token) (Result, *refreshError) {
	cookie := q.cookies[a.instance.Suffixed(RefreshCookie)]
	id, _ := expired.payload.SessionID.(string)
	switch {
	case q.method != http.MethodGet:
		return Result{}, &refreshError{refreshNotGET, nil}
	case cookie == "" || len(cookie) > maxToken:
		return Result{}, &refreshError{refreshNoCookie, nil}
	case !isID(id):
		return Result{}, &refreshError{refreshNoSessionID, nil}
	}
	directives, err := a.refreshes.do(ctx, a.now(), refreshCall{id, q.suffixed, expired.raw, cookie, originOf(q.url)}, headers(q.raw))
	switch {
	case err != nil:
		return Result{}, &refreshError{refreshFailure(err), err}
	case len(directives) == 0:
		return Result{}, &refreshError{refreshNoCookies, nil}
	}
	result := Result{Header: http.Header{"Set-Cookie": usable(directives)}}
	if err := a.accept(ctx, &result, sessionOf(directives), q, leeway); err != nil {
		return Result{}, &refreshError{refreshInvalidSession, err}
	}
	return result, nil
}

// refreshFailure names what went wrong as Clerk's SDK does: by the code that
// Clerk answers with, if it is Clerk that answers.
func refreshFailure(err error) string {
	e, ok := errors.AsType[*apiError](err)
	if !ok || e.Code == unexpectedErrorCode {
		return refreshUnreachable
	}
	return cmp.Or(e.Code, refreshAPIError)
}

const (
	refreshRate       = 1 // a second for one session, but for the first few
	refreshBurst      = 50
	refreshedSessions = 1024        // whose limits are remembered
	refreshPause      = time.Second // for all, after one that was not answered
)

var (
	errTooManyRefreshes = errors.New("clerk: the session is refreshed too often")
	errRefreshesPaused  = errors.New("clerk: the Backend API did not answer a moment ago")
)

// A refreshCall is what tells one refresh from another.
type refreshCall struct {
	session      string
	suffixed     bool // which cookies are wanted
	expiredToken string
	refreshToken string
	origin       string
}

// A refresher asks for fresh sessions, and keeps what anybody with an old token
// can make it ask for within bounds.
type refresher struct {
	api     *API
	flights singleflight.Group                // by refreshCall
	limits  *lru.Cache[string, *rate.Limiter] // by session
	silent  atomic.Int64                      // when the Backend API did not answer, in Unix nanoseconds
}

func newRefresher(api *API) *refresher {
	limits, _ := lru.New[string, *rate.Limiter](refreshedSessions) // fails for a size of 0
	return &refresher{api: api, limits: limits}
}

// do returns the Set-Cookie directives of a fresh session. The requests that a
// page sends at once share one call; whoever started it may go away.
func (r *refresher) do(ctx context.Context, now time.Time, c refreshCall, headers map[string][]string) ([]string, error) {
	flight := r.flights.DoChan(fmt.Sprintf("%#v", c), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), apiTimeout)
		defer cancel()
		return r.call(ctx, now, c, headers)
	})
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case outcome := <-flight:
		directives, _ := outcome.Val.([]string)
		return directives, outcome.Err
	}
}

func (r *refresher) call(ctx context.Context, now time.Time, c refreshCall, headers map[string][]string) ([]string, error) {
	switch {
	case !r.allow(c.session, now):
		return nil, errTooManyRefreshes
	case now.Sub(time.Unix(0, r.silent.Load())) < refreshPause:
		return nil, errRefreshesPaused
	}
	directives, err := r.api.refreshSession(ctx, c.session, c.suffixed, refreshParams{
		Format:         "cookie",
		ExpiredToken:   c.expiredToken,
		RefreshToken:   c.refreshToken,
		RequestOrigin:  c.origin,
		RequestHeaders: headers,
	})
	if errors.Is(err, context.DeadlineExceeded) { // others need not wait as long
		r.silent.Store(now.Add(apiTimeout).UnixNano())
	}
	return directives, err
}

// allow reports whether a session may be refreshed once more.
func (r *refresher) allow(session string, now time.Time) bool {
	limit, ok := r.limits.Get(session)
	if !ok {
		limit = rate.NewLimiter(refreshRate, refreshBurst)
		if others, meanwhile, _ := r.limits.PeekOrAdd(session, limit); meanwhile {
			limit = others
		}
	}
	return limit.AllowN(now, 1)
}
