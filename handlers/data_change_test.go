package handlers

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"inkwell/db/dbtest"
)

// editedRow returns the fields of a row's form with other values.
func editedRow(a *answer, values map[string]string) url.Values {
	form := a.fields("#row-form")
	for name, value := range values {
		form.Set(name, value)
	}
	return form
}

// What the database refuses stands at the field that it is about, with what was
// typed, in a page and for htmx.
func TestRefusedRow(t *testing.T) {
	site := newSite(t)
	site.post(ada, "Hello", "Text", true)
	site.post(ada, "Other", "Text", false)
	dbtest.Exec(t, site.db, "ALTER TABLE profiles ADD COLUMN note TEXT")
	dbtest.Exec(t, site.db, "INSERT INTO profiles (user_id, note) VALUES (1, 'old')")
	c := site.as(admin)
	tests := []struct {
		name, path   string
		values       map[string]string
		wantAt, want string
	}{
		{"unique", "/admin/data/posts/2", map[string]string{"value-title": "HELLO"}, "title", "Another row has the same author_id and title."},
		{"check of a column", "/admin/data/posts/1", map[string]string{"value-views": "-1"}, "views", "views >= 0"},
		{"check of the row", "/admin/data/posts/1", map[string]string{"value-deleted_by": "1"}, "deleted_by", "deleted_by IS NULL OR deleted_at IS NOT NULL"},
		{"reference", "/admin/data/posts/1", map[string]string{"value-author_id": "99"}, "author_id", "No row of users is like that."},
		{"not an integer", "/admin/data/posts/1", map[string]string{"value-views": "many"}, "views", "whole number"},
		{"too large", "/admin/data/posts/1", map[string]string{"value-views": "9223372036854775808"}, "views", "whole number"},
		{"not a time", "/admin/data/posts/1", map[string]string{"value-created_at": "yesterday"}, "created_at", "2026-11-20 15:04"},
		{"a time before all", "/admin/data/posts/1", map[string]string{"value-created_at": "-1"}, "created_at", "from 1970 to the year 9999"},
		{"a time after all", "/admin/data/posts/1", map[string]string{"value-created_at": "253402300800000"}, "created_at", "from 1970 to the year 9999"},
		{"a date before all", "/admin/data/posts/1", map[string]string{"value-created_at": "1969-12-31"}, "created_at", "from 1970 to the year 9999"},
		{"missing", "/admin/data/posts/1", map[string]string{"value-author_id": ""}, "author_id", "whole number"},
		{"title of two lines", "/admin/data/posts/1", map[string]string{"value-title": "a\r\nb"}, "title", "one line"},
		{"published without a title", "/admin/data/posts/1", map[string]string{"value-title": ""}, "title", "needs a title"},
		{"text too long", "/admin/data/posts/1", map[string]string{"value-content": strings.Repeat("a", maxContent+1)}, "content", "the limit is 40000"},
		{"control character", "/admin/data/profiles", map[string]string{"value-user_id": "2", "value-quote": "a\x00"}, "quote", "U+0000"},
		{"not UTF-8", "/admin/data/profiles", map[string]string{"value-user_id": "2", "value-quote": "a\xff"}, "quote", "UTF-8"},
		{"text and NULL", "/admin/data/profiles/1", map[string]string{"value-note": "new", "null-note": "1"}, "note", "Do one of the two."},
		{"check of a new row", "/admin/data/profiles", map[string]string{"value-user_id": "2", "value-quote_by": "Me"}, "quote_by", "quote <> '' OR quote_by = ''"},
		{"key in use", "/admin/data/profiles", map[string]string{"value-user_id": "1"}, "user_id", "Another row has this already."},
		{"key empty", "/admin/data/profiles", map[string]string{"value-user_id": ""}, "user_id", "whole number"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			source := tt.path
			if strings.Count(tt.path, "/") == 3 {
				source += "/new"
			}
			form := editedRow(c.get(source).status(http.StatusOK), tt.values)
			for _, a := range []*answer{c.submit(tt.path, form), c.htmx("POST", tt.path, form)} {
				a.status(http.StatusUnprocessableEntity)
				field := a.one(fmt.Sprintf(`[name="value-%s"][aria-invalid=true]`, tt.wantAt))
				a.shows("#"+attr(field, "aria-describedby")+" .problem", tt.want)
				if alerts := a.all("#row-form > .problem"); len(alerts) > 0 {
					t.Errorf("above the form stands a problem that has a field: %s", text(alerts[0]))
				}
				if got := len(a.all("[autofocus]")); got != 1 {
					t.Errorf("%d fields have the focus", got)
				}
				for name, value := range tt.values {
					if got := a.fields("#row-form").Get(name); got != cleanContent(strings.ToValidUTF8(value, "�")) && !strings.ContainsRune(value, 0) {
						t.Errorf("%s holds %.100q", name, got)
					}
				}
			}
		})
	}
	if got := dbtest.Value[int64](t, site.db, "SELECT count(*) FROM audit_log"); got != 0 {
		t.Errorf("the log has %d changes", got)
	}
}

