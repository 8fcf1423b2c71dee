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
// it removes posts that were deleted long ago, changes that were discarded, and
// what is not needed any more of webhooks, renders those posts and bios anew that
// an older version of the program rendered, and completes the search index. Once a
// day it compares the users with Clerk's, every few seconds it writes how often
// posts were read, and when a poll closes it lets open pages know.
func (s *Server) KeepUp() {
	s.loops.Go(s.syncDaily)
	s.loops.Go(s.writeViewsNowAndThen)
	s.loops.Go(s.tellClosings)
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
	s.purge(ctx, "discarded changes", s.db.PurgeWorkingCopies)
	s.purge(ctx, "webhook events", s.db.PurgeEvents)
	s.purge(ctx, "bodies of dead letters", s.db.PurgeBodies)
	s.purge(ctx, "ended sessions", s.db.PurgeSessions)
	s.purge(ctx, "changes in the log", s.db.PurgeAudits)
	if err := s.renderStale(ctx); err != nil && ctx.Err() == nil {
		s.log.Error("cannot render old posts anew", "error", err)
	}
	s.keepIndex(ctx)
}

// keepIndex completes the search index.
func (s *Server) keepIndex(ctx context.Context) {
	if err := s.db.KeepIndex(ctx); err != nil && ctx.Err() == nil {
		s.log.Error("cannot complete the search index", "error", err)
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

// renderStale renders anew what another version rendered. Once that is done it
// costs nothing to find it done.
func (s *Server) renderStale(ctx context.Context) error {
	version, err := s.db.GetRenderVersion(ctx)
	if err != nil || version == templates.MarkdownVersion {
		return err
	}
	if err := s.renderStalePosts(ctx); err != nil {
		return err
	}
	if err := s.renderStaleBios(ctx); err != nil {
		return err
	}
	return s.db.SetRenderVersion(ctx, templates.MarkdownVersion)
}

func (s *Server) renderStalePosts(ctx context.Context) error {
	for last := int64(0); ; {
		posts, err := s.db.ListStalePosts(ctx, db.ListStalePostsParams{AfterID: last, Version: templates.MarkdownVersion, PageSize: pageSize})
		if err != nil || len(posts) == 0 {
			return err
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

func (s *Server) renderStaleBios(ctx context.Context) error {
	for last := int64(0); ; {
		bios, err := s.db.ListStaleBios(ctx, db.ListStaleBiosParams{AfterID: last, Version: templates.MarkdownVersion, PageSize: pageSize})
		if err != nil || len(bios) == 0 {
			return err
		}
		for _, b := range bios {
			last = b.UserID
			bio, err := s.rendered(b.Bio)
			if err != nil {
				s.log.Error("a bio keeps its old rendering", "user", b.UserID, "error", err)
				continue
			}
			if err := s.db.SetBioRendering(ctx, b.UserID, b.BioUpdatedAt, bio.HTML, bio.RenderVersion); err != nil {
				return err
			}
		}
	}
}
