package handlers

import (
	"database/sql"
	"errors"
	"time"

	"inkwell/db"
)

// closingsLook is how often it is looked which polls have closed, besides when
// the next one is to: clocks are set, and machines sleep.
const closingsLook = time.Minute

// An alarm wakes one who waits for it. To wake them again before they have
// looked is the same as once.
type alarm chan struct{}

func newAlarm() alarm { return make(alarm, 1) }

func (a alarm) wake() {
	select {
	case a <- struct{}{}:
	default:
	}
}

// tellClosings publishes that polls have closed, each at its time, until Close.
// It has to be woken when a poll may have got another time.
func (s *Server) tellClosings() {
	next := time.NewTimer(0)
	defer next.Stop()
	for told := db.TimeOf(time.Now()); ; {
		select {
		case <-s.running.Done():
			return
		case <-s.closings:
		case <-next.C:
		}
		var wait time.Duration
		told, wait = s.publishClosings(told)
		next.Reset(wait)
	}
}

// publishClosings publishes the polls that have closed since a time. It returns
// until when that is, and how long to wait before the next time.
func (s *Server) publishClosings(since db.Time) (db.Time, time.Duration) {
	now := db.TimeOf(time.Now())
	ids, err := s.db.ListClosedPolls(s.running, db.ListClosedPollsParams{After: since, Until: now})
	if err != nil {
		s.logClosings(err)
		return since, closingsLook
	}
	for _, id := range ids {
		s.publish(change{kind: pollChanged, post: id})
	}
	next, err := s.db.GetNextClosing(s.running, now)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return now, closingsLook
	case err != nil:
		s.logClosings(err)
		return now, closingsLook
	}
	return now, min(time.Until(next.Time()), closingsLook)
}

// logClosings tells the operator, unless the program ends.
func (s *Server) logClosings(err error) {
	if s.running.Err() == nil {
		s.log.Error("open pages do not hear which polls have closed", "error", err)
	}
}
