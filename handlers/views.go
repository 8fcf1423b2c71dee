package handlers

import (
	"fmt"
	"html/template"
	"strings"
	"time"
	"unicode"

	"inkwell/clerk"
	"inkwell/db"
)

// How a post is shown: as one of a list, or alone. It decides what a change of
// it is answered with.
const (
	viewItem = "item"
	viewPage = "page"

	// In the moderators' queue a post is there to be decided about.
	viewQueue = "queue"
)

// viewOf returns the way of showing that a request names.
func viewOf(name string) string {
	if name == viewItem {
		return viewItem
	}
	return viewPage
}

// currentUser is who is signed in, in the header of every page.
type currentUser struct {
	Name       string
	Avatar     avatar
	ProfileURL string
	Moderates  bool
	IsAdmin    bool
}

func newCurrentUser(u db.User) *currentUser {
	name := displayName(u.Name, u.Username)
	return &currentUser{
		Name: name, Avatar: newAvatar(u.ID, name, u.ImageURL), ProfileURL: profilePath(u.ID),
		Moderates: mayModerate(known(u)), IsAdmin: u.Role == db.RoleAdmin,
	}
}

// avatar is a user's picture, or initials on a colour.
type avatar struct {
	ImageURL string
	Initials string
	Hue      int64 // 0 to 7
}

// newAvatar shows a picture only from where the Content-Security-Policy lets
// pictures come from.
func newAvatar(id int64, name string, imageURL db.Text) avatar {
	if strings.HasPrefix(string(imageURL), clerk.PictureOrigin+"/") {
		return avatar{ImageURL: string(imageURL)}
	}
	return avatar{Initials: initials(name), Hue: id % 8}
}

// initials returns the first letters of the first and the last word.
func initials(name string) string {
	words := strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	switch len(words) {
	case 0:
		return "?"
	case 1:
		return firstLetter(words[0])
	}
	return firstLetter(words[0]) + firstLetter(words[len(words)-1])
}

func firstLetter(word string) string {
	for _, r := range word {
		return string(unicode.ToUpper(r))
	}
	return ""
}

// displayName is what a user is called. A user whom Clerk has not told us
// about yet has no name.
func displayName(name db.Text, username *string) string {
	if name != "" {
		return string(name)
	}
	if username != nil && *username != "" {
		return *username
	}
	return "New member"
}

// author is who wrote a post.
type author struct {
	URL    string // of their profile
	Name   string
	Avatar avatar
}

func newAuthor(id int64, name db.Text, username *string, imageURL db.Text) author {
	shown := displayName(name, username)
	return author{URL: profilePath(id), Name: shown, Avatar: newAvatar(id, shown, imageURL)}
}

func authorOf(u db.User) author { return newAuthor(u.ID, u.Name, u.Username, u.ImageURL) }

// moment is a time as a reader sees it.
type moment struct {
	ISO   string // for machines
	Label string // short
	Full  string
}

func newMoment(t, now time.Time) moment {
	return moment{
		ISO:   t.UTC().Format(time.RFC3339),
		Label: ago(t, now),
		Full:  t.UTC().Format("2 January 2006, 15:04 UTC"),
	}
}

// newDay is a time of which the day counts alone.
func newDay(t time.Time) moment {
	day := t.UTC().Format("2 January 2006")
	return moment{ISO: t.UTC().Format(time.DateOnly), Label: day, Full: day}
}

// ago tells how long ago t was, or its day when that was long ago.
func ago(t, now time.Time) string {
	switch d := now.Sub(t); {
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return plural(int(d.Minutes()), "minute") + " ago"
	case d < 24*time.Hour:
		return plural(int(d.Hours()), "hour") + " ago"
	case d < 7*24*time.Hour:
		return plural(int(d.Hours()/24), "day") + " ago"
	}
	return t.UTC().Format("2 January 2006")
}

func plural[N int | int64](n N, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return thousands(n) + " " + noun + "s"
}

// thousands writes a number that is not negative with commas.
func thousands[N int | int64](n N) string {
	digits := fmt.Sprint(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// postActions is what post-actions.html shows: what a reader may do.
type postActions struct {
	ID         int64
	Title      string
	View       string
	CanEdit    bool
	CanDelete  bool   // true whenever CanEdit is
	CanPublish bool   // as it stands
	Version    int64  // of a post that is not published, as it is shown
	Views      string // how often it was read; "" for who may not delete it, and when nobody has
	CanReport  bool
	CanHide    bool
	CanUnhide  bool // of a hidden post, in place of CanHide
}

// newPostActions says what the visitor may do with a post that is not hidden.
func newPostActions(v visitor, id, authorID int64, title, view string) postActions {
	mine, moderates := v.signedIn() && v.user.ID == authorID, mayModerate(v)
	return postActions{
		ID: id, Title: shownTitle(title), View: view,
		CanEdit: mine, CanDelete: mine || moderates, CanReport: v.signedIn() && !mine && !moderates, CanHide: moderates && !mine,
	}
}

// ofHidden returns the actions as they are for a post that is hidden, if it is.
func (a postActions) ofHidden(hidden bool) postActions {
	if hidden {
		a.CanUnhide, a.CanHide, a.CanPublish = a.CanHide, false, false
	}
	return a
}

// with says how often the post was read to those who may know.
func (a postActions) with(views int64) postActions {
	if a.CanDelete && views > 0 {
		a.Views = plural(views, "view")
	}
	return a
}

func mayModerate(v visitor) bool {
	return v.signedIn() && (v.user.Role == db.RoleModerator || v.user.Role == db.RoleAdmin)
}

func mayAdminister(v visitor) bool { return v.signedIn() && v.user.Role == db.RoleAdmin }

// shownTitle is the title of a post, which a draft may lack.
func shownTitle(title string) string {
	if title == "" {
		return "Untitled draft"
	}
	return title
}

// postHead is what is shown of a post wherever it is shown.
type postHead struct {
	postActions
	URL    string
	Author author
	Time   moment
	Edited bool
	Draft  bool
	Hidden hiding
	Focus  bool // its title gets the focus: it has just come
}

// postItem is what post-item.html shows: a post in a list.
type postItem struct {
	postHead
	Excerpt string
	Poll    string // what is said of its poll; "": it has none
}

// postView is what post.html shows: a post alone.
type postView struct {
	postHead
	HTML template.HTML
	Poll *pollView // nil: it has none
}

// postPage is what the page post.html shows.
type postPage struct {
	Post postView
	Live liveView
}

// moreView is what more.html shows below a list.
type moreView struct {
	URL     string // of the next page; "": there is none
	StayURL string // of all from the beginning to the end of that; "": nobody comes back to it
	End     string // what is said when there is no next page
	Nothing nothingView
}

// nothingView is what nothing.html shows in the place of a list that has nothing
// in it. Without a text there is something.
type nothingView struct {
	Text   string
	Help   string // what will be here, or what to do; "" for nothing more
	Invite link   // to what fills the list; none without a URL
}

// postsView is what posts.html shows: a list, or its next part.
type postsView struct {
	Items template.HTML // each a post-item.html
	More  moreView
}
