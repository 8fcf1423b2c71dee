package emulator

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// manyUsers is how many users the page makes at once.
const manyUsers = 100

// maxShown bounds the webhooks that the page shows of those that wait.
const maxShown = 50

// webhookRoutes adds the page on which webhooks are seen and troubled.
func (e *Emulator) webhookRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+Prefix+"/webhooks", e.showWebhooks)
	mux.HandleFunc("POST "+Prefix+"/webhooks", e.changeDelivery)
	mux.HandleFunc("POST "+Prefix+"/webhooks/again", e.sendAgain)
	mux.HandleFunc("POST "+Prefix+"/webhooks/users", e.makeUsers)
}

// webhooksView is what the page shows.
type webhooksView struct {
	Title     string
	Endpoint  string // empty: nobody listens yet
	Program   string // its own page about them; empty: none
	Done      string // a sentence about what was just done; empty: nothing
	Form      deliveryForm
	ManyUsers int
	Waiting   []webhookRow // who goes first comes first
	More      int          // that wait, too
	Sent      []webhookRow // the last one first, at most MaxSent
	MaxSent   int
}

// A webhookRow is an event that waits, or a sending.
type webhookRow struct {
	ID, Type, User string
	Again          bool
	At             time.Time // since when it waits, or when it was sent
	Attempts       int
	Answer         string // a status or a few words
}

// deliveryForm is a [Delivery] as typed: the delay in seconds, the share of
// those dropped in percent.
type deliveryForm struct {
	Delay, Repeat, Drop string
	Shuffle             bool
	Problems            map[string]string // by field
}

func newDeliveryForm(d Delivery) deliveryForm {
	decimal := func(f float64) string { return strconv.FormatFloat(f, 'g', 9, 64) }
	return deliveryForm{Delay: decimal(d.Delay.Seconds()), Repeat: strconv.Itoa(d.Repeat), Drop: decimal(d.Drop * 100), Shuffle: d.Shuffle}
}

// readDelivery returns what was typed, and what it means. What is no number is
// a problem like one that is out of range.
func readDelivery(fields url.Values) (deliveryForm, Delivery) {
	form := deliveryForm{Delay: fields.Get("delay"), Repeat: fields.Get("repeat"), Drop: fields.Get("drop"), Shuffle: fields.Has("shuffle")}
	repeat, err := strconv.Atoi(strings.TrimSpace(form.Repeat))
	if err != nil {
		repeat = -1
	}
	d := Delivery{
		Delay:   time.Duration(amount(form.Delay) * float64(time.Second)),
		Repeat:  repeat,
		Shuffle: form.Shuffle,
		Drop:    amount(form.Drop) / 100,
	}
	form.Problems = d.problems()
	return form, d
}

// amount reads a number from 0 on; others are -1, and so are those that no
// setting allows.
func amount(typed string) float64 {
	f, err := strconv.ParseFloat(strings.TrimSpace(typed), 64)
	if err == nil && f >= 0 && f <= 1e6 {
		return f
	}
	return -1
}

// showWebhooks handles "GET /__clerk/webhooks".
func (e *Emulator) showWebhooks(w http.ResponseWriter, r *http.Request) {
	view := e.newWebhooksView(newDeliveryForm(e.Delivery()))
	view.Done = doneSentence(r.URL.Query())
	render(w, http.StatusOK, "webhooks.html", view)
}

// doneSentence says what the form did that led to the page.
func doneSentence(query url.Values) string {
	switch {
	case query.Has("saved"):
		return "The settings are saved. They hold until the program ends."
	case query.Has("made"):
		return fmt.Sprintf("%d users are made. Their webhooks are below.", manyUsers)
	case query.Has("again"):
		return "It waits to be sent again."
	}
	return ""
}

func (e *Emulator) newWebhooksView(form deliveryForm) webhooksView {
	c := e.courier
	c.mu.Lock()
	endpoint, waiting, sent := c.endpoint, slices.Clone(c.queue[:min(len(c.queue), maxShown)]), slices.Clone(c.sent)
	more := len(c.queue) - len(waiting)
	c.mu.Unlock()
	view := webhooksView{Title: "Webhooks", Endpoint: endpoint, Program: e.webhookPage, Form: form, ManyUsers: manyUsers, MaxSent: maxSent, More: more}
	users := e.state.Load().Users
	for _, p := range waiting {
		row := newWebhookRow(p.event, p.since, users)
		row.Again = p.again
		view.Waiting = append(view.Waiting, row)
	}
	for _, s := range slices.Backward(sent) {
		row := newWebhookRow(s.event, s.at, users)
		row.Attempts, row.Answer = s.attempts, s.answer()
		view.Sent = append(view.Sent, row)
	}
	return view
}

func newWebhookRow(ev event, at time.Time, users map[string]account) webhookRow {
	row := webhookRow{ID: ev.ID, Type: ev.Type, User: cmp.Or(ev.UserID, "somebody"), At: at}
	if a, ok := users[ev.UserID]; ok {
		row.User = calledName(a.User)
	}
	return row
}

// answer says what became of it.
func (s sending) answer() string {
	switch {
	case s.attempts == 0:
		return "dropped"
	case s.status == 0:
		return "no answer"
	}
	return strconv.Itoa(s.status)
}

// changeDelivery handles "POST /__clerk/webhooks".
func (e *Emulator) changeDelivery(w http.ResponseWriter, r *http.Request) {
	if !parsed(w, r) {
		return
	}
	form, d := readDelivery(r.PostForm)
	if len(form.Problems) > 0 {
		render(w, http.StatusUnprocessableEntity, "webhooks.html", e.newWebhooksView(form))
		return
	}
	e.done(w, r, Prefix+"/webhooks?saved", e.SetDelivery(d))
}

// makeUsers handles "POST /__clerk/webhooks/users".
func (e *Emulator) makeUsers(w http.ResponseWriter, r *http.Request) {
	_, err := e.CreateUsers(manyUsers)
	e.done(w, r, Prefix+"/webhooks?made", err)
}

// sendAgain handles "POST /__clerk/webhooks/again": the webhook with an id, or
// all that the page shows as sent, dropped ones too. By hand it is never
// dropped.
func (e *Emulator) sendAgain(w http.ResponseWriter, r *http.Request) {
	if !parsed(w, r) {
		return
	}
	if !e.courier.resend(r.PostForm.Get("id")) {
		http.Error(w, "This webhook is not one of the last ones any more.", http.StatusNotFound)
		return
	}
	e.deliver()
	e.done(w, r, Prefix+"/webhooks?again", nil)
}

// resend lets the event with an id wait again, if it is remembered; without an
// id, all of them, each once.
func (c *courier) resend(id string) bool {
	c.mu.Lock()
	seen, events := map[string]bool{}, []event{}
	for _, s := range c.sent {
		if !seen[s.ID] && (id == "" || s.ID == id) {
			seen[s.ID] = true
			events = append(events, s.event)
		}
	}
	c.mu.Unlock()
	c.add(true, events...)
	return id == "" || len(events) > 0
}
