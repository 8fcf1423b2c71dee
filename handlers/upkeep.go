package handlers

import (
	"context"
	"time"

	"inkwell/db"
	"inkwell/templates"
)

// upkeepPause is how often what is due is done.
const upkeepPause = time.Hour

// KeepUp does, at once and then every hour until Close, what nobody asks for:
// it removes posts that were deleted long ago, and renders those anew that an
// older version of the program rendered.
func (s *Server) KeepUp() {
	s.loops.Go(func() {
		tick := time.NewTicker(upkeepPause)
		defer tick.Stop()
		for {
			s.upkeep(s.running)
			select {
			case <-s.running.Done():
				return
			case <-tick.C:
			}
		}
	})
}

func (s *Server) upkeep(ctx context.Context) {
	removed, err := s.db.PurgePosts(ctx)
	if err != nil && ctx.Err() == nil {
		s.log.Error("cannot remove deleted posts", "error", err)
	}
	if removed > 0 {
		s.log.Info("removed posts that were deleted long ago", "posts", removed)
	}
	if err := s.renderStale(ctx); err != nil && ctx.Err() == nil {
		s.log.Error("cannot render old posts anew", "error", err)
	}
}

// renderStale renders posts anew that another version rendered. Once that is
// done it costs nothing to find it done.
func (s *Server) renderStale(ctx context.Context) error {
	version, err := s.db.GetRenderVersion(ctx)
	if err != nil || version == templates.MarkdownVersion {
		return err
	}
	for last := int64(0); ; {
		posts, err := s.db.ListStalePosts(ctx, db.ListStalePostsParams{AfterID: last, Version: templates.MarkdownVersion, PageSize: pageSize})
		if err != nil {
			return err
		}
		if len(posts) == 0 {
			return s.db.SetRenderVersion(ctx, templates.MarkdownVersion)
		}
		for _, p := range posts {
			last = p.ID
			content, err := s.rendered(p.Content)
			if err != nil {
				s.log.Error("a post keeps its old rendering", "post", p.ID, "error", err)
				continue
			}
			if err := s.db.SetRendering(ctx, p.ID, p.UpdatedAt, content.HTML, content.Excerpt, content.RenderVersion); err != nil {
				return err
			}
		}
	}
}
