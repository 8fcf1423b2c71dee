package templates

import (
	"bytes"
	"errors"
	"reflect"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	east "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// MarkdownVersion names what Markdown.Render makes of a text. It grows with
// every change of its output, so that stored renderings can be told old.
const MarkdownVersion = 1

// maxExcerpt is how long an excerpt may be, in code points.
const maxExcerpt = 280

// Markdown turns what people write into HTML. It is safe for concurrent use.
type Markdown struct {
	markdown goldmark.Markdown
	policy   *bluemonday.Policy
}

// Rendering is a text ready to be shown.
type Rendering struct {
	HTML    string // sanitised
	Excerpt string // the beginning as plain text on one line
}

// NewMarkdown returns a renderer of Markdown with tables, strike-through and
// bare links. A line ends where the writer ended it, and HTML is text.
// Headings begin at level 2, below the post's title. A picture becomes a link
// to it: loading it from elsewhere would tell that place who reads.
func NewMarkdown() *Markdown {
	return &Markdown{
		markdown: goldmark.New(
			goldmark.WithParser(newParser()),
			goldmark.WithExtensions(
				tables{},
				extension.Strikethrough,
				extension.Linkify,
			),
			goldmark.WithRendererOptions(
				html.WithHardWraps(),
				renderer.WithNodeRenderers(util.Prioritized(imageLinks{}, 100)),
			),
		),
		policy: newPolicy(),
	}
}

// newParser knows all of CommonMark but raw HTML: what looks like it is text
// that somebody wrote, and stays readable.
func newParser() parser.Parser {
	return parser.NewParser(
		parser.WithBlockParsers(without(parser.NewHTMLBlockParser(), parser.DefaultBlockParsers())...),
		parser.WithInlineParsers(without(parser.NewRawHTMLParser(), parser.DefaultInlineParsers())...),
		parser.WithParagraphTransformers(parser.DefaultParagraphTransformers()...),
		parser.WithASTTransformers(util.Prioritized(lowerHeadings{}, 100)),
	)
}

// without returns the list without what is of the same type as unwanted.
func without(unwanted any, list []util.PrioritizedValue) []util.PrioritizedValue {
	return slices.DeleteFunc(list, func(v util.PrioritizedValue) bool {
		return reflect.TypeOf(v.Value) == reflect.TypeOf(unwanted)
	})
}

// newPolicy allows what Markdown can say and nothing that could run, load,
// look like a part of the page or be found by its id.
func newPolicy() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "hr", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "code",
		"em", "strong", "del", "ol", "ul", "li", "table", "thead", "tbody", "tr", "th", "td")
	p.AllowAttrs("start").Matching(bluemonday.Integer).OnElements("ol")
	p.AllowAttrs("align").Matching(bluemonday.CellAlign).OnElements("th", "td")
	p.AllowAttrs("href").OnElements("a")
	p.AllowURLSchemes("http", "https", "mailto")
	p.AllowRelativeURLs(true)
	p.RequireParseableURLs(true)
	p.RequireNoFollowOnLinks(true)
	p.RequireNoReferrerOnLinks(true)
	return p
}

// ErrTooLarge says that a text becomes much longer when it is shown: a long
// address that is referred to a thousand times, say.
var ErrTooLarge = errors.New("templates: the rendering is too large")

// maxHTML is how long a rendering may be, in bytes. A text of 40,000 signs
// that somebody wrote to be read stays far below.
const maxHTML = 256 << 10

// Render returns the rendering of a text, or ErrTooLarge. What is no Markdown
// is text.
func (m *Markdown) Render(source string) (Rendering, error) {
	src := []byte(source)
	doc := m.markdown.Parser().Parse(text.NewReader(src))
	var b bounded
	if err := m.markdown.Renderer().Render(&b, src, doc); err != nil {
		return Rendering{}, err
	}
	html := m.policy.Sanitize(b.String()) // which says of each link what it is not
	if len(html) > maxHTML {
		return Rendering{}, ErrTooLarge
	}
	return Rendering{HTML: html, Excerpt: excerpt(doc, src)}, nil
}

// bounded holds at most maxHTML bytes.
type bounded struct{ buf bytes.Buffer }

// Write implements io.Writer; its error is ErrTooLarge.
func (b *bounded) Write(p []byte) (int, error) {
	if b.buf.Len()+len(p) > maxHTML {
		return 0, ErrTooLarge
	}
	return b.buf.Write(p)
}

