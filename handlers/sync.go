package handlers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"inkwell/clerk"
	"inkwell/db"
)

const (
	syncEvery = 24 * time.Hour
	syncDelay = 30 * time.Second // from the start to the first look whether one is due
	syncPause = time.Hour        // between two looks

	patientAttempts = 5 // of a call that fails for a while
)

// ErrSyncUnderWay says that the users are being compared with Clerk's already.
var ErrSyncUnderWay = errors.New("the users are being compared with Clerk's already")

// Errors that keep a reconciliation from deleting everybody, when it is not
// this site's users that Clerk lists.
var (
	errTooManyGone  = errors.New("more users are missing in Clerk's list than it has. Nobody was deleted: check that CLERK_SECRET_KEY is of the right instance")
	errNoUsers      = errors.New("no users at all are in Clerk's list, and there are some here. Nobody was deleted: check that CLERK_SECRET_KEY is of the right instance")
	errOthersUsers  = errors.New("none of the users that Clerk lists was known here, and none of those known here is in the list. Nobody was deleted: check that CLERK_SECRET_KEY is of the right instance")
	errListRestarts = errors.New("the list of Clerk's users changes too quickly to be read")
)

// SyncProgress is how far a comparison of the users is.
type SyncProgress struct {
	db.Sync
	Total int64 // how many users Clerk has; 0 when it did not say
}

// SyncUsers compares all users with Clerk's and mends what differs: users whose
// event was lost are added, changed or, when Clerk says of each alone that it
// does not know them, deleted. It goes on where an interrupted comparison
// stopped. Report, which may be nil, is told how far it is. The error is
// [ErrSyncUnderWay] when there is one already.
func (s *Server) SyncUsers(ctx context.Context, report func(SyncProgress)) (db.Sync, error) {
	if !s.syncing.CompareAndSwap(false, true) {
		return db.Sync{}, ErrSyncUnderWay
	}
	defer s.syncing.Store(false)
	if report == nil {
		report = func(SyncProgress) {}
	}
	return s.syncUsers(ctx, report)
}

func (s *Server) syncUsers(ctx context.Context, report func(SyncProgress)) (db.Sync, error) {
	sync, err := s.db.BeginSync(ctx, s.auth.Instance().Host)
	if errors.Is(err, db.ErrOtherInstance) {
		return db.Sync{}, fmt.Errorf("%w: nobody was changed; put the keys of that one back, or start with another database", err)
	}
	if err != nil {
		return db.Sync{}, err
	}
	if sync, err = s.walkUsers(ctx, sync, report); err == nil {
		err = s.deleteMissing(ctx, sync)
	}
	if err != nil {
		reason := err.Error()
		if ctx.Err() != nil {
			reason = "" // it will be gone on with
		}
		_, noted := s.db.BreakSync(context.WithoutCancel(ctx), sync.ID, reason)
		return sync, errors.Join(fmt.Errorf("compare users with Clerk's: %w", err), noted)
	}
	return s.db.FinishSync(ctx, sync.ID)
}

// walkUsers stores all of Clerk's users, a page at a time.
func (s *Server) walkUsers(ctx context.Context, sync db.Sync, report func(SyncProgress)) (db.Sync, error) {
	total, err := s.clerkAPI.CountUsers(ctx)
	if err != nil {
		s.log.Warn("Clerk does not say how many users there are", "error", err)
	}
	report(SyncProgress{sync, total})
	for restarts := 0; ; {
		page, err := s.listUsers(ctx, sync.Cursor)
		switch {
		case errors.Is(err, clerk.ErrUserNotFound) && restarts < patientAttempts: // the last one that was stored is gone
			restarts++
			sync.Cursor = ""
			continue
		case errors.Is(err, clerk.ErrUserNotFound):
			return sync, errListRestarts
		case err != nil:
			return sync, err
		}
		for _, problem := range page.Unusable {
			s.log.Error("a user cannot be compared with Clerk's", "error", problem)
		}
		users := make([]db.UserData, len(page.Users))
		for i, user := range page.Users {
			users[i] = userData(user)
		}
		if sync, err = s.db.SavePage(ctx, sync.ID, users, page.Cursor); err != nil {
			return sync, err
		}
		report(SyncProgress{sync, total})
		if page.Last {
			return sync, nil
		}
	}
}

