package handlers

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"inkwell/db"
)

// apiPoll is the JSON of a poll as one reader finds it.
type apiPoll struct {
	Question string      `json:"question"`
	Options  []apiOption `json:"options"` // in the author's order
	Total    *int64      `json:"total"`   // of all votes; null as these are
	ClosesAt *time.Time  `json:"closes_at"`
	Closed   bool        `json:"closed"`
	Voted    *int64      `json:"voted"` // the id of an option; null: the reader has not voted
}

type apiOption struct {
	ID    int64  `json:"id"`
	Text  string `json:"text"`
	Votes *int64 `json:"votes"` // null: the results are not shown to the reader
}

// apiPollOf returns the poll of a post as the visitor finds it, nil when there
// is none. Asked says that they have asked for the results.
func (s *Server) apiPollOf(ctx context.Context, row db.GetPostRow, v visitor, asked bool) (*apiPoll, error) {
	t, choice, err := s.findTally(ctx, row, v)
	if err != nil || len(t.options) == 0 {
		return nil, err
	}
	view := newPollView(t, v, choice, asked, time.Now())
	poll := &apiPoll{Question: t.poll.Question, Closed: view.Closed}
	if choice != 0 {
		poll.Voted = &choice
	}
	if t.poll.ClosesAt != 0 {
		at := t.poll.ClosesAt.Time()
		poll.ClosesAt = &at
	}
	poll.count(t.options, view.Results)
	return poll, nil
}

// count fills in the options, with results their votes too.
func (p *apiPoll) count(options []db.PollOption, results bool) {
	var total int64
	for _, o := range options {
		shown := apiOption{ID: o.ID, Text: o.Label}
		if results {
			shown.Votes = &o.Votes
		}
		total += o.Votes
		p.Options = append(p.Options, shown)
	}
	if results {
		p.Total = &total
	}
}

// pollInput is what a program sends of a new poll.
type pollInput struct {
	Question string   `json:"question"`
	Options  []string `json:"options"`
	ClosesAt *string  `json:"closes_at"`
}

// read returns the poll as it is stored, or what is wrong with it.
func (in pollInput) read(now time.Time) (db.PollText, error) {
	text := db.PollText{Question: cleanTitle(in.Question)}
	if problem := questionProblem(text.Question); problem != "" {
		return text, unprocessable("poll.question", problem)
	}
	for i, option := range in.Options {
		option = cleanTitle(option)
		if strings.ContainsAny(option, lineBreaks) {
			return text, unprocessable("poll.options", fmt.Sprintf("Option %d: An option is one line.", i+1))
		}
		text.Options = append(text.Options, option)
	}
	if problem := optionsProblem(text.Options); problem != "" {
		return text, unprocessable("poll.options", problem)
	}
	if in.ClosesAt == nil {
		return text, nil
	}
	at, err := time.Parse(time.RFC3339, *in.ClosesAt)
	switch {
	case err != nil:
		return text, unprocessable("poll.closes_at", "Write the time as "+now.UTC().AddDate(0, 0, 7).Format(time.RFC3339)+", or send null.")
	case !at.After(now):
		return text, unprocessable("poll.closes_at", "That time has passed. Choose a later one, or send null.")
	}
	text.ClosesAt = db.TimeOf(at)
	return text, nil
}

// apiVote handles "PUT /api/posts/{id}/vote".
func (s *Server) apiVote(w http.ResponseWriter, r *http.Request, user db.User) error {
	var input struct {
		Option int64 `json:"option"`
	}
	if err := readJSON(r, &input); err != nil {
		return err
	}
	if input.Option == 0 {
		return unprocessable("option", "Send the id of the option that you vote for.")
	}
	return s.answerVote(w, r, user, input.Option)
}

// apiWithdrawVote handles "DELETE /api/posts/{id}/vote".
func (s *Server) apiWithdrawVote(w http.ResponseWriter, r *http.Request, user db.User) error {
	return s.answerVote(w, r, user, 0)
}

// answerVote makes an option the user's vote, 0 for none, and answers with the
// poll as it is then.
func (s *Server) answerVote(w http.ResponseWriter, r *http.Request, user db.User, option int64) error {
	row, err := s.findPoll(r, known(user))
	if err != nil {
		return err
	}
	if err := s.castVote(r.Context(), row.Post.ID, user, option); err != nil {
		return err
	}
	poll, err := s.apiPollOf(r.Context(), row, known(user), false)
	if err != nil {
		return err
	}
	return answerJSON(w, http.StatusOK, poll)
}
