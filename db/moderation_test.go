package db_test

import (
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"

	"inkwell/db"
	"inkwell/db/dbtest"
)

func TestHidePost(t *testing.T) {
	d, clock := withClock(t)
	author, moderator := newUser(t, d, "user_ada"), newUser(t, d, "user_katherine")
	post := newPost(t, d, author.ID, "Hidden")
	hide := db.HidePostParams{ID: post.ID, By: moderator.ID, Reason: "Too loud."}
	clock.at += 1000
	hidden, err := d.HidePost(t.Context(), hide)
	check(t, err)
	row, err := d.GetPost(t.Context(), post.ID)
	check(t, err)
	if got := row.Post; got.Published || got.HiddenAt != clock.at || *got.HiddenBy != moderator.ID || got.HiddenReason != "Too loud." ||
		got.PublishedAt != post.PublishedAt || got.UpdatedAt != post.UpdatedAt || hidden.HiddenAt != clock.at {
		t.Errorf("the post is %+v, HidePost = %+v", got, hidden)
	}
	feed, err := d.ListPosts(t.Context(), db.ListPostsParams{BeforeAt: db.MaxTime, PageSize: 10})
	check(t, err)
	drafts, err := d.ListDrafts(t.Context(), db.ListDraftsParams{AuthorID: author.ID, BeforeAt: db.MaxTime, PageSize: 10})
	check(t, err)
	if len(feed) != 0 || len(drafts) != 1 {
		t.Errorf("the feed has %d posts and the author %d drafts, want 0 and 1", len(feed), len(drafts))
	}
	if _, err := d.HidePost(t.Context(), hide); !errors.Is(err, sql.ErrNoRows) {
		t.Errorf("HidePost of a hidden post: %v, want sql.ErrNoRows", err)
	}

	clock.at += 1000
	if _, err := d.UpdatePost(t.Context(), db.UpdatePostParams{ID: post.ID, Published: ptr(true)}); !errors.Is(err, db.ErrHidden) || !errors.Is(err, db.ErrConflict) {
		t.Errorf("publishing a hidden post: %v, want db.ErrHidden", err)
	}
	edited, err := d.UpdatePost(t.Context(), db.UpdatePostParams{ID: post.ID, Title: ptr("Quieter")})
	check(t, err)
	_, err = d.Autosave(t.Context(), typed(post.AuthorID, post.ID, "key", edited.UpdatedAt, "Not sent", "Not sent"))
	check(t, err)
	if _, err := d.UnhidePost(t.Context(), db.UnhidePostParams{ID: post.ID, By: moderator.ID, Version: post.UpdatedAt}); !errors.Is(err, db.ErrStale) {
		t.Errorf("UnhidePost of what the moderator has not seen: %v, want db.ErrStale", err)
	}
	shown, err := d.UnhidePost(t.Context(), db.UnhidePostParams{ID: post.ID, By: moderator.ID, Version: edited.UpdatedAt})
	check(t, err)
	want := post
	want.Title, want.TitleKey, want.UpdatedAt = "Quieter", "quieter", edited.UpdatedAt
	if row, err = d.GetPost(t.Context(), post.ID); row.Post != want || shown != want {
		t.Errorf("the post is %+v (%v), UnhidePost = %+v, want %+v", row.Post, err, shown, want)
	}
	if _, err := d.UnhidePost(t.Context(), db.UnhidePostParams{ID: post.ID, By: moderator.ID}); !errors.Is(err, sql.ErrNoRows) {
		t.Errorf("UnhidePost of a post that is not hidden: %v, want sql.ErrNoRows", err)
	}
	wantActs(t, d, "unhide Quieter  0", "hide Hidden Too loud. 0")
}

