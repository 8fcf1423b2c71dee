package db

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"
)

const (
	// KeepEvents is how long an event is kept. Clerk repeats a delivery for 28
	// hours by itself, and later when somebody asks for it; an event that is
	// forgotten and comes again still cannot undo what is newer.
	KeepEvents = 90 * 24 * time.Hour

	// KeepBodies is how long a dead letter can be tried again. Its body may hold
	// what is personal, and one that does not say whom it is about outlives
	// their deletion, but not for longer than this.
	KeepBodies = 14 * 24 * time.Hour

	// KeepSessions is how long it is remembered that a session has ended. Its
	// token is good for a minute at most.
	KeepSessions = 7 * 24 * time.Hour
)

// An Event is a verified webhook event of Clerk's. At most one of User,
// DeletedClerkID, EndedSessionID and Unusable is set; with none of them the
// event is stored and has no effect.
type Event struct {
	SvixID         string // tells an event from all others; the same for each delivery of it
	Type           string
	At             Time      // when it happened
	ClerkID        string    // whom it is about; "": nobody, or whom User or DeletedClerkID says
	User           *UserData // of user.created and user.updated
	DeletedClerkID string    // of user.deleted
	EndedSessionID string    // of session.ended, session.removed and session.revoked
	Unusable       string    // why nothing can be made of it
	Body           string    // to read it again by when it is Unusable; "": it cannot be
}

// An Outcome is what became of an event.
type Outcome string

// The outcomes of ApplyEvent.
const (
	OutcomeApplied    Outcome = "applied"
	OutcomeStale      Outcome = "stale"       // something newer is known, or the user is deleted
	OutcomeIgnored    Outcome = "ignored"     // of a type without an effect on users
	OutcomeDeadLetter Outcome = "dead_letter" // unusable
	OutcomeDuplicate  Outcome = "duplicate"   // known already: nothing was stored
)

// ApplyEvent stores an event and its effect together. Events may come in any
// order and any number of times and leave the same users. The deletion of a
// user is final, also of one never heard of: it clears what is personal and
// deletes their posts so that nobody can restore them. A session that has ended
// stays so, whatever comes later.
//
// The body is kept for RetryEvent when the event is unusable and of a type
// user.*, unless that user is deleted. Other types may hold one-time codes. It is
// kept for KeepBodies at most.
func (d *DB) ApplyEvent(ctx context.Context, e Event) (Outcome, error) {
	outcome := OutcomeDuplicate
	err := d.write(ctx, func(ctx context.Context, q *Queries) error {
		row := e.row(d.now())
		stored, err := q.insertEvent(ctx, row)
		if err != nil || stored == 0 {
			return err
		}
		outcome, err = d.applyEvent(ctx, q, e)
		if err != nil || outcome == row.Outcome {
			return err
		}
		return q.setOutcome(ctx, setOutcomeParams{SvixID: e.SvixID, Outcome: outcome})
	})
	if err != nil {
		return "", fmt.Errorf("apply event: %w", err)
	}
	return outcome, nil
}

// RetryEvent applies a dead letter whose body was read again, as if it came
// only now, and stores together with the effect what became of it. Of an event
// that is of use now the body goes; one that is still Unusable stays a dead
// letter with the new reason. The error is sql.ErrNoRows when e.SvixID is not
// that of a dead letter with a body, or not any more.
func (d *DB) RetryEvent(ctx context.Context, e Event) (Outcome, error) {
	var outcome Outcome
	err := d.write(ctx, func(ctx context.Context, q *Queries) error {
		_, err := q.GetDeadLetter(ctx, e.SvixID)
		if err != nil {
			return err
		}
		if outcome, err = d.applyEvent(ctx, q, e); err != nil {
			return err
		}
		return q.settleDeadLetter(ctx, settleDeadLetterParams{
			SvixID:  e.SvixID,
			ClerkID: Text(e.clerkID()),
			Outcome: outcome,
			Error:   Text(e.Unusable),
		})
	})
	if err != nil {
		return "", fmt.Errorf("retry event: %w", err)
	}
	return outcome, nil
}

