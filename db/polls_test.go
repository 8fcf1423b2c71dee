package db_test

import (
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"inkwell/db"
	"inkwell/db/dbtest"
)

// newPoll returns a published post of the author's with a poll of n options,
// and the ids of these.
func newPoll(t testing.TB, d *db.DB, authorID int64, n int) (db.Post, []int64) {
	t.Helper()
	poll := db.PollText{Question: "Which?"}
	for i := range n {
		poll.Options = append(poll.Options, fmt.Sprint("Option ", i+1))
	}
	post, err := d.CreatePost(t.Context(), db.CreatePostParams{AuthorID: authorID, Title: fmt.Sprint("Poll of ", n), Published: true, Poll: &poll})
	check(t, err)
	return post, optionIDs(t, d, post.ID)
}

func optionIDs(t testing.TB, d *db.DB, postID int64) []int64 {
	t.Helper()
	options, err := d.ListPollOptions(t.Context(), postID)
	check(t, err)
	var ids []int64
	for _, option := range options {
		ids = append(ids, option.ID)
	}
	return ids
}

// wantVotes makes sure of the counts of a poll, and that they are those of its
// votes.
func wantVotes(t *testing.T, d *db.DB, postID int64, want ...int64) {
	t.Helper()
	options, err := d.ListPollOptions(t.Context(), postID)
	check(t, err)
	var got []int64
	for _, option := range options {
		got = append(got, option.Votes)
	}
	if !slices.Equal(got, want) {
		t.Errorf("the votes are %v, want %v", got, want)
	}
	if wrong := dbtest.Value[int](t, d, `SELECT count(*) FROM poll_options AS o
WHERE votes <> (SELECT count(*) FROM votes WHERE option_id = o.id)`); wrong > 0 {
		t.Errorf("%d options have another count than votes", wrong)
	}
}

func TestVote(t *testing.T) {
	d, clock := withClock(t)
	ada, ben := newUser(t, d, "user_ada"), newUser(t, d, "user_ben")
	dbtest.Exec(t, d, "INSERT INTO users (clerk_id, banned, created_at, updated_at) VALUES ('user_banned', 1, 1, 1)")
	post, ids := newPoll(t, d, ada.ID, 3)
	_, others := newPoll(t, d, ada.ID, 2)
	plain := newPost(t, d, ada.ID, "Without a poll")
	tests := []struct {
		name    string
		p       db.VoteParams
		changed bool
		err     error
		want    []int64
	}{
		{"withdraw nothing", db.VoteParams{PostID: post.ID, UserID: ada.ID}, false, nil, []int64{0, 0, 0}},
		{"first", db.VoteParams{PostID: post.ID, UserID: ada.ID, OptionID: ids[0]}, true, nil, []int64{1, 0, 0}},
		{"again", db.VoteParams{PostID: post.ID, UserID: ada.ID, OptionID: ids[0]}, false, nil, []int64{1, 0, 0}},
		{"somebody else", db.VoteParams{PostID: post.ID, UserID: ben.ID, OptionID: ids[0]}, true, nil, []int64{2, 0, 0}},
		{"change", db.VoteParams{PostID: post.ID, UserID: ada.ID, OptionID: ids[2]}, true, nil, []int64{1, 0, 1}},
		{"other poll's option", db.VoteParams{PostID: post.ID, UserID: ada.ID, OptionID: others[0]}, false, db.ErrNoOption, []int64{1, 0, 1}},
		{"no option", db.VoteParams{PostID: post.ID, UserID: ben.ID, OptionID: 999}, false, db.ErrNoOption, []int64{1, 0, 1}},
		{"negative option", db.VoteParams{PostID: post.ID, UserID: ben.ID, OptionID: -1}, false, db.ErrNoOption, []int64{1, 0, 1}},
		{"withdraw", db.VoteParams{PostID: post.ID, UserID: ada.ID}, true, nil, []int64{1, 0, 0}},
		{"no poll", db.VoteParams{PostID: plain.ID, UserID: ada.ID, OptionID: ids[0]}, false, sql.ErrNoRows, []int64{1, 0, 0}},
		{"no post", db.VoteParams{PostID: 999, UserID: ada.ID, OptionID: ids[0]}, false, sql.ErrNoRows, []int64{1, 0, 0}},
		{"banned", db.VoteParams{PostID: post.ID, UserID: ben.ID + 1, OptionID: ids[0]}, false, db.ErrInactive, []int64{1, 0, 0}},
		{"nobody", db.VoteParams{PostID: post.ID, OptionID: ids[0]}, false, db.ErrInactive, []int64{1, 0, 0}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			changed, err := d.Vote(t.Context(), tt.p)
			if changed != tt.changed || !errors.Is(err, tt.err) {
				t.Errorf("Vote = %v, %v, want %v, %v", changed, err, tt.changed, tt.err)
			}
			wantVotes(t, d, post.ID, tt.want...)
		})
	}
	options, err := d.ListPollOptions(t.Context(), post.ID)
	check(t, err)
	if want := (db.PollOption{ID: ids[0], PostID: post.ID, Label: "Option 1", Votes: 1}); options[0] != want {
		t.Errorf("the first option is %+v, want %+v", options[0], want)
	}
	for userID, want := range map[int64]int64{ben.ID: ids[0], ada.ID: 0, 0: 0} {
		got, err := d.GetVote(t.Context(), db.GetVoteParams{PostID: post.ID, UserID: userID})
		if got != want || (want == 0) != errors.Is(err, sql.ErrNoRows) {
			t.Errorf("GetVote of %d = %d, %v, want %d", userID, got, err, want)
		}
	}
	if at := dbtest.Value[int64](t, d, "SELECT voted_at FROM votes"); db.Time(at) != clock.at {
		t.Errorf("the vote is of %d, want %d", at, clock.at)
	}
}