// A form that is sent again does not bring back what was hidden meanwhile, and
// what has no title any more cannot be published.
func TestHiddenPostStaysHidden(t *testing.T) {
	d, _ := withClock(t)
	author, moderator := newUser(t, d, "user_ada"), newUser(t, d, "user_katherine")
	form := db.CreatePostParams{AuthorID: author.ID, Title: "Sent twice", FormKey: "key", Published: true}
	post, err := d.CreatePost(t.Context(), form)
	check(t, err)
	_, err = d.HidePost(t.Context(), db.HidePostParams{ID: post.ID, By: moderator.ID, Reason: "No."})
	check(t, err)
	if _, err := d.CreatePost(t.Context(), form); !errors.Is(err, db.ErrHidden) {
		t.Errorf("CreatePost: %v, want db.ErrHidden", err)
	}
	check(t, d.DeletePost(t.Context(), post.ID, author.ID))
	if _, err := d.UnhidePost(t.Context(), db.UnhidePostParams{ID: post.ID, By: moderator.ID}); !errors.Is(err, sql.ErrNoRows) {
		t.Errorf("UnhidePost of a deleted post: %v, want sql.ErrNoRows", err)
	}
	back, err := d.RestorePost(t.Context(), post.ID, author.ID)
	check(t, err)
	if back.Published || back.HiddenAt == 0 {
		t.Errorf("RestorePost = %+v, want it hidden", back)
	}
	_, err = d.UpdatePost(t.Context(), db.UpdatePostParams{ID: post.ID, Title: ptr("")})
	check(t, err)
	if _, err := d.UnhidePost(t.Context(), db.UnhidePostParams{ID: post.ID, By: moderator.ID}); !errors.Is(err, db.ErrUntitled) {
		t.Errorf("UnhidePost of an untitled post: %v, want db.ErrUntitled", err)
	}
	wantActs(t, d, "hide Sent twice No. 0")
}

func TestReports(t *testing.T) {
	d, clock := withClock(t)
	author, moderator := newUser(t, d, "user_ada"), newUser(t, d, "user_katherine")
	readers := []db.User{newUser(t, d, "user_1"), newUser(t, d, "user_2"), newUser(t, d, "user_3")}
	posts := []db.Post{newPost(t, d, author.ID, "A"), newPost(t, d, author.ID, "B"), newPost(t, d, author.ID, "C")}
	report := func(post, reader int) error {
		clock.at++
		return d.ReportPost(t.Context(), db.ReportPostParams{ID: posts[post].ID, By: readers[reader].ID, Kind: db.ReportSpam, Text: "Look."})
	}
	for _, r := range [][2]int{{1, 0}, {0, 0}, {1, 1}, {2, 0}} {
		check(t, report(r[0], r[1]))
	}
	if err := report(1, 0); !errors.Is(err, db.ErrReported) {
		t.Errorf("ReportPost twice: %v, want db.ErrReported", err)
	}
	wantQueue(t, d, "B 2", "A 1", "C 1")

	seen := queue(t, d)[0].LastReportID
	check(t, report(1, 2))
	dismiss := db.DismissReportsParams{PostID: posts[1].ID, LastID: seen, By: moderator.ID}
	check(t, d.DismissReports(t.Context(), dismiss))
	if err := d.DismissReports(t.Context(), dismiss); !errors.Is(err, sql.ErrNoRows) {
		t.Errorf("DismissReports twice: %v, want sql.ErrNoRows", err)
	}
	wantQueue(t, d, "A 1", "C 1", "B 1") // the report that came meanwhile
	check(t, report(1, 0))               // and what was dismissed may be said again
	_, err := d.HidePost(t.Context(), db.HidePostParams{ID: posts[1].ID, By: moderator.ID, Reason: "Spam."})
	check(t, err)
	_, err = d.UpdatePost(t.Context(), db.UpdatePostParams{ID: posts[0].ID, Published: ptr(false)})
	check(t, err)
	wantQueue(t, d, "C 1")
	for _, i := range []int{0, 1} {
		if err := report(i, 2); !errors.Is(err, sql.ErrNoRows) {
			t.Errorf("ReportPost of %s: %v, want sql.ErrNoRows", posts[i].Title, err)
		}
	}
	_, err = d.UpdatePost(t.Context(), db.UpdatePostParams{ID: posts[0].ID, Published: ptr(true)})
	check(t, err)
	wantQueue(t, d, "A 1", "C 1") // to unpublish is no way out
	check(t, d.DeletePost(t.Context(), posts[0].ID, author.ID))
	check(t, d.DeletePost(t.Context(), posts[2].ID, moderator.ID))
	wantQueue(t, d)
	clock.at = clock.at.Add(db.PurgeAfter) + 1
	n, err := d.PurgePosts(t.Context())
	if err != nil || n != 2 || dbtest.Value[int](t, d, "SELECT count(*) FROM reports") != 0 {
		t.Errorf("PurgePosts = %d, %v, want 2 and their reports", n, err)
	}
	wantActs(t, d, "delete C  0", "hide B Spam. 2", "dismiss B  2")
}

