package emulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
)

// An answer makes the JSON body of a 200, or fails: with a [*failure] when the
// request is at fault.
type answer func(r *http.Request) (any, error)

func (f answer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := f(r)
	if err != nil {
		fail(w, err)
		return
	}
	writeJSON(w, http.StatusOK, body)
}

// A failure is what a request did wrong, in the terms of Clerk's API.
type failure struct {
	status  int
	code    string // Clerk's name for it
	message string // a sentence for whoever filled in the form
}

func (f *failure) Error() string { return f.message }

// unreadable is what went wrong when a form could not be read.
func unreadable(err error) *failure {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return &failure{http.StatusRequestEntityTooLarge, "request_body_too_large", "The request's body is too large."}
	}
	return &failure{http.StatusBadRequest, "request_body_invalid", "The request's body is not a form."}
}

// fail answers with err in the shape of Clerk's errors.
func fail(w http.ResponseWriter, err error) {
	f, ok := errors.AsType[*failure](err)
	if !ok {
		f = &failure{http.StatusInternalServerError, "internal_clerk_error", err.Error()}
	}
	writeJSON(w, f.status, map[string]any{
		"errors":         []any{map[string]any{"code": f.code, "message": f.message, "long_message": f.message, "meta": map[string]any{}}},
		"clerk_trace_id": "emulator",
	})
}

// writeJSON writes v. Clerk's SDKs want exactly this Content-Type.
func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // v is of our own making
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(body)
}

// withMethods lets a POST stand for another method by "_method", as clerk-js
// sends it, and turns the mux's own 404 and 405 into Clerk's shape.
func withMethods(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if method := r.URL.Query().Get("_method"); r.Method == http.MethodPost && method != "" {
			r = r.WithContext(r.Context()) // a copy: the caller's request stays as it is
			r.Method = method
		}
		h, pattern := mux.Handler(r)
		if pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		var plain recorder
		h.ServeHTTP(&plain, r)
		if allow := plain.Header().Get("Allow"); allow != "" {
			w.Header().Set("Allow", allow)
			fail(w, &failure{http.StatusMethodNotAllowed, "method_not_allowed", "This path does not answer " + r.Method + "."})
			return
		}
		fail(w, &failure{http.StatusNotFound, "resource_not_found", "There is nothing at this path."})
	})
}

// InProcess returns a client whose requests, whatever their host, are answered
// by h without a network. It follows no redirect.
func InProcess(h http.Handler) *http.Client {
	return &http.Client{Transport: inProcess{h}, CheckRedirect: noRedirect}
}

func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

type inProcess struct{ handler http.Handler }

func (t inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer r.Body.Close()
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	in := r.Clone(r.Context())
	if in.Body == nil {
		in.Body = http.NoBody
	}
	if in.Host == "" {
		in.Host = r.URL.Host
	}
	in.RemoteAddr, in.RequestURI = "127.0.0.1:0", r.URL.RequestURI()
	var out recorder
	t.handler.ServeHTTP(&out, in)
	return out.response(r), nil
}

// A recorder keeps an answer in memory.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (rec *recorder) Header() http.Header {
	if rec.header == nil {
		rec.header = http.Header{}
	}
	return rec.header
}

func (rec *recorder) WriteHeader(status int) {
	if rec.status == 0 {
		rec.status = status
	}
}

func (rec *recorder) Write(p []byte) (int, error) {
	rec.WriteHeader(http.StatusOK)
	return rec.body.Write(p)
}

func (rec *recorder) response(r *http.Request) *http.Response {
	rec.WriteHeader(http.StatusOK)
	return &http.Response{
		Status: http.StatusText(rec.status), StatusCode: rec.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: rec.Header(), Body: io.NopCloser(&rec.body), ContentLength: int64(rec.body.Len()), Request: r,
	}
}
