package db

import (
	"slices"
	"strings"
	"testing"
	"testing/quick"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

func TestWords(t *testing.T) {
	tests := []struct{ text, want string }{
		{"", ""},
		{"The Ink-Well, 2nd: don't!", "the ink well 2nd don t"},
		{"Café CAFÉ Cafe\u0301", "cafe cafe cafe"},
		{"ﬁne ﬂow Ⅷ ２０２６ ½", "fine flow viii 2026 1 2"},
		{"Straße Øresund Łódź æther ÐÞ", "strasse oresund lodz aether dth"},
		{"Σίσυφος ΣΊΣΥΦΟΣ", "σισυφοσ σισυφοσ"},
		{"ёлка Ёлка", "елка елка"},
		{"شَدَّة שָׁלוֹם", "شدة שלום"},
		{"한국어 " + norm.NFD.String("한국어"), "한국어 한국어"},
		{"हिन्दी", "हिन्दी"},
		{"soft\u00adhyphen zero\u200bwidth", "softhyphen zerowidth"},
		{"東", "東"},
		{"東京", "東京 京"},
		{"東京都に、行く", "東京 京都 都に に 行く く"},
		{"Go言語 1冊", "go 言語 語 1 冊"},
		{"ｶﾞﾗｽ ガラス カメラー", "ガラ ラス ス ガラ ラス ス カメ メラ ラー ー"},
		{"ภาษา", "ภา าษ ษา า"},
		{strings.Repeat("é", 50), strings.Repeat("e", maxWord)},
		{"\x00 \uffff 👩‍💻 *^:\"'", ""},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			if got := strings.TrimSpace(indexed(tt.text)); got != tt.want {
				t.Errorf("the words of %q are %q, want %q", tt.text, got, tt.want)
			}
		})
	}
}

// Words stand where they say, in their order, and hold no sign that means
// anything to MATCH.
func TestWordsStandInTheText(t *testing.T) {
	stand := func(text string) bool {
		text = norm.NFC.String(strings.ToValidUTF8(text, "?"))
		last := 0
		for w := range words(text) {
			if w.start < last || w.end <= w.start || w.end > len(text) || w.text == "" || !utf8.ValidString(text[w.start:w.end]) {
				t.Errorf("%q has %+v after %d", text, w, last)
				return false
			}
			if strings.ContainsFunc(w.text, func(r rune) bool { return !isWordRune(r) }) {
				t.Errorf("%q has the word %q", text, w.text)
			}
			last = w.start
		}
		return true
	}
	if err := quick.Check(stand, nil); err != nil {
		t.Error(err)
	}
}

func TestParseQuery(t *testing.T) {
	tests := []struct{ typed, want string }{
		{"", ""},
		{"   ", ""},
		{"ink", `"ink*"`},
		{"ink ", `"ink"`},
		{"Ink wéll", `"ink" "well*"`},
		{"well-known ink ", `"well known" "ink"`},
		{`"blue ink" pen`, `"blue ink" "pen*"`},
		{`"blue ink"`, `"blue ink"`},
		{`"blue in`, `"blue in*"`},
		{`“blue ink„ pen«`, `"blue ink" "pen"`},
		{`pen"blue ink"`, `"pen" "blue ink"`},
		{`""`, ""},
		{`"`, ""},
		{"ink ink ink", `"ink" "ink*"`},
		{"ink* OR NOT pen NEAR/2 (x", `"ink" "or" "not" "pen" "near 2" "x*"`},
		{"title:ink -pen ^x", `"title ink" "pen" "x*"`},
		{"§12 author:§12", `"12" "author 12*"`},
		{"a\x00b\xff\xfec", `"a b" "c*"`},
		{"' OR 1=1 --", `"or" "1 1"`},
		{"東", `"東*"`},
		{"東 ", `"東*"`},
		{"東京都", `"東京 京都"`},
		{"東京 go", `"東京" "go*"`},
		{"go言", `"go 言*"`},
		{`"東京 大阪"`, `"東京 京 大阪"`},
	}
	for _, tt := range tests {
		t.Run(tt.typed, func(t *testing.T) {
			if got := ParseQuery(tt.typed).expression(0); got != tt.want {
				t.Errorf("ParseQuery(%q) is %s, want %s", tt.typed, got, tt.want)
			}
		})
	}
}

