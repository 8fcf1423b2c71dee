package handlers

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"inkwell/db"
	"inkwell/db/dbtest"
)

// benchPosts is how many posts there are, half of them Ada's.
const benchPosts = 20_000

// benchSite is a site with many posts, a minute apart.
func benchSite(b *testing.B) *testSite {
	b.Helper()
	site := newSite(b)
	content := strings.Repeat("Some *words* with a [link](https://example.com) and `code`.\n\n", 8)
	rendered := site.mustRender(content)
	dbtest.Exec(b, site.db, `
		WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
		INSERT INTO posts (author_id, title, title_key, published, created_at, updated_at, published_at, render_version, excerpt, content, content_html)
		SELECT CASE i % 2 WHEN 0 THEN ? ELSE ? END, 'Post ' || i, 'post ' || i, 1, i * 60000, i * 60000, i * 60000, ?, ?, ?, ? FROM n`,
		benchPosts, site.user(ada).ID, site.user(grace).ID, rendered.RenderVersion, rendered.Excerpt, content, rendered.HTML)
	if err := site.db.KeepIndex(b.Context()); err != nil {
		b.Fatal(err)
	}
	return site
}

// request makes a request of the client's, with its cookies and headers.
func (c *client) request(method, path, body string, header ...string) *http.Request {
	r := httptest.NewRequest(method, origin+path, strings.NewReader(body))
	r.RemoteAddr = "127.0.0.1:40000"
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	for _, cookie := range c.jar.Cookies(r.URL) {
		r.AddCookie(cookie)
	}
	return r
}

// measure has the whole site, without the inspection of tests, answer what
// next makes. The time of an operation includes the wait for the disk; cpu-us
// is what the process computed, the making of the request included.
func (s *testSite) measure(b *testing.B, wantStatus int, next func() *http.Request) {
	b.Helper()
	b.ReportAllocs()
	s.Server.log = slog.New(slog.NewJSONHandler(io.Discard, nil))
	began := cpuTime(b)
	for b.Loop() {
		rec := httptest.NewRecorder()
		s.Server.ServeHTTP(rec, next())
		if rec.Code != wantStatus {
			b.Fatalf("the answer is %d, want %d: %.300s", rec.Code, wantStatus, rec.Body)
		}
	}
	b.ReportMetric(float64((cpuTime(b)-began).Microseconds())/float64(b.N), "cpu-us/op")
}

// cpuTime is what the process has computed so far.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func BenchmarkFeed(b *testing.B) {
	site := benchSite(b)
	c := site.as(ada)
	site.measure(b, http.StatusOK, func() *http.Request { return c.request("GET", "/", "", "Accept", "text/html") })
}

func BenchmarkFeedSignedOut(b *testing.B) {
	site := benchSite(b)
	c := site.guest()
	site.measure(b, http.StatusOK, func() *http.Request { return c.request("GET", "/", "", "Accept", "text/html") })
}

// BenchmarkFeedDeep shows pages of the feed that nobody has looked at lately.
func BenchmarkFeedDeep(b *testing.B) {
	site := benchSite(b)
	c, i := site.as(ada), 0
	site.measure(b, http.StatusOK, func() *http.Request {
		i = (i + 97) % (benchPosts - pageSize)
		id := int64(benchPosts - i)
		return c.request("GET", "/?before="+cursor{at: db.Time(id * 60_000), id: id}.String(), "", "Accept", "text/html")
	})
}

func BenchmarkPost(b *testing.B) {
	site := benchSite(b)
	c, i := site.as(ada), 0
	site.measure(b, http.StatusOK, func() *http.Request {
		i++
		return c.request("GET", fmt.Sprintf("/posts/%[1]d/post-%[1]d", 1+i*31%benchPosts), "", "Accept", "text/html")
	})
}

func BenchmarkAtom(b *testing.B) {
	site := benchSite(b)
	c := site.stranger()
	site.measure(b, http.StatusOK, func() *http.Request { return c.request("GET", "/feed.atom", "") })
}

// BenchmarkSitemap lists the most posts that one answer may hold.
func BenchmarkSitemap(b *testing.B) {
	site := benchSite(b)
	c := site.stranger()
	site.measure(b, http.StatusOK, func() *http.Request { return c.request("GET", "/sitemap.xml?part=1", "") })
}

func BenchmarkAutosave(b *testing.B) {
	site := benchSite(b)
	c, i := site.as(ada), 0
	text := strings.Repeat("Some *words* with a [link](https://example.com) and `code`.\n\n", 80)
	site.measure(b, http.StatusOK, func() *http.Request {
		i++
		form := url.Values{"form_key": {"k"}, "content": {fmt.Sprint(text, i)}}
		return c.request("POST", "/posts/autosave", form.Encode(), "Content-Type", "application/x-www-form-urlencoded",
			"Sec-Fetch-Site", "same-origin", "HX-Request", "true", "HX-Request-Type", "partial")
	})
}

