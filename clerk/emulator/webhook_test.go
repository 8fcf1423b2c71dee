package emulator_test

import (
	"cmp"
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"inkwell/clerk"
	"inkwell/clerk/emulator"
)

// A receiver is a program that takes webhooks, after it has failed a few times.
type receiver struct {
	t        *testing.T
	secret   string
	failures int // before each event that is taken
	redirect bool

	mu       sync.Mutex
	attempts int
	events   []clerk.Event
	bodies   []string // of the events
	ids      []string // of all attempts
}

func (rec *receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		rec.t.Error(err)
	}
	verifier, err := clerk.NewWebhookVerifier(rec.secret)
	if err != nil {
		rec.t.Error(err)
	} else if err := verifier.Verify(body, r.Header); err != nil {
		rec.t.Error(err)
	}
	rec.ids = append(rec.ids, r.Header.Get("svix-id"))
	if rec.attempts++; rec.attempts <= rec.failures {
		http.Error(w, "not yet", http.StatusServiceUnavailable)
		return
	}
	if rec.redirect {
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		return
	}
	rec.attempts = 0
	event, err := clerk.ParseEvent(body, r.Header.Get("svix-id"))
	if err != nil {
		rec.t.Error(err)
	}
	rec.events, rec.bodies = append(rec.events, event), append(rec.bodies, string(body))
}

func (rec *receiver) types() []string {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	var types []string
	for _, ev := range rec.events {
		types = append(types, ev.Type)
	}
	return types
}

const endpoint = "http://127.0.0.1/api/webhooks/clerk"

// receive returns an emulator whose webhooks rec takes, without a network.
func receive(t *testing.T, rec *receiver, file string) *emulator.Emulator {
	t.Helper()
	rec.t = t
	e := newEmulator(t, emulator.Options{StateFile: file, Client: emulator.InProcess(rec)})
	rec.secret = e.WebhookSecret()
	return e
}

func flush(t *testing.T, e *emulator.Emulator) {
	t.Helper()
	if err := e.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestWebhooks(t *testing.T) {
	rec := new(receiver)
	e := receive(t, rec, "")
	flush(t, e)
	if n := len(rec.types()); n != 0 {
		t.Fatalf("%d webhooks were sent before anybody listens", n)
	}
	e.DeliverTo(endpoint)
	flush(t, e)
	if got := rec.types(); len(got) != 5 || slices.ContainsFunc(got, func(s string) bool { return s != "user.created" }) {
		t.Errorf("at a first start %v are sent, want user.created for five", got)
	}

	rec.events = nil
	u, err := e.CreateUser("new@example.com")
	if err != nil {
		t.Fatal(err)
	}
	name := "Newton"
	if _, err := e.UpdateUser(u.ID, func(u *clerk.User) { u.FirstName, u.Role, u.Deprovisioned = &name, "admin", true }); err != nil {
		t.Fatal(err)
	}
	if err := e.DeleteUser(u.ID); err != nil {
		t.Fatal(err)
	}
	flush(t, e)
	if got := rec.types(); !slices.Equal(got, []string{"user.created", "user.updated", "user.deleted"}) {
		t.Fatalf("a user's life is %v", got)
	}
	created, updated, deleted := rec.events[0], rec.events[1], rec.events[2]
	if got := created.User; got.ID != u.ID || *got.Email != "new@example.com" || got.FirstName != nil || got.Name != "" {
		t.Errorf("the new user is %+v", got)
	}
	if got := updated.User; got.Name != name || got.Role != "admin" || !got.Deprovisioned || !got.UpdatedAt.After(created.User.UpdatedAt) {
		t.Errorf("the changed user is %+v", got)
	}
	if deleted.DeletedUserID != u.ID || !deleted.At.After(updated.User.UpdatedAt) {
		t.Errorf("the deletion is %+v", deleted)
	}
}

func TestSessionWebhooks(t *testing.T) {
	rec := new(receiver)
	e := receive(t, rec, "")
	e.DeliverTo(endpoint)
	flush(t, e)
	tests := []struct {
		name string
		act  func(v *visitor, session string)
		want []string
	}{
		{"signed out", func(v *visitor, _ string) { v.must("DELETE", "/client/sessions") }, []string{"session.ended"}},
		{"ended", func(v *visitor, id string) { v.must("POST", "/client/sessions/"+id+"/end") }, []string{"session.ended"}},
		{"removed", func(v *visitor, id string) { v.must("POST", "/client/sessions/"+id+"/remove") }, []string{"session.removed"}},
		{"revoked in the profile", func(v *visitor, id string) { v.must("POST", "/me/sessions/"+id+"/revoke") }, []string{"session.revoked"}},
		{"revoked by the Backend API", func(_ *visitor, id string) { backend(t, e, "POST", "/sessions/"+id+"/revoke", nil) }, []string{"session.revoked"}},
		{"somebody else", func(v *visitor, _ string) { v.enter("user_dev_alan") }, []string{"session.ended", "session.created"}},
		{"banned", func(*visitor, string) { backend(t, e, "POST", "/users/user_dev_ada/ban", nil) }, []string{"user.updated", "session.revoked"}},
		{"unbanned", func(*visitor, string) { backend(t, e, "POST", "/users/user_dev_grace/unban", nil) }, []string{"user.updated"}},
		{"deleted", func(*visitor, string) { backend(t, e, "DELETE", "/users/user_dev_margaret", nil) }, []string{"session.removed", "user.deleted"}},
	}
	users := map[string]string{"unbanned": "user_dev_grace", "deleted": "user_dev_margaret"}
	for _, tt := range tests {
		v := newVisitor(t, e)
		id := v.enter(cmp.Or(users[tt.name], "user_dev_ada"))
		flush(t, e)
		rec.events, rec.bodies = nil, nil
		tt.act(v, id)
		flush(t, e)
		if got := rec.types(); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v are sent, want %v", tt.name, got, tt.want)
		}
		if i := slices.Index(rec.types(), "session.revoked"); i >= 0 {
			wantSameShape(t, rec.bodies[i], "testdata/session-revoked.json")
		}
	}
}

