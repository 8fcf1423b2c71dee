package handlers

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"inkwell/db/dbtest"
)

// decode reads an answer's JSON.
func decode[T any](a *answer) T {
	a.t.Helper()
	var v T
	if err := json.Unmarshal([]byte(a.body), &v); err != nil {
		a.t.Fatalf("%s %s answers %q: %v", a.Request.Method, a.Request.URL, a.body, err)
	}
	return v
}

// problem makes sure of an error as RFC 9457 describes it, with a detail that
// contains the text.
func (a *answer) problem(status int, detail string) *answer {
	a.t.Helper()
	a.status(status)
	got := decode[struct {
		Status        int
		Title, Detail string
	}](a)
	if got.Status != status || got.Title == "" || !strings.Contains(got.Detail, detail) || got.Detail == "" {
		a.t.Errorf("%s %s answers %s, want status %d and %q in the detail", a.Request.Method, a.Request.URL, a.body, status, detail)
	}
	if kind := a.Header.Get("Content-Type"); kind != "application/problem+json" {
		a.t.Errorf("%s %s answers an error as %q", a.Request.Method, a.Request.URL, kind)
	}
	return a
}

func TestAPIPostFromBirthToDeath(t *testing.T) {
	site := newSite(t)
	c := site.as(ada)
	created := c.api("POST", "/api/posts", `{"title":" Hello ","content":"one\r\n*two*"}`).status(http.StatusCreated)
	if got := created.Header.Get("Location"); got != "/api/posts/1" {
		t.Errorf("a new post is at %q, want /api/posts/1", got)
	}
	post := decode[apiPost](created)
	if post.Title != "Hello" || post.Content != "one\n*two*" || !strings.Contains(post.ContentHTML, "<em>two</em>") || !post.Published || post.Author.Name != "Ada Lovelace" {
		t.Errorf("the new post is %+v", post)
	}
	if got := decode[apiPost](site.guest().api("GET", "/api/posts/1", "").status(http.StatusOK)); got != post {
		t.Errorf("the post reads %+v, want %+v", got, post)
	}
	changed := decode[apiPost](c.api("PATCH", "/api/posts/1", `{"title":"Changed"}`).status(http.StatusOK))
	if changed.Title != "Changed" || changed.Content != post.Content || !changed.Published || !changed.UpdatedAt.After(post.UpdatedAt) {
		t.Errorf("after a new title the post is %+v", changed)
	}
	if gone := c.api("DELETE", "/api/posts/1", "").status(http.StatusNoContent); gone.body != "" {
		t.Errorf("a deletion answers %q, want nothing", gone.body)
	}
	c.api("GET", "/api/posts/1", "").problem(http.StatusNotFound, "nothing here")
	c.api("DELETE", "/api/posts/1", "").problem(http.StatusNotFound, "nothing here")
}

// TestAPIForm makes sure of the names and forms that the contract promises.
func TestAPIForm(t *testing.T) {
	site := newSite(t)
	post := site.post(ada, "Hello", "", true)
	at := post.CreatedAt.Time().Format(time.RFC3339Nano)
	want := fmt.Sprintf(`{"id":1,"title":"Hello","content":"","content_html":"","published":true,"views":0,`+
		`"author":{"id":%d,"name":"Ada Lovelace","image_url":""},"created_at":%q,"updated_at":%q,"poll":null,"hidden":null}`, post.AuthorID, at, at)
	if got := strings.TrimSpace(site.guest().api("GET", "/api/posts/1", "").body); got != want || !strings.HasSuffix(at, "Z") {
		t.Errorf("a post is\n%s\nwant\n%s", got, want)
	}
	if got, want := strings.TrimSpace(site.guest().api("GET", "/api/posts", "").body), `{"posts":[`+want+`],"next":null}`; got != want {
		t.Errorf("the posts are\n%s\nwant\n%s", got, want)
	}
	user := site.user(ada)
	want = fmt.Sprintf(`{"id":%d,"clerk_id":%q,"name":"Ada Lovelace","email":%q,"username":%q,"image_url":"","role":"member"}`, user.ID, ada, *user.Email, *user.Username)
	if got := strings.TrimSpace(site.as(ada).api("GET", "/api/me", "").status(http.StatusOK).body); got != want {
		t.Errorf("the current user is\n%s\nwant\n%s", got, want)
	}
}