func TestQueriesAreBounded(t *testing.T) {
	tests := []struct {
		name, typed string
		wantTerms   int
		wantCut     bool
	}{
		{"as many words as count", "a b c d e f g h i j k l m n o p", MaxTerms, false},
		{"one more", "a b c d e f g h i j k l m n o p q", MaxTerms, true},
		{"a long word", strings.Repeat("a", MaxQuery), 1, false},
		{"a longer one", strings.Repeat("a", MaxQuery+1), 1, true},
		{"a long phrase", `"` + strings.Repeat("a ", 100), 1, true},
		{"a long text of pairs", strings.Repeat("東京", 50), 1, true},
		{"much more", strings.Repeat("ab cd ", 10_000), 2, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			q := ParseQuery(tt.typed)
			if len(q.terms) != tt.wantTerms || q.Cut() != tt.wantCut {
				t.Errorf("%d terms, cut %t, want %d and %t", len(q.terms), q.Cut(), tt.wantTerms, tt.wantCut)
			}
		})
	}
}

// What is not taken apart would not change.
func TestPlainSigns(t *testing.T) {
	plain := 0
	for r := range rune(unicode.MaxRune) {
		sign := string(r)
		if !isPlain(sign) {
			continue
		}
		plain++
		if letter, special := plainLetters[r]; special || norm.NFC.String(norm.NFKD.String(sign)) != sign || isAccent(r) || unicode.Is(unicode.Cf, r) {
			t.Errorf("%q is taken for plain, and not for %q", sign, letter)
		}
	}
	if plain < 90_000 {
		t.Errorf("%d signs are plain", plain)
	}
}

func TestSnippet(t *testing.T) {
	long := strings.Repeat("much text ", 100)
	tests := []struct{ name, typed, text, want string }{
		{"whole", "ink", "Blue ink.", "Blue [ink]."},
		{"beginning of a word", "in", "Blue inkwells", "Blue [inkwells]"},
		{"not the middle", "ink", "drinks", "drinks"},
		{"accents and case", "cafe ", "Le Cafe\u0301 CAFÉ", "Le [Café] [CAFÉ]"},
		{"phrase", `"blue ink"`, "blue, ink and blue pens", "[blue, ink] and blue pens"},
		{"no spaces", "京都", "東京都と京都府", "東[京都]と[京都]府"},
		{"one sign", "都 ", "東京都", "東京[都]"},
		{"two in one", "fl", "a ﬂow", "a [ﬂow]"},
		{"nothing of it", "ink", long, strings.TrimSpace(long[:240]) + "…"},
		{"in the middle", "ink", long + "blue ink " + long, "…"},
		{"most terms", "ink pen", long + "ink " + long + "ink and pen " + long, "[ink] and [pen]"},
		{"overlapping phrases", `"a b a" "b a b"`, "so " + strings.Repeat("a b ", 200), "so [a b a b"},
		{"markup is text", "ink", `<b>ink</b> & "ink"`, `<b>[ink]</b> & "[ink]"`},
		{"empty", "ink", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := bracketed(ParseQuery(tt.typed).snippet(tt.text))
			if !strings.Contains(got, tt.want) || len(got) > 2*maxSnippet || tt.want == "" && got != "" {
				t.Errorf("the snippet is %q, want it to contain %q", got, tt.want)
			}
		})
	}
}