// deleteMissing deletes the users whom Clerk does not know. One who was not in
// the list is asked for: a list may lack somebody, an answer about one user
// does not.
func (s *Server) deleteMissing(ctx context.Context, sync db.Sync) error {
	missing, err := s.missingUsers(ctx, sync.ID)
	switch {
	case err != nil || len(missing) == 0:
		return err
	case sync.Checked == 0:
		return errNoUsers
	case sync.Added == sync.Checked:
		return errOthersUsers
	case int64(len(missing)) > sync.Checked:
		return errTooManyGone
	}
	for _, clerkID := range missing {
		if err := s.confirmMissing(ctx, sync.ID, clerkID); err != nil {
			return err
		}
	}
	return nil
}

// missingUsers returns Clerk's ids of all users whom a walk has not seen. All
// have to be counted before the first is deleted.
func (s *Server) missingUsers(ctx context.Context, syncID int64) ([]string, error) {
	var ids []string
	for after := int64(0); ; {
		page, err := s.db.ListMissingUsers(ctx, db.ListMissingUsersParams{SyncID: syncID, AfterID: after, PageSize: clerk.MaxPage})
		if err != nil || len(page) == 0 {
			return ids, err
		}
		for _, user := range page {
			ids, after = append(ids, user.ClerkID), user.ID
		}
	}
}

func (s *Server) confirmMissing(ctx context.Context, syncID int64, clerkID string) error {
	err := s.patiently(ctx, func() error { return s.fetchUser(ctx, clerkID) })
	switch {
	case errors.Is(err, clerk.ErrUserNotFound):
		return s.db.DeleteMissing(ctx, syncID, clerkID, db.TimeOf(time.Now()))
	case errors.Is(err, clerk.ErrUserUnusable): // the walk has said so
		return nil
	}
	return err
}

func (s *Server) listUsers(ctx context.Context, after string) (clerk.UserPage, error) {
	var page clerk.UserPage
	err := s.patiently(ctx, func() (err error) {
		page, err = s.clerkAPI.Users(ctx, after, clerk.MaxPage)
		return err
	})
	return page, err
}

// patiently makes a call of Clerk's API that nobody waits for: no faster than
// Clerk allows, and again when it fails, as late as Clerk says.
func (s *Server) patiently(ctx context.Context, call func() error) error {
	pause := time.Second
	for attempt := 1; ; attempt++ {
		if err := s.clerkAPI.Pace(ctx); err != nil {
			return err
		}
		err := call()
		if err == nil || attempt == patientAttempts || errors.Is(err, clerk.ErrUserNotFound) || errors.Is(err, clerk.ErrUserUnusable) || ctx.Err() != nil {
			return err
		}
		wait := pause
		if limit, ok := errors.AsType[*clerk.RateLimitError](err); ok {
			wait = limit.RetryAfter
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
			pause *= 2
		}
	}
}

// startSync begins a comparison in the background. It reports false when one
// is under way.
func (s *Server) startSync() bool {
	if !s.syncing.CompareAndSwap(false, true) {
		return false
	}
	s.background.Go(func() {
		defer s.syncing.Store(false)
		s.logSync(s.syncUsers(s.running, func(SyncProgress) {}))
	})
	return true
}

// logSync writes to the log what came of a comparison in the background.
func (s *Server) logSync(sync db.Sync, err error) {
	switch {
	case s.running.Err() != nil: // it will be gone on with
	case err != nil:
		s.log.Error("the users were not compared with Clerk's", "error", err)
	default:
		s.log.Info("compared the users with Clerk's", "checked", sync.Checked, "added", sync.Added, "changed", sync.Changed, "deleted", sync.Deleted)
	}
}

// syncDaily compares the users when the last comparison is a day old, until
// Close.
func (s *Server) syncDaily() {
	for wait := syncDelay; ; wait = syncPause {
		select {
		case <-s.running.Done():
			return
		case <-time.After(wait):
		}
		last, err := s.db.GetLastFinishedSync(s.running)
		if err == nil && time.Since(last.FinishedAt.Time()) < syncEvery {
			continue
		}
		s.startSync()
	}
}
