package handlers

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
)

// settingsView is what settings.html shows.
type settingsView struct {
	Themes    []option
	PageSizes []option
	Shortcuts bool
	SignedIn  bool
}

// option is one of several that can be chosen.
type option struct {
	Value, Label string
	Chosen       bool
}

func newSettingsView(p preferences, v visitor) settingsView {
	view := settingsView{Shortcuts: !p.NoShortcuts, SignedIn: v.signedIn(), Themes: []option{
		{"system", "System", p.Theme == ""},
		{"light", "Light", p.Theme == "light"},
		{"dark", "Dark", p.Theme == "dark"},
	}}
	for _, size := range pageSizes {
		text := strconv.Itoa(size)
		view.PageSizes = append(view.PageSizes, option{text, text, size == p.PageSize})
	}
	return view
}

// showSettings handles "GET /settings".
func (s *Server) showSettings(w http.ResponseWriter, r *http.Request, v visitor) error {
	return s.page(w, r, http.StatusOK, "settings", page{Title: "Settings", Main: newSettingsView(s.preferences(r), v)})
}

// updateSettings handles "POST /settings". The whole page changes with them.
func (s *Server) updateSettings(w http.ResponseWriter, r *http.Request, _ visitor) error {
	form, err := readForm(r)
	if err != nil {
		return err
	}
	p := s.preferences(r)
	if p.Theme, err = readTheme(form.Get("theme")); err != nil {
		return err
	}
	if p.PageSize, err = readPageSize(form.Get("page_size")); err != nil {
		return err
	}
	p.NoShortcuts = !isOn(form.Get("shortcuts"))
	p.Notice = notice{Text: "Your settings are saved in this browser."}
	s.savePreferences(w, r, p)
	http.Redirect(w, r, "/settings", http.StatusSeeOther)
	return nil
}

func readPageSize(text string) (int, error) {
	size, err := strconv.Atoi(text)
	if err != nil || !slices.Contains(pageSizes, size) {
		return 0, &userError{http.StatusUnprocessableEntity, fmt.Sprintf("A page has 10, 20, 50 or 100 posts, not %q.", clip(text, 20))}
	}
	return size, nil
}
