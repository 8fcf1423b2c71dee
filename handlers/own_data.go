package handlers

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"time"

	"inkwell/db"
)

// An ownList is a list in the download of a user's data. Its rows are written as
// JSON one by one: posts are read one by one, too, votes all at once, since they
// are short, and events page by page.
type ownList struct {
	name string
	rows iter.Seq2[any, error] // ends after an error
}

// ownLists returns the lists of what a user wrote and what is known of them.
func (s *Server) ownLists(ctx context.Context, user db.User) []ownList {
	return []ownList{
		{"posts", s.ownPosts(ctx, user)},
		{"votes", s.ownVotes(ctx, user)},
		{"reports", s.ownReports(ctx, user)},
		{"webhook_events", s.ownEvents(ctx, user)},
	}
}

// ownData is what is kept about a user beside lists.
type ownData struct {
	ExportedAt time.Time  `json:"exported_at"`
	User       ownUser    `json:"user"`
	Profile    ownProfile `json:"profile"`
}

type ownUser struct {
	ID            int64     `json:"id"`
	ClerkID       string    `json:"clerk_id"`
	Email         *string   `json:"email"`
	EmailVerified bool      `json:"email_verified"`
	Username      *string   `json:"username"`
	FirstName     *string   `json:"first_name"`
	LastName      *string   `json:"last_name"`
	Name          string    `json:"name"`
	ImageURL      string    `json:"image_url"`
	Role          string    `json:"role"`
	Locked        bool      `json:"locked"`
	JoinedAt      time.Time `json:"joined_at,omitzero"` // at Clerk
	CreatedAt     time.Time `json:"created_at"`
	UpdatedAt     time.Time `json:"updated_at"`
}

type ownProfile struct {
	Bio     string `json:"bio"`
	Quote   string `json:"quote"`
	QuoteBy string `json:"quote_by"`
}

type ownPost struct {
	ID          int64     `json:"id"`
	Title       string    `json:"title"`
	Content     string    `json:"content"`
	Published   bool      `json:"published"`
	Views       int64     `json:"views"`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
	PublishedAt time.Time `json:"published_at,omitzero"`
	DeletedAt   time.Time `json:"deleted_at,omitzero"`
	HiddenAt    time.Time `json:"hidden_at,omitzero"` // by a moderator
	Poll        *ownPoll  `json:"poll,omitempty"`
	Unsent      *ownText  `json:"unsent,omitempty"`    // typed into the form of a published post
	Discarded   []ownText `json:"discarded,omitempty"` // of that, for as long as it is kept

	HiddenReason string `json:"hidden_reason,omitempty"`
}

type ownText struct {
	Title   string    `json:"title"`
	Content string    `json:"content"`
	SavedAt time.Time `json:"saved_at"`
}

type ownPoll struct {
	Question string    `json:"question"`
	Options  []string  `json:"options"`
	ClosesAt time.Time `json:"closes_at,omitzero"`
}

type ownVote struct {
	PostID   int64     `json:"post_id"`
	Question string    `json:"question"`
	Option   string    `json:"option"`
	VotedAt  time.Time `json:"voted_at"`
}

// ownReport is a report by the user that is not decided yet.
type ownReport struct {
	PostID    int64     `json:"post_id"`
	Kind      string    `json:"kind"`
	Text      string    `json:"text"`
	CreatedAt time.Time `json:"created_at"`
}

type ownEvent struct {
	Type       string     `json:"type"`
	Outcome    db.Outcome `json:"outcome"`
	ReceivedAt time.Time  `json:"received_at"`
}

// downloadData handles "GET /settings/data": what the user wrote, how they voted
// and what is known of their account, as one JSON object.
func (s *Server) downloadData(w http.ResponseWriter, r *http.Request, user db.User) error {
	row, err := s.db.GetProfile(r.Context(), user.ID)
	if err != nil {
		return fmt.Errorf("data of user %d: %w", user.ID, err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Disposition", `attachment; filename="inkwell-data.json"`)
	if err := writeOwnData(newPatientWriter(w), newOwnData(row), s.ownLists(r.Context(), user)); err != nil {
		s.log.Error("a download was broken off", "id", requestID(r), "error", err)
		panic(http.ErrAbortHandler) // so that nobody takes a part for the whole
	}
	return nil
}

func newOwnData(row db.GetProfileRow) ownData {
	u := row.User
	return ownData{
		ExportedAt: time.Now().UTC().Truncate(time.Second),
		User: ownUser{
			ID: u.ID, ClerkID: u.ClerkID, Email: u.Email, EmailVerified: u.EmailVerified, Username: u.Username,
			FirstName: u.FirstName, LastName: u.LastName, Name: string(u.Name), ImageURL: string(u.ImageURL), Role: u.Role, Locked: u.Locked,
			JoinedAt: u.ClerkCreatedAt.Time(), CreatedAt: u.CreatedAt.Time(), UpdatedAt: u.UpdatedAt.Time(),
		},
		Profile: ownProfile{Bio: row.Bio, Quote: row.Quote, QuoteBy: row.QuoteBy},
	}
}

// writeOwnData writes one object: the members of data, then the lists.
func writeOwnData(w io.Writer, data ownData, lists []ownList) error {
	out := bufio.NewWriter(w)
	head, err := json.Marshal(data)
	if err != nil {
		return err
	}
	out.Write(head[:len(head)-1]) // without the brace that ends it
	for _, list := range lists {
		fmt.Fprintf(out, ",\n%q:[", list.name)
		if err := writeRows(out, list.rows); err != nil {
			return fmt.Errorf("%s: %w", list.name, err)
		}
		out.WriteByte(']')
	}
	out.WriteString("}\n")
	return out.Flush() // with the first error of all that was written
}

func writeRows(out *bufio.Writer, rows iter.Seq2[any, error]) error {
	separator := "\n"
	for row, err := range rows {
		if err != nil {
			return err
		}
		text, err := json.Marshal(row)
		if err != nil {
			return err
		}
		out.WriteString(separator)
		if _, err := out.Write(text); err != nil {
			return err
		}
		separator = ",\n"
	}
	return nil
}

// ownPosts yields all posts of a user, drafts and those that were deleted and
// are not removed yet among them.
func (s *Server) ownPosts(ctx context.Context, user db.User) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		ids, err := s.db.ListPostIDsOf(ctx, user.ID)
		if err != nil {
			yield(nil, err)
			return
		}
		for _, id := range ids {
			post, err := s.ownPost(ctx, id)
			if errors.Is(err, sql.ErrNoRows) {
				continue // removed meanwhile
			}
			if !yield(post, err) || err != nil {
				return
			}
		}
	}
}

