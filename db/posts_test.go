package db_test

import (
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"inkwell/db"
	"inkwell/db/dbtest"
)

func TestCreatePost(t *testing.T) {
	d, clock := withClock(t)
	author := newUser(t, d, "user_ada")
	dbtest.Exec(t, d, "INSERT INTO users (clerk_id, banned, created_at, updated_at) VALUES ('user_banned', 1, 1, 1)")
	tests := []struct {
		name string
		in   db.CreatePostParams
		err  error
	}{
		{"published", db.CreatePostParams{AuthorID: author.ID, Title: "One", Content: "*a*", ContentHTML: "<em>a</em>", Excerpt: "a", RenderVersion: 3, Published: true}, nil},
		{"draft", db.CreatePostParams{AuthorID: author.ID, Title: "Two", Content: "b"}, nil},
		{"untitled draft", db.CreatePostParams{AuthorID: author.ID}, nil},
		{"second untitled draft", db.CreatePostParams{AuthorID: author.ID}, nil},
		{"untitled", db.CreatePostParams{AuthorID: author.ID, Published: true}, db.ErrUntitled},
		{"title of a draft", db.CreatePostParams{AuthorID: author.ID, Title: "two", Published: true}, db.ErrTitleTaken},
		{"banned author", db.CreatePostParams{AuthorID: author.ID + 1, Title: "Three"}, db.ErrInactive},
		{"no author", db.CreatePostParams{AuthorID: 99, Title: "Three"}, db.ErrInactive},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			post, err := d.CreatePost(t.Context(), tt.in)
			if !errors.Is(err, tt.err) {
				t.Fatalf("CreatePost: %v, want %v", err, tt.err)
			}
			if err != nil {
				return
			}
			row, err := d.GetPost(t.Context(), post.ID)
			check(t, err)
			want := db.Post{
				ID: post.ID, AuthorID: author.ID, Title: tt.in.Title, TitleKey: post.TitleKey, Published: tt.in.Published, CreatedAt: clock.at, UpdatedAt: clock.at,
				RenderVersion: tt.in.RenderVersion, Excerpt: tt.in.Excerpt, Content: tt.in.Content, ContentHTML: tt.in.ContentHTML,
			}
			if tt.in.Published {
				want.PublishedAt = clock.at
			}
			if post != want || row.Post != want {
				t.Errorf("CreatePost = %+v,\nGetPost = %+v,\nwant %+v", post, row.Post, want)
			}
		})
	}
	if !errors.Is(db.ErrTitleTaken, db.ErrConflict) || !errors.Is(db.ErrStale, db.ErrConflict) {
		t.Error("ErrTitleTaken and ErrStale are no ErrConflict")
	}
}

func TestTitlesAreUnique(t *testing.T) {
	tests := []struct {
		name          string
		first, second string
		taken         bool
	}{
		{"same", "Hello", "Hello", true},
		{"case", "HELLO wörld", "hello WÖRLD", true},
		{"sharp s", "Straße", "STRASSE", true},
		{"final sigma", "ΟΔΟΣ", "οδος", true},
		{"two sigmas", "οδοσ", "οδος", true},
		{"dotted capital I", "İstanbul", "i\u0307stanbul", true},
		{"dotted and plain I", "İstanbul", "istanbul", false},
		{"dotless i", "ısı", "isi", false},
		{"composed and decomposed", "Caf\u00e9", "cafe\u0301", true},
		{"accent", "Café", "Cafe", false},
		{"ligature", "ﬁne", "FINE", true},
		{"inner blank", "a b", "a  b", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := dbtest.New(t)
			ada, ben := newUser(t, d, "user_ada"), newUser(t, d, "user_ben")
			newPost(t, d, ada.ID, tt.first)
			newPost(t, d, ben.ID, tt.second) // another author may
			_, err := d.CreatePost(t.Context(), db.CreatePostParams{AuthorID: ada.ID, Title: tt.second})
			if errors.Is(err, db.ErrTitleTaken) != tt.taken {
				t.Errorf("%q after %q: %v, want taken: %v", tt.second, tt.first, err, tt.taken)
			}
		})
	}
}

