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

	recognized  = 20 // users are asked for at most to find one whom Clerk knows
	maxRestarts = 5  // of the walk through Clerk's users, when the place it has come to is gone
)

// ErrSyncUnderWay says that the users are being compared with Clerk's already.
var ErrSyncUnderWay = errors.New("the users are being compared with Clerk's already")

// Errors that keep a reconciliation from deleting everybody, when it is not
// this site's users that Clerk lists.
var (
	errTooManyGone = errors.New("more users are missing in Clerk's list than it has. Nobody was deleted: check that CLERK_SECRET_KEY is of the right instance")
	errNoUsers     = errors.New("no users at all are in Clerk's list, and there are some here. Nobody was deleted: check that CLERK_SECRET_KEY is of the right instance")
	errOthersUsers = errors.New("none of the users here is known to Clerk. Nobody was deleted: check that CLERK_SECRET_KEY is of the right instance")
)

// SyncUsers compares all users with Clerk's and mends what differs: users whose
// event was lost are added, changed or, when Clerk says of each alone that it
// does not know them, deleted. It goes on where an interrupted comparison
// stopped. Report, which may be nil, is told how far it is. The error is
// [ErrSyncUnderWay] when there is one already.
func (s *Server) SyncUsers(ctx context.Context, report func(db.Sync)) (db.Sync, error) {
	if !s.syncing.CompareAndSwap(false, true) {
		return db.Sync{}, ErrSyncUnderWay
	}
	defer s.syncing.Store(false)
	if report == nil {
		report = func(db.Sync) {}
	}
	return s.syncUsers(ctx, report)
}

func (s *Server) syncUsers(ctx context.Context, report func(db.Sync)) (db.Sync, error) {
	sync, err := s.db.BeginSync(ctx, s.auth.Instance().Host)
	if errors.Is(err, db.ErrOtherInstance) {
		return db.Sync{}, fmt.Errorf("%w: nobody was changed; put the keys of that one back, or start with another database", err)
	}
	if err != nil {
		return db.Sync{}, err
	}
	if err = s.recognizeUsers(ctx); err == nil {
		sync, err = s.walkUsers(ctx, sync, report)
	}
	if err == nil {
		err = s.deleteMissing(ctx, sync, report)
	}
	if err != nil {
		return sync, errors.Join(fmt.Errorf("compare users with Clerk's: %w", err), s.breakSync(ctx, sync.ID, err))
	}
	return s.db.FinishSync(ctx, sync.ID)
}

// breakSync notes why a comparison did not come to its end. One that was
// interrupted will be gone on with.
func (s *Server) breakSync(ctx context.Context, syncID int64, problem error) error {
	cause, text := string(causeOf(problem)), problem.Error()
	if ctx.Err() != nil {
		cause, text = "", ""
	}
	_, err := s.db.BreakSync(context.WithoutCancel(ctx), syncID, cause, text)
	return err
}

// recognizeUsers makes sure that the secret key is of the instance whose users
// are here, which only its users can tell: with another key nobody who is here
// is known to Clerk.
func (s *Server) recognizeUsers(ctx context.Context) error {
	ids, err := s.db.ListRecentUsers(ctx, recognized)
	if err != nil || len(ids) == 0 {
		return err
	}
	for _, id := range ids {
		err := s.clerkAPI.Patiently(ctx, func() error {
			_, err := s.clerkAPI.User(ctx, id)
			return err
		})
		if !errors.Is(err, clerk.ErrUserNotFound) {
			return ignoreUnusable(err)
		}
	}
	return errOthersUsers
}

// ignoreUnusable takes a user who cannot be used for one who is there.
func ignoreUnusable(err error) error {
	if errors.Is(err, clerk.ErrUserUnusable) {
		return nil
	}
	return err
}

// walkUsers stores all of Clerk's users, a page at a time.
func (s *Server) walkUsers(ctx context.Context, sync db.Sync, report func(db.Sync)) (db.Sync, error) {
	sync, err := s.countUsers(ctx, sync)
	if err != nil {
		return sync, err
	}
	report(sync)
	for restarts := 0; ; {
		page, err := s.listUsers(ctx, sync.Cursor)
		switch {
		case errors.Is(err, clerk.ErrUserNotFound) && restarts < maxRestarts: // the last one that was stored is gone
			restarts++
			sync.Cursor = ""
			continue
		case err != nil:
			return sync, err
		}
		if sync, err = s.saveUsers(ctx, sync, page.users, page.Cursor); err != nil {
			return sync, err
		}
		report(sync)
		if page.Last {
			return sync, nil
		}
	}
}

