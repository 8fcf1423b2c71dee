package handlers

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"inkwell/db/dbtest"
)

// A delivery is a webhook on its way. Its zero values are made good by deliver.
type delivery struct {
	id, body          string
	secret, signature string
	at                time.Time
}

// header signs as Svix does, by its specification: not with the package that
// checks it.
func (d delivery) header(t testing.TB) []string {
	t.Helper()
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(d.secret, "whsec_"))
	if err != nil {
		t.Fatal(err)
	}
	seconds := strconv.FormatInt(d.at.Unix(), 10)
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.%s", d.id, seconds, d.body)
	if d.signature == "" {
		d.signature = "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	return []string{"Content-Type", "application/json", "svix-id", d.id, "svix-timestamp", seconds, "svix-signature", d.signature}
}

// deliver sends a webhook, whose answer must not tell more than one word.
func (s *testSite) deliver(d delivery) *answer {
	s.t.Helper()
	if d.secret == "" {
		d.secret = s.clerk.WebhookSecret()
	}
	if d.at.IsZero() {
		d.at = time.Now()
	}
	a := s.stranger().send("POST", WebhookPath, d.body, d.header(s.t)...)
	a.isOneWord()
	return a
}

var oneWord = regexp.MustCompile(`^[a-z_]*$`)

func (a *answer) isOneWord() {
	a.t.Helper()
	if !oneWord.MatchString(a.body) {
		a.t.Errorf("%s %s = %d answers %q, want one word at most", a.Request.Method, a.Request.URL, a.StatusCode, a.body)
	}
}

// userEvent is an event as Clerk sends it, of a user of the given first name.
func userEvent(kind, clerkID, firstName string, at int64) string {
	return fmt.Sprintf(`{"type":%q,"object":"event","timestamp":%d,"data":{"object":"user","id":%q,"first_name":%q,"last_name":null,"username":null,`+
		`"image_url":"https://img.clerk.com/x","email_addresses":[],"primary_email_address_id":null,"public_metadata":{},"banned":false,"locked":false,`+
		`"created_at":1700000000000,"updated_at":%d}}`, kind, at, clerkID, firstName, at)
}

// stored is how many events are kept.
func stored(t testing.TB, s *testSite) int {
	t.Helper()
	return dbtest.Value[int](t, s.db, "SELECT count(*) FROM webhook_events")
}

func TestWebhookOfAUsersLife(t *testing.T) {
	site := newSite(t)
	now := time.Now().UnixMilli()
	steps := []struct {
		id, body string
		want     string
		wantName string
	}{
		{"msg_1", userEvent("user.created", "user_new", "Joan", now), "applied", "Joan"},
		{"msg_1", userEvent("user.created", "user_new", "Joan", now), "duplicate", "Joan"},
		{"msg_2", userEvent("user.updated", "user_new", "Jean", now+10), "applied", "Jean"},
		{"msg_3", userEvent("user.updated", "user_new", "Late", now+5), "stale", "Jean"},
		{"msg_4", `{"type":"session.created","object":"event","data":{"id":"sess_1"}}`, "ignored", "Jean"},
		{"msg_5", `{"type":"user.updated","object":"event","data":{"id":7}}`, "dead_letter", "Jean"},
		{"msg_6", fmt.Sprintf(`{"type":"user.deleted","object":"event","timestamp":%d,"data":{"id":"user_new","object":"user","deleted":true}}`, now+20), "applied", ""},
		{"msg_7", userEvent("user.updated", "user_new", "Back", now+30), "stale", ""},
	}
	for _, step := range steps {
		if a := site.deliver(delivery{id: step.id, body: step.body}).status(http.StatusOK); a.body != step.want {
			t.Errorf("%s is %q, want %q", step.id, a.body, step.want)
		}
		if got := string(site.user("user_new").Name); got != step.wantName {
			t.Errorf("after %s the name is %q, want %q", step.id, got, step.wantName)
		}
	}
	if got := stored(t, site); got != 7 {
		t.Errorf("%d events are stored, want 7", got)
	}
}

// A user who is deleted at Clerk is gone here at once, ASVS 7.4.2.
func TestWebhookOfADeletion(t *testing.T) {
	site := newSite(t)
	site.clerk.DeliverTo(origin + WebhookPath)
	if err := site.clerk.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	site.post(ada, "Farewell", "", true)
	c := site.as(ada)
	c.get("/account").status(http.StatusOK)
	if err := site.clerk.DeleteUser(ada); err != nil {
		t.Fatal(err)
	}
	if err := site.clerk.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.get("/account").status(http.StatusUnauthorized).shows("h1 + p", "deleted")
	c.submit("/posts/1/restore", nil).status(http.StatusUnauthorized)
	guest := site.guest()
	guest.get("/").status(http.StatusOK).lacks(".post-item")
	guest.get("/posts/1").status(http.StatusNotFound)
	site.as(moderator).submit("/posts/1/restore", nil).status(http.StatusNotFound)
	if user := site.user(ada); user.Email != nil || user.Name != "" {
		t.Errorf("of the deleted user is left %+v", user)
	}
}