// ownPost returns a post with its poll and what was typed into its form and not
// sent.
func (s *Server) ownPost(ctx context.Context, id int64) (ownPost, error) {
	post, err := s.db.GetAnyPost(ctx, id)
	if err != nil {
		return ownPost{}, err
	}
	poll, _, err := s.db.GetPollText(ctx, id)
	own := newOwnPost(post)
	if poll.Question != "" {
		own.Poll = &ownPoll{poll.Question, poll.Options, poll.ClosesAt.Time()}
	}
	if err != nil {
		return own, err
	}
	copies, err := s.db.ListWorkingCopies(ctx, id)
	for _, c := range copies {
		text := ownText{Title: c.Title, Content: c.Content, SavedAt: c.SavedAt.Time()}
		if c.DiscardedAt == 0 {
			own.Unsent = &text
		} else {
			own.Discarded = append(own.Discarded, text)
		}
	}
	return own, err
}

// ownVotes yields what a user voted for.
func (s *Server) ownVotes(ctx context.Context, user db.User) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		votes, err := s.db.ListVotesOf(ctx, user.ID)
		if err != nil {
			yield(nil, err)
			return
		}
		for _, v := range votes {
			if !yield(ownVote{v.PostID, v.Question, v.Label, v.VotedAt.Time()}, nil) {
				return
			}
		}
	}
}

func newOwnPost(p db.Post) ownPost {
	return ownPost{
		ID: p.ID, Title: p.Title, Content: p.Content, Published: p.Published, Views: p.Views,
		CreatedAt: p.CreatedAt.Time(), UpdatedAt: p.UpdatedAt.Time(), PublishedAt: p.PublishedAt.Time(), DeletedAt: p.DeletedAt.Time(),
		HiddenAt: p.HiddenAt.Time(), HiddenReason: string(p.HiddenReason),
	}
}

// ownReports yields what a user has reported.
func (s *Server) ownReports(ctx context.Context, user db.User) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		page := db.ListReportsByParams{ReporterID: user.ID, PageSize: 100}
		for {
			reports, err := s.db.ListReportsBy(ctx, page)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, report := range reports {
				if !yield(ownReport{report.PostID, report.Kind, report.Text, report.CreatedAt.Time()}, nil) {
					return
				}
				page.AfterID = report.ID
			}
			if int64(len(reports)) < page.PageSize {
				return
			}
		}
	}
}

// ownEvents yields what Clerk has told of a user, newest first.
func (s *Server) ownEvents(ctx context.Context, user db.User) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		page := db.ListEventsOfParams{ClerkID: db.Text(user.ClerkID), BeforeAt: db.MaxTime, PageSize: 100}
		for {
			events, err := s.db.ListEventsOf(ctx, page)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, e := range events {
				if !yield(ownEvent{e.Type, e.Outcome, e.ReceivedAt.Time()}, nil) {
					return
				}
				page.BeforeAt, page.BeforeID = e.ReceivedAt, e.SvixID
			}
			if int64(len(events)) < page.PageSize {
				return
			}
		}
	}
}

// partTime is how long a part of a long answer may take.
const partTime = 30 * time.Second

// A patientWriter writes an answer that may take longer than the server gives
// one: each part has partTime.
type patientWriter struct {
	w       http.ResponseWriter
	control *http.ResponseController
	begun   bool // something was written
}

func newPatientWriter(w http.ResponseWriter) *patientWriter {
	return &patientWriter{w: w, control: http.NewResponseController(w)}
}

func (p *patientWriter) Write(part []byte) (int, error) {
	p.begun = true
	p.control.SetWriteDeadline(time.Now().Add(partTime)) // where there is one
	return p.w.Write(part)
}
