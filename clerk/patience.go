package clerk

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"golang.org/x/time/rate"
)

const (
	patientAttempts = 5           // of a call that fails for a while
	firstPause      = time.Second // after the first failure; it doubles each time

	// Clerk counts requests in windows of ten seconds.
	defaultRetryAfter = 10 * time.Second
	maxRetryAfter     = time.Minute
)

// newPace keeps what nobody waits for within four fifths of the requests that
// Clerk takes from an instance in ten seconds: 1000, of a development instance
// 100.
func newPace(production bool) *rate.Limiter {
	if production {
		return rate.NewLimiter(70, 100)
	}
	return rate.NewLimiter(7, 10)
}

// Patiently makes a call of the API that can wait: no faster than Clerk allows, as late as Clerk says, and up to five times while Clerk has too much
// to do, fails or cannot be reached. Any other error of call it returns at
// once, as trying again would not help.
func (a *API) Patiently(ctx context.Context, call func() error) error {
	pause := firstPause
	for attempt := 1; ; attempt++ {
		if err := a.pace.Wait(ctx); err != nil {
			return err
		}
		err := call()
		if attempt == patientAttempts || !isTemporary(err) || ctx.Err() != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(cmp.Or(askedPause(err), pause)):
			pause *= 2
		}
	}
}

// isTemporary reports whether a call that ended with err may succeed later.
func isTemporary(err error) bool {
	return errors.Is(err, ErrTooMany) || errors.Is(err, ErrFailing) || errors.Is(err, ErrUnreachable)
}

// askedPause is how long Clerk asks to wait before the next attempt, or 0.
func askedPause(err error) time.Duration {
	e, ok := errors.AsType[*apiError](err)
	if !ok {
		return 0
	}
	return e.RetryAfter
}

// retryAfter returns the wait that the answer asks for, in seconds, a minute at
// most; 0 when there is no need for one.
func retryAfter(answer *http.Response) time.Duration {
	if answer.StatusCode != http.StatusTooManyRequests {
		return 0
	}
	seconds, err := strconv.ParseUint(answer.Header.Get("Retry-After"), 10, 32)
	if err != nil || seconds == 0 {
		return defaultRetryAfter
	}
	return min(time.Duration(seconds)*time.Second, maxRetryAfter)
}
