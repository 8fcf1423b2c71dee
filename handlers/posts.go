package handlers

import (
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"time"

	"inkwell/db"
	"inkwell/templates"
)

// previewView is what preview.html shows.
type previewView struct {
	Title string
	HTML  template.HTML
}

// findPost returns the post that the path names, if the visitor may see it: a
// draft is there for its author alone.
func (s *Server) findPost(r *http.Request, v visitor) (db.GetPostRow, error) {
	id, err := pathID(r)
	if err != nil {
		return db.GetPostRow{}, err
	}
	post, err := s.db.GetPost(r.Context(), id)
	if err != nil {
		return post, fmt.Errorf("post %d: %w", id, err)
	}
	if !post.Post.Published && (!v.signedIn || post.Post.AuthorID != v.user.ID) {
		return post, errNotFound
	}
	return post, nil
}

// findOwnPost returns the post that the path names, if it is the user's own.
func (s *Server) findOwnPost(r *http.Request, user db.User) (db.GetPostRow, error) {
	post, err := s.findPost(r, visitor{user: user, signedIn: true})
	if err == nil && post.Post.AuthorID != user.ID {
		return post, errNotAuthor
	}
	return post, err
}

// showPost handles "GET /posts/{id}".
func (s *Server) showPost(w http.ResponseWriter, r *http.Request, v visitor) error {
	post, err := s.findPost(r, v)
	if err != nil {
		return err
	}
	if wantsFragment(r) {
		return s.fragment(w, http.StatusOK, shownPost(post, v, viewOf(r.URL.Query().Get("view"))))
	}
	view := newPostView(post, v)
	return s.page(w, r, http.StatusOK, "post", page{Title: view.Title, Description: post.Post.Excerpt, Main: view})
}

// shownPost is a post in the given way of showing, with the focus on its title.
func shownPost(p db.GetPostRow, v visitor, view string) part {
	if view == viewItem {
		item := newPostItem(p, v)
		item.Focus = true
		return part{"post-item", item}
	}
	whole := newPostView(p, v)
	whole.Focus = true
	return part{"post", whole}
}

func newPostView(p db.GetPostRow, v visitor) postView {
	item := newPostItem(p, v)
	item.View = viewPage
	return postView{
		postActions: item.postActions,
		HTML:        template.HTML(p.Post.ContentHTML), // sanitised when it was written
		Author:      item.Author,
		Time:        item.Time,
		Edited:      item.Edited,
		Draft:       item.Draft,
	}
}

func newPostItem(row db.GetPostRow, v visitor) postItem {
	p := row.Post
	at := p.UpdatedAt
	if p.Published {
		at = p.PublishedAt
	}
	return postItem{
		postActions: newPostActions(v, p.ID, p.AuthorID, p.Title, viewItem),
		Excerpt:     p.Excerpt,
		Author:      newAuthor(p.AuthorID, row.AuthorName, row.AuthorUsername, row.AuthorImageURL),
		Time:        newMoment(at.Time(), time.Now()),
		Edited:      p.Published && edited(at, p.UpdatedAt),
		Draft:       !p.Published,
	}
}

// newPost handles "GET /posts/new".
func (s *Server) newPost(w http.ResponseWriter, r *http.Request, _ db.User) error {
	form := newPostForm(viewPage)
	if wantsFragment(r) && r.URL.Query().Get("view") == viewItem {
		form = newComposer()
	}
	form.FocusTitle = true
	return s.showForm(w, r, http.StatusOK, form)
}

// createPost handles "POST /posts".
func (s *Server) createPost(w http.ResponseWriter, r *http.Request, user db.User) error {
	values, err := readForm(r)
	if err != nil {
		return err
	}
	form := newPostForm(viewPage)
	if values.Get("view") == viewItem {
		form = newComposer()
	}
	form.fill(values)
	if !form.valid() {
		return s.showForm(w, r, http.StatusUnprocessableEntity, form)
	}
	post, err := s.db.CreatePost(r.Context(), s.newPostParams(user, form))
	if errors.Is(err, db.ErrTitleTaken) {
		form.TitleProblem = titleTaken
		form.focus()
		return s.showForm(w, r, http.StatusUnprocessableEntity, form)
	}
	if err != nil {
		return fmt.Errorf("create post: %w", err)
	}
	return s.showCreated(w, r, user, post, form.View)
}

