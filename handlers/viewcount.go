package handlers

import (
	"context"
	"fmt"
	"hash/maphash"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"inkwell/db"
)

const (
	// viewsPause is how often views are written. A program that is killed loses
	// those since the last time.
	viewsPause = 10 * time.Second

	// maxReadings is how many readings of a day are remembered, in about 20 MB.
	// What is read beyond is not counted.
	maxReadings = 1_000_000
)

// A viewCounter counts for each post how many readers it has had, each once a
// day (UTC). It remembers readers by a hash, with a key that lives as long as
// the day and is in memory only. It is safe for concurrent use.
type viewCounter struct {
	limit int // of readings that are remembered

	mu      sync.Mutex
	day     int64 // since 1970
	key     maphash.Seed
	seen    map[uint64]struct{} // hashes of the day's readings
	pending map[int64]int64     // views by post, not yet written
}

// A reading is that somebody reads a post.
type reading struct {
	post   int64
	reader string
}

func newViewCounter(limit int) *viewCounter {
	return &viewCounter{limit: limit, pending: map[int64]int64{}}
}

// count takes a reading at a time into account, unless there was the same on
// that day.
func (c *viewCounter) count(r reading, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if day := at.Unix() / (24 * 60 * 60); c.seen == nil || day != c.day {
		c.day, c.key, c.seen = day, maphash.MakeSeed(), map[uint64]struct{}{}
	}
	hash := maphash.Comparable(c.key, r)
	if _, again := c.seen[hash]; again || len(c.seen) >= c.limit {
		return
	}
	c.seen[hash] = struct{}{}
	c.pending[r.post]++
}

// take returns the views that are not yet written, and forgets them.
func (c *viewCounter) take() map[int64]int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	views := c.pending
	c.pending = map[int64]int64{}
	return views
}

// giveBack takes views back that could not be written.
func (c *viewCounter) giveBack(views map[int64]int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for post, n := range views {
		c.pending[post] += n
	}
}

// countView counts that a post is read as a page. Drafts, the author and
// programs do not count, nor do pages that a browser loads in case they are
// wanted.
func (s *Server) countView(r *http.Request, v visitor, p db.Post) {
	if !p.Published || v.signedIn() && v.user.ID == p.AuthorID || r.Method != http.MethodGet || isPrefetch(r) || isRobot(r.UserAgent()) {
		return
	}
	reader := s.clientAddr(r) + " " + r.UserAgent()
	if v.signedIn() {
		reader = fmt.Sprint(v.user.ID)
	}
	s.views.count(reading{p.ID, reader}, time.Now())
}

func isPrefetch(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Sec-Purpose")+r.Header.Get("Purpose"), "prefetch")
}

// robots are words by which programs tell in User-Agent that they are none of a
// reader's. "compatible;" is what browsers have said last before 2014. Who
// pretends to be a browser is counted.
var robots = []string{
	"bot", "compatible;", "crawl", "curl", "externalhit", "fetch", "go-http-client", "headless", "java/", "lighthouse", "monitor", "okhttp",
	"preview", "python", "slurp", "spider", "wget",
}

// isRobot reports whether a User-Agent is not that of a browser. Browsers all
// say Mozilla.
func isRobot(userAgent string) bool {
	ua := strings.ToLower(userAgent)
	return !strings.Contains(ua, "mozilla") || slices.ContainsFunc(robots, func(word string) bool { return strings.Contains(ua, word) })
}

// writeViewsNowAndThen writes views as long as the site runs. Close writes the
// last ones.
func (s *Server) writeViewsNowAndThen() {
	tick := time.NewTicker(viewsPause)
	defer tick.Stop()
	for {
		select {
		case <-s.running.Done():
			return
		case <-tick.C:
			s.writeViews(s.running)
		}
	}
}

// viewsBatch is how many posts one transaction counts views of, so that nobody
// who writes waits long.
const viewsBatch = 500

// writeViews stores the views that were counted. What cannot be stored now is
// tried again.
func (s *Server) writeViews(ctx context.Context) {
	views := s.views.take()
	for ids := range slices.Chunk(slices.Collect(maps.Keys(views)), viewsBatch) {
		batch := map[int64]int64{}
		for _, id := range ids {
			batch[id] = views[id]
		}
		if err := s.db.AddViews(ctx, batch); err != nil {
			s.views.giveBack(views)
			s.log.Error("cannot write views", "error", err)
			return
		}
		maps.DeleteFunc(views, func(id, _ int64) bool { return batch[id] != 0 })
	}
}
