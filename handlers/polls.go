package handlers

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"inkwell/db"
)

// longPoll is how many options make a poll a long one: they stand side by side,
// and a full bar is the most votes and not all, which nothing would come near.
const longPoll = 12

// A tally is a poll with its votes, the same for all readers.
type tally struct {
	post    db.Post
	poll    db.Poll
	options []db.PollOption // in the author's order
}

// A pollView is what poll.html shows: a poll as one reader finds it.
type pollView struct {
	PostID   int64
	Question string
	Options  []pollOption // with Results by votes, else in the author's order
	Long     bool
	Focus    bool // its question gets the focus
	Moved    bool // a press has put the options into another order

	CanVote   bool
	VoteURL   string
	CanClose  bool
	SignInURL string // for who has to sign in to vote
	Choice    string // what the reader voted for

	Results bool
	Facts   string // what is said of the poll as a whole; may be ""
	Closes  moment // when it closes, or has closed
	Closed  bool
	Toggle  link // shows or hides the results
}

// A pollOption is one answer. Without results nothing is said of it.
type pollOption struct {
	ID     int64
	Label  string
	Chosen bool
	Said   string // of its votes
	Width  string // of its bar, in percent
}

// pollOf returns the poll of a post as the visitor finds it, nil when there is
// none.
func (s *Server) pollOf(ctx context.Context, row db.GetPostRow, v visitor, asked bool) (*pollView, error) {
	t, choice, err := s.findTally(ctx, row, v)
	if err != nil || len(t.options) == 0 {
		return nil, err
	}
	return newPollView(t, v, choice, asked, time.Now()), nil
}

// findTally returns the poll of a post, without options where there is none, and
// the id of the option that the visitor voted for, 0 for none.
func (s *Server) findTally(ctx context.Context, row db.GetPostRow, v visitor) (t tally, choice int64, err error) {
	if row.PollOptions == 0 {
		return tally{}, 0, nil
	}
	if t, err = s.tallyOf(ctx, row.Post); err != nil {
		return tally{}, 0, err
	}
	choice, err = s.choiceOf(ctx, row.Post.ID, v)
	return t, choice, err
}

// tallyOf returns the poll of a post that has one; without options where it has
// been removed since.
func (s *Server) tallyOf(ctx context.Context, post db.Post) (tally, error) {
	poll, err := s.db.GetPoll(ctx, post.ID)
	if errors.Is(err, sql.ErrNoRows) {
		return tally{post: post}, nil
	}
	if err != nil {
		return tally{}, fmt.Errorf("poll of post %d: %w", post.ID, err)
	}
	options, err := s.db.ListPollOptions(ctx, post.ID)
	if err != nil {
		return tally{}, fmt.Errorf("options of post %d: %w", post.ID, err)
	}
	return tally{post, poll, options}, nil
}

// choiceOf returns the id of the option that the visitor voted for, 0 for none.
func (s *Server) choiceOf(ctx context.Context, postID int64, v visitor) (int64, error) {
	if !v.signedIn() {
		return 0, nil
	}
	choice, err := s.db.GetVote(ctx, db.GetVoteParams{PostID: postID, UserID: v.user.ID})
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("vote on post %d: %w", postID, err)
	}
	return choice, nil
}

// newPollView shows a poll to the visitor who voted for an option, or for 0.
// Results are for those who have voted, for the author, for everybody once the
// poll is closed, and for who asks for them.
func newPollView(t tally, v visitor, choice int64, asked bool, now time.Time) *pollView {
	post, closed := t.post, t.poll.Closed(db.TimeOf(now))
	mine := v.signedIn() && v.user.ID == post.AuthorID
	open, entitled := post.Published && !closed, choice != 0 || mine || closed
	p := &pollView{
		PostID: post.ID, Question: t.poll.Question, Long: len(t.options) > longPoll, Closed: closed,
		CanVote: open && v.signedIn(), CanClose: open && mine, Results: entitled || asked,
		VoteURL: withResults(postPath(post.ID, "")+"/vote", asked), // no title: it goes into an attribute of htmx
	}
	if t.poll.ClosesAt != 0 {
		p.Closes = newMoment(t.poll.ClosesAt.Time(), now)
	}
	if open && !v.signedIn() {
		p.SignInURL = signInURL(permalinkOf(post).String())
	}
	if !entitled {
		p.Toggle = newPollToggle(post, asked)
	}
	p.count(t.options, choice)
	if !post.Published {
		p.Facts = "Voting begins when the post is published."
	}
	return p
}

func newPollToggle(post db.Post, shown bool) link {
	path := permalinkOf(post).String()
	if shown {
		return link{Text: "Hide the results", URL: path + "#" + pollID(post.ID)}
	}
	return link{Text: "Show the results", URL: withResults(path, true) + "#" + pollID(post.ID)}
}

// withResults is an address of a post where the reader asks for the results.
func withResults(path string, asked bool) string {
	if asked {
		return path + "?results=1"
	}
	return path
}

// count fills in the options, and with results their votes.
func (p *pollView) count(options []db.PollOption, choice int64) {
	var total, most int64
	for _, o := range options {
		total, most = total+o.Votes, max(most, o.Votes)
	}
	if p.Results {
		p.Facts = plural(total, "vote")
		options = slices.Clone(options)
		slices.SortStableFunc(options, func(a, b db.PollOption) int { return cmp.Compare(b.Votes, a.Votes) })
	}
	full := total
	if p.Long {
		full = most
	}
	p.Options = make([]pollOption, len(options))
	for i, o := range options {
		shown := pollOption{ID: o.ID, Label: o.Label, Chosen: o.ID == choice}
		if shown.Chosen {
			p.Choice = o.Label
		}
		if p.Results {
			shown.Said, shown.Width = saidOf(o.Votes, total, shown.Chosen), percent(o.Votes, full)
		}
		p.Options[i] = shown
	}
}