// What a post is shown by follows its text.
func TestEditPostByHand(t *testing.T) {
	site := newSite(t)
	post := site.post(ada, "Hello", "Text", false)
	c := site.as(admin)
	path := fmt.Sprint("/admin/data/posts/", post.ID)
	form := editedRow(c.get(path), map[string]string{"value-title": " New <title> ", "value-content": "*New*\r\ntext", "value-published": "1"})
	c.submit(path, form).leadsTo(path)
	site.guest().get(postPath(post.ID, "New <title>")).status(http.StatusOK).shows(".post h1", "New <title>").shows(".prose em", "New")
	site.guest().get("/").shows(".excerpt", "New text")

	form = editedRow(c.get("/admin/data/posts/new"), map[string]string{
		"value-author_id": fmt.Sprint(post.AuthorID), "value-title": "Added", "value-content": "**By hand**", "value-published": "1",
	})
	c.submit("/admin/data/posts", form).leadsTo("/admin/data/posts/2")
	site.guest().get(postPath(2, "Added")).status(http.StatusOK).shows(".prose strong", "By hand")
	a := c.htmx("POST", "/admin/data/posts", editedRow(c.get("/admin/data/posts/new"), map[string]string{"value-author_id": "1", "value-title": "Third"})).status(http.StatusOK)
	if got := a.Header.Get("HX-Redirect"); got != "/admin/data/posts/3" {
		t.Errorf("htmx is sent to %q", got)
	}
}

// Open pages follow what is done to a post by hand, once it is or was public.
func TestPostByHandIsPublished(t *testing.T) {
	site := newSite(t)
	site.post(ada, "Hello", "Text", false)
	c := site.as(admin)
	const path = "/admin/data/posts/1"
	heard, _ := site.hub.Subscribe(site.hub.Last())
	for _, published := range []string{"0", "1", "0"} {
		c.submit(path, editedRow(c.get(path), map[string]string{"value-views": "1" + published, "value-published": published})).leadsTo(path)
	}
	c.submit(path+"/delete", nil).status(http.StatusSeeOther)
	changes, err := heard.Take()
	if err != nil || len(changes) != 2 || changes[0].kind != postChanged || changes[0].post != 1 {
		t.Errorf("there were the changes %v, %v, want one for the publication and one for its end", changes, err)
	}
}

// So does what a profile is shown by.
func TestEditBioByHand(t *testing.T) {
	site := newSite(t)
	id := fmt.Sprint(site.user(ada).ID)
	c := site.as(admin)
	const source = "/admin/data/profiles/new"
	c.submit("/admin/data/profiles", editedRow(c.get(source), map[string]string{"value-user_id": id, "value-bio": strings.Repeat("a", maxBio+1)})).
		status(http.StatusUnprocessableEntity).shows(".field .problem", "the limit is")
	c.submit("/admin/data/profiles", editedRow(c.get(source), map[string]string{"value-user_id": id, "value-bio": "*First*"})).leadsTo("/admin/data/profiles/" + id)
	site.guest().get("/users/"+id).shows(".prose em", "First")
	c.submit("/admin/data/profiles/"+id, editedRow(c.get("/admin/data/profiles/"+id), map[string]string{"value-bio": "**Second**"})).status(http.StatusSeeOther)
	site.guest().get("/users/"+id).shows(".prose strong", "Second")
}

