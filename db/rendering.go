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

// RenderVersion returns what SetRenderVersion stored last, 0 before.
func (d *DB) RenderVersion(ctx context.Context) (int64, error) {
	var version int64
	err := d.reader.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version)
	if err != nil {
		return 0, fmt.Errorf("render version: %w", err)
	}
	return version, nil
}

// SetRenderVersion notes that no post is left that a renderer older than
// version rendered, so that nobody has to read all posts to see that.
func (d *DB) SetRenderVersion(ctx context.Context, version int32) error {
	// The number cannot be a parameter. Nothing else uses it: the version of
	// the schema is in a table.
	if _, err := d.writer.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", version)); err != nil {
		return fmt.Errorf("set render version: %w", err)
	}
	return nil
}
