package handlers

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"inkwell/clerk"
	"inkwell/db"
)

// A userError is an error that its reader can do something about.
type userError struct {
	status int
	text   string // a sentence: what is wrong, what to do
}

func (e *userError) Error() string { return e.text }

var (
	errNotFound         = &userError{http.StatusNotFound, "There is nothing here. The page may have been deleted, or the address has a mistake in it."}
	errMethodNotAllowed = &userError{http.StatusMethodNotAllowed, "This address does not do that."}
	errSignedOut        = &userError{http.StatusUnauthorized, "Please sign in."}
	errRefused          = &userError{http.StatusUnauthorized, "This account may not be used here any more: it was deleted or suspended. Sign out to read on as a guest, or to sign in with another account."}
	errUnverified       = &userError{http.StatusServiceUnavailable, "Clerk, which keeps the sign-ins of this site, cannot be reached, so that we cannot tell who you are. Nothing was changed: try again in a minute. Reading works without it."}
	errNotRefreshed     = &userError{http.StatusServiceUnavailable, "Clerk cannot be asked about your account at the moment. Try again in a minute."}
	errUnusableAccount  = &userError{http.StatusBadGateway, "What Clerk says about your account cannot be read here. Whoever runs this site finds more in its log."}
	errNotAuthor        = &userError{http.StatusForbidden, "Only its author can change this post."}
	errNotOwnProfile    = &userError{http.StatusForbidden, "Only they themselves can change this profile."}
	errOfAnother        = &userError{http.StatusConflict, "Somebody else is signed in now than who began this."}
	errNotModerator     = &userError{http.StatusForbidden, "Only its author or a moderator can delete this post."}
	errModeratorsOnly   = &userError{http.StatusForbidden, "This is for moderators. If something is wrong with a post, report it to them."}
	errOwnCase          = &userError{http.StatusForbidden, "This post is your own: somebody else has to decide about it."}
	errOwnBan           = &userError{http.StatusForbidden, "This is your own account. Another administrator can ban it, and you can delete it in your settings."}
	errNotBanned        = &userError{http.StatusServiceUnavailable, "Clerk, which keeps the accounts of this site, could not be asked to do that. Nothing was changed: try again in a minute."}
	errHalfBanned       = &userError{http.StatusServiceUnavailable, "Clerk has done that, but it could not be noted here at the moment. Send it again in a minute, so that it stands in the log."}
	errBannedNobody     = &userError{http.StatusNotFound, "Clerk does not know this user any more. Nothing was changed; compare the users with Clerk’s under Administration."}
	errOwnReport        = &userError{http.StatusForbidden, "This post is your own. Edit it or delete it."}
	errReported         = &userError{http.StatusConflict, "You have reported this post. A moderator will look at it."}
	errDecided          = &userError{http.StatusConflict, "Somebody was quicker: this was decided or changed meanwhile. Look at it again."}
	errNoTitleToShow    = &userError{http.StatusConflict, "Its author has taken the title away, and nothing is published without one. Restore it when it has one again."}
	errNotAdmin         = &userError{http.StatusForbidden, "This page is for administrators. Ask the owner of this site to make you one."}
	errPollClosed       = &userError{http.StatusConflict, "This poll is closed. Votes can no longer be given, changed or withdrawn."}
	errNoOption         = &userError{http.StatusUnprocessableEntity, "That is no option of this poll; its author may have changed it. Choose one of those that stand here now."}
	errTitleInUseAgain  = &userError{http.StatusConflict, "The author has another post with this title by now. Rename that one, then undo again."}
	errCrossOrigin      = &userError{http.StatusForbidden, "This came from another site and was not carried out. Open the page here and try again."}
	errHalfSignedOut    = &userError{http.StatusServiceUnavailable, "You are signed out in this browser, but Clerk could not be reached to end the session there. If others use this computer, sign in and out again in a few minutes."}
	errHalfDeleted      = &userError{http.StatusServiceUnavailable, "Your account at Clerk is deleted, and nobody can sign in with it any more. What you wrote here could not be deleted at the moment: that follows by itself within a day."}
	errNoDeadLetter     = &userError{http.StatusNotFound, "This event cannot be tried again: it was applied meanwhile, or its text is not kept any more. Load the page anew to see how it stands."}
	errDismissed        = &userError{http.StatusNotFound, "This event cannot be dismissed: it was dismissed or applied meanwhile. Load the page anew to see how it stands."}
	errStreamsFull      = &userError{http.StatusServiceUnavailable, "So many people read along that this page does not change by itself. Load it again to see what is new."}
	errStreamsMany      = &userError{http.StatusTooManyRequests, "Too many pages are open from your address. This one does not change by itself: load it again to see what is new."}
	errBadCursor        = &userError{http.StatusBadRequest, "That is no place in the list. Start at the first page."}
	errBadQuery         = &userError{http.StatusBadRequest, "What follows the question mark in this address cannot be read."}
	errBadBody          = &userError{http.StatusBadRequest, "The body did not arrive whole. Send it again."}
	errBadForm          = &userError{http.StatusBadRequest, "That form could not be read. Go back and send it again."}
)