// saidOf is what is said of the votes for an option, of all.
func saidOf(votes, all int64, mine bool) string {
	said := plural(votes, "vote")
	if votes > 0 {
		said += ", " + percent(votes, all) + "%"
	}
	if mine {
		said = "✓ yours, " + said
	}
	return said
}

// percent is a share with at most one decimal, 0 of nothing.
func percent(part, whole int64) string {
	share := 100 * float64(part) / float64(max(whole, 1))
	return strings.TrimSuffix(strconv.FormatFloat(share, 'f', 1, 64), ".0")
}

// pollHint is what a list says of a post with a poll.
func pollHint(options int64) string {
	if options == 0 {
		return ""
	}
	return "Poll: " + plural(options, "option")
}

// findPoll returns the post that the path names, if it has a poll and the
// visitor may see it.
func (s *Server) findPoll(r *http.Request, v visitor) (db.GetPostRow, error) {
	row, err := s.findPost(r, v)
	if err == nil && row.PollOptions == 0 {
		err = errNotFound
	}
	return row, err
}

// asksForResults reports whether a reader wants to see how others have voted.
func asksForResults(r *http.Request) bool { return r.URL.Query().Get("results") == "1" }

// vote handles "POST /posts/{id}/vote". Its field option is the id of what the
// user votes for; an empty one withdraws their vote.
func (s *Server) vote(w http.ResponseWriter, r *http.Request, user db.User) error {
	values, err := readForm(r)
	if err != nil {
		return err
	}
	after := s.hub.Last() // before the post is read: nothing comes between
	row, err := s.findPoll(r, known(user))
	if err != nil {
		return err
	}
	option, err := strconv.ParseInt(cmp.Or(values.Get("option"), "0"), 10, 64)
	withdrawn := values.Has("option") && values.Get("option") == ""
	if err != nil || option == 0 && !withdrawn {
		return s.refuseVote(w, r, row, user, errNoOption, after)
	}
	err = s.castVote(r.Context(), row.Post.ID, user, option)
	var refused *userError
	switch {
	case errors.As(err, &refused):
		return s.refuseVote(w, r, row, user, refused, after)
	case err != nil:
		return err
	}
	if withdrawn {
		return s.showPollChanged(w, r, row, user, "Your vote is withdrawn.")
	}
	return s.showPollChanged(w, r, row, user, "Your vote is counted.")
}

// castVote makes an option the user's vote in the poll of a post, 0 for none,
// and tells the open pages. The error may be errPollClosed or errNoOption.
func (s *Server) castVote(ctx context.Context, postID int64, user db.User, option int64) error {
	changed, err := s.db.Vote(ctx, db.VoteParams{PostID: postID, UserID: user.ID, OptionID: option})
	switch {
	case errors.Is(err, db.ErrPollClosed):
		return errPollClosed
	case errors.Is(err, db.ErrNoOption):
		return errNoOption
	case err != nil:
		return fmt.Errorf("vote on post %d: %w", postID, err)
	}
	if changed {
		s.publishPoll(postID)
	}
	return nil
}

// closePoll handles "POST /posts/{id}/poll/close".
func (s *Server) closePoll(w http.ResponseWriter, r *http.Request, user db.User) error {
	row, err := s.findPoll(r, known(user))
	if err != nil {
		return err
	}
	if row.Post.AuthorID != user.ID {
		return errNotAuthor
	}
	closed, err := s.db.ClosePoll(r.Context(), row.Post.ID)
	if err != nil {
		return fmt.Errorf("close poll of post %d: %w", row.Post.ID, err)
	}
	if closed {
		s.publishPost(row.Post.ID, row.Post.Published, row.Post.Published)
	}
	return s.showPollChanged(w, r, row, user, "The poll is closed.")
}

// showPollChanged answers a change of a poll: htmx with the poll as it is now,
// else with the page of its post.
func (s *Server) showPollChanged(w http.ResponseWriter, r *http.Request, row db.GetPostRow, user db.User, said string) error {
	if !wantsFragment(r) {
		s.leaveNotice(w, r, notice{Text: said})
		http.Redirect(w, r, permalinkOf(row.Post).String()+"#"+pollID(row.Post.ID), http.StatusSeeOther)
		return nil
	}
	poll, err := s.pollOf(r.Context(), row, known(user), asksForResults(r))
	if err != nil {
		return err
	}
	if poll == nil { // it was removed meanwhile
		return errNotFound
	}
	poll.Moved = true
	poll.Focus = poll.Choice == "" || poll.Closed // what was pressed has gone
	return s.fragment(w, http.StatusOK, part{"poll", poll}, part{"status", said})
}

// refuseVote answers a vote that cannot be counted with the poll as it is now,
// which may tell why.
func (s *Server) refuseVote(w http.ResponseWriter, r *http.Request, row db.GetPostRow, user db.User, why *userError, after string) error {
	problem := notice{Text: why.text, Problem: true}
	view, err := s.pageOf(r, row, known(user), after)
	switch {
	case err != nil:
		return err
	case view.Post.Poll == nil: // it was removed meanwhile
		return errNotFound
	case wantsFragment(r):
		return s.fragment(w, why.status, part{"poll", view.Post.Poll}, part{"alert", problem})
	}
	return s.page(w, r, why.status, "post", page{Title: view.Post.Title, Notices: []notice{problem}, Main: view})
}

// pollID is the id of a poll's element.
func pollID(postID int64) string { return fmt.Sprintf("poll-%d", postID) }
