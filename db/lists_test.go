package db_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"inkwell/db"
	"inkwell/db/dbtest"
)

func TestFeed(t *testing.T) {
	d, clock := withClock(t)
	author, err := d.SaveUser(t.Context(), db.UserData{ClerkID: "user_ada", Email: ptr("ada@example.com"), Username: ptr("ada"), Name: "Ada", ImageURL: "https://img.example.com/ada", UpdatedAt: 1})
	check(t, err)
	var want []db.Post
	for i := range 10 {
		clock.at += db.Time(i % 3 / 2) // the clock moves once in three posts
		want = append(want, newPost(t, d, author.ID, fmt.Sprint("Post ", i)))
	}
	late, err := d.CreatePost(t.Context(), db.CreatePostParams{AuthorID: author.ID, Title: "Published late"})
	check(t, err)
	clock.at++
	late, err = d.UpdatePost(t.Context(), db.UpdatePostParams{ID: late.ID, Published: ptr(true)})
	check(t, err)
	want = append(want, late)
	hidden := newPost(t, d, author.ID, "Deleted")
	check(t, d.DeletePost(t.Context(), hidden.ID, author.ID))
	_, err = d.CreatePost(t.Context(), db.CreatePostParams{AuthorID: author.ID, Title: "Draft"})
	check(t, err)
	slices.SortFunc(want, func(a, b db.Post) int {
		return -cmp.Or(cmp.Compare(a.PublishedAt, b.PublishedAt), cmp.Compare(a.ID, b.ID))
	})

	for size := int64(1); size <= 12; size++ {
		page := db.ListPostsParams{BeforeAt: db.MaxTime, PageSize: size}
		var got []db.ListPostsRow
		for {
			rows, err := d.ListPosts(t.Context(), page)
			check(t, err)
			full, err := d.ListFullPosts(t.Context(), db.ListFullPostsParams(page))
			check(t, err)
			for i, row := range rows {
				if full[i].Post.ID != row.ID || full[i].AuthorName != "Ada" {
					t.Errorf("ListFullPosts has %+v where ListPosts has %+v", full[i], row)
				}
			}
			got = append(got, rows...)
			if int64(len(rows)) < size {
				break
			}
			last := rows[len(rows)-1]
			page.BeforeAt, page.BeforeID = last.PublishedAt, last.ID
		}
		compareFeed(t, size, got, want)
	}
}

func compareFeed(t *testing.T, size int64, got []db.ListPostsRow, want []db.Post) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("pages of %d hold %d posts, want %d", size, len(got), len(want))
	}
	for i, row := range got {
		if row.ID != want[i].ID || row.Title != want[i].Title || row.Excerpt != want[i].Excerpt || row.PublishedAt != want[i].PublishedAt ||
			row.AuthorName != "Ada" || *row.AuthorUsername != "ada" || row.AuthorImageURL != "https://img.example.com/ada" {
			t.Errorf("pages of %d: post %d is %+v, want %+v", size, i, row, want[i])
		}
	}
}

