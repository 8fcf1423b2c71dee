package handlers

import (
	"cmp"
	"fmt"
	"html/template"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"inkwell/db"
)

// pageSize is how many posts a page of a list has, if its reader has not chosen
// another number.
const pageSize = 20

// A cursor is a place in a list of posts: right behind the one with this time
// and id.
type cursor struct {
	at db.Time
	id int64
}

// firstPage is the place before all posts.
var firstPage = cursor{db.MaxTime, math.MaxInt64}

// nextPage cuts rows, of which there is one more when another page follows, to
// a page, and returns the place behind it; nil when none follows.
func nextPage[T, C any](rows []T, size int, place func(T) C) ([]T, *C) {
	if len(rows) <= size {
		return rows, nil
	}
	next := place(rows[size-1])
	return rows[:size], &next
}

// compare tells which of two places comes first in a list.
func (c cursor) compare(other cursor) int {
	return cmp.Or(cmp.Compare(other.at, c.at), cmp.Compare(other.id, c.id))
}

func (c cursor) String() string {
	return strconv.FormatInt(int64(c.at), 36) + "-" + strconv.FormatInt(c.id, 36)
}

// parseCursor reads what String wrote. The empty string is the first page.
func parseCursor(s string) (cursor, error) {
	if s == "" {
		return firstPage, nil
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
	Heading  string
	Intro    string
	CanWrite bool
	Guide    *guideView // nil: none
	Live     liveView
	Posts    postsView
}

// guideView is what guide.html shows: what to try in a trial copy.
type guideView struct {
	SignedIn   bool
	StandInURL string // its page of webhooks
}

// newGuide returns the guide of a site with a stand-in for Clerk, until its
// reader has seen enough of it.
func (s *Server) newGuide(r *http.Request, v visitor) *guideView {
	if !s.dashboard.StandIn || s.preferences(r).GuideSeen {
		return nil
	}
	return &guideView{SignedIn: v.signedIn(), StandInURL: s.dashboard.URL}
}

// readPostStretch returns which posts of a list a request asks for.
func (s *Server) readPostStretch(r *http.Request) (stretch[cursor], error) {
	return readStretch(r, "before", s.pageSizeFor(r), parseCursor)
}

// showFeed handles "GET /": everybody's posts, newest first.
func (s *Server) showFeed(w http.ResponseWriter, r *http.Request, v visitor) error {
	if wantsFragment(r) && r.URL.Query().Has("since") {
		return s.showNews(w, r, v)
	}
	st, err := s.readPostStretch(r)
	if err != nil {
		return err
	}
	place := livePlace{After: s.hub.Last()} // before the posts are read: nothing comes between
	rows, err := s.db.ListPosts(r.Context(), db.ListPostsParams{BeforeAt: st.from.at, BeforeID: st.from.id, PageSize: st.limit()})
	if err != nil {
		return fmt.Errorf("feed: %w", err)
	}
	items, more := newFeedItems(rows, st, v, time.Now())
	if wantsFragment(r) {
		return s.morePosts(w, items, more)
	}
	posts, err := s.renderItems(items, more)
	if err != nil {
		return err
	}
	view := feedView{Heading: "Latest posts", CanWrite: v.signedIn(), Posts: posts}
	if st.isFirst {
		top := topOf(rows)
		place.Top = &top
		view.Guide = s.newGuide(r, v)
	}
	if !v.signedIn() && st.isFirst {
		view.Intro = "A place to write and read posts. Join to write your own."
	}
	view.Live = newLiveView(place)
	whole := page{Title: view.Heading, Main: view}
	if st.isFirst { // what later pages show changes with every post
		whole.Address = "/"
	}
	return s.page(w, r, http.StatusOK, "feed", whole)
}

// morePosts answers with the next part of a list; the first new post gets the
// focus.
func (s *Server) morePosts(w http.ResponseWriter, items []postItem, more moreView) error {
	said := "No more posts."
	if n := len(items); n > 0 {
		items[0].Focus = true
		said = plural(n, "more post") + "."
	}
	posts, err := s.renderItems(items, more)
	if err != nil {
		return err
	}
	return s.fragment(w, http.StatusOK, part{"posts", posts}, part{"status", said})
}

// renderItems renders the posts of a list, or remembers how they looked.
func (s *Server) renderItems(items []postItem, more moreView) (postsView, error) {
	var all strings.Builder
	all.Grow(1024 * len(items))
	for _, item := range items {
		html, err := s.items.Render(item)
		if err != nil {
			return postsView{}, fmt.Errorf("render post %d: %w", item.ID, err)
		}
		all.WriteString(string(html))
	}
	return postsView{Items: template.HTML(all.String()), More: more}, nil
}

// newFeedItems shows rows, of which one more than the stretch holds means that
// another page follows.
func newFeedItems(rows []db.ListPostsRow, st stretch[cursor], v visitor, now time.Time) ([]postItem, moreView) {
	rows, next := nextStretch(rows, st, func(row db.ListPostsRow) cursor { return cursor{row.PublishedAt, row.ID} }, cursor.compare)
	items := make([]postItem, len(rows))
	for i, row := range rows {
		items[i] = newFeedItem(row, v, now)
	}
	more := st.more("/", next, "That is all there is.")
	if len(rows) == 0 && st.isFirst {
		more.Nothing = nothingWritten(v)
	}
	return items, more
}

// nothingWritten invites to write the first post of the site.
func nothingWritten(v visitor) nothingView {
	n := nothingView{Text: "Nothing is written here yet."}
	if v.signedIn() {
		n.Help = "The first post is yours to write."
	} else {
		n.Invite = link{signUpURL("/"), "Join and write the first post"}
	}
	return n
}

// newFeedItem shows a published post in a list.
func newFeedItem(row db.ListPostsRow, v visitor, now time.Time) postItem {
	head := postHead{
		postActions: newPostActions(v, row.ID, row.AuthorID, row.Title, viewItem).with(row.Views),
		URL:         postPath(row.ID, row.Title),
		Author:      newAuthor(row.AuthorID, row.AuthorName, row.AuthorUsername, row.AuthorImageURL),
		Time:        newMoment(row.PublishedAt.Time(), now),
		Edited:      edited(row.PublishedAt, row.UpdatedAt),
	}
	return postItem{postHead: head, Excerpt: row.Excerpt, Poll: pollHint(row.PollOptions)}
}

// edited reports whether a post was changed noticeably later than published.
func edited(published, updated db.Time) bool {
	return updated > published.Add(time.Minute)
}

// showDrafts handles "GET /drafts": the user's own unpublished posts, those that
// a moderator has hidden among them.
func (s *Server) showDrafts(w http.ResponseWriter, r *http.Request, user db.User) error {
	st, err := s.readPostStretch(r)
	if err != nil {
		return err
	}
	rows, err := s.db.ListDrafts(r.Context(), db.ListDraftsParams{AuthorID: user.ID, BeforeAt: st.from.at, BeforeID: st.from.id, PageSize: st.limit()})
	if err != nil {
		return fmt.Errorf("drafts: %w", err)
	}
	items, more := newDraftItems(rows, st, user, time.Now())
	if wantsFragment(r) {
		return s.morePosts(w, items, more)
	}
	drafts, err := s.renderItems(items, more)
	if err != nil {
		return err
	}
	return s.page(w, r, http.StatusOK, "drafts", page{Title: "Your drafts", Main: drafts})
}

// changedAt is when a draft was saved, or hidden since.
func changedAt(row db.ListDraftsRow, now time.Time) moment {
	at, verb := db.Time(row.ChangedAt), "saved"
	if at != row.UpdatedAt {
		verb = "hidden"
	}
	m := newMoment(at.Time(), now)
	m.Label = verb + " " + m.Label
	return m
}

func newDraftItems(rows []db.ListDraftsRow, st stretch[cursor], user db.User, now time.Time) ([]postItem, moreView) {
	rows, next := nextStretch(rows, st, func(row db.ListDraftsRow) cursor { return cursor{db.Time(row.ChangedAt), row.ID} }, cursor.compare)
	items := make([]postItem, len(rows))
	for i, row := range rows {
		items[i].postHead = postHead{
			postActions: newPostActions(known(user), row.ID, user.ID, row.Title, viewItem).with(row.Views),
			URL:         postPath(row.ID, ""),
			Author:      newAuthor(user.ID, user.Name, user.Username, user.ImageURL),
			Time:        changedAt(row, now),
			Draft:       row.HiddenReason == "",
			Hidden:      hiddenFor(row.HiddenReason),
		}
		items[i].CanPublish, items[i].Version = row.Title != "" && row.HiddenReason == "", int64(row.UpdatedAt)
		items[i].Excerpt, items[i].Poll = row.Excerpt, pollHint(row.PollOptions)
	}
	more := st.more("/drafts", next, "No more drafts.")
	if len(rows) == 0 && st.isFirst {
		more.Nothing = nothingView{Text: "You have no drafts.", Help: "What you write is kept here by itself until you publish it."}
	}
	return items, more
}