func TestVoteNeedsAPublicPost(t *testing.T) {
	tests := []struct {
		name string
		hide func(t *testing.T, d *db.DB, post db.Post)
	}{
		{"draft", func(t *testing.T, d *db.DB, post db.Post) {
			_, err := d.UpdatePost(t.Context(), db.UpdatePostParams{ID: post.ID, Published: ptr(false)})
			check(t, err)
		}},
		{"deleted", func(t *testing.T, d *db.DB, post db.Post) {
			check(t, d.DeletePost(t.Context(), post.ID, post.AuthorID))
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := dbtest.New(t)
			ada := newUser(t, d, "user_ada")
			post, ids := newPoll(t, d, ada.ID, 2)
			tt.hide(t, d, post)
			if _, err := d.Vote(t.Context(), db.VoteParams{PostID: post.ID, UserID: ada.ID, OptionID: ids[0]}); !errors.Is(err, sql.ErrNoRows) {
				t.Errorf("Vote: %v, want sql.ErrNoRows", err)
			}
		})
	}
}

func TestPollCloses(t *testing.T) {
	d, clock := withClock(t)
	ada := newUser(t, d, "user_ada")
	post, ids := newPoll(t, d, ada.ID, 2)
	vote := func() error {
		_, err := d.Vote(t.Context(), db.VoteParams{PostID: post.ID, UserID: ada.ID, OptionID: ids[0]})
		return err
	}
	check(t, vote())
	clock.at += 1000
	closed, err := d.ClosePoll(t.Context(), post.ID)
	if err != nil || !closed {
		t.Fatalf("ClosePoll = %v, %v, want true", closed, err)
	}
	if err := vote(); !errors.Is(err, db.ErrPollClosed) || !errors.Is(err, db.ErrConflict) {
		t.Errorf("Vote after ClosePoll: %v, want ErrPollClosed", err)
	}
	if _, err := d.Vote(t.Context(), db.VoteParams{PostID: post.ID, UserID: ada.ID}); !errors.Is(err, db.ErrPollClosed) {
		t.Errorf("withdrawing after ClosePoll: %v, want ErrPollClosed", err)
	}
	row, err := d.GetPost(t.Context(), post.ID)
	check(t, err)
	if row.Post.UpdatedAt <= post.UpdatedAt {
		t.Error("ClosePoll has not moved UpdatedAt: a form from before would open the poll again")
	}
	if closed, err := d.ClosePoll(t.Context(), post.ID); err != nil || closed {
		t.Errorf("ClosePoll again = %v, %v, want false", closed, err)
	}
	wantVotes(t, d, post.ID, 1, 0)
	for name, id := range map[string]int64{"no post": 999, "no poll": newPost(t, d, ada.ID, "Plain").ID} {
		if _, err := d.ClosePoll(t.Context(), id); !errors.Is(err, sql.ErrNoRows) {
			t.Errorf("ClosePoll of %s: %v, want sql.ErrNoRows", name, err)
		}
	}
}

