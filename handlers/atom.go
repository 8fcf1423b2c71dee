package handlers

import (
	"bytes"
	"crypto/sha256"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"inkwell/db"
)

const (
	// atomEntries is how many posts a feed holds.
	atomEntries = 50

	// atomContent is how many bytes of content a feed holds in all. Posts beyond
	// that come with their excerpt alone.
	atomContent = 1 << 20
)

// An atomFeed is an Atom feed, RFC 4287.
type atomFeed struct {
	XMLName xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
	Base    string      `xml:"http://www.w3.org/XML/1998/namespace base,attr"` // of links in posts
	ID      string      `xml:"id"`
	Title   string      `xml:"title"`
	Updated string      `xml:"updated"`
	Links   []atomLink  `xml:"link"`
	Entries []atomEntry `xml:"entry"`
}

type atomLink struct {
	Rel  string `xml:"rel,attr"`
	Type string `xml:"type,attr"`
	Href string `xml:"href,attr"`
}

type atomEntry struct {
	ID        string     `xml:"id"`
	Title     string     `xml:"title"`
	Link      atomLink   `xml:"link"`
	Published string     `xml:"published"`
	Updated   string     `xml:"updated"`
	Author    atomAuthor `xml:"author"`
	Summary   string     `xml:"summary,omitempty"`
	Content   *atomText  `xml:"content"`
}

type atomAuthor struct {
	Name string `xml:"name"`
	URI  string `xml:"uri"`
}

type atomText struct {
	Type string `xml:"type,attr"`
	Text string `xml:",chardata"`
}

// showAtom handles "GET /feed.atom": everybody's latest posts.
func (s *Server) showAtom(w http.ResponseWriter, r *http.Request) error {
	rows, err := s.db.ListFullPosts(r.Context(), db.ListFullPostsParams{BeforeAt: db.MaxTime, PageSize: atomEntries})
	if err != nil {
		return fmt.Errorf("atom feed: %w", err)
	}
	posts := make([]db.GetPostRow, len(rows))
	for i, row := range rows {
		posts[i] = publicRow(row)
	}
	return s.answerAtom(w, r, "Inkwell", "/", posts)
}

// showAuthorAtom handles "GET /users/{id}/feed.atom": the latest posts of one
// author.
func (s *Server) showAuthorAtom(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	user, err := s.db.GetUser(r.Context(), id)
	if err != nil {
		return fmt.Errorf("atom feed of user %d: %w", id, err)
	}
	if user.DeletedAt != 0 {
		return errNotFound
	}
	rows, err := s.db.ListFullPostsOf(r.Context(), db.ListFullPostsOfParams{AuthorID: id, PageSize: atomEntries})
	if err != nil {
		return fmt.Errorf("atom feed of user %d: %w", id, err)
	}
	posts := make([]db.GetPostRow, len(rows))
	for i, row := range rows {
		posts[i] = publicRow(db.ListFullPostsRow(row))
	}
	return s.answerAtom(w, r, authorFeedTitle(displayName(user.Name, user.Username)), profilePath(id), posts)
}

func authorFeedTitle(name string) string { return name + " · Inkwell" }

// atomPath is the address of a user's feed.
func atomPath(userID int64) string { return profilePath(userID) + "/feed.atom" }

// answerAtom answers with a feed of posts, the latest publication first, which
// stand as a page at the path. It may be kept for a while, and is not sent again
// to who has it.
func (s *Server) answerAtom(w http.ResponseWriter, r *http.Request, title, path string, posts []db.GetPostRow) error {
	origin := s.auth.Origin(r)
	feed := newAtomFeed(origin, title, path, posts)
	feed.Links = []atomLink{
		{Rel: "self", Type: "application/atom+xml", Href: origin + r.URL.Path},
		{Rel: "alternate", Type: "text/html", Href: origin + path},
	}
	var b bytes.Buffer
	b.WriteString(xml.Header)
	if err := xml.NewEncoder(&b).Encode(feed); err != nil {
		return fmt.Errorf("encode atom feed: %w", err)
	}
	h := w.Header()
	h.Set("Content-Type", "application/atom+xml; charset=utf-8")
	h.Set("Cache-Control", "public, max-age=300")
	h.Set("ETag", fmt.Sprintf(`W/"%x"`, sha256.Sum256(b.Bytes()))) // weak: it may be sent compressed
	// No time: without a post that is taken away the feed is older than with it.
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(b.Bytes()))
	return nil
}

func newAtomFeed(origin, title, path string, posts []db.GetPostRow) atomFeed {
	feed := atomFeed{
		Base: origin + "/", ID: tagURI(origin, path), Title: title,
		Updated: lastChange(posts).Format(time.RFC3339),
	}
	room := atomContent
	for _, row := range posts {
		entry := newAtomEntry(origin, row)
		if room -= len(row.Post.ContentHTML); room > 0 && row.Post.ContentHTML != "" {
			entry.Content = &atomText{Type: "html", Text: row.Post.ContentHTML}
		}
		feed.Entries = append(feed.Entries, entry)
	}
	return feed
}

func newAtomEntry(origin string, row db.GetPostRow) atomEntry {
	p := row.Post
	return atomEntry{
		ID:        tagURI(origin, postPath(p.ID, "")),
		Title:     p.Title,
		Link:      atomLink{Rel: "alternate", Type: "text/html", Href: origin + permalinkOf(p).String()},
		Published: p.PublishedAt.Time().Format(time.RFC3339),
		Updated:   p.UpdatedAt.Time().Format(time.RFC3339),
		Author:    atomAuthor{Name: displayName(row.AuthorName, row.AuthorUsername), URI: origin + profilePath(p.AuthorID)},
		Summary:   p.Excerpt,
	}
}

// lastChange is when the last of the posts was changed, in 1970 when there is
// none.
func lastChange(posts []db.GetPostRow) time.Time {
	last := time.Unix(0, 0).UTC()
	for _, row := range posts {
		if at := row.Post.UpdatedAt.Time(); at.After(last) {
			last = at
		}
	}
	return last
}

// tagURI names what stands at a path of the site for good (RFC 4151), also when
// the site moves from HTTP to HTTPS or to another port.
func tagURI(origin, path string) string {
	host := origin
	if u, err := url.Parse(origin); err == nil {
		host = u.Hostname()
	}
	return "tag:" + host + ",2026:" + path
}
