package static

import (
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func newFiles(t *testing.T) *Files {
	t.Helper()
	files, err := New()
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func get(files *Files, path string, header map[string]string) *httptest.ResponseRecorder {
	req := httptest.NewRequest("GET", path, nil)
	for name, value := range header {
		req.Header.Set(name, value)
	}
	res := httptest.NewRecorder()
	files.ServeHTTP(res, req)
	return res
}

func TestURLChangesWithContent(t *testing.T) {
	files := newFiles(t)
	for _, name := range []string{"app.css", "app.js", "clerk.js", "session.js", "favicon.svg", "htmx-4.0.1.min.js", "hx-sse-4.0.1.min.js"} {
		url := files.URL(name)
		if !strings.HasPrefix(url, Prefix) || strings.HasSuffix(url, "/"+name) || !files.Has(url) {
			t.Errorf("URL(%q) = %q, want a served path with a hash in it", name, url)
		}
	}
	if url := files.URL("secret.txt"); url != "" {
		t.Errorf("URL of a missing file = %q, want none", url)
	}
	files.add("app.css", []byte("body{}"))
	if files.URL("app.css") == newFiles(t).URL("app.css") {
		t.Error("another content has the same URL")
	}
}

// What others wrote is as they published it: htmx.org 4.0.1 of the npm registry,
// dist/htmx.min.js and dist/ext/hx-sse.min.js, under the licence beside them.
func TestVendoredFiles(t *testing.T) {
	tests := map[string]string{
		"htmx-4.0.1.min.js":   "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130",
		"hx-sse-4.0.1.min.js": "18ef2761356ec1fe0bb6d92612315b37517a7c1e9856b661c5ae81fef239d103",
	}
	for name, want := range tests {
		data, err := content.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%x", sha256.Sum256(data)); got != want {
			t.Errorf("%s has the SHA-256 %s, want %s", name, got, want)
		}
	}
}

func TestServe(t *testing.T) {
	files := newFiles(t)
	css := files.URL("app.css")
	plain, err := content.ReadFile("app.css")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, path   string
		header       map[string]string
		wantStatus   int
		wantEncoding string
	}{
		{"plain", css, nil, 200, ""},
		{"gzip", css, map[string]string{"Accept-Encoding": "br, gzip;q=0.8"}, 200, "gzip"},
		{"gzip refused", css, map[string]string{"Accept-Encoding": "gzip;q=0"}, 200, ""},
		{"a part", css, map[string]string{"Accept-Encoding": "gzip", "Range": "bytes=0-9"}, 206, ""},
		{"without hash", "/static/app.css", nil, 404, ""},
		{"the folder", "/static/", nil, 404, ""},
		{"outside", "/static/../static.go", nil, 404, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			res := get(files, tt.path, tt.header)
			if res.Code != tt.wantStatus || res.Header().Get("Content-Encoding") != tt.wantEncoding {
				t.Fatalf("GET %s = %d %q, want %d %q", tt.path, res.Code, res.Header().Get("Content-Encoding"), tt.wantStatus, tt.wantEncoding)
			}
			if tt.wantStatus != http.StatusOK {
				return
			}
			if got := body(t, res); got != string(plain) {
				t.Errorf("GET %s has other content than the file", tt.path)
			}
			if got := res.Header().Get("Cache-Control"); !strings.Contains(got, "immutable") {
				t.Errorf("Cache-Control = %q, want it immutable", got)
			}
		})
	}
}

func body(t *testing.T, res *httptest.ResponseRecorder) string {
	t.Helper()
	var r io.Reader = res.Body
	if res.Header().Get("Content-Encoding") == "gzip" {
		unpacked, err := gzip.NewReader(r)
		if err != nil {
			t.Fatal(err)
		}
		r = unpacked
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestNotModified(t *testing.T) {
	files := newFiles(t)
	css := files.URL("app.css")
	for _, encoding := range []string{"", "gzip"} {
		tag := get(files, css, map[string]string{"Accept-Encoding": encoding}).Header().Get("ETag")
		res := get(files, css, map[string]string{"Accept-Encoding": encoding, "If-None-Match": tag})
		if res.Code != http.StatusNotModified || res.Body.Len() > 0 {
			t.Errorf("GET with the tag %s = %d with %d bytes, want 304 with none", tag, res.Code, res.Body.Len())
		}
	}
}

// The style sheet of all pages stays small on the way to them.
func TestStyleSheetIsSmall(t *testing.T) {
	files := newFiles(t)
	res := get(files, files.URL("app.css"), map[string]string{"Accept-Encoding": "gzip"})
	if res.Code != http.StatusOK || res.Header().Get("Content-Encoding") != "gzip" {
		t.Fatalf("GET app.css = %d %q", res.Code, res.Header().Get("Content-Encoding"))
	}
	if n := res.Body.Len(); n > 8<<10 {
		t.Errorf("app.css has %d bytes compressed, want at most 8 KiB", n)
	}
}

// Each script of ours stays small enough to be read at a sitting.
func TestScriptsAreSmall(t *testing.T) {
	for _, name := range []string{"app.js", "clerk.js", "session.js"} {
		data, err := content.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if len(data) > 6<<10 {
			t.Errorf("%s has %d bytes, want at most 6 KiB", name, len(data))
		}
	}
}
