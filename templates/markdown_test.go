package templates

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/net/html"
)

func TestMarkdown(t *testing.T) {
	tests := []struct{ name, source, want string }{
		{"text", "Hello, café", "<p>Hello, café</p>"},
		{"a line ends where it ended", "one\ntwo", "<p>one<br>\ntwo</p>"},
		{"headings start below the title", "# One\n\n###### Six", "<h2>One</h2>\n<h6>Six</h6>"},
		{"headings below others", "> # One\n\n- # Two", "<blockquote>\n<h2>One</h2>\n</blockquote>\n<ul>\n<li>\n<h2>Two</h2>\n</li>\n</ul>"},
		{"heading ids stay out", "# post form {#post-form}", "<h2>post form {#post-form}</h2>"},
		{"emphasis", "*a* **b** ~~c~~ `d`", "<p><em>a</em> <strong>b</strong> <del>c</del> <code>d</code></p>"},
		{"list that starts at three", "3. a\n4. b", "<ol start=\"3\">\n<li>a</li>\n<li>b</li>\n</ol>"},
		{"link", "[a](https://example.com/?a=1&b=2)", `<p><a href="https://example.com/?a=1&amp;b=2" rel="nofollow noreferrer">a</a></p>`},
		{"bare link", "https://example.com", `<p><a href="https://example.com" rel="nofollow noreferrer">https://example.com</a></p>`},
		{"mail", "[a](mailto:a@example.com)", `<p><a href="mailto:a@example.com" rel="nofollow noreferrer">a</a></p>`},
		{"script link", "[a](javascript:alert(1))", "<p>a</p>"},
		{"data link", "[a](data:text/html,hello)", "<p>a</p>"},
		{"picture", "![my *cat*](https://example.com/cat.png)", `<p><a href="https://example.com/cat.png" rel="nofollow noreferrer">my cat</a></p>`},
		{"picture without words", "![](https://example.com/cat.png)", `<p><a href="https://example.com/cat.png" rel="nofollow noreferrer">picture</a></p>`},
		{"picture that runs", "![a](javascript:alert(1))", "<p>a</p>"},
		{"raw HTML", "<b onclick=alert(1)>hi</b>", "<p>&lt;b onclick=alert(1)&gt;hi&lt;/b&gt;</p>"},
		{"raw block", "<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>"},
		{"code keeps its signs", "```html\n<script>\n```", "<pre><code>&lt;script&gt;\n</code></pre>"},
		{"table", "|a|b|\n|:-|-:|\n|1|2|", "<table>\n<thead>\n<tr>\n<th align=\"left\">a</th>\n<th align=\"right\">b</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n<td align=\"left\">1</td>\n<td align=\"right\">2</td>\n</tr>\n</tbody>\n</table>"},
		{"template syntax is text", "{{.}} {{printf}}", "<p>{{.}} {{printf}}</p>"},
		{"nothing", "", ""},
	}
	m := NewMarkdown()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := strings.TrimSpace(render(t, m, tt.source).HTML); got != tt.want {
				t.Errorf("Render(%q) = %q, want %q", tt.source, got, tt.want)
			}
		})
	}
}

func render(t *testing.T, m *Markdown, source string) Rendering {
	t.Helper()
	r, err := m.Render(source)
	if err != nil {
		t.Fatalf("Render(%.40q): %v", source, err)
	}
	return r
}

// A text of the length that is accepted cannot fill the memory.
func TestRenderingIsBounded(t *testing.T) {
	m := NewMarkdown()
	rows := strings.Repeat("|a", 6600) + "|\n" + strings.Repeat("|-", 6600) + "|\n" + strings.Repeat("|\n", 6600)
	for _, source := range []string{rows, "> " + strings.ReplaceAll(rows, "\n", "\n> ")} {
		r := render(t, m, source)
		if strings.Contains(r.HTML, "<td") || len(r.HTML) > 4*len(source) {
			t.Errorf("a table of millions of cells is %d bytes of HTML", len(r.HTML))
		}
	}
	links := []string{
		"[a]: http://x.example/" + strings.Repeat("y", 20_000) + "\n\n" + strings.Repeat("[a]", 6500),
		"[a]: /xxxxxxxxxxxxxxxxxxxx\n\n" + strings.Repeat("[a] ", 6000), // what is said of each link makes it too large
	}
	for _, link := range links {
		if r, err := m.Render(link); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%.40q… is %d bytes of HTML, %v; want ErrTooLarge", link, len(r.HTML), err)
		}
	}
}

