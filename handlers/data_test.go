package handlers

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"inkwell/db/dbtest"
)

func TestTablesPage(t *testing.T) {
	site := newSite(t)
	site.post(ada, "Hello", "Text", true)
	a := site.as(admin).get(dataPath).status(http.StatusOK)
	a.shows(`.admin-nav [aria-current="page"]`, "Data")
	a.shows(`section[aria-labelledby="own-heading"] tr:has(a[href="/admin/data/posts"])`, "posts120")
	a.shows(`section[aria-labelledby="other-heading"] tr:has(a[href="/admin/data/users"])`, "users5")
	a.one(`a[href="/admin/data/schema_migrations"]`)
	site.as(admin).get(webhooksPath).shows(`.admin-nav [aria-current="page"]`, "Webhooks").one(`.admin-nav a[href="/admin/data"]`)
}

// Every table of the real schema can be looked at, sorted by each column and
// filtered by each comparison, and each of its rows has a page.
func TestEveryTableIsShown(t *testing.T) {
	site := newSite(t)
	site.post(ada, "Hello", "Text", true)
	storeEvents(t, site, 3)
	c := site.as(admin)
	tables, err := site.db.Tables(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		t.Run(table.Name, func(t *testing.T) {
			a := c.get(tablePath(table.Name)).status(http.StatusOK).shows("h1", table.Name)
			for _, link := range a.all(`.data-row th[scope=row] a`) {
				c.get(attr(link, "href")).status(http.StatusOK).one("#row-form")
			}
			for _, column := range table.Columns {
				if column.Secret {
					continue
				}
				for _, desc := range []string{"", "1"} {
					c.htmx("GET", addressOf(tablePath(table.Name), url.Values{"sort": {column.Name}, "desc": {desc}}), nil).status(http.StatusOK).one("#data-rows")
				}
				for _, op := range ops {
					query := url.Values{"column": {column.Name}, "op": {string(op.Name)}, "value": {"7"}}
					c.htmx("GET", addressOf(tablePath(table.Name), query), nil).status(http.StatusOK).lacks("[aria-invalid]")
				}
			}
		})
	}
}

// hostileName is the name of a table, of its columns, and a value in it.
const hostileName = `"><script>alert(1)</script> '; DROP TABLE users; --/?&%41 é`

func hostileSQL(sql string) string {
	return strings.ReplaceAll(sql, "NAME", `"`+strings.ReplaceAll(hostileName, `"`, `""`)+`"`)
}

func TestHostileNames(t *testing.T) {
	site := newSite(t)
	dbtest.Exec(t, site.db, hostileSQL("CREATE TABLE NAME (NAME TEXT PRIMARY KEY, note TEXT) STRICT, WITHOUT ROWID"))
	dbtest.Exec(t, site.db, hostileSQL("INSERT INTO NAME VALUES (?, ?)"), hostileName, hostileName)
	dbtest.Exec(t, site.db, hostileSQL("ALTER TABLE posts ADD COLUMN NAME TEXT"))
	site.post(ada, "Hello", "Text", true)
	c := site.as(admin)
	path := attr(c.get(dataPath).one(`a[href^="/admin/data/%22"]`), "href")
	a := c.get(path).status(http.StatusOK).shows("h1", hostileName).shows(".data-row td", hostileName)
	c.get(attr(a.one("#sort-0"), "href")).status(http.StatusOK).shows(".data-row td", hostileName)
	found := c.get(addressOf(path, url.Values{"column": {hostileName}, "op": {"eq"}, "value": {hostileName}})).status(http.StatusOK)
	row := attr(found.one(".data-row th a"), "href")
	c.get(row).status(http.StatusOK).shows("#row-form", hostileName).shows("#row-form", "The program keeps this itself.")
	c.submit(row, url.Values{"value-note": {"Calm"}}).status(http.StatusForbidden)
	c.submit(row+"/delete", nil).status(http.StatusForbidden)
	const post = dataPath + "/posts/1"
	form := c.get(post).status(http.StatusOK).fields("#row-form")
	form.Set("value-"+hostileName, "Calm")
	form.Del("null-" + hostileName)
	c.submit(post, form).leadsTo(post)
	c.get(post).shows("#row-form", hostileName).shows(".notice", "The row is saved.")
	if a := c.get(dataPath + "/posts/export?format=csv").status(http.StatusOK); !strings.Contains(a.body, "Calm") {
		t.Errorf("the export holds %q", a.body)
	}
	for _, wrong := range []string{"?sort=none", "?column=none&op=eq&value=", "?column=note&op=or&value=", "?column=note", "?after=x", "?after=1", "?after=n.n"} {
		c.get(path + wrong).status(http.StatusBadRequest)
	}
	for _, wrong := range []string{"none", "users%22--", "users/none", "users/1.1", "users/tMQ", "users/+1", "users/99"} {
		c.get(dataPath + "/" + wrong).status(http.StatusNotFound)
	}
}