func TestReportsPages(t *testing.T) {
	d, _ := withClock(t)
	author, reader := newUser(t, d, "user_ada"), newUser(t, d, "user_grace")
	for i := range 5 {
		post := newPost(t, d, author.ID, fmt.Sprint("Post ", i))
		check(t, d.ReportPost(t.Context(), db.ReportPostParams{ID: post.ID, By: reader.ID, Kind: db.ReportOther}))
	}
	var got []string
	for after := int64(0); ; {
		rows, err := d.ListReportedPosts(t.Context(), db.ListReportedPostsParams{AfterID: after, PageSize: 2})
		check(t, err)
		if len(rows) == 0 {
			break
		}
		for _, row := range rows {
			got, after = append(got, row.Title), row.FirstReportID
		}
	}
	if want := []string{"Post 0", "Post 1", "Post 2", "Post 3", "Post 4"}; !slices.Equal(got, want) {
		t.Errorf("the pages hold %q, want %q", got, want)
	}
}

// The reports of posts are there also when the queue has changed since the posts
// were read.
func TestReportsOfAQueueThatChanged(t *testing.T) {
	d, _ := withClock(t)
	author, moderator := newUser(t, d, "user_ada"), newUser(t, d, "user_margaret")
	for i := range 2 {
		newPost(t, d, author.ID, fmt.Sprint("Post ", i+1))
	}
	report := func(post int64, by string) {
		check(t, d.ReportPost(t.Context(), db.ReportPostParams{ID: post, By: newUser(t, d, by).ID, Kind: db.ReportOther}))
	}
	report(1, "user_a")
	report(2, "user_b")
	rows := queue(t, d)
	report(1, "user_c")
	report(1, "user_d")
	check(t, d.DismissReports(t.Context(), db.DismissReportsParams{PostID: 1, LastID: rows[0].LastReportID, By: moderator.ID}))
	reports, err := d.ListReports(t.Context(), db.ListReportsParams{Posts: []int64{rows[0].ID, rows[1].ID}, PageSize: 1})
	check(t, err)
	var got []int64
	for _, r := range reports {
		got = append(got, r.Report.ID, r.Report.PostID)
	}
	if want := []int64{2, 2, 3, 1}; !slices.Equal(got, want) {
		t.Errorf("the reports and their posts are %v, want %v", got, want)
	}
}

func TestBanUser(t *testing.T) {
	d, _ := withClock(t)
	author, admin := newUser(t, d, "user_ada"), newUser(t, d, "user_margaret")
	for _, title := range []string{"One", "Two"} {
		newPost(t, d, author.ID, title)
	}
	ban := db.BanUserParams{User: db.UserData{ClerkID: "user_ada", Name: "Ada", Banned: true, UpdatedAt: 2}, Act: db.ActBan, By: admin.ID, Reason: "Spam."}
	for _, step := range []struct {
		hide   bool
		hidden int
	}{{false, 0}, {true, 2}, {true, 0}} {
		ban.HidePosts = step.hide
		hidden, err := d.BanUser(t.Context(), ban)
		if err != nil || len(hidden) != step.hidden {
			t.Errorf("BanUser(%t) hides %d, %v, want %d", step.hide, hidden, err, step.hidden)
		}
	}
	if user, err := d.GetUser(t.Context(), author.ID); err != nil || user.Active() || user.Name != "Ada" {
		t.Errorf("the user is %+v (%v), want Ada banned", user, err)
	}
	ban.User.Banned, ban.User.UpdatedAt, ban.Act = false, 3, db.ActUnban
	_, err := d.BanUser(t.Context(), ban)
	check(t, err)
	if user, err := d.GetUser(t.Context(), author.ID); err != nil || !user.Active() {
		t.Errorf("the user is %+v (%v), want them active", user, err)
	}
	wantActs(t, d, "unban  Spam. 0", "hide Two Spam. 0", "hide One Spam. 0", "ban  Spam. 0")
}

