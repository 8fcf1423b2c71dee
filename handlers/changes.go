package handlers

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"inkwell/db"
	"inkwell/live"
)

// A change is something that happened and that readers see at once, or that
// ends what they see. It says what has changed and not how: that is looked up
// when it is shown, so that the last change of a post shows it as it is, and an
// old one nothing that was withdrawn since.
type change struct {
	kind changeKind
	post int64  // of postChanged and pollChanged
	who  string // of rightsChanged and authorChanged: Clerk's id of a user, or of a session
}

// anyPost is in the place of a post's id where it is not known on which the
// votes have changed.
const anyPost = 0

func (c change) isOfAnyPoll() bool { return c.kind == pollChanged && c.post == anyPost }

type changeKind int

const (
	// A post was published, edited, withdrawn, deleted or brought back. That of
	// a draft is not published.
	postChanged changeKind = iota

	// The votes on a post were, or its poll has closed: see publishPoll. It is
	// for the post's own page.
	pollChanged

	// A user has another name or picture.
	authorChanged

	// A user may do something else than before, or a session is over.
	rightsChanged
)

// rememberedChanges is for who was away, and for who is slow.
const rememberedChanges = 2000

func newHub() *live.Hub[*change] { return live.NewHub[*change](rememberedChanges) }

// A look is a kind of reader of a post together with where they see it. What
// one of them is shown, all are: nothing in it is anybody's own.
type look struct {
	view     string
	signedIn bool
	mine     bool // the reader is the author
	role     string
	results  bool  // the reader has asked for those of the poll
	choice   int64 // what the reader voted for on the page; 0: nothing
}

// lookOf returns how the visitor sees a post, the zero row for one that is gone.
func (s *Server) lookOf(ctx context.Context, v visitor, place livePlace, row db.GetPostRow) (look, error) {
	l := look{view: place.view(), signedIn: v.signedIn(), mine: v.signedIn() && v.user.ID == row.Post.AuthorID, role: v.user.Role}
	if l.view == viewItem || row.PollOptions == 0 {
		return l, nil
	}
	var err error
	l.results = place.Results
	l.choice, err = s.choiceOf(ctx, row.Post.ID, v)
	return l, err
}

// somebody is the id of a reader who is signed in and nobody in particular.
const somebody = -1

// reader is who stands for all of the kind.
func (l look) reader(authorID int64) visitor {
	switch {
	case !l.signedIn:
		return visitor{}
	case l.mine:
		return known(db.User{ID: authorID, Role: l.role})
	}
	return known(db.User{ID: somebody, Role: l.role})
}

// A showing is a change as it is shown, to each kind of reader once, however
// many of them there are. It is safe for concurrent use.
type showing struct {
	begun    time.Time
	mu       sync.Mutex
	lookedUp bool
	row      db.GetPostRow   // the zero row: the post is gone
	tally    tally           // of its poll
	messages map[look][]byte // in the form of a stream
}

// How changes are kept as they are shown, one of each kind and post: readers get
// them within a moment, and a long post is 100 kB for each kind of reader.
const (
	rememberedShowings = 64
	showingAge         = time.Second // a poll may close, and not all that is shown is published
)

// A shown change is what one reader gets of it.
type shown struct {
	row     db.GetPostRow // the zero row: the post is gone
	message []byte        // shared with others: not to be changed
}

// show returns a change of a post as the visitor sees it.
func (s *Server) show(ctx context.Context, c *change, v visitor, place livePlace) (shown, error) {
	sh := s.showingOf(*c)
	if err := s.lookUp(ctx, sh, c.post); err != nil {
		return shown{}, fmt.Errorf("show change of post %d: %w", c.post, err)
	}
	l, err := s.lookOf(ctx, v, place, sh.row)
	if err != nil {
		return shown{}, err
	}
	sh.mu.Lock()
	defer sh.mu.Unlock()
	message, ok := sh.messages[l]
	if !ok {
		if message, err = s.message(changedParts(c, sh.row, sh.tally, l)...); err != nil {
			return shown{}, err
		}
		sh.messages[l] = message
	}
	return shown{sh.row, message}, nil
}

