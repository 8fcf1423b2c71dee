package handlers

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// markupProblems returns what is wrong with a page or a fragment.
func markupProblems(t testing.TB, body string) []string {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	m := markup{ids: map[string]bool{}, labelled: map[string]bool{}}
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode {
			m.look(n)
		}
	}
	for _, id := range m.references {
		if !m.ids[id] {
			m.fault("nothing has the id %q", id)
		}
	}
	for _, field := range m.fields {
		if !m.labelled[attr(field, "id")] {
			m.fault("<%s name=%q> has no label", field.Data, attr(field, "name"))
		}
	}
	if strings.HasPrefix(body, "<!doctype html>") {
		m.lookAtHeadings()
	}
	m.compare(t, body)
	return m.faults
}

// A markup is what is found in a document.
type markup struct {
	ids        map[string]bool
	references []string        // ids that others name
	labelled   map[string]bool // ids of fields
	fields     []*html.Node    // that need a label which names them
	headings   []int           // levels; what users wrote has its own order
	faults     []string
}

func (m *markup) fault(format string, args ...any) {
	m.faults = append(m.faults, fmt.Sprintf(format, args...))
}

func (m *markup) look(n *html.Node) {
	if level := strings.TrimPrefix(n.Data, "h"); len(n.Data) == 2 && level >= "1" && level <= "6" && !isInside(n, isProse) {
		m.headings = append(m.headings, int(level[0]-'0'))
	}
	if n.Data == "label" {
		m.labelled[attr(n, "for")] = true
	}
	if isField(n) && attr(n, "aria-label") == "" && attr(n, "aria-labelledby") == "" && !isInside(n, isLabel) {
		m.fields = append(m.fields, n)
	}
	if n.Data == "style" || n.Data == "script" && (attr(n, "src") == "" || n.FirstChild != nil) {
		m.fault("there is an inline <%s>", n.Data)
	}
	if n.Data == "form" && (!slices.Contains([]string{"get", "post"}, attr(n, "method")) || attr(n, "action") == "") {
		m.fault("a form has method %q and action %q", attr(n, "method"), attr(n, "action"))
	}
	for _, a := range n.Attr {
		m.lookAt(n, a)
	}
}

// isInside reports whether an element is inside of such a one.
func isInside(n *html.Node, such func(*html.Node) bool) bool {
	for up := range n.Ancestors() {
		if such(up) {
			return true
		}
	}
	return false
}

func isLabel(n *html.Node) bool { return n.Data == "label" }
func isProse(n *html.Node) bool { return slices.Contains(strings.Fields(attr(n, "class")), "prose") }

// isField reports whether an element is one that is filled in or chosen.
func isField(n *html.Node) bool {
	return n.Data == "select" || n.Data == "textarea" || n.Data == "input" && attr(n, "type") != "hidden"
}

// lookAtHeadings makes sure that a page has one heading of level 1 and leaves
// out no level below it.
func (m *markup) lookAtHeadings() {
	ones, above := 0, 0
	for _, level := range m.headings {
		if level == 1 {
			ones++
		}
		if level > above+1 {
			m.fault("an h%d follows an h%d", level, above)
		}
		above = level
	}
	if ones != 1 {
		m.fault("there are %d h1", ones)
	}
}

// asTemplates makes of parts for htmx what it makes of them.
var asTemplates = strings.NewReplacer("<hx-partial", "<template", "</hx-partial>", "</template>")

// compare makes sure that browsers find nothing to mend in the tags: each is
// closed where it ought to be, and stands where it may.
func (m *markup) compare(t testing.TB, body string) {
	t.Helper()
	body = asTemplates.Replace(body)
	var parsed strings.Builder
	for _, n := range parseTop(t, body) {
		if err := html.Render(&parsed, n); err != nil {
			t.Fatal(err)
		}
	}
	written, read := tags(body), tags(parsed.String())
	for i := range max(len(written), len(read)) {
		if i >= len(written) || i >= len(read) || written[i] != read[i] {
			m.fault("after %s browsers read %s where %s is written", written[max(0, i-3):min(i, len(written))],
				read[min(i, len(read)):min(i+3, len(read))], written[min(i, len(written)):min(i+3, len(written))])
			return
		}
	}
}

