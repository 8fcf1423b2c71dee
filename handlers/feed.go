package handlers

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"inkwell/db"
)

// pageSize is how many posts a page of a list has.
const pageSize = 20

// A cursor is a place in a list of posts: right behind the one with this time
// and id.
type cursor struct {
	at db.Time
	id int64
}

func (c cursor) String() string {
	return strconv.FormatInt(int64(c.at), 36) + "-" + strconv.FormatInt(c.id, 36)
}

// parseCursor reads what String wrote. The empty string is the first page.
func parseCursor(s string) (cursor, error) {
	if s == "" {
		return cursor{db.MaxTime, math.MaxInt64}, nil
	}
	at, id, _ := strings.Cut(s, "-")
	ms, err := strconv.ParseInt(at, 36, 64)
	n, err2 := strconv.ParseInt(id, 36, 64)
	c := cursor{db.Time(ms), n}
	if err != nil || err2 != nil || ms < 0 || n < 1 || c.String() != s {
		return cursor{}, errBadCursor
	}
	return c, nil
}

// feedView is what feed.html shows.
type feedView struct {
	Heading string
	Intro   string
	Form    *composer // nil: signed out
	Posts   postsView
}

// composer is the form above the feed.
type composer struct {
	postForm
	Open bool
}

// showFeed handles "GET /": everybody's posts, newest first.
func (s *Server) showFeed(w http.ResponseWriter, r *http.Request, v visitor) error {
	query := r.URL.Query()
	before, err := parseCursor(query.Get("before"))
	if err != nil {
		return err
	}
	rows, err := s.db.ListPosts(r.Context(), db.ListPostsParams{BeforeAt: before.at, BeforeID: before.id, PageSize: pageSize + 1})
	if err != nil {
		return fmt.Errorf("feed: %w", err)
	}
	posts := newFeedPosts(rows, v, time.Now())
	if wantsFragment(r) {
		return s.morePosts(w, posts)
	}
	view := feedView{Heading: "Latest posts", Posts: posts}
	if v.signedIn {
		view.Form = &composer{postForm: newComposer(), Open: query.Has("write")}
	} else if !query.Has("before") {
		view.Intro = "Read what everybody writes here. Join to write yourself."
	}
	return s.page(w, r, http.StatusOK, "feed", page{Title: view.Heading, Main: view})
}

// morePosts answers with the next part of a list; the first new post gets the
// focus.
func (s *Server) morePosts(w http.ResponseWriter, posts postsView) error {
	said := "No more posts."
	if n := len(posts.Items); n > 0 {
		posts.Items[0].Focus = true
		said = plural(n, "more post") + "."
	}
	return s.fragment(w, http.StatusOK, part{"posts", posts}, part{"status", said})
}

// newFeedPosts shows rows; one more than a page of them means that there is a
// next page.
func newFeedPosts(rows []db.ListPostsRow, v visitor, now time.Time) postsView {
	view := postsView{More: moreView{End: "That is all there is."}}
	if len(rows) > pageSize {
		rows = rows[:pageSize]
		last := rows[pageSize-1]
		view.More.URL = "/?before=" + cursor{last.PublishedAt, last.ID}.String()
	}
	view.Items = make([]postItem, len(rows))
	for i, row := range rows {
		view.Items[i] = postItem{
			postActions: newPostActions(v, row.ID, row.AuthorID, row.Title, viewItem),
			Excerpt:     row.Excerpt,
			Author:      newAuthor(row.AuthorID, row.AuthorName, row.AuthorUsername, row.AuthorImageURL),
			Time:        newMoment(row.PublishedAt.Time(), now),
			Edited:      edited(row.PublishedAt, row.UpdatedAt),
		}
	}
	if len(rows) == 0 {
		view.More.End = "Nothing is written here yet."
	}
	return view
}

// edited reports whether a post was changed noticeably later than published.
func edited(published, updated db.Time) bool {
	return updated > published.Add(time.Minute)
}

// showDrafts handles "GET /drafts": the user's own unpublished posts.
func (s *Server) showDrafts(w http.ResponseWriter, r *http.Request, user db.User) error {
	before, err := parseCursor(r.URL.Query().Get("before"))
	if err != nil {
		return err
	}
	rows, err := s.db.ListDrafts(r.Context(), db.ListDraftsParams{AuthorID: user.ID, BeforeAt: before.at, BeforeID: before.id, PageSize: pageSize + 1})
	if err != nil {
		return fmt.Errorf("drafts: %w", err)
	}
	drafts := newDrafts(rows, user, time.Now())
	if wantsFragment(r) {
		return s.morePosts(w, drafts)
	}
	return s.page(w, r, http.StatusOK, "drafts", page{Title: "Your drafts", Main: drafts})
}

func newDrafts(rows []db.ListDraftsRow, user db.User, now time.Time) postsView {
	view := postsView{More: moreView{End: "No more drafts."}}
	if len(rows) > pageSize {
		rows = rows[:pageSize]
		last := rows[pageSize-1]
		view.More.URL = "/drafts?before=" + cursor{last.UpdatedAt, last.ID}.String()
	}
	for _, row := range rows {
		view.Items = append(view.Items, postItem{
			postActions: newPostActions(visitor{user: user, signedIn: true}, row.ID, user.ID, row.Title, viewItem),
			Excerpt:     row.Excerpt,
			Author:      newAuthor(user.ID, user.Name, user.Username, user.ImageURL),
			Time:        newMoment(row.UpdatedAt.Time(), now),
			Draft:       true,
		})
	}
	return view
}
