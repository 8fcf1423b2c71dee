package db_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"inkwell/db"
	"inkwell/db/dbtest"
)

// write stores a published post.
func write(t testing.TB, d *db.DB, authorID int64, title, html string) db.Post {
	t.Helper()
	post, err := d.CreatePost(t.Context(), db.CreatePostParams{AuthorID: authorID, Title: title, Content: html, ContentHTML: html, Published: true})
	if err != nil {
		t.Fatal(err)
	}
	return post
}

// search returns the titles of what is found, with marks, on pages of a size.
func search(t testing.TB, d *db.DB, typed string, authorID int64, size int) []string {
	t.Helper()
	var titles []string
	p := db.SearchParams{Query: db.ParseQuery(typed), AuthorID: authorID, PageSize: size}
	for {
		found, err := d.SearchPosts(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		for _, post := range found.Posts {
			titles = append(titles, marked(post.MarkedTitle))
		}
		if found.Next.String() == "" {
			return titles
		}
		if p.After, err = db.ParseSearchPlace(found.Next.String()); err != nil {
			t.Fatal(err)
		}
	}
}

// marked writes a text with brackets around matches.
func marked(text []db.Piece) string {
	var b strings.Builder
	for _, p := range text {
		if p.Match {
			p.Text = "[" + p.Text + "]"
		}
		b.WriteString(p.Text)
	}
	return b.String()
}

func TestSearch(t *testing.T) {
	d := dbtest.New(t)
	ada, ben := newUser(t, d, "user_ada"), newUser(t, d, "user_ben")
	write(t, d, ada.ID, "Pens", "<p>A pen needs ink.</p><p>Blue <em>ink</em>, say.</p>")
	write(t, d, ben.ID, "Ink", "<p>Nothing about it.</p>")
	write(t, d, ada.ID, "Wells", "<p>Holes with water, unlike an ink"+strings.Repeat(" long", 50)+" well.</p>")
	write(t, d, ben.ID, "Café in 東京都", "<p>Crème brûlée &amp; tea</p>")
	draft, err := d.CreatePost(t.Context(), db.CreatePostParams{AuthorID: ada.ID, Title: "Secret ink", ContentHTML: "ink"})
	check(t, err)
	deleted := write(t, d, ada.ID, "Deleted ink", "ink")
	check(t, d.DeletePost(t.Context(), deleted.ID, ada.ID))

	tests := []struct {
		typed  string
		author int64
		want   []string
	}{
		{"ink", 0, []string{"[Ink]", "Pens", "Wells"}}, // title before twice before once in a long one
		{"ink", ben.ID, []string{"[Ink]"}},
		{"INK wat", 0, []string{"Wells"}},
		{"ink zebra", 0, nil},
		{`"blue ink"`, 0, []string{"Pens"}},
		{`"ink blue"`, 0, []string{"Pens"}}, // over the end of a paragraph
		{`"ink needs"`, 0, nil},
		{"wel", 0, []string{"[Wells]"}},
		{"well ", 0, []string{"Wells"}},
		{"wate ", 0, nil},
		{"cafe BRULEE", 0, []string{"[Café] in 東京都"}},
		{"京都", 0, []string{"Café in 東[京都]"}},
		{"都", 0, []string{"Café in 東京[都]"}},
		{"京東", 0, nil},
		{"em strong amp", 0, nil}, // is markup
		{"§1 ink", 0, nil},
		{"secret", 0, nil},
		{"deleted", 0, nil},
		{"", 0, nil},
	}
	for _, tt := range tests {
		t.Run(tt.typed, func(t *testing.T) {
			for _, size := range []int{1, 20} {
				if got := search(t, d, tt.typed, tt.author, size); !slices.Equal(got, tt.want) {
					t.Errorf("pages of %d: %q finds %q, want %q", size, tt.typed, got, tt.want)
				}
			}
		})
	}
	_, err = d.UpdatePost(t.Context(), db.UpdatePostParams{ID: draft.ID, Published: ptr(true)})
	check(t, err)
	if got := search(t, d, "secret", 0, 20); !slices.Equal(got, []string{"[Secret] ink"}) {
		t.Errorf("published, it is found as %q", got)
	}
}

// Whatever is typed is searched or finds nothing; none is an error.
func TestSearchHostile(t *testing.T) {
	d := dbtest.New(t)
	ada := newUser(t, d, "user_ada")
	write(t, d, ada.ID, "Ink", "or not near and 1")
	for _, typed := range []string{
		`"`, `""`, `"""`, `*`, `ink*`, `*ink`, `ink OR`, `OR`, `NOT ink`, `ink NEAR/1 or`, `-ink`, `^ink`, `title:ink`, `post_search:ink`, `docid:1`,
		"ink\x00", "\xff\xfeink", "(((((", ")", "ink)", `'; DROP TABLE posts; --`, `" OR 1=1`, strings.Repeat("ink ", 10_000), strings.Repeat(`"`, 10_000),
		strings.Repeat("東", 10_000), strings.Repeat("a", 10_000), strings.Repeat("é", 10_000), "§1", "%_", "\u202eink", strings.Repeat("ink* NEAR ", 40),
	} {
		if _, err := d.SearchPosts(t.Context(), db.SearchParams{Query: db.ParseQuery(typed), PageSize: 20}); err != nil {
			t.Errorf("%.40q: %v", typed, err)
		}
	}
}

// Posts that are written between two pages change nothing on the second, and
// the newest of equals come first.
func TestSearchPages(t *testing.T) {
	d := hasty(t)
	ada := newUser(t, d, "user_ada")
	var want []string
	for i := range 50 {
		post := write(t, d, ada.ID, fmt.Sprint("Post ", i), "<p>rare ink</p>")
		want = slices.Insert(want, 0, post.Title)
	}
	var got []string
	p := db.SearchParams{Query: db.ParseQuery("ink rare"), PageSize: 7}
	for i := 0; ; i++ {
		found, err := d.SearchPosts(t.Context(), p)
		check(t, err)
		for _, post := range found.Posts {
			got = append(got, marked(post.MarkedTitle))
		}
		if p.After = found.Next; found.Next.String() == "" {
			break
		}
		write(t, d, ada.ID, fmt.Sprint("Ink ink rare ", i), "<p>rare ink"+strings.Repeat(" long", 100*i)+"</p>")
	}
	if !slices.Equal(got, want) {
		t.Errorf("the pages hold %q, want %q", got, want)
	}
	p.Query = db.ParseQuery("ink")
	p.After, _ = db.ParseSearchPlace("")
	first, err := d.SearchPosts(t.Context(), p)
	check(t, err)
	_, err = d.SearchPosts(t.Context(), db.SearchParams{Query: db.ParseQuery("ink of three"), After: first.Next, PageSize: 7})
	if err == nil {
		t.Error("the place of another search is accepted")
	}
}

// A search is come back to with all that was loaded of it, as it was ranked then,
// and goes on from there.
func TestSearchThrough(t *testing.T) {
	d := hasty(t)
	ada := newUser(t, d, "user_ada")
	for i := range 30 {
		write(t, d, ada.ID, fmt.Sprint("Post ", i), "<p>rare ink"+strings.Repeat(" long", i*7%11)+"</p>")
	}
	p := db.SearchParams{Query: db.ParseQuery("ink rare"), PageSize: 7}
	show := func(p db.SearchParams) ([]int64, db.SearchPlace) {
		t.Helper()
		found, err := d.SearchPosts(t.Context(), p)
		check(t, err)
		var ids []int64
		for _, post := range found.Posts {
			ids = append(ids, post.ID)
		}
		return ids, found.Next
	}
	var loaded []int64
	var places []string
	for range 3 {
		page, next := show(p)
		loaded, places = append(loaded, page...), append(places, next.String())
		write(t, d, ada.ID, fmt.Sprint("Ink ink rare ", len(loaded)), "<p>rare ink</p>")
		p.After = next
	}
	p.After = db.SearchPlace{}
	var err error
	p.Through, err = db.ParseSearchPlace(places[1])
	check(t, err)
	for _, most := range []int{400, 21, 16} {
		p.MaxPosts = most
		got, next := show(p)
		if !slices.Equal(got, loaded[:min(most, 21)]) || most >= 21 && next.String() != places[2] {
			t.Errorf("of at most %d it shows %v and goes on at %s, want %v", most, got, next, loaded)
		}
	}
	p.MaxPosts = 400
	check(t, d.DeletePost(t.Context(), loaded[13], ada.ID))
	if got, next := show(p); !slices.Equal(got, slices.Delete(loaded, 13, 14)) || next.String() != places[2] {
		t.Errorf("without the post of the place it shows %v and goes on at %s, want %v", got, next, loaded)
	}
	p.MaxPosts = 0
	if got, next := show(p); !slices.Equal(got, loaded[:1]) || next.String() == "" {
		t.Errorf("of none at most it shows %v and goes on at %s, want the first", got, next)
	}
	other, err := d.SearchPosts(t.Context(), db.SearchParams{Query: db.ParseQuery("ink"), PageSize: 1})
	check(t, err)
	for name, places := range map[string][2]db.SearchPlace{"after": {other.Next}, "through": {{}, other.Next}, "after, with through": {other.Next, p.Through}, "through, with after": {p.Through, other.Next}} {
		p := db.SearchParams{Query: p.Query, After: places[0], Through: places[1], PageSize: 7, MaxPosts: 400}
		if _, err := d.SearchPosts(t.Context(), p); !errors.Is(err, db.ErrPlace) {
			t.Errorf("%s the place of another search the error is %v", name, err)
		}
	}
}

func TestSearchIsBounded(t *testing.T) {
	d := hasty(t)
	fill(t, d, 3, db.MaxCandidates+100)
	keepIndex(t, d)
	p := db.SearchParams{Query: db.ParseQuery("ten"), PageSize: 20}
	found, err := d.SearchPosts(t.Context(), p)
	check(t, err)
	if !found.Bounded || found.Matches != db.MaxCandidates || len(found.Posts) != 20 {
		t.Errorf("%d of %d matches, bounded %t, want 20 of %d, bounded", len(found.Posts), found.Matches, found.Bounded, db.MaxCandidates)
	}
	if got := search(t, d, "ten", 0, 300); len(got) != db.MaxCandidates {
		t.Errorf("all pages hold %d posts, want %d", len(got), db.MaxCandidates)
	}
}

// indexState is what the index holds, and whether it is sound.
func indexState(t testing.TB, d *db.DB) string {
	t.Helper()
	_, err := d.Writer().ExecContext(t.Context(), "INSERT INTO post_search (post_search) VALUES ('integrity-check')")
	if err != nil {
		t.Errorf("the index is not sound: %v", err)
	}
	return dbtest.Value[string](t, d, `SELECT coalesce(group_concat(line, char(10)), '')
FROM (SELECT format('%d %s | %s | %s', docid, author, title, content) AS line FROM post_search ORDER BY docid)`) + "\n" +
		dbtest.Value[string](t, d, `SELECT coalesce(group_concat(user_id || ' ' || search_key, char(10)), '') FROM (SELECT * FROM people ORDER BY user_id)`)
}

// rebuild makes the index anew from what is stored.
func rebuild(t testing.TB, d *db.DB) {
	t.Helper()
	for _, table := range []string{"post_search", "people", "search_progress"} {
		dbtest.Exec(t, d, "DELETE FROM "+table)
	}
	keepIndex(t, d)
}

// Whatever changes, the index is what it would be if it were made anew.
func TestIndexFollowsEveryChange(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			d := hasty(t)
			now := db.Time(1_760_000_000_000)
			d.SetNow(func() db.Time { return now })
			w := changes{t: t, d: d, random: rand.New(rand.NewPCG(seed, 1))}
			for i := range 6 {
				w.users = append(w.users, newUser(t, d, fmt.Sprint("user_", i)))
			}
			for range 300 {
				now += db.Time(w.random.IntN(3) * 60_000)
				w.change()
			}
			now = now.Add(db.PurgeAfter + db.UndoPeriod)
			_, err := d.PurgePosts(t.Context())
			check(t, err)
			if n := dbtest.Value[int](t, d, "SELECT (SELECT count(*) FROM changed_posts) + (SELECT count(*) FROM changed_people)"); n != 0 {
				t.Errorf("%d changes are not worked on", n)
			}
			got := indexState(t, d)
			rebuild(t, d)
			if want := indexState(t, d); got != want {
				t.Errorf("the index is\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// changes makes random ones. What is refused changes nothing.
type changes struct {
	t      *testing.T
	d      *db.DB
	random *rand.Rand
	users  []db.User
}

func (w changes) change() {
	ctx, id, user := w.t.Context(), 1+w.random.Int64N(40), w.users[w.random.IntN(len(w.users))]
	switch w.random.IntN(9) {
	case 0, 1, 2:
		w.d.CreatePost(ctx, db.CreatePostParams{AuthorID: user.ID, Title: w.words(2), ContentHTML: w.words(9), Published: w.random.IntN(3) > 0})
	case 3:
		title, published := w.words(2), w.random.IntN(3) > 0
		w.d.UpdatePost(ctx, db.UpdatePostParams{ID: id, Title: &title, Published: &published, Content: &db.PostContent{HTML: w.words(9)}})
	case 4:
		w.d.DeletePost(ctx, id, user.ID)
	case 5:
		w.d.RestorePost(ctx, id, user.ID)
	case 6:
		post, _ := w.d.GetPost(ctx, id)
		w.d.SetRendering(ctx, id, post.Post.UpdatedAt, w.words(9), "", 2)
	case 7:
		at := db.Time(w.random.IntN(1000))
		w.d.SaveUser(ctx, db.UserData{ClerkID: user.ClerkID, Name: w.words(1), Banned: w.random.IntN(5) == 0, UpdatedAt: at})
	case 8:
		if w.random.IntN(10) == 0 {
			w.d.ApplyEvent(ctx, db.Event{SvixID: w.words(5), Type: "user.deleted", At: 1, DeletedClerkID: user.ClerkID})
		}
	}
}

func (w changes) words(n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = []string{"Ink", "pen", "Café", "東京都", "blue", "<em>well</em>"}[w.random.IntN(6)] + strings.Repeat("s", w.random.IntN(9))
	}
	return strings.Join(all, " ")
}

// Posts that another program numbered oddly do not hold the index up.
func TestKeepIndexOfOddNumbers(t *testing.T) {
	d, _ := withClock(t)
	author := newUser(t, d, "user_a")
	newPost(t, d, author.ID, "Post")
	dbtest.Exec(t, d, "INSERT INTO posts (id, author_id, title, content, created_at, updated_at) VALUES (-5, ?, '', '', 1, 1), (0, ?, '', '', 1, 1)", author.ID, author.ID)
	dbtest.Exec(t, d, "DELETE FROM search_progress")
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := d.KeepIndex(ctx); err != nil {
		t.Fatal(err)
	}
	if got := dbtest.Value[int64](t, d, "SELECT before_id FROM search_progress"); got != 0 {
		t.Errorf("the index has come to %d", got)
	}
}

// What another program wrote, or an older release, comes into the index at the
// next start.
func TestKeepIndex(t *testing.T) {
	path := migrated(t, 4)
	change(t, path, "INSERT INTO users (clerk_id, name, username, created_at, updated_at) VALUES ('user_ada', 'Ada', 'ÀDA', 1, 1)")
	change(t, path, `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 250)
INSERT INTO posts (author_id, title, published, published_at, created_at, updated_at, content) SELECT 1, 'Old ink ' || i, i % 2, 1, 1, 1, '' FROM n`)
	d, err := db.Open(t.Context(), path)
	check(t, err)
	defer d.Close()
	for range 2 {
		check(t, d.KeepIndex(t.Context()))
		if n := len(search(t, d, "old", 0, 50)); n != 125 {
			t.Errorf("%d old posts are found, want 125", n)
		}
	}
	people, err := d.ListPeople(t.Context(), db.ListPeopleParams{Search: db.FoldName("Áda"), PageSize: 10})
	check(t, err)
	if len(people) != 1 || people[0].Posts != 125 {
		t.Errorf("the directory has %+v, want Ada with 125 posts", people)
	}
	check(t, d.DeletePost(t.Context(), 249, 1))
	dbtest.Exec(t, d, "UPDATE posts SET title = 'New' WHERE id = 1")
	dbtest.Exec(t, d, "DELETE FROM posts WHERE id = 3")
	check(t, d.KeepIndex(t.Context()))
	if n := len(search(t, d, "old", 0, 50)); n != 122 {
		t.Errorf("%d old posts are found, want 122", n)
	}
}

// A change of what waits for the index already is made, also by an upsert, and
// comes before the others that wait.
func TestIndexBacklog(t *testing.T) {
	d := hasty(t)
	ada, ben := newUser(t, d, "user_ada"), newUser(t, d, "user_ben")
	post := write(t, d, ada.ID, "Ink", "")
	dbtest.Exec(t, d, "INSERT INTO changed_people (user_id) VALUES (?), (?)", ada.ID, ben.ID)
	dbtest.Exec(t, d, `INSERT INTO changed_posts (post_id) VALUES (?)`, post.ID)
	dbtest.Exec(t, d, `WITH RECURSIVE n (i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
INSERT INTO changed_posts (post_id) SELECT i FROM n`)
	_, err := d.SaveUser(t.Context(), db.UserData{ClerkID: ada.ClerkID, Name: "Ada", UpdatedAt: db.Time(1) << 42})
	check(t, err)
	dbtest.Exec(t, d, "INSERT INTO changed_people (user_id) VALUES (?)", ben.ID)
	_, err = d.ApplyEvent(t.Context(), db.Event{SvixID: "msg_1", Type: "user.deleted", At: 1, DeletedClerkID: ben.ClerkID})
	check(t, err)
	_, err = d.UpdatePost(t.Context(), db.UpdatePostParams{ID: post.ID, Title: ptr("Pen")})
	check(t, err)
	if got := search(t, d, "pen", 0, 20); !slices.Equal(got, []string{"[Pen]"}) {
		t.Errorf("the changed post is found as %q", got)
	}
	check(t, d.KeepIndex(t.Context()))
	if n := dbtest.Value[int](t, d, "SELECT (SELECT count(*) FROM changed_posts) + (SELECT count(*) FROM changed_people)"); n != 0 {
		t.Errorf("%d changes are not worked on", n)
	}
}
