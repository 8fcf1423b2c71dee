package db

import (
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// searchVersion names what is indexed: the texts, and what words makes of them.
// It grows with every change of that, so that the index is made anew.
const searchVersion = 2

// maxWord is how many code points of a word count.
const maxWord = 40

// A word is a piece of a text that can be searched.
type word struct {
	text       string // folded
	start, end int    // where it stands, in bytes
	pair       bool   // two signs of a script without spaces
	last       bool   // the last sign of such a script's text, after its pairs
}

// words returns the words of a text in NFC, in their order. Case, accents and
// the forms of one sign make no difference. Scripts that are written without
// spaces come as overlapping pairs of signs, and the last sign alone, so that
// each sign begins a word.
func words(text string) iter.Seq[word] {
	return func(yield func(word) bool) {
		s := splitter{yield: yield}
		for start := 0; start < len(text) && !s.done; {
			end := start + clusterLen(text[start:])
			s.add(text[start:end], start, end)
			start = end
		}
		s.flush()
	}
}

// A splitter puts signs together to words.
type splitter struct {
	yield func(word) bool
	done  bool // nobody wants more

	spaced     []byte // the word so far
	count      int    // its code points
	start, end int    // where it stands

	before    rune // the sign before, of a script without spaces; 0: none
	beforeAt  [2]int
	hasPaired bool // before is the second of a pair
}

// add takes the next sign: a code point with the marks that belong to it.
func (s *splitter) add(cluster string, start, end int) {
	if c := cluster[0]; c < utf8.RuneSelf && len(cluster) == 1 {
		s.addRune(unicode.ToLower(rune(c)), start, end)
		return
	}
	for _, r := range foldCluster(cluster) {
		s.addRune(r, start, end)
	}
}

func (s *splitter) addRune(r rune, start, end int) {
	switch {
	case !isWordRune(r):
		s.flush()
	case isUnspaced(r):
		s.flushSpaced()
		s.pair(r, start, end)
	default:
		s.flushUnspaced()
		if len(s.spaced) == 0 {
			s.start, s.count = start, 0
		}
		if s.count++; s.count <= maxWord {
			s.spaced = utf8.AppendRune(s.spaced, r)
		}
		s.end = end
	}
}

func (s *splitter) pair(r rune, start, end int) {
	if s.before != 0 {
		s.emit(word{text: string([]rune{s.before, r}), start: s.beforeAt[0], end: end, pair: true})
	}
	s.hasPaired = s.before != 0
	s.before, s.beforeAt = r, [2]int{start, end}
}

func (s *splitter) flush() {
	s.flushSpaced()
	s.flushUnspaced()
}

func (s *splitter) flushSpaced() {
	if len(s.spaced) > 0 {
		s.emit(word{text: string(s.spaced), start: s.start, end: s.end})
		s.spaced = s.spaced[:0]
	}
}

func (s *splitter) flushUnspaced() {
	if s.before != 0 {
		s.emit(word{text: string(s.before), start: s.beforeAt[0], end: s.beforeAt[1], last: s.hasPaired})
		s.before = 0
	}
}

func (s *splitter) emit(w word) { s.done = s.done || !s.yield(w) }

// clusterLen returns how many bytes the first code point of a text and the
// marks behind it have.
func clusterLen(text string) int {
	_, n := utf8.DecodeRuneInString(text)
	for n < len(text) && text[n] >= utf8.RuneSelf {
		r, size := utf8.DecodeRuneInString(text[n:])
		if !unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf) && r != 'ﾞ' && r != 'ﾟ' {
			break
		}
		n += size
	}
	return n
}

// foldCluster returns a sign as it is compared.
func foldCluster(cluster string) string {
	if isPlain(cluster) {
		return cluster
	}
	var b strings.Builder
	for _, r := range norm.NFKD.String(cluster) {
		switch plain, ok := plainLetters[unicode.ToLower(r)]; {
		case ok:
			b.WriteString(plain)
		case !isAccent(r) && !unicode.Is(unicode.Cf, r):
			b.WriteRune(unicode.ToLower(r))
		}
	}
	return norm.NFC.String(b.String())
}

// isPlain reports whether a sign is known to be compared as it is. Most are,
// and to take them apart costs much.
func isPlain(cluster string) bool {
	r, size := utf8.DecodeRuneInString(cluster)
	return size == len(cluster) && (unicode.Is(unicode.Han, r) || unicode.Is(unicode.Cyrillic, r)) &&
		unicode.IsLetter(r) && unicode.ToLower(r) == r && norm.NFKD.PropertiesString(cluster).Decomposition() == nil
}

// plainLetters are letters with a stroke, or two in one, which Unicode does not
// take apart.
var plainLetters = map[rune]string{
	'ß': "ss", 'æ': "ae", 'œ': "oe", 'ø': "o", 'đ': "d", 'ð': "d", 'ħ': "h", 'ı': "i", 'ł': "l", 'ŧ': "t", 'þ': "th", 'ς': "σ",
}

// isAccent reports whether a mark can be left out without another word coming
// of it: accents of Latin, Greek and Cyrillic, points of Hebrew and Arabic. The
// marks of other scripts are vowels.
func isAccent(r rune) bool {
	return unicode.Is(unicode.Mn, r) && (unicode.Is(unicode.Inherited, r) && r != '\u3099' && r != '\u309a' || unicode.In(r, unicode.Hebrew, unicode.Arabic))
}

func isWordRune(r rune) bool {
	if r < utf8.RuneSelf {
		return 'a' <= r && r <= 'z' || '0' <= r && r <= '9'
	}
	return unicode.In(r, unicode.L, unicode.N, unicode.M)
}

// isUnspaced reports whether a letter is of a script that is written without
// spaces.
func isUnspaced(r rune) bool {
	return r >= '\u0e00' && (r == 'ー' ||
		unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar))
}

// FoldName returns a name as it is compared, with its blanks folded: case and
// accents make no difference.
func FoldName(name string) string {
	name = norm.NFC.String(strings.ToValidUTF8(name, " "))
	var b strings.Builder
	for start := 0; start < len(name); {
		end := start + clusterLen(name[start:])
		b.WriteString(foldCluster(name[start:end]))
		start = end
	}
	return strings.Join(strings.Fields(b.String()), " ")
}
