package db

import (
	"context"
	"fmt"
)

// SetRendering stores a new rendering of the post's content as it was at
// updatedAt. When the post has changed since, or is gone, nothing happens: who
// changed it rendered it.
func (d *DB) SetRendering(ctx context.Context, id int64, updatedAt Time, html, excerpt string, version int64) error {
	err := d.write(ctx, func(ctx context.Context, q *Queries) error {
		return q.setRendering(ctx, setRenderingParams{
			ID:            id,
			UpdatedAt:     updatedAt,
			ContentHTML:   html,
			Excerpt:       excerpt,
			RenderVersion: version,
		})
	})
	if err != nil {
		return fmt.Errorf("set rendering: %w", err)
	}
	return nil
}

// SetRenderVersion notes that no post and no bio is left that a renderer older
// than version rendered, for GetRenderVersion.
func (d *DB) SetRenderVersion(ctx context.Context, version int64) error {
	err := d.write(ctx, func(ctx context.Context, q *Queries) error {
		if err := q.clearRenderVersion(ctx); err != nil {
			return err
		}
		return q.setRenderVersion(ctx, version)
	})
	if err != nil {
		return fmt.Errorf("set render version: %w", err)
	}
	return nil
}
