package templates

import (
	"html/template"
	"strings"
	"sync"
)

// A Memo renders one partial and remembers what came out: a partial shows its
// view and nothing else, so equal views look the same. It is safe for
// concurrent use.
type Memo[V comparable] struct {
	set   *Set
	name  string
	limit int

	mu       sync.Mutex
	young    map[V]template.HTML
	previous map[V]template.HTML // forgotten when young is full
}

// NewMemo returns a Memo of the partial with the given name that remembers
// between limit and twice as many views.
func NewMemo[V comparable](s *Set, name string, limit int) *Memo[V] {
	return &Memo[V]{set: s, name: name, limit: limit, young: map[V]template.HTML{}}
}

// Render returns the partial as it shows the view.
func (m *Memo[V]) Render(view V) (template.HTML, error) {
	if html, ok := m.recall(view); ok {
		return html, nil
	}
	var b strings.Builder
	if err := m.set.Partial(&b, m.name, view); err != nil {
		return "", err
	}
	html := template.HTML(b.String()) // escaped by the template
	m.keep(view, html)
	return html, nil
}

func (m *Memo[V]) recall(view V) (template.HTML, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if html, ok := m.young[view]; ok {
		return html, true
	}
	html, ok := m.previous[view]
	if ok {
		m.add(view, html)
	}
	return html, ok
}

func (m *Memo[V]) keep(view V, html template.HTML) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.add(view, html)
}

// add remembers a view. What nobody asked for while a whole generation came is
// forgotten.
func (m *Memo[V]) add(view V, html template.HTML) {
	if len(m.young) >= m.limit {
		m.previous, m.young = m.young, make(map[V]template.HTML, m.limit)
	}
	m.young[view] = html
}
