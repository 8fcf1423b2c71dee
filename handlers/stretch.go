package handlers

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// maxStretch is how much of a list can be shown again at once.
const maxStretch = 400

// A stretch is the part of a list that a request asks for: one page or, for
// who had loaded more and comes back, all of that.
type stretch[P fmt.Stringer] struct {
	begin   string // the parameter that says where it begins: before or after
	from    P      // it begins right behind this place
	isFirst bool   // that is the beginning of the list
	start   string // the page that shows it begins behind this place; "": with the list
	through *P     // its last page begins right behind this one; nil: it is one page
	size    int    // how much a page has
}

// readStretch returns the stretch that a request asks for, by the parameter of
// the name begin and by through. Parse reads a place; the empty text is the
// beginning.
func readStretch[P fmt.Stringer](r *http.Request, begin string, size int, parse func(string) (P, error)) (stretch[P], error) {
	st := stretch[P]{begin: begin, size: size}
	query, err := readQuery(r)
	if err != nil {
		return st, err
	}
	if st.from, err = readListPlace(query, begin, parse); err != nil {
		return st, err
	}
	st.start = query.Get(begin)
	st.isFirst = st.start == ""
	if !st.isFirst && wantsFragment(r) {
		st.start = startOfPage(r, begin, parse)
	}
	through, err := readListPlace(query, "through", parse)
	if query.Get("through") != "" {
		st.through = &through
	}
	return st, err
}

// readListPlace returns the place in a list that the parameter of a query names.
func readListPlace[P any](query url.Values, name string, parse func(string) (P, error)) (P, error) {
	place, err := parse(query.Get(name))
	if err != nil {
		return place, errBadCursor
	}
	return place, nil
}

// startOfPage is the start of the page that asks for its next part.
func startOfPage[P any](r *http.Request, begin string, parse func(string) (P, error)) string {
	start := pageURL(r).Query().Get(begin)
	if _, err := parse(start); err != nil {
		return ""
	}
	return start
}

// limit is how many rows have to be read: one more than are shown.
func (st stretch[P]) limit() int64 {
	if st.through == nil {
		return int64(st.size) + 1
	}
	return maxStretch + 1
}

// address returns the address of the stretch; list is that of all.
func (st stretch[P]) address(list string) string {
	if !st.isFirst {
		list = withParam(list, st.begin, st.from.String())
	}
	if st.through != nil {
		list = withParam(list, "through", (*st.through).String())
	}
	return list
}

// more leads from a list to its next page, which begins behind the place next;
// "": there is none, and it says how the list ends.
func (st stretch[P]) more(list, next, end string) moreView {
	if next == "" {
		return moreView{End: end}
	}
	more := moreView{URL: withParam(list, st.begin, next)}
	if st.start != "" {
		list = withParam(list, st.begin, st.start)
	}
	more.StayURL = withParam(list, "through", next)
	return more
}

// withParam returns an address with another parameter in its query.
func withParam(address, name, value string) string {
	separator := "?"
	if strings.Contains(address, "?") {
		separator = "&"
	}
	return address + separator + name + "=" + url.QueryEscape(value)
}

// nextStretch is nextPage for a stretch; the place where it goes on is "" when
// nothing follows, and when no place leads to what does. Compare tells which of two
// places comes first in the list.
func nextStretch[T any, P fmt.Stringer](rows []T, st stretch[P], place func(T) P, compare func(a, b P) int) ([]T, string) {
	size := st.size
	if st.through != nil {
		size = min(countThrough(rows, *st.through, place, compare)+st.size, maxStretch)
	}
	rows, next := nextPage(rows, size, place)
	if next == nil {
		return rows, ""
	}
	return rows, (*next).String()
}

// countThrough returns how many rows there are up to a place, with the one at
// it if that is still there.
func countThrough[T, P any](rows []T, through P, place func(T) P, compare func(a, b P) int) int {
	for i, row := range rows {
		switch c := compare(place(row), through); {
		case c == 0:
			return i + 1
		case c > 0:
			return i
		}
	}
	return len(rows)
}

// An idPlace is a place in a list that is sorted by id: right behind that one.
type idPlace int64

func (p idPlace) String() string { return strconv.FormatInt(int64(p), 10) }

// idPlaces returns what reads what String wrote, and the empty text as first.
func idPlaces(first idPlace) func(string) (idPlace, error) {
	return func(s string) (idPlace, error) {
		if s == "" {
			return first, nil
		}
		id, err := strconv.ParseInt(s, 10, 64)
		if p := idPlace(id); err == nil && id > 0 && p.String() == s {
			return p, nil
		}
		return 0, errBadCursor
	}
}