func TestDrafts(t *testing.T) {
	d, clock := withClock(t)
	ada, ben := newUser(t, d, "user_ada"), newUser(t, d, "user_ben")
	var want []int64 // last changed first
	for i := range 6 {
		clock.at += db.Time(i % 2)
		post, err := d.CreatePost(t.Context(), db.CreatePostParams{AuthorID: ada.ID, Content: fmt.Sprint(i)})
		check(t, err)
		want = slices.Insert(want, 0, post.ID)
	}
	clock.at++
	_, err := d.UpdatePost(t.Context(), db.UpdatePostParams{ID: want[5], Title: ptr("Changed")})
	check(t, err)
	want = append(want[5:], want[:5]...)
	newPost(t, d, ada.ID, "Published")
	hidden := newPost(t, d, ada.ID, "Published long ago")
	dbtest.Exec(t, d, "UPDATE posts SET updated_at = 1 WHERE id = ?", hidden.ID)
	clock.at++
	_, err = d.HidePost(t.Context(), db.HidePostParams{ID: hidden.ID, By: ben.ID, Reason: "No."})
	check(t, err)
	want = slices.Insert(want, 0, hidden.ID)
	_, err = d.CreatePost(t.Context(), db.CreatePostParams{AuthorID: ben.ID, Title: "Ben's"})
	check(t, err)
	deleted, err := d.CreatePost(t.Context(), db.CreatePostParams{AuthorID: ada.ID, Title: "Deleted"})
	check(t, err)
	check(t, d.DeletePost(t.Context(), deleted.ID, ada.ID))

	var got []int64
	page := db.ListDraftsParams{AuthorID: ada.ID, BeforeAt: db.MaxTime, PageSize: 2}
	for {
		rows, err := d.ListDrafts(t.Context(), page)
		check(t, err)
		if len(rows) == 0 {
			break
		}
		for _, row := range rows {
			got = append(got, row.ID)
			page.BeforeAt, page.BeforeID = db.Time(row.ChangedAt), row.ID
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("drafts %v, want %v", got, want)
	}
}

// fill writes users and published posts, one minute apart, and a few drafts.
func fill(t testing.TB, d *db.DB, users, posts int) {
	t.Helper()
	dbtest.Exec(t, d, `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
INSERT INTO users (clerk_id, name, created_at, updated_at) SELECT 'user_' || i, 'User ' || i, 1, 1 FROM n`, users)
	dbtest.Exec(t, d, `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)
INSERT INTO posts (author_id, title, title_key, published, created_at, updated_at, published_at, form_key, render_version, excerpt, content, content_html)
SELECT 1 + i % ?1, 'Title ' || i, 'title ' || i, i % 50 > 0, i * 60000, i * 60000, iif(i % 50 > 0, i * 60000, NULL), 'key' || i, 1,
	substr(text, 1, 200), text, '<p>' || text || '</p>' FROM n, (SELECT replace(hex(zeroblob(40)), '00', 'ten words. ') AS text)`, users, posts)
}

func TestQueryPlans(t *testing.T) {
	const deep = db.Time(5000 * 60000)
	tests := []struct {
		name, query string
		args        []any
		want        string
	}{
		{"feed", db.ListPostsSQL, []any{deep, 5000, 20}, "SEARCH posts USING INDEX posts_feed (published_at<?)"},
		{"feed's first page", db.ListPostsSQL, []any{db.MaxTime, 0, 20}, "SEARCH posts USING INDEX posts_feed (published_at<?)"},
		{"full feed", db.ListFullPostsSQL, []any{deep, 5000, 20}, "SEARCH posts USING INDEX posts_feed (published_at<?)"},
		{"feed of an author", db.ListPostsOfSQL, []any{1, deep, 5000, 20}, "SEARCH posts USING INDEX posts_of_author (author_id=? AND published_at<?)"},
		{"feed of an author", db.ListFullOfSQL, []any{1, 50}, "SEARCH posts USING INDEX posts_of_author (author_id=?)"},
		{"site map", db.ListPublicSQL, []any{1000, 2000}, "SEARCH posts USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"},
		{"drafts", db.ListDraftsSQL, []any{1, deep, 5000, 20}, "SEARCH posts USING INDEX posts_drafts (author_id=? AND <expr><?)"},
		{"reported posts", db.ListReportedSQL, []any{1, 20}, "SEARCH earlier USING COVERING INDEX reports_post (post_id=? AND rowid<?)"},
		{"stale posts", db.ListStalePostsSQL, []any{5000, 2, 20}, "SEARCH posts USING INTEGER PRIMARY KEY (rowid>?)"},
		{"form", db.GetFormPostSQL, []any{1, "key1", "", ""}, "SEARCH posts USING INDEX posts_form (author_id=? AND form_key=?)"},
		{"post of a form", db.GetPostOfFormSQL, []any{1, "key1"}, "SEARCH posts USING INDEX posts_form (author_id=? AND form_key=?)"},
		{"autosaved draft", db.GetAutosavedSQL, []any{1, deep}, "SEARCH posts USING INDEX posts_author (author_id=? AND published=? AND updated_at>?)"},
		{"posts of a user", db.DeletePostsOfSQL, []any{deep, "user_1"}, "SEARCH posts USING INDEX posts_author (author_id=?)"},
		{"purge", db.PurgePostsSQL, []any{deep, 100}, "SEARCH old USING COVERING INDEX posts_deleted (deleted_at<?)"},
		{"user of a session", db.GetSessionUserSQL, []any{"sess_1", "user_1"}, "SEARCH ended_sessions USING PRIMARY KEY (session_id=?)"},
		{"bodies of a user", db.ClearBodiesSQL, []any{"user_1"}, "SEARCH webhook_events USING INDEX webhook_events_body (clerk_id=?)"},
		{"votes of a user", db.DeleteVotesOfSQL, []any{"user_1"}, "SEARCH votes USING INDEX votes_user (user_id=?)"},
		{"missing users", db.ListMissingSQL, []any{1, 10, 20}, "SEARCH users USING INTEGER PRIMARY KEY (rowid>?)"},
		{"directory", db.ListPeopleSQL, []any{"m", 5, "x", 20}, "SEARCH people USING COVERING INDEX people_key (search_key>?)"},
		{"purge of events", db.PurgeEventsSQL, []any{deep, 100}, "SEARCH old USING COVERING INDEX webhook_events_newest (received_at<?)"},
		{"purge of bodies", db.PurgeBodiesSQL, []any{deep, 100}, "SEARCH old USING INDEX webhook_events_bodies (received_at<?)"},
		{"dismissal", db.DismissLettersSQL, []any{1, deep, 100}, "SEARCH seen USING INDEX webhook_events_open (received_at<?)"},
		{"purge of sessions", db.PurgeSessionsSQL, []any{deep, 100}, "SEARCH old USING COVERING INDEX ended_sessions_ended (ended_at<?)"},
	}
	d := dbtest.New(t)
	fill(t, d, 50, 10000)
	dbtest.Exec(t, d, "INSERT INTO reports (post_id, reporter_id, kind, created_at) SELECT id, 1 + id % 50, 'spam', 1 FROM posts WHERE id % 10 = 0")
	for _, state := range []string{"without statistics", "with statistics"} {
		for _, tt := range tests {
			t.Run(tt.name+" "+state, func(t *testing.T) {
				plan := queryPlan(t, d, tt.query, tt.args)
				if !strings.Contains(plan, tt.want) || strings.Contains(plan, "TEMP B-TREE") || strings.Contains(plan, "SCAN") {
					t.Errorf("the plan is\n%s\nwant %s, no scan and no sorting", plan, tt.want)
				}
			})
		}
		dbtest.Exec(t, d, "ANALYZE")
	}
}

func queryPlan(t *testing.T, d *db.DB, query string, args []any) string {
	t.Helper()
	handle, err := db.OpenHandle(d.Path())
	check(t, err)
	defer handle.Close()
	rows, err := handle.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, args...)
	check(t, err)
	defer rows.Close()
	var plan []string
	for rows.Next() {
		var id, parent, unused int
		var detail string
		check(t, rows.Scan(&id, &parent, &unused, &detail))
		plan = append(plan, detail)
	}
	check(t, rows.Err())
	return strings.Join(plan, "\n")
}
