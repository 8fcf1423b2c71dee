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
	funcs := template.FuncMap{"asset": assetURL}
	partials, err := template.New("").Funcs(funcs).Option("missingkey=error").ParseFS(files, "partials/*.html")
	if err != nil {
		return nil, fmt.Errorf("templates: %w", err)
	}
	names, err := fs.Glob(files, "pages/*.html")
	if err != nil {
		return nil, fmt.Errorf("templates: %w", err)
	}
	s := &Set{pages: map[string]*template.Template{}, partials: partials}
	for _, name := range names {
		page, err := template.Must(partials.Clone()).ParseFS(files, "layout.html", name)
		if err != nil {
			return nil, fmt.Errorf("templates: %w", err)
		}
		s.pages[strings.TrimSuffix(path.Base(name), ".html")] = page
	}
	return s, nil
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
