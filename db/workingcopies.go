package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// maxDiscarded is how many discarded working copies of a post are kept: who goes
// back further than that presses on purpose.
const maxDiscarded = 10

// copyOf is the working copy of a post that a form holds from a time.
func (f FormText) copyOf(postID int64, at Time) saveWorkingCopyParams {
	return saveWorkingCopyParams{PostID: postID, FormKey: f.FormKey, Version: f.Version, SavedAt: at, Title: f.Title, Content: f.Content.Source}
}

// DiscardWorkingCopy takes the working copy of a post away, if there is one. For
// UndoPeriod RestoreWorkingCopy brings it back. Typed, if not nil, is what stands
// in the form that is discarded with it; it becomes the discarded copy of that
// form. The error may be sql.ErrNoRows when there is no such post, or ErrInactive.
func (d *DB) DiscardWorkingCopy(ctx context.Context, postID int64, typed *FormText) error {
	err := d.write(ctx, func(ctx context.Context, q *Queries) error { return discardCopy(ctx, q, postID, typed, d.now()) })
	if err != nil {
		return fmt.Errorf("discard working copy: %w", err)
	}
	return nil
}

func discardCopy(ctx context.Context, q *Queries, postID int64, typed *FormText, now Time) error {
	post, err := q.getLivePost(ctx, postID)
	if err != nil {
		return err
	}
	if err := requireActive(ctx, q, post.AuthorID); err != nil {
		return err
	}
	held, err := q.GetWorkingCopy(ctx, postID)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	discard := discardWorkingCopyParams{PostID: postID, DiscardedAt: now}
	if err := q.discardWorkingCopy(ctx, discard); err != nil {
		return err
	}
	if typed != nil && !typed.isIn(held) {
		if err := q.saveWorkingCopy(ctx, typed.copyOf(postID, now)); err != nil {
			return err
		}
		if err := q.discardWorkingCopy(ctx, discard); err != nil {
			return err
		}
	}
	return q.trimDiscardedCopies(ctx, trimDiscardedCopiesParams{PostID: postID, Kept: maxDiscarded})
}

// isIn reports whether a working copy is what stands in the form.
func (f *FormText) isIn(held WorkingCopy) bool {
	return held.FormKey == f.FormKey && held.Title == f.Title && held.Content == f.Content.Source
}

// RestoreWorkingCopy brings back the working copy with an id, of that post, which
// was discarded within UndoPeriod; one that stands stays. What stood in its place is
// discarded, with what is typed, as DiscardWorkingCopy does it. The error may be
// sql.ErrNoRows when there is no such copy or post, or ErrInactive.
func (d *DB) RestoreWorkingCopy(ctx context.Context, postID, id int64, typed *FormText) error {
	err := d.write(ctx, func(ctx context.Context, q *Queries) error {
		now := d.now()
		if err := discardCopy(ctx, q, postID, typed, now); err != nil {
			return err
		}
		n, err := q.restoreWorkingCopy(ctx, restoreWorkingCopyParams{ID: id, PostID: postID, Since: now.Add(-UndoPeriod)})
		if err == nil && n == 0 {
			return sql.ErrNoRows
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("restore working copy: %w", err)
	}
	return nil
}

// PurgeWorkingCopies removes for good what was discarded more than UndoPeriod
// ago, and returns how many working copies that were. Other changes can be made
// meanwhile.
func (d *DB) PurgeWorkingCopies(ctx context.Context) (int64, error) {
	before := d.now().Add(-UndoPeriod)
	n, err := d.purge(ctx, func(ctx context.Context, q *Queries, batch int64) (int64, error) {
		return q.purgeWorkingCopies(ctx, purgeWorkingCopiesParams{Before: before, BatchSize: batch})
	})
	if err != nil {
		return n, fmt.Errorf("purge working copies: %w", err)
	}
	return n, nil
}
