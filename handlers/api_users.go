package handlers

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"time"

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

// apiMe handles "GET /api/me".
func (s *Server) apiMe(w http.ResponseWriter, r *http.Request, u db.User) error {
	return answerJSON(w, http.StatusOK, apiUser{
		ID: u.ID, ClerkID: u.ClerkID, Name: string(u.Name), Email: u.Email, Username: u.Username, ImageURL: string(u.ImageURL), Role: u.Role,
	})
}

// apiProfile is the JSON of what somebody says of themselves.
type apiProfile struct {
	ID        int64     `json:"id"`
	Name      string    `json:"name"`
	Username  *string   `json:"username"`
	ImageURL  string    `json:"image_url"`
	Role      string    `json:"role"`
	JoinedAt  time.Time `json:"joined_at"`
	Suspended bool      `json:"suspended"` // then the texts are empty
	Bio       string    `json:"bio"`
	BioHTML   string    `json:"bio_html"`
	Quote     string    `json:"quote"`
	QuoteBy   string    `json:"quote_by"`
}

func newAPIProfile(row db.GetProfileRow) apiProfile {
	u := row.User
	p := apiProfile{
		ID: u.ID, Name: displayName(u.Name, u.Username), Username: u.Username, ImageURL: string(u.ImageURL), Role: db.RoleMember,
		JoinedAt: cmp.Or(u.ClerkCreatedAt, u.CreatedAt).Time(), Suspended: !u.Active(),
	}
	if !p.Suspended {
		p.Role, p.Bio, p.BioHTML, p.Quote, p.QuoteBy = u.Role, row.Bio, row.BioHTML, row.Quote, row.QuoteBy
	}
	return p
}

// apiGetUser handles "GET /api/users/{id}".
func (s *Server) apiGetUser(w http.ResponseWriter, r *http.Request, _ visitor) error {
	row, err := s.findProfile(r)
	if err != nil {
		return err
	}
	return answerJSON(w, http.StatusOK, newAPIProfile(row))
}

// profileInput is what a program sends of a profile; a field that is nil was
// not sent, or is null.
type profileInput struct {
	Bio     *string `json:"bio"`
	Quote   *string `json:"quote"`
	QuoteBy *string `json:"quote_by"`
}

// apiUpdateMe handles "PATCH /api/me".
func (s *Server) apiUpdateMe(w http.ResponseWriter, r *http.Request, user db.User) error {
	var input profileInput
	if err := readJSON(r, &input); err != nil {
		return err
	}
	row, err := s.db.GetProfile(r.Context(), user.ID)
	if err != nil {
		return fmt.Errorf("profile %d: %w", user.ID, err)
	}
	change, err := s.prepareProfile(input, row)
	if err != nil {
		return err
	}
	if err := s.db.UpdateProfile(r.Context(), change); err != nil {
		return fmt.Errorf("update profile %d: %w", user.ID, err)
	}
	if row, err = s.db.GetProfile(r.Context(), user.ID); err != nil {
		return fmt.Errorf("show profile %d: %w", user.ID, err)
	}
	return answerJSON(w, http.StatusOK, newAPIProfile(row))
}

// prepareProfile returns what is to be changed of a profile, or what is wrong
// with it.
func (s *Server) prepareProfile(input profileInput, row db.GetProfileRow) (db.UpdateProfileParams, error) {
	change := db.UpdateProfileParams{UserID: row.User.ID, BioVersion: db.Time(row.BioUpdatedAt)}
	if input.Bio != nil {
		bio, wrong := s.prepareBio(strings.TrimSpace(cleanContent(*input.Bio)))
		if wrong != "" {
			return change, unprocessable("bio", wrong)
		}
		change.Bio = &bio
	}
	if input.Quote == nil && input.QuoteBy == nil {
		return change, nil
	}
	form := newQuoteForm(row)
	if input.Quote != nil {
		form.Quote = cleanTitle(*input.Quote)
	}
	if input.QuoteBy != nil {
		form.By = cleanTitle(*input.QuoteBy)
	} else if form.Quote == "" {
		form.By = ""
	}
	if !form.check() {
		return change, form.unprocessable()
	}
	change.Quote = &db.Quote{Text: form.Quote, By: form.By}
	return change, nil
}

// unprocessable is the answer to a program that sent the fields.
func (f *quoteForm) unprocessable() error {
	if f.QuoteWrong != "" {
		return unprocessable("quote", f.QuoteWrong)
	}
	return unprocessable("quote_by", f.ByWrong)
}