func TestRowsShowWhatValuesAre(t *testing.T) {
	site := newSite(t)
	site.post(ada, "Hello", strings.Repeat("Long text. ", 30), false)
	dbtest.Exec(t, site.db, "CREATE TABLE things (a TEXT, b BLOB, c REAL, seen_at INTEGER)")
	dbtest.Exec(t, site.db, "INSERT INTO things VALUES ('', x'0001', 1.5, 1700000000000), (NULL, NULL, NULL, -5)")
	c := site.as(admin)
	a := c.get("/admin/data/things").status(http.StatusOK)
	for selector, want := range map[string]string{
		"#row-1 .text": "", "#row-1 .blob": "2 bytes", "#row-1 td:nth-of-type(3)": "1.5", "#row-1 td:nth-of-type(4)": "1700000000000 2023-11-14 22:13:20 UTC",
		"#row-2 td:nth-of-type(1).null": "NULL", "#row-2 td:nth-of-type(4)": "-5",
	} {
		if got := text(a.one(selector)); got != want {
			t.Errorf("%s shows %q, want %q", selector, got, want)
		}
	}
	user := fmt.Sprint(site.user(ada).ID)
	a = c.get("/admin/data/posts").shows("#row-1 .number a[href='/admin/data/users/"+user+"']", user)
	if got := text(a.one("#row-1 td:nth-last-of-type(5)")); len(got) > maxCell+20 || !strings.HasSuffix(got, "… and more") {
		t.Errorf("a long text is shown as %q", got)
	}
	c.get("/admin/data/posts/1").shows("#row-form textarea[name=value-content]", strings.Repeat("Long text. ", 29))
	c.get("/admin/data/users/"+user).shows("section", "Rows of posts by author_id").one(`a[href="/admin/data/posts?column=author_id&op=eq&value=` + user + `"]`)
}

func TestFilterAndSort(t *testing.T) {
	site := newSite(t)
	for _, title := range []string{"Alpha", "Beta", "Gamma"} {
		site.post(ada, title, "Text", title != "Beta")
	}
	c := site.as(admin)
	tests := []struct {
		query      string
		wantStatus int
		want       string // titles
	}{
		{"", 200, "Alpha Beta Gamma"},
		{"?sort=title&desc=1", 200, "Gamma Beta Alpha"},
		{"?column=published&op=eq&value=1", 200, "Alpha Gamma"},
		{"?column=published&op=eq&value=1&column=title&op=has&value=GAM", 200, "Gamma"},
		{"?column=published_at&op=null&value=", 200, "Beta"},
		{"?column=created_at&op=gt&value=2020-01-31+12:00", 200, "Alpha Beta Gamma"},
		{"?column=created_at&op=lt&value=2020-01-31", 200, ""},
		{"?column=&op=eq&value=ignored", 200, "Alpha Beta Gamma"},
		{"?column=id&op=eq&value=three", 422, ""},
	}
	for _, tt := range tests {
		t.Run(tt.query, func(t *testing.T) {
			for _, a := range []*answer{c.get("/admin/data/posts" + tt.query), c.htmx("GET", "/admin/data/posts"+tt.query, nil)} {
				var titles []string
				for _, cell := range a.status(tt.wantStatus).all(".data-row td:nth-of-type(2)") {
					titles = append(titles, text(cell))
				}
				if got := strings.Join(titles, " "); got != tt.want {
					t.Errorf("%s shows %q, want %q", tt.query, got, tt.want)
				}
			}
		})
	}
	a := c.get("/admin/data/posts?sort=title&desc=1").shows(`th[aria-sort="descending"]`, "title")
	if got := attr(a.one(`th[aria-sort] a`), "href"); got != "/admin/data/posts?sort=title" {
		t.Errorf("the heading leads to %s", got)
	}
	c.get("/admin/data/posts?column=id&op=eq&value=three").shows("#filter-0-problem", "whole number").shows(`.problem[role=alert]`, "mend what is marked")
	if got := c.htmx("GET", "/admin/data/posts?value=1&op=eq&column=published", nil).Header.Get("HX-Push-Url"); got != "/admin/data/posts?column=published&op=eq&value=1" {
		t.Errorf("the address becomes %s", got)
	}
}

