package handlers

import (
	"net/http"

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
