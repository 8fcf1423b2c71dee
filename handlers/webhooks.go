package handlers

import (
	"errors"
	"fmt"
	"io"
	"net/http"

	"inkwell/clerk"
	"inkwell/db"
)

// WebhookPath is where Clerk delivers its events.
const WebhookPath = "/api/webhooks/clerk"

// receiveWebhook handles "POST /api/webhooks/clerk". Its answers are one word
// at most: they are shown in Clerk's dashboard, and tell a forger nothing.
func (s *Server) receiveWebhook(w http.ResponseWriter, r *http.Request) error {
	if s.webhooks == nil {
		s.unconfigured.Do(func() { // anybody can send one
			s.log.Warn("webhooks come, but CLERK_WEBHOOK_SIGNING_SECRET is not set; this is said once an hour at most", "id", requestID(r))
		})
		return answerWord(w, http.StatusInternalServerError, "unconfigured")
	}
	if !clerk.Signed(r.Header) {
		s.log.Warn("webhook refused", "id", requestID(r), "error", "it is not signed")
		return answerWord(w, http.StatusBadRequest, "refused")
	}
	body, err := io.ReadAll(r.Body)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return answerWord(w, http.StatusRequestEntityTooLarge, "large")
	case err != nil:
		return answerWord(w, http.StatusBadRequest, "refused")
	}
	event, err := s.webhooks.Event(body, r.Header)
	var unusable *clerk.UnusableError
	if err != nil && !errors.As(err, &unusable) {
		s.log.Warn("webhook refused", "id", requestID(r), "error", err)
		return answerWord(w, http.StatusBadRequest, "refused")
	}
	outcome, err := s.applyWebhook(r, event, unusable)
	if err != nil {
		s.log.Error("webhook failed; Clerk will deliver it again", "id", requestID(r), "error", err)
		return answerWord(w, http.StatusInternalServerError, "failed")
	}
	return answerWord(w, http.StatusOK, string(outcome))
}

// applyWebhook stores a verified event with its effect, or with why it has
// none.
func (s *Server) applyWebhook(r *http.Request, event clerk.Event, unusable *clerk.UnusableError) (db.Outcome, error) {
	if unusable != nil {
		s.log.Error("webhook cannot be used", "id", requestID(r), "event", event.ID, "type", event.Type, "reason", unusable.Error())
	}
	var outcome db.Outcome
	err := s.publishingEvent(r.Context(), event, func() (err error) {
		outcome, err = s.db.ApplyEvent(r.Context(), eventData(event, unusable))
		return err
	})
	if err != nil {
		return "", fmt.Errorf("apply %s %s: %w", event.Type, event.ID, err)
	}
	return outcome, nil
}

// eventData is what the database keeps of Clerk's event. Unusable may be nil.
func eventData(e clerk.Event, unusable *clerk.UnusableError) db.Event {
	data := db.Event{
		SvixID:         e.ID,
		Type:           e.Type,
		At:             db.TimeOf(e.At),
		ClerkID:        e.UserID,
		DeletedClerkID: e.DeletedUserID,
		EndedSessionID: e.EndedSessionID,
	}
	switch {
	case unusable != nil:
		data.Unusable, data.Body = unusable.Problem, unusable.Body
	case e.User != nil:
		user := userData(*e.User)
		data.User = &user
	}
	return data
}

func answerWord(w http.ResponseWriter, status int, word string) error {
	return write(w, status, "text/plain; charset=utf-8", []byte(word))
}
