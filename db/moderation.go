package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
)

// An Act is what a moderator has done, as the log keeps it.
type Act string

// What moderators do, and administrators.
const (
	ActHide     Act = "hide"
	ActUnhide   Act = "unhide"
	ActDismiss  Act = "dismiss" // of the reports of a post
	ActDelete   Act = "delete"
	ActUndelete Act = "undelete" // the undo of their own deletion
	ActBan      Act = "ban"
	ActUnban    Act = "unban"
)

// The values of Report.Kind.
const (
	ReportSpam    = "spam"
	ReportAbuse   = "abuse"
	ReportIllegal = "illegal"
	ReportOther   = "other"
)

// allReports is the id that no report comes after.
const allReports int64 = math.MaxInt64

// HidePostParams says which post to hide, and why.
type HidePostParams struct {
	ID     int64
	By     int64 // the moderator
	Reason string
}

// HidePost takes a published post from its readers until UnhidePost, and with
// it the reports of the post. Its author keeps it but cannot publish it. The
// error may be sql.ErrNoRows, also for a post that is not published, or
// ErrInactive.
func (d *DB) HidePost(ctx context.Context, p HidePostParams) (Post, error) {
	var post Post
	err := d.write(ctx, func(ctx context.Context, q *Queries) (err error) {
		if err := requireActive(ctx, q, p.By); err != nil {
			return err
		}
		if post, err = q.getLivePost(ctx, p.ID); err != nil {
			return err
		}
		if !post.Published {
			return sql.ErrNoRows
		}
		return d.hidePost(ctx, q, &post, p.By, p.Reason)
	})
	if err != nil {
		return Post{}, fmt.Errorf("hide post: %w", err)
	}
	return post, nil
}

// hidePost hides a published post, removes its reports and logs it.
func (d *DB) hidePost(ctx context.Context, q *Queries, post *Post, by int64, reason string) error {
	post.Published, post.HiddenAt, post.HiddenBy, post.HiddenReason = false, d.now(), &by, Text(reason)
	err := q.hidePost(ctx, hidePostParams{ID: post.ID, HiddenAt: post.HiddenAt, HiddenBy: post.HiddenBy, HiddenReason: post.HiddenReason})
	if err != nil {
		return err
	}
	reports, err := q.removeReports(ctx, removeReportsParams{PostID: post.ID, LastID: allReports})
	if err != nil {
		return err
	}
	return d.logAct(ctx, q, ActHide, by, *post, reason, reports)
}

// UnhidePostParams says which post to give back to its readers.
type UnhidePostParams struct {
	ID      int64
	By      int64 // the moderator
	Version Time  // Post.UpdatedAt as the moderator saw it; 0: whatever it is now
}

// UnhidePost publishes a hidden post again, as of its first publication. The
// error may be sql.ErrNoRows, also for a post that is not hidden, ErrStale,
// ErrUntitled or ErrInactive.
func (d *DB) UnhidePost(ctx context.Context, p UnhidePostParams) (Post, error) {
	var post Post
	err := d.write(ctx, func(ctx context.Context, q *Queries) (err error) {
		if err := requireActive(ctx, q, p.By); err != nil {
			return err
		}
		post, err = q.getLivePost(ctx, p.ID)
		switch {
		case err != nil:
			return err
		case post.HiddenAt == 0:
			return sql.ErrNoRows
		case p.Version != 0 && p.Version != post.UpdatedAt:
			return ErrStale
		case post.Title == "":
			return ErrUntitled
		}
		post.Published, post.HiddenAt, post.HiddenBy, post.HiddenReason = true, 0, nil, ""
		if err := q.unhidePost(ctx, p.ID); err != nil {
			return err
		}
		return d.logAct(ctx, q, ActUnhide, p.By, post, "", 0)
	})
	if err != nil {
		return Post{}, fmt.Errorf("unhide post: %w", err)
	}
	return post, nil
}

// logAct notes what the moderator did to a post.
func (d *DB) logAct(ctx context.Context, q *Queries, act Act, by int64, post Post, reason string, reports int64) error {
	return q.logAct(ctx, logActParams{
		Act: act, ByID: by, UserID: post.AuthorID, PostID: post.ID, Title: Text(post.Title),
		Reason: Text(reason), Reports: reports, CreatedAt: d.now(),
	})
}

// logOfOther is logAct for what an author may do as well: that is no moderation.
func (d *DB) logOfOther(ctx context.Context, q *Queries, act Act, by int64, post Post) error {
	if post.AuthorID == by {
		return nil
	}
	return d.logAct(ctx, q, act, by, post, "", 0)
}

