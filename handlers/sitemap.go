package handlers

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"inkwell/db"
)

// sitemapSize is how many ids of posts one part of the site map covers. The
// protocol allows 50,000 addresses; anybody may ask, so that each answer is to
// cost little.
const sitemapSize = 2_000

// A sitemap lists addresses for search engines (sitemaps.org): those of pages,
// or those of its own parts.
type sitemap struct {
	XMLName xml.Name
	Parts   []sitemapEntry `xml:"sitemap"`
	Pages   []sitemapEntry `xml:"url"`
}

type sitemapEntry struct {
	Loc     string `xml:"loc"`
	LastMod string `xml:"lastmod,omitempty"`
}

const sitemapSpace = "http://www.sitemaps.org/schemas/sitemap/0.9"

// showSitemap handles "GET /sitemap.xml": all public pages, or the parts they
// are listed in when there may be many.
func (s *Server) showSitemap(w http.ResponseWriter, r *http.Request) error {
	query, err := readQuery(r)
	if err != nil {
		return err
	}
	last, err := s.db.GetLastPostID(r.Context())
	if err != nil {
		return fmt.Errorf("site map: %w", err)
	}
	parts := max(1, (last+sitemapSize-1)/sitemapSize)
	switch part := query.Get("part"); {
	case part != "":
		n, err := strconv.ParseInt(part, 10, 64)
		if err != nil || n < 1 || n > parts || strconv.FormatInt(n, 10) != part {
			return errNotFound
		}
		return s.answerSitemapPart(w, r, n)
	case parts == 1:
		return s.answerSitemapPart(w, r, 1)
	}
	index := sitemap{XMLName: xml.Name{Space: sitemapSpace, Local: "sitemapindex"}}
	for n := range parts {
		index.Parts = append(index.Parts, sitemapEntry{Loc: fmt.Sprintf("%s/sitemap.xml?part=%d", s.auth.Origin(r), n+1)})
	}
	return answerSitemap(w, index)
}

// answerSitemapPart lists the posts of one part, and in the first one the pages
// beside them.
func (s *Server) answerSitemapPart(w http.ResponseWriter, r *http.Request, n int64) error {
	posts, err := s.db.ListPublicPosts(r.Context(), db.ListPublicPostsParams{AfterID: (n - 1) * sitemapSize, UntilID: n * sitemapSize})
	if err != nil {
		return fmt.Errorf("site map: %w", err)
	}
	origin := s.auth.Origin(r)
	list := sitemap{XMLName: xml.Name{Space: sitemapSpace, Local: "urlset"}}
	if n == 1 {
		list.Pages = append(list.Pages, sitemapEntry{Loc: origin + "/"})
	}
	for _, p := range posts {
		list.Pages = append(list.Pages, sitemapEntry{Loc: origin + postPath(p.ID, p.Title), LastMod: p.UpdatedAt.Time().Format(time.RFC3339)})
	}
	return answerSitemap(w, list)
}

func answerSitemap(w http.ResponseWriter, m sitemap) error {
	var b bytes.Buffer
	b.WriteString(xml.Header)
	if err := xml.NewEncoder(&b).Encode(m); err != nil {
		return fmt.Errorf("encode site map: %w", err)
	}
	w.Header().Set("Cache-Control", "public, max-age=3600")
	return write(w, http.StatusOK, "application/xml; charset=utf-8", b.Bytes())
}

// privatePaths are what robots need not look at: all of it is for somebody who
// is signed in, or does something.
var privatePaths = []string{
	"/account", "/admin", "/api/", "/drafts", "/live", "/moderation", "/posts/new", "/posts/*/edit", "/preferences", "/search", "/settings", "/sign-in", "/sign-up",
}

// showRobots handles "GET /robots.txt", RFC 9309.
func (s *Server) showRobots(w http.ResponseWriter, r *http.Request) error {
	var b strings.Builder
	b.WriteString("User-agent: *\n")
	for _, path := range privatePaths {
		b.WriteString("Disallow: " + path + "\n")
	}
	fmt.Fprintf(&b, "\nSitemap: %s/sitemap.xml\n", s.auth.Origin(r))
	w.Header().Set("Cache-Control", "public, max-age=3600")
	return write(w, http.StatusOK, "text/plain; charset=utf-8", []byte(b.String()))
}
