package handlers

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"inkwell/db"
)

// apiUser is the JSON of the current user.
type apiUser struct {
	ID       int64   `json:"id"`
	ClerkID  string  `json:"clerk_id"`
	Name     string  `json:"name"`
	Email    *string `json:"email"`
	Username *string `json:"username"`
	ImageURL string  `json:"image_url"`
	Role     string  `json:"role"`
}

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

// answerJSON answers a program.
func answerJSON(w http.ResponseWriter, status int, v any) error {
	return writeJSON(w, status, "application/json", v)
}

// apiMe handles "GET /api/me".
func (s *Server) apiMe(w http.ResponseWriter, r *http.Request, u db.User) error {
	return answerJSON(w, http.StatusOK, apiUser{
		ID: u.ID, ClerkID: u.ClerkID, Name: string(u.Name), Email: u.Email, Username: u.Username, ImageURL: string(u.ImageURL), Role: u.Role,
	})
}

// maxListed is how many posts one answer of the API may hold.
const maxListed = 100

// apiListPosts handles "GET /api/posts".
func (s *Server) apiListPosts(w http.ResponseWriter, r *http.Request, _ visitor) error {
	query := r.URL.Query()
	before, err := parseCursor(query.Get("before"))
	if err != nil {
		return err
	}
	limit := int64(pageSize)
	if text := query.Get("limit"); query.Has("limit") {
		limit, err = strconv.ParseInt(text, 10, 64)
		if err != nil || limit < 1 || limit > maxListed {
			return &userError{http.StatusBadRequest, "limit is a whole number from 1 to 100."}
		}
	}
	rows, err := s.db.ListFullPosts(r.Context(), db.ListFullPostsParams{BeforeAt: before.at, BeforeID: before.id, PageSize: limit + 1})
	if err != nil {
		return fmt.Errorf("list posts: %w", err)
	}
	list := apiPosts{Posts: []apiPost{}}
	if int64(len(rows)) > limit {
		rows = rows[:limit]
		last := rows[limit-1].Post
		next := cursor{last.PublishedAt, last.ID}.String()
		list.Next = &next
	}
	for _, row := range rows {
		list.Posts = append(list.Posts, newAPIPost(db.GetPostRow(row)))
	}
	return answerJSON(w, http.StatusOK, list)
}

func newAPIPost(row db.GetPostRow) apiPost {
	p := row.Post
	return apiPost{
		ID: p.ID, Title: p.Title, Content: p.Content, ContentHTML: p.ContentHTML, Published: p.Published, Views: p.Views,
		Author:    apiAuthor{ID: p.AuthorID, Name: displayName(row.AuthorName, row.AuthorUsername), ImageURL: string(row.AuthorImageURL)},
		CreatedAt: p.CreatedAt.Time(), UpdatedAt: p.UpdatedAt.Time(),
	}
}

// apiGetPost handles "GET /api/posts/{id}".
func (s *Server) apiGetPost(w http.ResponseWriter, r *http.Request, v visitor) error {
	post, err := s.findPost(r, v)
	if err != nil {
		return err
	}
	return answerJSON(w, http.StatusOK, newAPIPost(post))
}

// postInput is what a program sends of a post; a field that is nil was not
// sent, or is null.
type postInput struct {
	Title     *string `json:"title"`
	Content   *string `json:"content"`
	Published *bool   `json:"published"`
}

// apiCreatePost handles "POST /api/posts".
func (s *Server) apiCreatePost(w http.ResponseWriter, r *http.Request, user db.User) error {
	input, err := readPostInput(r)
	if err != nil {
		return err
	}
	form := postForm{Published: true}
	if err := input.fill(&form); err != nil {
		return err
	}
	post, err := s.db.CreatePost(r.Context(), s.newPostParams(user, form))
	if err != nil {
		return fmt.Errorf("create post: %w", err)
	}
	w.Header().Set("Location", fmt.Sprintf("/api/posts/%d", post.ID))
	return answerJSON(w, http.StatusCreated, newAPIPost(withAuthor(post, user)))
}

// withAuthor is a post as GetPost returns it, for an author who is known.
func withAuthor(p db.Post, u db.User) db.GetPostRow {
	return db.GetPostRow{Post: p, AuthorName: u.Name, AuthorUsername: u.Username, AuthorImageURL: u.ImageURL}
}

// apiUpdatePost handles "PATCH /api/posts/{id}".
func (s *Server) apiUpdatePost(w http.ResponseWriter, r *http.Request, user db.User) error {
	post, err := s.findOwnPost(r, user)
	if err != nil {
		return err
	}
	input, err := readPostInput(r)
	if err != nil {
		return err
	}
	form := postForm{Title: post.Post.Title, Content: post.Post.Content, Published: post.Post.Published}
	if err := input.fill(&form); err != nil {
		return err
	}
	params := db.UpdatePostParams{ID: post.Post.ID, Published: input.Published}
	if input.Title != nil {
		params.Title = &form.Title
	}
	if input.Content != nil {
		content := s.rendered(form.Content)
		params.Content = &content
	}
	changed, err := s.db.UpdatePost(r.Context(), params)
	if errors.Is(err, db.ErrUntitled) {
		return unprocessable("title", "A post needs a title before it can be published.")
	}
	if err != nil {
		return fmt.Errorf("update post %d: %w", post.Post.ID, err)
	}
	return answerJSON(w, http.StatusOK, newAPIPost(withAuthor(changed, user)))
}

// apiDeletePost handles "DELETE /api/posts/{id}".
func (s *Server) apiDeletePost(w http.ResponseWriter, r *http.Request, user db.User) error {
	if _, err := s.deleteFor(r, user); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// readPostInput reads a post from a JSON body.
func readPostInput(r *http.Request) (postInput, error) {
	var input postInput
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return input, &userError{http.StatusUnsupportedMediaType, "Send the post as application/json."}
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return input, fmt.Errorf("read body: %w", err)
	}
	var wrongType *json.UnmarshalTypeError
	switch err := json.Unmarshal(body, &input); {
	case !utf8.Valid(body) || !json.Valid(body):
		return input, &userError{http.StatusBadRequest, "The body is not JSON in UTF-8."}
	case errors.As(err, &wrongType) && wrongType.Field != "":
		return input, unprocessable(wrongType.Field, "It has to be a "+wrongType.Type.String()+", and not "+wrongType.Value+".")
	case err != nil || bytes.TrimSpace(body)[0] != '{':
		return input, &userError{http.StatusUnprocessableEntity, "The body has to be a JSON object."}
	}
	return input, nil
}

// fill puts what was sent into the fields of a post and returns what is wrong
// with them then.
func (in postInput) fill(f *postForm) error {
	if in.Title != nil {
		f.Title = strings.TrimSpace(cleanLines(*in.Title))
	}
	if in.Content != nil {
		f.Content = cleanLines(*in.Content)
	}
	if in.Published != nil {
		f.Published = *in.Published
	}
	switch {
	case f.valid():
		return nil
	case f.TitleProblem != "":
		return unprocessable("title", f.TitleProblem)
	}
	return unprocessable("content", f.ContentProblem)
}

func unprocessable(field, text string) error {
	return &userError{http.StatusUnprocessableEntity, field + ": " + text}
}
