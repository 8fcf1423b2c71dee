package db

import (
	"iter"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// A Piece is a part of a text, between two places where a match begins or ends.
type Piece struct {
	Text  string
	Match bool
}

const (
	// maxSnippet is how long a snippet is, in bytes, without its last word.
	maxSnippet = 240

	// snippetLead is how much of it stands before the first match.
	snippetLead = 60

	// maxSearched is how much of a post's HTML a snippet is taken from, in bytes.
	maxSearched = 48 << 10

	// maxBehind is how far behind the first match a place with more of the
	// terms is looked for.
	maxBehind = 8 << 10
)

// A span is where a term stands in a text, in bytes.
type span struct{ start, end, term int }

// mark returns a text in pieces, in NFC.
func (q Query) mark(text string) []Piece {
	text = norm.NFC.String(text)
	return pieces(text, slices.Collect(q.find(text)), 0, len(text))
}

// snippet returns the part of a text with the most of the terms, in pieces. A
// text without any gives its beginning.
func (q Query) snippet(text string) []Piece {
	text = norm.NFC.String(text)
	spans, first := q.best(text)
	start := 0
	if len(spans) > 0 {
		start = leadIn(text, spans[first].start)
	}
	end := leadOut(text, start+maxSnippet)
	all := pieces(text, spans, start, end)
	if start > 0 {
		all = append([]Piece{{Text: "…"}}, all...)
	}
	if end < len(text) {
		all = append(all, Piece{Text: "…"})
	}
	return all
}

// find returns where the terms stand, by their ends.
func (q Query) find(text string) iter.Seq[span] {
	return func(yield func(span) bool) {
		var window []word // the last words
		for w := range words(text) {
			if window = append(window, w); len(window) > maxQueryWords {
				window = window[1:]
			}
			for i, t := range q.terms {
				if t.endsWith(window) && !yield(span{window[len(window)-len(t.words)].start, w.end, i}) {
					return
				}
			}
		}
	}
}

// endsWith reports whether the term is what the words end with.
func (t term) endsWith(text []word) bool {
	if len(text) < len(t.words) {
		return false
	}
	text = text[len(text)-len(t.words):]
	for i, want := range t.words {
		may := t.prefix && i == len(t.words)-1
		if got := text[i].text; got != want && !(may && strings.HasPrefix(got, want)) {
			return false
		}
	}
	return true
}

// best returns where the terms stand, up to where a snippet can be taken from,
// and the number of the first of those spans within which most terms are. It
// looks no further when all are.
func (q Query) best(text string) (spans []span, first int) {
	var hits [MaxTerms]int // of each term, in the spans from front on
	front, seen, most := 0, 0, 0
	for s := range q.find(text) {
		if len(spans) > 0 && (s.end > spans[0].start+maxBehind || most == len(q.terms) && s.end > spans[first].start+maxSnippet) {
			break
		}
		spans = append(spans, s)
		if hits[s.term]++; hits[s.term] == 1 {
			seen++
		}
		for ; front < len(spans)-1 && spans[front].start < s.end-(maxSnippet-snippetLead); front++ {
			if hits[spans[front].term]--; hits[spans[front].term] == 0 {
				seen--
			}
		}
		if seen > most {
			first, most = front, seen
		}
	}
	return spans, first
}

// pieces cuts the text from start to end where matches begin and end.
func pieces(text string, spans []span, start, end int) []Piece {
	var all []Piece
	at := start
	add := func(to int, match bool) {
		if to > at {
			all = append(all, Piece{text[at:to], match})
			at = to
		}
	}
	for i := 0; i < len(spans); {
		from, to := spans[i].start, spans[i].end
		for i++; i < len(spans) && spans[i].start <= to; i++ {
			to, from = max(to, spans[i].end), min(from, spans[i].start)
		}
		if from, to = max(from, start), min(to, end); from < to {
			add(from, false)
			add(to, true)
		}
	}
	add(end, false)
	return all
}

// leadIn returns where a snippet begins that shows what is at a place: behind a
// blank, if there is one near.
func leadIn(text string, at int) int {
	if at <= snippetLead {
		return 0
	}
	start := at - snippetLead
	if i := strings.IndexByte(text[start:at], ' '); i >= 0 {
		return start + i + 1
	}
	return len(clipBytes(text, start))
}

// leadOut returns where a snippet ends that should end at a place.
func leadOut(text string, at int) int {
	if at >= len(text) {
		return len(text)
	}
	if i := strings.LastIndexByte(text[at-snippetLead:at], ' '); i >= 0 {
		return at - snippetLead + i
	}
	return len(clipBytes(text, at))
}

// clipBytes cuts a text to at most n bytes, between code points.
func clipBytes(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}
