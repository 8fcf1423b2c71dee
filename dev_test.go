package main

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDevFromStartToStop(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir)
	c := p.browser()
	if _, body := p.page(c, "/", nil); !strings.Contains(body, "Welcome to Inkwell") {
		t.Errorf("the first page shows no demo posts:\n%.800s", body)
	}
	p.signIn(c, "ada@example.com")
	if _, body := p.page(c, "/__clerk/webhooks", nil); !strings.Contains(body, `<a href="/admin/webhooks">`) {
		t.Errorf("the webhooks of the stand-in do not lead to ours:\n%.800s", body)
	}
	if status, _ := p.page(c, "/admin/webhooks", nil); status != http.StatusForbidden {
		t.Errorf("ours are answered %d, want 403 for a member", status)
	}
	status, body := p.page(c, "/posts", url.Values{"title": {"Kept"}, "content": {"over a restart"}, "published": {"true"}})
	if status != http.StatusOK || !strings.Contains(body, "over a restart") {
		t.Fatalf("posting = %d\n%.500s", status, body)
	}
	p.stop()

	info, err := os.Stat(filepath.Join(dir, "inkwell-dev.db"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the database has mode %v, want 0600 (%v)", info.Mode(), err)
	}
	again := start(t, dir)
	jar, _ := url.Parse(again.url)
	old, _ := url.Parse(p.url)
	c.Jar.SetCookies(jar, c.Jar.Cookies(old))
	if _, body := again.page(c, "/account", nil); !strings.Contains(body, "Ada Lovelace") {
		t.Errorf("the session did not outlive a restart:\n%.800s", body)
	}
	if _, body := again.page(again.browser(), "/", nil); strings.Count(body, "Welcome to Inkwell") != 1 || !strings.Contains(body, "Kept") {
		t.Errorf("after a restart the feed shows\n%.800s", body)
	}
	again.stop()
}

// A second program of the same folder says what to do for both to run.
func TestDevTwice(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir)
	out, err := command(t, dir, "-dev", "-addr", "127.0.0.1:0").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "stop that program first, or choose another database with -db") {
		t.Errorf("a second program with the same database: %v\n%s", err, out)
	}
	p.stop()
}

// A first start that fails takes nothing from the second.
func TestDevAfterAFailedStart(t *testing.T) {
	dir := t.TempDir()
	out, err := command(t, dir, "-dev", "-addr", "127.0.0.1:0", "-dev-clerk-js", "nowhere").CombinedOutput()
	if err == nil || !strings.Contains(string(out), ".ci/fetch") {
		t.Errorf("without the scripts: %v, want it to say how to get them\n%s", err, out)
	}
	p := start(t, dir)
	if !p.titles()["Welcome to Inkwell"] {
		t.Error("the second start shows no demo posts")
	}
	p.stop()
}
