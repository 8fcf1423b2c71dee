package handlers

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"inkwell/db"
	"inkwell/live"
)

// How streams are kept.
const (
	livePath = "/live"

	maxStreams     = 8_000            // of less than 30 kB each: see memoryGoal in main.go
	maxStreamsEach = 100              // from one address; a browser needs one a visible tab
	heartbeat      = 20 * time.Second // shorter than proxies wait
	sendLimit      = 10 * time.Second // then a reader takes nothing any more
	pace           = 150 * time.Millisecond
	streamAge      = 4 * time.Minute // then, or up to a quarter later, rights are looked at again
)

// livePages are the pages that have parts that change by themselves. A form for
// a post becomes the page of the post.
var livePages = []string{"feed", "post", "post-form"}

// A livePlace is what the page of a stream shows. It is in the address of the
// stream.
type livePlace struct {
	After   string  // the last change before the page was made
	Post    int64   // whose page it is; 0: a page of the feed
	Results bool    // the reader has asked for the results of its poll
	Top     *cursor // the place of the newest post on the first page of the feed; nil: another page
}

// URL is the address of the stream for the page.
func (p livePlace) URL() string {
	query := url.Values{"after": {p.After}}
	if p.Post != 0 {
		query.Set("post", strconv.FormatInt(p.Post, 10))
	}
	if p.Results {
		query.Set("results", "1")
	}
	if p.Top != nil {
		query.Set("top", p.Top.String())
	}
	return livePath + "?" + query.Encode()
}

// view is how posts are shown there.
func (p livePlace) view() string {
	if p.Post != 0 {
		return viewPage
	}
	return viewItem
}

// readPlace reads what URL wrote.
func readPlace(r *http.Request) (livePlace, error) {
	query, err := readQuery(r)
	if err != nil {
		return livePlace{}, err
	}
	p := livePlace{After: query.Get("after"), Results: asksForResults(r)}
	if text := query.Get("top"); text != "" {
		top, err := parseCursor(text)
		if err != nil {
			return p, err
		}
		p.Top = &top
	}
	if text := query.Get("post"); text != "" {
		if p.Post, err = strconv.ParseInt(text, 10, 64); err != nil || p.Post < 1 {
			return p, errBadQuery
		}
	}
	return p, nil
}

// showLive handles "GET /live": the stream of changes (server-sent events) for
// one page and the reader who has it open. It goes on after the event that
// Last-Event-ID names, or else after the page was made.
func (s *Server) showLive(w http.ResponseWriter, r *http.Request, v visitor) error {
	place, err := readPlace(r)
	if err != nil {
		return err
	}
	if v.unverified { // a guest's stream would take the author's forms off the page
		return refuseStream(w, errUnverified)
	}
	leave, err := s.streams.enter(s.clientAddr(r))
	if err != nil {
		return refuseStream(w, err)
	}
	defer leave()
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // nginx would wait for more
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return nil
	}
	st := &stream{server: s, reader: v, place: place, w: w, conn: http.NewResponseController(w)}
	lastSeen := r.Header.Get("Last-Event-ID")
	var complete bool
	st.changes, complete = s.hub.Subscribe(cmp.Or(lastSeen, place.After))
	if err := st.run(r.Context(), complete, lastSeen == ""); err != nil && !st.isEnd(r.Context(), err) {
		s.log.Error("a stream broke off", "id", requestID(r), "error", err)
	}
	return nil
}

// refuseStream answers that a page cannot have a stream. It does without one,
// and tries again later.
func refuseStream(w http.ResponseWriter, err error) error {
	p := problemOf(err)
	w.Header().Set("Retry-After", retryAfter)
	w.Header().Set("HX-Reswap", "none")
	return write(w, p.status, "text/plain; charset=utf-8", []byte(p.text+"\n"))
}

// EndStreams ends all streams, and those that begin later at once. A server
// that shuts down waits for them.
func (s *Server) EndStreams() { s.hub.Close() }

// A stream is what one reader is told.
type stream struct {
	server  *Server
	reader  visitor
	place   livePlace
	changes *live.Subscription[*change]
	fresh   freshPosts
	w       http.ResponseWriter
	conn    *http.ResponseController
}

var (
	errRightsChanged = errors.New("the reader's rights have to be looked at again")
	errCutOff        = errors.New("the reader takes nothing any more")
)

// isEnd reports whether a stream that ended with the error did so as streams do.
func (st *stream) isEnd(ctx context.Context, err error) bool {
	for _, end := range []error{errRightsChanged, errCutOff, live.ErrBehind, live.ErrClosed} {
		if errors.Is(err, end) {
			return true
		}
	}
	return ctx.Err() != nil
}

// run tells the reader of changes until the stream is old or cannot go on. The
// browser then comes back.
func (st *stream) run(ctx context.Context, complete, first bool) error {
	// Not those of the server, which are for an answer as a whole. A connection
	// without deadlines, of which a dead reader would never be cut off, fails here.
	if err := st.conn.SetReadDeadline(time.Time{}); err != nil {
		return errCutOff
	}
	if err := st.begin(ctx, complete, first); err != nil {
		return err
	}
	alive := time.NewTicker(heartbeat)
	defer alive.Stop()
	old := time.NewTimer(streamAge + rand.N(streamAge/4))
	defer old.Stop()
	rest := time.NewTimer(0)
	defer rest.Stop()
	var ready <-chan struct{} // nil while the stream rests
	for {
		var err error
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-old.C:
			return nil
		case <-alive.C:
			err = st.send([]byte(": still here\n")) // with the id, also of changes that were nothing to the reader
		case <-rest.C:
			ready = st.changes.Ready()
		case <-ready:
			err = st.tell(ctx)
			ready = nil
			rest.Reset(pace) // what happens meanwhile is one message
		}
		if err != nil {
			return err
		}
	}
}

