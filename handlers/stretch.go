package handlers

import "net/http"

// maxStretch is how many posts of a list can be shown again at once.
const maxStretch = 400

// A stretch is the part of a list that a request asks for: one page or, for
// who had loaded more and comes back, all from the beginning.
type stretch struct {
	before  cursor // it begins right behind this place
	through cursor // its last page begins right behind this one; firstPage: that is the only one
	size    int    // posts a page
}

// onePage is the first page of a list.
func onePage(size int) stretch { return stretch{firstPage, firstPage, size} }

// readStretch returns the stretch that a request asks for, by its parameters
// before and through; without them the first page.
func (s *Server) readStretch(r *http.Request) (stretch, error) {
	st := onePage(s.pageSizeFor(r))
	query, err := readQuery(r)
	if err != nil {
		return st, err
	}
	if st.before, err = parseCursor(query.Get("before")); err != nil {
		return st, err
	}
	st.through, err = parseCursor(query.Get("through"))
	return st, err
}

// limit is how many rows have to be read: one more than are shown.
func (st stretch) limit() int64 {
	if st.through == firstPage {
		return int64(st.size) + 1
	}
	return maxStretch + 1
}

// nextStretch is nextPage for a stretch.
func nextStretch[T any](rows []T, st stretch, place func(T) cursor) ([]T, *cursor) {
	seen := 0
	for seen < len(rows) && !place(rows[seen]).isBehind(st.through) {
		seen++
	}
	return nextPage(rows, min(seen+st.size, maxStretch), place)
}

// isBehind reports whether a place comes later in a list than another.
func (c cursor) isBehind(other cursor) bool {
	return c.at < other.at || c.at == other.at && c.id < other.id
}