// However many matches there are, a snippet is made of few of them.
func TestSnippetLooksNoFurther(t *testing.T) {
	long := strings.Repeat("a ", maxSearched/2)
	tests := []struct {
		typed string
		most  int
	}{
		{"a ", maxSnippet},
		{`a "a a" "a a a" "a a a a"`, 4 * maxSnippet},
		{`a "a a" zebra`, 2 * maxBehind},
	}
	for _, tt := range tests {
		if spans, first := ParseQuery(tt.typed).best(long); len(spans) > tt.most || first != 0 {
			t.Errorf("%s: %d matches are looked at, the snippet begins at number %d; want at most %d, and 0", tt.typed, len(spans), first, tt.most)
		}
	}
}

// bracketed writes pieces with brackets around matches.
func bracketed(all []Piece) string {
	var b strings.Builder
	for _, p := range all {
		if p.Match {
			b.WriteString("[" + p.Text + "]")
		} else {
			b.WriteString(p.Text)
		}
	}
	return b.String()
}

func TestPlainText(t *testing.T) {
	tests := []struct{ html, want string }{
		{"<p>Hello <em>w</em>orld</p>", "Hello world"},
		{"<p>One</p><ul><li>Two</li></ul>", "One Two"},
		{"a<br>b", "a b"},
		{`<p><a href="https://x.test/?a=1&amp;b" rel="nofollow">link</a>s &lt;b&gt; &amp;amp;</p>`, "links <b> &amp;"},
		{"<", ""},
		{"", ""},
	}
	for _, tt := range tests {
		if got := plainText(tt.html); got != tt.want {
			t.Errorf("plainText(%q) = %q, want %q", tt.html, got, tt.want)
		}
	}
}

// FuzzParseQuery makes sure that whatever is typed is words in quotes, and that
// marking them loses nothing of a text.
func FuzzParseQuery(f *testing.F) {
	for _, typed := range []string{"ink", `"blue in`, "東京 go言", "a\x00\xff*:^-(", "NEAR OR \"\"", "ﬂ ﾞ ́"} {
		f.Add(typed, "Blue ink, 東京都 and a ﬂow")
	}
	f.Fuzz(func(t *testing.T, typed, text string) {
		q := ParseQuery(typed)
		expression := q.expression(0)
		for i, part := range strings.Split(expression, `"`) {
			bare := strings.TrimSuffix(part, "*")
			if i%2 == 0 && strings.TrimSpace(part) != "" || strings.ContainsFunc(bare, func(r rune) bool { return r != ' ' && !isWordRune(r) }) {
				t.Errorf("ParseQuery(%q) is %s", typed, expression)
			}
		}
		if len(q.terms) > MaxTerms || q.Empty() != (expression == "") {
			t.Errorf("ParseQuery(%q) has %d terms", typed, len(q.terms))
		}
		text = norm.NFC.String(strings.ToValidUTF8(text, "?"))
		var whole strings.Builder
		for _, p := range q.mark(text) {
			whole.WriteString(p.Text)
		}
		if whole.String() != text {
			t.Errorf("marking %q makes %q of %q", typed, whole.String(), text)
		}
		if got := bracketed(q.snippet(text)); !utf8.ValidString(got) {
			t.Errorf("the snippet for %q is %q", typed, got)
		}
	})
}

func TestPlaces(t *testing.T) {
	want := SearchPlace{ranking{asOf: 1 << 40, average: 83, weights: []byte{1, 255}}, ranked{id: 7, score: 1.0 / 3}}
	got, err := ParseSearchPlace(want.String())
	if err != nil || got.asOf != want.asOf || got.average != want.average || !slices.Equal(got.weights, want.weights) || got.last != want.last {
		t.Errorf("ParseSearchPlace(%q) = %+v, %v, want %+v", want, got, err, want)
	}
	for _, s := range []string{"x", "AAAA", "////", want.String() + "=", want.String()[:10], strings.Repeat("A", 1000), "\x00"} {
		if p, err := ParseSearchPlace(s); err == nil {
			t.Errorf("ParseSearchPlace(%q) = %+v, want an error", s, p)
		}
	}
}
