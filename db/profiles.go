package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// A Quote stands on a profile. The zero Quote is none.
type Quote struct {
	Text string
	By   string // who said it; "": nobody says
}

// UpdateProfileParams says what to change of what a user says of themselves;
// what is nil stays as it is.
type UpdateProfileParams struct {
	UserID     int64
	Bio        *PostContent // its excerpt is not kept; without a Source it is empty
	BioVersion Time         // GetProfileRow.BioUpdatedAt as the writer of Bio saw it
	Quote      *Quote       // without a Text it is none
}

// UpdateProfile changes a profile: all of it or, with an error, nothing. The
// error may be ErrStale or ErrInactive.
func (d *DB) UpdateProfile(ctx context.Context, p UpdateProfileParams) error {
	err := d.write(ctx, func(ctx context.Context, q *Queries) error {
		err := requireActive(ctx, q, p.UserID)
		if err == nil && p.Bio != nil {
			err = d.setBioOf(ctx, q, p)
		}
		if err == nil && p.Quote != nil {
			err = setQuoteOf(ctx, q, p)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("update profile: %w", err)
	}
	return nil
}

func (d *DB) setBioOf(ctx context.Context, q *Queries, p UpdateProfileParams) error {
	last, err := q.getBioTime(ctx, p.UserID)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if last != p.BioVersion {
		return ErrStale
	}
	return q.setBio(ctx, setBioParams{
		UserID:        p.UserID,
		BioUpdatedAt:  max(d.now(), last+1), // the clock may stand still or go back
		RenderVersion: p.Bio.RenderVersion,
		Bio:           p.Bio.Source,
		BioHTML:       p.Bio.HTML,
	})
}

func setQuoteOf(ctx context.Context, q *Queries, p UpdateProfileParams) error {
	quote := *p.Quote
	if quote.Text == "" {
		quote.By = ""
	}
	return q.setQuote(ctx, setQuoteParams{UserID: p.UserID, Quote: quote.Text, QuoteBy: quote.By})
}

// SetBio stores what a user says of themselves; without a Source they say
// nothing. Version is GetProfileRow.BioUpdatedAt as the writer saw it. The error
// may be ErrStale or ErrInactive. The excerpt is not kept.
func (d *DB) SetBio(ctx context.Context, userID int64, bio PostContent, version Time) error {
	return d.UpdateProfile(ctx, UpdateProfileParams{UserID: userID, Bio: &bio, BioVersion: version})
}

// SetQuote stores the quote on a user's profile and who said it, which may be
// "". An empty quote removes both. The error may be ErrInactive.
func (d *DB) SetQuote(ctx context.Context, userID int64, quote, by string) error {
	return d.UpdateProfile(ctx, UpdateProfileParams{UserID: userID, Quote: &Quote{Text: quote, By: by}})
}

// RemoveQuote removes the quote from a user's profile and returns it, the zero
// Quote when there was none. The error may be ErrInactive.
func (d *DB) RemoveQuote(ctx context.Context, userID int64) (Quote, error) {
	var removed Quote
	err := d.changeQuote(ctx, userID, func(stands Quote) (Quote, error) {
		removed = stands
		return Quote{}, nil
	})
	if err != nil {
		return Quote{}, fmt.Errorf("remove quote: %w", err)
	}
	return removed, nil
}

// RestoreQuote brings back a quote that was removed from a user's profile. The
// error may be ErrInactive, or ErrStale when another quote is there by now.
func (d *DB) RestoreQuote(ctx context.Context, userID int64, quote Quote) error {
	err := d.changeQuote(ctx, userID, func(stands Quote) (Quote, error) {
		if stands.Text != "" && stands != quote {
			return stands, ErrStale
		}
		return quote, nil
	})
	if err != nil {
		return fmt.Errorf("restore quote: %w", err)
	}
	return nil
}

// changeQuote stores what change makes of the quote on a user's profile, of the
// zero Quote when there is none. Its error is that of change, or ErrInactive.
func (d *DB) changeQuote(ctx context.Context, userID int64, change func(stands Quote) (Quote, error)) error {
	return d.write(ctx, func(ctx context.Context, q *Queries) error {
		if err := requireActive(ctx, q, userID); err != nil {
			return err
		}
		row, err := q.getQuote(ctx, userID)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		quote, err := change(Quote{Text: row.Quote, By: row.QuoteBy})
		if err != nil {
			return err
		}
		return setQuoteOf(ctx, q, UpdateProfileParams{UserID: userID, Quote: &quote})
	})
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
