package db_test

import (
	"fmt"
	"testing"

	"inkwell/db"
	"inkwell/db/dbtest"
)

// benchDB returns a database of 200 users and 20,000 posts.
func benchDB(b *testing.B) *db.DB {
	b.Helper()
	d := dbtest.New(b)
	fill(b, d, 200, 20000)
	keepIndex(b, d)
	b.ReportAllocs()
	return d
}

func BenchmarkListPosts(b *testing.B) {
	d := benchDB(b)
	for name, page := range map[string]db.ListPostsParams{
		"first": {BeforeAt: db.MaxTime, PageSize: 20},
		"deep":  {BeforeAt: 1000 * 60000, BeforeID: 1000, PageSize: 20},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			defer reportCPU(b)()
			for b.Loop() {
				if rows, err := d.ListPosts(b.Context(), page); err != nil || len(rows) != 20 {
					b.Fatal(len(rows), err)
				}
			}
		})
	}
}

func BenchmarkGetPost(b *testing.B) {
	d := benchDB(b)
	for i := int64(0); b.Loop(); i++ {
		if _, err := d.GetPost(b.Context(), 1+i%20000); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGetUserByClerkID(b *testing.B) {
	d := benchDB(b)
	for b.Loop() {
		if _, err := d.GetUserByClerkID(b.Context(), "user_77"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCreatePost(b *testing.B) {
	d := benchDB(b)
	defer reportCPU(b)()
	for i := 0; b.Loop(); i++ {
		post := db.CreatePostParams{AuthorID: 1, Title: fmt.Sprint("New ", i), Content: "Text", ContentHTML: "<p>Some <em>words</em> to read.</p>", Excerpt: "Text", Published: true, FormKey: fmt.Sprint(i)}
		if _, err := d.CreatePost(b.Context(), post); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkApplyEvent(b *testing.B) {
	d := benchDB(b)
	for i := 1; b.Loop(); i++ {
		event := db.Event{SvixID: fmt.Sprint("msg_", i), Type: "user.updated", At: db.Time(i), User: &db.UserData{ClerkID: "user_77", Name: "Name", UpdatedAt: db.Time(i)}}
		if outcome, err := d.ApplyEvent(b.Context(), event); outcome != db.OutcomeApplied {
			b.Fatal(outcome, err)
		}
	}
}

// BenchmarkGetSessionUser is what finds out on every request who is asking.
func BenchmarkGetSessionUser(b *testing.B) {
	d := benchDB(b)
	dbtest.Exec(b, d, `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
INSERT INTO ended_sessions (session_id, ended_at) SELECT 'sess_' || i, 1 FROM n`)
	for b.Loop() {
		if _, err := d.GetSessionUser(b.Context(), db.GetSessionUserParams{ClerkID: "user_77", SessionID: "sess_0"}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkListEvents(b *testing.B) {
	const events = 100000
	d := benchDB(b)
	dbtest.Exec(b, d, `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
INSERT INTO webhook_events (svix_id, type, clerk_id, outcome, received_at)
SELECT 'msg_' || hex(randomblob(14)), 'user.updated', 'user_' || i % 200, 'applied', i FROM n`, events)
	for name, p := range map[string]db.ListEventsParams{
		"first":  {},
		"user":   {User: "ser 77"},
		"nobody": {User: "nobody"},
		"none":   {Outcome: db.OutcomeDeadLetter},
	} {
		p.BeforeAt, p.PageSize = db.MaxTime, 50
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := d.ListEvents(b.Context(), p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkSavePage stores pages of 500 users.
func BenchmarkSavePage(b *testing.B) {
	d := benchDB(b)
	id, at := int64(0), db.Time(0)
	// page returns users of whom the first has the number from.
	page := func(from int64) []db.UserData {
		users := make([]db.UserData, 500)
		for i := range users {
			name := fmt.Sprint("Name ", at)
			users[i] = db.UserData{ClerkID: fmt.Sprint("user_of_clerk_", from+int64(i)), Email: &name, FirstName: &name, LastName: &name, Name: name, UpdatedAt: at}
		}
		return users
	}
	for _, state := range []struct {
		name string
		next func() []db.UserData
	}{
		{"new", func() []db.UserData { id += 500; return page(id) }},
		{"changed", func() []db.UserData { at++; return page(500) }},
		{"the same", func() []db.UserData { return page(500) }},
	} {
		b.Run(state.name, func(b *testing.B) {
			for b.Loop() {
				sync, err := d.BeginSync(b.Context(), instance)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := d.SavePage(b.Context(), sync.ID, state.next(), "cursor"); err != nil {
					b.Fatal(err)
				}
				if _, err := d.FinishSync(b.Context(), sync.ID); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkOpen opens and closes an existing database of 20,000 posts.
func BenchmarkOpen(b *testing.B) {
	path := benchDB(b).Path()
	for b.Loop() {
		d, err := db.Open(b.Context(), path)
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := d.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

// benchPoll returns a post with a poll of 118 options and 100,000 votes, and
// the ids of the options. The users 1 to 200 have not voted.
func benchPoll(b *testing.B) (*db.DB, db.Post, []int64) {
	b.Helper()
	d := benchDB(b)
	post, ids := newPoll(b, d, 1, 118)
	dbtest.Exec(b, d, `WITH RECURSIVE n(i) AS (SELECT 1001 UNION ALL SELECT i + 1 FROM n WHERE i < 101000)
INSERT INTO votes (post_id, user_id, option_id, voted_at) SELECT ?, i, ? + i * i % 118, i FROM n`, post.ID, ids[0])
	return d, post, ids
}

func BenchmarkVote(b *testing.B) {
	d, post, ids := benchPoll(b)
	for i := 0; b.Loop(); i++ {
		p := db.VoteParams{PostID: post.ID, UserID: int64(1 + i%200), OptionID: ids[i*7%118]}
		if _, err := d.Vote(b.Context(), p); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkListPollOptions(b *testing.B) {
	d, post, _ := benchPoll(b)
	for b.Loop() {
		options, err := d.ListPollOptions(b.Context(), post.ID)
		if err != nil || len(options) != 118 {
			b.Fatal(len(options), err)
		}
	}
}
