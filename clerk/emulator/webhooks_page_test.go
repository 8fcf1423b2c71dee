package emulator_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"inkwell/clerk/emulator"
)

func TestDeliveryForm(t *testing.T) {
	tests := []struct {
		name                         string
		delay, repeat, drop, shuffle string
		want                         emulator.Delivery
		problem                      string // empty: it is saved
	}{
		{"everything", "1.5", "2", "30", "on", emulator.Delivery{Delay: 1500 * time.Millisecond, Repeat: 2, Drop: .3, Shuffle: true}, ""},
		{"nothing", "0", "0", "0", "", emulator.Delivery{}, ""},
		{"most", "3600", "20", "100", "", emulator.Delivery{Delay: time.Hour, Repeat: 20, Drop: 1}, ""},
		{"blanks", " 1 ", " 1 ", " 1 ", "", emulator.Delivery{Delay: time.Second, Repeat: 1, Drop: .01}, ""},
		{"long delay", "3601", "0", "0", "", emulator.Delivery{}, "delay"},
		{"endless delay", "1e300", "0", "0", "", emulator.Delivery{}, "delay"},
		{"negative delay", "-1", "0", "0", "", emulator.Delivery{}, "delay"},
		{"no delay", "", "0", "0", "", emulator.Delivery{}, "delay"},
		{"NaN", "NaN", "0", "0", "", emulator.Delivery{}, "delay"},
		{"often", "0", "21", "0", "", emulator.Delivery{}, "repeat"},
		{"half a time", "0", "0.5", "0", "", emulator.Delivery{}, "repeat"},
		{"more than all", "0", "0", "100.1", "", emulator.Delivery{}, "drop"},
		{"a word", "0", "0", `"><b>`, "", emulator.Delivery{}, "drop"},
	}
	e := newEmulator(t, emulator.Options{})
	b := newBrowser(t, newSite(t, e))
	for _, tt := range tests {
		if err := e.SetDelivery(emulator.Delivery{}); err != nil {
			t.Fatal(err)
		}
		fields := []string{"delay", tt.delay, "repeat", tt.repeat, "drop", tt.drop}
		if tt.shuffle != "" {
			fields = append(fields, "shuffle", tt.shuffle)
		}
		status, page := b.post("/__clerk/webhooks", fields...)
		if got := e.Delivery(); got != tt.want {
			t.Errorf("%s: it is %+v, want %+v", tt.name, got, tt.want)
		}
		if saved := strings.Contains(page, "settings are saved"); saved != (tt.problem == "") || saved != (status == http.StatusOK) {
			t.Errorf("%s: %d, saved is %v", tt.name, status, saved)
		}
		if problem := tt.problem; problem != "" && (status != http.StatusUnprocessableEntity || !strings.Contains(page, `id="`+problem+`-problem"`) || strings.Contains(page, "<b>")) {
			t.Errorf("%s: %d, without a problem at %s", tt.name, status, problem)
		}
		if kept := regexp.MustCompile(`name="delay"[^>]* value="([^"]*)"`).FindStringSubmatch(page); tt.problem != "" && (kept == nil || kept[1] != tt.delay) {
			t.Errorf("%s: the delay is shown as %q", tt.name, kept)
		}
		if checked := strings.Contains(page, `name="shuffle" checked`); checked != (tt.shuffle != "") {
			t.Errorf("%s: the box is checked: %v", tt.name, checked)
		}
	}
}

// rows returns the texts of the rows of a table on the page, cell by cell, but
// for the time, which comes first.
func rows(page, id string) []string {
	_, section, _ := strings.Cut(page, `<h2 id="`+id+`">`)
	section, _, _ = strings.Cut(section, "<h2")
	var list []string
	for _, row := range regexp.MustCompile(`<tr><td>.*`).FindAllString(section, -1) {
		row = regexp.MustCompile(`<button.*`).ReplaceAllString(row, "")
		cells := strings.FieldsFunc(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(row, "|"), func(c rune) bool { return c == '|' })
		list = append(list, strings.Join(cells[1:], ", "))
	}
	return list
}

// sentIDs returns the ids of the webhooks that the page offers to send again.
func sentIDs(page string) []string {
	var list []string
	for _, button := range regexp.MustCompile(`name="id" value="([^"]+)"`).FindAllStringSubmatch(page, -1) {
		list = append(list, button[1])
	}
	return list
}