// begin opens the stream. Where what was missed is not known, it tells how the
// page can catch up.
func (st *stream) begin(ctx context.Context, complete, first bool) error {
	if err := st.send([]byte(": here\n")); err != nil {
		return err
	}
	bar, err := st.countFresh(ctx, first)
	if err != nil {
		return err
	}
	var missed []byte
	if !complete {
		if missed, err = st.catchUp(ctx); err != nil {
			return err
		}
	}
	if len(bar)+len(missed) == 0 {
		return nil
	}
	return st.send(bar, missed)
}

// catchUp is what is told when it is not known what was missed: the post as it
// is, or, on the feed, that the page may be out of date.
func (st *stream) catchUp(ctx context.Context) ([]byte, error) {
	if st.place.Post == 0 {
		return st.server.message(part{"news-lost", newsView{Text: "There may be something new: show the latest posts"}})
	}
	shown, err := st.server.show(ctx, &change{kind: postChanged, post: st.place.Post}, st.reader, st.place)
	return shown.message, err
}

// tell tells of the changes since the last time, in one message. Where the
// reader's rights have changed the stream ends with the id of that: what came
// after is told by the next one, which has the new rights.
func (st *stream) tell(ctx context.Context) error {
	changes, err := st.changes.Take()
	if err != nil {
		return err
	}
	end := slices.IndexFunc(changes, st.isOfReader)
	if end < 0 {
		return st.tellOf(ctx, changes)
	}
	st.changes.GiveBack(len(changes) - end - 1)
	if err := st.tellOf(ctx, changes[:end]); err != nil {
		return err
	}
	if err := st.send(); err != nil {
		return err
	}
	return errRightsChanged
}

// isOfReader reports whether a change is one of the reader's rights.
func (st *stream) isOfReader(c *change) bool {
	return c.kind == rightsChanged && st.reader.signedIn() && (c.who == st.reader.user.ClerkID || c.who == st.reader.sessionID)
}

// tellOf sends what the reader is shown of the changes, if anything.
func (st *stream) tellOf(ctx context.Context, changes []*change) error {
	var message [][]byte
	known := st.fresh.len()
	for _, c := range latest(changes) {
		seen, err := st.see(ctx, c)
		if err != nil {
			return err
		}
		if len(seen) > 0 {
			message = append(message, seen)
		}
	}
	if st.fresh.len() != known {
		bar, err := st.bar(known == 0)
		if err != nil {
			return err
		}
		message = append(message, bar)
	}
	if len(message) == 0 {
		return nil
	}
	return st.send(message...)
}

// latest returns changes without those that a later one makes superfluous: a
// post is shown with its poll.
func latest(changes []*change) []*change {
	if len(changes) < 2 {
		return changes
	}
	later := make(map[change]bool, len(changes))
	var kept []*change
	for _, c := range slices.Backward(changes) {
		if later[*c] || c.kind == pollChanged && later[change{kind: postChanged, post: c.post}] {
			continue
		}
		later[*c] = true
		kept = append(kept, c)
	}
	slices.Reverse(kept)
	return kept
}

// see returns what the reader is shown of a change on their page; nil: nothing.
func (st *stream) see(ctx context.Context, c *change) ([]byte, error) {
	if c.isOfAnyPoll() {
		c = &change{kind: pollChanged, post: st.place.Post}
	}
	switch {
	case c.kind == rightsChanged:
		return nil, nil // of somebody else
	case c.kind == authorChanged:
		return st.server.showAuthor(ctx, c)
	case st.place.Post == 0 && c.kind == pollChanged, st.place.Post != 0 && c.post != st.place.Post:
		return nil, nil
	}
	shown, err := st.server.show(ctx, c, st.reader, st.place)
	if err != nil {
		return nil, err
	}
	fresh := st.isFresh(shown.row.Post)
	st.fresh.note(c.post, fresh)
	if fresh {
		return nil, nil // it is not on the page, and the bar tells of it
	}
	return shown.message, nil
}

// isFresh reports whether a post is newer than the feed that the reader sees. A
// reader's own are not: their form has put them there.
func (st *stream) isFresh(p db.Post) bool {
	return st.place.Top != nil && p.Published && p.AuthorID != st.reader.user.ID && cursor{p.PublishedAt, p.ID}.isAbove(*st.place.Top)
}

// send sends the parts of a message as an event with the id of what was taken
// last.
func (st *stream) send(parts ...[]byte) error {
	if st.conn.SetWriteDeadline(time.Now().Add(sendLimit)) != nil {
		return errCutOff
	}
	for _, lines := range append(parts, []byte("id: "+st.changes.ID()+"\n\n")) {
		if _, err := st.w.Write(lines); err != nil {
			return errCutOff
		}
	}
	if st.conn.Flush() != nil {
		return errCutOff
	}
	return nil
}