func TestPollClosesByItself(t *testing.T) {
	d, clock := withClock(t)
	ada := newUser(t, d, "user_ada")
	poll := db.PollText{Question: "Which?", Options: []string{"A", "B"}, ClosesAt: clock.at + 1}
	post, err := d.CreatePost(t.Context(), db.CreatePostParams{AuthorID: ada.ID, Title: "Poll", Published: true, Poll: &poll})
	check(t, err)
	ids := optionIDs(t, d, post.ID)
	_, err = d.Vote(t.Context(), db.VoteParams{PostID: post.ID, UserID: ada.ID, OptionID: ids[0]})
	check(t, err)
	clock.at++
	if _, err = d.Vote(t.Context(), db.VoteParams{PostID: post.ID, UserID: ada.ID, OptionID: ids[1]}); !errors.Is(err, db.ErrPollClosed) {
		t.Errorf("Vote at the time of closing: %v, want ErrPollClosed", err)
	}
}

func TestUpdatePoll(t *testing.T) {
	first := &db.PollText{Question: "Which?", Options: []string{"A", "B"}}
	other := &db.PollText{Question: "Which?", Options: []string{"B", "A"}, ClosesAt: db.MaxTime}
	tests := []struct {
		name     string
		old, new *db.PollText
		voted    bool
		changed  bool
		err      error
		want     db.PollText
	}{
		{"added", nil, first, false, true, nil, *first},
		{"left", first, nil, false, false, nil, *first},
		{"same", first, &db.PollText{Question: "Which?", Options: []string{"A", "B"}}, true, false, nil, *first},
		{"changed", first, other, false, true, nil, *other},
		{"removed", first, &db.PollText{}, false, true, nil, db.PollText{}},
		{"none to remove", nil, &db.PollText{}, false, false, nil, db.PollText{}},
		{"changed after a vote", first, other, true, false, db.ErrPollInUse, *first},
		{"removed after a vote", first, &db.PollText{}, true, false, db.ErrPollInUse, *first},
		{"one option twice", nil, &db.PollText{Question: "Which?", Options: []string{"A", "A"}}, false, false, errAny, db.PollText{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := dbtest.New(t)
			ada := newUser(t, d, "user_ada")
			post, err := d.CreatePost(t.Context(), db.CreatePostParams{AuthorID: ada.ID, Title: "Old", Published: true, Poll: tt.old})
			check(t, err)
			if tt.voted {
				_, err := d.Vote(t.Context(), db.VoteParams{PostID: post.ID, UserID: ada.ID, OptionID: optionIDs(t, d, post.ID)[0]})
				check(t, err)
			}
			changed, err := d.UpdatePost(t.Context(), db.UpdatePostParams{ID: post.ID, Poll: tt.new})
			if !errors.Is(err, tt.err) && (tt.err != errAny || err == nil) {
				t.Fatalf("UpdatePost: %v, want %v", err, tt.err)
			}
			if moved := changed.UpdatedAt > post.UpdatedAt; moved != tt.changed {
				t.Errorf("UpdatePost has moved UpdatedAt: %v, want %v", moved, tt.changed)
			}
			got, _, err := d.GetPollText(t.Context(), post.ID)
			check(t, err)
			if fmt.Sprint(got) != fmt.Sprint(tt.want) {
				t.Errorf("the poll is %+v, want %+v", got, tt.want)
			}
		})
	}
}

// errAny stands for any error in a table.
var errAny = errors.New("any error")

// A page from before a change shows options that have gone: voting for them
// must not count for what has come in their place.
func TestOptionIDsAreNotUsedAgain(t *testing.T) {
	d := dbtest.New(t)
	ada := newUser(t, d, "user_ada")
	post, old := newPoll(t, d, ada.ID, 2)
	_, err := d.UpdatePost(t.Context(), db.UpdatePostParams{ID: post.ID, Poll: &db.PollText{Question: "Who?", Options: []string{"C", "D"}}})
	check(t, err)
	if _, err := d.Vote(t.Context(), db.VoteParams{PostID: post.ID, UserID: ada.ID, OptionID: old[1]}); !errors.Is(err, db.ErrNoOption) {
		t.Errorf("Vote for an option that has gone: %v, want ErrNoOption", err)
	}
}

func TestFormWithAPollSentTwice(t *testing.T) {
	d := dbtest.New(t)
	ada := newUser(t, d, "user_ada")
	form := db.CreatePostParams{AuthorID: ada.ID, Title: "Title", Content: "Text", Published: true, FormKey: "key"}
	first, err := d.CreatePost(t.Context(), form)
	check(t, err)
	form.Poll = &db.PollText{Question: "Which?", Options: []string{"A", "B"}} // who goes back and adds it
	for range 2 {
		post, err := d.CreatePost(t.Context(), form)
		check(t, err)
		text, _, err := d.GetPollText(t.Context(), post.ID)
		check(t, err)
		if post.ID != first.ID || text.Question != "Which?" || len(text.Options) != 2 {
			t.Errorf("the post %d has the poll %+v, want post %d with the poll of the form", post.ID, text, first.ID)
		}
	}
}

