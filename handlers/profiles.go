package handlers

import (
	"cmp"
	"fmt"
	"html/template"
	"net/http"
	"time"

	"inkwell/db"
)

// profileView is what profile.html shows.
type profileView struct {
	Name      string
	Username  string // "": none
	Avatar    avatar
	Since     moment // a day
	Role      string // "": a member like others
	Email     string // "": not for this reader, or there is none
	Mine      bool
	Suspended bool // then the bio and the quote are empty
	Bio       bioView
	Quote     quoteView
	SearchURL string // of a search among the posts
	Posts     postsView
	Actions   userActions
}

// userActions is what user-actions.html shows: what a reader may do to a user.
type userActions struct {
	BanURL, UnbanURL string // "": they may not
}

func newUserActions(u db.User, v visitor) userActions {
	switch {
	case !mayAdminister(v) || u.ID == v.user.ID:
		return userActions{}
	case u.Banned:
		return userActions{UnbanURL: profilePath(u.ID) + "/unban"}
	}
	return userActions{BanURL: profilePath(u.ID) + "/ban"}
}

// bioView is what bio.html shows.
type bioView struct {
	UserID int64
	HTML   template.HTML // "": there is none
	Mine   bool
	Focus  bool // the way to change it gets the focus
}

// quoteView is what quote.html shows.
type quoteView struct {
	UserID   int64
	Text, By string // both "": there is none; By alone: nobody says whose it is
	Mine     bool
	Focus    bool // the way to change it gets the focus
}

// The parts of a profile that can be asked for alone, by the parameter part.
const (
	bioPart   = "bio"
	quotePart = "quote"
)

// profilePath is the address of a user's profile.
func profilePath(userID int64) string { return fmt.Sprintf("/users/%d", userID) }

// findProfile returns the profile that the path names. Deleted users have none.
func (s *Server) findProfile(r *http.Request) (db.GetProfileRow, error) {
	id, err := pathID(r)
	if err != nil {
		return db.GetProfileRow{}, err
	}
	row, err := s.db.GetProfile(r.Context(), id)
	if err != nil {
		return row, fmt.Errorf("profile %d: %w", id, err)
	}
	return row, nil
}

// findOwnProfile returns the profile that the path names, if it is the user's
// own.
func (s *Server) findOwnProfile(r *http.Request, user db.User) (db.GetProfileRow, error) {
	row, err := s.findProfile(r)
	if err == nil && row.User.ID != user.ID {
		return row, errNotOwnProfile
	}
	return row, err
}

// showProfile handles "GET /users/{id}".
func (s *Server) showProfile(w http.ResponseWriter, r *http.Request, v visitor) error {
	row, err := s.findProfile(r)
	if err != nil {
		return err
	}
	name := r.URL.Query().Get("part")
	if wantsFragment(r) && (name == bioPart || name == quotePart) {
		return s.fragment(w, http.StatusOK, profilePart(row, v, name))
	}
	items, more, err := s.listPostsOf(r, row.User.ID, v)
	if err != nil {
		return err
	}
	if wantsFragment(r) {
		return s.morePosts(w, items, more)
	}
	view := newProfileView(row, v)
	if view.Posts, err = s.renderItems(items, more); err != nil {
		return err
	}
	return s.page(w, r, http.StatusOK, "profile", newProfilePage(row.User, view, r.URL.Query().Has("before")))
}

// newProfilePage is the page of a profile; what its later pages show changes
// with every post.
func newProfilePage(u db.User, view profileView, later bool) page {
	whole := page{
		Title: view.Name, Description: "What " + view.Name + " writes on Inkwell.",
		Feed: &feedLink{authorFeedTitle(view.Name), atomPath(u.ID)}, Main: view,
	}
	if !later {
		whole.Address = profilePath(u.ID)
	}
	return whole
}

// profilePart is a part of a profile, with the focus on the way to change it.
func profilePart(row db.GetProfileRow, v visitor, name string) part {
	view := newProfileView(row, v)
	if name == quotePart {
		view.Quote.Focus = true
		return part{"quote", view.Quote}
	}
	view.Bio.Focus = true
	return part{"bio", view.Bio}
}

// listPostsOf returns a page of an author's published posts.
func (s *Server) listPostsOf(r *http.Request, authorID int64, v visitor) ([]postItem, moreView, error) {
	st, err := s.readPostStretch(r)
	if err != nil {
		return nil, moreView{}, err
	}
	rows, err := s.db.ListPostsOf(r.Context(), db.ListPostsOfParams{AuthorID: authorID, BeforeAt: st.from.at, BeforeID: st.from.id, PageSize: st.limit()})
	if err != nil {
		return nil, moreView{}, fmt.Errorf("posts of user %d: %w", authorID, err)
	}
	rows, next := nextStretch(rows, st, func(row db.ListPostsOfRow) cursor { return cursor{row.PublishedAt, row.ID} }, cursor.compare)
	items, now := make([]postItem, len(rows)), time.Now()
	for i, row := range rows {
		items[i] = newFeedItem(db.ListPostsRow(row), v, now)
	}
	more := st.more(profilePath(authorID), next, "That is all.")
	if len(rows) == 0 && st.isFirst {
		more.Nothing = nothingWrittenBy(v.signedIn() && v.user.ID == authorID)
	}
	return items, more, nil
}

// nothingWrittenBy stands on the profile of a user without posts.
func nothingWrittenBy(mine bool) nothingView {
	if !mine {
		return nothingView{Text: "No posts yet."}
	}
	return nothingView{
		Text: "You have not published anything yet.", Help: "What you publish stands here, and at the top of everybody’s latest posts.",
		Invite: link{"/posts/new", "Write a post"},
	}
}

func newProfileView(row db.GetProfileRow, v visitor) profileView {
	u := row.User
	mine := v.signedIn() && v.user.ID == u.ID
	name := displayName(u.Name, u.Username)
	view := profileView{
		Name:      name,
		Avatar:    newAvatar(u.ID, name, u.ImageURL),
		Since:     newDay(cmp.Or(u.ClerkCreatedAt, u.CreatedAt).Time()),
		Mine:      mine,
		Suspended: !u.Active(),
		Bio:       bioView{UserID: u.ID, Mine: mine},
		Quote:     quoteView{UserID: u.ID, Mine: mine},
		SearchURL: postSearch{AuthorID: u.ID}.URL(),
		Actions:   newUserActions(u, v),
	}
	if u.Username != nil {
		view.Username = *u.Username
	}
	if u.Email != nil && (mine || mayAdminister(v)) {
		view.Email = *u.Email
	}
	if view.Suspended {
		return view
	}
	if u.Role != db.RoleMember {
		view.Role = roleNames[u.Role]
	}
	view.Bio.HTML = template.HTML(row.BioHTML) // sanitised when it was written
	view.Quote.Text, view.Quote.By = row.Quote, row.QuoteBy
	return view
}

// showSavedPart answers a change of the user's profile: htmx with the part and
// what was done, else with the profile.
func (s *Server) showSavedPart(w http.ResponseWriter, r *http.Request, user db.User, name, done string) error {
	if !wantsFragment(r) {
		http.Redirect(w, r, profilePath(user.ID), http.StatusSeeOther)
		return nil
	}
	row, err := s.db.GetProfile(r.Context(), user.ID)
	if err != nil {
		return fmt.Errorf("show profile %d: %w", user.ID, err)
	}
	return s.fragment(w, http.StatusOK, profilePart(row, known(user), name), part{"status", done})
}
