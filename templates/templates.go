// Package templates is what pages look like: the layout, the pages and the
// partials they are made of, and how a post's Markdown becomes HTML.
//
// A page is a document in layout.html. A partial defines one template named
// like its file and can be sent alone, as a fragment of a page.
package templates

import (
	"embed"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"text/template/parse"
)

//go:embed layout.html pages partials
var files embed.FS

// Set holds all templates, parsed. It is safe for concurrent use.
type Set struct {
	pages    map[string]*template.Template
	partials *template.Template
}

// Parse reads the embedded templates. AssetURL turns the name of a static file
// into its address.
func Parse(assetURL func(name string) string) (*Set, error) {
	empty := func() *template.Template {
		return template.New("").Funcs(template.FuncMap{"asset": assetURL}).Option("missingkey=error")
	}
	partials, err := empty().ParseFS(files, "partials/*.html")
	if err != nil {
		return nil, fmt.Errorf("templates: %w", err)
	}
	names, err := fs.Glob(files, "pages/*.html")
	if err != nil {
		return nil, fmt.Errorf("templates: %w", err)
	}
	s := &Set{pages: map[string]*template.Template{}, partials: partials}
	for _, name := range names {
		page, err := empty().ParseFS(files, "layout.html", name)
		if err == nil {
			err = addPartials(page, partials)
		}
		if err != nil {
			return nil, fmt.Errorf("templates: %s: %w", name, err)
		}
		s.pages[strings.TrimSuffix(path.Base(name), ".html")] = page
	}
	return s, nil
}

// addPartials adds to a page the partials that its templates show. A page with
// all of them would be ten times as large.
func addPartials(page, partials *template.Template) error {
	for _, t := range page.Templates() {
		if t.Tree == nil { // a file that only defines others
			continue
		}
		if err := addShown(page, partials, t.Tree); err != nil {
			return err
		}
	}
	return nil
}

// addShown adds what a tree shows, and what that shows.
func addShown(page, partials *template.Template, tree *parse.Tree) error {
	for _, name := range shownBy(tree.Root) {
		if page.Lookup(name) != nil {
			continue
		}
		partial := partials.Lookup(name)
		if partial == nil {
			return fmt.Errorf("there is no partial %q", name)
		}
		shown := partial.Tree.Copy() // each set escapes its own
		if _, err := page.AddParseTree(name, shown); err != nil {
			return err
		}
		if err := addShown(page, partials, shown); err != nil {
			return err
		}
	}
	return nil
}

// shownBy returns the names of the templates that nodes show.
func shownBy(list *parse.ListNode) []string {
	if list == nil { // no {{else}}
		return nil
	}
	var names []string
	branch := func(b parse.BranchNode) { names = slices.Concat(names, shownBy(b.List), shownBy(b.ElseList)) }
	for _, node := range list.Nodes {
		switch n := node.(type) {
		case *parse.TemplateNode:
			names = append(names, n.Name)
		case *parse.IfNode:
			branch(n.BranchNode)
		case *parse.RangeNode:
			branch(n.BranchNode)
		case *parse.WithNode:
			branch(n.BranchNode)
		}
	}
	return names
}

// Page writes the whole document of the page with the given name.
func (s *Set) Page(w io.Writer, name string, data any) error {
	page, ok := s.pages[name]
	if !ok {
		return fmt.Errorf("templates: no page %q", name)
	}
	return page.ExecuteTemplate(w, "layout", data)
}

// Partial writes the partial with the given name.
func (s *Set) Partial(w io.Writer, name string, data any) error {
	return s.partials.ExecuteTemplate(w, name, data)
}

// Pages returns the names of all pages, sorted.
func (s *Set) Pages() []string {
	var names []string
	for name := range s.pages {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Partials returns the names of all partials, sorted.
func (s *Set) Partials() []string {
	var names []string
	for _, t := range s.partials.Templates() {
		if !strings.Contains(t.Name(), ".") && t.Name() != "" {
			names = append(names, t.Name())
		}
	}
	slices.Sort(names)
	return names
}
