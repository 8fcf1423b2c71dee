package templates

import (
	"fmt"
	"html/template"
	"strings"

	lru "github.com/hashicorp/golang-lru/v2"
)

// A Memo renders one partial and remembers what came out: a partial shows its
// view and nothing else, so equal views look the same. It is safe for
// concurrent use.
type Memo[V comparable] struct {
	set   *Set
	name  string
	shown *lru.Cache[V, template.HTML]
}

// NewMemo returns a Memo of the partial with the given name that remembers the
// last limit views. A limit below one is an error.
func NewMemo[V comparable](s *Set, name string, limit int) (*Memo[V], error) {
	shown, err := lru.New[V, template.HTML](limit)
	if err != nil {
		return nil, fmt.Errorf("templates: memo of %s: %w", name, err)
	}
	return &Memo[V]{set: s, name: name, shown: shown}, nil
}

// Render returns the partial as it shows the view.
func (m *Memo[V]) Render(view V) (template.HTML, error) {
	if html, ok := m.shown.Get(view); ok {
		return html, nil
	}
	var b strings.Builder
	if err := m.set.Partial(&b, m.name, view); err != nil {
		return "", err
	}
	html := template.HTML(b.String()) // escaped by the template
	m.shown.Add(view, html)
	return html, nil
}
