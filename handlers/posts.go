package handlers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"time"

	"inkwell/db"
)

// previewView is what preview.html shows.
type previewView struct {
	Title     string
	HTML      template.HTML
	UpdateURL string // where it asks for itself again, when something is typed
}

// againParam is in the address when a preview asks for itself again.
const againParam = "again"

// findPost returns the post that the path names, if the visitor may see it: a
// draft is there for its author alone, a hidden post for moderators too.
func (s *Server) findPost(r *http.Request, v visitor) (db.GetPostRow, error) {
	id, err := pathID(r)
	if err != nil {
		return db.GetPostRow{}, err
	}
	return s.readPost(r.Context(), id, v)
}

// readPost returns a post, if the visitor may see it.
func (s *Server) readPost(ctx context.Context, id int64, v visitor) (db.GetPostRow, error) {
	post, err := s.db.GetPost(ctx, id)
	if err != nil {
		return post, fmt.Errorf("post %d: %w", id, err)
	}
	if !mayRead(v, post.Post) {
		return post, errNotFound
	}
	return post, nil
}

// mayRead reports whether a post that is not deleted is there for the visitor.
func mayRead(v visitor, p db.Post) bool {
	mine := v.signedIn() && p.AuthorID == v.user.ID
	return p.Published || mine || p.HiddenAt != 0 && mayModerate(v)
}

// findOwnPost returns the post that the path names, if it is the user's own.
func (s *Server) findOwnPost(r *http.Request, user db.User) (db.GetPostRow, error) {
	post, err := s.findPost(r, known(user))
	if err == nil && post.Post.AuthorID != user.ID {
		return post, errNotAuthor
	}
	return post, err
}

// showPost handles "GET /posts/{id}" and "GET /posts/{id}/{slug}".
func (s *Server) showPost(w http.ResponseWriter, r *http.Request, v visitor) error {
	after := s.hub.Last() // before the post is read: nothing comes between
	post, err := s.findPost(r, v)
	if err != nil {
		return err
	}
	if wantsFragment(r) {
		view := viewOf(r.URL.Query().Get("view"))
		if view == viewPage {
			w.Header().Set("HX-Replace-Url", permalinkOf(post.Post).String())
		}
		return s.showInPlace(w, r, http.StatusOK, post, v, view, after)
	}
	if toPermalink(w, r, post.Post) {
		return nil
	}
	view, err := s.pageOf(r, post, v, after)
	if err != nil {
		return err
	}
	s.countView(r, v, post.Post)
	return s.page(w, r, http.StatusOK, "post", newPostPage(post.Post, view))
}

// newPostPage is the page of a post. That of a draft is nothing for others.
func newPostPage(p db.Post, view postPage) page {
	whole := page{Title: view.Post.Title, Description: p.Excerpt, Main: view}
	if p.Published {
		whole.Address, whole.Published = view.Post.URL, p.PublishedAt.Time().Format(time.RFC3339)
		whole.Feed = &feedLink{authorFeedTitle(view.Post.Author.Name), atomPath(p.AuthorID)}
	}
	return whole
}

// showInPlace answers htmx with a post in the given way of showing, with the
// focus on its title, and more. Alone, it becomes the page, whatever that was,
// and hears of what changes after a change.
func (s *Server) showInPlace(w http.ResponseWriter, r *http.Request, status int, row db.GetPostRow, v visitor, view, after string, more ...part) error {
	if view == viewItem {
		item := newPostItem(row, v)
		item.Focus = true
		return s.fragment(w, status, append([]part{{"post-item", item}}, more...)...)
	}
	whole, err := s.pageOf(r, row, v, after)
	if err != nil {
		return err
	}
	whole.Post.Focus = true
	w.Header().Set("HX-Retarget", "#main")
	w.Header().Set("HX-Reswap", "innerHTML show:top")
	parts := []part{{"post", whole.Post}, {"live", whole.Live}, {"title", whole.Post.Title}}
	return s.fragment(w, status, append(parts, more...)...)
}

// pageOf is the page of a post, which hears of what changes after a change.
func (s *Server) pageOf(r *http.Request, row db.GetPostRow, v visitor, after string) (postPage, error) {
	view, err := s.wholePost(r, row, v)
	return postPage{Post: view, Live: newLiveView(livePlace{After: after, Post: row.Post.ID, Results: asksForResults(r)})}, err
}