func TestFormSentTwice(t *testing.T) {
	d := dbtest.New(t)
	ada, ben := newUser(t, d, "user_ada"), newUser(t, d, "user_ben")
	form := db.CreatePostParams{AuthorID: ada.ID, Title: "Title", Content: "Text", Published: true, FormKey: "key"}
	first, err := d.CreatePost(t.Context(), form)
	check(t, err)
	with := func(change func(p *db.CreatePostParams)) db.CreatePostParams {
		p := form
		change(&p)
		return p
	}
	tests := []struct {
		name string
		form db.CreatePostParams
		same bool
		err  error
	}{
		{"again", form, true, nil},
		{"other content", with(func(p *db.CreatePostParams) { p.Content = "Other" }), false, db.ErrTitleTaken},
		{"other text", with(func(p *db.CreatePostParams) { p.Title, p.Content = "Other", "Other" }), false, nil},
		{"other key", with(func(p *db.CreatePostParams) { p.FormKey = "other" }), false, db.ErrTitleTaken},
		{"no key", with(func(p *db.CreatePostParams) { p.FormKey = "" }), false, db.ErrTitleTaken},
		{"other author", with(func(p *db.CreatePostParams) { p.AuthorID = ben.ID }), false, nil},
		{"and again", form, true, nil},
	}
	for _, tt := range tests {
		post, err := d.CreatePost(t.Context(), tt.form)
		if !errors.Is(err, tt.err) || (post == first) != tt.same {
			t.Errorf("%s: CreatePost = %+v, %v, want the first: %v, error %v", tt.name, post, err, tt.same, tt.err)
		}
	}
	check(t, d.DeletePost(t.Context(), first.ID, ada.ID))
	if post, err := d.CreatePost(t.Context(), form); err != nil || post.ID == first.ID {
		t.Errorf("after its post was deleted: CreatePost = %+v, %v, want a new post", post, err)
	}
}

// Who goes back and presses the other button means the same post.
func TestFormSentAgainToPublish(t *testing.T) {
	d := dbtest.New(t)
	ada := newUser(t, d, "user_ada")
	form := db.CreatePostParams{AuthorID: ada.ID, Title: "Title", Content: "Text", FormKey: "key"}
	draft, err := d.CreatePost(t.Context(), form)
	check(t, err)
	form.Published = true
	post, err := d.CreatePost(t.Context(), form)
	check(t, err)
	if post.ID != draft.ID || !post.Published || post.PublishedAt == 0 {
		t.Errorf("CreatePost to publish the draft %d = %+v", draft.ID, post)
	}
}

func TestFormSentFiftyTimesAtOnce(t *testing.T) {
	d := dbtest.New(t)
	author := newUser(t, d, "user_ada")
	var wg sync.WaitGroup
	ids := make([]int64, 50)
	for i := range ids {
		wg.Go(func() {
			post, err := d.CreatePost(t.Context(), db.CreatePostParams{AuthorID: author.ID, Content: "Text", FormKey: "key"})
			if err != nil {
				t.Error(err)
			}
			ids[i] = post.ID
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Errorf("posts %v, want one", ids)
			break
		}
	}
	if n := dbtest.Value[int](t, d, "SELECT count(*) FROM posts"); n != 1 {
		t.Errorf("%d posts, want 1", n)
	}
}

func TestUpdatePost(t *testing.T) {
	content := &db.PostContent{Source: "*new*", HTML: "<em>new</em>", Excerpt: "new", RenderVersion: 7}
	tests := []struct {
		name   string
		change db.UpdatePostParams
		apply  func(p *db.Post) // makes the wanted post of the old one
		err    error
	}{
		{"title", db.UpdatePostParams{Title: ptr("New")}, func(p *db.Post) { p.Title, p.TitleKey = "New", "new" }, nil},
		{"case of the title", db.UpdatePostParams{Title: ptr("MINE")}, func(p *db.Post) { p.Title = "MINE" }, nil},
		{"content", db.UpdatePostParams{Content: content}, func(p *db.Post) {
			p.Content, p.ContentHTML, p.Excerpt, p.RenderVersion = "*new*", "<em>new</em>", "new", 7
		}, nil},
		{"unpublished", db.UpdatePostParams{Published: ptr(false)}, func(p *db.Post) { p.Published = false }, nil},
		{"as an untitled draft", db.UpdatePostParams{Title: ptr(""), Published: ptr(false)}, func(p *db.Post) { p.Title, p.TitleKey, p.Published = "", "", false }, nil},
		{"title taken", db.UpdatePostParams{Title: ptr("Taken")}, nil, db.ErrTitleTaken},
		{"untitled", db.UpdatePostParams{Title: ptr("")}, nil, db.ErrUntitled},
		{"stale", db.UpdatePostParams{Title: ptr("New"), Version: 1}, nil, db.ErrStale},
		{"of the version seen", db.UpdatePostParams{Title: ptr("New"), Version: 1_760_000_000_000}, func(p *db.Post) { p.Title, p.TitleKey = "New", "new" }, nil},
		{"no such post", db.UpdatePostParams{ID: 99, Title: ptr("New")}, nil, sql.ErrNoRows},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, clock := withClock(t)
			author := newUser(t, d, "user_ada")
			newPost(t, d, author.ID, "Taken")
			want := newPost(t, d, author.ID, "Mine")
			if tt.change.ID == 0 {
				tt.change.ID = want.ID
			}
			clock.at += 60_000
			got, err := d.UpdatePost(t.Context(), tt.change)
			if !errors.Is(err, tt.err) {
				t.Fatalf("UpdatePost: %v, want %v", err, tt.err)
			}
			if err == nil {
				tt.apply(&want)
				want.UpdatedAt = clock.at
			}
			row, err := d.GetPost(t.Context(), want.ID)
			if err != nil || row.Post != want || tt.err == nil && got != want {
				t.Errorf("UpdatePost = %+v,\nGetPost = %+v, %v,\nwant %+v", got, row.Post, err, want)
			}
		})
	}
}