func TestVotesOfDeletedAndBannedUsers(t *testing.T) {
	d := dbtest.New(t)
	ada, ben, eve := newUser(t, d, "user_ada"), newUser(t, d, "user_ben"), newUser(t, d, "user_eve")
	post, ids := newPoll(t, d, ada.ID, 2)
	for _, user := range []db.User{ada, ben, eve} {
		_, err := d.Vote(t.Context(), db.VoteParams{PostID: post.ID, UserID: user.ID, OptionID: ids[0]})
		check(t, err)
	}
	_, err := d.SaveUser(t.Context(), db.UserData{ClerkID: "user_eve", Banned: true, UpdatedAt: 1})
	check(t, err)
	wantVotes(t, d, post.ID, 3, 0)
	_, err = d.ApplyEvent(t.Context(), db.Event{SvixID: "msg_1", Type: "user.deleted", At: 2, DeletedClerkID: "user_ben"})
	check(t, err)
	wantVotes(t, d, post.ID, 2, 0)
}

func TestPurgeRemovesPolls(t *testing.T) {
	d, clock := withClock(t)
	ada := newUser(t, d, "user_ada")
	post, ids := newPoll(t, d, ada.ID, 2)
	_, err := d.Vote(t.Context(), db.VoteParams{PostID: post.ID, UserID: ada.ID, OptionID: ids[0]})
	check(t, err)
	check(t, d.DeletePost(t.Context(), post.ID, ada.ID))
	clock.at = clock.at.Add(db.PurgeAfter) + 1
	if n, err := d.PurgePosts(t.Context()); n != 1 || err != nil {
		t.Fatalf("PurgePosts = %d, %v, want 1", n, err)
	}
	if n := dbtest.Value[int](t, d, "SELECT (SELECT count(*) FROM polls) + (SELECT count(*) FROM poll_options) + (SELECT count(*) FROM votes)"); n != 0 {
		t.Errorf("%d rows of the poll stay, want 0", n)
	}
}

func TestFiveHundredClicksAreOneVote(t *testing.T) {
	d := hasty(t)
	ada := newUser(t, d, "user_ada")
	post, ids := newPoll(t, d, ada.ID, 2)
	var wg sync.WaitGroup
	for range 500 {
		wg.Go(func() {
			if _, err := d.Vote(t.Context(), db.VoteParams{PostID: post.ID, UserID: ada.ID, OptionID: ids[1]}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	wantVotes(t, d, post.ID, 0, 1)
}

// Everybody changes their mind all the time; the last word of each counts.
func TestVotesOfManyAtOnce(t *testing.T) {
	d := hasty(t)
	author := newUser(t, d, "user_ada")
	post, ids := newPoll(t, d, author.ID, 5)
	choices := append(ids, 0) // the last withdraws
	want := make([]int64, len(ids))
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i := range 50 {
		user := newUser(t, d, fmt.Sprint("user_", i))
		wg.Go(func() {
			last := 0
			for range 20 {
				last = rand.IntN(len(choices))
				if _, err := d.Vote(t.Context(), db.VoteParams{PostID: post.ID, UserID: user.ID, OptionID: choices[last]}); err != nil {
					t.Error(err)
				}
			}
			mu.Lock()
			defer mu.Unlock()
			if last < len(ids) {
				want[last]++
			}
		})
	}
	wg.Wait()
	wantVotes(t, d, post.ID, want...)
}

func TestPollsHaveLimits(t *testing.T) {
	d := dbtest.New(t)
	ada := newUser(t, d, "user_ada")
	tests := map[string]db.PollText{
		"long question": {Question: strings.Repeat("é", 201), Options: []string{"A", "B"}},
		"long option":   {Question: "Q", Options: []string{"A", strings.Repeat("é", 101)}},
		"empty option":  {Question: "Q", Options: []string{"A", ""}},
	}
	for name, poll := range tests {
		if _, err := d.CreatePost(t.Context(), db.CreatePostParams{AuthorID: ada.ID, Poll: &poll}); err == nil {
			t.Errorf("%s: CreatePost has no error", name)
		}
	}
	edge := db.PollText{Question: strings.Repeat("é", 200), Options: []string{"A", strings.Repeat("é", 100)}}
	_, err := d.CreatePost(t.Context(), db.CreatePostParams{AuthorID: ada.ID, Poll: &edge})
	check(t, err)
	if n := dbtest.Value[int](t, d, "SELECT count(*) FROM posts"); n != 1 {
		t.Errorf("%d posts, want 1: a post whose poll fails is not stored", n)
	}
}