func TestExcerpt(t *testing.T) {
	tests := []struct{ name, source, want string }{
		{"blocks are parted", "# One\n\ntwo\nthree\n\n- four", "One two three four"},
		{"signs are read", "*a* &amp; \\*b\\* &lt;c&gt; [d](https://example.com)", "a & *b* <c> d"},
		{"code and links", "`x`\n\n    y\n\nhttps://example.com", "x https://example.com"},
		{"tables", "a\n\n|b|c|\n|-|-|\n|d|e|\n\nf", "a f"},
		{"short enough", strings.Repeat("é", maxExcerpt), strings.Repeat("é", maxExcerpt)},
		{"cut in a word", strings.Repeat("é", maxExcerpt+1), strings.Repeat("é", maxExcerpt) + "…"},
		{"cut between words", strings.Repeat("four ", 100), strings.TrimSpace(strings.Repeat("four ", 56)) + "…"},
		{"HTML is text", "<b>hi</b> there", "<b>hi</b> there"},
		{"nothing", "", ""},
	}
	m := NewMarkdown()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := render(t, m, tt.source).Excerpt; got != tt.want {
				t.Errorf("excerpt of %q = %q, want %q", tt.source, got, tt.want)
			}
		})
	}
}

// FuzzMarkdown looks for a text whose rendering holds anything that could run
// or pass for a part of the page.
func FuzzMarkdown(f *testing.F) {
	for _, seed := range []string{
		"[a](javascript:alert`1`)", "<svg/onload=alert(1)>", "![x](x 'onerror=alert(1)')", "<a href='x' hx-get=/>",
		"[a]: javascript:x\n\n[a]", "<https://a.example/\"onclick=1>", "|a|\n|-|\n|<script>|", "&#x6A;avascript:", "[x](\x01javascript:x)",
		"<style>*{}</style>", "***a*\n> `", "\x00<b>", "[a](//evil.test)", "[a](data:text/html;base64,PHNjcmlwdD4=)",
	} {
		f.Add(seed)
	}
	m := NewMarkdown()
	f.Fuzz(func(t *testing.T, source string) {
		r, err := m.Render(source)
		if err != nil {
			t.Skip(err)
		}
		if n := utf8.RuneCountInString(r.Excerpt); n > maxExcerpt+1 {
			t.Errorf("the excerpt of %q has %d characters", source, n)
		}
		doc, err := html.Parse(strings.NewReader(r.HTML))
		if err != nil {
			t.Fatal(err)
		}
		for n := range doc.Descendants() {
			if n.Type == html.ElementNode {
				checkElement(t, source, n)
			}
		}
	})
}

func checkElement(t *testing.T, source string, n *html.Node) {
	t.Helper()
	switch n.Data {
	case "script", "style", "img", "svg", "iframe", "form", "input", "object", "link", "meta":
		t.Errorf("%q renders <%s>", source, n.Data)
	}
	for _, a := range n.Attr {
		switch a.Key {
		case "href":
			scheme, _, found := strings.Cut(strings.ToLower(strings.TrimSpace(a.Val)), ":")
			if found && !strings.ContainsAny(scheme, "/?#") && scheme != "http" && scheme != "https" && scheme != "mailto" {
				t.Errorf("%q links to %q", source, a.Val)
			}
		case "rel", "start", "align":
		default:
			t.Errorf("%q renders <%s %s=%q>", source, n.Data, a.Key, a.Val)
		}
	}
}

func BenchmarkMarkdown(b *testing.B) {
	m := NewMarkdown()
	source := strings.Repeat("Some *words* with a [link](https://example.com) and `code`.\n\n", 16)
	b.ReportAllocs()
	for b.Loop() {
		m.Render(source)
	}
}

// BenchmarkMarkdownHostile renders the longest text that is accepted, made to
// be slow.
func BenchmarkMarkdownHostile(b *testing.B) {
	m := NewMarkdown()
	for _, unit := range []string{"> ", "[", "*a **b ", "![", "`", "|", "- ", "<", "[a](", "_", "&", "\\"} {
		source := strings.Repeat(unit, 40_000/len(unit))
		b.Run(unit, func(b *testing.B) {
			for b.Loop() {
				m.Render(source)
			}
		})
	}
}
