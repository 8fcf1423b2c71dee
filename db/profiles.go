package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// SetBio stores what a user says of themselves; without a Source they say
// nothing. Version is GetProfileRow.BioUpdatedAt as the writer saw it. The error
// may be ErrStale or ErrInactive. The excerpt is not kept.
func (d *DB) SetBio(ctx context.Context, userID int64, bio PostContent, version Time) error {
	err := d.write(ctx, func(ctx context.Context, q *Queries) error {
		if err := requireActive(ctx, q, userID); err != nil {
			return err
		}
		last, err := q.getBioTime(ctx, userID)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if last != version {
			return ErrStale
		}
		return q.setBio(ctx, setBioParams{
			UserID:        userID,
			BioUpdatedAt:  max(d.now(), last+1), // the clock may stand still or go back
			RenderVersion: bio.RenderVersion,
			Bio:           bio.Source,
			BioHTML:       bio.HTML,
		})
	})
	if err != nil {
		return fmt.Errorf("set bio: %w", err)
	}
	return nil
}

// SetQuote stores the quote on a user's profile and who said it, which may be
// "". An empty quote removes both. The error may be ErrInactive.
func (d *DB) SetQuote(ctx context.Context, userID int64, quote, by string) error {
	if quote == "" {
		by = ""
	}
	err := d.write(ctx, func(ctx context.Context, q *Queries) error {
		if err := requireActive(ctx, q, userID); err != nil {
			return err
		}
		return q.setQuote(ctx, setQuoteParams{UserID: userID, Quote: quote, QuoteBy: by})
	})
	if err != nil {
		return fmt.Errorf("set quote: %w", err)
	}
	return nil
}

// SetBioRendering stores a new rendering of the user's bio as it was at
// updatedAt. When the bio has changed since, or is gone, nothing happens.
func (d *DB) SetBioRendering(ctx context.Context, userID int64, updatedAt Time, html string, version int64) error {
	err := d.write(ctx, func(ctx context.Context, q *Queries) error {
		return q.setBioRendering(ctx, setBioRenderingParams{
			UserID:        userID,
			BioUpdatedAt:  updatedAt,
			BioHTML:       html,
			RenderVersion: version,
		})
	})
	if err != nil {
		return fmt.Errorf("set rendering of bio: %w", err)
	}
	return nil
}
