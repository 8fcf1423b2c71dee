package handlers

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"inkwell/db"
)

// searchPath is the address of the search.
const searchPath = "/search"

// A postSearch is what a reader searches among the posts.
type postSearch struct {
	Typed    string // at most db.MaxQuery code points
	AuthorID int64  // 0: everybody
	query    db.Query
}

// URL returns the address of what is found.
func (p postSearch) URL() string {
	query := url.Values{}
	if p.Typed != "" {
		query.Set("q", p.Typed)
	}
	if p.AuthorID != 0 {
		query.Set("author", strconv.FormatInt(p.AuthorID, 10))
	}
	return addressOf(searchPath, query)
}

// addressOf returns a path with a query, if there is anything in that.
func addressOf(path string, query url.Values) string {
	if len(query) == 0 {
		return path
	}
	return path + "?" + query.Encode()
}

// readPostSearch reads what a request searches.
func readPostSearch(r *http.Request) (postSearch, error) {
	query, err := readQuery(r)
	if err != nil {
		return postSearch{}, err
	}
	p := postSearch{Typed: typed(query.Get("q")), query: db.ParseQuery(query.Get("q"))}
	if author := query.Get("author"); author != "" {
		p.AuthorID, err = parseID(author)
	}
	return p, err
}

// typed is what was typed into a search, as it is shown again.
func typed(s string) string {
	runes := []rune(strings.ToValidUTF8(s, "�"))
	return string(runes[:min(len(runes), db.MaxQuery)])
}

// searchView is what search.html shows.
type searchView struct {
	Search postSearch
	Found  foundView
}

// foundView is what found.html shows: what came of a search.
type foundView struct {
	Author *foundAuthor // nil: everybody's posts are searched
	Help   bool         // nothing is searched yet
	Said   string       // how much was found
	Notes  []string     // what was left out
	Offers []offer      // what to try when nothing was found
	Posts  foundPosts
}

// foundAuthor is to whom a search is narrowed.
type foundAuthor struct {
	Name   string
	URL    string // of the author
	AllURL string // of the search among everybody's posts
}

// An offer is a link to another search.
type offer struct{ ID, Text, URL string }

// foundPosts is what found-posts.html shows: a part of what was found.
type foundPosts struct {
	Items []foundItem
	More  moreView
}

// foundItem is what found-post.html shows.
type foundItem struct {
	ID             int64
	URL            string
	Author         author
	Time           moment
	Edited, Draft  bool
	Title, Snippet []db.Piece
	Focus          bool // it has just come
}

// showSearch handles "GET /search".
func (s *Server) showSearch(w http.ResponseWriter, r *http.Request, _ visitor) error {
	search, err := readPostSearch(r)
	if err != nil {
		return err
	}
	st, err := readStretch(r, "after", s.pageSizeFor(r), db.ParseSearchPlace)
	if err != nil {
		return err
	}
	found, err := s.findPosts(r.Context(), search, st)
	if err != nil {
		return err
	}
	view := newFoundView(search, found, st, time.Now())
	if view.Author, err = s.narrowedTo(r, search); err != nil {
		return err
	}
	switch {
	case !wantsFragment(r):
		return s.page(w, r, http.StatusOK, "search", page{Title: searchTitle(search), Main: searchView{search, view}})
	case !st.isFirst:
		return s.moreFound(w, view.Posts)
	}
	w.Header().Set("HX-Replace-Url", search.URL())
	return s.fragment(w, http.StatusOK, part{"found", view}, part{"title", searchTitle(search)}, part{"status", view.Said})
}

// findPosts returns a stretch of what a search finds.
func (s *Server) findPosts(ctx context.Context, search postSearch, st stretch[db.SearchPlace]) (db.Found, error) {
	p := db.SearchParams{Query: search.query, AuthorID: search.AuthorID, After: st.from, PageSize: st.size}
	if st.through != nil {
		p.Through, p.MaxPosts = *st.through, maxStretch
	}
	found, err := s.db.SearchPosts(ctx, p)
	if errors.Is(err, db.ErrPlace) {
		return found, errBadCursor
	}
	return found, err
}