// NULL and the empty text are two values, and each can be made the other.
func TestNullAndEmpty(t *testing.T) {
	site := newSite(t)
	for _, column := range []string{"a TEXT", "b TEXT NOT NULL DEFAULT 'b'", "n INTEGER"} {
		dbtest.Exec(t, site.db, "ALTER TABLE profiles ADD COLUMN "+column)
	}
	c := site.as(admin)
	value := func() string {
		t.Helper()
		return dbtest.Value[string](t, site.db, "SELECT group_concat(quote(a) || ' ' || quote(b) || ' ' || quote(n), '; ') FROM profiles")
	}
	id := fmt.Sprint(site.user(ada).ID)
	row := "/admin/data/profiles/" + id
	steps := []struct {
		path   string
		values map[string]string
		want   string
	}{
		{"/admin/data/profiles", map[string]string{"value-user_id": id}, "NULL 'b' NULL"},
		{row, nil, "NULL 'b' NULL"},
		{row, map[string]string{"null-a": ""}, "'' 'b' NULL"}, // as unticked: see below
		{row, map[string]string{"null-a": "1"}, "NULL 'b' NULL"},
		{row, map[string]string{"value-a": "typed over a ticked box", "value-n": "7"}, "'typed over a ticked box' 'b' 7"},
		{row, map[string]string{"null-a": "1", "value-b": "", "value-n": ""}, "NULL '' NULL"},
		{row, map[string]string{"value-b": "\nline\r\n"}, "NULL '\nline\n' NULL"},
		{row, nil, "NULL '\nline\n' NULL"},
	}
	for i, step := range steps {
		source := step.path
		if i == 0 {
			source += "/new"
		}
		form := editedRow(c.get(source), step.values)
		if form.Get("null-a") == "" {
			form.Del("null-a")
		}
		c.submit(step.path, form).leadsTo(row)
		if got := value(); got != step.want {
			t.Errorf("%d: %v makes it %s, want %s", i, step.values, got, step.want)
		}
	}
	if got := dbtest.Value[int64](t, site.db, "SELECT count(*) FROM audit_log"); got != 6 {
		t.Errorf("the log has %d changes, want 6", got)
	}
}

// Two administrators with the same row do not overwrite each other, unless they
// change different values.
func TestRowChangedMeanwhile(t *testing.T) {
	site := newSite(t)
	site.post(ada, "Hello", "Text", true)
	const path = "/admin/data/posts/1"
	first, second := site.as(admin), site.as(admin)
	form := second.get(path).fields("#row-form")
	first.submit(path, editedRow(first.get(path), map[string]string{"value-title": "Mine", "value-views": "7"})).leadsTo(path)

	form.Set("value-content", "Other text")
	second.submit(path, form).leadsTo(path)
	form.Set("value-title", "Yours")
	for _, a := range []*answer{second.submit(path, form), second.htmx("POST", path, form)} {
		a.status(http.StatusConflict).shows("#row-form > .problem", "Somebody changed this row meanwhile.").shows(".field:has([name=value-title]) .now", "Mine")
		if fields := a.fields("#row-form"); fields.Get("value-title") != "Yours" || fields.Get("value-views") != "7" {
			t.Errorf("the fields hold %q and %q, want what was typed and, of what was not touched, what the row holds", fields.Get("value-title"), fields.Get("value-views"))
		}
	}
	again := second.submit(path, form).fields("#row-form")
	second.submit(path, again).leadsTo(path)
	if got := dbtest.Value[string](t, site.db, "SELECT title || ' ' || content || ' ' || views FROM posts"); got != "Yours Other text 7" {
		t.Errorf("the row is %s", got)
	}
}

func TestDeleteRowByHand(t *testing.T) {
	site := newSite(t)
	dbtest.Exec(t, site.db, "CREATE TABLE likes (post_id INTEGER NOT NULL REFERENCES posts (id))")
	site.post(ada, "Hello", "Text", true)
	dbtest.Exec(t, site.db, "INSERT INTO likes VALUES (1)")
	c := site.as(admin)
	c.submit("/admin/data/posts/1/delete", nil).status(http.StatusConflict).shows("h1 + p", "likes.post_id")
	c.htmx("POST", "/admin/data/posts/1/delete", nil).status(http.StatusConflict).shows(".notice", "likes.post_id")
	c.submit("/admin/data/likes/1/delete", nil).status(http.StatusForbidden).shows("h1 + p", "The program keeps this itself.")
	dbtest.Exec(t, site.db, "DELETE FROM likes")
	c.submit("/admin/data/posts/1/delete", nil).leadsTo("/admin/data/posts")
	c.get("/admin/data/posts").shows(".notice", "The row 1 of posts is deleted.").shows(".no-events", "The table is empty.")
	c.submit("/admin/data/posts/1/delete", nil).status(http.StatusNotFound)
	c.submit("/admin/data/users/1/delete", nil).status(http.StatusForbidden).shows("h1 + p", "Clerk’s dashboard")
}

// While the disk is full nothing changes, and what was typed is not lost.
func TestRowWithoutADisk(t *testing.T) {
	site := newSite(t)
	site.post(ada, "Hello", "Text", true)
	c := site.as(admin)
	form := editedRow(c.get("/admin/data/posts/1"), map[string]string{"value-title": "New"})
	dbtest.Exec(t, site.db, "DROP TABLE audit_log")
	c.htmx("POST", "/admin/data/posts/1", form).status(http.StatusInternalServerError).one(".notice-problem")
	if got := dbtest.Value[string](t, site.db, "SELECT title FROM posts"); got != "Hello" {
		t.Errorf("the title is %s", got)
	}
}
