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
	run := func(name string, test func(*testing.T)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t)
		})
	}
	for _, role := range visitors {
		run(role, func(t *testing.T) {
			site := newAccessSite(t)
			site.furnish()
			b.enter(t, site, role).pictures(role, site.pages(role))
		})
		run("hostile "+role, func(t *testing.T) {
			site, posts := newHostileSite(t)
			b.enter(t, site, role).pictures("hostile "+role, append(site.pages(role), posts...))
		})
	}
	for _, s := range states {
		run(s.name, func(t *testing.T) {
			site := newAccessSite(t)
			site.furnish()
			s.reach(b.enter(t, site, s.role), site).picture("state " + s.name)
		})
	}
}

// furnish gives a site posts that are worth reading.
func (site *accessSite) furnish() {
	t := site.t
	t.Helper()
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
}

// pictures makes pictures of the pages at those paths.
func (p *tab) pictures(of string, paths []string) {
	p.t.Helper()
	for _, path := range paths {
		p.open(path).picture(of + path)
	}
}

// picture makes pictures of the page as it is, on each screen, in light and in
// dark colours.
func (p *tab) picture(name string) {
	p.t.Helper()
	p.sees("h1", "")
	p.do("hide scroll bars", command(emulation.SetScrollbarsHidden, emulation.SetScrollbarsHiddenParams{Hidden: true}))
	name = strings.Trim(regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(name), "-"), "-")
	for _, width := range screens {
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
	beyond, height := true, 900.0
	if width <= narrow {
		height = 1450
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