func TestTimesOfPost(t *testing.T) {
	d, clock := withClock(t)
	author := newUser(t, d, "user_ada")
	start := clock.at
	post, err := d.CreatePost(t.Context(), db.CreatePostParams{AuthorID: author.ID, Title: "Draft"})
	check(t, err)
	steps := []struct {
		name                   string
		clock                  db.Time // from the start
		change                 db.UpdatePostParams
		updatedAt, publishedAt db.Time // from the start
	}{
		{"nothing", 10, db.UpdatePostParams{}, 0, -start},
		{"the same", 10, db.UpdatePostParams{Title: ptr("Draft"), Published: ptr(false)}, 0, -start},
		{"publish", 20, db.UpdatePostParams{Published: ptr(true)}, 20, 20},
		{"clock stands still", 20, db.UpdatePostParams{Title: ptr("A")}, 21, 20},
		{"clock goes back", 5, db.UpdatePostParams{Title: ptr("B")}, 22, 20},
		{"unpublish", 40, db.UpdatePostParams{Published: ptr(false)}, 40, 20},
		{"publish again", 50, db.UpdatePostParams{Published: ptr(true)}, 50, 20},
	}
	for _, tt := range steps {
		clock.at = start + tt.clock
		tt.change.ID = post.ID
		got, err := d.UpdatePost(t.Context(), tt.change)
		if err != nil || got.CreatedAt != start || got.UpdatedAt != start+tt.updatedAt || got.PublishedAt != start+tt.publishedAt {
			t.Errorf("%s: created %d, updated %d, published %d, %v, want 0, %d, %d", tt.name,
				got.CreatedAt-start, got.UpdatedAt-start, got.PublishedAt-start, err, tt.updatedAt, tt.publishedAt)
		}
	}
}

func TestDeleteAndRestore(t *testing.T) {
	period := db.Time(db.UndoPeriod / time.Millisecond)
	tests := []struct {
		name  string
		other bool    // another user asks for it
		after db.Time // in ms
		again bool    // the title is used again meanwhile
		err   error
	}{
		{"at once", false, 0, false, nil},
		{"in time", false, period, false, nil},
		{"too late", false, period + 1, false, sql.ErrNoRows},
		{"somebody else", true, 0, false, sql.ErrNoRows},
		{"title in use", false, 0, true, db.ErrTitleTaken},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, clock := withClock(t)
			author, by := newUser(t, d, "user_ada"), newUser(t, d, "user_mod").ID
			post := newPost(t, d, author.ID, "Title")
			check(t, d.DeletePost(t.Context(), post.ID, by))
			if _, err := d.GetPost(t.Context(), post.ID); !errors.Is(err, sql.ErrNoRows) {
				t.Errorf("GetPost of a deleted post: %v", err)
			}
			if err := d.DeletePost(t.Context(), post.ID, by); !errors.Is(err, sql.ErrNoRows) {
				t.Errorf("DeletePost again: %v", err)
			}
			if _, err := d.UpdatePost(t.Context(), db.UpdatePostParams{ID: post.ID, Title: ptr("New")}); !errors.Is(err, sql.ErrNoRows) {
				t.Errorf("UpdatePost of a deleted post: %v", err)
			}
			clock.at += tt.after
			if tt.again {
				newPost(t, d, author.ID, "title")
			}
			if tt.other {
				by = author.ID
			}
			restored, err := d.RestorePost(t.Context(), post.ID, by)
			if !errors.Is(err, tt.err) || err == nil && restored != post {
				t.Errorf("RestorePost = %+v, %v, want %v", restored, err, tt.err)
			}
			if _, err := d.RestorePost(t.Context(), post.ID, by); err == nil {
				t.Error("a post is restored twice")
			}
		})
	}
}

