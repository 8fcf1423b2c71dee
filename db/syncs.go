package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

const (
	// resumeWithin is how long after its start a reconciliation can be gone on
	// with. Pages from before are too old then to tell who is missing.
	resumeWithin = 24 * time.Hour

	// eventDelay is how long after a change at Clerk its event may well be yet
	// to come: three of Svix's attempts fall within it.
	eventDelay = time.Hour
)

// ErrOtherInstance says that the users here are those of another Clerk
// instance.
var ErrOtherInstance = errors.New("the users of this database are those of another Clerk instance")

// BeginSync starts a reconciliation, the comparison of all users with those of
// a Clerk instance, or goes on with the last one when it was interrupted less
// than a day after its start: Clerk's users after Sync.Cursor are left. Two that
// run at once share a row and do each other no harm. The error is
// [ErrOtherInstance] when the last one that was finished was another
// instance's, for which all users here would be missing.
func (d *DB) BeginSync(ctx context.Context, instance string) (Sync, error) {
	var sync Sync
	err := d.write(ctx, func(ctx context.Context, q *Queries) error {
		finished, err := q.GetLastFinishedSync(ctx)
		switch {
		case err != nil && !errors.Is(err, sql.ErrNoRows):
			return err
		case err == nil && finished.Instance != instance:
			return ErrOtherInstance
		}
		last, err := q.GetLastSync(ctx)
		switch {
		case err != nil && !errors.Is(err, sql.ErrNoRows):
			return err
		case err == nil && last.FinishedAt == 0 && last.Instance == instance && last.StartedAt > d.now().Add(-resumeWithin):
			sync, err = d.noteSync(ctx, q, last.ID, "", "")
		default:
			sync, err = q.startSync(ctx, startSyncParams{Instance: instance, StartedAt: d.now()})
		}
		return err
	})
	if err != nil {
		return Sync{}, fmt.Errorf("begin sync: %w", err)
	}
	return sync, nil
}

// SetSyncTotal notes how many users Clerk has, for whoever wants to know how far
// a reconciliation is, and returns it.
func (d *DB) SetSyncTotal(ctx context.Context, syncID, total int64) (Sync, error) {
	var sync Sync
	err := d.write(ctx, func(ctx context.Context, q *Queries) (err error) {
		sync, err = q.setSyncTotal(ctx, setSyncTotalParams{ID: syncID, Total: total})
		return err
	})
	if err != nil {
		return Sync{}, fmt.Errorf("set total of sync: %w", err)
	}
	return sync, nil
}

// SavePage stores a page of Clerk's users, as SaveUser does each of them, and
// the cursor behind the page. It returns the reconciliation with the page
// counted: a user counts as checked once, as changed when the row said something
// else, not when Clerk has merely touched its own, and as lost besides when an
// event ought to have told of it by now.
func (d *DB) SavePage(ctx context.Context, syncID int64, users []UserData, cursor string) (Sync, error) {
	var sync Sync
	err := d.write(ctx, func(ctx context.Context, q *Queries) (err error) {
		if sync, err = q.getSync(ctx, syncID); err != nil {
			return err
		}
		found := advanceSyncParams{ID: syncID, Cursor: cursor}
		for _, data := range users {
			if err := d.reconcile(ctx, q, sync, data, &found); err != nil {
				return err
			}
		}
		sync, err = q.advanceSync(ctx, found)
		return err
	})
	if err != nil {
		return Sync{}, fmt.Errorf("save page: %w", err)
	}
	return sync, nil
}

// reconcile stores a user of a page and counts them in found.
func (d *DB) reconcile(ctx context.Context, q *Queries, sync Sync, data UserData, found *advanceSyncParams) error {
	old, err := q.GetUserByClerkID(ctx, data.ClerkID)
	added := errors.Is(err, sql.ErrNoRows)
	if err != nil && !added {
		return err
	}
	same := !added && old.says(data)
	if !same || old.ClerkUpdatedAt < data.UpdatedAt {
		current, err := d.saveUser(ctx, q, data, version{})
		if err != nil {
			return err
		}
		if current && !same {
			found.count(added, data.UpdatedAt < d.now().Add(-eventDelay) && !old.unlocked(data))
		}
	}
	seen, err := q.seeUser(ctx, seeUserParams{ClerkID: data.ClerkID, SeenAt: max(d.now(), sync.StartedAt), StartedAt: sync.StartedAt})
	found.Checked += seen
	return err
}

