package handlers

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"inkwell/db"
)

// smallLimiter knows no more than size users and addresses.
func smallLimiter(t *testing.T, size int) *limiter {
	t.Helper()
	l, err := newLimiter(size)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestLimiter(t *testing.T) {
	doing := activity{"doing", allowance{60, 2}, allowance{60, 3}, ""}
	home, away := householdOf("192.0.2.1"), householdOf("2001:db8::1")
	steps := []struct {
		name      string
		after     time.Duration
		user      int64
		household netip.Prefix
		want      time.Duration
	}{
		{"first", 0, 1, home, 0},
		{"second", 0, 1, home, 0},
		{"the user's burst is over", 0, 1, home, time.Second},
		{"a refusal costs nothing", 0, 1, home, time.Second},
		{"neither does it the address", 0, 2, home, 0},
		{"the address's burst is over", 0, 2, home, time.Second},
		{"nor the user, somewhere else", 0, 2, away, 0},
		{"a guest there, too", 0, 0, home, time.Second},
		{"another address of the same line", 0, 0, householdOf("2001:db8::2"), 0},
		{"another line", 0, 0, householdOf("2001:db8:0:1::1"), 0},
		{"half a token", 500 * time.Millisecond, 1, away, 500 * time.Millisecond},
		{"a token", 500 * time.Millisecond, 1, away, 0},
		{"nobody and nowhere", 0, 0, netip.Prefix{}, 0},
		{"after a rest no more than the burst", time.Hour, 1, home, 0},
		{"second after the rest", 0, 1, home, 0},
		{"third after the rest", 0, 1, home, time.Second},
	}
	synctest.Test(t, func(t *testing.T) {
		l := smallLimiter(t, 10)
		for _, step := range steps {
			time.Sleep(step.after)
			if got := l.wait(doing, step.user, step.household); got != step.want {
				t.Errorf("%s: wait = %v, want %v", step.name, got, step.want)
			}
		}
		if got := l.wait(activity{"else", allowance{60, 1}, allowance{60, 1}, ""}, 1, home); got != 0 {
			t.Errorf("something else has to wait for %v", got)
		}
	})
}

// However many come at once, no more than the burst are let in.
func TestLimiterAtOnce(t *testing.T) {
	l := smallLimiter(t, 10)
	var wg sync.WaitGroup
	var in atomic.Int32
	for range 200 {
		wg.Go(func() {
			if l.wait(activity{"doing", allowance{1, 20}, allowance{1, 100}, ""}, 1, householdOf("192.0.2.1")) == 0 {
				in.Add(1)
			}
		})
	}
	wg.Wait()
	if in.Load() != 20 {
		t.Errorf("%d were let in, want 20", in.Load())
	}
}

// A million addresses make no user forgotten, and take no more memory than the
// limiter has for some.
func TestLimiterIsBounded(t *testing.T) {
	l := smallLimiter(t, maxBuckets)
	once := activity{"once", allowance{1, 1}, allowance{1, 1}, ""}
	l.wait(once, 1, netip.Prefix{})
	before := heap()
	for i := range 1_000_000 {
		l.wait(once, 0, netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 32))
	}
	if grown := heap() - before; grown > 32<<20 {
		t.Errorf("the limiter takes %d MB", grown>>20)
	}
	if l.wait(once, 1, netip.Prefix{}) == 0 {
		t.Error("a user is forgotten")
	}
	if n := l.addresses.Len(); n != maxBuckets {
		t.Errorf("%d addresses are known, want %d", n, maxBuckets)
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// proxied makes the site believe what a proxy on the same machine says.
func proxied(c *Config) {
	c.Clerk.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
}

// Who posts too fast is told when to go on, in the form that they asked in, and
// nothing typed is lost.
func TestPostingTooFast(t *testing.T) {
	site := newSite(t, proxied)
	c := site.as(ada)
	form := func(i int) string {
		return url.Values{"title": {fmt.Sprint("Post ", i)}, "content": {"Typed."}, "published": {"true"}}.Encode()
	}
	send := func(c *client, path, body string, header ...string) *answer {
		return c.send("POST", path, body, append(header, "X-Forwarded-For", "192.0.2.1", "Sec-Fetch-Site", "same-origin")...)
	}
	const typed = "application/x-www-form-urlencoded"
	for i := range posting.user.burst {
		send(c, "/posts", form(i), "Content-Type", typed).status(http.StatusSeeOther)
	}
	page := send(c, "/posts", form(99), "Content-Type", typed).status(http.StatusTooManyRequests).shows("h1", "Too fast").shows("main", "Try again in")
	if got := page.fields("main form"); got.Get("title") != "Post 99" || got.Get("content") != "Typed." || got.Get("published") != "true" {
		t.Errorf("the form comes back with %v", got)
	}
	fragment := send(c, "/posts", form(99), "Content-Type", typed, "HX-Request", "true", "HX-Request-Type", "partial").status(http.StatusTooManyRequests)
	fragment.shows(".notice-problem", "You have written many posts in a short time. Try again in")
	api := send(c, "/api/posts", `{"title":"Post 99"}`, "Content-Type", "application/json").problem(http.StatusTooManyRequests, "Try again in")
	for _, a := range []*answer{page, fragment, api} {
		if seconds, err := strconv.Atoi(a.Header.Get("Retry-After")); err != nil || seconds < 1 || seconds > 6 {
			t.Errorf("Retry-After is %q, want 1 to 6 seconds", a.Header.Get("Retry-After"))
		}
	}
	send(site.as(grace), "/posts", form(99), "Content-Type", typed).status(http.StatusSeeOther)
	c.submit("/posts", url.Values{"title": {"From this machine"}}).status(http.StatusSeeOther)
}

// A form that saves itself too fast says so in its own place, and goes on; what
// is typed is looked at as often as somebody wants without using up what they
// may save.
func TestTypingTooFast(t *testing.T) {
	site := newSite(t)
	c := site.as(ada)
	send := func(path string) *answer {
		return c.send("POST", path, url.Values{"form_key": {"k"}, "title": {"Typed"}}.Encode(), "Content-Type", "application/x-www-form-urlencoded",
			"HX-Request", "true", "HX-Request-Type", "partial", "Via", "1.1 proxy")
	}
	for range saving.user.burst {
		send("/posts/autosave").status(http.StatusOK)
	}
	a := send("/posts/autosave").status(http.StatusTooManyRequests)
	if !strings.HasPrefix(a.body, "Not saved: Too much") || a.Header.Get("HX-Retarget")+a.Header.Get("HX-Reswap") != "" || a.Header.Get("Retry-After") == "" {
		t.Errorf("who types is told %q with %v", a.body, a.Header)
	}
	for range editing.user.burst + 1 {
		send("/posts/preview?again").status(http.StatusOK)
	}
	send("/posts/1").status(http.StatusOK)
}

// Drafts that save themselves are no way around the limit of posts.
func TestDraftingTooFast(t *testing.T) {
	site := newSite(t)
	c := site.as(ada)
	save := func(key string) *answer {
		return c.send("POST", "/posts/autosave", url.Values{"form_key": {key}, "content": {"Flood"}}.Encode(), "Content-Type", "application/x-www-form-urlencoded",
			"HX-Request", "true", "HX-Request-Type", "partial", "Via", "1.1 proxy")
	}
	for i := range posting.user.burst {
		save(fmt.Sprint("form ", i)).status(http.StatusOK)
		save(fmt.Sprint("form ", i)).status(http.StatusOK)
	}
	a := save("one more").status(http.StatusTooManyRequests)
	if !strings.HasPrefix(a.body, "Not saved: You have written many posts") || a.Header.Get("Retry-After") == "" {
		t.Errorf("who begins many drafts is told %q", a.body)
	}
	save("form 0").status(http.StatusOK)
	for _, key := range []string{"", strings.Repeat("k", 65)} {
		save(key).status(http.StatusBadRequest)
	}
}

// A proxy that is not trusted to name the address does not make everybody one,
// but users are limited all the same.
func TestLimitsBehindAnUnknownProxy(t *testing.T) {
	site := newSite(t)
	site.post(ada, "Reported", "", true)
	for i := range reporting.address.burst + 5 {
		reader, err := site.db.SaveUser(t.Context(), db.UserData{ClerkID: fmt.Sprint("user_", i), UpdatedAt: 1})
		if err != nil {
			t.Fatal(err)
		}
		r, _ := http.NewRequest("POST", origin+"/posts/1/report", nil)
		r.RemoteAddr = "127.0.0.1:1"
		r.Header.Set("X-Forwarded-For", "192.0.2.1")
		if wait := site.waitFor(reporting, withVisitor(r, known(reader))); wait != 0 {
			t.Fatalf("reader %d has to wait for %v", i, wait)
		}
	}
	r, _ := http.NewRequest("POST", origin+"/posts/1/report", nil)
	r.RemoteAddr = "127.0.0.1:1"
	r.Header.Set("X-Real-Ip", "192.0.2.1")
	r = withVisitor(r, known(site.user(grace)))
	for range reporting.user.burst {
		site.waitFor(reporting, r)
	}
	if site.waitFor(reporting, r) == 0 {
		t.Error("a user is not limited")
	}
}
