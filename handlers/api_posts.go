package handlers

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"time"

	"inkwell/db"
)

// apiPost is the JSON of a post.
type apiPost struct {
	ID          int64     `json:"id"`
	Title       string    `json:"title"`
	Content     string    `json:"content"`
	ContentHTML string    `json:"content_html"`
	Published   bool      `json:"published"`
	Views       int64     `json:"views"`
	Author      apiAuthor `json:"author"`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
	Poll        *apiPoll  `json:"poll"` // null: there is none

	Hidden *apiHiding `json:"hidden"` // null: it is not
}

// apiHiding is the JSON of what a moderator has done to a post. Only its author
// and moderators are shown a post that has one.
type apiHiding struct {
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
}

type apiAuthor struct {
	ID       int64  `json:"id"`
	Name     string `json:"name"`
	ImageURL string `json:"image_url"`
}

// apiPosts is the JSON of a page of posts.
type apiPosts struct {
	Posts []apiPost `json:"posts"`
	Next  *string   `json:"next"` // null: there is no next page
}

// apiListPosts handles "GET /api/posts".
func (s *Server) apiListPosts(w http.ResponseWriter, r *http.Request, v visitor) error {
	before, limit, err := readPage(r, parseCursor)
	if err != nil {
		return err
	}
	if author := r.URL.Query().Get("author"); author != "" {
		return s.apiListPostsOf(w, r, v, author, before, limit)
	}
	rows, err := s.db.ListFullPosts(r.Context(), db.ListFullPostsParams{BeforeAt: before.at, BeforeID: before.id, PageSize: int64(limit) + 1})
	if err != nil {
		return fmt.Errorf("list posts: %w", err)
	}
	rows, next := nextPage(rows, limit, func(row db.ListFullPostsRow) cursor { return cursor{row.Post.PublishedAt, row.Post.ID} })
	posts := make([]db.GetPostRow, len(rows))
	for i, row := range rows {
		posts[i] = publicRow(row)
	}
	return s.answerPosts(w, r, v, posts, placeOf(next))
}

// apiListPostsOf lists the published posts of the author with an id. Deleted
// users have none.
func (s *Server) apiListPostsOf(w http.ResponseWriter, r *http.Request, v visitor, author string, before cursor, limit int) error {
	id, err := parseID(author)
	if err != nil {
		return err
	}
	if _, err := s.db.GetProfile(r.Context(), id); err != nil {
		return fmt.Errorf("author %d: %w", id, err)
	}
	rows, err := s.db.ListPostsOf(r.Context(), db.ListPostsOfParams{AuthorID: id, BeforeAt: before.at, BeforeID: before.id, PageSize: int64(limit) + 1})
	if err != nil {
		return fmt.Errorf("posts of user %d: %w", id, err)
	}
	rows, next := nextPage(rows, limit, func(row db.ListPostsOfRow) cursor { return cursor{row.PublishedAt, row.ID} })
	ids := make([]int64, len(rows))
	for i, row := range rows {
		ids[i] = row.ID
	}
	posts, err := s.readPublished(r.Context(), ids)
	if err != nil {
		return err
	}
	return s.answerPosts(w, r, v, posts, placeOf(next))
}