// A ban is in the log once: however often the button is pressed, whoever else
// tells of it first, and again when the user was let in meanwhile.
func TestBanIsLoggedOnce(t *testing.T) {
	d, _ := withClock(t)
	user, admin := newUser(t, d, "user_ada"), newUser(t, d, "user_margaret")
	steps := []struct {
		name   string
		act    db.Act // "": Clerk tells of it by itself
		banned bool
		seen   int64
		again  bool
		want   int // acts in the log then
	}{
		{"first", db.ActBan, true, 0, false, 1},
		{"pressed at the same time", db.ActBan, true, 0, false, 1},
		{"pressed later", db.ActBan, true, 1, true, 1},
		{"let in", db.ActUnban, false, 1, false, 2},
		{"let in at the same time", db.ActUnban, false, 1, false, 2},
		{"banned at Clerk", "", true, 0, false, 2},
		{"not noted at the first try", db.ActBan, true, 2, true, 3},
		{"let in at Clerk", "", false, 0, false, 3},
		{"banned once more, which Clerk tells first", "", true, 0, false, 3},
		{"and then whoever did it", db.ActBan, true, 3, false, 4},
	}
	for i, s := range steps {
		data := db.UserData{ClerkID: user.ClerkID, Banned: s.banned, UpdatedAt: db.Time(i + 2)}
		var err error
		if s.act == "" {
			_, err = d.SaveUser(t.Context(), data)
		} else {
			_, err = d.BanUser(t.Context(), db.BanUserParams{User: data, Act: s.act, By: admin.ID, Seen: s.seen, Again: s.again})
		}
		check(t, err)
		if got := dbtest.Value[int](t, d, "SELECT count(*) FROM moderation_log"); got != s.want {
			t.Errorf("%s: the log has %d acts, want %d", s.name, got, s.want)
		}
	}
	if id, err := d.GetLastBanID(t.Context(), user.ID); err != nil || id != 4 {
		t.Errorf("GetLastBanID = %d, %v, want 4", id, err)
	}
}

// Who is gone can do nothing more, and the log forgets what they wrote.
func TestModerationByAndOfTheDeleted(t *testing.T) {
	d, _ := withClock(t)
	author, moderator := newUser(t, d, "user_ada"), newUser(t, d, "user_katherine")
	first, second := newPost(t, d, author.ID, "First"), newPost(t, d, author.ID, "Second")
	_, err := d.HidePost(t.Context(), db.HidePostParams{ID: first.ID, By: moderator.ID, Reason: "No."})
	check(t, err)
	_, err = d.SaveUser(t.Context(), db.UserData{ClerkID: "user_katherine", Banned: true, UpdatedAt: 1})
	check(t, err)
	_, hide := d.HidePost(t.Context(), db.HidePostParams{ID: second.ID, By: moderator.ID, Reason: "No."})
	_, unhide := d.UnhidePost(t.Context(), db.UnhidePostParams{ID: first.ID, By: moderator.ID})
	report := d.ReportPost(t.Context(), db.ReportPostParams{ID: second.ID, By: moderator.ID, Kind: db.ReportSpam})
	dismiss := d.DismissReports(t.Context(), db.DismissReportsParams{PostID: second.ID, LastID: 1, By: moderator.ID})
	for name, err := range map[string]error{"HidePost": hide, "UnhidePost": unhide, "ReportPost": report, "DismissReports": dismiss} {
		if !errors.Is(err, db.ErrInactive) {
			t.Errorf("%s by a banned moderator: %v, want db.ErrInactive", name, err)
		}
	}
	others := newPost(t, d, newUser(t, d, "user_grace").ID, "Reported")
	check(t, d.ReportPost(t.Context(), db.ReportPostParams{ID: others.ID, By: author.ID, Kind: db.ReportSpam, Text: "Written by Ada."}))
	_, err = d.ApplyEvent(t.Context(), db.Event{SvixID: "msg_1", Type: "user.deleted", At: 1, DeletedClerkID: "user_ada"})
	check(t, err)
	if text := dbtest.Value[string](t, d, "SELECT text FROM reports"); text != "" {
		t.Errorf("the report of a deleted user says %q", text)
	}
	wantActs(t, d, "hide  No. 0")
}

