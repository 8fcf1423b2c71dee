package handlers

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"inkwell/db/dbtest"
)

// The files hold every value as it is kept.
func TestExport(t *testing.T) {
	site := newSite(t)
	dbtest.Exec(t, site.db, "CREATE TABLE things (a TEXT, b BLOB, c REAL, d INTEGER)")
	dbtest.Exec(t, site.db, `INSERT INTO things VALUES ('=1+1, "x"', x'00ff', 1.5, 9007199254740993), ('', NULL, 9e999, -1), (NULL, x'', 0, 0), ('<é>
', NULL, NULL, NULL)`)
	c := site.as(admin)
	a := c.get("/admin/data/things/export?format=csv").status(http.StatusOK)
	if got := a.Header.Get("Content-Disposition"); got != "attachment; filename=things.csv" {
		t.Errorf("Content-Disposition is %q", got)
	}
	lines, err := csv.NewReader(strings.NewReader(a.body)).ReadAll()
	want := [][]string{{"a", "b", "c", "d"}, {`=1+1, "x"`, "AP8=", "1.5", "9007199254740993"}, {"", "", "+Inf", "-1"}, {"", "", "0", "0"}, {"<é>\n", "", "", ""}}
	if err != nil || !reflect.DeepEqual(lines, want) {
		t.Errorf("the CSV is %q, %v", lines, err)
	}
	a = c.get("/admin/data/things/export?format=json").status(http.StatusOK)
	var rows []struct {
		A *string
		B *[]byte
		C any
		D *int64
	}
	if err := json.Unmarshal([]byte(a.body), &rows); err != nil || len(rows) != 4 {
		t.Fatal(err, a.body)
	}
	if *rows[0].D != 9007199254740993 || string(*rows[0].B) != "\x00\xff" || *rows[1].A != "" || rows[1].C != "+Inf" || rows[2].A != nil || len(*rows[2].B) != 0 || rows[3].D != nil {
		t.Errorf("the JSON is %s", a.body)
	}
}

// The files hold the rows that are chosen, and all of them.
func TestExportOfWhatIsChosen(t *testing.T) {
	site := newSite(t)
	storeEvents(t, site, 1234)
	dbtest.Exec(t, site.db, "CREATE VIEW late AS SELECT svix_id FROM webhook_events WHERE svix_id > 'msg_1200'")
	c := site.as(admin)
	for path, want := range map[string]int{
		"webhook_events/export?format=csv":                                     1235,
		"webhook_events/export?format=csv&column=svix_id&op=gt&value=msg_1000": 235,
		"webhook_events/export?format=csv&column=svix_id&op=eq&value=none":     1,
		"late/export?format=csv":                                               35,
	} {
		if got := strings.Count(c.get("/admin/data/"+path).status(http.StatusOK).body, "\n"); got != want {
			t.Errorf("%s has %d lines, want %d", path, got, want)
		}
	}
	for _, wrong := range []string{"posts/export", "posts/export?format=xml", "posts/export?format=csv&column=id&op=eq&value=x", "posts/export?format=csv&column=none&op=eq&value="} {
		c.get("/admin/data/" + wrong).status(http.StatusBadRequest)
	}
}

// beginExport begins an export over a real connection, as an administrator.
func beginExport(t *testing.T, site *testSite, path string) (*http.Response, context.CancelFunc) {
	t.Helper()
	server := httptest.NewServer(site.handler)
	t.Cleanup(server.Close)
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, "GET", server.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	cookies, err := site.clerk.SignIn(admin)
	if err != nil {
		t.Fatal(err)
	}
	for _, cookie := range cookies {
		r.AddCookie(cookie)
	}
	res, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	return res, cancel
}

// An export that fails in the middle does not look like a whole file.
func TestBrokenExport(t *testing.T) {
	site := newSite(t)
	dbtest.Exec(t, site.db, `CREATE TABLE things (id INTEGER PRIMARY KEY, a TEXT)`)
	dbtest.Exec(t, site.db, `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) INSERT INTO things SELECT i, hex(randomblob(200)) FROM n`)
	dbtest.Exec(t, site.db, `ALTER TABLE things ADD COLUMN b AS (CASE WHEN id > 1500 THEN json(a) END)`)
	res, _ := beginExport(t, site, "/admin/data/things/export?format=csv")
	if body, err := io.ReadAll(res.Body); res.StatusCode != http.StatusOK || err == nil {
		t.Errorf("the export is %d with %d bytes that look whole", res.StatusCode, len(body))
	}
	if !strings.Contains(site.log.String(), "an export was broken off") {
		t.Errorf("the log says %s", site.log)
	}
	dbtest.Exec(t, site.db, `DELETE FROM things WHERE id <= 1500`)
	site.as(admin).get("/admin/data/things/export?format=csv").status(http.StatusInternalServerError)
}

// Who goes in the middle of an export ends it.
func TestExportNobodyReads(t *testing.T) {
	site := newSite(t)
	dbtest.Exec(t, site.db, `CREATE TABLE things (id INTEGER PRIMARY KEY, a TEXT)`)
	dbtest.Exec(t, site.db, `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) INSERT INTO things SELECT i, hex(randomblob(20000)) FROM n`)
	res, leave := beginExport(t, site, "/admin/data/things/export?format=json")
	if _, err := io.ReadFull(res.Body, make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	leave()
	if _, err := io.Copy(io.Discard, res.Body); err == nil {
		t.Error("the rest of the export came")
	}
	if strings.Contains(site.log.String(), "broken off") {
		t.Errorf("the log says %s", site.log)
	}
}