func TestWebhookRefusals(t *testing.T) {
	now := time.Now()
	good := userEvent("user.created", "user_new", "Joan", now.UnixMilli())
	other := "whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 24))
	tests := []struct {
		name       string
		delivery   delivery
		wantStatus int
	}{
		{"no id", delivery{body: good}, 400},
		{"wrong signature", delivery{id: "msg_1", body: good, signature: "v1,AAAA"}, 400},
		{"another secret", delivery{id: "msg_1", body: good, secret: other}, 400},
		{"another version", delivery{id: "msg_1", body: good, signature: "v2,AAAA"}, 400},
		{"too old", delivery{id: "msg_1", body: good, at: now.Add(-6 * time.Minute)}, 400},
		{"from the future", delivery{id: "msg_1", body: good, at: now.Add(6 * time.Minute)}, 400},
		{"not JSON", delivery{id: "msg_1", body: "hello"}, 400},
		{"empty", delivery{id: "msg_1"}, 400},
		{"over 1 MiB", delivery{id: "msg_1", body: strings.Repeat(" ", maxBody) + good}, 413},
	}
	site := newSite(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			site.deliver(tt.delivery).status(tt.wantStatus)
			if got := stored(t, site); got != 0 {
				t.Errorf("%d events are stored", got)
			}
		})
	}
	site.stranger().send("POST", WebhookPath, good, "Content-Type", "application/json").status(http.StatusBadRequest).isOneWord()
}

// An unread is a body that must not be read.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("the body is read")
	return 0, io.EOF
}

func (unread) Close() error { return nil }

// What has no signature at all costs nothing but its head.
func TestWebhookWithoutASignatureIsNotRead(t *testing.T) {
	site := newSite(t)
	for _, missing := range []string{"svix-id", "svix-timestamp", "svix-signature"} {
		req, err := http.NewRequest("POST", origin+WebhookPath, unread{t})
		if err != nil {
			t.Fatal(err)
		}
		for pair := range slices.Chunk(delivery{id: "msg_1", secret: site.clerk.WebhookSecret(), at: time.Now()}.header(t), 2) {
			if pair[0] != missing {
				req.Header.Set(pair[0], pair[1])
			}
		}
		if res := site.serve(req); res.StatusCode != http.StatusBadRequest {
			t.Errorf("without %s: %d, want 400", missing, res.StatusCode)
		}
	}
}

// The database holds nothing that is Clerk's and the owner's alone.
func TestDeadLetterWithoutPrivateMetadata(t *testing.T) {
	site := newSite(t)
	site.deliver(delivery{id: "msg_1", body: `{"type":"user.updated","timestamp":1,"data":{"id":7,"private_metadata":{"iban":"secret"}}}`}).status(http.StatusOK)
	if body := dbtest.Value[string](t, site.db, "SELECT body FROM webhook_events"); strings.Contains(body, "secret") || !strings.Contains(body, `"id":7`) {
		t.Errorf("the body is kept as %s", body)
	}
}

func TestWebhookIsForPOST(t *testing.T) {
	site := newSite(t)
	for _, method := range []string{"GET", "HEAD", "PUT", "DELETE", "OPTIONS"} {
		a := site.stranger().send(method, WebhookPath, "").status(http.StatusMethodNotAllowed)
		if got := a.Header.Get("Allow"); got != "POST" {
			t.Errorf("%s allows %q, want POST", method, got)
		}
		a.isOneWord()
	}
}

func TestWebhookWithoutASecret(t *testing.T) {
	site := newSite(t, func(c *Config) { c.WebhookSecrets = nil })
	site.deliver(delivery{id: "msg_1", body: userEvent("user.created", "user_new", "Joan", 1)}).status(http.StatusInternalServerError)
	if got := stored(t, site); got != 0 {
		t.Errorf("%d events are stored", got)
	}
	site.stranger().send("POST", WebhookPath, "{}").status(http.StatusInternalServerError).isOneWord()
	if got := strings.Count(site.log.String(), "CLERK_WEBHOOK_SIGNING_SECRET"); got != 1 {
		t.Errorf("the log names the setting %d times for two webhooks, want once", got)
	}
}

func TestWebhookSecretsRotate(t *testing.T) {
	old := "whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 24))
	site := newSite(t, func(c *Config) { c.WebhookSecrets = append(c.WebhookSecrets, old) })
	now := time.Now().UnixMilli()
	site.deliver(delivery{id: "msg_1", body: userEvent("user.created", "user_new", "Joan", now), secret: old}).status(http.StatusOK)
	site.deliver(delivery{id: "msg_2", body: userEvent("user.updated", "user_new", "Jean", now+1)}).status(http.StatusOK)
}

// An event and its effect are stored together or not at all, ASVS 2.3.3.
func TestWebhookWhileTheDatabaseFails(t *testing.T) {
	site := newSite(t)
	dbtest.Exec(t, site.db, "ALTER TABLE webhook_events RENAME TO elsewhere")
	event := delivery{id: "msg_1", body: userEvent("user.created", "user_new", "Joan", time.Now().UnixMilli())}
	site.deliver(event).status(http.StatusInternalServerError)
	if got := dbtest.Value[int](t, site.db, "SELECT count(*) FROM users WHERE clerk_id = 'user_new'"); got != 0 {
		t.Error("the user is stored without the event")
	}
	dbtest.Exec(t, site.db, "ALTER TABLE elsewhere RENAME TO webhook_events")
	if a := site.deliver(event).status(http.StatusOK); a.body != "applied" {
		t.Errorf("the event is %q when it comes again, want applied", a.body)
	}
}

// Forgers make us compute, not write.
func TestFloodOfForgedWebhooks(t *testing.T) {
	site := newSite(t)
	before := site.user(ada)
	for i := range 5000 {
		body := userEvent("user.deleted", ada, "x", int64(i+1))
		site.deliver(delivery{id: fmt.Sprint("msg_", i), body: body, signature: "v1,Zm9yZ2Vk"}).status(http.StatusBadRequest)
	}
	if n := stored(t, site); n != 0 {
		t.Errorf("%d forged events are stored", n)
	}
	if after := site.user(ada); after.DeletedAt != before.DeletedAt || after.UpdatedAt != before.UpdatedAt {
		t.Errorf("the user was changed: %+v", after)
	}
}
