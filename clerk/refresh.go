package clerk

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strings"
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
	refreshNoToken        = "expired-session-token-decode-failed"
	refreshNoSessionID    = "expired-session-token-missing-sid-claim"
	refreshUnreachable    = "fetch-error"
	refreshAPIError       = "unexpected-bapi-error"
	refreshNoCookies      = "unexpected-sdk-error"
	refreshInvalidSession = "invalid-session-token"
)

const (
	refreshRate       = 1 // a second for one session, but for the first few
	refreshBurst      = 50
	refreshedSessions = 1024 // whose limits are remembered
)

var errTooManyRefreshes = errors.New("clerk: the session is refreshed too often")

// A refresher keeps what anybody with an old token asks for within bounds.
type refresher struct {
	flights singleflight.Group                // by what is asked for
	limits  *lru.Cache[string, *rate.Limiter] // by session
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

// unexpectedErrorCode is how Clerk's SDK calls what is no answer of Clerk's.
const unexpectedErrorCode = "unexpected_error"

// byExpiredToken decides by a token that is good in all but its time. The
// browser of a GET gets a fresh one in the answer itself when the Frontend API
// gave it a refresh token, which works for fetch and htmx too; else a handshake
// is due.
func (a *Authenticator) byExpiredToken(ctx context.Context, q *request, t *token, message string) Result {
	directives, why, problem := a.refresh(ctx, q)
	if why == "" {
		fresh, err := a.refreshed(ctx, q, directives)
		if err == nil {
			return fresh
		}
		why, problem = refreshInvalidSession, err
	}
	result := a.redirect(q, reasonExpiredRefresh+why, message)
	result.ExpiredSessionID, _ = t.payload.SessionID.(string)
	result.Problem = problem
	return result
}

// refresh asks the Backend API for the cookies of a fresh session token. When
// there are none it says why, and what failed if something did.
func (a *Authenticator) refresh(ctx context.Context, q *request) (directives []string, why string, problem error) {
	cookie := q.cookies[a.instance.Suffixed(RefreshCookie)]
	expired := parseToken(q.sessionToken())
	switch {
	case q.method != http.MethodGet:
		return nil, refreshNotGET, nil
	case cookie == "" || len(cookie) > maxToken:
		return nil, refreshNoCookie, nil
	case expired == nil:
		return nil, refreshNoToken, nil
	}
	id, _ := expired.payload.SessionID.(string)
	if !isID(id) {
		return nil, refreshNoSessionID, nil
	}
	directives, err := a.refreshOnce(ctx, q, id, refreshParams{
		Format:         "cookie",
		ExpiredToken:   expired.raw,
		RefreshToken:   cookie,
		RequestOrigin:  originOf(q.url),
		RequestHeaders: headers(q.raw),
	})
	switch {
	case err != nil:
		return nil, refreshFailure(err), err
	case len(directives) == 0:
		return nil, refreshNoCookies, nil
	}
	return directives, "", nil
}

// refreshOnce lets the requests that a page sends at once share one refresh.
// Whoever started it may go away.
func (a *Authenticator) refreshOnce(ctx context.Context, q *request, session string, p refreshParams) ([]string, error) {
	same := strings.Join([]string{p.ExpiredToken, p.RefreshToken, p.RequestOrigin}, " ")
	flight := a.refreshes.flights.DoChan(same, func() (any, error) {
		if !a.refreshes.allow(session, a.now()) {
			return nil, errTooManyRefreshes
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), apiTimeout)
		defer cancel()
		return a.api.refreshSession(ctx, session, q.suffixed, p)
	})
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case outcome := <-flight:
		directives, _ := outcome.Val.([]string)
		return usable(directives), outcome.Err
	}
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

// refreshed returns the result of a request whose session was refreshed, with
// the cookies as Clerk wants them set.
func (a *Authenticator) refreshed(ctx context.Context, q *request, directives []string) (Result, error) {
	t := parseToken(sessionOf(directives))
	if t == nil {
		return Result{}, errors.New("clerk: the refreshed session has no token")
	}
	claims, err := a.verify(ctx, t, originOf(q.url), leeway)
	if err != nil {
		return Result{}, err
	}
	result := Result{State: SignedIn, Claims: claims, Header: http.Header{"Set-Cookie": directives}}
	if t.pending() {
		result.Claims = nil
		result.explain(SignedOut, reasonPending, pendingMessage)
	}
	return result, nil
}