func (s *Server) newPostParams(user db.User, form postForm) db.CreatePostParams {
	content := s.rendered(form.Content)
	return db.CreatePostParams{
		AuthorID: user.ID, Title: form.Title, Published: form.Published, FormKey: form.FormKey,
		Content: content.Source, ContentHTML: content.HTML, Excerpt: content.Excerpt, RenderVersion: content.RenderVersion,
	}
}

// rendered is a text with its rendering, as it is stored.
func (s *Server) rendered(source string) db.PostContent {
	r := s.markdown.Render(source)
	return db.PostContent{Source: source, HTML: r.HTML, Excerpt: r.Excerpt, RenderVersion: templates.MarkdownVersion}
}

// showForm answers with a form, the way it was typed.
func (s *Server) showForm(w http.ResponseWriter, r *http.Request, status int, form postForm) error {
	return s.render(w, r, status, "post-form", form.Heading, form)
}

// showCreated answers a new post: from the form above the feed with a fresh
// form and the post on top of the feed, else with the post's own page.
func (s *Server) showCreated(w http.ResponseWriter, r *http.Request, user db.User, post db.Post, view string) error {
	path := fmt.Sprintf("/posts/%d", post.ID)
	w.Header().Set("Location", path)
	switch {
	case wantsFragment(r) && view == viewPage:
		w.Header().Del("Location")
		return goTo(w, path)
	case wantsFragment(r):
		parts, err := s.createdParts(r, user, post)
		if err != nil {
			return err
		}
		return s.fragment(w, http.StatusCreated, parts...)
	case view == viewItem && post.Published:
		path = "/"
	}
	http.Redirect(w, r, path, http.StatusSeeOther)
	return nil
}

// goTo makes htmx show another page of this site without a reload.
func goTo(w http.ResponseWriter, path string) error {
	w.Header().Set("HX-Location", fmt.Sprintf(`{"path":%q,"target":"#main","select":"#main","swap":"outerHTML"}`, path))
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Server) createdParts(r *http.Request, user db.User, post db.Post) ([]part, error) {
	fresh := part{"post-form", newComposer()}
	if !post.Published {
		n := notice{Text: "Your draft is saved.", LinkURL: "/drafts", LinkText: "See your drafts"}
		return []part{fresh, {"alert", n}, {"status", n.Text}}, nil
	}
	row, err := s.db.GetPost(r.Context(), post.ID)
	if err != nil {
		return nil, fmt.Errorf("show new post: %w", err)
	}
	item := newPostItem(row, visitor{user: user, signedIn: true})
	return []part{fresh, {"post-created", item}, {"status", "Your post is published."}}, nil
}

// previewNewPost handles "POST /posts/preview".
func (s *Server) previewNewPost(w http.ResponseWriter, r *http.Request, _ db.User) error {
	values, err := readForm(r)
	if err != nil {
		return err
	}
	form := newPostForm(viewOf(values.Get("view")))
	return s.showPreview(w, r, form, values)
}

// previewPost handles "POST /posts/{id}/preview".
func (s *Server) previewPost(w http.ResponseWriter, r *http.Request, user db.User) error {
	values, err := readForm(r)
	if err != nil {
		return err
	}
	post, err := s.findOwnPost(r, user)
	if err != nil {
		return err
	}
	return s.showPreview(w, r, editForm(post.Post, viewOf(values.Get("view"))), values)
}