// showAuthor returns a changed name and picture as all readers see them.
func (s *Server) showAuthor(ctx context.Context, c *change) ([]byte, error) {
	sh := s.showingOf(*c)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if message, ok := sh.messages[look{}]; ok {
		return message, nil
	}
	user, err := s.db.GetUserByClerkID(ctx, c.who)
	if err != nil {
		return nil, fmt.Errorf("show author %s: %w", c.who, err)
	}
	message, err := s.message(part{"author-changed", authorOf(user)})
	if err != nil {
		return nil, err
	}
	sh.messages[look{}] = message
	return message, nil
}

// showingOf returns what is shared by all who are shown the change now. Who
// comes later is shown the post as it is then.
func (s *Server) showingOf(c change) *showing {
	s.showingsMu.Lock()
	defer s.showingsMu.Unlock()
	if sh, ok := s.showings.Peek(c); ok && time.Since(sh.begun) < showingAge {
		return sh
	}
	sh := &showing{begun: time.Now(), messages: map[look][]byte{}}
	s.showings.Add(c, sh)
	return sh
}

// forgetShowings makes sure that what a change is of is looked up again before
// it is shown.
func (s *Server) forgetShowings(c change) {
	switch {
	case c.kind == rightsChanged: // it is not shown
	case c.isOfAnyPoll():
		s.showings.Purge()
	case c.kind == authorChanged:
		s.showings.Remove(c)
	default: // a post is shown with its poll
		s.showings.Remove(change{kind: postChanged, post: c.post})
		s.showings.Remove(change{kind: pollChanged, post: c.post})
	}
}

// lookUp reads what has changed, once. It does not change any more then.
func (s *Server) lookUp(ctx context.Context, sh *showing, id int64) error {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.lookedUp {
		return nil
	}
	row, err := s.db.GetPost(ctx, id)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if row.PollOptions > 0 {
		if sh.tally, err = s.tallyOf(ctx, row.Post); err != nil {
			return err
		}
	}
	sh.row, sh.lookedUp = row, true
	return nil
}

// goneView is what post-gone.html shows.
type goneView struct {
	ID    int64
	Class string // of the article in whose place it is
	Alone bool   // nothing else is on the page
}

// changedParts is what a kind of reader is shown of a change. Each part finds
// its place on the page if there is one, and leaves alone a form that somebody
// is writing in.
func changedParts(c *change, row db.GetPostRow, t tally, l look) []part {
	reader := l.reader(row.Post.AuthorID)
	var poll *pollView
	if len(t.options) > 0 {
		poll = newPollView(t, reader, l.choice, l.results, time.Now())
	}
	switch {
	case row.Post.ID != 0 && !mayRead(reader, row.Post) && row.Post.PublishedAt == 0:
		return nil // a draft that nobody else has ever seen
	case row.Post.ID == 0 || !mayRead(reader, row.Post):
		return []part{{"post-gone", newGoneView(c.post, l.view)}}
	case l.view == viewItem:
		return []part{{"item-changed", newPostItem(row, reader)}}
	}
	if c.kind == pollChanged {
		return changedPoll(poll)
	}
	view := newPostView(row, reader)
	view.Poll = poll
	return []part{{"post-changed", view}, {"title", view.Title}}
}

// changedPoll is what a kind of reader is shown of new votes: nothing where no
// results are.
func changedPoll(poll *pollView) []part {
	if poll == nil || !poll.Results {
		return nil
	}
	return []part{{"poll-changed", poll}}
}

func newGoneView(id int64, view string) goneView {
	if view == viewItem {
		return goneView{ID: id, Class: "post-item"}
	}
	return goneView{ID: id, Class: "post", Alone: true}
}

// message renders partials in the form in which a stream sends them, without
// its end.
func (s *Server) message(parts ...part) ([]byte, error) {
	b := s.buffer()
	defer s.buffers.Put(b)
	if err := s.renderParts(b, parts...); err != nil {
		return nil, err
	}
	return messageOf(b.String()), nil
}

// lineEnds are all that a stream's reader takes for one, with what begins the
// next line.
var lineEnds = strings.NewReplacer("\r\n", "\ndata: ", "\r", "\ndata: ", "\n", "\ndata: ")

// messageOf puts a text into the form in which a stream sends it.
func messageOf(text string) []byte {
	text = strings.TrimSpace(text)
	if text == "" {
		return nil
	}
	return []byte("data: " + lineEnds.Replace(text) + "\n")
}
