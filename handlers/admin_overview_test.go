package handlers

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/html"

	"inkwell/db"
	"inkwell/db/dbtest"
)

// finishSync stores a comparison that found so many users missing here.
func finishSync(t *testing.T, site *testSite, added int) {
	t.Helper()
	sync, err := site.db.BeginSync(t.Context(), site.auth.Instance().Host)
	if err != nil {
		t.Fatal(err)
	}
	var users []db.UserData
	for n := range added {
		users = append(users, db.UserData{ClerkID: fmt.Sprintf("user_%d", n), CreatedAt: 1, UpdatedAt: 1})
	}
	if _, err := site.db.SavePage(t.Context(), sync.ID, users, "end"); err != nil {
		t.Fatal(err)
	}
	if _, err := site.db.FinishSync(t.Context(), sync.ID); err != nil {
		t.Fatal(err)
	}
}

func TestWebhookWarnings(t *testing.T) {
	event := func(t *testing.T, site *testSite) {
		site.deliver(delivery{id: "msg_1", body: `{"type":"session.created","object":"event","data":{}}`}).status(http.StatusOK)
	}
	tests := []struct {
		name         string
		unconfigured bool
		prepare      []func(*testing.T, *testSite)
		want         []string // what each warning says, in order
	}{
		{"no secret", true, nil, []string{"CLERK_WEBHOOK_SIGNING_SECRET is not set"}},
		{"no secret, but events", true, []func(*testing.T, *testSite){storeOne}, []string{"restart Inkwell"}},
		{"no event", false, nil, []string{"No webhook has come"}},
		{"an event", false, []func(*testing.T, *testSite){event}, nil},
		{"nothing to mend", false, []func(*testing.T, *testSite){event, mend(0)}, nil},
		{"silence", false, []func(*testing.T, *testSite){storeOne, mend(1)}, []string{"Clerk seems to have stopped sending"}},
		{"much silence", false, []func(*testing.T, *testSite){storeOne, mend(1200)}, []string{"mended 1,200 users that no webhook had told of. It was the first one"}},
		{"gaps", false, []func(*testing.T, *testSite){storeOne, mend(0), mend(2), event}, []string{"Some webhooks did not arrive"}},
		{"gaps until now", false, []func(*testing.T, *testSite){event, mend(0), mend(2)}, []string{"Some webhooks did not arrive"}},
		{"users from before the site", false, []func(*testing.T, *testSite){event, mend(1200)}, nil},
		{"mended since", false, []func(*testing.T, *testSite){event, mend(0), mend(2), mend(0)}, nil},
		{"silence and nothing to mend since", false, []func(*testing.T, *testSite){storeOne, mend(0), mend(2), mend(0), mend(0)}, []string{"Clerk seems to have stopped sending"}},
		{"an event after silence", false, []func(*testing.T, *testSite){storeOne, mend(2), mend(0), event}, nil},
		{"never an event, nothing but the first", false, []func(*testing.T, *testSite){mend(2)}, []string{"No webhook has come"}},
		{"never an event, and users to mend", false, []func(*testing.T, *testSite){mend(0), mend(2)}, []string{"told of. No webhook has come since"}},
		{"silence long ago", false, []func(*testing.T, *testSite){storeOne, mend(2), longAgo(db.KeepEvents + time.Hour), mend(0)}, nil},
		{"compared yesterday", false, []func(*testing.T, *testSite){event, mend(0), longAgo(47 * time.Hour)}, nil},
		{"not compared for days", false, []func(*testing.T, *testSite){event, mend(0), longAgo(49 * time.Hour)}, []string{"were not compared with Clerk’s since"}},
		{"comparisons fail", false, []func(*testing.T, *testSite){event, mend(0), longAgo(49 * time.Hour), fail(causeKey)},
			[]string{"Clerk refuses the secret key. Copy the key"}},
		{"the first one fails for days", false, []func(*testing.T, *testSite){event, fail(causeUnknown), longAgo(49 * time.Hour)},
			[]string{"Something went wrong that should not. It is tried again within an hour. If it lasts, whoever runs Inkwell finds more in its log. Go to the comparison"}},
		{"the first one failed just now", false, []func(*testing.T, *testSite){event, fail(causeUnknown)}, nil},
		{"another instance", false, []func(*testing.T, *testSite){event, mend(0), ofAnother}, []string{"those of another instance of Clerk, clerk.elsewhere.example"}},
		{"dead letter", false, []func(*testing.T, *testSite){letter}, []string{"could not be used: 1"}},
		{"silence and dead letter", false, []func(*testing.T, *testSite){letter, mend(1)}, []string{"stopped sending", "could not be used: 1"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			site := newSite(t, func(c *Config) {
				if tt.unconfigured {
					c.WebhookSecrets = nil
				}
			})
			for _, prepare := range tt.prepare {
				prepare(t, site)
			}
			warnings := site.as(admin).get("/admin/webhooks").status(http.StatusOK).all(".warning")
			if len(warnings) != len(tt.want) {
				t.Fatalf("there are %d warnings, want %d: %q", len(warnings), len(tt.want), texts(warnings))
			}
			for i, want := range tt.want {
				if got := text(warnings[i]); !strings.Contains(got, want) {
					t.Errorf("the warning says %q, want %q", got, want)
				}
			}
		})
	}
}

