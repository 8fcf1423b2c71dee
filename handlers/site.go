package handlers

import "net/http"

// showHealth handles "GET /healthz".
func (s *Server) showHealth(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Cache-Control", "no-store")
	if err := s.db.Ping(r.Context()); err != nil {
		s.log.Error("not healthy", "error", err)
		return answerWord(w, http.StatusServiceUnavailable, "unavailable")
	}
	return answerWord(w, http.StatusOK, "ok")
}

// showIcon handles "GET /favicon.ico", where browsers look that have seen no
// page of ours.
func (s *Server) showIcon(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Cache-Control", "public, max-age=86400")
	http.Redirect(w, r, s.static.URL("favicon.svg"), http.StatusFound)
	return nil
}

// serveStatic handles "GET /static/".
func (s *Server) serveStatic(w http.ResponseWriter, r *http.Request) error {
	if !s.static.Has(r.URL.Path) {
		return errNotFound
	}
	s.static.ServeHTTP(w, r)
	return nil
}
