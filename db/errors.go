package db

import (
	"errors"
	"fmt"

	"github.com/mattn/go-sqlite3"
)

// What a change can meet, beside sql.ErrNoRows for what is not there. Test with
// errors.Is.
var (
	// ErrConflict is wrapped by every error that says that the data has come
	// to stand in the way of the change.
	ErrConflict = errors.New("conflict")

	// ErrTitleTaken: the author has another post with this title.
	ErrTitleTaken = fmt.Errorf("%w: the author has a post with this title", ErrConflict)

	// ErrStale: the post, the bio or the quote was changed since it was read.
	ErrStale = fmt.Errorf("%w: it was changed meanwhile", ErrConflict)

	// ErrPollInUse: somebody has voted, so that the question stays as it is.
	ErrPollInUse = fmt.Errorf("%w: the poll has votes", ErrConflict)

	// ErrPollClosed: nobody can vote any more.
	ErrPollClosed = fmt.Errorf("%w: the poll is closed", ErrConflict)

	// ErrNoOption: the poll has no such option, or not any more.
	ErrNoOption = errors.New("no such option")

	// ErrHidden: a moderator has hidden the post, so that it cannot be published.
	ErrHidden = fmt.Errorf("%w: the post is hidden by a moderator", ErrConflict)

	// ErrReported: the reader has reported the post, which is not decided yet.
	ErrReported = fmt.Errorf("%w: the post is reported by the same reader", ErrConflict)

	// ErrUntitled: a published post must have a title.
	ErrUntitled = errors.New("a published post needs a title")

	// ErrInactive: the user is deleted, banned, deprovisioned or unknown.
	ErrInactive = errors.New("the user is not active")

	// ErrPlace: a place in what was found is none, or one of another search.
	ErrPlace = errors.New("no place in what was found")
)

var (
	errQueue = errors.New("other changes take too long")
	errMoved = errors.New("the database file was moved or removed; put it back or restart the program")
)

// IsUnavailable reports whether err says that the database cannot do its work
// at the moment, through no fault of the request: it is locked by another
// program, the disk is full or does not obey.
func IsUnavailable(err error) bool {
	var e sqlite3.Error
	switch {
	case errors.Is(err, errQueue), errors.Is(err, errMoved):
		return true
	case !errors.As(err, &e):
		return false
	}
	switch e.Code {
	case sqlite3.ErrBusy, sqlite3.ErrLocked, sqlite3.ErrFull, sqlite3.ErrIoErr,
		sqlite3.ErrReadonly, sqlite3.ErrCantOpen, sqlite3.ErrNomem:
		return true
	}
	return false
}

// titleTaken returns ErrTitleTaken in place of the database's own error for
// it, and any other error as it is.
func titleTaken(err error) error {
	var e sqlite3.Error
	if errors.As(err, &e) && e.ExtendedCode == sqlite3.ErrConstraintUnique {
		return ErrTitleTaken
	}
	return err
}