// countUsers notes how many users Clerk has, if it says so.
func (s *Server) countUsers(ctx context.Context, sync db.Sync) (db.Sync, error) {
	var total int64
	err := s.clerkAPI.Patiently(ctx, func() (err error) {
		total, err = s.clerkAPI.CountUsers(ctx)
		return err
	})
	if err != nil {
		s.log.Warn("Clerk does not say how many users there are", "error", err)
		return sync, ctx.Err()
	}
	return s.db.SetSyncTotal(ctx, sync.ID, total)
}

// A userPage is a page of Clerk's users as the database takes them.
type userPage struct {
	clerk.UserPage
	users []db.UserData
}

// listUsers returns the page of users who joined after the one with Clerk's id
// after.
func (s *Server) listUsers(ctx context.Context, after string) (userPage, error) {
	var page userPage
	var asked db.Time
	err := s.clerkAPI.Patiently(ctx, func() (err error) {
		asked = db.TimeOf(time.Now())
		page.UserPage, err = s.clerkAPI.Users(ctx, after, clerk.MaxPage)
		return err
	})
	for _, user := range page.Users {
		page.users = append(page.users, userDataAsOf(user, asked))
	}
	for _, problem := range page.Unusable {
		s.log.Error("a user cannot be compared with Clerk's", "error", problem)
	}
	return page, err
}

// saveUsers stores users as Clerk lists them, and the place behind them.
func (s *Server) saveUsers(ctx context.Context, sync db.Sync, users []db.UserData, cursor string) (db.Sync, error) {
	ids := make([]string, len(users))
	for i, user := range users {
		ids[i] = user.ClerkID
	}
	stored := sync
	err := s.publishingUsers(ctx, ids, func() (err error) {
		stored, err = s.db.SavePage(ctx, sync.ID, users, cursor)
		return err
	})
	if err != nil {
		return sync, err
	}
	return stored, nil
}

// deleteMissing deletes the users whom Clerk does not know. One who was not in
// the list is asked for: a list may lack somebody, an answer about one user
// does not.
func (s *Server) deleteMissing(ctx context.Context, sync db.Sync, report func(db.Sync)) error {
	missing, err := s.missingUsers(ctx, sync.ID)
	switch {
	case err != nil || len(missing) == 0:
		return err
	case sync.Checked == 0:
		return errNoUsers
	case int64(len(missing)) > sync.Checked:
		return errTooManyGone
	}
	for _, clerkID := range missing {
		if sync, err = s.confirmMissing(ctx, sync, clerkID); err != nil {
			return err
		}
		report(sync)
	}
	return s.db.KeepIndex(ctx)
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

// confirmMissing asks Clerk for a user who was not in the list, and deletes or
// mends them.
func (s *Server) confirmMissing(ctx context.Context, sync db.Sync, clerkID string) (db.Sync, error) {
	var user db.UserData
	err := s.clerkAPI.Patiently(ctx, func() (err error) {
		user, err = s.askClerk(ctx, clerkID)
		return err
	})
	switch {
	case errors.Is(err, clerk.ErrUserNotFound):
		if sync, err = s.db.DeleteMissing(ctx, sync.ID, clerkID, db.TimeOf(time.Now())); err == nil {
			s.publishDeletion(ctx, clerkID)
		}
		return sync, err
	case errors.Is(err, clerk.ErrUserUnusable):
		s.log.Error("a user cannot be compared with Clerk's", "user", clerkID, "error", err)
		return sync, nil
	case err != nil:
		return sync, err
	}
	return s.saveUsers(ctx, sync, []db.UserData{user}, sync.Cursor)
}

// startSync begins a comparison in the background. It reports false when one
// is under way.
func (s *Server) startSync() bool {
	if !s.syncing.CompareAndSwap(false, true) {
		return false
	}
	s.background.Go(func() {
		defer s.syncing.Store(false)
		s.logSync(s.syncUsers(s.running, func(db.Sync) {}))
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

// syncDaily compares the users when the last comparison is a day old or did not
// come to its end, until Close.
func (s *Server) syncDaily() {
	for wait := syncDelay; ; wait = syncPause {
		select {
		case <-s.running.Done():
			return
		case <-time.After(wait):
		}
		last, err := s.db.GetLastSync(s.running)
		if err == nil && last.FinishedAt != 0 && time.Since(last.FinishedAt.Time()) < syncEvery {
			continue
		}
		s.startSync()
	}
}