func TestAPIWithBearerToken(t *testing.T) {
	site := newSite(t)
	token, err := site.clerk.SessionToken(ada, 0)
	if err != nil {
		t.Fatal(err)
	}
	expired, err := site.clerk.SessionToken(ada, 2*time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, authorization string
		wantStatus          int
	}{
		{"good", "Bearer " + token, http.StatusOK},
		{"expired", "Bearer " + expired, http.StatusUnauthorized},
		{"garbage", "Bearer garbage", http.StatusUnauthorized}, // ASVS 7.2.1
		{"altered", "Bearer " + token[:len(token)-4] + "AAAA", http.StatusUnauthorized},
		{"another scheme", "Basic " + token, http.StatusUnauthorized},
		{"nothing", "", http.StatusUnauthorized},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := site.stranger().send("GET", "/api/me", "", "Authorization", tt.authorization).status(tt.wantStatus)
			if tt.wantStatus != http.StatusOK {
				a.problem(tt.wantStatus, "sign in")
			}
		})
	}
	site.stranger().send("POST", "/api/posts", `{"title":"By a program"}`, "Authorization", "Bearer "+token, "Content-Type", "application/json").status(http.StatusCreated)
}

// Bodies are checked by the server, whatever a form would let through, ASVS
// 2.2.1 and 2.2.2.
func TestAPIBodies(t *testing.T) {
	long := func(n int) string { return strings.Repeat("é", n) }
	tests := []struct {
		name, body string
		wantStatus int
		wantDetail string
	}{
		{"truncated", `{"title":"a"`, http.StatusBadRequest, "not JSON"},
		{"no body", ``, http.StatusBadRequest, "not JSON"},
		{"two values", `{"title":"a"} {}`, http.StatusBadRequest, "not JSON"},
		{"not UTF-8", "{\"title\":\"a\xff\"}", http.StatusBadRequest, "UTF-8"},
		{"NUL outside a string", "{\"title\":\"a\"\x00}", http.StatusBadRequest, "not JSON"},
		{"array", `[]`, http.StatusUnprocessableEntity, "object"},
		{"string", `"title"`, http.StatusUnprocessableEntity, "object"},
		{"null", `null`, http.StatusUnprocessableEntity, "object"},
		{"empty object", `{}`, http.StatusUnprocessableEntity, "title"},
		{"title is null", `{"title":null}`, http.StatusUnprocessableEntity, "title"},
		{"title is a number", `{"title":1}`, http.StatusUnprocessableEntity, "title: It has to be a string"},
		{"title is an array", `{"title":[]}`, http.StatusUnprocessableEntity, "title"},
		{"content is an object", `{"title":"a","content":{}}`, http.StatusUnprocessableEntity, "content"},
		{"published is a string", `{"title":"a","published":"true"}`, http.StatusUnprocessableEntity, "published"},
		{"title is blank", `{"title":" \t "}`, http.StatusUnprocessableEntity, "title: A post needs a title"},
		{"title holds NUL", `{"title":"a\u0000b"}`, http.StatusUnprocessableEntity, "U+0000"},
		{"title of two lines", `{"title":"a\nb"}`, http.StatusUnprocessableEntity, "one line"},
		{"title too long", `{"title":"` + long(maxTitle+1) + `"}`, http.StatusUnprocessableEntity, "201 characters"},
		{"title just fits", `{"title":"` + long(maxTitle) + `"}`, http.StatusCreated, ""},
		{"content too long", `{"title":"a","content":"` + long(maxContent+1) + `"}`, http.StatusUnprocessableEntity, "40001 characters"},
		{"content just fits", `{"title":"long","content":"` + strings.Repeat(`é\r\n`, maxContent/2) + `"}`, http.StatusCreated, ""},
		{"content holds an escape", `{"title":"a","content":"\u001b[31m"}`, http.StatusUnprocessableEntity, "content"},
		{"title in use", `{"title":"taken"}`, http.StatusConflict, "another post"},
		{"title in use, folded", `{"title":"STRASSE"}`, http.StatusConflict, "another post"},
		{"title in use for a draft", `{"title":"Taken","published":false}`, http.StatusConflict, "another post"},
		{"draft without a title", `{"content":"an idea","published":false}`, http.StatusCreated, ""},
		{"another draft without a title", `{"content":"an idea","published":false}`, http.StatusCreated, ""},
		{"over 1 MiB", `{"title":"a","content":"` + strings.Repeat("a", maxBody) + `"}`, http.StatusRequestEntityTooLarge, "1 MiB"},
		{"10 MB", strings.Repeat("a", 10_000_000), http.StatusRequestEntityTooLarge, "1 MiB"},
	}
	site := newSite(t)
	site.post(ada, "Taken", "", true)
	site.post(ada, "straße", "", false)
	c := site.as(ada)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := dbtest.Value[int](t, site.db, "SELECT count(*) FROM posts")
			a := c.send("POST", "/api/posts", tt.body, "Content-Type", "application/json").status(tt.wantStatus)
			if tt.wantStatus == http.StatusCreated {
				before++
			} else {
				a.problem(tt.wantStatus, tt.wantDetail)
			}
			if got := dbtest.Value[int](t, site.db, "SELECT count(*) FROM posts"); got != before {
				t.Errorf("there are %d posts, want %d", got, before)
			}
		})
	}
}