// wantSameShape compares the members of an event with those of one of Clerk's,
// down to the user's address.
func wantSameShape(t *testing.T, body, file string) {
	t.Helper()
	clerks, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	got, want := decode(t, body), decode(t, string(clerks))
	for _, path := range []string{"", "data", "user", "email_addresses"} {
		if path != "" {
			got, want = inside(got[path]), inside(want[path])
		}
		if g, w := slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)); !slices.Equal(g, w) {
			t.Errorf("%q has the members %q, want %q", path, g, w)
		}
	}
}

// inside returns an object, or the first one of a list.
func inside(v any) object {
	if list, ok := v.([]any); ok {
		v = list[0]
	}
	o, _ := v.(object)
	return o
}

func TestWebhooksAreTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := &receiver{failures: 2}
		e := receive(t, rec, "")
		e.DeliverTo(endpoint)
		flush(t, e)
		if n := len(rec.types()); n != 5 {
			t.Errorf("%d events were taken, want 5", n)
		}
		if slices.Sort(rec.ids); len(rec.ids) != 15 || len(slices.Compact(rec.ids)) != 5 {
			t.Errorf("%d attempts, want 3 for each of 5", len(rec.ids))
		}
	})
}

// An event that the program does not take waits for the next start, and does
// not hold up others.
func TestWebhooksOutliveTheProgram(t *testing.T) {
	file := filepath.Join(t.TempDir(), "clerk.json")
	synctest.Test(t, func(t *testing.T) {
		for _, bad := range []*receiver{{failures: 1000}, {redirect: true}} {
			e := receive(t, bad, file)
			e.DeliverTo(endpoint)
			flush(t, e)
			if len(bad.ids) != 20 || len(bad.types()) != 0 {
				t.Errorf("%d attempts, %d taken; want 4 for each of 5, none taken", len(bad.ids), len(bad.types()))
			}
			e.Close()
		}
		good := new(receiver)
		e := receive(t, good, file)
		e.DeliverTo(endpoint)
		flush(t, e)
		e.Close()
		if n := len(good.types()); n != 5 {
			t.Errorf("at the next start %d are taken, want 5", n)
		}
		again := new(receiver)
		e = receive(t, again, file)
		e.DeliverTo(endpoint)
		flush(t, e)
		if n := len(again.types()); n != 0 {
			t.Errorf("at the start after that %d are sent, want none", n)
		}
	})
}

func TestCloseBreaksOffADelivery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := &http.Client{Transport: stalled{}}
		e := newEmulator(t, emulator.Options{Client: client})
		e.DeliverTo(endpoint)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := e.Flush(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("waiting for a stalled delivery ends with %v", err)
		}
		e.Close()
		flush(t, e)
	})
}

// stalled is a network that never answers.
type stalled struct{}

func (stalled) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}
