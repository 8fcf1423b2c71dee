package handlers

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"inkwell/clerk"
	"inkwell/db"
)

// publish lets everybody see a change who has it on the page. It is called
// after the commit, never before, and does not wait.
func (s *Server) publish(c change) {
	s.forgetShowings(c)
	s.hub.Publish(&c)
}

// publishPost publishes that a post has changed, unless nobody but its author
// saw it before and sees it after.
func (s *Server) publishPost(id int64, wasPublic, isPublic bool) {
	c := change{kind: postChanged, post: id}
	if wasPublic || isPublic {
		s.publish(c)
	} else {
		s.forgetShowings(c)
	}
	s.closings.wake()
}

// pollPause is how long votes are gathered before they are shown.
const pollPause = 200 * time.Millisecond

// publishPoll publishes soon that the votes on a post, or with anyPost on some,
// have changed: what comes until then is one change.
func (s *Server) publishPoll(postID int64) {
	if _, due := s.pollsDue.LoadOrStore(postID, true); due {
		return
	}
	time.AfterFunc(pollPause, func() {
		s.pollsDue.Delete(postID)
		s.publish(change{kind: pollChanged, post: postID})
	})
}

// maxPublishedNames is how many of the users who are compared with Clerk's
// together get their new name on open pages at once. Everybody hears of each.
const maxPublishedNames = 20

// publishingUsers carries out what may change users, and publishes what others
// see of it: what a user may do, and their name and picture. The error is that
// of save, or says why save was not called.
func (s *Server) publishingUsers(ctx context.Context, clerkIDs []string, save func() error) error {
	before, err := s.usersOf(ctx, clerkIDs)
	if err != nil {
		return err
	}
	if err := save(); err != nil {
		return err
	}
	after, err := s.usersOf(context.WithoutCancel(ctx), clerkIDs)
	if err != nil {
		s.log.Error("open pages show users as they were", "error", err)
	}
	named := 0
	for id, user := range after {
		old, known := before[id]
		if !known {
			continue // no page has a new user on it
		}
		if user.Role != old.Role || user.Active() != old.Active() {
			s.publish(change{kind: rightsChanged, who: id})
		}
		if user.DeletedAt == 0 && authorOf(user) != authorOf(old) && named < maxPublishedNames {
			s.publish(change{kind: authorChanged, who: id})
			named++
		}
	}
	return nil
}

// usersOf returns users by Clerk's ids, without those who are not here.
func (s *Server) usersOf(ctx context.Context, clerkIDs []string) (map[string]db.User, error) {
	users := make(map[string]db.User, len(clerkIDs))
	for _, id := range clerkIDs {
		user, err := s.db.GetUserByClerkID(ctx, id)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("look up users: %w", err)
		}
		users[id] = user
	}
	return users, nil
}

// maxPublishedGone is how many posts of a deleted user go from the pages on
// which they are at once, the last changed of them.
const maxPublishedGone = 200

// publishingEvent carries out what a webhook event tells, and publishes it. An
// event that is known already may tell of what another program has stored.
func (s *Server) publishingEvent(ctx context.Context, e clerk.Event, apply func() error) error {
	if err := s.publishingUsers(ctx, []string{e.UserID}, apply); err != nil {
		return err
	}
	for _, who := range []string{e.UserID, e.EndedSessionID} {
		if who != "" {
			s.publish(change{kind: rightsChanged, who: who})
		}
	}
	if e.DeletedUserID != "" {
		s.publishDeletion(ctx, e.DeletedUserID)
	}
	return nil
}

// publishDeletion publishes that a user was deleted, their posts and their votes
// with them. Posts that are in the search index still are taken out in the background.
func (s *Server) publishDeletion(ctx context.Context, clerkID string) {
	s.publish(change{kind: rightsChanged, who: clerkID})
	ids, err := s.db.ListPublishedIDs(ctx, db.ListPublishedIDsParams{ClerkID: clerkID, PageSize: maxPublishedGone})
	if err != nil {
		s.log.Error("the posts of a deleted user stay on open pages", "user", clerkID, "error", err)
	}
	for _, id := range ids {
		s.publishPost(id, true, false)
	}
	s.publishPoll(anyPost)
	s.background.Go(func() { s.keepIndex(s.running) })
}
