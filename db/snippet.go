package db

import (
	"math/bits"
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

	// maxSearched is how much of a text a snippet is taken from, in bytes.
	maxSearched = 48 << 10
)

// A span is where a term stands in a text, in bytes.
type span struct{ start, end, term int }

// mark returns a text in pieces, in NFC.
func (q Query) mark(text string) []Piece {
	text = norm.NFC.String(text)
	return pieces(text, q.find(text), 0, len(text))
}

// snippet returns the part of a text with the most of the terms, in pieces. A
// text without any gives its beginning.
func (q Query) snippet(text string) []Piece {
	text = norm.NFC.String(clipBytes(text, maxSearched))
	spans := q.find(text)
	start := 0
	if len(spans) > 0 {
		start = leadIn(text, spans[best(spans)].start)
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
func (q Query) find(text string) []span {
	var spans []span
	var window []word // the last words
	for w := range words(text) {
		if window = append(window, w); len(window) > maxQueryWords {
			window = window[1:]
		}
		for i, t := range q.terms {
			if t.endsWith(window) {
				spans = append(spans, span{window[len(window)-len(t.words)].start, w.end, i})
			}
		}
	}
	return spans
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

// best returns the number of the first span from which on most terms follow
// within a snippet.
func best(spans []span) int {
	found, most := 0, 0
	for i, first := range spans {
		var seen uint32 // a bit for each term
		for _, s := range spans[i:] {
			if s.end > first.start+maxSnippet-snippetLead {
				break
			}
			seen |= 1 << s.term
		}
		if n := bits.OnesCount32(seen); n > most {
			found, most = i, n
		}
	}
	return found
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
		if from >= start && to <= end {
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
