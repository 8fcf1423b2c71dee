package handlers

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"inkwell/clerk"
	"inkwell/clerk/emulator"
	"inkwell/db"
	"inkwell/db/dbtest"
)

// refusing is a Clerk that does not take a parameter.
func refusing(parameter string) func(*Config) {
	return withAPI(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
		if !r.URL.Query().Has(parameter) {
			return next.RoundTrip(r)
		}
		body := io.NopCloser(strings.NewReader(`{"errors":[{"code":"form_param_unknown"}]}`))
		return &http.Response{StatusCode: http.StatusUnprocessableEntity, Header: http.Header{}, Body: body, Request: r}, nil
	})
}

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
	another, err := emulator.New(production)
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
		{"a list that cannot be gone on with", refusing("starting_after"), "422"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			site := newSiteWith(t, production, tt.option)
			if tt.problem == "422" {
				if _, err := site.clerk.CreateUsers(clerk.MaxPage); err != nil {
					t.Fatal(err)
				}
			}
			before := site.liveCount()
			_, err := site.SyncUsers(t.Context(), nil)
			if (err != nil) != (tt.problem != "") || err != nil && !strings.Contains(err.Error(), tt.problem) {
				t.Errorf("%v, want %q", err, tt.problem)
			}
			if after := site.liveCount(); after < before || before == 0 {
				t.Errorf("%d of %d users are left", after, before)
			}
		})
	}
}

// A database that was compared with one instance is never compared with
// another, whatever has been stored of its users meanwhile.
func TestSyncWithAnotherInstance(t *testing.T) {
	site := newSiteWith(t, production)
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

// A key of another application whose publishable key is right is told by its
// users: not one of them is stored, on no day, and nobody is deleted.
func TestSyncWithTheKeyOfAnother(t *testing.T) {
	another, err := emulator.New(emulator.Options{PublishableKey: production.PublishableKey})
	if err != nil {
		t.Fatal(err)
	}
	defer another.Close()
	for _, user := range another.Users() { // whom each instance has
		if err := another.DeleteUser(user.ID); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := another.CreateUsers(30); err != nil {
		t.Fatal(err)
	}
	site := newSiteWith(t, production)
	if _, err := site.SyncUsers(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	swapped := restart(site, func(c *Config) {
		c.Clerk.HTTPClient, c.Clerk.SecretKey = another.Config().HTTPClient, another.Config().SecretKey
	})
	before := site.liveCount()
	for day := range 3 {
		if _, err := swapped.SyncUsers(t.Context(), nil); !errors.Is(err, errOthersUsers) {
			t.Errorf("day %d: %v, want %v", day, err, errOthersUsers)
		}
		dbtest.Exec(t, site.db, "UPDATE syncs SET started_at = started_at - ?1, finished_at = finished_at - ?1", 25*time.Hour.Milliseconds())
	}
	if all := dbtest.Value[int](t, site.db, "SELECT count(*) FROM users WHERE deleted_at IS NULL"); all != before || before == 0 {
		t.Errorf("%d users are here, want the %d from before", all, before)
	}
}

// All who are missing are counted before the first is deleted.
func TestSyncCountsBeforeItDeletes(t *testing.T) {
	another, err := emulator.New(production) // its ready users have the ids that are known here
	if err != nil {
		t.Fatal(err)
	}
	defer another.Close()
	if _, err := another.CreateUsers(clerk.MaxPage + 100); err != nil {
		t.Fatal(err)
	}
	site := newSiteWith(t, production, func(c *Config) { c.Clerk = another.Config() })
	users, err := site.clerk.CreateUsers(2 * clerk.MaxPage)
	if err != nil {
		t.Fatal(err)
	}
	for _, user := range users {
		if _, err := site.db.SaveUser(t.Context(), userData(user)); err != nil {
			t.Fatal(err)
		}
	}
	dbtest.Exec(t, site.db, "UPDATE users SET updated_at = updated_at + 60000 WHERE clerk_id LIKE 'user_dev_%'") // who are asked for first
	before := site.liveCount()
	if _, err := site.SyncUsers(t.Context(), nil); !errors.Is(err, errTooManyGone) {
		t.Errorf("%v, want %v", err, errTooManyGone)
	}
	if after := site.liveCount(); after != before {
		t.Errorf("%d of %d users are left", after, before)
	}
}