func TestPurgePosts(t *testing.T) {
	d, clock := withClock(t)
	author := newUser(t, d, "user_ada")
	const old = 250 // several batches
	for i := range old {
		post := newPost(t, d, author.ID, fmt.Sprint("Old ", i))
		check(t, d.DeletePost(t.Context(), post.ID, author.ID))
	}
	clock.at++
	recent, kept := newPost(t, d, author.ID, "Recent"), newPost(t, d, author.ID, "Kept")
	check(t, d.DeletePost(t.Context(), recent.ID, author.ID))
	clock.at = clock.at.Add(db.PurgeAfter)
	if n, err := d.PurgePosts(t.Context()); n != old || err != nil {
		t.Errorf("PurgePosts = %d, %v, want %d", n, err, old)
	}
	clock.at++
	if n, err := d.PurgePosts(t.Context()); n != 1 || err != nil {
		t.Errorf("PurgePosts a moment later = %d, %v, want 1", n, err)
	}
	if _, err := d.GetPost(t.Context(), kept.ID); err != nil {
		t.Errorf("the post that was not deleted: %v", err)
	}
	check(t, d.DeletePost(t.Context(), kept.ID, author.ID))
	clock.at = clock.at.Add(db.PurgeAfter + time.Millisecond)
	_, err := d.PurgePosts(t.Context())
	check(t, err)
	if next := newPost(t, d, author.ID, "Next"); next.ID <= kept.ID {
		t.Errorf("the id %d is used again after %d", next.ID, kept.ID)
	}
}

func TestRenderVersion(t *testing.T) {
	d := dbtest.New(t)
	for _, want := range []int64{0, 2, 1} {
		if want > 0 {
			check(t, d.SetRenderVersion(t.Context(), want))
		}
		if got, err := d.GetRenderVersion(t.Context()); err != nil || got != want {
			t.Errorf("GetRenderVersion = %d, %v; want %d", got, err, want)
		}
	}
}

func TestSetRendering(t *testing.T) {
	d, clock := withClock(t)
	author := newUser(t, d, "user_ada")
	old, changed := newPost(t, d, author.ID, "Old"), newPost(t, d, author.ID, "Changed")
	stale, err := d.ListStalePosts(t.Context(), db.ListStalePostsParams{Version: 2, PageSize: 10})
	check(t, err)
	if len(stale) != 2 || stale[0].ID != old.ID || stale[0].Content != old.Content {
		t.Fatalf("ListStalePosts = %+v", stale)
	}
	next, err := d.ListStalePosts(t.Context(), db.ListStalePostsParams{Version: 2, AfterID: old.ID, PageSize: 10})
	if err != nil || len(next) != 1 || next[0].ID != changed.ID {
		t.Errorf("ListStalePosts after the first = %+v, %v", next, err)
	}
	clock.at++
	_, err = d.UpdatePost(t.Context(), db.UpdatePostParams{ID: changed.ID, Content: &db.PostContent{Source: "new", HTML: "new", RenderVersion: 2}})
	check(t, err)
	for _, post := range stale {
		check(t, d.SetRendering(t.Context(), post.ID, post.UpdatedAt, "rendered", "excerpt", 2))
	}
	got, err := d.GetPost(t.Context(), old.ID)
	check(t, err)
	want := old
	want.ContentHTML, want.Excerpt, want.RenderVersion = "rendered", "excerpt", 2
	if got.Post != want {
		t.Errorf("rendered: %+v, want %+v", got.Post, want)
	}
	if got, err := d.GetPost(t.Context(), changed.ID); err != nil || got.Post.ContentHTML != "new" {
		t.Errorf("changed meanwhile: %+v, %v, want its own rendering", got, err)
	}
	stale, err = d.ListStalePosts(t.Context(), db.ListStalePostsParams{Version: 2, PageSize: 10})
	if len(stale) != 0 || err != nil {
		t.Errorf("ListStalePosts when all is rendered = %+v, %v", stale, err)
	}
}
