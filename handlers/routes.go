package handlers

import (
	"net/http"
	"slices"

	"inkwell/static"
)

// A route is one pattern of the site with its access rule applied.
type route struct {
	pattern string
	handler http.Handler
}

// routes lists every URL of the program, in the groups that follow. The access
// rule stands on the line: public (everybody, known or not), signedIn (others are
// sent to the sign-in page or get 401), moderator or admin (other users get 403
// besides), or unguarded (nobody's session is looked at).
func (s *Server) routes() []route {
	return slices.Concat(s.readerRoutes(), s.postRoutes(), s.userRoutes(), s.staffRoutes(), s.apiRoutes(), s.machineRoutes())
}

// readerRoutes are the lists that everybody reads, and what a reader sets for this
// browser.
func (s *Server) readerRoutes() []route {
	return []route{
		{"GET /{$}", s.public(s.showFeed)},
		{"GET " + livePath, s.public(s.showLive)},
		{"GET /search", s.public(limited(s, searching, s.showSearch))},
		{"GET /users", s.public(limited(s, searching, s.showPeople))},

		{"POST /preferences", s.public(s.updatePreferences)},
		{"GET /settings", s.public(s.showSettings)},
		{"POST /settings", s.public(s.updateSettings)},
	}
}

// postRoutes are what is done with posts.
func (s *Server) postRoutes() []route {
	return []route{
		{"GET /posts/new", s.signedIn(s.newPost)},
		{"POST /posts", s.signedIn(limited(s, posting, s.createPost))},
		{"POST /posts/preview", s.signedIn(limited(s, previewing, s.previewNewPost))},
		{"POST /posts/autosave", s.signedIn(limited(s, saving, s.autosavePost))},
		{"GET /posts/{id}", s.public(s.showPost)},
		{"GET /posts/{id}/{slug}", s.public(s.showPost)},
		{"GET /posts/{id}/edit", s.signedIn(s.editPost)},
		{"POST /posts/{id}", s.signedIn(limited(s, editing, s.updatePost))},
		{"POST /posts/{id}/preview", s.signedIn(limited(s, previewing, s.previewPost))},
		{"POST /posts/{id}/autosave", s.signedIn(limited(s, saving, s.autosavePost))},
		{"POST /posts/{id}/discard", s.signedIn(limited(s, editing, s.discardWorkingCopy))},
		{"POST /posts/{id}/discard/undo", s.signedIn(limited(s, editing, s.restoreWorkingCopy))},
		{"POST /posts/{id}/publish", s.signedIn(limited(s, editing, s.publishDraft))},
		{"DELETE /posts/{id}", s.signedIn(limited(s, editing, s.deletePost))},
		{"POST /posts/{id}/delete", s.signedIn(limited(s, editing, s.deletePost))},
		{"POST /posts/{id}/restore", s.signedIn(limited(s, editing, s.restorePost))},
		{"POST /posts/{id}/vote", s.signedIn(limited(s, voting, s.vote))},
		{"POST /posts/{id}/poll/close", s.signedIn(limited(s, editing, s.closePoll))},
		{"GET /posts/{id}/report", s.signedIn(s.confirmReport)},
		{"POST /posts/{id}/report", s.signedIn(limited(s, reporting, s.reportPost))},
		{"GET /posts/{id}/hide", s.moderator(s.confirmHiding)},
		{"POST /posts/{id}/hide", s.moderator(s.hidePost)},
		{"POST /posts/{id}/unhide", s.moderator(s.unhidePost)},
		{"GET /drafts", s.signedIn(s.showDrafts)},
	}
}

// userRoutes are profiles, and the account and the session of who asks.
func (s *Server) userRoutes() []route {
	return []route{
		{"GET /users/{id}", s.public(s.showProfile)},
		{"GET /users/{id}/bio", s.signedIn(s.editBio)},
		{"POST /users/{id}/bio", s.signedIn(limited(s, editing, s.updateBio))},
		{"GET /users/{id}/quote", s.signedIn(s.editQuote)},
		{"POST /users/{id}/quote", s.signedIn(limited(s, editing, s.updateQuote))},
		{"GET /users/{id}/ban", s.admin(s.confirmBan)},
		{"POST /users/{id}/ban", s.admin(s.banUser)},
		{"GET /users/{id}/unban", s.admin(s.confirmUnban)},
		{"POST /users/{id}/unban", s.admin(s.unbanUser)},

		{"GET /sign-in", s.public(s.showSignIn)},
		{"GET /sign-up", s.public(s.showSignUp)},
		{"POST /sign-out", s.public(s.signOut)},
		{"GET /signed-in", s.signedIn(s.showSignedIn)},
		{"GET /account", s.signedIn(s.showAccount)},
		{"POST /account", s.signedIn(s.refreshAccount)},
		{"GET /settings/data", s.signedIn(s.downloadData)},
		{"GET /settings/delete", s.signedIn(s.confirmDeletion)},
		{"POST /settings/delete", s.signedIn(s.deleteAccount)},
	}
}

