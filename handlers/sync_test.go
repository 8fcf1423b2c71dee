package handlers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"inkwell/clerk"
	"inkwell/clerk/clerktest"
	"inkwell/clerk/emulator"
	"inkwell/db"
	"inkwell/db/dbtest"
)

// sameUsers makes sure that the table says of all users what Clerk says.
func (s *testSite) sameUsers(gone ...string) {
	s.t.Helper()
	users := s.clerk.Users()
	for _, user := range users {
		row, want := s.user(user.ID), userData(user)
		if row.DeletedAt != 0 || row.Name != db.Text(want.Name) || row.Role != want.Role || row.Banned != want.Banned || *row.Email != *want.Email {
			s.t.Fatalf("%s: the table says %+v, Clerk says %+v", user.ID, row, want)
		}
	}
	for _, id := range gone {
		if row, err := s.db.GetUserByClerkID(s.t.Context(), id); err == nil && (row.DeletedAt == 0 || row.Name != "" || row.Email != nil) {
			s.t.Fatalf("%s is gone at Clerk, and the table says %+v", id, row)
		}
	}
}

// liveCount is how many users are not deleted.
func (s *testSite) liveCount() (n int) {
	s.t.Helper()
	for _, user := range s.clerk.Users() {
		if row, err := s.db.GetUserByClerkID(s.t.Context(), user.ID); err == nil && row.DeletedAt == 0 {
			n++
		}
	}
	return n
}

// live is a development instance's stand-in that has the limits of a
// production one.
var live = emulator.Options{PublishableKey: clerk.NewPublishableKey("clerk.inkwell.test", true)}

// Events that came late, twice, in any order or not at all leave differences
// that one comparison mends.
func TestSyncMendsWhatWebhooksLost(t *testing.T) {
	o := live
	o.Seed = 4
	o.Delivery = emulator.Delivery{Drop: 0.3, Repeat: 1, Shuffle: true}
	site := newSiteWith(t, o)
	site.clerk.DeliverTo(origin + WebhookPath)
	users, err := site.clerk.CreateUsers(700)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(4, 4))
	var gone []string
	for i, user := range users {
		switch random.IntN(10) {
		case 0:
			err = site.clerk.DeleteUser(user.ID)
			gone = append(gone, user.ID)
		case 1, 2:
			name := fmt.Sprint("New name ", i)
			_, err = site.clerk.UpdateUser(user.ID, func(u *clerk.User) { u.FirstName, u.Banned = &name, i%2 == 0 })
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := site.clerk.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	result, err := site.SyncUsers(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	site.sameUsers(gone...)
	if result.Added == 0 || result.Changed == 0 || result.Deleted == 0 || result.FinishedAt == 0 {
		t.Errorf("%+v: nothing was lost, so nothing is proven", result)
	}
	again, err := site.SyncUsers(t.Context(), nil)
	if err != nil || again.Added+again.Changed+again.Deleted != 0 || again.Checked != int64(len(site.clerk.Users())) {
		t.Errorf("again: %+v, %v", again, err)
	}
}

// An interrupted comparison goes on where it was.
func TestSyncGoesOn(t *testing.T) {
	var lists atomic.Int32
	site := newSiteWith(t, live, counting("/v1/users", &lists))
	if _, err := site.clerk.CreateUsers(2 * clerk.MaxPage); err != nil {
		t.Fatal(err)
	}
	ctx, interrupt := context.WithCancel(t.Context())
	_, err := site.SyncUsers(ctx, func(p SyncProgress) {
		if p.Checked > 0 {
			interrupt()
		}
	})
	if !errors.Is(err, context.Canceled) || lists.Load() != 1 {
		t.Fatalf("%v after %d pages", err, lists.Load())
	}
	last, err := site.db.GetLastSync(t.Context())
	if err != nil || last.Error != "" || last.FinishedAt != 0 {
		t.Errorf("%+v, %v", last, err)
	}
	result, err := site.SyncUsers(t.Context(), nil)
	if err != nil || lists.Load() != 3 || result.ID != last.ID || result.Checked != int64(len(site.clerk.Users())) {
		t.Errorf("%+v after %d pages, %v", result, lists.Load(), err)
	}
	site.sameUsers()
}

// counting counts the requests for a path of Clerk's API.
func counting(path string, n *atomic.Int32) func(*Config) {
	return withAPI(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
		if r.URL.Path == path {
			n.Add(1)
		}
		return next.RoundTrip(r)
	})
}

// withAPI lets a test stand between the site and Clerk's API.
func withAPI(f func(*http.Request, http.RoundTripper) (*http.Response, error)) func(*Config) {
	return func(c *Config) {
		client := *c.Clerk.HTTPClient
		client.Transport = between{client.Transport, f}
		c.Clerk.HTTPClient = &client
	}
}

type between struct {
	http.RoundTripper
	f func(*http.Request, http.RoundTripper) (*http.Response, error)
}

func (b between) RoundTrip(r *http.Request) (*http.Response, error) { return b.f(r, b.RoundTripper) }

// Nobody is deleted because a list lacks them, is empty, cannot be had, or is
// that of another instance.
func TestSyncDeletesNobodyByMistake(t *testing.T) {
	list := func(body string) func(*Config) {
		return withAPI(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
			if r.URL.Path != "/v1/users" {
				return next.RoundTrip(r)
			}
			return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
		})
	}
	another, err := emulator.New(live)
	if err != nil {
		t.Fatal(err)
	}
	defer another.Close()
	for _, user := range another.Users() { // those that each instance has
		if err := another.DeleteUser(user.ID); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := another.CreateUsers(3); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name    string
		option  func(*Config)
		problem string
	}{
		{"a list that lacks two", list(`[{"id":"` + ada + `"},{"id":"` + grace + `"},{"id":"user_dev_alan"}]`), ""},
		{"a list that lacks all but one", list(`[{"id":"` + ada + `"}]`), "right instance"},
		{"an empty list", list(`[]`), "no users at all"},
		{"a list of somebody else", list(`[{"id":"user_else"}]`), "right instance"},
		{"another instance", func(c *Config) { c.Clerk = another.Config() }, "right instance"},
		{"not a list", list(`{"data":[]}`), "compare users"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			site := newSiteWith(t, live, tt.option)
			before := site.liveCount()
			ctx, giveUp := context.WithTimeout(t.Context(), 100*time.Millisecond) // before what fails is tried again
			if tt.problem != "compare users" {
				ctx, giveUp = context.WithCancel(t.Context())
			}
			defer giveUp()
			_, err := site.SyncUsers(ctx, nil)
			if (err != nil) != (tt.problem != "") || err != nil && !strings.Contains(err.Error(), tt.problem) {
				t.Errorf("%v, want %q", err, tt.problem)
			}
			if after := site.liveCount(); after != before || before == 0 {
				t.Errorf("%d of %d users are left", after, before)
			}
		})
	}
}

