package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"inkwell/clerk"
	"inkwell/db"
	"inkwell/handlers"
)

const signingKey = "a key of at least sixteen bytes"

// startWithClerk runs the program as for a Clerk instance that sends webhooks
// and answers nothing.
func startWithClerk(t *testing.T, dir string) *process {
	t.Helper()
	cmd := command(t, dir, "-addr", "127.0.0.1:0")
	cmd.Env = append(cmd.Env,
		"CLERK_PUBLISHABLE_KEY="+clerk.NewPublishableKey("clerk.inkwell.test", true), "CLERK_SECRET_KEY=sk_live_test",
		"CLERK_API_URL=http://127.0.0.1:1", "CLERK_WEBHOOK_SIGNING_SECRET=whsec_"+base64.StdEncoding.EncodeToString([]byte(signingKey)))
	return startCommand(t, cmd)
}

// deliver sends the event of a user's creation, signed as Svix specifies, and
// reports whether it was taken.
func (p *process) deliver(id string) bool {
	now := time.Now()
	body := fmt.Sprintf(`{"type":"user.created","timestamp":%d,"data":{"id":%q,"first_name":"A","updated_at":%d,"email_addresses":[]}}`, now.UnixMilli(), id, now.UnixMilli())
	mac := hmac.New(sha256.New, []byte(signingKey))
	fmt.Fprintf(mac, "msg_%s.%d.%s", id, now.Unix(), body)
	r, err := http.NewRequest(http.MethodPost, p.url+handlers.WebhookPath, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("svix-id", "msg_"+id)
	r.Header.Set("svix-timestamp", fmt.Sprint(now.Unix()))
	r.Header.Set("svix-signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return false
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		p.t.Errorf("delivery = %d", res.StatusCode)
	}
	return true
}

// A webhook that was answered 200 is not sent again: its effect has to be
// there, also when the program is killed right after.
func TestKillLosesNoWebhook(t *testing.T) {
	dir := t.TempDir()
	p := startWithClerk(t, dir)
	taken := make(chan string, 10_000)
	var senders sync.WaitGroup
	for n := range 4 {
		senders.Go(func() {
			for i := 0; ; i++ {
				id := fmt.Sprintf("user_%d_%d", n, i)
				if !p.deliver(id) {
					return
				}
				taken <- id
			}
		})
	}
	var ids []string
	for len(ids) < 200 {
		ids = append(ids, <-taken)
	}
	p.cmd.Process.Kill()
	p.cmd.Wait()
	senders.Wait()
	close(taken)
	for id := range taken {
		ids = append(ids, id)
	}

	data, err := db.Open(t.Context(), filepath.Join(dir, "inkwell.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer data.Close()
	for _, id := range ids {
		if _, err := data.GetUserByClerkID(t.Context(), id); err != nil {
			t.Errorf("%s was answered 200 and is gone: %v", id, err)
		}
	}
}

// The command sync says what it mended.
func TestSyncCommand(t *testing.T) {
	dir := t.TempDir()
	says := func(want string, good bool, args ...string) {
		t.Helper()
		out, err := command(t, dir, args...).CombinedOutput()
		if (err == nil) != good || !strings.Contains(string(out), want) {
			t.Errorf("%v: %v, want %q\n%s", args, err, want, out)
		}
	}
	says("start the site once", false, "sync", "-dev")
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("it leaves %v, %v", left, err)
	}
	p := start(t, dir)
	says("are gone at Clerk", true, "sync", "-dev") // while it is served
	p.stop()
	says("0 were missing here, 0 were out of date, 0 are gone at Clerk", true, "sync", "-dev")
	says("CLERK_SECRET_KEY", false, "sync")
}

// What goes wrong at Clerk while somebody waits is said once, for people.
func TestSyncCommandWithoutClerk(t *testing.T) {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/count") {
			http.Error(w, "{}", http.StatusInternalServerError)
			return
		}
		fmt.Fprint(w, "[]")
	}))
	defer api.Close()
	dir := t.TempDir()
	data, err := db.Open(t.Context(), filepath.Join(dir, "inkwell.db"))
	if err == nil {
		_, err = data.EnsureUser(t.Context(), "user_1")
	}
	if err = errors.Join(err, data.Close()); err != nil {
		t.Fatal(err)
	}
	cmd := command(t, dir, "sync")
	cmd.Env = append(cmd.Env, "CLERK_API_URL="+api.URL, "CLERK_SECRET_KEY=sk_live_test",
		"CLERK_PUBLISHABLE_KEY="+clerk.NewPublishableKey("clerk.inkwell.test", true))
	out, err := cmd.CombinedOutput()
	if err == nil || strings.Count(string(out), "\n") != 1 || !strings.HasPrefix(string(out), "inkwell: compare users with Clerk's: ") {
		t.Errorf("%v, want one sentence\n%s", err, out)
	}
}