// staffRoutes are the pages of moderators and administrators.
func (s *Server) staffRoutes() []route {
	return []route{
		{"GET /moderation", s.moderator(s.showQueue)},
		{"POST /moderation/dismiss", s.moderator(s.dismissReports)},
		{"GET /moderation/log", s.moderator(s.showActs)},

		{"GET /admin/webhooks", s.admin(s.showWebhooks)},
		{"POST /admin/webhooks/retry", s.admin(s.retryWebhook)},
		{"POST /admin/webhooks/dismiss", s.admin(s.dismissWebhook)},
		{"GET /admin/sync", s.admin(s.showSync)},
		{"POST /admin/sync", s.admin(s.requestSync)},

		{"GET /admin/data", s.admin(s.showTables)},
		{"GET /admin/data/{table}", s.admin(s.showTable)},
		{"GET /admin/data/{table}/export", s.admin(s.exportTable)},
		{"GET /admin/data/{table}/new", s.admin(s.newRow)},
		{"POST /admin/data/{table}", s.admin(s.createRow)},
		{"GET /admin/data/{table}/{key}", s.admin(s.showRow)},
		{"POST /admin/data/{table}/{key}", s.admin(s.updateRow)},
		{"POST /admin/data/{table}/{key}/delete", s.admin(s.deleteRow)},
	}
}

// apiRoutes are the JSON API and its description.
func (s *Server) apiRoutes() []route {
	return []route{
		{"GET /api", s.public(s.showAPI)},
		{"GET /api/openapi.json", s.unguarded(s.showOpenAPI)},
		{"GET /api/me", s.signedIn(s.apiMe)},
		{"PATCH /api/me", s.signedIn(limited(s, editing, s.apiUpdateMe))},
		{"GET /api/users", s.public(limited(s, searching, s.apiListUsers))},
		{"GET /api/users/{id}", s.public(s.apiGetUser)},
		{"GET /api/drafts", s.signedIn(s.apiListDrafts)},
		{"GET /api/search", s.public(limited(s, searching, s.apiSearch))},
		{"GET /api/posts", s.public(s.apiListPosts)},
		{"POST /api/posts", s.signedIn(limited(s, posting, s.apiCreatePost))},
		{"GET /api/posts/{id}", s.public(s.apiGetPost)},
		{"PATCH /api/posts/{id}", s.signedIn(limited(s, editing, s.apiUpdatePost))},
		{"DELETE /api/posts/{id}", s.signedIn(limited(s, editing, s.apiDeletePost))},
		{"PUT /api/posts/{id}/vote", s.signedIn(limited(s, voting, s.apiVote))},
		{"DELETE /api/posts/{id}/vote", s.signedIn(limited(s, voting, s.apiWithdrawVote))},
	}
}

// machineRoutes are what programs and browsers ask for by themselves.
func (s *Server) machineRoutes() []route {
	return []route{
		{"GET /feed.atom", s.unguarded(s.showAtom)},
		{"GET /users/{id}/feed.atom", s.unguarded(s.showAuthorAtom)},
		{"GET /sitemap.xml", s.unguarded(s.showSitemap)},
		{"GET /robots.txt", s.unguarded(s.showRobots)},

		{"POST " + WebhookPath, s.unguarded(s.receiveWebhook)},
		{"GET " + static.Prefix, s.unguarded(s.serveStatic)},
		{"GET /favicon.ico", s.unguarded(s.showIcon)},
		{"GET /healthz", s.unguarded(s.showHealth)},
	}
}

// router dispatches to the routes and answers what none of them matches.
func (s *Server) router() http.Handler {
	mux := http.NewServeMux()
	for _, route := range s.routes() {
		mux.Handle(route.pattern, route.handler)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := mux.Handler(r); pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		s.unmatched(mux, r).ServeHTTP(w, r)
	})
}

// unmatched answers as the multiplexer would, 404 or 405 with Allow, in the
// form that the client expects.
func (s *Server) unmatched(mux *http.ServeMux, r *http.Request) http.Handler {
	answer := func(w http.ResponseWriter, r *http.Request) error {
		probe := statusProbe{header: http.Header{}}
		mux.ServeHTTP(&probe, r)
		if probe.status != http.StatusMethodNotAllowed {
			return errNotFound
		}
		w.Header().Set("Allow", probe.header.Get("Allow"))
		return errMethodNotAllowed
	}
	if sessionless(r.URL.Path) {
		return s.unguarded(answer)
	}
	return s.public(func(w http.ResponseWriter, r *http.Request, _ visitor) error { return answer(w, r) })
}

// A statusProbe keeps the head of an answer.
type statusProbe struct {
	header http.Header
	status int
}

func (p *statusProbe) Header() http.Header         { return p.header }
func (p *statusProbe) WriteHeader(status int)      { p.status = status }
func (p *statusProbe) Write(b []byte) (int, error) { return len(b), nil }