// A change that was under way when its author was banned comes too late.
func TestNoChangeOfTheBanned(t *testing.T) {
	d, _ := withClock(t)
	author, admin := newUser(t, d, "user_ada"), newUser(t, d, "user_margaret")
	draft, err := d.CreatePost(t.Context(), db.CreatePostParams{AuthorID: author.ID, Title: "Spam"})
	check(t, err)
	_, err = d.BanUser(t.Context(), db.BanUserParams{User: db.UserData{ClerkID: author.ClerkID, Banned: true, UpdatedAt: 2}, Act: db.ActBan, By: admin.ID, HidePosts: true})
	check(t, err)
	if _, err := d.UpdatePost(t.Context(), db.UpdatePostParams{ID: draft.ID, Published: ptr(true)}); !errors.Is(err, db.ErrInactive) {
		t.Errorf("UpdatePost of a banned author: %v, want db.ErrInactive", err)
	}
}

// Whatever comes first, a post that is hidden, published, deleted and brought
// back at the same time is in a state that one of them left, and every act that
// was done is in the log.
func TestModerationRaces(t *testing.T) {
	d := hasty(t)
	author, moderator := newUser(t, d, "user_ada"), newUser(t, d, "user_katherine")
	post := newPost(t, d, author.ID, "Fought over")
	acts := []func() error{
		func() error {
			_, err := d.HidePost(t.Context(), db.HidePostParams{ID: post.ID, By: moderator.ID, Reason: "No."})
			return err
		},
		func() error {
			_, err := d.UnhidePost(t.Context(), db.UnhidePostParams{ID: post.ID, By: moderator.ID})
			return err
		},
		func() error { return d.DeletePost(t.Context(), post.ID, moderator.ID) },
		func() error { _, err := d.RestorePost(t.Context(), post.ID, moderator.ID); return err },
		func() error {
			_, err := d.UpdatePost(t.Context(), db.UpdatePostParams{ID: post.ID, Published: ptr(true)})
			return err
		},
		func() error {
			return d.ReportPost(t.Context(), db.ReportPostParams{ID: post.ID, By: moderator.ID, Kind: db.ReportSpam})
		},
	}
	done := make([]int, len(acts))
	var wg sync.WaitGroup
	for i, act := range acts {
		wg.Go(func() {
			for range 50 {
				err := act()
				switch {
				case err == nil:
					done[i]++
				case !errors.Is(err, sql.ErrNoRows) && !errors.Is(err, db.ErrConflict):
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for i, act := range []db.Act{db.ActHide, db.ActUnhide, db.ActDelete, db.ActUndelete} {
		if got := dbtest.Value[int](t, d, "SELECT count(*) FROM moderation_log WHERE act = ?", string(act)); got != done[i] {
			t.Errorf("%d of %s are in the log, %d were done", got, act, done[i])
		}
	}
	if hidden := done[0] - done[1]; hidden < 0 || hidden > 1 || dbtest.Value[int](t, d, "SELECT hidden_at IS NOT NULL FROM posts") != hidden {
		t.Errorf("hidden %d times and shown again %d times, which the post does not show", done[0], done[1])
	}
}

// queue returns all posts that are reported.
func queue(t *testing.T, d *db.DB) []db.ListReportedPostsRow {
	t.Helper()
	rows, err := d.ListReportedPosts(t.Context(), db.ListReportedPostsParams{PageSize: 100})
	check(t, err)
	return rows
}

// wantQueue makes sure of the posts that are reported, each with how often.
func wantQueue(t *testing.T, d *db.DB, want ...string) {
	t.Helper()
	var got []string
	for _, row := range queue(t, d) {
		got = append(got, fmt.Sprint(row.Title, " ", row.Reports))
		reports, err := d.ListReports(t.Context(), db.ListReportsParams{Posts: []int64{row.ID}, PageSize: 10})
		check(t, err)
		if len(reports) != int(row.Reports) || reports[len(reports)-1].Report.ID != row.LastReportID {
			t.Errorf("%s has %d reports, want %d", row.Title, len(reports), row.Reports)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("the queue is %q, want %q", got, want)
	}
}

// wantActs makes sure of the log, newest first.
func wantActs(t *testing.T, d *db.DB, want ...string) {
	t.Helper()
	rows, err := d.ListActs(t.Context(), db.ListActsParams{BeforeID: math.MaxInt64, PageSize: 100})
	check(t, err)
	var got []string
	for _, row := range rows {
		got = append(got, fmt.Sprint(row.ModerationLog.Act, " ", row.ModerationLog.Title, " ", row.ModerationLog.Reason, " ", row.ModerationLog.Reports))
	}
	if !slices.Equal(got, want) {
		t.Errorf("the log is %q, want %q", got, want)
	}
}