// parseTop parses a document, or a fragment as the content of a template.
func parseTop(t testing.TB, body string) []*html.Node {
	t.Helper()
	if strings.HasPrefix(body, "<!doctype html>") {
		doc, err := html.Parse(strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		return []*html.Node{doc}
	}
	nodes, err := html.ParseFragment(strings.NewReader(body), &html.Node{Type: html.ElementNode, Data: "template", DataAtom: atom.Template})
	if err != nil {
		t.Fatal(err)
	}
	return nodes
}

// tags returns the tags of a text in their order, without those of html, head
// and body, which may be left out.
func tags(text string) []string {
	var found []string
	for z := html.NewTokenizer(strings.NewReader(text)); ; {
		kind := z.Next()
		name, _ := z.TagName()
		tag := string(name)
		if kind == html.ErrorToken {
			return found
		}
		if slices.Contains([]string{"html", "head", "body"}, tag) {
			continue
		}
		switch kind {
		case html.StartTagToken:
			found = append(found, tag)
		case html.EndTagToken:
			found = append(found, "/"+tag)
		case html.SelfClosingTagToken:
			if found = append(found, tag); !slices.Contains([]string{"br", "hr", "img", "input", "link", "meta"}, tag) {
				found = append(found, "/"+tag)
			}
		}
	}
}

func (m *markup) lookAt(n *html.Node, a html.Attribute) {
	switch {
	case a.Key == "style" || strings.HasPrefix(a.Key, "on") || strings.HasPrefix(a.Key, "hx-on"):
		m.fault("<%s> has the attribute %s", n.Data, a.Key)
	case a.Key == "id" && m.ids[a.Val]:
		m.fault("two elements have the id %q", a.Val)
	case a.Key == "id":
		m.ids[a.Val] = true
	case a.Key == "for" || a.Key == "aria-describedby" || a.Key == "aria-labelledby":
		m.references = append(m.references, strings.Fields(a.Val)...)
	case a.Key == "hx-get" || a.Key == "hx-post" || a.Key == "hx-delete":
		m.lookAtRequest(n, a)
	}
}

// lookAtRequest makes sure that what htmx asks for can be had without it: by
// the same element, or by a link or a form within.
func (m *markup) lookAtRequest(n *html.Node, a html.Attribute) {
	if strings.HasSuffix(pathOf(a.Val), "/autosave") || strings.HasSuffix(a.Val, "/preview?again") {
		return // the buttons of the form save it, or show the preview
	}
	plain := map[string]string{"a": "href", "form": "action", "button": "formaction"}[n.Data]
	if plain == "" {
		for within := range n.Descendants() {
			to := attr(within, map[string]string{"a": "href", "form": "action"}[within.Data])
			if to != "" && pathOf(to) == pathOf(a.Val) {
				return
			}
		}
	}
	if plain == "" || pathOf(attr(n, plain)) != pathOf(a.Val) {
		m.fault("<%s> does %s=%q with htmx alone", n.Data, a.Key, a.Val)
	}
}

func pathOf(target string) string {
	u, err := url.Parse(target)
	if err != nil {
		return target
	}
	return u.Path
}

// TestMarkupProblems tests the inspection itself.
func TestMarkupProblems(t *testing.T) {
	const page = "<!doctype html><h1>One</h1>"
	tests := []struct{ name, body, want string }{
		{"good", page + `<form method="post" action="/a" hx-post="/a"><label for="x">X</label><input id="x" name="x"></form>`, ""},
		{"fragment without a heading", `<p>One</p>`, ""},
		{"two headings", page + "<h1>Two</h1>", "there are 2 h1"},
		{"level left out", page + "<h2>Two</h2><h4>Four</h4><h2>Two</h2>", "an h4 follows an h2"},
		{"level left out by a user", page + `<div class="prose"><h4>Four</h4></div>`, ""},
		{"id twice", page + `<p id="a"></p><p id="a"></p>`, `two elements have the id "a"`},
		{"field without a label", page + `<input id="b" name="c">`, `<input name="c"> has no label`},
		{"field in its label", page + `<label>A <select></select></label><textarea aria-label="B"></textarea><input type="hidden">`, ""},
		{"never closed", page + `<p>A<b>B</p>`, "after [/h1 p b] browsers read [/b /p] where [/p] is written"},
		{"never opened", page + `</div>`, "after [h1 /h1] browsers read [] where [/div] is written"},
		{"div in p", page + `<p><div></div></p>`, "after [h1 /h1 p] browsers read [/p div /div] where [div /div /p] is written"},
		{"rows for a table", `<tr><td>A</td></tr><hx-partial hx-target="#a"><tr><td>B</td></tr></hx-partial>`, ""},
		{"picture", page + `<svg><path d="M0 0"/></svg><br><img src="a" alt="">`, ""},
		{"label of nothing", page + `<label for="a">A</label>`, `nothing has the id "a"`},
		{"description by nothing", page + `<input aria-label="B" aria-describedby="a">`, `nothing has the id "a"`},
		{"inline style", page + `<p style="color:red"></p>`, "<p> has the attribute style"},
		{"inline handler", page + `<p onclick="a()"></p>`, "<p> has the attribute onclick"},
		{"inline script", page + `<script>a()</script>`, "there is an inline <script>"},
		{"form without a method", page + `<form action="/a"></form>`, `a form has method "" and action "/a"`},
		{"button for htmx alone", page + `<button hx-post="/a">A</button>`, `<button> does hx-post="/a" with htmx alone`},
		{"link elsewhere", page + `<a href="/b" hx-get="/a">A</a>`, `<a> does hx-get="/a" with htmx alone`},
		{"link within", page + `<details hx-get="/a?b"><a href="/a">A</a></details>`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := strings.Join(markupProblems(t, tt.body), "; "); got != tt.want {
				t.Errorf("%s has the problems %q, want %q", tt.body, got, tt.want)
			}
		})
	}
}