func TestWebhooksPage(t *testing.T) {
	e, _ := settled(t, emulator.Options{})
	b := newBrowser(t, newSite(t, e))
	look := func(when, id string, want ...string) {
		t.Helper()
		_, page := b.get("/__clerk/webhooks")
		if got := rows(page, id); !slices.Equal(got, want) {
			t.Errorf("%s, %s shows %q, want %q", when, id, got, want)
		}
	}
	ready := func(name string) string { return "user.created, " + name + ", 1, 200" }
	first := []string{ready("Margaret Hamilton"), ready("Katherine Johnson"), ready("Grace Hopper"), ready("Alan Turing"), ready("Ada Lovelace")}
	look("at first", "sent", first...)
	look("at first", "waiting")

	deliver := func(d emulator.Delivery) {
		t.Helper()
		if err := e.SetDelivery(d); err != nil {
			t.Fatal(err)
		}
	}
	deliver(emulator.Delivery{Drop: 1})
	if err := e.DeleteUser("user_dev_alan"); err != nil {
		t.Fatal(err)
	}
	flush(t, e)
	first[3] = ready("user_dev_alan")
	look("after a loss", "sent", append([]string{"user.deleted, user_dev_alan, 0, dropped"}, first...)...)

	deliver(emulator.Delivery{Delay: time.Hour})
	createUsers(t, e, 1)
	_, page := b.get("/__clerk/webhooks")
	b.post("/__clerk/webhooks/again", "id", sentIDs(page)[5])
	look("while they wait", "waiting", "user.created, User 1", "user.created (again), Ada Lovelace")
	createUsers(t, e, 60)
	if _, page := b.get("/__clerk/webhooks"); !strings.Contains(page, "and 12 more") || len(rows(page, "waiting")) != 50 {
		t.Errorf("of 62 that wait, the page shows %d", len(rows(page, "waiting")))
	}
}

func TestSendAgain(t *testing.T) {
	e, rec := settled(t, emulator.Options{Delivery: emulator.Delivery{Drop: 1, Repeat: 3}})
	b := newBrowser(t, newSite(t, e))
	createUsers(t, e, 2)
	flush(t, e)
	if len(rec.ids) != 0 {
		t.Fatalf("%d were sent", len(rec.ids))
	}
	_, shown := b.get("/__clerk/webhooks")
	last := sentIDs(shown)[0]
	tests := []struct {
		name, id   string
		wantStatus int
		want       int // how many are sent
	}{
		{"one that was dropped", last, 200, 1},
		{"the same", last, 200, 1},
		{"one that nobody knows", "msg_unknown", 404, 0},
		{"all", "", 200, 7},
	}
	for _, tt := range tests {
		rec.ids = nil
		status, page := b.post("/__clerk/webhooks/again", "id", tt.id)
		if said := strings.Contains(page, "waits to be sent again"); said != (status == http.StatusOK) {
			t.Errorf("%s: %d, and the page says so: %v", tt.name, status, said)
		}
		flush(t, e)
		if status != tt.wantStatus || len(rec.ids) != tt.want {
			t.Errorf("%s: %d and %d are sent, want %d and %d", tt.name, status, len(rec.ids), tt.wantStatus, tt.want)
		}
		if tt.id == last && rec.ids[0] != last {
			t.Errorf("%s: %s is sent, want %s", tt.name, rec.ids[0], last)
		}
	}
}

func TestWebhooksPageLeadsToTheProgram(t *testing.T) {
	for path, want := range map[string]bool{"": false, "/came": true} {
		b := newBrowser(t, newSite(t, newEmulator(t, emulator.Options{WebhookPage: path})))
		if _, page := b.get("/__clerk/webhooks"); strings.Contains(page, "a page of its own") != want || strings.Contains(page, `<a href="/came">`) != want {
			t.Errorf("with %q, the page leads there: %v, want %v", path, !want, want)
		}
	}
}

func TestSentIsBounded(t *testing.T) {
	e, rec := settled(t, emulator.Options{})
	b := newBrowser(t, newSite(t, e))
	if status, page := b.post("/__clerk/webhooks/users"); status != http.StatusOK || !strings.Contains(page, "100 users are made.") {
		t.Errorf("making users leads to %d", status)
	}
	flush(t, e)
	if _, page := b.get("/__clerk/webhooks"); len(rec.numbers()) != 100 || len(rows(page, "sent")) != 50 || rows(page, "sent")[0] != "user.created, User 100, 1, 200" || !strings.Contains(page, "The last 50") {
		t.Errorf("of %d, the page shows %q", len(rec.numbers()), rows(page, "sent"))
	}
}

func TestPagesLeadToEachOther(t *testing.T) {
	e := newEmulator(t, emulator.Options{})
	b := newBrowser(t, newSite(t, e))
	b.post("/__clerk/sign-in", "identifier", "user_dev_ada", "redirect_url", "/")
	for _, path := range []string{"sign-in", "sign-up", "user", "webhooks"} {
		_, page := b.get("/__clerk/" + path)
		for _, target := range []string{"/", "/__clerk/sign-in", "/__clerk/user", "/__clerk/webhooks"} {
			if !strings.Contains(page, `<a href="`+target+`"`) {
				t.Errorf("%s does not lead to %s", path, target)
			}
		}
		if strings.Contains(page, "<script") || strings.Contains(page, "style=") {
			t.Errorf("%s needs more than its style sheet", path)
		}
	}
}
