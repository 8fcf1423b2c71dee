package handlers

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"inkwell/clerk"
	"inkwell/clerk/emulator"
	"inkwell/db"
	"inkwell/db/dbtest"
)

// sameUsers makes sure that the table says of all users what Clerk says, and
// has no others who live.
func (s *testSite) sameUsers() {
	s.t.Helper()
	users := s.clerk.Users()
	for _, user := range users {
		row, want := s.user(user.ID), rowOf(user)
		want.ID, want.SeenAt, want.CreatedAt, want.UpdatedAt = row.ID, row.SeenAt, row.CreatedAt, row.UpdatedAt
		want.EventAt, want.EventRank, want.EventID = row.EventAt, row.EventRank, row.EventID
		if !reflect.DeepEqual(row, want) {
			s.t.Fatalf("%s: the table says %+v, Clerk says %+v", user.ID, row, want)
		}
	}
	if n := dbtest.Value[int](s.t, s.db, "SELECT count(*) FROM users WHERE deleted_at IS NULL"); n != len(users) {
		s.t.Errorf("%d users are here, %d at Clerk", n, len(users))
	}
	if n := dbtest.Value[int](s.t, s.db, "SELECT count(*) FROM users WHERE deleted_at IS NOT NULL AND (name IS NOT NULL OR email IS NOT NULL)"); n != 0 {
		s.t.Errorf("%d users are gone but for their name or address", n)
	}
}

// wrongRights is how many users may do something else here than Clerk says.
func (s *testSite) wrongRights() (n int) {
	for _, user := range s.clerk.Users() {
		row, err := s.db.GetUserByClerkID(s.t.Context(), user.ID)
		if err == nil && (row.Banned != user.Banned || row.Role != user.Role) {
			n++
		}
	}
	return n
}

// rowOf is what the table ought to say of Clerk's user.
func rowOf(u clerk.User) db.User {
	data := userData(u)
	return db.User{
		ClerkID: data.ClerkID, Email: data.Email, EmailVerified: data.EmailVerified, Username: data.Username,
		FirstName: data.FirstName, LastName: data.LastName, Name: db.Text(data.Name), ImageURL: db.Text(data.ImageURL),
		Role: data.Role, Banned: data.Banned, Locked: data.Locked, Deprovisioned: data.Deprovisioned,
		ClerkCreatedAt: data.CreatedAt, ClerkUpdatedAt: data.UpdatedAt,
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

// production is a development instance's stand-in that has the limits of a
// production one.
var production = emulator.Options{PublishableKey: clerk.NewPublishableKey("clerk.inkwell.test", true)}

// Events that came late, twice, in any order or not at all leave differences
// that one comparison mends.
func TestSyncMendsWhatWebhooksLost(t *testing.T) {
	o := production
	o.Seed = 4
	o.Delivery = emulator.Delivery{Drop: 0.3, Repeat: 1, Shuffle: true}
	site := newSiteWith(t, o)
	site.clerk.DeliverTo(origin + WebhookPath)
	many := 5000
	if testing.Short() {
		many = 700
	}
	users, err := site.clerk.CreateUsers(many)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(4, 4))
	for i, user := range users {
		switch random.IntN(10) {
		case 0:
			err = site.clerk.DeleteUser(user.ID)
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
	heard, _ := site.hub.Subscribe(site.hub.Last())
	wrong := site.wrongRights()
	result, err := site.SyncUsers(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	site.sameUsers()
	changes, err := heard.Take()
	told := slices.DeleteFunc(changes, func(c *change) bool { return c.kind != rightsChanged })
	if err != nil || len(told) != wrong+int(result.Deleted) {
		t.Errorf("open pages hear of the rights of %d users, %v, want %d and %d who are deleted", len(told), err, wrong, result.Deleted)
	}
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
	site := newSiteWith(t, production, counting("/v1/users", &lists))
	if _, err := site.clerk.CreateUsers(2 * clerk.MaxPage); err != nil {
		t.Fatal(err)
	}
	ctx, interrupt := context.WithCancel(t.Context())
	_, err := site.SyncUsers(ctx, func(p db.Sync) {
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
	site := newSiteWith(t, production, broken)
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
	var lists atomic.Int32
	bothAsk := make(chan struct{}) // closed when both have begun
	together := withAPI(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
		if r.URL.Path == "/v1/users" {
			if lists.Add(1) == 2 {
				close(bothAsk)
			}
			<-bothAsk
		}
		return next.RoundTrip(r)
	})
	site := newSiteWith(t, production, together)
	if _, err := site.clerk.CreateUsers(3 * clerk.MaxPage); err != nil {
		t.Fatal(err)
	}
	other := restart(site, together)
	var all sync.WaitGroup
	for _, server := range []*Server{site.Server, other.Server} {
		all.Go(func() {
			_, err := server.SyncUsers(t.Context(), func(db.Sync) {
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

// While the site runs the users are compared soon after the start, a day after
// the last time, and within an hour when one has been broken off.
func TestSyncDaily(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		site := newSiteWith(t, production)
		finished := func(want int64) {
			t.Helper()
			synctest.Wait()
			last, err := site.db.GetLastFinishedSync(t.Context())
			if err != nil && !errors.Is(err, sql.ErrNoRows) || last.ID != want {
				t.Errorf("at %v the last comparison is %d, %v, want %d", time.Now(), last.ID, err, want)
			}
		}
		site.KeepUp()
		for _, step := range []struct {
			wait time.Duration
			want int64 // the id of the last one then
		}{
			{syncDelay - 1, 0},
			{1, 1},
			{24*time.Hour - 1, 1},
			{1, 2},
			{24 * time.Hour, 3},
		} {
			time.Sleep(step.wait) // by the bubble's clock
			finished(step.want)
		}
		if _, err := site.db.BeginSync(t.Context(), site.auth.Instance().Host); err != nil {
			t.Fatal(err)
		}
		time.Sleep(syncPause - 1)
		finished(3)
		time.Sleep(time.Nanosecond)
		finished(4)
	})
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
		site := newSiteWith(b, production)
		if _, err := site.clerk.CreateUsers(5000); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		if _, err := site.SyncUsers(b.Context(), nil); err != nil {
			b.Fatal(err)
		}
	}
}
