package handlers

import (
	"crypto/rand"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"inkwell/db"
)

// Limits of a post, in code points after CRLF became LF.
const (
	maxTitle   = 200
	maxContent = 40_000
)

// maxFields is how many fields a form may have.
const maxFields = 50

// readForm returns the fields of the request's body alone. Of a repeated field
// Get returns the first.
func readForm(r *http.Request) (url.Values, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case r.ContentLength == 0 && r.Header.Get("Content-Type") == "":
		return url.Values{}, nil
	case err == nil && kind == "multipart/form-data":
		err = r.ParseMultipartForm(maxBody)
	case err == nil && kind == "application/x-www-form-urlencoded":
		err = r.ParseForm()
	default:
		return nil, &userError{http.StatusUnsupportedMediaType, "Only forms are read here."}
	}
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, err
	case err != nil || len(r.PostForm) > maxFields:
		return nil, errBadForm
	}
	return r.PostForm, nil
}

// A postForm is what post-form.html shows: the fields as typed, with what is
// wrong beside them.
type postForm struct {
	Heading string // of the page that holds the form
	FormID  string // prefix of the ids in it
	Action  string
	View    string // how the post is shown when it is saved
	FormKey string // makes sending the same form twice one post; "" when editing
	Version int64  // of the post that is being edited; 0: a new one
	Rows    int

	Title, Content string
	Published      bool

	Problem, TitleProblem, ContentProblem string
	FocusTitle, FocusContent              bool

	Buttons    []formButton // Enter in the title presses the first
	PreviewURL string
	CancelURL  string
	Preview    *previewView
}

// formButton is one way to save a post.
type formButton struct {
	Name, Label string
	Published   bool // what the post is then
	Main        bool
}

// newComposer is an empty form above the feed.
func newComposer() postForm {
	f := newPostForm(viewItem)
	f.FormID, f.Rows = "compose-form", 5
	return f
}

// newPostForm is an empty form for a new post.
func newPostForm(view string) postForm {
	return postForm{
		Heading: "Write a post", FormID: "post-form", Action: "/posts", View: view, FormKey: rand.Text(), Rows: 14,
		Buttons:    []formButton{{"publish", "Publish", true, true}, {"draft", "Save as draft", false, false}},
		PreviewURL: "/posts/preview",
	}
}

// editForm is a form that holds a post as it stands.
func editForm(p db.Post, view string) postForm {
	path := fmt.Sprintf("/posts/%d", p.ID)
	f := postForm{
		Heading: "Edit your post", FormID: fmt.Sprintf("post-%d", p.ID), Action: path, View: view, Version: int64(p.UpdatedAt), Rows: 14,
		Title: p.Title, Content: p.Content, Published: p.Published,
		Buttons:    []formButton{{"draft", "Save draft", false, true}, {"publish", "Publish", true, false}},
		PreviewURL: path + "/preview", CancelURL: path,
	}
	if p.Published {
		f.Buttons = []formButton{{"publish", "Save", true, true}, {"draft", "Unpublish", false, false}}
	}
	return f
}

// fill puts into the form what was typed.
func (f *postForm) fill(values url.Values) {
	f.Title = strings.TrimSpace(cleanLines(values.Get("title")))
	f.Content = cleanLines(values.Get("content"))
	f.Published = isOn(values.Get("published"))
	if key := values.Get("form_key"); f.Version == 0 && len(key) <= 64 {
		f.FormKey = key
	}
	if version, err := strconv.ParseInt(values.Get("version"), 10, 64); err == nil && f.Version != 0 {
		f.Version = version
	}
}

// cleanLines ends lines as everywhere but in forms.
func cleanLines(s string) string { return strings.ReplaceAll(s, "\r\n", "\n") }

// isOn reads a checkbox or the button that was pressed.
func isOn(value string) bool {
	switch strings.ToLower(value) {
	case "", "0", "false", "off", "no":
		return false
	}
	return true
}

// valid reports whether the fields may be kept. Else it says at each field why
// not, and moves the focus to the first that is wrong. What is no text at all
// is taken out, so that the rest can be shown.
func (f *postForm) valid() bool {
	f.TitleProblem = titleProblem(f.Title, f.Published)
	f.ContentProblem = contentProblem(f.Content)
	f.Title, f.Content = strings.ToValidUTF8(f.Title, "�"), strings.ToValidUTF8(f.Content, "�")
	f.focus()
	return f.TitleProblem == "" && f.ContentProblem == ""
}

func (f *postForm) focus() {
	f.FocusTitle = f.TitleProblem != ""
	f.FocusContent = f.ContentProblem != "" && !f.FocusTitle
}

const titleTaken = "You have another post with this title. Choose a different one."

// titleProblem says what is wrong with a title, or nothing. Only a published
// post needs one.
func titleProblem(title string, published bool) string {
	if problem := textProblem(title, maxTitle); problem != "" {
		return problem
	}
	switch {
	case strings.ContainsAny(title, "\n\u2028\u2029"):
		return "A title is one line."
	case title == "" && !published:
		return ""
	case !strings.ContainsFunc(title, unicode.IsGraphic):
		return "A post needs a title before it can be published."
	}
	return ""
}

func contentProblem(content string) string { return textProblem(content, maxContent) }

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

// clip shortens what somebody sent to at most n code points.
func clip(s string, n int) string {
	s = strings.ToValidUTF8(s, "�")
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n]) + "…"
}