// count counts a user who was mended.
func (p *advanceSyncParams) count(added, lost bool) {
	if added {
		p.Added++
	} else {
		p.Changed++
	}
	if lost {
		p.Lost++
	}
}

// says reports whether the row holds all that data says, but for when it was
// so.
func (u User) says(data UserData) bool {
	return equal(u.Email, data.Email) &&
		u.EmailVerified == data.EmailVerified &&
		equal(u.Username, data.Username) &&
		equal(u.FirstName, data.FirstName) &&
		equal(u.LastName, data.LastName) &&
		u.Name == Text(data.Name) &&
		u.ImageURL == Text(data.ImageURL) &&
		u.Role == data.role() &&
		u.Banned == data.Banned &&
		u.Locked == data.Locked &&
		u.Deprovisioned == data.Deprovisioned &&
		u.ClerkCreatedAt == data.CreatedAt
}

// unlocked reports whether all that data says anew is that a lock is over, of
// which Clerk sends no event.
func (u User) unlocked(data UserData) bool {
	over := u.Locked && !data.Locked
	u.Locked = data.Locked
	return over && u.says(data)
}

func equal(a, b *string) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

// DeleteMissing deletes a user whom Clerk has said it does not know, as their
// user.deleted event would: for good. At is when Clerk said so. It returns the
// reconciliation with the deletion counted; not as lost, for Clerk does not say
// when the user was deleted.
func (d *DB) DeleteMissing(ctx context.Context, syncID int64, clerkID string, at Time) (Sync, error) {
	var sync Sync
	err := d.write(ctx, func(ctx context.Context, q *Queries) error {
		user, err := q.GetUserByClerkID(ctx, clerkID)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		live := err == nil && user.DeletedAt == 0
		if _, err := d.deleteUser(ctx, q, clerkID, at); err != nil {
			return err
		}
		if live {
			sync, err = q.countDeleted(ctx, syncID)
		} else {
			sync, err = q.getSync(ctx, syncID)
		}
		return err
	})
	if err != nil {
		return Sync{}, fmt.Errorf("delete missing user: %w", err)
	}
	return sync, nil
}

// FinishSync notes that a reconciliation has come to its end, and returns it.
func (d *DB) FinishSync(ctx context.Context, syncID int64) (Sync, error) {
	var sync Sync
	err := d.write(ctx, func(ctx context.Context, q *Queries) (err error) {
		sync, err = q.finishSync(ctx, finishSyncParams{ID: syncID, FinishedAt: d.now()})
		return err
	})
	if err != nil {
		return Sync{}, fmt.Errorf("finish sync: %w", err)
	}
	return sync, nil
}

// BreakSync notes why a reconciliation was broken off, the kind of the error and
// its text, and returns it. BeginSync goes on with it.
func (d *DB) BreakSync(ctx context.Context, syncID int64, cause, text string) (Sync, error) {
	var sync Sync
	err := d.write(ctx, func(ctx context.Context, q *Queries) (err error) {
		sync, err = d.noteSync(ctx, q, syncID, cause, text)
		return err
	})
	if err != nil {
		return Sync{}, fmt.Errorf("break sync: %w", err)
	}
	return sync, nil
}

// noteSync notes why a reconciliation was broken off, nothing when it goes on, and
// returns it.
func (d *DB) noteSync(ctx context.Context, q *Queries, syncID int64, cause, text string) (Sync, error) {
	if err := q.setSyncError(ctx, setSyncErrorParams{ID: syncID, Cause: Text(cause), Error: Text(text)}); err != nil {
		return Sync{}, err
	}
	return q.getSync(ctx, syncID)
}
