package handlers

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"unicode/utf8"
)

// answerJSON answers a program.
func answerJSON(w http.ResponseWriter, status int, v any) error {
	return writeJSON(w, status, "application/json", v)
}

// maxListed is how many things one answer of the API may list.
const maxListed = 100

// readPage returns which page of a list a program asks for: behind a place, by
// the parameter before, and of how many things.
func readPage[P any](r *http.Request, parse func(string) (P, error)) (before P, limit int, err error) {
	query, err := readQuery(r)
	if err != nil {
		return before, 0, err
	}
	if before, err = readListPlace(query, "before", parse); err != nil {
		return before, 0, err
	}
	limit, err = readLimit(query)
	return before, limit, err
}

// readLimit returns how many things a program asks for.
func readLimit(query url.Values) (int, error) {
	if !query.Has("limit") {
		return pageSize, nil
	}
	limit, err := strconv.Atoi(query.Get("limit"))
	if err != nil || limit < 1 || limit > maxListed || strconv.Itoa(limit) != query.Get("limit") {
		return 0, &userError{http.StatusBadRequest, fmt.Sprintf("limit is a whole number from 1 to %d.", maxListed)}
	}
	return limit, nil
}

// placeOf is a place in a list as a program gets it: null where the list ends.
func placeOf[T fmt.Stringer](next *T) *string {
	if next == nil {
		return nil
	}
	place := (*next).String()
	return &place
}

// readJSON reads a JSON object from the body into the struct that input points
// to. Members that it does not have are ignored.
func readJSON(r *http.Request, input any) error {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return &userError{http.StatusUnsupportedMediaType, "Send the body as application/json."}
	}
	body, err := io.ReadAll(r.Body)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return err
	case err != nil:
		return errBadBody
	case !utf8.Valid(body) || !json.Valid(body):
		return &userError{http.StatusBadRequest, "The body is not JSON in UTF-8."}
	}
	return decodeObject(body, input)
}

// decodeObject reads what is JSON.
func decodeObject(body []byte, input any) error {
	var wrongType *json.UnmarshalTypeError
	switch err := json.Unmarshal(body, input); {
	case errors.As(err, &wrongType) && wrongType.Field != "":
		return unprocessable(wrongType.Field, "It has to be "+jsonKind(wrongType.Type)+", and not "+wrongType.Value+".")
	case err != nil || bytes.TrimSpace(body)[0] != '{':
		return &userError{http.StatusUnprocessableEntity, "The body has to be a JSON object."}
	}
	kept, err := json.Marshal(input)
	if err != nil {
		return fmt.Errorf("body: %w", err)
	}
	if bytes.ContainsRune(kept, utf8.RuneError) && !bytes.ContainsRune(body, utf8.RuneError) && !bytes.Contains(bytes.ToLower(body), []byte(`\ufffd`)) {
		return &userError{http.StatusUnprocessableEntity, "The body holds half of a character (a lone surrogate) that cannot be kept."}
	}
	return nil
}

// jsonKind is what a program has to send for a field of the type.
func jsonKind(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		return "an array"
	case reflect.Struct:
		return "an object"
	}
	return "a whole number"
}

func unprocessable(field, text string) error {
	return &userError{http.StatusUnprocessableEntity, field + ": " + text}
}