// wholePost is a post with its poll, whose results a reader may ask for.
func (s *Server) wholePost(r *http.Request, row db.GetPostRow, v visitor) (postView, error) {
	view := newPostView(row, v)
	var err error
	view.Poll, err = s.pollOf(r.Context(), row, v, asksForResults(r))
	return view, err
}

func newPostView(row db.GetPostRow, v visitor) postView {
	html := template.HTML(row.Post.ContentHTML) // sanitised when it was written
	return postView{postHead: newPostHead(row, v, viewPage), HTML: html}
}

func newPostItem(row db.GetPostRow, v visitor) postItem {
	return postItem{postHead: newPostHead(row, v, viewItem), Excerpt: row.Post.Excerpt, Poll: pollHint(row.PollOptions)}
}

func newPostHead(row db.GetPostRow, v visitor, view string) postHead {
	p := row.Post
	at := p.UpdatedAt
	if p.Published {
		at = p.PublishedAt
	}
	actions := newPostActions(v, p.ID, p.AuthorID, p.Title, view).with(p.Views)
	if !p.Published {
		actions.CanPublish, actions.Version = p.Title != "", int64(p.UpdatedAt)
	}
	return postHead{
		postActions: actions.ofHidden(p.HiddenAt != 0),
		URL:         permalinkOf(p).String(),
		Author:      newAuthor(p.AuthorID, row.AuthorName, row.AuthorUsername, row.AuthorImageURL),
		Time:        newMoment(at.Time(), time.Now()),
		Edited:      p.Published && edited(at, p.UpdatedAt),
		Draft:       !p.Published && p.HiddenAt == 0,
		Hidden:      newHiding(row, v),
	}
}

// newPost handles "GET /posts/new".
func (s *Server) newPost(w http.ResponseWriter, r *http.Request, user db.User) error {
	form := newPostForm(viewPage, user.ID)
	if wantsFragment(r) && r.URL.Query().Get("view") == viewItem {
		form = newComposer(user.ID)
	}
	form.Focus = focusTitle
	var err error
	if form.Offer, err = s.newPostOffer(r.Context(), user); err != nil {
		return err
	}
	return s.showForm(w, r, http.StatusOK, form)
}

// createPost handles "POST /posts".
func (s *Server) createPost(w http.ResponseWriter, r *http.Request, user db.User) error {
	values, err := readForm(r)
	if err != nil {
		return err
	}
	form := newPostForm(viewPage, user.ID)
	if values.Get("view") == viewItem {
		form = newComposer(user.ID)
	}
	form.fill(values)
	if form.isOfAnother(values) {
		form.refuse(fieldProblems{})
		form.Autosave.URL = ""
		form.Problem = fmt.Sprintf("You are signed in as %s now, and began this as somebody else. Nothing is saved yet: send it again to make it yours.", newCurrentUser(user).Name)
		return s.showForm(w, r, http.StatusConflict, form)
	}
	content, poll, problems := s.prepareForm(form)
	if problems != (fieldProblems{}) {
		return s.refuse(w, r, form, problems)
	}
	params := newPostParams(user, form.postText, content, form.FormKey)
	params.Poll = poll
	post, err := s.db.CreatePost(r.Context(), params)
	if err != nil {
		return s.giveBack(w, r, form, fmt.Errorf("create post: %w", err))
	}
	s.publishPost(post.ID, post.PublishedAt != 0, post.Published) // a form that was sent before may withdraw it
	return s.showCreated(w, r, user, post, form.View)
}

// showForm answers with a form, the way it was typed.
func (s *Server) showForm(w http.ResponseWriter, r *http.Request, status int, form postForm) error {
	return s.render(w, r, status, "post-form", form.Heading, form)
}

// refuse answers a form whose fields cannot be kept.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, form postForm, problems fieldProblems) error {
	form.refuse(problems)
	return s.showForm(w, r, http.StatusUnprocessableEntity, form)
}

