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

	"inkwell/db"
)

// maxFields is how many fields a form may have.
const maxFields = 50

// readForm returns the fields of the request's body alone, which it reads once:
// the same values each time. Of a repeated field Get returns the first.
func readForm(r *http.Request) (url.Values, error) {
	if r.PostForm != nil {
		return r.PostForm, nil
	}
	if r.ContentLength == 0 && r.Header.Get("Content-Type") == "" {
		return url.Values{}, nil
	}
	body := r.WithContext(r.Context())
	body.URL = &url.URL{} // whose query ParseForm would read too
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case err == nil && kind == "multipart/form-data":
		err = body.ParseMultipartForm(maxBody)
	case err == nil && kind == "application/x-www-form-urlencoded":
		err = body.ParseForm()
	default:
		return nil, &userError{http.StatusUnsupportedMediaType, "Only forms are read here."}
	}
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, err
	case err != nil || len(body.PostForm) > maxFields:
		return nil, errBadForm
	}
	r.PostForm = body.PostForm
	return r.PostForm, nil
}

// readQuery returns the parameters of the request's address.
func readQuery(r *http.Request) (url.Values, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, errBadQuery
	}
	return query, nil
}

// A postForm is what post-form.html shows: the fields as typed, with what is
// wrong beside them.
type postForm struct {
	postText
	Heading string // of the page that holds the form
	FormID  string // prefix of the ids in it
	Action  string
	View    string // how the post is shown when it is saved
	FormKey string // tells the form from others: sent twice it makes one post, and knows what it saved by itself
	Author  int64  // who is to be the author of a new post; 0 when editing
	Version int64  // of the post that is being edited; 0: a new one
	Hidden  hiding // of the post that is being edited
	Rows    int
	Poll    pollForm

	Problem, TitleProblem, ContentProblem string
	Focus                                 string // the field that gets it; "": none

	Buttons    []formButton // the first is the main one, and what Enter presses
	PreviewURL string
	CancelURL  string
	Preview    *previewView
	Autosave   autosaveView
	Offer      *resumeOffer // of what was typed before; nil: nothing
	FromCopy   bool         // it holds what was typed before
	DiscardURL string       // takes away what was typed before; "": nothing was
	Undo       *discardUndo // of that; nil: nothing can be brought back
}

// The fields that can have the focus.
const (
	focusTitle   = "title"
	focusContent = "content"
	focusUndo    = "undo" // no field, but the way back
)

// formButton is one way to save a post.
type formButton struct {
	Name, Label string
	Published   bool // what the post is then
}

// newComposer is an empty form above the feed.
func newComposer(author int64) postForm {
	f := newPostForm(viewItem, author)
	f.FormID, f.Poll.FormID, f.Autosave.FormID, f.Rows = "compose-form", "compose-form", "compose-form", 5
	return f
}

// newPostForm is an empty form for a new post.
func newPostForm(view string, author int64) postForm {
	return postForm{
		Heading: "Write a post", FormID: "post-form", Action: "/posts", View: view, FormKey: rand.Text(), Author: author, Rows: 14,
		Poll: pollForm{FormID: "post-form"},
		Buttons: []formButton{
			{Name: "publish", Label: "Publish", Published: true},
			{Name: "draft", Label: "Save draft"},
		},
		PreviewURL: "/posts/preview",
		Autosave:   autosaveView{FormID: "post-form", URL: "/posts/autosave"},
	}
}

// editForm is a form that holds a post as it stands.
func editForm(p db.Post, view string) postForm {
	path := postPath(p.ID, "") // no title: it goes into attributes of htmx
	id := fmt.Sprintf("post-%d", p.ID)
	f := postForm{
		postText: postText{Title: p.Title, Content: p.Content, Published: p.Published},
		Heading:  "Edit your post", FormID: id, Action: path, View: view, FormKey: rand.Text(), Version: int64(p.UpdatedAt), Rows: 14,
		Buttons: []formButton{
			{Name: "draft", Label: "Save draft"},
			{Name: "publish", Label: "Publish", Published: true},
		},
		PreviewURL: path + "/preview", CancelURL: path,
		Autosave: autosaveView{FormID: id, URL: path + "/autosave"},
	}
	if !p.HasReaders() {
		f.Heading = "Edit your draft"
	}
	if p.HiddenAt != 0 {
		f.Hidden = hiddenFor(p.HiddenReason)
		f.Buttons = []formButton{{Name: "draft", Label: "Save"}}
	}
	if p.Published {
		f.Buttons = []formButton{
			{Name: "publish", Label: "Save", Published: true},
			{Name: "draft", Label: "Unpublish"},
		}
	}
	return f
}

// fill puts into the form what was typed.
func (f *postForm) fill(values url.Values) {
	f.Title = cleanTitle(values.Get("title"))
	f.Content = cleanContent(values.Get("content"))
	f.Published = isOn(values.Get("published"))
	f.Poll.fill(values)
	if key := values.Get("form_key"); len(key) <= 64 {
		f.FormKey = key
	}
	f.readVersion(values)
}

// readVersion takes over which version of the post the form was made of.
func (f *postForm) readVersion(values url.Values) {
	if version, err := strconv.ParseInt(values.Get("version"), 10, 64); err == nil && f.Version != 0 {
		f.Version = version
	}
}

// isKeyed reports whether the form was sent with a key that tells it from others.
func (f *postForm) isKeyed(values url.Values) bool {
	return f.FormKey != "" && f.FormKey == values.Get("form_key")
}

// isOfAnother reports whether a new post was begun by somebody else than who
// sends it: in another tab, somebody else signed in. Programs need not say.
func (f *postForm) isOfAnother(values url.Values) bool {
	author := values.Get("author")
	return author != "" && author != strconv.FormatInt(f.Author, 10)
}

// isOn reads a checkbox or the button that was pressed.
func isOn(value string) bool {
	switch strings.ToLower(value) {
	case "", "0", "false", "off", "no":
		return false
	}
	return true
}

// refuse says at each field what is wrong, and moves the focus to the first
// that is. What is no text at all is taken out, so that the rest can be shown.
func (f *postForm) refuse(p fieldProblems) {
	f.TitleProblem, f.ContentProblem = p.title, p.content
	f.Title, f.Content = strings.ToValidUTF8(f.Title, "�"), strings.ToValidUTF8(f.Content, "�")
	f.Poll.refuse(p.poll)
	switch {
	case p.title != "":
		f.Focus, f.Poll.Focus = focusTitle, ""
	case p.content != "" || f.Poll.Focus == "":
		f.Focus, f.Poll.Focus = focusContent, ""
	}
}