// What is asked once more has no second place in the history.
func TestRowsAskedAgain(t *testing.T) {
	const path = "/admin/data/posts?column=title&op=eq&value=%27%C3%A9+%26"
	site := newSite(t)
	c := site.as(admin)
	for current, want := range map[string]string{
		"": path, origin + "/admin/data/posts": path, origin + path + "&through=1": path, origin + "/%zz": path, origin + path: "",
	} {
		a := c.send("GET", path, "", "HX-Request", "true", "HX-Request-Type", "partial", "HX-Current-URL", current).status(http.StatusOK)
		if got := a.Header.Get("HX-Push-Url"); got != want {
			t.Errorf("asked at %q, the next address is %q, want %q", current, got, want)
		}
	}
}

func TestRowsPageByPage(t *testing.T) {
	site := newSite(t)
	storeEvents(t, site, 2*rowsPageSize+5)
	c := site.as(admin)
	walks := map[string]func(path string) *answer{
		"plain": c.get,
		"htmx":  func(path string) *answer { return c.htmx("GET", path, nil) },
	}
	for name, get := range walks {
		t.Run(name, func(t *testing.T) {
			var got []string
			for path := "/admin/data/webhook_events?sort=received_at&desc=1"; path != ""; {
				a := get(path).status(http.StatusOK)
				for _, link := range a.all(`a[href^="/admin/data/webhook_events/t"]`) {
					got = append(got, attr(link, "href"))
				}
				path = ""
				if more := a.all("#load-more"); len(more) == 1 {
					path = attr(more[0], "href")
				}
			}
			if slices.Sort(got); len(slices.Compact(got)) != 2*rowsPageSize+5 {
				t.Errorf("the pages hold %d rows", len(got))
			}
		})
	}
}

// A search without an end is broken off with advice, and the form for another
// one is there.
func TestSlowLook(t *testing.T) {
	site := newSite(t)
	dbtest.Exec(t, site.db, "CREATE VIEW endless AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n")
	began := time.Now()
	site.as(admin).htmx("GET", "/admin/data/endless?sort=i", nil).status(http.StatusUnprocessableEntity).shows(".problem", "takes too long").one("#data-apply")
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestAuditLogCannotBeWritten(t *testing.T) {
	site := newSite(t)
	site.post(ada, "Hello", "Text", true)
	c := site.as(admin)
	c.submit("/admin/data/posts/1", url.Values{"value-views": {"7"}}).leadsTo("/admin/data/posts/1")
	c.get("/admin/data/audit_log").shows("#row-1", `{"views":7,`).lacks(`main a[href$="/new"]`)
	c.get("/admin/data/audit_log/1").lacks("form#row-form").lacks("#row-delete").shows("#row-form", "This is the log of what is changed here.")
	for _, path := range []string{"", "/1", "/1/delete"} {
		c.submit("/admin/data/audit_log"+path, url.Values{"value-action": {"add"}}).status(http.StatusForbidden)
	}
	c.get("/admin/data/audit_log/new").status(http.StatusForbidden)
	if n := dbtest.Value[int64](t, site.db, "SELECT count(*) FROM audit_log WHERE user_id = ?", site.user(admin).ID); n != 1 {
		t.Errorf("the log has %d changes, want 1", n)
	}
	c.get(attr(c.get("/admin/data/posts/1").one(".row-links a"), "href")).shows(".data-row", "editposts1{")
}

// Secrets are neither shown nor guessed, not even by administrators.
func TestSecretsAreKept(t *testing.T) {
	site := newSite(t)
	const secret = "form-key-of-ada"
	site.as(ada).submit("/posts", url.Values{"title": {"One"}, "published": {"true"}, "form_key": {secret}}).leadsTo("/posts/1")
	deadLetter(t, site, "msg_dead", "user.updated", `{"data":"form-key-of-ada"}`)
	c := site.as(admin)
	for _, path := range []string{"posts", "posts/1", "posts/export?format=csv", "posts/export?format=json", "webhook_events", "webhook_events/export?format=csv"} {
		a := c.get("/admin/data/" + path).status(http.StatusOK)
		if strings.Contains(a.body, secret) || !strings.Contains(a.body, "(kept secret)") {
			t.Errorf("%s shows the secret, or that there is one nowhere:\n%s", path, a.body)
		}
	}
	c.get("/admin/data/posts").lacks("th a:contains('form_key')").lacks("select option:contains('form_key')")
	for _, guess := range []string{"sort=form_key", "column=form_key&op=has&value=form", "column=form_key&op=gt&value=a"} {
		c.get("/admin/data/posts?" + guess).status(http.StatusBadRequest)
	}
}
