package templates

import (
	"fmt"
	"sync"
	"testing"
)

func TestMemoRemembersWithinItsLimit(t *testing.T) {
	set, err := Parse(func(name string) string { return name })
	if err != nil {
		t.Fatal(err)
	}
	const limit = 10
	m, err := NewMemo[string](set, "status", limit)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for n := range 4 {
		all.Go(func() {
			for i := range 100 {
				view := fmt.Sprintf("<%d>", (i+n)%37)
				var want partialText
				if err := set.Partial(&want, "status", view); err != nil {
					t.Error(err)
				}
				if got, err := m.Render(view); err != nil || string(got) != string(want) {
					t.Errorf("Render(%q) = %q, %v; want %q", view, got, err, want)
				}
			}
		})
	}
	all.Wait()
	if n := m.shown.Len(); n > limit {
		t.Errorf("%d views are remembered, want at most %d", n, limit)
	}
}

type partialText []byte

func (p *partialText) Write(b []byte) (int, error) {
	*p = append(*p, b...)
	return len(b), nil
}

func TestMemoKeepsNoFailure(t *testing.T) {
	set, err := Parse(func(name string) string { return name })
	if err != nil {
		t.Fatal(err)
	}
	m, err := NewMemo[int](set, "post-item", 10)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := m.Render(1); err == nil {
			t.Error("a number is shown as a post")
		}
	}
}