// DismissDeadLetter puts a dead letter away: it stays one, and its body goes. The
// error is sql.ErrNoRows when there is no such dead letter, or not any more.
func (d *DB) DismissDeadLetter(ctx context.Context, svixID string) error {
	err := d.write(ctx, func(ctx context.Context, q *Queries) error {
		n, err := q.dismissDeadLetter(ctx, dismissDeadLetterParams{SvixID: svixID, DismissedAt: d.now()})
		if err == nil && n == 0 {
			return sql.ErrNoRows
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("dismiss dead letter: %w", err)
	}
	return nil
}

// DismissDeadLetters puts all dead letters away that came until a time, and
// returns how many that were. Other changes can be made meanwhile.
func (d *DB) DismissDeadLetters(ctx context.Context, until Time) (int64, error) {
	now := d.now()
	n, err := d.purge(ctx, func(ctx context.Context, q *Queries, batch int64) (int64, error) {
		return q.dismissDeadLetters(ctx, dismissDeadLettersParams{DismissedAt: now, Until: until, BatchSize: batch})
	})
	if err != nil {
		return n, fmt.Errorf("dismiss dead letters: %w", err)
	}
	return n, nil
}

// row returns how the event is stored when nothing newer is known.
func (e Event) row(now Time) insertEventParams {
	row := insertEventParams{
		SvixID:     e.SvixID,
		Type:       e.Type,
		ClerkID:    Text(e.clerkID()),
		Outcome:    e.outcome(),
		Error:      Text(e.Unusable),
		ReceivedAt: now,
	}
	if e.Unusable != "" && strings.HasPrefix(e.Type, "user.") {
		row.Body = Text(e.Body)
	}
	return row
}

// clerkID returns whom the event is about, or "".
func (e Event) clerkID() string {
	if e.User != nil {
		return e.User.ClerkID
	}
	return cmp.Or(e.DeletedClerkID, e.ClerkID)
}

// outcome returns what becomes of the event when nothing newer is known.
func (e Event) outcome() Outcome {
	switch {
	case e.Unusable != "":
		return OutcomeDeadLetter
	case e.User != nil, e.DeletedClerkID != "":
		return OutcomeApplied
	}
	return OutcomeIgnored
}

func (d *DB) applyEvent(ctx context.Context, q *Queries, e Event) (Outcome, error) {
	current := true
	var err error
	switch {
	case e.Unusable != "":
		err = q.clearBodies(ctx, e.clerkID())
	case e.DeletedClerkID != "":
		current, err = d.deleteUser(ctx, q, e.DeletedClerkID, e.At)
	case e.User != nil:
		current, err = d.saveUser(ctx, q, e.userData(), e.version())
	case e.EndedSessionID != "":
		err = q.endSession(ctx, endSessionParams{SessionID: e.EndedSessionID, EndedAt: d.now()})
	}
	if !current {
		return OutcomeStale, err
	}
	return e.outcome(), err
}

// userData returns the user as of the event's time when Clerk names no other.
func (e Event) userData() UserData {
	data := *e.User
	if data.UpdatedAt == 0 {
		data.UpdatedAt = e.At
	}
	return data
}

// version orders a user's events of the same update: an update comes after the
// creation, and of two updates in the same millisecond the greater id wins.
func (e Event) version() version {
	v := version{at: e.At, rank: 2, id: e.SvixID}
	if e.Type == "user.created" {
		v.rank = 1
	}
	return v
}

// PurgeEvents forgets the events that came more than KeepEvents ago, and
// returns how many that were. Other changes can be made meanwhile.
func (d *DB) PurgeEvents(ctx context.Context) (int64, error) {
	before := d.now().Add(-KeepEvents)
	n, err := d.purge(ctx, func(ctx context.Context, q *Queries, batch int64) (int64, error) {
		return q.purgeEvents(ctx, purgeEventsParams{Before: before, BatchSize: batch})
	})
	if err != nil {
		return n, fmt.Errorf("purge events: %w", err)
	}
	return n, nil
}

// PurgeBodies forgets the bodies of dead letters that came more than KeepBodies
// ago, and returns how many that were. Other changes can be made meanwhile.
func (d *DB) PurgeBodies(ctx context.Context) (int64, error) {
	before := d.now().Add(-KeepBodies)
	n, err := d.purge(ctx, func(ctx context.Context, q *Queries, batch int64) (int64, error) {
		return q.purgeBodies(ctx, purgeBodiesParams{Before: before, BatchSize: batch})
	})
	if err != nil {
		return n, fmt.Errorf("purge bodies: %w", err)
	}
	return n, nil
}

// PurgeSessions forgets the sessions whose end was heard of more than
// KeepSessions ago, and returns how many that were. Other changes can be made
// meanwhile.
func (d *DB) PurgeSessions(ctx context.Context) (int64, error) {
	before := d.now().Add(-KeepSessions)
	n, err := d.purge(ctx, func(ctx context.Context, q *Queries, batch int64) (int64, error) {
		return q.purgeSessions(ctx, purgeSessionsParams{Before: before, BatchSize: batch})
	})
	if err != nil {
		return n, fmt.Errorf("purge sessions: %w", err)
	}
	return n, nil
}
