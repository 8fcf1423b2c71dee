package handlers

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	cdpage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"inkwell/db"
)

var screenshots = flag.String("screenshots", "", "a folder to put pictures of every page and state into")

// maxPicture is how many bytes a picture may have. It shows a page as far down
// as that allows.
const maxPicture = 150_000

// TestScreenshots makes pictures for people to look at, when -screenshots says
// where to put them.
func TestScreenshots(t *testing.T) {
	if *screenshots == "" {
		return
	}
	if err := os.MkdirAll(*screenshots, 0o755); err != nil {
		t.Fatal(err)
	}
	b := startBrowser(t)
	for _, role := range visitors {
		t.Run(role, func(t *testing.T) {
			site := newShowcase(t)
			p := b.enter(t, site, role)
			for _, path := range site.pages(role) {
				p.open(path).picture(role + path)
			}
		})
	}
	for _, s := range states {
		t.Run(s.name, func(t *testing.T) {
			site := newShowcase(t)
			s.reach(b.enter(t, site, s.role), site).picture("state " + s.name)
		})
	}
}

// newShowcase is a site with posts that are worth reading.
func newShowcase(t *testing.T) *accessSite {
	t.Helper()
	site := newAccessSite(t)
	site.introduce(ada, "I write *notes*, and notes on notes.", "That brain of mine is something more than merely mortal; as time will show.", "Ada Lovelace, 1843")
	site.dress("{draft}", "On patience", "To be written.")
	files, err := fs.Glob(demoFiles, "demo/*.md")
	if err != nil {
		t.Fatal(err)
	}
	markdown, err := demoFiles.ReadFile("demo/03-markdown.md") // the post that all visitors open
	if err != nil {
		t.Fatal(err)
	}
	title, content, _ := strings.Cut(string(markdown), "\n")
	site.dress("{post}", strings.TrimPrefix(title, "# "), strings.TrimSpace(content))
	files = slices.DeleteFunc(files, func(file string) bool { return file == "demo/03-markdown.md" })
	slices.Reverse(files)
	authors := []db.User{site.user(ada), site.user(grace), site.user(moderator), site.user(admin)}
	for i, file := range files {
		post, err := site.writeDemoPost(t.Context(), authors[i%len(authors)], file)
		if err == nil {
			err = site.voteInDemo(t.Context(), post.ID, authors)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return site
}

// picture makes pictures of the page as it is, narrow and wide, in light and in
// dark colours.
func (p *tab) picture(name string) {
	p.t.Helper()
	p.sees("h1", "")
	p.do("hide scroll bars", command(emulation.SetScrollbarsHidden, emulation.SetScrollbarsHiddenParams{Hidden: true}))
	name = strings.Trim(regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(name), "-"), "-")
	for _, width := range []int64{narrow, wide} {
		for _, colours := range []string{"light", "dark"} {
			p.show(width, colours)
			file := filepath.Join(*screenshots, fmt.Sprintf("%s-%d-%s.png", name, width, colours))
			data := p.capture(width)
			if len(data) > maxPicture {
				p.t.Errorf("%s has %d bytes, want at most %d", file, len(data), maxPicture)
			}
			if err := os.WriteFile(file, data, 0o644); err != nil {
				p.t.Fatal(err)
			}
		}
	}
}

// capture returns a picture of the page from its top.
func (p *tab) capture(width int64) []byte {
	p.t.Helper()
	beyond, height := true, 1000.0
	if width == narrow {
		height = 1600
	}
	shot, err := chromedp.Call(p.ctx, cdpage.CaptureScreenshot, cdpage.CaptureScreenshotParams{
		Clip: &cdpage.Viewport{
			Width: float64(width), Height: min(eval[float64](p, "document.documentElement.scrollHeight"), height), Scale: 1,
		},
		CaptureBeyondViewport: &beyond,
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return shot.Data
}
