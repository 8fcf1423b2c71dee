package handlers

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"time"

	"inkwell/db"
)

// apiFound is the JSON of a page of what a search finds.
type apiFound struct {
	Posts   []apiPost `json:"posts"`
	Next    *string   `json:"next"`    // null: there is no next page
	Matches int       `json:"matches"` // how many posts match
	Bounded bool      `json:"bounded"` // older posts match too, or may
}

// apiSearch handles "GET /api/search".
func (s *Server) apiSearch(w http.ResponseWriter, r *http.Request, v visitor) error {
	search, err := readPostSearch(r)
	if err != nil {
		return err
	}
	after, limit, err := readPage(r, db.ParseSearchPlace)
	if err != nil {
		return err
	}
	if _, err := s.narrowedTo(r, search); err != nil {
		return err
	}
	found, err := s.db.SearchPosts(r.Context(), db.SearchParams{Query: search.query, AuthorID: search.AuthorID, After: after, PageSize: limit, Plain: true})
	if errors.Is(err, db.ErrPlace) {
		return errBadCursor
	}
	if err != nil {
		return err
	}
	ids := make([]int64, len(found.Posts))
	for i, post := range found.Posts {
		ids[i] = post.ID
	}
	rows, err := s.readPublished(r.Context(), ids)
	if err != nil {
		return err
	}
	answer := apiFound{Matches: found.Matches, Bounded: found.Bounded || found.Late}
	if place := found.Next.String(); place != "" {
		answer.Next = &place
	}
	if answer.Posts, err = s.newAPIPosts(r.Context(), rows, v); err != nil {
		return err
	}
	return answerJSON(w, http.StatusOK, answer)
}

// apiPeople is the JSON of a page of the directory.
type apiPeople struct {
	Users []apiPerson `json:"users"`
	Next  *string     `json:"next"`  // null: there is no next page
	Total int64       `json:"total"` // on all pages
}

type apiPerson struct {
	ID       int64     `json:"id"`
	Name     string    `json:"name"`
	Username *string   `json:"username"`
	ImageURL string    `json:"image_url"`
	Role     string    `json:"role"`
	JoinedAt time.Time `json:"joined_at"`
	Posts    int64     `json:"posts"` // that are published
}

// apiListUsers handles "GET /api/users".
func (s *Server) apiListUsers(w http.ResponseWriter, r *http.Request, _ visitor) error {
	search, err := readPeopleSearch(r)
	if err != nil {
		return err
	}
	after, limit, err := readPage(r, parsePeoplePlace)
	if err != nil {
		return err
	}
	rows, err := s.db.ListPeople(r.Context(), db.ListPeopleParams{
		AfterKey: after.key, AfterID: after.id, Search: search.text(), PageSize: int64(limit) + 1,
	})
	if err != nil {
		return fmt.Errorf("list users: %w", err)
	}
	total, err := s.db.CountPeople(r.Context(), search.text())
	if err != nil {
		return fmt.Errorf("count users: %w", err)
	}
	rows, next := nextPage(rows, limit, func(row db.ListPeopleRow) peoplePlace { return peoplePlace{row.ID, row.SearchKey} })
	list := apiPeople{Users: []apiPerson{}, Next: placeOf(next), Total: total}
	for _, row := range rows {
		list.Users = append(list.Users, newAPIPerson(row))
	}
	return answerJSON(w, http.StatusOK, list)
}

func newAPIPerson(row db.ListPeopleRow) apiPerson {
	return apiPerson{
		ID: row.ID, Name: displayName(row.Name, row.Username), Username: row.Username, ImageURL: string(row.ImageURL), Role: row.Role,
		JoinedAt: cmp.Or(row.ClerkCreatedAt, row.CreatedAt).Time(), Posts: row.Posts,
	}
}