// retryAfter is when it is worth trying again what failed for want of room or
// of the database, in seconds.
const retryAfter = "60"

// A problem is an error made ready to be answered.
type problem struct {
	status    int
	text      string
	reference string // for errors of ours: also in the log
	refused   bool   // the user may not come in: all that is left is to sign out
	again     bool   // asking again may help
}

// headings say in a few words what a status means to a reader.
var headings = map[int]string{
	http.StatusBadRequest:            "That could not be read",
	http.StatusUnauthorized:          "Not signed in",
	http.StatusForbidden:             "Not allowed",
	http.StatusNotFound:              "Not found",
	http.StatusMethodNotAllowed:      "Not found",
	http.StatusConflict:              "Not possible any more",
	http.StatusRequestEntityTooLarge: "Too much at once",
	http.StatusUnsupportedMediaType:  "That could not be read",
	http.StatusUnprocessableEntity:   "Something is missing or wrong",
	http.StatusTooManyRequests:       "Not so fast",
	http.StatusInternalServerError:   "Something broke here",
	http.StatusBadGateway:            "Not possible at the moment",
	http.StatusServiceUnavailable:    "Not possible at the moment",
}

// heading is the title of a problem's page.
func (p problem) heading() string {
	if p.refused {
		return "This account is closed"
	}
	return cmp.Or(headings[p.status], http.StatusText(p.status))
}

// problemOf decides how an error is answered.
func problemOf(err error) problem {
	var (
		known     *userError
		tooLarge  *http.MaxBytesError
		handshake *clerk.HandshakeError
	)
	switch {
	case errors.Is(err, errRefused), errors.Is(err, db.ErrInactive):
		return problem{status: errRefused.status, text: errRefused.text, refused: true}
	case errors.As(err, &known):
		return problem{status: known.status, text: known.text, again: known.status >= http.StatusInternalServerError}
	case errors.As(err, &handshake):
		return problem{status: http.StatusInternalServerError, text: handshake.Error()}
	case errors.As(err, &tooLarge):
		return problem{status: http.StatusRequestEntityTooLarge, text: fmt.Sprintf("That is too much at once: the limit is %d MiB.", maxBody>>20)}
	case errors.Is(err, sql.ErrNoRows):
		return problem{status: http.StatusNotFound, text: errNotFound.text}
	case errors.Is(err, db.ErrTitleTaken):
		return problem{status: http.StatusConflict, text: titleTaken}
	case errors.Is(err, db.ErrHidden):
		return problem{status: http.StatusConflict, text: hiddenText}
	case errors.Is(err, db.ErrConflict):
		return problem{status: http.StatusConflict, text: "Somebody changed this at the same time. Look at it again, then repeat what you did."}
	case db.IsUnavailable(err):
		return problem{status: http.StatusServiceUnavailable, text: "This cannot be saved at the moment. Nothing was changed: try again in a minute.", again: true}
	}
	return problem{status: http.StatusInternalServerError, again: true, text: "The mistake is ours and has been noted. Try again; if it happens again, tell the owner of this site the reference."}
}

