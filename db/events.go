package db

import (
	"context"
	"fmt"
)

// An Event is a verified webhook event of Clerk's. At most one of User,
// DeletedClerkID and Unusable is set; with none of them the event is stored
// and has no effect.
type Event struct {
	SvixID         string // tells an event from all others; the same for each delivery of it
	Type           string
	At             Time      // when it happened
	User           *UserData // of user.created and user.updated
	DeletedClerkID string    // of user.deleted
	Unusable       string    // why nothing can be made of it
}

// An Outcome is what became of an event.
type Outcome string

// The outcomes of ApplyEvent.
const (
	OutcomeApplied    Outcome = "applied"
	OutcomeStale      Outcome = "stale"       // something newer is known, or the user is deleted
	OutcomeIgnored    Outcome = "ignored"     // of a type without an effect
	OutcomeDeadLetter Outcome = "dead_letter" // unusable
	OutcomeDuplicate  Outcome = "duplicate"   // known already: nothing was stored
)

// ApplyEvent stores an event and its effect on the users together. Events may
// come in any order and any number of times and leave the same users. The
// deletion of a user is final, also of one never heard of: it clears what is
// personal and deletes their posts so that nobody can restore them.
func (d *DB) ApplyEvent(ctx context.Context, e Event) (Outcome, error) {
	var outcome Outcome
	err := d.write(ctx, func(ctx context.Context, q *Queries) error {
		known, err := q.hasWebhookEvent(ctx, e.SvixID)
		if known || err != nil {
			outcome = OutcomeDuplicate
			return err
		}
		if outcome, err = d.applyEvent(ctx, q, e); err != nil {
			return err
		}
		return q.insertWebhookEvent(ctx, insertWebhookEventParams{
			SvixID:     e.SvixID,
			Type:       e.Type,
			ClerkID:    Text(e.clerkID()),
			Outcome:    outcome,
			Error:      Text(e.Unusable),
			ReceivedAt: d.now(),
		})
	})
	if err != nil {
		return "", fmt.Errorf("apply event: %w", err)
	}
	return outcome, nil
}

// clerkID returns whom the event is about, or "".
func (e Event) clerkID() string {
	if e.User != nil {
		return e.User.ClerkID
	}
	return e.DeletedClerkID
}

func (d *DB) applyEvent(ctx context.Context, q *Queries, e Event) (Outcome, error) {
	var changed bool
	var err error
	switch {
	case e.Unusable != "":
		return OutcomeDeadLetter, nil
	case e.DeletedClerkID != "":
		changed, err = d.deleteUser(ctx, q, e.DeletedClerkID, e.At)
	case e.User != nil:
		changed, err = d.saveUser(ctx, q, e.userData(), e.version())
	default:
		return OutcomeIgnored, nil
	}
	if !changed {
		return OutcomeStale, err
	}
	return OutcomeApplied, err
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

// deleteUser reports whether the user was there, or was thought to have been
// deleted later than at.
func (d *DB) deleteUser(ctx context.Context, q *Queries, clerkID string, at Time) (bool, error) {
	now := d.now()
	if at <= 0 {
		at = now
	}
	if err := q.ensureUser(ctx, ensureUserParams{ClerkID: clerkID, Now: now}); err != nil {
		return false, err
	}
	changed, err := q.deleteUser(ctx, deleteUserParams{ClerkID: clerkID, DeletedAt: at, Now: now})
	if err != nil {
		return false, err
	}
	return changed > 0, q.deletePostsOf(ctx, deletePostsOfParams{ClerkID: clerkID, DeletedAt: now})
}
