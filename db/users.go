package db

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// The values of User.Role.
const (
	RoleMember    = "member"
	RoleModerator = "moderator"
	RoleAdmin     = "admin"
)

// Active reports whether the user may do anything here: they are not deleted,
// not banned and not removed by their organisation. A locked user is active:
// that lock concerns Clerk's sign-in alone.
func (u User) Active() bool { return u.DeletedAt == 0 && !u.Banned && !u.Deprovisioned }

// UserData is what Clerk says of a user at one moment.
type UserData struct {
	ClerkID                       string
	Email                         *string // nil: none
	EmailVerified                 bool
	Username, FirstName, LastName *string
	Name, ImageURL                string // "": none
	Role                          string // "": RoleMember
	Banned, Locked, Deprovisioned bool
	CreatedAt, UpdatedAt          Time // by Clerk's clock
	Asked                         Time // when Clerk was asked, by ours; 0: now, or it told by an event
}

func (data UserData) role() string { return cmp.Or(data.Role, RoleMember) }

// EnsureUser returns the user with Clerk's id as they stand, also when they are
// not Active. Without a row for them it makes one that holds the id alone.
func (d *DB) EnsureUser(ctx context.Context, clerkID string) (User, error) {
	user, err := d.GetUserByClerkID(ctx, clerkID)
	if !errors.Is(err, sql.ErrNoRows) {
		return user, err
	}
	err = d.write(ctx, func(ctx context.Context, q *Queries) error {
		if err := q.ensureUser(ctx, ensureUserParams{ClerkID: clerkID, Now: d.now()}); err != nil {
			return err
		}
		user, err = q.GetUserByClerkID(ctx, clerkID)
		return err
	})
	if err != nil {
		return User{}, fmt.Errorf("ensure user: %w", err)
	}
	return user, nil
}

// SaveUser stores a user as read from Clerk's Backend API and returns the row.
// It changes nothing when the user is deleted or the row is newer: of the same
// update, when it was written since data.Asked.
func (d *DB) SaveUser(ctx context.Context, data UserData) (User, error) {
	var user User
	err := d.write(ctx, func(ctx context.Context, q *Queries) error {
		var err error
		user, err = q.GetUserByClerkID(ctx, data.ClerkID)
		if err == nil && user.ClerkUpdatedAt == data.UpdatedAt && user.says(data) {
			return nil
		}
		if _, err := d.saveUser(ctx, q, data, version{}); err != nil {
			return err
		}
		user, err = q.GetUserByClerkID(ctx, data.ClerkID)
		return err
	})
	if err != nil {
		return User{}, fmt.Errorf("save user: %w", err)
	}
	return user, nil
}

// A version is the part of a row's version key, after UserData.UpdatedAt, that
// an event has. It is zero for a snapshot.
type version struct {
	at   Time
	rank int64
	id   string
}

// saveUser reports whether data was newer than the row.
func (d *DB) saveUser(ctx context.Context, q *Queries, data UserData, v version) (bool, error) {
	changed, err := q.upsertUser(ctx, upsertUserParams{
		ClerkID:        data.ClerkID,
		Email:          data.Email,
		EmailVerified:  data.EmailVerified,
		Username:       data.Username,
		FirstName:      data.FirstName,
		LastName:       data.LastName,
		Name:           Text(data.Name),
		ImageURL:       Text(data.ImageURL),
		Role:           data.role(),
		Banned:         data.Banned,
		Locked:         data.Locked,
		Deprovisioned:  data.Deprovisioned,
		ClerkCreatedAt: data.CreatedAt,
		ClerkUpdatedAt: data.UpdatedAt,
		EventAt:        v.at,
		EventRank:      v.rank,
		EventID:        v.id,
		HeardAt:        cmp.Or(data.Asked, d.now()),
	})
	return changed > 0, err
}

// DeleteUser makes a user whom Clerk has deleted a tombstone, as a webhook event
// of the deletion does: it clears what is personal and deletes their posts for
// good. To delete them again changes nothing.
func (d *DB) DeleteUser(ctx context.Context, clerkID string) error {
	err := d.write(ctx, func(ctx context.Context, q *Queries) error {
		_, err := d.deleteUser(ctx, q, clerkID, d.now())
		return err
	})
	if err != nil {
		return fmt.Errorf("delete user: %w", err)
	}
	return nil
}

// deleteUser makes a user a tombstone, also one never heard of. It reports
// whether they were live, or were thought to have been deleted later than at.
func (d *DB) deleteUser(ctx context.Context, q *Queries, clerkID string, at Time) (bool, error) {
	now := d.now()
	if at <= 0 {
		at = now
	}
	if err := q.ensureUser(ctx, ensureUserParams{ClerkID: clerkID, Now: now}); err != nil {
		return false, err
	}
	changed, err := q.deleteUser(ctx, deleteUserParams{ClerkID: clerkID, DeletedAt: at, Now: now})
	if err != nil {
		return false, err
	}
	if err := q.deleteProfileOf(ctx, clerkID); err != nil {
		return false, err
	}
	if err := q.deletePostsOf(ctx, deletePostsOfParams{ClerkID: clerkID, DeletedAt: now}); err != nil {
		return false, err
	}
	if err := q.deleteVotesOf(ctx, clerkID); err != nil {
		return false, err
	}
	if err := q.clearReportsOf(ctx, clerkID); err != nil {
		return false, err
	}
	if err := q.clearTitles(ctx, clerkID); err != nil {
		return false, err
	}
	user, err := q.GetUserByClerkID(ctx, clerkID)
	if err != nil {
		return false, err
	}
	if err := q.forgetAuditsOf(ctx, user.ID); err != nil {
		return false, err
	}
	return changed > 0, q.clearBodies(ctx, clerkID)
}
