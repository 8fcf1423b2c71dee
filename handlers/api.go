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
	before, limit, err := readListQuery(r)
	if err != nil {
		return err
	}
	rows, err := s.db.ListFullPosts(r.Context(), db.ListFullPostsParams{BeforeAt: before.at, BeforeID: before.id, PageSize: int64(limit) + 1})
	if err != nil {
		return fmt.Errorf("list posts: %w", err)
	}
	rows, next := nextPage(rows, limit, func(row db.ListFullPostsRow) cursor { return cursor{row.Post.PublishedAt, row.Post.ID} })
	list := apiPosts{Posts: []apiPost{}}
	for _, row := range rows {
		list.Posts = append(list.Posts, newAPIPost(db.GetPostRow(row)))
	}
	if next != nil {
		place := next.String()
		list.Next = &place
	}
	return answerJSON(w, http.StatusOK, list)
}

// readListQuery returns which posts a program asks for.
func readListQuery(r *http.Request) (before cursor, limit int, err error) {
	if before, err = readCursor(r); err != nil {
		return before, 0, err
	}
	query := r.URL.Query()
	if !query.Has("limit") {
		return before, pageSize, nil
	}
	limit, err = strconv.Atoi(query.Get("limit"))
	if err != nil || limit < 1 || limit > maxListed || strconv.Itoa(limit) != query.Get("limit") {
		return before, 0, &userError{http.StatusBadRequest, fmt.Sprintf("limit is a whole number from 1 to %d.", maxListed)}
	}
	return before, limit, nil
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
	text := input.onto(postText{Published: true})
	content, problems := s.prepare(text)
	if problems != (fieldProblems{}) {
		return problems.unprocessable()
	}
	post, err := s.db.CreatePost(r.Context(), newPostParams(user, text, content, ""))
	if err != nil {
		return fmt.Errorf("create post: %w", err)
	}
	s.publishPost(post.ID, false, post.Published)
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
	s.publishPost(changed.ID, post.Post.Published, changed.Published)
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
	var tooLarge *http.MaxBytesError
	if err != nil && !errors.As(err, &tooLarge) {
		err = errBadBody
	}
	if err != nil {
		return input, err
	}
	var wrongType *json.UnmarshalTypeError
	switch err := json.Unmarshal(body, &input); {
	case !utf8.Valid(body) || !json.Valid(body):
		return input, &userError{http.StatusBadRequest, "The body is not JSON in UTF-8."}
	case errors.As(err, &wrongType) && wrongType.Field != "":
		return input, unprocessable(wrongType.Field, "It has to be a "+wrongType.Type.String()+", and not "+wrongType.Value+".")
	case err != nil || bytes.TrimSpace(body)[0] != '{':
		return input, &userError{http.StatusUnprocessableEntity, "The body has to be a JSON object."}
	case input.altered(body):
		return input, &userError{http.StatusUnprocessableEntity, "The body holds half of a character (a lone surrogate) that cannot be kept."}
	}
	return input, nil
}

// altered reports whether decoding has put U+FFFD where the body has half of a
// character.
func (in postInput) altered(body []byte) bool {
	for _, field := range []*string{in.Title, in.Content} {
		if field != nil && strings.ContainsRune(*field, utf8.RuneError) {
			return !bytes.ContainsRune(body, utf8.RuneError) && !bytes.Contains(bytes.ToLower(body), []byte(`\ufffd`))
		}
	}
	return false
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

func unprocessable(field, text string) error {
	return &userError{http.StatusUnprocessableEntity, field + ": " + text}
}