func TestAPIContentTypes(t *testing.T) {
	tests := []struct {
		kind       string
		wantStatus int
	}{
		{"application/json", http.StatusCreated},
		{"Application/JSON; charset=utf-8", http.StatusCreated},
		{"", http.StatusUnsupportedMediaType},
		{"text/plain", http.StatusUnsupportedMediaType}, // ASVS 3.5.2: what a form of another site can send
		{"application/x-www-form-urlencoded", http.StatusUnsupportedMediaType},
		{"application/jsonp", http.StatusUnsupportedMediaType},
		{";", http.StatusUnsupportedMediaType},
	}
	site := newSite(t)
	c := site.as(ada)
	for i, tt := range tests {
		t.Run(tt.kind, func(t *testing.T) {
			a := c.send("POST", "/api/posts", fmt.Sprintf(`{"title":"Post %d"}`, i), "Content-Type", tt.kind).status(tt.wantStatus)
			if tt.wantStatus != http.StatusCreated {
				a.problem(tt.wantStatus, "application/json")
			}
		})
	}
	c.send("PATCH", "/api/posts/1", `{"title":"New"}`, "Content-Type", "text/plain").problem(http.StatusUnsupportedMediaType, "application/json")
}

// Fields that are not for the writer to set are ignored, ASVS 8.2.3 and 15.3.3.
func TestAPIMassAssignment(t *testing.T) {
	site := newSite(t)
	c := site.as(ada)
	extra := fmt.Sprintf(`"id":99,"author_id":%d,"author":{"id":7},"views":1000,"role":"admin","created_at":"2000-01-01T00:00:00Z",`+
		`"content_html":"<script>1</script>","deleted_at":1,"published_at":1,"form_key":"k"`, site.user(grace).ID)
	check := func(p apiPost) {
		t.Helper()
		if p.ID != 1 || p.Author.ID != site.user(ada).ID || p.Views != 0 || p.CreatedAt.Year() == 2000 || p.ContentHTML != "" {
			t.Errorf("the post is %+v", p)
		}
	}
	check(decode[apiPost](c.api("POST", "/api/posts", `{"title":"Mine",`+extra+`}`).status(http.StatusCreated)))
	check(decode[apiPost](c.api("PATCH", "/api/posts/1", `{"title":"Mine still",`+extra+`}`).status(http.StatusOK)))
	if role := site.user(ada).Role; role != "member" {
		t.Errorf("the writer is now %s", role)
	}
}

func TestAPIPatchMerges(t *testing.T) {
	tests := []struct {
		name, body             string
		wantStatus             int
		wantTitle, wantContent string
		wantPublished          bool
	}{
		{"nothing", `{}`, http.StatusOK, "Draft", "text", false},
		{"null fields", `{"title":null,"content":null,"published":null}`, http.StatusOK, "Draft", "text", false},
		{"content", `{"content":"new"}`, http.StatusOK, "Draft", "new", false},
		{"empty content", `{"content":""}`, http.StatusOK, "Draft", "", false},
		{"published", `{"published":true}`, http.StatusOK, "Draft", "text", true},
		{"everything", `{"title":"T","content":"c","published":true}`, http.StatusOK, "T", "c", true},
		{"untitled", `{"title":""}`, http.StatusOK, "", "text", false},
		{"untitled and published", `{"title":"","published":true}`, http.StatusUnprocessableEntity, "Draft", "text", false},
		{"title in use", `{"title":"OTHER"}`, http.StatusConflict, "Draft", "text", false},
		{"its own title", `{"title":"DRAFT"}`, http.StatusOK, "DRAFT", "text", false},
		{"not an object", `[]`, http.StatusUnprocessableEntity, "Draft", "text", false},
		{"null", `null`, http.StatusUnprocessableEntity, "Draft", "text", false},
		{"truncated", `{`, http.StatusBadRequest, "Draft", "text", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			site := newSite(t)
			site.post(ada, "Draft", "text", false)
			site.post(ada, "Other", "", true)
			c := site.as(ada)
			c.api("PATCH", "/api/posts/1", tt.body).status(tt.wantStatus)
			got := decode[apiPost](c.api("GET", "/api/posts/1", "").status(http.StatusOK))
			if got.Title != tt.wantTitle || got.Content != tt.wantContent || got.Published != tt.wantPublished {
				t.Errorf("PATCH %s makes %+v", tt.body, got)
			}
		})
	}
}

