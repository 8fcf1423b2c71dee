package emulator

import (
	"cmp"
	"crypto/subtle"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/go-jose/go-jose/v3"
)

// backendRoutes lists the Backend API, which knows the secret key.
func (e *Emulator) backendRoutes(mux *http.ServeMux) {
	handle := func(pattern string, f func(*http.Request) (any, error)) {
		mux.Handle(pattern, e.answer(e.withSecret(f)))
	}
	handle("GET /v1/jwks", e.jwks)
	handle("GET /v1/clients/handshake_payload", e.handshakePayload)

	handle("GET /v1/users", e.listUsers)
	handle("GET /v1/users/count", e.countUsers)
	handle("POST /v1/users", e.postUser)
	handle("GET /v1/users/{id}", e.getUser)
	handle("PATCH /v1/users/{id}", e.patchUser)
	handle("DELETE /v1/users/{id}", e.removeUser)
	handle("PATCH /v1/users/{id}/metadata", e.mergeMetadata)
	handle("POST /v1/users/{id}/ban", e.mark(func(a *account) { a.Banned = true }))
	handle("POST /v1/users/{id}/unban", e.mark(func(a *account) { a.Banned = false }))
	handle("POST /v1/users/{id}/lock", e.mark(func(a *account) { a.Locked = true }))
	handle("POST /v1/users/{id}/unlock", e.mark(func(a *account) { a.Locked = false }))

	handle("GET /v1/sessions", e.listSessions)
	handle("GET /v1/sessions/{id}", e.getSession)
	handle("POST /v1/sessions/{id}/revoke", e.revokeSession)
	handle("POST /v1/sessions/{id}/refresh", e.refreshSession)
}

// withSecret admits to the Backend API who shows the secret key.
func (e *Emulator) withSecret(f func(*http.Request) (any, error)) func(*http.Request) (any, error) {
	return func(r *http.Request) (any, error) {
		secret, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if subtle.ConstantTimeCompare([]byte(secret), []byte(e.state.Load().SecretKey)) != 1 {
			return nil, &failure{status: http.StatusUnauthorized, code: "clerk_key_invalid", message: "The provided Clerk Secret Key is invalid."}
		}
		return f(r)
	}
}

// jwks handles "GET /v1/jwks" and, without a secret, the public address of the
// key set.
func (e *Emulator) jwks(*http.Request) (any, error) {
	return jose.JSONWebKeySet{Keys: []jose.JSONWebKey{e.tokens.public}}, nil
}

// listSessions handles "GET /v1/sessions", of a user, a client or with a status.
// Sessions that have ended are forgotten. With paginated=true the array comes
// with the number of all.
func (e *Emulator) listSessions(r *http.Request) (any, error) {
	query := r.URL.Query()
	userID, client, status := query.Get("user_id"), query.Get("client_id"), cmp.Or(query.Get("status"), "active")
	if userID == "" && client == "" && !query.Has("status") {
		return nil, missing("user_id")
	}
	list := e.sessionsWhere(func(browser string, s session) bool {
		return status == "active" && (userID == "" || s.UserID == userID) && (client == "" || clientID(browser) == client)
	})
	page, err := pageOf(r, list)
	if err != nil || query.Get("paginated") != "true" {
		return page, err
	}
	return dict{"data": page, "total_count": len(list)}, nil
}

// sessionsWhere returns the sessions that are not over and that pick picks, the
// newest first.
func (e *Emulator) sessionsWhere(pick func(browser string, s session) bool) []dict {
	now, list := e.now(), []dict{}
	for browser, one := range e.state.Load().Sessions {
		if !one.over(now) && pick(browser, one) {
			list = append(list, sessionJSON(browser, one, "active", now))
		}
	}
	slices.SortFunc(list, func(a, b dict) int {
		return cmp.Or(cmp.Compare(b["created_at"].(int64), a["created_at"].(int64)), cmp.Compare(a["id"].(string), b["id"].(string)))
	})
	return list
}

// getSession handles "GET /v1/sessions/{id}".
func (e *Emulator) getSession(r *http.Request) (any, error) {
	s := e.state.Load()
	browser, err := s.browserWith(r.PathValue("id"), e.now())
	if err != nil {
		return nil, err
	}
	return sessionJSON(browser, s.Sessions[browser], "active", e.now()), nil
}

// revokeSession handles "POST /v1/sessions/{id}/revoke".
func (e *Emulator) revokeSession(r *http.Request) (any, error) {
	return e.revoke(r.PathValue("id"), "")
}

// revoke ends the session of an id, if it is one of the user's; of anybody's
// for no user.
func (e *Emulator) revoke(id, userID string) (any, error) {
	var revoked dict
	err := e.change(func(s *state) error {
		browser, err := s.browserWith(id, e.now())
		one := s.Sessions[browser]
		if err != nil || userID != "" && one.UserID != userID {
			return noSuchSession(id)
		}
		s.end(browser, sessionRevoked, e.now())
		revoked = sessionJSON(browser, one, statusAfter(sessionRevoked), e.now())
		return nil
	})
	return revoked, err
}

// pageOf returns the part of a list that the query asks for: limit (1 to 500,
// default 10) elements from offset on.
func pageOf[T any](r *http.Request, list []T) ([]T, error) {
	limit, err := number(r, "limit", 10, 1, 500)
	if err != nil {
		return nil, err
	}
	offset, err := number(r, "offset", 0, 0, len(list))
	if err != nil {
		return nil, err
	}
	return list[offset:min(offset+limit, len(list))], nil
}

// number reads a parameter of the query. More than most is not an error.
func number(r *http.Request, name string, missing, least, most int) (int, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return missing, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least {
		return 0, wrong(name, "form_param_format_invalid", name+" must be a number from "+strconv.Itoa(least)+" on.")
	}
	return min(n, most), nil
}
