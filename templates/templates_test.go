package templates

import (
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"
)

func newSet(t *testing.T) *Set {
	t.Helper()
	set, err := Parse(func(name string) string { return "/static/" + name })
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// Every file is a template of its own name, and nothing else is one.
func TestNamesAreThoseOfFiles(t *testing.T) {
	set := newSet(t)
	tests := []struct {
		pattern string
		names   []string
	}{
		{"pages/*.html", set.Pages()},
		{"partials/*.html", set.Partials()},
	}
	for _, tt := range tests {
		paths, err := fs.Glob(files, tt.pattern)
		if err != nil || len(paths) == 0 {
			t.Fatalf("%s: %v, %v", tt.pattern, paths, err)
		}
		var want []string
		for _, p := range paths {
			want = append(want, strings.TrimSuffix(path.Base(p), ".html"))
		}
		slices.Sort(want)
		if !slices.Equal(tt.names, want) {
			t.Errorf("the templates of %s are %q, want %q", tt.pattern, tt.names, want)
		}
	}
}

func TestUnknownNames(t *testing.T) {
	set := newSet(t)
	for _, name := range []string{"", "nothing", "layout", "feed.html", "../layout", "main"} {
		if err := set.Page(io.Discard, name, nil); err == nil {
			t.Errorf("there is a page %q", name)
		}
		if err := set.Partial(io.Discard, name, nil); err == nil {
			t.Errorf("there is a partial %q", name)
		}
	}
}

// A page holds the partials that it shows, at whatever depth, and no others.
func TestPagesHoldWhatTheyShow(t *testing.T) {
	drafts := newSet(t).pages["drafts"]
	for name, want := range map[string]bool{"posts": true, "more": true, "menu": true, "avatar": true, "post-item": false, "data-rows": false} {
		if got := drafts.Lookup(name) != nil; got != want {
			t.Errorf("the page drafts holds %s: %t, want %t", name, got, want)
		}
	}
}

func TestWrongViewIsAnError(t *testing.T) {
	set := newSet(t)
	for _, name := range set.Pages() {
		if err := set.Page(io.Discard, name, struct{}{}); err == nil {
			t.Errorf("the page %s shows a view that it does not know", name)
		}
	}
	for _, name := range set.Partials() {
		if slices.Contains([]string{"detail", "mark", "status", "title"}, name) {
			continue // they show any text
		}
		if err := set.Partial(io.Discard, name, struct{}{}); err == nil {
			t.Errorf("the partial %s shows a view that it does not know", name)
		}
	}
}

func TestStatusIsText(t *testing.T) {
	var b strings.Builder
	if err := newSet(t).Partial(&b, "status", `<script>"&`); err != nil {
		t.Fatal(err)
	}
	if want := "&lt;script&gt;&#34;&amp;"; !strings.Contains(b.String(), want) {
		t.Errorf("the status is %s, want it to contain %s", b.String(), want)
	}
}

// No template can ask for anything unsafe: what only JavaScript from a string
// could do, or a style that stands in the page.
func TestTemplatesHoldNothingInline(t *testing.T) {
	err := fs.WalkDir(files, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(files, p)
		for _, word := range []string{"hx-on", "js:", "javascript:", " style=", "<style", "onclick", "hx-vals", "hx-vars"} {
			if strings.Contains(string(text), word) {
				t.Errorf("%s holds %q", p, word)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