// moreFound answers with the next part of what was found; its first post gets
// the focus.
func (s *Server) moreFound(w http.ResponseWriter, posts foundPosts) error {
	said := "No more posts."
	if n := len(posts.Items); n > 0 {
		posts.Items[0].Focus = true
		said = plural(n, "more post") + "."
	}
	return s.fragment(w, http.StatusOK, part{"found-posts", posts}, part{"status", said})
}

func searchTitle(search postSearch) string {
	if search.query.Empty() {
		return "Search"
	}
	return strings.TrimSpace(search.Typed) + " · Search"
}

// narrowedTo returns the author whose posts alone are searched; nil for all.
func (s *Server) narrowedTo(r *http.Request, search postSearch) (*foundAuthor, error) {
	if search.AuthorID == 0 {
		return nil, nil
	}
	user, err := s.db.GetUser(r.Context(), search.AuthorID)
	if errors.Is(err, sql.ErrNoRows) || err == nil && user.DeletedAt != 0 {
		return nil, errNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("author of a search: %w", err)
	}
	return &foundAuthor{
		Name:   displayName(user.Name, user.Username),
		URL:    profilePath(user.ID),
		AllURL: postSearch{Typed: search.Typed}.URL(),
	}, nil
}

func newFoundView(search postSearch, found db.Found, st stretch[db.SearchPlace], now time.Time) foundView {
	view := foundView{
		Help:  search.query.Empty(),
		Said:  foundSentence(search, found),
		Posts: foundPosts{More: st.more(search.URL(), found.Next.String(), "That is all that was found.")},
	}
	if found.Bounded {
		view.Notes = append(view.Notes, fmt.Sprintf("The newest %s matches are ranked. Older posts match too: add a word to come to them.", thousands(db.MaxCandidates)))
	}
	if found.Late {
		view.Notes = append(view.Notes, "This search took too long and was broken off: older posts may match too, and not all matches are marked. Search for fewer or rarer words.")
	}
	if search.query.Cut() {
		view.Notes = append(view.Notes, fmt.Sprintf("Only the beginning of this is searched: at most %d words or phrases in %d characters.", db.MaxTerms, db.MaxQuery))
	}
	for _, post := range found.Posts {
		view.Posts.Items = append(view.Posts.Items, newFoundItem(post, now))
	}
	if !view.Help && len(found.Posts) == 0 {
		view.Offers = offers(search)
	}
	return view
}

func newFoundItem(post db.FoundPost, now time.Time) foundItem {
	return foundItem{
		ID:      post.ID,
		URL:     postPath(post.ID, post.Title),
		Author:  newAuthor(post.AuthorID, post.AuthorName, post.AuthorUsername, post.AuthorImageURL),
		Time:    newMoment(post.PublishedAt.Time(), now),
		Edited:  edited(post.PublishedAt, post.UpdatedAt),
		Title:   post.MarkedTitle,
		Snippet: post.Snippet,
	}
}

// foundSentence says how much was found.
func foundSentence(search postSearch, found db.Found) string {
	switch {
	case search.query.Empty():
		return "Type what to search."
	case found.Late:
		return plural(found.Matches, "post") + " found in time."
	case found.Matches == 0:
		return "No post contains that."
	case found.Bounded:
		return "More than " + plural(found.Matches, "post") + " match."
	case found.Matches == 1:
		return "1 post matches."
	}
	return plural(found.Matches, "post") + " match."
}

// offers returns what to try when nothing was found.
func offers(search postSearch) []offer {
	var all []offer
	if words := strings.Fields(search.Typed); len(words) > 1 {
		shorter := postSearch{Typed: strings.Join(words[:len(words)-1], " "), AuthorID: search.AuthorID}
		all = append(all, offer{"offer-shorter", "Search without the last word", shorter.URL()})
	}
	return append(all, offer{"offer-people", "Search people", peopleSearch{Typed: search.Typed}.URL()})
}