// A database that was compared with one instance is never compared with
// another, whatever has been stored of its users meanwhile.
func TestSyncWithAnotherInstance(t *testing.T) {
	site := newSiteWith(t, live)
	if _, err := site.SyncUsers(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	before := site.liveCount()
	another, err := emulator.New(emulator.Options{PublishableKey: clerk.NewPublishableKey("clerk.another.test", true)})
	if err != nil {
		t.Fatal(err)
	}
	defer another.Close()
	config := Config{DB: site.db, Clerk: another.Config(), SessionKeys: testKeys(1), Log: site.Server.log}
	swapped, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	defer swapped.Close()
	if _, err := swapped.SyncUsers(t.Context(), nil); !errors.Is(err, db.ErrOtherInstance) {
		t.Errorf("%v", err)
	}
	if after := site.liveCount(); after != before || before == 0 {
		t.Errorf("%d of %d users are left", after, before)
	}
}

// All who are missing are counted before the first is deleted.
func TestSyncCountsBeforeItDeletes(t *testing.T) {
	another, err := emulator.New(live) // its ready users have the ids that are known here
	if err != nil {
		t.Fatal(err)
	}
	defer another.Close()
	if _, err := another.CreateUsers(clerk.MaxPage + 100); err != nil {
		t.Fatal(err)
	}
	site := newSiteWith(t, live, func(c *Config) { c.Clerk = another.Config() })
	users, err := site.clerk.CreateUsers(2 * clerk.MaxPage)
	if err != nil {
		t.Fatal(err)
	}
	for _, user := range users {
		if _, err := site.db.SaveUser(t.Context(), userData(user)); err != nil {
			t.Fatal(err)
		}
	}
	before := site.liveCount()
	if _, err := site.SyncUsers(t.Context(), nil); !errors.Is(err, errTooManyGone) {
		t.Errorf("%v, want %v", err, errTooManyGone)
	}
	if after := site.liveCount(); after != before {
		t.Errorf("%d of %d users are left", after, before)
	}
}

// A user whom Clerk describes in a way that cannot be read keeps nobody else
// from being compared.
func TestSyncOfAnUnusableUser(t *testing.T) {
	broken := withAPI(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
		answer, err := next.RoundTrip(r)
		if err != nil || !strings.HasPrefix(r.URL.Path, "/v1/users") {
			return answer, err
		}
		body, err := io.ReadAll(answer.Body)
		odd := strings.ReplaceAll(string(body), `"first_name":"Ada"`, `"first_name":1815`)
		answer.Body = io.NopCloser(strings.NewReader(odd))
		return answer, err
	})
	site := newSiteWith(t, live, broken)
	if err := site.clerk.DeleteUser(grace); err != nil {
		t.Fatal(err)
	}
	result, err := site.SyncUsers(t.Context(), nil)
	if err != nil || result.Deleted != 1 {
		t.Errorf("%+v, %v", result, err)
	}
	if user := site.user(ada); user.DeletedAt != 0 || user.Name == "" {
		t.Errorf("%+v", user)
	}
}

