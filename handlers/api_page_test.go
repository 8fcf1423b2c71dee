package handlers

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func TestAPIPage(t *testing.T) {
	a := newSite(t).guest().get("/api").status(http.StatusOK)
	a.shows("h1", "The API").shows(".api-intro pre", "INKWELL="+origin)
	tests := []struct{ id, want string }{
		{"listPosts", `curl "$INKWELL/api/posts?limit=20"`},
		{"listPosts", "author integer, query The id of a user: their posts alone. limit integer, query How many to list at most. From 1 to 100. Default: 20."},
		{"listPosts", "200 A page of posts. PostPage"},
		{"createPost", `curl -X POST \ -H "Authorization: Bearer $TOKEN" \ -H 'Content-Type: application/json' \ -d '{"title":`},
		{"createPost", "title string, body One line"},
		{"createPost", "Errors: 400, 401, 403, 409, 413, 415, 422, 429, 5xx."},
		{"getPost", "id integer, path, required Its id."},
		{"deletePost", `curl -X DELETE -H "Authorization: Bearer $TOKEN" "$INKWELL/api/posts/1"`},
		{"updateMe", "bio string or null, body Markdown. At most 2,000 characters."},
		{"getDescription", "304 It is as it was."},
		{"receiveWebhook", "svix-signature string, header, required"},
	}
	for _, tt := range tests {
		a.shows("#"+tt.id, tt.want)
	}
	a.shows("#object-PostPage + p + .api-fields", "posts array of Post")
	a.shows("#object-Profile + p + .api-fields", "joined_at time")
	a.shows("#errors + .facts", "401 There is no session")
	for _, link := range a.all(`main a[href^="#"]`) {
		a.one(attr(link, "href")) // is on the page
	}
	newSite(t).guest().get("/").shows(`footer a[href="/api"]`, "API")
}

func TestOpenAPIIsKept(t *testing.T) {
	site := newSite(t)
	first := site.stranger().send("GET", "/api/openapi.json", "").status(http.StatusOK)
	if first.body != openAPI || first.Header.Get("Cache-Control") != "public, max-age=300" || len(first.Cookies()) > 0 {
		t.Errorf("the description comes with %v", first.Header)
	}
	for tag, want := range map[string]int{first.Header.Get("ETag"): http.StatusNotModified, `"another"`: http.StatusOK, "": http.StatusOK} {
		site.stranger().send("GET", "/api/openapi.json", "", "If-None-Match", tag).status(want)
	}
	site.stranger().send("POST", "/api/openapi.json", "").problem(http.StatusMethodNotAllowed, "")
}

// The commands on the page do what stands there: each example is carried out.
func TestAPIExamples(t *testing.T) {
	d, err := readDescription()
	if err != nil {
		t.Fatal(err)
	}
	for path, methods := range d.Paths.all() {
		for method, o := range methods.all() {
			body, wantsBody := o.jsonBody()
			if wantsBody && body.Example == nil {
				continue // is not for us to call
			}
			if strings.Contains(oneLine(body.Example), "'") {
				t.Errorf("%s: an apostrophe ends what the command sends", o.OperationID)
			}
			site := newSite(t)
			site.poll(ada, "Poll", true, "Hydrogen", "Helium")
			want := o.Responses[0].Name
			a := site.as(ada).api(strings.ToUpper(method), d.exampleURL(path, o), oneLine(body.Example))
			if fmt.Sprint(a.StatusCode) != want {
				t.Errorf("%s is answered %d, want %s\n%s", o.OperationID, a.StatusCode, want, a.body)
			}
		}
	}
}

// Whatever is mistyped in the description is noticed at the start.
func TestOrderedObjects(t *testing.T) {
	tests := []struct{ text, want string }{
		{`{"b":{"name":"1"},"a":{"name":"2"}}`, "b=1 a=2 "},
		{`{}`, ""},
		{`[]`, "error"},
		{`{"a":{"nam":"1"}}`, "error"},
		{`{"a":[]}`, "error"},
	}
	for _, tt := range tests {
		var o ordered[parameter]
		got := ""
		if err := o.UnmarshalJSON([]byte(tt.text)); err != nil {
			got = "error"
		} else {
			for name, p := range o.all() {
				got += name + "=" + p.Name + " "
			}
		}
		if got != tt.want {
			t.Errorf("%s is read as %q, want %q", tt.text, got, tt.want)
		}
	}
}
