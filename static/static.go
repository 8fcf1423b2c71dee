// Package static holds the program's style sheet, scripts and pictures, and
// how they are cached: each is served under a name that changes with its
// content, so that a browser may keep it for ever.
package static

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"
)

//go:embed app.css app.js clerk.js session.js favicon.svg htmx-4.0.1.min.js hx-sse-4.0.1.min.js
var content embed.FS

// Prefix is the path below which Files serves.
const Prefix = "/static/"

// Files serves the embedded files. It is safe for concurrent use.
type Files struct {
	urls  map[string]string // by file name
	files map[string]*file  // by request path
}

// kinds are the types of the files by their ending, whatever the tables of the
// machine say.
var kinds = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

type file struct {
	name    string
	kind    string // Content-Type
	tag     string // ETag
	plain   []byte
	gzipped func() []byte // made when it is asked for first
}

// New reads the embedded files.
func New() (*Files, error) {
	entries, err := content.ReadDir(".")
	if err != nil {
		return nil, fmt.Errorf("static: %w", err)
	}
	f := &Files{urls: map[string]string{}, files: map[string]*file{}}
	for _, entry := range entries {
		data, err := content.ReadFile(entry.Name())
		if err != nil {
			return nil, fmt.Errorf("static: %w", err)
		}
		f.add(entry.Name(), data)
	}
	return f, nil
}

func (f *Files) add(name string, data []byte) {
	sum := sha256.Sum256(data)
	hash := hex.EncodeToString(sum[:6])
	ext := path.Ext(name)
	url := Prefix + strings.TrimSuffix(name, ext) + "." + hash + ext
	f.urls[name] = url
	f.files[url] = &file{
		name:    name,
		kind:    kinds[ext],
		tag:     hash,
		plain:   data,
		gzipped: sync.OnceValue(func() []byte { return compress(data) }),
	}
}

func compress(data []byte) []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is valid
	w.Write(data)                                         // a Buffer takes everything
	w.Close()
	return b.Bytes()
}

// URL returns the path that serves the file of the given name, or "" when
// there is no such file.
func (f *Files) URL(name string) string { return f.urls[name] }

// Has reports whether there is a file to serve at the given path.
func (f *Files) Has(path string) bool { return f.files[path] != nil }

// ServeHTTP answers GET and HEAD for the paths that URL returns; any other
// path is 404 without a body, so check Has first to answer in another way.
func (f *Files) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	file := f.files[r.URL.Path]
	if file == nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	h := w.Header()
	h.Set("Content-Type", file.kind)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Vary", "Accept-Encoding")
	body, tag := file.plain, file.tag
	if acceptsGzip(r) {
		body, tag = file.gzipped(), file.tag+"-gzip"
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("ETag", `"`+tag+`"`)
	http.ServeContent(w, r, file.name, time.Time{}, bytes.NewReader(body))
}

// acceptsGzip reports whether the client takes gzip. A part of a file is
// always a part of its plain form.
func acceptsGzip(r *http.Request) bool {
	if r.Header.Get("Range") != "" {
		return false
	}
	for coding := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, q, _ := strings.Cut(coding, ";")
		if strings.TrimSpace(name) == "gzip" {
			return strings.TrimSpace(q) != "q=0"
		}
	}
	return false
}
