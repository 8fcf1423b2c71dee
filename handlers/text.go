package handlers

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"inkwell/db"
	"inkwell/templates"
)

// Limits of a post, in code points after CRLF became LF.
const (
	maxTitle   = 200
	maxContent = 40_000
)

// Sentences that stand in more than one place.
const (
	titleTaken   = "You have another post with this title. Choose a different one."
	titleMissing = "A post needs a title before it can be published."
	growsTooLong = "This grows far too long when it is shown. Repeat less of it."
)

// A postText is what an author writes.
type postText struct {
	Title, Content string
	Published      bool
}

// A fieldProblems says what is wrong with the fields of a post; "" is nothing.
type fieldProblems struct {
	title, content string
	poll           pollProblems
}

// prepare returns the content as it is stored, or what is wrong with the text.
func (s *Server) prepare(t postText) (db.PostContent, fieldProblems) {
	p := fieldProblems{title: titleProblem(t.Title, t.Published), content: textProblem(t.Content, maxContent)}
	if p == (fieldProblems{}) && t.Title == "" && t.Content == "" {
		p.title = "There is nothing here to keep. Write a title or some text."
	}
	if p != (fieldProblems{}) {
		return db.PostContent{}, p
	}
	content, err := s.rendered(t.Content)
	if errors.Is(err, templates.ErrTooLarge) {
		p.content = growsTooLong
	}
	return content, p
}

// rendered is a text with its rendering, as it is stored. The error is
// templates.ErrTooLarge.
func (s *Server) rendered(source string) (db.PostContent, error) {
	r, err := s.markdown.Render(source)
	return db.PostContent{Source: source, HTML: r.HTML, Excerpt: r.Excerpt, RenderVersion: templates.MarkdownVersion}, err
}

// newPostParams is a new post of the user. FormKey may be "".
func newPostParams(user db.User, t postText, content db.PostContent, formKey string) db.CreatePostParams {
	return db.CreatePostParams{
		AuthorID: user.ID, Title: t.Title, Published: t.Published, FormKey: formKey,
		Content: content.Source, ContentHTML: content.HTML, Excerpt: content.Excerpt, RenderVersion: content.RenderVersion,
	}
}

// titleProblem says what is wrong with a title, or nothing. Only a published
// post needs one.
func titleProblem(title string, published bool) string {
	if problem := textProblem(title, maxTitle); problem != "" {
		return problem
	}
	switch {
	case strings.ContainsAny(title, lineBreaks):
		return "A title is one line."
	case published && !isVisible(title):
		return titleMissing
	case title != "" && !isVisible(title):
		return "Nothing of this title can be seen. Write one, or leave it empty."
	}
	return ""
}

// lineBreaks are the characters that begin a new line.
const lineBreaks = "\n\u2028\u2029"

// isVisible reports whether a text shows anything.
func isVisible(text string) bool { return strings.ContainsFunc(text, unicode.IsGraphic) }

func textProblem(s string, limit int) string {
	if !utf8.ValidString(s) {
		return "This is not valid text (UTF-8). The signs that could not be read are shown as �."
	}
	if i := strings.IndexFunc(s, isForbidden); i >= 0 {
		r, _ := utf8.DecodeRuneInString(s[i:])
		return fmt.Sprintf("This holds a control character (U+%04X) that cannot be kept. Remove it.", r)
	}
	if n := utf8.RuneCountInString(s); n > limit {
		return fmt.Sprintf("That is %d characters; the limit is %d.", n, limit)
	}
	return ""
}

func isForbidden(r rune) bool { return unicode.IsControl(r) && r != '\t' && r != '\n' }

// cleanTitle and cleanContent bring a text into the form in which it is
// counted and kept.
func cleanTitle(s string) string { return strings.TrimSpace(cleanContent(s)) }

func cleanContent(s string) string { return strings.ReplaceAll(s, "\r\n", "\n") }

// clip shortens what somebody sent to at most n code points.
func clip(s string, n int) string {
	s = strings.ToValidUTF8(s, "�")
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n]) + "…"
}
