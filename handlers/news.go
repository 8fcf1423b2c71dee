package handlers

import (
	"context"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"time"

	"inkwell/db"
)

// liveView is what live.html shows: the element that a page listens with, and
// above the feed the bar that tells of new posts.
type liveView struct {
	URL     string
	NewsURL string // of the new posts; "": there is no bar
}

func newLiveView(place livePlace) liveView {
	view := liveView{URL: place.URL()}
	if place.Top != nil {
		view.NewsURL = "/?since=" + place.Top.String()
	}
	return view
}

// aboveView is what posts-above.html shows: posts for the top of the feed, and
// how it goes on from there.
type aboveView struct {
	Posts []postAbove // oldest first
	Live  liveView
}

// A postAbove moves where it is on the page already, and stays where it is being
// edited.
type postAbove struct {
	ID   int64
	Item template.HTML // its post-item.html
}

// newsView is what news.html shows: how many posts are new.
type newsView struct {
	Text     string // "": none
	Announce bool
}

// newNewsView counts up to a page; more are not shown one by one.
func newNewsView(n int, announce bool) newsView {
	switch {
	case n == 0:
		return newsView{}
	case n > pageSize:
		return newsView{fmt.Sprintf("More than %d new posts", pageSize), announce}
	}
	return newsView{plural(n, "new post"), announce}
}

// freshPosts are the ids of posts that a reader has not seen yet, up to one
// more than a page.
type freshPosts struct{ ids map[int64]bool }

func (f *freshPosts) len() int { return len(f.ids) }

// note takes a post in, or out.
func (f *freshPosts) note(id int64, isFresh bool) {
	switch {
	case !isFresh:
		delete(f.ids, id)
	case len(f.ids) <= pageSize:
		if f.ids == nil {
			f.ids = map[int64]bool{}
		}
		f.ids[id] = true
	}
}

// bar is the message that shows how many posts are new.
func (st *stream) bar(announce bool) ([]byte, error) {
	html, err := st.server.bars.Render(newNewsView(st.fresh.len(), announce))
	if err != nil {
		return nil, fmt.Errorf("render news: %w", err)
	}
	return messageOf(string(html)), nil
}

// countFresh finds the posts that are new since the page was made, and returns
// what shows that; nil when there are none. It is announced to a reader who has
// heard of none of them yet.
func (st *stream) countFresh(ctx context.Context, first bool) ([]byte, error) {
	s := st.server
	if st.place.Top == nil || s.hub.Last() == st.place.After {
		return nil, nil
	}
	rows, _, err := s.listNews(ctx, *st.place.Top)
	if err != nil {
		return nil, err
	}
	if countOthers(rows, st.reader) == 0 {
		return nil, nil
	}
	missed, err := st.missed()
	if err != nil {
		return nil, err
	}
	heard := false
	for _, row := range rows { // of more than a page, not all of others are known
		isFresh := row.AuthorID != st.reader.user.ID || len(rows) > pageSize
		st.fresh.note(row.ID, isFresh)
		heard = heard || isFresh && !missed[row.ID]
	}
	return st.bar(first || !heard)
}

// missed returns the posts of which changes are yet to be told.
func (st *stream) missed() (map[int64]bool, error) {
	changes, err := st.changes.Take()
	st.changes.GiveBack(len(changes))
	posts := map[int64]bool{}
	for _, c := range changes {
		posts[c.post] = true
	}
	return posts, err
}

// countOthers returns how many posts are not the reader's own.
func countOthers(rows []db.ListPostsRow, v visitor) (n int) {
	for _, row := range rows {
		if row.AuthorID != v.user.ID {
			n++
		}
	}
	return n
}

// listNews returns the posts above a place in the feed, newest first: at most
// one more than a page. New is the place of the newest post in the feed.
func (s *Server) listNews(ctx context.Context, top cursor) (rows []db.ListPostsRow, newTop cursor, err error) {
	rows, err = s.db.ListPosts(ctx, db.ListPostsParams{BeforeAt: firstPage.at, BeforeID: firstPage.id, PageSize: pageSize + 1})
	if err != nil {
		return nil, top, fmt.Errorf("new posts: %w", err)
	}
	known := slices.IndexFunc(rows, func(row db.ListPostsRow) bool { return !cursor{row.PublishedAt, row.ID}.isAbove(top) })
	if known < 0 {
		known = len(rows)
	}
	return rows[:known], topOf(rows), nil
}

// topOf is the place of the first of the rows, or the end of the feed.
func topOf(rows []db.ListPostsRow) cursor {
	if len(rows) == 0 {
		return cursor{0, 1}
	}
	return cursor{rows[0].PublishedAt, rows[0].ID}
}

// isAbove reports whether a place in a list comes before another.
func (c cursor) isAbove(other cursor) bool {
	return c.compare(other) < 0
}

// showNews answers the bar: with the posts that are new since the feed was
// shown, to be put on top of it, the first of others with the focus, and with a
// stream that goes on from there. The reader's own are among them: they may have
// been written elsewhere. When they are more than a page, the feed is shown anew.
func (s *Server) showNews(w http.ResponseWriter, r *http.Request, v visitor) error {
	query, err := readQuery(r)
	if err != nil {
		return err
	}
	since, err := parseCursor(query.Get("since"))
	if err != nil {
		return err
	}
	after := s.hub.Last()
	rows, top, err := s.listNews(r.Context(), since)
	if err != nil {
		return err
	}
	if len(rows) > pageSize {
		w.Header().Set("HX-Redirect", "/")
		w.WriteHeader(http.StatusOK)
		return nil
	}
	items, _ := newFeedItems(rows, stretch[cursor]{size: pageSize}, v, time.Now())
	said := "Nothing new is left."
	if n := countOthers(rows, v); n > 0 {
		said = plural(n, "new post") + " above the others."
	}
	if len(items) > 0 {
		items[newestOther(rows, v)].Focus = true
	}
	above := aboveView{Live: newLiveView(livePlace{After: after, Top: &top})}
	if above.Posts, err = s.renderAbove(items); err != nil {
		return err
	}
	return s.fragment(w, http.StatusOK, part{"posts-above", above}, part{"status", said})
}

// renderAbove renders posts, newest first, to be put on top one by one.
func (s *Server) renderAbove(items []postItem) ([]postAbove, error) {
	var posts []postAbove
	for _, item := range slices.Backward(items) {
		html, err := s.items.Render(item)
		if err != nil {
			return nil, fmt.Errorf("render post %d: %w", item.ID, err)
		}
		posts = append(posts, postAbove{item.ID, html})
	}
	return posts, nil
}

// newestOther returns which of the rows is the newest that is not the reader's
// own, or 0.
func newestOther(rows []db.ListPostsRow, v visitor) int {
	return max(0, slices.IndexFunc(rows, func(row db.ListPostsRow) bool { return row.AuthorID != v.user.ID }))
}
