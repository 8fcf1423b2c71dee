package handlers

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"inkwell/clerk"
	"inkwell/db"
)

// maxSlug is how many bytes of a title stand in an address, before they are
// percent-encoded.
const maxSlug = 80

// ownWords are what follows /posts/{id}/ in addresses that do something. They
// are no slugs, so that no post seems to be at such an address.
var ownWords = []string{"autosave", "delete", "discard", "edit", "hide", "poll", "preview", "publish", "report", "restore", "unhide", "vote"}

// postPath is the address of a published post: its id, and for readers its
// title. A draft has no title in its address: pass "".
func postPath(id int64, title string) string { return permalink(id, title).String() }

func permalink(id int64, title string) *url.URL {
	path := fmt.Sprintf("/posts/%d", id)
	if s := slug(title); s != "" {
		path += "/" + s
	}
	return &url.URL{Path: path}
}

// permalinkOf is the address of a post, published or not.
func permalinkOf(p db.Post) *url.URL {
	if !p.Published {
		return permalink(p.ID, "")
	}
	return permalink(p.ID, p.Title)
}

// slug is what stands of a title in an address: its words in lower case, Latin
// letters without their accents. It is "" when nothing is left.
func slug(title string) string {
	var b strings.Builder
	for word := range strings.SplitSeq(plainWords(title), "-") {
		if word == "" {
			continue
		}
		if b.Len() == 0 {
			b.WriteString(cut(word, maxSlug))
			continue
		}
		if b.Len()+1+len(word) > maxSlug {
			break
		}
		b.WriteString("-" + word)
	}
	if slices.Contains(ownWords, b.String()) {
		b.WriteString("-post")
	}
	return b.String()
}

// cut shortens a word to at most n bytes of whole characters.
func cut(word string, n int) string {
	if len(word) <= n {
		return word
	}
	for !utf8.RuneStart(word[n]) {
		n--
	}
	return word[:n]
}

// letters are Latin letters that are no letter with an accent.
var letters = strings.NewReplacer("ß", "ss", "æ", "ae", "œ", "oe", "ø", "o", "đ", "d", "ð", "d", "ł", "l", "þ", "th", "ı", "i", "ħ", "h", "ŋ", "n", "ŧ", "t")

// plainWords returns the words of a text in lower case, with hyphens between
// them. Other scripts than Latin keep their marks: these are letters there.
func plainWords(text string) string {
	var b strings.Builder
	marked := false // a mark that follows belongs to the letter before it
	for _, r := range letters.Replace(strings.ToLower(norm.NFKC.String(text))) {
		switch {
		case unicode.Is(unicode.Latin, r):
			if r >= utf8.RuneSelf {
				r, _ = utf8.DecodeRuneInString(norm.NFD.String(string(r)))
			}
			b.WriteRune(r)
			marked = false
		case unicode.IsLetter(r), unicode.IsDigit(r), unicode.IsMark(r) && marked:
			b.WriteRune(r)
			marked = true
		case unicode.IsMark(r), unicode.Is(unicode.Cf, r), r == '\'', r == '’': // inside a word
		default:
			b.WriteByte('-')
			marked = false
		}
	}
	return b.String()
}

// toPermalink sends a reader who came by another title to the address of the
// post, and reports whether it did. Without any title the address is as good:
// the page names the whole one as canonical. Nobody is to remember where they
// were sent: a title that changes twice would lead a browser in a circle.
func toPermalink(w http.ResponseWriter, r *http.Request, p db.Post) bool {
	to := permalinkOf(p)
	if to.Path == r.URL.Path || r.PathValue("slug") == "" {
		return false
	}
	to.RawQuery = clerk.StripQuery(r.URL).RawQuery
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, to.String(), http.StatusMovedPermanently)
	return true
}
