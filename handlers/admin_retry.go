package handlers

import (
	"database/sql"
	"errors"
	"fmt"
	"net/http"
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
		return s.showRetried(w, r, letter, list, said)
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
	outcome, err := s.db.RetryEvent(r.Context(), eventData(event, unusable))
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
	}
	return "The event is applied."
}

// showRetried answers with the event as it stands now, with the focus on it.
func (s *Server) showRetried(w http.ResponseWriter, r *http.Request, letter db.WebhookEvent, list, said string) error {
	// The first event before the place right behind this one.
	rows, err := s.db.ListEvents(r.Context(), db.ListEventsParams{BeforeAt: letter.ReceivedAt, BeforeID: letter.SvixID + "\x00", PageSize: 1})
	if err != nil {
		return fmt.Errorf("show event: %w", err)
	}
	if len(rows) == 0 || rows[0].SvixID != letter.SvixID {
		return errNoDeadLetter
	}
	overview, err := s.overview(r)
	if err != nil {
		return err
	}
	item := newEventItem(rows[0], eventSearch{}, time.Now())
	item.Focus, item.ReturnTo, item.Said = true, list, said
	return s.fragment(w, http.StatusOK, part{"event", item}, part{"overview-changed", overview}, part{"status", said})
}