func BenchmarkCreatePostForm(b *testing.B) {
	site := benchSite(b)
	c, i := site.as(ada), 0
	site.measure(b, http.StatusSeeOther, func() *http.Request {
		i++
		form := url.Values{"title": {fmt.Sprint("New ", i)}, "content": {"Some *words* to read."}, "published": {"true"}, "form_key": {fmt.Sprint(i)}}
		return c.request("POST", "/posts", form.Encode(), "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin")
	})
}

func BenchmarkCreatePostJSON(b *testing.B) {
	site := benchSite(b)
	c, i := site.as(ada), 0
	site.measure(b, http.StatusCreated, func() *http.Request {
		i++
		return c.request("POST", "/api/posts", fmt.Sprintf(`{"title":"New %d","content":"Some *words* to read."}`, i), "Content-Type", "application/json")
	})
}

// BenchmarkFeedBesideForgeries is BenchmarkFeedSignedOut while a thousand
// forged deliveries come each second.
func BenchmarkFeedBesideForgeries(b *testing.B) {
	site := benchSite(b)
	forge := forger(b, site)
	ctx, stop := context.WithCancel(b.Context())
	var forging sync.WaitGroup
	forging.Go(func() {
		for tick := time.NewTicker(time.Millisecond); ctx.Err() == nil; <-tick.C {
			site.Server.ServeHTTP(httptest.NewRecorder(), forge())
		}
	})
	c := site.guest()
	site.measure(b, http.StatusOK, func() *http.Request { return c.request("GET", "/", "", "Accept", "text/html") })
	stop()
	forging.Wait()
}

// BenchmarkForgedWebhook is what a forger costs.
func BenchmarkForgedWebhook(b *testing.B) {
	site := benchSite(b)
	site.measure(b, http.StatusBadRequest, forger(b, site))
}

// forger makes deliveries that Clerk has not signed.
func forger(b *testing.B, site *testSite) func() *http.Request {
	c := site.stranger()
	d := delivery{id: "msg_1", body: userEvent("user.deleted", ada, "Ada", 1), secret: site.clerk.WebhookSecret(), signature: "v1,Zm9yZ2Vk", at: time.Now()}
	return func() *http.Request { return c.request("POST", WebhookPath, d.body, d.header(b)...) }
}

func BenchmarkWebhook(b *testing.B) {
	site := benchSite(b)
	c, i := site.stranger(), int64(0)
	secret, now := site.clerk.WebhookSecret(), time.Now()
	site.measure(b, http.StatusOK, func() *http.Request {
		i++
		d := delivery{id: fmt.Sprint("msg_", i), body: userEvent("user.updated", ada, "Ada", now.UnixMilli()+i), secret: secret, at: time.Now()}
		return c.request("POST", WebhookPath, d.body, d.header(b)...)
	})
}

// benchPoll is benchSite with a poll of 118 options and 100,000 votes, none of
// them of the ready users, and its path.
func benchPoll(b *testing.B) (site *testSite, path string, options []string) {
	b.Helper()
	site = benchSite(b)
	for i := range 118 {
		options = append(options, fmt.Sprintf("%d Praseodymium", i+1))
	}
	post, ids := site.poll(ada, "Elements", true, options...)
	dbtest.Exec(b, site.db, `
		WITH RECURSIVE n (i) AS (SELECT 1001 UNION ALL SELECT i + 1 FROM n WHERE i < 101000)
		INSERT INTO votes (post_id, user_id, option_id, voted_at) SELECT ?, i, ? + i * i % 118, i FROM n`, post.ID, ids[0])
	return site, permalinkOf(post).String(), ids
}

// BenchmarkPollResults shows the author all 118 bars.
func BenchmarkPollResults(b *testing.B) {
	site, path, _ := benchPoll(b)
	c := site.as(ada)
	site.measure(b, http.StatusOK, func() *http.Request { return c.request("GET", path, "", "Accept", "text/html") })
}

// BenchmarkVote changes a vote without JavaScript, and BenchmarkVoteHTMX with
// it: the answer is then the poll.
func BenchmarkVote(b *testing.B) { benchVote(b, http.StatusSeeOther) }

func BenchmarkVoteHTMX(b *testing.B) {
	benchVote(b, http.StatusOK, "HX-Request", "true", "HX-Request-Type", "partial")
}

func benchVote(b *testing.B, wantStatus int, header ...string) {
	b.Helper()
	site, path, options := benchPoll(b)
	c, i := site.as(grace), 0
	header = append(header, "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin")
	path = withoutSlug(path) + "/vote"
	site.measure(b, wantStatus, func() *http.Request {
		i++
		return c.request("POST", path, "option="+options[i%len(options)], header...)
	})
}
