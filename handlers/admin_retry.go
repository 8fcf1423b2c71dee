package handlers

import (
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"inkwell/clerk"
	"inkwell/db"
)

// retryWebhook handles "POST /admin/webhooks/retry": it tries once more the
// dead letter that the field id names.
func (s *Server) retryWebhook(w http.ResponseWriter, r *http.Request, user db.User) error {
	values, err := readForm(r)
	if err != nil {
		return err
	}
	letter, err := s.db.GetDeadLetter(r.Context(), values.Get("id"))
	if err != nil {
		return goneLetter(err)
	}
	outcome, err := s.retryLetter(r, letter)
	if err != nil {
		return goneLetter(err)
	}
	s.log.Info("webhook tried again", "id", requestID(r), "event", letter.SvixID, "type", letter.Type, "outcome", outcome, "by", user.ClerkID)
	said, list := retriedText(outcome), eventsPath(values.Get("return_to"))
	if wantsFragment(r) {
		return s.showEvent(w, r, letter.SvixID, list, said)
	}
	s.leaveNotice(w, r, notice{Text: said})
	http.Redirect(w, r, list, http.StatusSeeOther)
	return nil
}

// eventsPath is a list of events, all of them when target leads elsewhere.
func eventsPath(target string) string {
	if path := localPath(target); strings.HasPrefix(path, webhooksPath+"?") {
		return path
	}
	return webhooksPath
}

// retryLetter reads a dead letter again, which a newer version of the program
// may be able to, and applies it.
func (s *Server) retryLetter(r *http.Request, letter db.WebhookEvent) (db.Outcome, error) {
	event, err := clerk.ParseEvent([]byte(letter.Body), letter.SvixID)
	var unusable *clerk.UnusableError
	if err != nil && !errors.As(err, &unusable) {
		return "", fmt.Errorf("read webhook %s: %w", letter.SvixID, err)
	}
	var outcome db.Outcome
	err = s.publishingEvent(r.Context(), event, func() (err error) {
		outcome, err = s.db.RetryEvent(r.Context(), eventData(event, unusable))
		return err
	})
	if err != nil {
		return "", fmt.Errorf("webhook %s: %w", letter.SvixID, err)
	}
	return outcome, nil
}

// goneLetter explains why there is no such dead letter.
func goneLetter(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return errNoDeadLetter
	}
	return fmt.Errorf("try again: %w", err)
}

// retriedText says what came of another try.
func retriedText(outcome db.Outcome) string {
	switch outcome {
	case db.OutcomeDeadLetter:
		return "The event still cannot be used."
	case db.OutcomeStale:
		return "The event was read. Nothing had to be changed: something newer is known."
	case db.OutcomeIgnored:
		return "The event was read. It is of a kind that changes no user."
	}
	return "The event is applied."
}

// dismissWebhook handles "POST /admin/webhooks/dismiss": it puts away the dead
// letter that the field id names or, without it, all that came until the time in
// the field until.
func (s *Server) dismissWebhook(w http.ResponseWriter, r *http.Request, user db.User) error {
	values, err := readForm(r)
	if err != nil {
		return err
	}
	if values.Has("until") {
		return s.dismissAll(w, r, user, values.Get("until"))
	}
	id, list := values.Get("id"), eventsPath(values.Get("return_to"))
	err = s.db.DismissDeadLetter(r.Context(), id)
	if errors.Is(err, sql.ErrNoRows) {
		return errDismissed
	}
	if err != nil {
		return err
	}
	s.log.Info("webhook dismissed", "id", requestID(r), "event", id, "by", user.ClerkID)
	const said = "The event is dismissed."
	if wantsFragment(r) {
		return s.showEvent(w, r, id, list, said)
	}
	s.leaveNotice(w, r, notice{Text: said})
	http.Redirect(w, r, list, http.StatusSeeOther)
	return nil
}

// dismissAll dismisses what somebody has seen, and not what came since.
func (s *Server) dismissAll(w http.ResponseWriter, r *http.Request, user db.User, until string) error {
	ms, err := strconv.ParseInt(until, 10, 64)
	if err != nil {
		return errBadForm
	}
	n, err := s.db.DismissDeadLetters(r.Context(), db.Time(ms))
	if err != nil {
		return err
	}
	s.log.Info("webhooks dismissed", "id", requestID(r), "events", n, "by", user.ClerkID)
	s.leaveNotice(w, r, notice{Text: "Dismissed: " + plural(n, "event") + "."})
	http.Redirect(w, r, webhooksPath, http.StatusSeeOther)
	return nil
}

// showEvent answers with an event as it stands now, with the focus on it.
func (s *Server) showEvent(w http.ResponseWriter, r *http.Request, svixID, list, said string) error {
	row, err := s.db.GetEvent(r.Context(), svixID)
	if err != nil {
		return fmt.Errorf("show event: %w", err)
	}
	overview, err := s.overview(r)
	if err != nil {
		return err
	}
	item := newEventItem(db.ListEventsRow(row), list, time.Now())
	item.Focus = true
	if row.DismissedAt == 0 { // which it says by itself
		item.Said = said
	}
	return s.fragment(w, http.StatusOK, part{"event", item}, part{"overview-changed", overview}, part{"status", said})
}