// Two comparisons at once, in two processes, do each other no harm; in one
// process there is one.
func TestTwoSyncsAtOnce(t *testing.T) {
	site := newSiteWith(t, live)
	if _, err := site.clerk.CreateUsers(3 * clerk.MaxPage); err != nil {
		t.Fatal(err)
	}
	other := restart(site)
	var all sync.WaitGroup
	for _, server := range []*Server{site.Server, other.Server} {
		all.Go(func() {
			_, err := server.SyncUsers(t.Context(), func(SyncProgress) {
				if _, err := server.SyncUsers(t.Context(), nil); !errors.Is(err, ErrSyncUnderWay) {
					t.Errorf("a second one in the same process: %v", err)
				}
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	site.sameUsers()
}

// What nobody waits for is tried again, as late as Clerk says.
func TestPatiently(t *testing.T) {
	limited := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "7")
		clerktest.Answer(http.StatusTooManyRequests, clerktest.Error("too_many_requests"))(w, r)
	}
	down := clerktest.Answer(http.StatusBadGateway, nil)
	good := clerktest.Answer(http.StatusOK, map[string]any{"total_count": 3})
	tests := []struct {
		name    string
		answers []http.HandlerFunc
		waited  time.Duration
		fails   bool
	}{
		{"good", []http.HandlerFunc{good}, 0, false},
		{"too many", []http.HandlerFunc{limited, good}, 7 * time.Second, false},
		{"too many twice", []http.HandlerFunc{limited, limited, good}, 14 * time.Second, false},
		{"down for a while", []http.HandlerFunc{down, down, down, good}, 7 * time.Second, false},
		{"down for long", []http.HandlerFunc{down, down, down, down, down, good}, 15 * time.Second, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				config := clerktest.Config(true)
				calls := 0
				config.HTTPClient = clerktest.Client(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					calls++
					tt.answers[calls-1](w, r)
				}))
				s := &Server{clerkAPI: clerk.NewAPI(config), log: slog.New(slog.DiscardHandler)}
				began := time.Now()
				err := s.patiently(t.Context(), func() error {
					_, err := s.clerkAPI.CountUsers(t.Context())
					return err
				})
				if waited := time.Since(began); (err != nil) != tt.fails || waited != tt.waited {
					t.Errorf("%v after %v, want %v", err, waited, tt.waited)
				}
			})
		})
	}
}

// The end of a session that Clerk tells of counts at once, although the token
// would be good for a while.
func TestSessionEndsByWebhook(t *testing.T) {
	for _, kind := range []string{"session.ended", "session.removed", "session.revoked"} {
		t.Run(kind, func(t *testing.T) {
			site := newSite(t)
			c, other := site.as(ada), site.as(ada)
			c.get("/account").status(http.StatusOK)
			id := sessionID(t, c)
			body := fmt.Sprintf(`{"type":%q,"object":"event","timestamp":%d,"data":{"object":"session","id":%q,"user_id":%q,"status":"ended","user":null}}`,
				kind, time.Now().UnixMilli(), id, ada)
			if a := site.deliver(delivery{id: "msg_end", body: body}).status(http.StatusOK); a.body != "ignored" {
				t.Errorf("answered %q", a.body)
			}
			c.get("/account").leadsTo("/sign-in?redirect_url=%2Faccount")
			c.htmx("POST", "/posts", nil).status(http.StatusUnauthorized)
			c.api("GET", "/api/me", "").problem(http.StatusUnauthorized, "sign in")
			c.get("/").status(http.StatusOK).lacks("#account-menu")
			other.get("/account").status(http.StatusOK)
			dbtest.Exec(t, site.db, "DELETE FROM users WHERE clerk_id = ?1", ada) // who never came, and has no row
			c.get("/account").leadsTo("/sign-in?redirect_url=%2Faccount")
		})
	}
}

// sessionID is that of the token that a client holds.
func sessionID(t *testing.T, c *client) string {
	t.Helper()
	auth, err := clerk.New(c.site.clerk.Config())
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, origin+"/", nil)
	for _, cookie := range c.jar.Cookies(r.URL) {
		r.AddCookie(cookie)
	}
	result, err := auth.Authenticate(r)
	if err != nil || result.Claims == nil {
		t.Fatalf("%s, %v", result.Reason, err)
	}
	return result.Claims.SessionID
}

// BenchmarkSync compares 5,000 users with Clerk's, of whom webhooks have told
// of none.
func BenchmarkSync(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		site := newSiteWith(b, live)
		if _, err := site.clerk.CreateUsers(5000); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		if _, err := site.SyncUsers(b.Context(), nil); err != nil {
			b.Fatal(err)
		}
	}
}