// readPublished returns published posts with their whole text. One that was
// withdrawn since it was listed is left out.
func (s *Server) readPublished(ctx context.Context, ids []int64) ([]db.GetPostRow, error) {
	var rows []db.GetPostRow
	for _, id := range ids {
		row, err := s.db.GetPost(ctx, id)
		if errors.Is(err, sql.ErrNoRows) || err == nil && !row.Post.Published {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("post %d: %w", id, err)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// apiListDrafts handles "GET /api/drafts".
func (s *Server) apiListDrafts(w http.ResponseWriter, r *http.Request, user db.User) error {
	before, limit, err := readPage(r, parseCursor)
	if err != nil {
		return err
	}
	rows, err := s.db.ListFullDrafts(r.Context(), db.ListFullDraftsParams{AuthorID: user.ID, BeforeAt: before.at, BeforeID: before.id, PageSize: int64(limit) + 1})
	if err != nil {
		return fmt.Errorf("drafts: %w", err)
	}
	rows, next := nextPage(rows, limit, func(row db.ListFullDraftsRow) cursor { return cursor{db.Time(row.ChangedAt), row.Post.ID} })
	posts := make([]db.GetPostRow, len(rows))
	for i, row := range rows {
		posts[i] = withAuthor(row.Post, user, row.PollOptions)
	}
	return s.answerPosts(w, r, known(user), posts, placeOf(next))
}

func (s *Server) answerPosts(w http.ResponseWriter, r *http.Request, v visitor, rows []db.GetPostRow, next *string) error {
	posts, err := s.newAPIPosts(r.Context(), rows, v)
	if err != nil {
		return err
	}
	return answerJSON(w, http.StatusOK, apiPosts{Posts: posts, Next: next})
}

// newAPIPosts shows posts to the visitor. Without any the list is empty, not
// nil.
func (s *Server) newAPIPosts(ctx context.Context, rows []db.GetPostRow, v visitor) ([]apiPost, error) {
	posts := make([]apiPost, len(rows))
	for i, row := range rows {
		posts[i] = newAPIPost(row)
		var err error
		if posts[i].Poll, err = s.apiPollOf(ctx, row, v, false); err != nil {
			return nil, err
		}
	}
	return posts, nil
}

// answerPost answers with a post as the visitor finds it. Asked says that they
// have asked for the results of its poll.
func (s *Server) answerPost(w http.ResponseWriter, r *http.Request, status int, row db.GetPostRow, v visitor, asked bool) error {
	post := newAPIPost(row)
	var err error
	if post.Poll, err = s.apiPollOf(r.Context(), row, v, asked); err != nil {
		return err
	}
	return answerJSON(w, status, post)
}

func newAPIPost(row db.GetPostRow) apiPost {
	p := row.Post
	post := apiPost{
		ID: p.ID, Title: p.Title, Content: p.Content, ContentHTML: p.ContentHTML, Published: p.Published, Views: p.Views,
		Author:    apiAuthor{ID: p.AuthorID, Name: displayName(row.AuthorName, row.AuthorUsername), ImageURL: string(row.AuthorImageURL)},
		CreatedAt: p.CreatedAt.Time(), UpdatedAt: p.UpdatedAt.Time(),
	}
	if p.HiddenAt != 0 {
		post.Hidden = &apiHiding{Reason: string(p.HiddenReason), At: p.HiddenAt.Time()}
	}
	return post
}

// apiGetPost handles "GET /api/posts/{id}".
func (s *Server) apiGetPost(w http.ResponseWriter, r *http.Request, v visitor) error {
	post, err := s.findPost(r, v)
	if err != nil {
		return err
	}
	return s.answerPost(w, r, http.StatusOK, post, v, asksForResults(r))
}

// postInput is what a program sends of a post; a field that is nil was not
// sent, or is null.
type postInput struct {
	Title     *string `json:"title"`
	Content   *string `json:"content"`
	Published *bool   `json:"published"`

	Poll *pollInput `json:"poll"` // of a new post alone
}

// apiCreatePost handles "POST /api/posts".
func (s *Server) apiCreatePost(w http.ResponseWriter, r *http.Request, user db.User) error {
	var input postInput
	if err := readJSON(r, &input); err != nil {
		return err
	}
	text := input.onto(postText{Published: true})
	content, problems := s.prepare(text)
	if problems != (fieldProblems{}) {
		return problems.unprocessable()
	}
	params := newPostParams(user, text, content, "")
	options := 0
	if input.Poll != nil {
		poll, err := input.Poll.read(time.Now())
		if err != nil {
			return err
		}
		params.Poll, options = &poll, len(poll.Options)
	}
	post, err := s.db.CreatePost(r.Context(), params)
	if err != nil {
		return fmt.Errorf("create post: %w", err)
	}
	s.publishPost(post.ID, false, post.Published)
	w.Header().Set("Location", fmt.Sprintf("/api/posts/%d", post.ID))
	return s.answerPost(w, r, http.StatusCreated, withAuthor(post, user, int64(options)), known(user), false)
}

// publicRow is a published post as GetPost returns it: nobody has hidden it.
func publicRow(row db.ListFullPostsRow) db.GetPostRow {
	return db.GetPostRow{
		Post: row.Post, AuthorName: row.AuthorName, AuthorUsername: row.AuthorUsername, AuthorImageURL: row.AuthorImageURL,
		PollOptions: row.PollOptions,
	}
}

// withAuthor is a post as GetPost returns it, for an author who is known.
func withAuthor(p db.Post, u db.User, pollOptions int64) db.GetPostRow {
	return db.GetPostRow{Post: p, AuthorName: u.Name, AuthorUsername: u.Username, AuthorImageURL: u.ImageURL, PollOptions: pollOptions}
}

// apiUpdatePost handles "PATCH /api/posts/{id}".
func (s *Server) apiUpdatePost(w http.ResponseWriter, r *http.Request, user db.User) error {
	post, err := s.findOwnPost(r, user)
	if err != nil {
		return err
	}
	var input postInput
	if err := readJSON(r, &input); err != nil {
		return err
	}
	text := input.onto(postText{Title: post.Post.Title, Content: post.Post.Content, Published: post.Post.Published})
	content, problems := s.prepare(text)
	if problems != (fieldProblems{}) {
		return problems.unprocessable()
	}
	params := db.UpdatePostParams{ID: post.Post.ID, Published: input.Published}
	if input.Title != nil {
		params.Title = &text.Title
	}
	if input.Content != nil {
		params.Content = &content
	}
	changed, err := s.db.UpdatePost(r.Context(), params)
	if errors.Is(err, db.ErrUntitled) {
		return unprocessable("title", titleMissing)
	}
	if err != nil {
		return fmt.Errorf("update post %d: %w", post.Post.ID, err)
	}
	s.publishPost(changed.ID, post.Post.HasReaders(), changed.HasReaders())
	return s.answerPost(w, r, http.StatusOK, withAuthor(changed, user, post.PollOptions), known(user), false)
}

// apiDeletePost handles "DELETE /api/posts/{id}".
func (s *Server) apiDeletePost(w http.ResponseWriter, r *http.Request, user db.User) error {
	if _, err := s.deleteFor(r, user); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// onto returns a text with what was sent in place of what it held.
func (in postInput) onto(t postText) postText {
	if in.Title != nil {
		t.Title = cleanTitle(*in.Title)
	}
	if in.Content != nil {
		t.Content = cleanContent(*in.Content)
	}
	if in.Published != nil {
		t.Published = *in.Published
	}
	return t
}

// unprocessable is the answer to a program that sent the fields.
func (p fieldProblems) unprocessable() error {
	if p.title != "" {
		return unprocessable("title", p.title)
	}
	return unprocessable("content", p.content)
}
