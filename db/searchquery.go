package db

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

const (
	// MaxQuery is how many code points of a query are read.
	MaxQuery = 200

	// MaxTerms is how many of its words and phrases are.
	MaxTerms = 16

	// maxQueryWords is how many words there may be in all of them.
	maxQueryWords = 32
)

// A Query is what somebody searches: words and phrases that must all be there.
// The zero Query searches nothing.
type Query struct {
	terms []term
	size  int // how many words the terms have
	cut   bool
}

// A term is a phrase, most often of one word. Of a prefix the last word may go
// on.
type term struct {
	words  []string
	prefix bool
}

// ParseQuery reads what somebody typed. Words between double quotes are a
// phrase, and so is what stands together without a blank, as well-known. The
// last word is the beginning of one unless a blank or a quote follows. All
// other signs only part words; nothing is an error.
func ParseQuery(typed string) Query {
	text := []rune(norm.NFC.String(strings.ToValidUTF8(straightQuotes.Replace(typed), " ")))
	q := Query{cut: len(text) > MaxQuery}
	parts := strings.Split(string(text[:min(len(text), MaxQuery)]), `"`)
	for i, part := range parts {
		open := i == len(parts)-1
		if i%2 == 1 {
			q.add(part, open)
			continue
		}
		chunks := strings.Fields(part)
		for j, chunk := range chunks {
			q.add(chunk, open && j == len(chunks)-1 && strings.HasSuffix(part, chunk))
		}
	}
	return q
}

// straightQuotes reads quotes of all kinds, and what word processors make of
// them.
var straightQuotes = strings.NewReplacer("“", `"`, "”", `"`, "„", `"`, "«", `"`, "»", `"`, "＂", `"`)

// add adds a phrase; an open one may go on.
func (q *Query) add(phrase string, open bool) {
	var t term
	var end word
	for w := range words(phrase) {
		if q.size++; q.size > maxQueryWords || len(q.terms) == MaxTerms {
			q.cut = true
			break
		}
		t.words = append(t.words, w.text)
		end = w
	}
	if end.last { // in a text, another may follow
		t.words = t.words[:len(t.words)-1]
	}
	t.prefix = end.isSign() || open && !end.last && !end.pair && !endsBlank(phrase)
	if len(t.words) > 0 && !slices.ContainsFunc(q.terms, t.equal) {
		q.terms = append(q.terms, t)
	}
}

// isSign reports whether the word is one sign of a script without spaces, alone.
func (w word) isSign() bool {
	r, size := utf8.DecodeRuneInString(w.text)
	return size > 0 && size == len(w.text) && isUnspaced(r) && !w.last
}

func (t term) equal(other term) bool {
	return t.prefix == other.prefix && slices.Equal(t.words, other.words)
}

func endsBlank(s string) bool { return s != strings.TrimRightFunc(s, unicode.IsSpace) }

// Empty reports whether nothing of what was typed can be searched.
func (q Query) Empty() bool { return len(q.terms) == 0 }

// Cut reports whether only the beginning of what was typed is searched.
func (q Query) Cut() bool { return q.cut }

// String returns the term for MATCH. All of it stands in quotes, and a word
// holds no sign but letters and digits, so that nothing in it is an operator.
func (t term) String() string {
	s := strings.Join(t.words, " ")
	if t.prefix {
		s += "*"
	}
	return `"` + s + `"`
}

// expression returns the query for MATCH, of the author's posts alone unless
// authorID is 0.
func (q Query) expression(authorID int64) string {
	var all []string
	for _, t := range q.terms {
		all = append(all, t.String())
	}
	if authorID != 0 {
		all = append(all, `"`+authorWord(authorID)+`"`)
	}
	return strings.Join(all, " ")
}

// authorWord is what an author's posts have in common in the index. Nobody can
// search it: it begins with a sign that parts words.
func authorWord(id int64) string { return fmt.Sprintf("§%d", id) }
