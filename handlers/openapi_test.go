package handlers

import (
	"fmt"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// answerKind is one of the answers that openapi.json describes: of a route, with
// a status or "default".
type answerKind struct{ pattern, status string }

// An answerRule says what such an answer is.
type answerRule struct {
	headers []string
	bodies  map[string]*jsonschema.Schema // by media type; none: it has no body
}

// described are all answers that openapi.json describes.
var described = sync.OnceValue(func() map[answerKind]answerRule {
	d, err := readDescription()
	if err != nil {
		panic(err)
	}
	rules, compiler := map[answerKind]answerRule{}, newCompiler()
	for path, methods := range d.Paths.all() {
		for method, o := range methods.all() {
			for status, r := range o.Responses.all() {
				place := pointer("paths", path, method, "responses", status)
				if r.Ref != "" {
					place = r.Ref
				}
				rules[answerKind{strings.ToUpper(method) + " " + path, status}] = newAnswerRule(compiler, place, d.response(r))
			}
		}
	}
	return rules
})

// newCompiler returns a compiler of what stands in openapi.json. Objects have no
// members but those that are described: programs must expect others, tests must
// not.
func newCompiler() *jsonschema.Compiler {
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(openAPI))
	if err != nil {
		panic(err)
	}
	closeObjects(document)
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource("openapi.json", document); err != nil {
		panic(err)
	}
	return compiler
}

func closeObjects(v any) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			closeObjects(item)
		}
	case map[string]any:
		if _, ok := v["properties"]; ok {
			v["additionalProperties"] = false
		}
		for _, item := range v {
			closeObjects(item)
		}
	}
}

// pointer is a place in openapi.json as references name it.
func pointer(parts ...string) string {
	escape := strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D")
	place := "#"
	for _, part := range parts {
		place += "/" + escape.Replace(part)
	}
	return place
}

func newAnswerRule(compiler *jsonschema.Compiler, place string, r response) answerRule {
	rule := answerRule{bodies: map[string]*jsonschema.Schema{}}
	for name := range r.Headers.all() {
		rule.headers = append(rule.headers, name)
	}
	for kind := range r.Content {
		rule.bodies[kind] = compiler.MustCompile("openapi.json" + place + strings.TrimPrefix(pointer("content", kind, "schema"), "#"))
	}
	return rule
}

// apiProblems returns how an answer differs from what openapi.json describes for
// the route. Answers that are for browsers alone are not described.
func apiProblems(pattern string, res *http.Response, body string) []string {
	if !isAPI(res.Request) || pattern == "" || isHTMX(res.Request) || res.StatusCode == http.StatusTemporaryRedirect {
		return nil
	}
	status := fmt.Sprint(res.StatusCode)
	if res.StatusCode >= http.StatusInternalServerError {
		status = "default"
	}
	rule, ok := described()[answerKind{pattern, status}]
	if !ok {
		return []string{"openapi.json does not describe this answer"}
	}
	var problems []string
	for _, name := range rule.headers {
		if res.Header.Get(name) == "" {
			problems = append(problems, "it lacks the header "+name+" that openapi.json describes")
		}
	}
	if res.Request.Method != http.MethodHead && res.Header.Get("Content-Encoding") == "" {
		problems = append(problems, rule.bodyProblems(res.Header.Get("Content-Type"), body)...)
	}
	return problems
}

func (rule answerRule) bodyProblems(contentType, body string) []string {
	if len(rule.bodies) == 0 && body == "" {
		return nil
	}
	kind, _, _ := mime.ParseMediaType(contentType)
	schema := rule.bodies[kind]
	if schema == nil {
		return []string{fmt.Sprintf("openapi.json describes no body of the type %q here", contentType)}
	}
	var value any = body
	var err error
	if kind != "text/plain" {
		value, err = jsonschema.UnmarshalJSON(strings.NewReader(body))
	}
	if err == nil {
		err = schema.Validate(value)
	}
	if err != nil {
		return []string{fmt.Sprintf("it is not what openapi.json describes: %v\n%.500s", err, body)}
	}
	return nil
}

// successes returns the described answers that some test has to get.
func successes() []answerKind {
	return slices.Collect(func(yield func(answerKind) bool) {
		for kind := range maps.Keys(described()) {
			if !isError(kind.status) && !yield(kind) {
				return
			}
		}
	})
}

// The description has each route of the API, and nothing else.
func TestOpenAPIDescribesTheRoutes(t *testing.T) {
	documented := map[string]bool{}
	for kind := range described() {
		documented[kind.pattern] = true
	}
	for _, route := range newSite(t).routes() {
		if _, path, _ := strings.Cut(route.pattern, " "); !strings.HasPrefix(path, "/api/") {
			continue
		}
		if !documented[route.pattern] {
			t.Errorf("openapi.json lacks %s", route.pattern)
		}
		delete(documented, route.pattern)
	}
	for pattern := range documented {
		t.Errorf("openapi.json has %s, which is no route", pattern)
	}
}

