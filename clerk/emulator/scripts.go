package emulator

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"time"
)

//go:embed script
var standIns embed.FS

// What a page loads; each fetches further parts from beside it.
const (
	clerkScript = "@clerk/clerk-js/dist/clerk.browser.js"
	uiScript    = "@clerk/ui/dist/ui.browser.js"
)

// openScripts returns the files of Clerk's npm packages in dir, by their paths
// below it: our small stand-ins when dir is empty. Nothing outside dir can be
// read through them.
func openScripts(dir string) (fs.FS, error) {
	if dir == "" {
		return fs.Sub(standIns, "script")
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, noScripts(dir, err)
	}
	for _, name := range []string{clerkScript, uiScript} {
		if err := checkRegular(root.FS(), name); err != nil {
			root.Close()
			return nil, noScripts(dir, err)
		}
	}
	return root.FS(), nil
}

// checkRegular says why name is not a file that can be read to its end at once:
// a named pipe would be waited for.
func checkRegular(files fs.FS, name string) error {
	info, err := fs.Stat(files, name)
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", name)
	}
	return err
}

func noScripts(dir string, err error) error {
	return fmt.Errorf("emulator: %s does not hold ClerkJS (%w): fetch it with .ci/fetch, then name .clerk-js", dir, err)
}

// showScript handles "GET /__clerk/npm/@clerk/{package}/dist/{file...}". The
// package may name a version, but there is one of each.
func (e *Emulator) showScript(w http.ResponseWriter, r *http.Request) {
	name, _, _ := strings.Cut(r.PathValue("package"), "@")
	if name != "clerk-js" && name != "ui" {
		http.NotFound(w, r)
		return
	}
	serveFile(w, r, e.scripts, "@clerk/"+name+"/dist/"+r.PathValue("file"))
}

// serveFile answers with a file, which browsers may keep but have to ask about:
// it changes with the program, and files from npm all have the same time.
func serveFile(w http.ResponseWriter, r *http.Request, files fs.FS, name string) {
	var content []byte
	err := checkRegular(files, name)
	if err == nil {
		content, err = fs.ReadFile(files, name)
	}
	if err != nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("ETag", fmt.Sprintf(`"%x"`, sha256.Sum256(content)))
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(content))
}
