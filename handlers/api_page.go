package handlers

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// apiView is what api.html shows.
type apiView struct {
	Origin string // of the site
	apiPage
}

// apiPage is the description of the API, for people.
type apiPage struct {
	Intro   []string // paragraphs
	Groups  []apiGroup
	Objects []apiObject
	Errors  []apiAnswer
}

// apiGroup is the operations on one kind of thing.
type apiGroup struct {
	ID, Name, About string
	Operations      []apiOperation
}

// apiOperation is what api-operation.html shows.
type apiOperation struct {
	ID, Method, Path, Summary string
	About                     string
	Open                      bool // nobody needs to be signed in
	Fields                    []apiField
	Curl                      string
	Answers                   []apiAnswer // those that are no errors
	Errors                    string      // statuses; "": none are told
}

// apiField is a row of api-fields.html.
type apiField struct {
	Name, About string
	Type        apiType
	Place       string // where it is sent; "": it is part of an object
	Required    bool
}

// apiType says what a value is.
type apiType struct {
	Text string // before the object
	Name string // of the object, which is on the page; "": it is none
	Rest string // behind the object
}

// apiAnswer is an answer with its status. An error has no example.
type apiAnswer struct {
	Status, About, Example string
	Type                   apiType
}

// apiObject is an object that is sent or answered.
type apiObject struct {
	ID, Name, About string
	Fields          []apiField
}

// showAPI handles "GET /api".
func (s *Server) showAPI(w http.ResponseWriter, r *http.Request, _ visitor) error {
	view := apiView{Origin: s.auth.Origin(r), apiPage: s.apiPage}
	return s.page(w, r, http.StatusOK, "api", page{Title: "The API", Description: "How programs read and write on Inkwell.", Address: "/api", Main: view})
}

// newAPIPage makes the page of the API from openapi.json.
func newAPIPage() (apiPage, error) {
	d, err := readDescription()
	if err != nil {
		return apiPage{}, err
	}
	view := apiPage{Intro: strings.Split(d.Info.Description, "\n\n"), Errors: d.errorAnswers()}
	for _, tag := range d.Tags {
		view.Groups = append(view.Groups, d.group(tag))
	}
	for _, m := range d.Components.Schemas {
		view.Objects = append(view.Objects, apiObject{ID: objectID(m.Name), Name: m.Name, About: m.Value.Description, Fields: newObjectFields(m.Value, "")})
	}
	return view, nil
}

func objectID(name string) string { return "object-" + name }

func (d description) group(tag describedTag) apiGroup {
	group := apiGroup{ID: strings.ToLower(strings.ReplaceAll(tag.Name, " ", "-")), Name: tag.Name, About: tag.Description}
	for path, methods := range d.Paths.all() {
		for method, o := range methods.all() {
			if slices.Contains(o.Tags, tag.Name) {
				group.Operations = append(group.Operations, d.operation(strings.ToUpper(method), path, o))
			}
		}
	}
	return group
}

func (d description) operation(method, path string, o operation) apiOperation {
	view := apiOperation{
		ID: o.OperationID, Method: method, Path: path, Summary: o.Summary, About: o.Description, Open: o.isOpen(),
		Curl: d.curl(method, path, o),
	}
	for _, p := range o.Parameters {
		p = d.parameter(p)
		view.Fields = append(view.Fields, apiField{Name: p.Name, Type: newType(p.Schema), About: aboutValue(p.Schema, p.Description), Place: p.In, Required: p.Required})
	}
	if body, ok := o.jsonBody(); ok {
		view.Fields = append(view.Fields, newObjectFields(d.schema(body.Schema), "body")...)
	}
	var errors []string
	for status, r := range o.Responses.all() {
		if isError(status) {
			errors = append(errors, statusText(status))
			continue
		}
		r = d.response(r)
		answer := apiAnswer{Status: status, About: r.Description}
		if body, ok := r.Content["application/json"]; ok {
			answer.Type, answer.Example = newType(body.Schema), indented(body.Example)
		}
		view.Answers = append(view.Answers, answer)
	}
	view.Errors = strings.Join(errors, ", ")
	return view
}