func (s *Server) showPreview(w http.ResponseWriter, r *http.Request, form postForm, values map[string][]string) error {
	form.fill(values)
	form.Published = false // a preview needs no title
	if !form.valid() {
		return s.refusePreview(w, r, form)
	}
	preview := previewView{Title: shownTitle(form.Title), HTML: template.HTML(s.rendered(form.Content).HTML)}
	if wantsFragment(r) {
		return s.fragment(w, http.StatusOK, part{"preview", preview})
	}
	form.Preview = &preview
	return s.showForm(w, r, http.StatusOK, form)
}

// refusePreview puts the reason where the preview would be, so that nothing
// that is being typed is replaced.
func (s *Server) refusePreview(w http.ResponseWriter, r *http.Request, form postForm) error {
	if !wantsFragment(r) {
		return s.showForm(w, r, http.StatusUnprocessableEntity, form)
	}
	text := form.TitleProblem
	if text == "" {
		text = form.ContentProblem
	}
	return s.fragment(w, http.StatusUnprocessableEntity, part{"notice", notice{Text: text, Problem: true}})
}

// editPost handles "GET /posts/{id}/edit".
func (s *Server) editPost(w http.ResponseWriter, r *http.Request, user db.User) error {
	post, err := s.findOwnPost(r, user)
	if err != nil {
		return err
	}
	form := editForm(post.Post, viewOf(r.URL.Query().Get("view")))
	form.FocusTitle = true
	return s.showForm(w, r, http.StatusOK, form)
}

// updatePost handles "POST /posts/{id}".
func (s *Server) updatePost(w http.ResponseWriter, r *http.Request, user db.User) error {
	values, err := readForm(r)
	if err != nil {
		return err
	}
	post, err := s.findOwnPost(r, user)
	if err != nil {
		return err
	}
	form := editForm(post.Post, viewOf(values.Get("view")))
	form.fill(values)
	if !form.valid() {
		return s.showForm(w, r, http.StatusUnprocessableEntity, form)
	}
	content := s.rendered(form.Content)
	changed, err := s.db.UpdatePost(r.Context(), db.UpdatePostParams{
		ID: post.Post.ID, Title: &form.Title, Content: &content, Published: &form.Published, Version: db.Time(form.Version),
	})
	switch {
	case errors.Is(err, db.ErrTitleTaken):
		form.TitleProblem = titleTaken
		form.focus()
		return s.showForm(w, r, http.StatusUnprocessableEntity, form)
	case errors.Is(err, db.ErrStale):
		return s.showStale(w, r, post.Post.ID, form)
	case err != nil:
		return fmt.Errorf("update post %d: %w", post.Post.ID, err)
	}
	return s.showUpdated(w, r, user, changed, form.View, "Saved.")
}

// showStale gives the typed text back when the post was changed meanwhile. To
// send it again is to decide for it.
func (s *Server) showStale(w http.ResponseWriter, r *http.Request, id int64, form postForm) error {
	post, err := s.db.GetPost(r.Context(), id)
	if err != nil {
		return fmt.Errorf("update post %d: %w", id, err)
	}
	form.Version = int64(post.Post.UpdatedAt)
	form.Problem = "This post was changed elsewhere after you opened it. Save again to replace that version with this one."
	form.FocusTitle = true
	return s.showForm(w, r, http.StatusConflict, form)
}

// showUpdated answers a change of a post: with the post for htmx, which is told
// what was done, else with its page.
func (s *Server) showUpdated(w http.ResponseWriter, r *http.Request, user db.User, post db.Post, view, done string) error {
	if !wantsFragment(r) {
		http.Redirect(w, r, fmt.Sprintf("/posts/%d", post.ID), http.StatusSeeOther)
		return nil
	}
	row, err := s.db.GetPost(r.Context(), post.ID)
	if err != nil {
		return fmt.Errorf("show post %d: %w", post.ID, err)
	}
	return s.fragment(w, http.StatusOK, shownPost(row, visitor{user: user, signedIn: true}, view), part{"status", done})
}