func storeOne(t *testing.T, site *testSite) { storeEvents(t, site, 1) }

func letter(t *testing.T, site *testSite) { deadLetter(t, site, "msg_1", "user.created", nil) }

func mend(users int) func(*testing.T, *testSite) {
	return func(t *testing.T, site *testSite) { finishSync(t, site, users) }
}

// longAgo makes all comparisons older.
func longAgo(by time.Duration) func(*testing.T, *testSite) {
	return func(t *testing.T, site *testSite) {
		dbtest.Exec(t, site.db, "UPDATE syncs SET started_at = started_at - ?1, finished_at = finished_at - ?1", by.Milliseconds())
	}
}

// fail stores a comparison that was broken off.
func fail(cause cause) func(*testing.T, *testSite) {
	return func(t *testing.T, site *testSite) {
		sync, err := site.db.BeginSync(t.Context(), site.auth.Instance().Host)
		if err == nil {
			_, err = site.db.BreakSync(t.Context(), sync.ID, string(cause), "the Backend API answered")
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func ofAnother(t *testing.T, site *testSite) {
	dbtest.Exec(t, site.db, "UPDATE syncs SET instance = 'clerk.elsewhere.example'")
}

func texts(nodes []*html.Node) []string {
	var all []string
	for _, n := range nodes {
		all = append(all, text(n))
	}
	return all
}

// A warning says where Clerk's webhooks should come to.
func TestWebhookWarningNamesTheEndpoint(t *testing.T) {
	site := newSite(t)
	a := site.as(admin).get("/admin/webhooks").shows(".warning", origin+WebhookPath)
	a.one(`.warning a[href^="https://dashboard.clerk.com/"]`)
	a.one(`#dashboard[href^="https://dashboard.clerk.com/"]`)
}

// In a stand-in for Clerk there is no endpoint to look after.
func TestWebhookWarningOfAStandIn(t *testing.T) {
	site := newSite(t, func(c *Config) { c.DashboardURL = "/__clerk/webhooks" })
	a := site.as(admin).get("/admin/webhooks").shows(".warning", "what it dropped")
	a.one(`.warning a[href="/__clerk/webhooks"]`)
	a.shows(`#dashboard[href="/__clerk/webhooks"]`, "Open the stand-in for Clerk")
	a.lacks(`a[href^="https://dashboard.clerk.com/"]`)
}

// A comparison that fails is explained in plain words.
func TestFailuresInPlainWords(t *testing.T) {
	answering := func(status int) func(*Config) {
		return withAPI(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
			header := http.Header{"Retry-After": {"1"}}
			return &http.Response{StatusCode: status, Header: header, Body: http.NoBody, Request: r}, nil
		})
	}
	tests := []struct {
		name   string
		option func(*Config)
		want   string
	}{
		{"wrong key", answering(http.StatusUnauthorized), "refuses the secret key"},
		{"forbidden", answering(http.StatusForbidden), "refuses the secret key"},
		{"too many", answering(http.StatusTooManyRequests), "more requests than it takes"},
		{"down", answering(http.StatusBadGateway), "has trouble"},
		{"away", withAPI(func(*http.Request, http.RoundTripper) (*http.Response, error) { return nil, errors.New("no route") }), "could not be reached"},
		{"of others", answering(http.StatusTeapot), "should not"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				site := newSite(t, tt.option)
				if _, err := site.SyncUsers(t.Context(), nil); err == nil {
					t.Fatal("the comparison succeeds")
				}
				facts, err := site.readFacts(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if got, detail := facts.broken(); got == nil || got.Todo == "" || !strings.Contains(got.Text, tt.want) || detail == "" {
					t.Errorf("it is shown as %+v, want %q", got, tt.want)
				}
			})
		})
	}
	for _, err := range []error{errNoUsers, errTooManyGone, errOthersUsers} {
		if got := failures[causeOf(err)]; !strings.Contains(got.Text, "Nobody was deleted") {
			t.Errorf("%v is shown as %+v", err, got)
		}
	}
}