// fail answers an error: a page, a notice for htmx, or JSON.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
		return // nobody is there to be answered
	}
	p := problemOf(err)
	if p.status >= http.StatusInternalServerError {
		p.reference = requestID(r)
		s.log.Error("failed", "id", p.reference, "method", r.Method, "path", r.URL.Path, "error", err)
	}
	if p.status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", retryAfter)
	}
	w.Header().Set("Cache-Control", "no-store")
	if err := s.answerProblem(w, r, p); err != nil {
		s.log.Error("cannot show an error", "id", requestID(r), "error", err)
		http.Error(w, p.text, p.status)
	}
}

func (s *Server) answerProblem(w http.ResponseWriter, r *http.Request, p problem) error {
	switch {
	case r.URL.Path == WebhookPath:
		return answerWord(w, p.status, "refused")
	case isAPI(r):
		return writeProblem(w, p)
	case wantsFragment(r):
		return s.alert(w, p)
	}
	return s.page(w, r, p.status, "error", page{Title: p.heading(), Main: newErrorView(r, p)})
}

// alert shows a problem in the page's alerts area, so that it never replaces
// what somebody is typing.
func (s *Server) alert(w http.ResponseWriter, p problem) error {
	w.Header().Set("HX-Retarget", "#alerts")
	w.Header().Set("HX-Reswap", "innerHTML")
	n := notice{Text: p.text, Problem: true, SignOut: p.refused}
	if p.reference != "" {
		n.Text += " Reference: " + p.reference
	}
	if p.status == http.StatusUnauthorized && !p.refused {
		n.Text += " Nothing you typed is lost: try again afterwards."
		n.LinkURL, n.LinkText, n.NewTab = signInURL(signedInPath), "Sign in in a new tab", true
	}
	return s.fragment(w, p.status, part{"notice", n})
}

// errorView is what error.html shows.
type errorView struct {
	Heading   string
	Text      string
	Reference string
	SignOut   bool
	Typed     []field // what was sent and is not taken, to be copied
	Links     []link
}

type link struct{ URL, Text string }

func newErrorView(r *http.Request, p problem) errorView {
	v := errorView{Heading: p.heading(), Text: p.text, Reference: p.reference, SignOut: p.refused}
	if p.refused && r.Method == http.MethodPost {
		v.Typed = typedFields(r)
	}
	if p.status == http.StatusUnauthorized && !v.SignOut {
		v.Links = append(v.Links, link{signInURL("/"), "Sign in"})
	}
	if p.again && r.Method == http.MethodGet {
		v.Links = append(v.Links, link{r.URL.RequestURI(), "Try again"})
	}
	if id := r.PathValue("id"); p.status == http.StatusForbidden && id != "" && strings.HasPrefix(r.URL.Path, "/posts/") {
		v.Links = append(v.Links, link{"/posts/" + id, "Back to the post"})
	}
	if p.status == http.StatusMethodNotAllowed || r.URL.Path != "/" {
		v.Links = append(v.Links, link{"/", "Read the latest posts"})
	}
	return v
}

// writeProblem answers a program as RFC 9457 asks for.
func writeProblem(w http.ResponseWriter, p problem) error {
	body := struct {
		Status    int    `json:"status"`
		Title     string `json:"title"`
		Detail    string `json:"detail"`
		Reference string `json:"reference,omitempty"`
	}{p.status, http.StatusText(p.status), p.text, p.reference}
	return writeJSON(w, p.status, "application/problem+json", body)
}
