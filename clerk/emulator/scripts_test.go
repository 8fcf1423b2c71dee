package emulator_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"inkwell/clerk/emulator"
)

// npmFolder returns a folder as npm makes it, with one chunk per package.
func npmFolder(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "node_modules")
	for _, name := range []string{"@clerk/clerk-js/dist/clerk.browser.js", "@clerk/clerk-js/dist/chunk_6.40.0.js", "@clerk/ui/dist/ui.browser.js", "@clerk/ui/dist/deep/er/chunk.js", "@clerk/secret/dist/key", "other"} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte("// "+name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestScriptFolder(t *testing.T) {
	dir := npmFolder(t)
	outside := filepath.Join(filepath.Dir(dir), "outside.js")
	if err := os.WriteFile(outside, []byte("// secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "@clerk/ui/dist/link.js")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "@clerk/ui/dist/pipe.js"), 0o600); err != nil {
		t.Fatal(err)
	}
	e := newEmulator(t, emulator.Options{ScriptDir: dir})
	tests := []struct {
		path string
		want string // the file; empty means 404
	}{
		{"clerk-js@6/dist/clerk.browser.js", "@clerk/clerk-js/dist/clerk.browser.js"},
		{"clerk-js/dist/clerk.browser.js", "@clerk/clerk-js/dist/clerk.browser.js"},
		{"clerk-js@6.40.0/dist/chunk_6.40.0.js", "@clerk/clerk-js/dist/chunk_6.40.0.js"},
		{"ui@1/dist/ui.browser.js", "@clerk/ui/dist/ui.browser.js"},
		{"ui@1/dist/deep/er/chunk.js", "@clerk/ui/dist/deep/er/chunk.js"},
		{"ui@1/dist/deep", ""},
		{"ui@1/dist/deep/", ""},
		{"ui@1/dist/none.js", ""},
		{"ui@1/dist/link.js", ""},
		{"ui@1/dist/pipe.js", ""},
		{"ui@1/dist/%2e%2e/%2e%2e/%2e%2e/other", ""},
		{"ui@1/dist/..%2f..%2f..%2fother", ""},
		{"ui@1/dist/..%5c..%5cother", ""},
		{"secret/dist/key", ""},
	}
	for _, tt := range tests {
		w := serve(e, local("GET", "/__clerk/npm/@clerk/"+tt.path, ""))
		if tt.want == "" {
			if w.Code != http.StatusNotFound {
				t.Errorf("%s = %d, want 404", tt.path, w.Code)
			}
			continue
		}
		if w.Code != http.StatusOK || w.Body.String() != "// "+tt.want || w.Header().Get("Cache-Control") != "no-cache" {
			t.Errorf("%s = %d %q, want %s", tt.path, w.Code, w.Body, tt.want)
		}
		if got := w.Header().Get("Content-Type"); !strings.HasPrefix(got, "text/javascript") {
			t.Errorf("%s is %q", tt.path, got)
		}
	}
}

func TestScriptFolderThatIsNone(t *testing.T) {
	dir := npmFolder(t)
	wantRefusal := func(wrong string) {
		t.Helper()
		_, err := emulator.New(emulator.Options{ScriptDir: wrong})
		if err == nil || !strings.Contains(err.Error(), wrong) || !strings.Contains(err.Error(), ".ci/fetch") {
			t.Errorf("with the scripts in %s: %v", wrong, err)
		}
	}
	wantRefusal(filepath.Join(dir, "none"))
	wantRefusal(filepath.Join(dir, "other"))
	script := filepath.Join(dir, "@clerk/ui/dist/ui.browser.js")
	if err := os.Remove(script); err != nil {
		t.Fatal(err)
	}
	wantRefusal(dir)
	for _, place := range []func(string, uint32) error{syscall.Mkfifo, syscall.Mkdir} {
		if err := place(script, 0o700); err != nil {
			t.Fatal(err)
		}
		wantRefusal(dir)
		if err := os.Remove(script); err != nil {
			t.Fatal(err)
		}
	}
}