// giveBack answers a form that could not be saved so that nothing typed is
// lost, where a page without JavaScript would lose it. Any other error it
// returns.
func (s *Server) giveBack(w http.ResponseWriter, r *http.Request, form postForm, err error) error {
	switch {
	case errors.Is(err, db.ErrTitleTaken):
		return s.refuse(w, r, form, fieldProblems{title: titleTaken})
	case errors.Is(err, db.ErrPollInUse):
		form.Poll.lock()
		return s.showForm(w, r, http.StatusConflict, form)
	case errors.Is(err, db.ErrHidden):
		form.Problem = hiddenText
		return s.showForm(w, r, http.StatusConflict, form)
	case !s.mustGiveBack(w, r, err):
		return err
	}
	form.Problem = problemOf(err).text
	return s.showForm(w, r, http.StatusServiceUnavailable, form)
}

// showCreated answers a new post: from the form above the feed with a fresh
// form and the post on top of the feed, else with the post's own page.
func (s *Server) showCreated(w http.ResponseWriter, r *http.Request, user db.User, post db.Post, view string) error {
	path := permalinkOf(post).String()
	if wantsFragment(r) {
		after := s.hub.Last() // before the post is read: nothing comes between
		row, err := s.db.GetPost(r.Context(), post.ID)
		if err != nil {
			return fmt.Errorf("show new post: %w", err)
		}
		w.Header().Set("Location", path)
		if view == viewPage {
			w.Header().Set("HX-Push-Url", path)
			return s.showInPlace(w, r, http.StatusCreated, row, known(user), view, after, part{"status", savedAs(row.Post)})
		}
		return s.fragment(w, http.StatusCreated, createdParts(row, known(user))...)
	}
	if view == viewItem && post.Published {
		path = "/"
	}
	http.Redirect(w, r, path, http.StatusSeeOther)
	return nil
}

// savedAs is what is said of a post that was saved.
func savedAs(p db.Post) string {
	if p.Published {
		return "Your post is published."
	}
	return "Your draft is saved."
}

func createdParts(row db.GetPostRow, v visitor) []part {
	fresh, said := part{"post-form", newComposer(v.user.ID)}, savedAs(row.Post)
	if !row.Post.Published {
		return []part{fresh, {"alert", notice{Text: said, LinkURL: "/drafts", LinkText: "See your drafts"}}, {"status", said}}
	}
	return []part{fresh, {"post-created", newPostItem(row, v)}, {"status", said}}
}

// previewNewPost handles "POST /posts/preview".
func (s *Server) previewNewPost(w http.ResponseWriter, r *http.Request, user db.User) error {
	values, err := readForm(r)
	if err != nil {
		return err
	}
	form := newPostForm(viewOf(values.Get("view")), user.ID)
	form.fill(values)
	return s.showPreview(w, r, form)
}

// previewPost handles "POST /posts/{id}/preview".
func (s *Server) previewPost(w http.ResponseWriter, r *http.Request, user db.User) error {
	values, err := readForm(r)
	if err != nil {
		return err
	}
	_, form, err := s.sentForm(r, user, values)
	if err != nil {
		return err
	}
	return s.showPreview(w, r, form)
}

func (s *Server) showPreview(w http.ResponseWriter, r *http.Request, form postForm) error {
	form.Published = false // a preview needs no title
	content, problems := s.prepare(form.postText)
	preview := previewView{UpdateURL: form.PreviewURL + "?" + againParam, Title: shownTitle(form.Title), HTML: template.HTML(content.HTML)} // sanitised by prepare
	switch {
	case problems != (fieldProblems{}) && wantsFragment(r):
		// Where the preview would be: nothing that is being typed is replaced.
		n := notice{Text: cmp.Or(problems.title, problems.content), Problem: true}
		return s.fragment(w, http.StatusUnprocessableEntity, part{"notice", n})
	case problems != (fieldProblems{}):
		return s.refuse(w, r, form, problems)
	case wantsFragment(r) && r.URL.Query().Has(againParam): // nobody who types is told of it
		return s.fragment(w, http.StatusOK, part{"preview", preview})
	case wantsFragment(r):
		return s.fragment(w, http.StatusOK, part{"preview", preview}, part{"status", "The preview is there."})
	}
	form.Preview = &preview
	return s.showForm(w, r, http.StatusOK, form)
}
