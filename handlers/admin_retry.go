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

// retryWebhook handles "POST /admin/webhooks/retry": it tries the dead letter
// with the svix-id in the field id once more.
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
	n, list := retryNotice(letter.Type, outcome), eventsPath(values.Get("return_to"))
	if wantsFragment(r) {
		return s.showRetried(w, r, letter, list, n)
	}
	s.leaveNotice(w, r, n)
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
	body := []byte(letter.Body)
	event, err := clerk.ParseEvent(body, letter.SvixID)
	var unusable *clerk.UnusableError
	if err != nil && !errors.As(err, &unusable) {
		return "", fmt.Errorf("read webhook %s: %w", letter.SvixID, err)
	}
	outcome, err := s.db.RetryEvent(r.Context(), eventData(event, body, unusable))
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

// retryNotice says what came of another try.
func retryNotice(eventType string, outcome db.Outcome) notice {
	switch outcome {
	case db.OutcomeDeadLetter:
		return notice{Text: "The event still cannot be used.", Problem: true}
	case db.OutcomeStale:
		return notice{Text: fmt.Sprintf("The event %s was read. Nothing had to be changed: something newer is known.", eventType)}
	}
	return notice{Text: fmt.Sprintf("The event %s is applied.", eventType)}
}

// showRetried answers with the event as it stands now, with the focus on it.
func (s *Server) showRetried(w http.ResponseWriter, r *http.Request, letter db.WebhookEvent, list string, n notice) error {
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
	item.Focus, item.ReturnTo = true, list
	parts := []part{{"event", item}, {"overview-changed", overview}, {"alert", n}}
	if !n.Problem { // which is said by itself
		parts = append(parts, part{"status", n.Text})
	}
	return s.fragment(w, http.StatusOK, parts...)
}