// Who has to be signed in is described as it is.
func TestOpenAPIDescribesAccess(t *testing.T) {
	d, err := readDescription()
	if err != nil {
		t.Fatal(err)
	}
	refused := map[string]bool{}
	for _, c := range access {
		refused[c.route] = refused[c.route] || strings.HasPrefix(c.want, "401")
	}
	for path, methods := range d.Paths.all() {
		for method, o := range methods.all() {
			pattern := strings.ToUpper(method) + " " + path
			if o.isOpen() == refused[pattern] {
				t.Errorf("%s: guests are refused: %v; described as open: %v", pattern, refused[pattern], o.isOpen())
			}
		}
	}
}

// Each example is what its schema describes.
func TestOpenAPIExamples(t *testing.T) {
	d, err := readDescription()
	if err != nil {
		t.Fatal(err)
	}
	compiler := newCompiler()
	check := func(place string, body mediaType) {
		t.Helper()
		if body.Example == nil {
			return
		}
		example, err := jsonschema.UnmarshalJSON(strings.NewReader(string(body.Example)))
		if err == nil {
			err = compiler.MustCompile("openapi.json" + place).Validate(example)
		}
		if err != nil {
			t.Errorf("the example beside %s: %v", place, err)
		}
	}
	for path, methods := range d.Paths.all() {
		for method, o := range methods.all() {
			if body, ok := o.jsonBody(); ok {
				check(pointer("paths", path, method, "requestBody", "content", "application/json", "schema"), body)
			}
			for status, r := range o.Responses.all() {
				for kind, body := range r.Content {
					check(pointer("paths", path, method, "responses", status, "content", kind, "schema"), body)
				}
			}
		}
	}
	for name, r := range d.Components.Responses.all() {
		for kind, body := range r.Content {
			check(pointer("components", "responses", name, "content", kind, "schema"), body)
		}
	}
}

// TestAPIProblems tests the inspection of answers itself.
func TestAPIProblems(t *testing.T) {
	const author = `{"id":1,"name":"Ada","image_url":""}`
	const post = `{"id":1,"title":"T","content":"","content_html":"","published":true,"views":0,"author":` + author +
		`,"created_at":"2026-11-21T10:00:00Z","updated_at":"2026-11-21T10:00:00Z","poll":null,"hidden":null}`
	const json, problem = "application/json", "application/problem+json"
	tests := []struct {
		name, pattern string
		status        int
		kind, body    string
		want          string // of the problem; "": none
	}{
		{"good", "GET /api/posts/{id}", 200, json, post, ""},
		{"no content", "DELETE /api/posts/{id}", 204, "", "", ""},
		{"known error", "GET /api/posts/{id}", 404, problem, `{"status":404,"title":"Not found","detail":"Gone."}`, ""},
		{"failure", "GET /api/posts/{id}", 503, problem, `{"status":503,"title":"T","detail":"D","reference":"R"}`, ""},
		{"word for Clerk", "POST /api/webhooks/clerk", 200, "text/plain; charset=utf-8", "applied", ""},
		{"unknown status", "GET /api/posts/{id}", 409, problem, `{}`, "does not describe this answer"},
		{"unknown route", "GET /api/posts/{id}/nothing", 200, json, post, "does not describe this answer"},
		{"no header", "POST /api/posts", 201, json, post, "lacks the header Location"},
		{"content where none is", "DELETE /api/posts/{id}", 204, json, post, "no body of the type"},
		{"another type", "GET /api/posts/{id}", 200, "text/html", post, "no body of the type"},
		{"no JSON", "GET /api/posts/{id}", 200, json, "{", "not what openapi.json describes"},
		{"member missing", "GET /api/posts/{id}", 200, json, author, "missing properties"},
		{"member too many", "GET /api/posts/{id}", 200, json, strings.Replace(post, `{`, `{"email":"a@b",`, 1), "additional properties 'email'"},
		{"wrong type within", "GET /api/posts/{id}", 200, json, strings.Replace(post, `"poll":null`, `"poll":1`, 1), "/poll"},
		{"no time", "GET /api/posts/{id}", 200, json, strings.Replace(post, `"2026-11-21T10:00:00Z"`, `"now"`, 1), "date-time"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := http.NewRequest("GET", origin+"/api/", nil)
			if err != nil {
				t.Fatal(err)
			}
			res := &http.Response{StatusCode: tt.status, Header: http.Header{"Content-Type": {tt.kind}}, Request: r}
			got := strings.Join(apiProblems(tt.pattern, res, tt.body), "; ")
			if (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
				t.Errorf("the answer has the problems %q, want %q", got, tt.want)
			}
		})
	}
}