func TestSyncOnThePage(t *testing.T) {
	site := newSite(t)
	c := site.as(admin)
	c.get("/admin/webhooks").shows(".sync", "No full comparison").lacks("progress").one("#sync-start")

	sync, err := site.db.BeginSync(t.Context(), site.auth.Instance().Host)
	if err != nil {
		t.Fatal(err)
	}
	users := []db.UserData{{ClerkID: "user_1", CreatedAt: 1, UpdatedAt: 1}, {ClerkID: "user_2", CreatedAt: 1, UpdatedAt: 1}}
	if _, err := site.db.SavePage(t.Context(), sync.ID, users, "user_2"); err != nil {
		t.Fatal(err)
	}
	c.get("/admin/webhooks").shows(".sync", "has not come to its end").lacks("progress").one("#sync-start") // the program was killed
	site.syncing.Store(true)
	for _, a := range []*answer{c.get("/admin/webhooks"), c.htmx("GET", "/admin/sync", nil)} {
		a.shows(".sync", "2 users checked so far, 2 mended (2 added, 0 changed, 0 deleted)").lacks("#sync-start").lacks(`hx-partial`)
		a.one(`#sync[hx-trigger="every 2s"] progress`)
	}
	c.htmx("GET", "/admin/sync", nil).lacks("#overview").lacks(".counts").lacks("progress[max]")
	if _, err := site.db.SetSyncTotal(t.Context(), sync.ID, 40); err != nil {
		t.Fatal(err)
	}
	c.htmx("GET", "/admin/sync", nil).one(`progress[value="2"][max="40"]`)
	c.get("/admin/sync").leadsTo("/admin/webhooks")
	c.htmx("POST", "/admin/sync", nil).shows(`hx-partial[hx-target="#status"]`, "under way already")
	site.syncing.Store(false)

	if _, err := site.db.BreakSync(t.Context(), sync.ID, string(causeFailing), "Clerk <b>answers 500"); err != nil {
		t.Fatal(err)
	}
	a := c.get("/admin/webhooks").shows(".sync", "broken off. Clerk has trouble").shows(".sync details", "Clerk <b>answers 500").lacks("progress")
	a.one("#sync-start")
	c.htmx("GET", "/admin/sync", nil).shows(`hx-partial[hx-target="#status"]`, "was broken off")
	if _, err := site.db.FinishSync(t.Context(), sync.ID); err != nil {
		t.Fatal(err)
	}
	a = c.htmx("GET", "/admin/sync", nil).shows(`hx-partial[hx-target="#overview"] .sync`, "The last one ended just now: 2 users checked, 2 mended").lacks("[hx-trigger]")
	a.shows(`hx-partial[hx-target="#status"]`, "has ended")
}

func TestSyncIsStarted(t *testing.T) {
	site := newSite(t)
	c := site.as(admin)
	c.follow(c.submit("/admin/sync", nil).leadsTo("/admin/webhooks")).shows(".notice:not(.warning)", "comparison with Clerk")
	site.Wait()
	a := c.htmx("POST", "/admin/sync", nil).status(http.StatusOK).shows(`hx-partial[hx-target="#status"]`, "has started")
	a.one(`#overview #sync[hx-trigger="every 2s"] #sync-heading[autofocus]`)
	site.Wait()
}
