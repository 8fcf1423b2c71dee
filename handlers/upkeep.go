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
// it removes posts that were deleted long ago and what is not needed any more
// of webhooks, and renders those posts anew that an older version of the program
// rendered. Once a day it compares the users with Clerk's.
func (s *Server) KeepUp() {
	s.loops.Go(s.syncDaily)
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
	s.purge(ctx, "deleted posts", s.db.PurgePosts)
	s.purge(ctx, "webhook events", s.db.PurgeEvents)
	s.purge(ctx, "bodies of dead letters", s.db.PurgeBodies)
	s.purge(ctx, "ended sessions", s.db.PurgeSessions)
	if err := s.renderStale(ctx); err != nil && ctx.Err() == nil {
		s.log.Error("cannot render old posts anew", "error", err)
	}
}

// purge removes what has been kept for long enough.
func (s *Server) purge(ctx context.Context, what string, remove func(context.Context) (int64, error)) {
	removed, err := remove(ctx)
	if err != nil && ctx.Err() == nil {
		s.log.Error("cannot remove old "+what, "error", err)
	}
	if removed > 0 {
		s.log.Info("removed old "+what, "rows", removed)
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
