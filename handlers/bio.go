package handlers

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"inkwell/db"
	"inkwell/templates"
)

// maxBio is how long a bio may be, in code points after CRLF became LF.
const maxBio = 2000

// bioForm is what bio-form.html shows.
type bioForm struct {
	Action    string
	CancelURL string
	Bio       string // as typed
	Version   int64  // of the bio that is being edited; 0: there was none
	Problem   string // with the form; "": none
	Wrong     string // with the bio; "": nothing
}

func newBioForm(row db.GetProfileRow) bioForm {
	path := profilePath(row.User.ID)
	return bioForm{Action: path + "/bio", CancelURL: path, Bio: row.Bio, Version: row.BioUpdatedAt}
}

// fill puts into the form what was typed.
func (f *bioForm) fill(values url.Values) {
	f.Bio = strings.TrimSpace(cleanContent(values.Get("bio")))
	if version, err := strconv.ParseInt(values.Get("version"), 10, 64); err == nil {
		f.Version = version
	}
}

// editBio handles "GET /users/{id}/bio".
func (s *Server) editBio(w http.ResponseWriter, r *http.Request, user db.User) error {
	row, err := s.findOwnProfile(r, user)
	if err != nil {
		return err
	}
	return s.showBioForm(w, r, http.StatusOK, newBioForm(row))
}

func (s *Server) showBioForm(w http.ResponseWriter, r *http.Request, status int, form bioForm) error {
	return s.render(w, r, status, "bio-form", "Your bio", form)
}

// updateBio handles "POST /users/{id}/bio".
func (s *Server) updateBio(w http.ResponseWriter, r *http.Request, user db.User) error {
	values, err := readForm(r)
	if err != nil {
		return err
	}
	row, err := s.findOwnProfile(r, user)
	if err != nil {
		return err
	}
	form := newBioForm(row)
	form.fill(values)
	bio, wrong := s.prepareBio(form.Bio)
	if wrong != "" {
		form.Bio, form.Wrong = strings.ToValidUTF8(form.Bio, "�"), wrong
		return s.showBioForm(w, r, http.StatusUnprocessableEntity, form)
	}
	err = s.db.SetBio(r.Context(), user.ID, bio, db.Time(form.Version))
	switch {
	case errors.Is(err, db.ErrStale):
		form.Version = row.BioUpdatedAt
		form.Problem = "Your bio was changed elsewhere after you opened it. Save again to replace that version with this one."
		return s.showBioForm(w, r, http.StatusConflict, form)
	case err != nil && s.mustGiveBack(w, r, err):
		form.Problem = problemOf(err).text
		return s.showBioForm(w, r, http.StatusServiceUnavailable, form)
	case err != nil:
		return fmt.Errorf("update bio of user %d: %w", user.ID, err)
	}
	return s.showSavedPart(w, r, user, bioPart, "Your bio is saved.")
}

// prepareBio returns a bio as it is stored, or what is wrong with the text.
func (s *Server) prepareBio(text string) (bio db.PostContent, wrong string) {
	if wrong := textProblem(text, maxBio); wrong != "" {
		return bio, wrong
	}
	bio, err := s.rendered(text)
	if errors.Is(err, templates.ErrTooLarge) {
		return bio, growsTooLong
	}
	return bio, ""
}
