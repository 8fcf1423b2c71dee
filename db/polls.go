package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/mattn/go-sqlite3"
)

// A PollText is a question with its options. The zero PollText is no poll.
type PollText struct {
	Question string
	Options  []string // all different, in the author's order
	ClosesAt Time     // 0: when the author closes it
}

func (t PollText) equal(other PollText) bool {
	return t.Question == other.Question && t.ClosesAt == other.ClosesAt && slices.Equal(t.Options, other.Options)
}

// Closed reports whether nobody can vote any more. A poll that does not close
// is open; so is the zero Poll.
func (p Poll) Closed(now Time) bool { return p.ClosesAt != 0 && p.ClosesAt <= now }

// GetPollText returns the poll of a post as its author wrote it, and the number
// of its votes. A post without one has the zero PollText.
func (q *Queries) GetPollText(ctx context.Context, postID int64) (text PollText, votes int64, err error) {
	poll, err := q.GetPoll(ctx, postID)
	if errors.Is(err, sql.ErrNoRows) {
		return text, 0, nil
	}
	if err != nil {
		return text, 0, err
	}
	options, err := q.ListPollOptions(ctx, postID)
	text = PollText{Question: poll.Question, ClosesAt: poll.ClosesAt}
	for _, option := range options {
		text.Options = append(text.Options, option.Label)
		votes += option.Votes
	}
	return text, votes, err
}

// setPoll makes text the poll of a post, if it is not that already, and reports
// whether it changed anything. Nil leaves the poll as it is.
func setPoll(ctx context.Context, q *Queries, postID int64, text *PollText) (bool, error) {
	if text == nil {
		return false, nil
	}
	old, votes, err := q.GetPollText(ctx, postID)
	if err != nil || old.equal(*text) {
		return false, err
	}
	if votes > 0 {
		return false, ErrPollInUse
	}
	if err := q.deletePoll(ctx, postID); err != nil {
		return false, err
	}
	return true, insertPoll(ctx, q, postID, *text)
}

func insertPoll(ctx context.Context, q *Queries, postID int64, text PollText) error {
	if text.Question == "" {
		return nil
	}
	err := q.createPoll(ctx, createPollParams{PostID: postID, Question: text.Question, ClosesAt: int64(text.ClosesAt)})
	for _, label := range text.Options {
		if err == nil {
			err = q.createPollOption(ctx, createPollOptionParams{PostID: postID, Label: label})
		}
	}
	return err
}

// VoteParams says what somebody votes for.
type VoteParams struct {
	PostID   int64
	UserID   int64
	OptionID int64 // 0: they withdraw their vote
}

// Vote makes an option the user's one vote in the poll of a post, or withdraws
// it, and reports whether that changed anything. The counts of the options and
// the votes always agree. The error may be sql.ErrNoRows (no such poll, or not
// published), ErrPollClosed, ErrNoOption or ErrInactive.
func (d *DB) Vote(ctx context.Context, p VoteParams) (changed bool, err error) {
	err = d.write(ctx, func(ctx context.Context, q *Queries) error {
		if err := requireActive(ctx, q, p.UserID); err != nil {
			return err
		}
		poll, err := q.getPublicPoll(ctx, p.PostID)
		if err != nil {
			return err
		}
		now := d.now()
		if poll.Closed(now) {
			return ErrPollClosed
		}
		changed, err = vote(ctx, q, p, now)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("vote: %w", err)
	}
	return changed, nil
}

func vote(ctx context.Context, q *Queries, p VoteParams, now Time) (bool, error) {
	if p.OptionID == 0 {
		n, err := q.deleteVote(ctx, deleteVoteParams{PostID: p.PostID, UserID: p.UserID})
		return n > 0, err
	}
	n, err := q.saveVote(ctx, saveVoteParams{PostID: p.PostID, UserID: p.UserID, OptionID: p.OptionID, VotedAt: now})
	var e sqlite3.Error
	if errors.As(err, &e) && e.ExtendedCode == sqlite3.ErrConstraintForeignKey {
		return false, ErrNoOption
	}
	return n > 0, err
}

// ClosePoll closes the poll of a post for good, and reports whether it was
// open. That is a change of the post: UpdatedAt moves forward. The error may be
// sql.ErrNoRows.
func (d *DB) ClosePoll(ctx context.Context, postID int64) (closed bool, err error) {
	err = d.write(ctx, func(ctx context.Context, q *Queries) error {
		post, err := q.getLivePost(ctx, postID)
		if err != nil {
			return err
		}
		if _, err := q.GetPoll(ctx, postID); err != nil {
			return err
		}
		n, err := q.closePoll(ctx, closePollParams{PostID: postID, Now: d.now()})
		if closed = n > 0; err != nil || !closed {
			return err
		}
		return d.savePost(ctx, q, &post)
	})
	if err != nil {
		return false, fmt.Errorf("close poll: %w", err)
	}
	return closed, nil
}