// Who may do what with a post, ASVS 8.2.1 and 8.2.2.
func TestAPIAccess(t *testing.T) {
	tests := []struct {
		who                               string
		get, patch, delete                int
		getDraft, patchDraft, deleteDraft int
	}{
		{"", 200, 401, 401, 404, 401, 401},
		{grace, 200, 403, 403, 404, 404, 404},
		{moderator, 200, 403, 204, 404, 404, 404},
		{admin, 200, 403, 204, 404, 404, 404},
		{ada, 200, 200, 204, 200, 200, 204},
	}
	for _, tt := range tests {
		t.Run(tt.who, func(t *testing.T) {
			site := newSite(t)
			site.post(ada, "Ada's", "", true)
			site.post(ada, "Secret", "", false)
			c := site.guest()
			if tt.who != "" {
				c = site.as(tt.who)
			}
			if got := c.api("GET", "/api/posts", "").status(http.StatusOK); strings.Contains(got.body, "Secret") {
				t.Error("a draft is listed")
			}
			c.api("GET", "/api/posts/1", "").status(tt.get)
			c.api("GET", "/api/posts/2", "").status(tt.getDraft)
			c.api("PATCH", "/api/posts/1", `{"title":"Changed"}`).status(tt.patch)
			c.api("PATCH", "/api/posts/2", `{"title":"Changed, too"}`).status(tt.patchDraft)
			c.api("DELETE", "/api/posts/1", "").status(tt.delete)
			c.api("DELETE", "/api/posts/2", "").status(tt.deleteDraft)
		})
	}
}

func TestAPIRefusals(t *testing.T) {
	tests := []struct {
		name, method, path string
		signedIn           bool
		wantStatus         int
		wantAllow          string
	}{
		{"unknown path", "GET", "/api/nothing", false, 404, ""},
		{"no path", "GET", "/api/", false, 404, ""},
		{"beyond a post", "GET", "/api/posts/1/edit", true, 404, ""},
		{"unknown path, to write", "POST", "/api/nothing", true, 404, ""},
		{"no such post", "GET", "/api/posts/99", false, 404, ""},
		{"no such post, to change", "PATCH", "/api/posts/99", true, 404, ""},
		{"id is no number", "GET", "/api/posts/one", false, 404, ""},
		{"negative id", "DELETE", "/api/posts/-1", true, 404, ""},
		{"huge id", "GET", "/api/posts/99999999999999999999", false, 404, ""},
		{"signed out", "GET", "/api/me", false, 401, ""},
		{"signed out, to write", "POST", "/api/posts", false, 401, ""},
		{"signed out, to change", "PATCH", "/api/posts/1", false, 401, ""},
		{"signed out, to delete", "DELETE", "/api/posts/1", false, 401, ""},
		{"method of the list", "PUT", "/api/posts", true, 405, "GET, HEAD, POST"},
		{"method of a post", "PUT", "/api/posts/1", true, 405, "DELETE, GET, HEAD, PATCH"},
		{"method of me", "POST", "/api/me", true, 405, "GET, HEAD, PATCH"},
		{"options", "OPTIONS", "/api/posts", false, 405, "GET, HEAD, POST"},
		{"unknown method", "BREW", "/api/posts", true, 405, "GET, HEAD, POST"},
	}
	site := newSite(t)
	site.post(ada, "Hello", "", true)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := site.guest()
			if tt.signedIn {
				c = site.as(ada)
			}
			a := c.send(tt.method, tt.path, `{"title":"x"}`, "Content-Type", "application/json").problem(tt.wantStatus, "")
			if got := a.Header.Get("Allow"); got != tt.wantAllow {
				t.Errorf("%s %s allows %q, want %q", tt.method, tt.path, got, tt.wantAllow)
			}
		})
	}
}

// A post of the API and a post of a form are checked alike: what one stores the
// other can show and store again.
func TestAPIAndFormsAgree(t *testing.T) {
	site := newSite(t)
	c := site.as(ada)
	c.api("POST", "/api/posts", `{"title":"<b>","content":"a\ttab\n\n\"&amp;\""}`).status(http.StatusCreated)
	before := decode[apiPost](c.api("GET", "/api/posts/1", ""))
	form := c.get("/posts/1/edit").fields("form#post-1")
	form.Set("published", "true")
	c.submit("/posts/1", form).leadsTo("/posts/1")
	if after := decode[apiPost](c.api("GET", "/api/posts/1", "")); after != before {
		t.Errorf("after an edit that changes nothing the post is %+v, want %+v", after, before)
	}
}