func (b *bounded) String() string { return b.buf.String() }

// maxCells is how many cells a table may have. A row may leave its last cells
// out, and goldmark makes them all the same: a header of thousands of columns
// over thousands of empty rows would fill the memory.
const maxCells = 5000

// tables is goldmark's extension for tables without very large ones.
type tables struct{}

// Extend implements goldmark.Extender.
func (tables) Extend(m goldmark.Markdown) {
	m.Parser().AddOptions(
		parser.WithParagraphTransformers(util.Prioritized(boundedTable{extension.NewTableParagraphTransformer()}, 200)),
		parser.WithASTTransformers(util.Prioritized(extension.NewTableASTTransformer(), 0)),
	)
	m.Renderer().AddOptions(renderer.WithNodeRenderers(util.Prioritized(
		extension.NewTableHTMLRenderer(extension.WithTableCellAlignMethod(extension.TableCellAlignAttribute)), 500)))
}

type boundedTable struct{ parser.ParagraphTransformer }

// Transform leaves a paragraph alone that would become too large a table.
func (t boundedTable) Transform(node *ast.Paragraph, reader text.Reader, pc parser.Context) {
	columns, lines := 0, node.Lines()
	for i := range lines.Len() {
		line := lines.At(i)
		columns = max(columns, 1+bytes.Count(line.Value(reader.Source()), []byte("|")))
	}
	if columns*lines.Len() <= maxCells {
		t.ParagraphTransformer.Transform(node, reader, pc)
	}
}

// lowerHeadings makes room for the title of the post above all headings.
type lowerHeadings struct{}

func (lowerHeadings) Transform(doc *ast.Document, _ text.Reader, _ parser.Context) {
	ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if h, ok := n.(*ast.Heading); ok && entering {
			h.Level = min(h.Level+1, 6)
		}
		return ast.WalkContinue, nil
	})
}

// imageLinks renders pictures as links.
type imageLinks struct{}

func (imageLinks) RegisterFuncs(reg renderer.NodeRendererFuncRegisterer) {
	reg.Register(ast.KindImage, renderImage)
}

func renderImage(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	destination := util.EscapeHTML(util.URLEscape(n.(*ast.Image).Destination, true))
	label := plainText(n, source, maxExcerpt)
	if label == "" {
		label = "picture"
	}
	w.WriteString(`<a href="`)
	w.Write(destination)
	w.WriteString(`">`)
	w.Write(util.EscapeHTML([]byte(label)))
	w.WriteString(`</a>`)
	return ast.WalkSkipChildren, nil
}

func excerpt(doc ast.Node, source []byte) string {
	s := plainText(doc, source, maxExcerpt+1)
	if utf8.RuneCountInString(s) <= maxExcerpt {
		return s
	}
	cut := string([]rune(s)[:maxExcerpt])
	if i := strings.LastIndexFunc(cut, unicode.IsSpace); i > len(cut)*3/4 {
		cut = cut[:i]
	}
	return strings.TrimRightFunc(cut, unicode.IsSpace) + "…"
}

// plainText returns the running text below n, without tables and blocks of
// code, with its white space folded and cut soon after limit code points.
func plainText(n ast.Node, source []byte, limit int) string {
	var b strings.Builder
	ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if b.Len() > utf8.UTFMax*limit {
			return ast.WalkStop, nil
		}
		switch n.Kind() {
		case east.KindTable, ast.KindCodeBlock, ast.KindFencedCodeBlock:
			return ast.WalkSkipChildren, nil // no running text
		}
		if entering {
			writeText(&b, n, source)
		}
		if n.Type() == ast.TypeBlock {
			b.WriteByte(' ')
		}
		return ast.WalkContinue, nil
	})
	folded := strings.Join(strings.Fields(b.String()), " ")
	if utf8.RuneCountInString(folded) > limit {
		return string([]rune(folded)[:limit])
	}
	return folded
}

func writeText(b *strings.Builder, n ast.Node, source []byte) {
	switch n := n.(type) {
	case *ast.Text:
		b.Write(util.UnescapePunctuations(util.ResolveEntityNames(util.ResolveNumericReferences(n.Segment.Value(source)))))
		if n.SoftLineBreak() || n.HardLineBreak() {
			b.WriteByte(' ')
		}
	case *ast.String:
		b.Write(n.Value)
	case *ast.AutoLink:
		b.Write(n.Label(source))
	}
}
