package handlers

import (
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
		told = s.publishClosings(told)
		next.Reset(s.untilClosing(told))
	}
}

// publishClosings publishes the polls that have closed since a time, and
// returns until when that is.
func (s *Server) publishClosings(since db.Time) db.Time {
	now := db.TimeOf(time.Now())
	ids, err := s.db.ListClosedPolls(s.running, db.ListClosedPollsParams{After: since, Until: now})
	if err != nil {
		if s.running.Err() == nil {
			s.log.Error("open pages do not hear which polls have closed", "error", err)
		}
		return since
	}
	for _, id := range ids {
		s.publish(change{kind: pollChanged, post: id})
	}
	return now
}

// untilClosing returns how long it is until the next poll closes after a time,
// or until the next look.
func (s *Server) untilClosing(after db.Time) time.Duration {
	next, err := s.db.GetNextClosing(s.running, after)
	if err != nil { // mostly because there is none
		return closingsLook
	}
	return min(time.Until(next.Time()), closingsLook)
}
