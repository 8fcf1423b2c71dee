package handlers

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"inkwell/db"
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
		{"much silence", false, []func(*testing.T, *testSite){storeOne, mend(1200)}, []string{"mended 1,200 users that no webhook had told of"}},
		{"gaps", false, []func(*testing.T, *testSite){storeOne, mend(2), event}, []string{"Some webhooks did not arrive"}},
		{"gaps until now", false, []func(*testing.T, *testSite){event, mend(2)}, []string{"Some webhooks did not arrive"}},
		{"mended since", false, []func(*testing.T, *testSite){storeOne, mend(2), mend(0)}, nil},
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
	site.as(admin).get("/admin/webhooks").shows(".warning", origin+WebhookPath).one(`.warning a[href^="https://dashboard.clerk.com/"]`)
}

func TestSyncOnThePage(t *testing.T) {
	site := newSite(t)
	c := site.as(admin)
	c.get("/admin/webhooks").shows(".sync", "were never compared").lacks("progress").one("#sync-start")

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
		a.one(`#overview[hx-trigger="every 2s"] progress`)
	}
	c.get("/admin/sync").leadsTo("/admin/webhooks")
	c.htmx("POST", "/admin/sync", nil).shows(`hx-partial[hx-target="#status"]`, "under way already")
	site.syncing.Store(false)

	if _, err := site.db.BreakSync(t.Context(), sync.ID, "Clerk <b>answers 500"); err != nil {
		t.Fatal(err)
	}
	c.get("/admin/webhooks").shows(".sync", "broken off: Clerk <b>answers 500").lacks("progress").one("#sync-start")
	c.htmx("GET", "/admin/sync", nil).shows(`hx-partial[hx-target="#status"]`, "was broken off")
	if _, err := site.db.FinishSync(t.Context(), sync.ID); err != nil {
		t.Fatal(err)
	}
	a := c.htmx("GET", "/admin/sync", nil).shows(".sync", "The last one ended just now: 2 users checked, 2 mended").lacks("[hx-trigger]")
	a.shows(`hx-partial[hx-target="#status"]`, "has ended")
}

func TestSyncIsStarted(t *testing.T) {
	site := newSite(t)
	c := site.as(admin)
	c.follow(c.submit("/admin/sync", nil).leadsTo("/admin/webhooks")).shows(".notice:not(.warning)", "comparison with Clerk")
	site.Wait()
	a := c.htmx("POST", "/admin/sync", nil).status(http.StatusOK).shows(`hx-partial[hx-target="#status"]`, "has started")
	a.one(`#overview[hx-trigger="every 2s"] #sync-heading[autofocus]`)
	site.Wait()
}