// errorAnswers returns the errors that are described for all operations, by
// status.
func (d description) errorAnswers() []apiAnswer {
	var answers []apiAnswer
	seen := map[string]bool{}
	for _, methods := range d.Paths.all() {
		for _, o := range methods.all() {
			for status, r := range o.Responses.all() {
				if r.Ref != "" && !seen[r.Ref] {
					seen[r.Ref] = true
					answers = append(answers, apiAnswer{Status: statusText(status), About: d.response(r).Description})
				}
			}
		}
	}
	slices.SortStableFunc(answers, func(a, b apiAnswer) int { return cmp.Compare(a.Status, b.Status) })
	return answers
}

// isError reports whether a status of a description is that of an error.
func isError(status string) bool { return status == "default" || status >= "400" }

func statusText(status string) string {
	if status == "default" {
		return "5xx"
	}
	return status
}

// newObjectFields shows the members of an object that goes to a place.
func newObjectFields(object schema, place string) []apiField {
	var fields []apiField
	for name, s := range object.Properties.all() {
		fields = append(fields, apiField{
			Name: name, Type: newType(s), About: aboutValue(s, s.Description), Place: place, Required: place != "" && slices.Contains(object.Required, name),
		})
	}
	return fields
}

// newType says what a value of the schema is.
func newType(s schema) apiType {
	switch {
	case s.Ref != "":
		return apiType{Name: refName(s.Ref)}
	case s.Items != nil:
		t := newType(*s.Items)
		t.Text = "array of " + t.Text
		return t
	case len(s.OneOf) > 0:
		t := newType(s.OneOf[0])
		t.Rest = " or null"
		return t
	case len(s.Enum) > 0:
		return apiType{Text: strings.Join(s.Enum, ", ")}
	case s.Format == "date-time":
		return apiType{Text: strings.Replace(s.Type.String(), "string", "time", 1)}
	}
	return apiType{Text: s.Type.String()}
}

// aboutValue is a description with the limits of the values.
func aboutValue(s schema, text string) string {
	parts := []string{text}
	switch {
	case s.Minimum != nil && s.Maximum != nil:
		parts = append(parts, fmt.Sprintf("From %s to %s.", thousands(*s.Minimum), thousands(*s.Maximum)))
	case s.MaxLength != nil:
		parts = append(parts, fmt.Sprintf("At most %s.", plural(*s.MaxLength, "character")))
	case s.MinItems != nil && s.MaxItems != nil:
		parts = append(parts, fmt.Sprintf("%d to %d of them.", *s.MinItems, *s.MaxItems))
	}
	if s.Default != nil && string(s.Default) != `""` {
		parts = append(parts, fmt.Sprintf("Default: %s.", s.Default))
	}
	return strings.TrimSpace(strings.Join(parts, " "))
}

// curl is a command that does an operation with its examples; "" when it has
// none for its body.
func (d description) curl(method, path string, o operation) string {
	body, hasBody := o.jsonBody()
	if hasBody && body.Example == nil {
		return ""
	}
	words, separator := []string{"curl"}, " "
	if method != http.MethodGet {
		words[0] += " -X " + method
	}
	if !o.isOpen() {
		words = append(words, `-H "Authorization: Bearer $TOKEN"`)
	}
	if hasBody {
		words = append(words, "-H 'Content-Type: application/json'", "-d '"+oneLine(body.Example)+"'")
		separator = " \\\n  "
	}
	words = append(words, `"$INKWELL`+d.exampleURL(path, o)+`"`)
	return strings.Join(words, separator)
}

// exampleURL is the address of an operation with the examples of its
// parameters.
func (d description) exampleURL(path string, o operation) string {
	query := url.Values{}
	for _, p := range o.Parameters {
		switch p = d.parameter(p); {
		case p.Example == nil:
		case p.In == "path":
			path = strings.ReplaceAll(path, "{"+p.Name+"}", exampleText(p.Example))
		case p.In == "query":
			query.Set(p.Name, exampleText(p.Example))
		}
	}
	target := url.URL{Path: path, RawQuery: query.Encode()}
	return target.String()
}

// exampleText is an example as it stands in an address.
func exampleText(example json.RawMessage) string {
	text, err := strconv.Unquote(string(example))
	if err != nil {
		return string(example) // a number
	}
	return text
}

// oneLine and indented lay out JSON that has been read already.
func oneLine(text json.RawMessage) string {
	var b bytes.Buffer
	json.Compact(&b, text)
	return b.String()
}

func indented(text json.RawMessage) string {
	var b bytes.Buffer
	json.Indent(&b, text, "", "  ")
	return b.String()
}
