package handlers

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"strings"
	"time"
)

// openAPI describes the API, as OpenAPI 3.1.
//
//go:embed openapi.json
var openAPI string

// showOpenAPI handles "GET /api/openapi.json".
func (s *Server) showOpenAPI(w http.ResponseWriter, r *http.Request) error {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "public, max-age=300")
	h.Set("ETag", fmt.Sprintf(`W/"%x"`, sha256.Sum256([]byte(openAPI)))) // weak: it may be sent compressed
	http.ServeContent(w, r, "", time.Time{}, strings.NewReader(openAPI))
	return nil
}

// A description is what openapi.json says, as far as its page shows it. It has a
// place for each word that the file uses, so that no mistyped one is overlooked.
type description struct {
	OpenAPI string `json:"openapi"`
	Info    struct {
		Title, Version, Summary, Description string
	} `json:"info"`
	Servers    []struct{ URL string }      `json:"servers"`
	Tags       []describedTag              `json:"tags"`
	Paths      ordered[ordered[operation]] `json:"paths"`
	Components struct {
		SecuritySchemes json.RawMessage    `json:"securitySchemes"`
		Parameters      ordered[parameter] `json:"parameters"`
		Responses       ordered[response]  `json:"responses"`
		Schemas         ordered[schema]    `json:"schemas"`
	} `json:"components"`
}

type describedTag struct{ Name, Description string }

// An operation is a method of a path.
type operation struct {
	Tags        []string              `json:"tags"`
	OperationID string                `json:"operationId"`
	Summary     string                `json:"summary"`
	Description string                `json:"description"`
	Security    []map[string][]string `json:"security"` // one of these is enough; an empty one: nothing is needed
	Parameters  []parameter           `json:"parameters"`
	RequestBody *struct {
		Required bool                 `json:"required"`
		Content  map[string]mediaType `json:"content"`
	} `json:"requestBody"`
	Responses ordered[response] `json:"responses"` // by status, or "default"
}

// isOpen reports whether an operation needs nobody to be signed in.
func (o operation) isOpen() bool {
	for _, way := range o.Security {
		if len(way) == 0 {
			return true
		}
	}
	return false
}

// jsonBody is what the operation wants to be sent, if anything.
func (o operation) jsonBody() (body mediaType, ok bool) {
	if o.RequestBody == nil {
		return body, false
	}
	body, ok = o.RequestBody.Content["application/json"]
	return body, ok
}

// A parameter or a response with a Ref is one of the components.
type parameter struct {
	Ref         string          `json:"$ref"`
	Name        string          `json:"name"`
	In          string          `json:"in"`
	Required    bool            `json:"required"`
	Description string          `json:"description"`
	Schema      schema          `json:"schema"`
	Example     json.RawMessage `json:"example"`
}

type response struct {
	Ref         string               `json:"$ref"`
	Description string               `json:"description"`
	Headers     ordered[parameter]   `json:"headers"`
	Content     map[string]mediaType `json:"content"`
}

type mediaType struct {
	Schema  schema          `json:"schema"`
	Example json.RawMessage `json:"example"`
}

// A schema is one of JSON Schema, or with a Ref one of the components.
type schema struct {
	Ref         string          `json:"$ref"`
	Type        jsonTypes       `json:"type"`
	Enum        []string        `json:"enum"`
	OneOf       []schema        `json:"oneOf"`
	Format      string          `json:"format"`
	Description string          `json:"description"`
	Default     json.RawMessage `json:"default"`
	Minimum     *int            `json:"minimum"`
	Maximum     *int            `json:"maximum"`
	MinLength   *int            `json:"minLength"`
	MaxLength   *int            `json:"maxLength"`
	MinItems    *int            `json:"minItems"`
	MaxItems    *int            `json:"maxItems"`
	Items       *schema         `json:"items"`
	Required    []string        `json:"required"`
	Properties  ordered[schema] `json:"properties"`
}

// jsonTypes are the types of JSON that a value may have.
type jsonTypes []string

// UnmarshalJSON reads the name of one, or an array of names.
func (t *jsonTypes) UnmarshalJSON(text []byte) error {
	if text[0] == '[' {
		return json.Unmarshal(text, (*[]string)(t))
	}
	*t = make(jsonTypes, 1)
	return json.Unmarshal(text, &(*t)[0])
}

func (t jsonTypes) String() string { return strings.Join(t, " or ") }

// An ordered is an object of JSON with its members in their order.
type ordered[T any] []member[T]

type member[T any] struct {
	Name  string
	Value T
}

// UnmarshalJSON reads an object.
func (o *ordered[T]) UnmarshalJSON(text []byte) error {
	in := json.NewDecoder(bytes.NewReader(text))
	in.DisallowUnknownFields()
	if start, err := in.Token(); err != nil || start != json.Delim('{') {
		return fmt.Errorf("%.40s is no object: %w", text, err)
	}
	for in.More() {
		name, err := in.Token()
		if err != nil {
			return err
		}
		m := member[T]{Name: name.(string)} // the key of an object
		if err := in.Decode(&m.Value); err != nil {
			return fmt.Errorf("%s: %w", m.Name, err)
		}
		*o = append(*o, m)
	}
	return nil
}

// all yields the members by name.
func (o ordered[T]) all() iter.Seq2[string, T] {
	return func(yield func(string, T) bool) {
		for _, m := range o {
			if !yield(m.Name, m.Value) {
				return
			}
		}
	}
}

// get returns the member with the name; without one the zero value.
func (o ordered[T]) get(name string) T {
	var found T
	for _, m := range o {
		if m.Name == name {
			found = m.Value
		}
	}
	return found
}

// readDescription reads openapi.json.
func readDescription() (description, error) {
	var d description
	in := json.NewDecoder(strings.NewReader(openAPI))
	in.DisallowUnknownFields()
	if err := in.Decode(&d); err != nil {
		return d, fmt.Errorf("openapi.json: %w", err)
	}
	return d, nil
}

// parameter, response and schema follow a Ref.
func (d description) parameter(p parameter) parameter {
	if p.Ref != "" {
		return d.Components.Parameters.get(refName(p.Ref))
	}
	return p
}

func (d description) response(r response) response {
	if r.Ref != "" {
		return d.Components.Responses.get(refName(r.Ref))
	}
	return r
}

func (d description) schema(s schema) schema {
	if s.Ref != "" {
		return d.Components.Schemas.get(refName(s.Ref))
	}
	return s
}

// refName is the name of the component that a reference leads to.
func refName(ref string) string { return ref[strings.LastIndexByte(ref, '/')+1:] }