// ReportPostParams is what a reader says of a post.
type ReportPostParams struct {
	ID   int64
	By   int64  // the reader
	Kind string // such as ReportSpam
	Text string // may be ""
}

// ReportPost puts a post into the moderators' queue. The error may be
// ErrReported, ErrInactive or sql.ErrNoRows, also for a post that is not
// published.
func (d *DB) ReportPost(ctx context.Context, p ReportPostParams) error {
	err := d.write(ctx, func(ctx context.Context, q *Queries) error {
		if err := requireActive(ctx, q, p.By); err != nil {
			return err
		}
		post, err := q.getLivePost(ctx, p.ID)
		if err != nil {
			return err
		}
		if !post.Published {
			return sql.ErrNoRows
		}
		created, err := q.createReport(ctx, createReportParams{PostID: p.ID, ReporterID: p.By, Kind: p.Kind, Text: p.Text, CreatedAt: d.now()})
		if err == nil && created == 0 {
			return ErrReported
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("report post: %w", err)
	}
	return nil
}

// DismissReportsParams says which reports nothing has to be done about.
type DismissReportsParams struct {
	PostID int64
	LastID int64 // of the reports of the post that the moderator has seen
	By     int64 // the moderator
}

// DismissReports removes reports of a post. Later ones stay. The error may be
// ErrInactive or sql.ErrNoRows, when there are none any more.
func (d *DB) DismissReports(ctx context.Context, p DismissReportsParams) error {
	err := d.write(ctx, func(ctx context.Context, q *Queries) error {
		if err := requireActive(ctx, q, p.By); err != nil {
			return err
		}
		post, err := q.getLivePost(ctx, p.PostID)
		if err != nil {
			return err
		}
		reports, err := q.removeReports(ctx, removeReportsParams{PostID: p.PostID, LastID: p.LastID})
		if err == nil && reports == 0 {
			err = sql.ErrNoRows
		}
		if err != nil {
			return err
		}
		return d.logAct(ctx, q, ActDismiss, p.By, post, "", reports)
	})
	if err != nil {
		return fmt.Errorf("dismiss reports: %w", err)
	}
	return nil
}

// BanUserParams says who is to be let in no more, or again.
type BanUserParams struct {
	User      UserData // as Clerk says since
	Act       Act      // ActBan or ActUnban
	Seen      int64    // GetLastBanID before Clerk was asked
	Again     bool     // they were banned, or let in, already then
	By        int64    // the administrator
	Reason    string   // may be ""
	HidePosts bool     // of the user, for the same reason
}

// BanUser stores that Clerk has banned a user, or unbanned, and returns the ids
// of the posts that it hid. What the log says already it does not say twice.
func (d *DB) BanUser(ctx context.Context, p BanUserParams) (hidden []int64, err error) {
	err = d.write(ctx, func(ctx context.Context, q *Queries) error {
		if _, err := d.saveUser(ctx, q, p.User, version{}); err != nil {
			return err
		}
		user, err := q.GetUserByClerkID(ctx, p.User.ClerkID)
		if err != nil {
			return err
		}
		if err := d.logBan(ctx, q, user.ID, p); err != nil {
			return err
		}
		if p.HidePosts {
			hidden, err = d.hidePostsOf(ctx, q, user.ID, p.By, p.Reason)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%s user: %w", p.Act, err)
	}
	return hidden, nil
}

// logBan notes that a user was banned, or let in, unless the log says so: since
// before, or by somebody who did the same meanwhile.
func (d *DB) logBan(ctx context.Context, q *Queries, userID int64, p BanUserParams) error {
	last, err := q.getLastBan(ctx, userID)
	switch {
	case err != nil && !errors.Is(err, sql.ErrNoRows):
		return err
	case last.Act == p.Act && (p.Again || last.ID != p.Seen):
		return nil
	}
	return q.logAct(ctx, logActParams{Act: p.Act, ByID: p.By, UserID: userID, Reason: Text(p.Reason), CreatedAt: d.now()})
}

// hidePostsOf hides all published posts of a user, and returns their ids.
func (d *DB) hidePostsOf(ctx context.Context, q *Queries, userID, by int64, reason string) ([]int64, error) {
	posts, err := q.listPublishedOf(ctx, userID)
	if err != nil {
		return nil, err
	}
	var ids []int64
	for _, row := range posts {
		if err := d.hidePost(ctx, q, &Post{ID: row.ID, AuthorID: userID, Title: row.Title}, by, reason); err != nil {
			return nil, err
		}
		ids = append(ids, row.ID)
	}
	return ids, nil
}
