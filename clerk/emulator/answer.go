package emulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
)

// answer serves the JSON that f makes as a 200, or f's failure.
func (e *Emulator) answer(f func(*http.Request) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := f(r)
		if err != nil {
			e.fail(w, err)
			return
		}
		writeJSON(w, http.StatusOK, body)
	})
}

// A failure is what a request did wrong, in the terms of Clerk's API.
type failure struct {
	status  int
	code    string // Clerk's name for it
	message string // a sentence for whoever filled in the form
	param   string // the field at fault; empty when it is none
}

func (f *failure) Error() string { return f.message }

// wrong is a field that cannot be accepted.
func wrong(param, code, message string) *failure {
	return &failure{http.StatusUnprocessableEntity, code, message, param}
}

func missing(param string) *failure {
	return wrong(param, "form_param_missing", param+" must be included.")
}

func notFound(message string) *failure {
	return &failure{status: http.StatusNotFound, code: "resource_not_found", message: message}
}

// unreadable is what went wrong when a body could not be read.
func unreadable(err error) *failure {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return &failure{status: http.StatusRequestEntityTooLarge, code: "request_body_too_large", message: "The request's body is too large."}
	}
	return &failure{status: http.StatusBadRequest, code: "request_body_invalid", message: "The request's body is neither a form nor a JSON object."}
}

// notKept is all that is said of an error on our side. The rest, which may name
// files of this machine, is for the log.
const notKept = "The development instance could not keep its state. The program's log says why."

// fail answers with err in the shape of Clerk's errors.
func (e *Emulator) fail(w http.ResponseWriter, err error) {
	f, ok := errors.AsType[*failure](err)
	if !ok {
		e.log.Error("the development instance failed", "error", err)
		f = &failure{status: http.StatusInternalServerError, code: "internal_clerk_error", message: notKept}
	}
	writeFailure(w, f)
}

func writeFailure(w http.ResponseWriter, f *failure) {
	meta := dict{}
	if f.param != "" {
		meta["param_name"] = f.param
	}
	writeJSON(w, f.status, dict{
		"errors":         []any{dict{"code": f.code, "message": f.message, "long_message": f.message, "meta": meta}},
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

// readFields returns the fields of a body: a form, as clerk-js sends it, or a
// JSON object, as Clerk's SDKs do. A JSON list is a field of several values,
// null an empty one, and an object the text of its JSON, which is how a form
// carries it too.
func readFields(r *http.Request) (url.Values, error) {
	if r.PostForm != nil {
		return r.PostForm, nil
	}
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" {
		if err := r.ParseForm(); err != nil {
			return nil, unreadable(err)
		}
		return r.PostForm, nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, unreadable(err)
	}
	var object map[string]json.RawMessage
	if len(bytes.TrimSpace(body)) > 0 && json.Unmarshal(body, &object) != nil {
		return nil, unreadable(errors.New("not a JSON object"))
	}
	fields := url.Values{}
	for name, raw := range object {
		fields[name] = fieldOf(raw)
	}
	return fields, nil
}

func fieldOf(raw json.RawMessage) []string {
	var one string
	var list []string
	switch {
	case json.Unmarshal(raw, &one) == nil: // null leaves it empty
		return []string{one}
	case json.Unmarshal(raw, &list) == nil:
		return list
	}
	return []string{string(raw)}
}

// withMethods lets a POST stand for another method by "_method", as clerk-js
// sends it, and turns the mux's own 404 and 405 into Clerk's shape.
func (e *Emulator) withMethods(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if method := r.URL.Query().Get("_method"); r.Method == http.MethodPost && method != "" {
			form, err := readFields(r) // ParseForm reads no body of a DELETE
			if err != nil {
				e.fail(w, err)
				return
			}
			r = r.WithContext(r.Context()) // a copy: the caller's request stays as it is
			r.Method, r.PostForm = method, form
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
			writeFailure(w, &failure{status: http.StatusMethodNotAllowed, code: "method_not_allowed", message: "This path does not answer " + r.Method + "."})
			return
		}
		writeFailure(w, notFound("The development instance does not have this."))
	})
}

// A call is a request of the Frontend API from a browser.
type call struct {
	*http.Request
	browser string     // empty only when nothing is to be changed
	origin  string     // of the program, and so of the request
	fields  url.Values // of the body
}

// ask serves what f finds out for a browser, known or not.
func (e *Emulator) ask(f func(*call) (any, error)) http.Handler {
	return e.converse(func(r *http.Request) (*call, error) {
		return &call{Request: r, browser: e.greeter.browserOf(r), origin: originOf(r)}, nil
	}, f)
}

// do serves what f changes for a browser. Like at Clerk, the client comes with
// the response.
func (e *Emulator) do(f func(*call) (any, error)) http.Handler {
	return e.doBare(func(c *call) (any, error) {
		response, err := f(c)
		if err != nil {
			return nil, err
		}
		client, err := e.clientOf(c)
		return dict{"response": response, "client": client}, err
	})
}

// doBare is do for what f answers without any wrapping.
func (e *Emulator) doBare(f func(*call) (any, error)) http.Handler {
	return e.converse(e.newCall, f)
}

// converse serves what f makes of the call that read finds in a request, and
// tells the browser what follows for its cookies. Also one that only asked: its
// session may have ended elsewhere.
func (e *Emulator) converse(read func(*http.Request) (*call, error), f func(*call) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := read(r)
		if err != nil {
			e.fail(w, err)
			return
		}
		body, err := f(c)
		if err != nil {
			e.fail(w, err)
			return
		}
		e.greeter.tell(w.Header(), r, c.browser, e.since(c.browser))
		writeJSON(w, http.StatusOK, body)
	})
}

func (e *Emulator) newCall(r *http.Request) (*call, error) {
	fields, err := readFields(r)
	if err != nil {
		return nil, err
	}
	browser, ok := e.greeter.greet(r)
	if !ok {
		return nil, &failure{status: http.StatusUnauthorized, code: "dev_browser_unauthenticated", message: "Unable to authenticate this browser for your development instance."}
	}
	return &call{Request: r, browser: browser, origin: originOf(r), fields: fields}, nil
}

// clientOf returns the client of the call's browser, with a fresh session token
// when somebody is signed in there.
func (e *Emulator) clientOf(c *call) (dict, error) {
	signIn, signUp := e.signInOf(c.browser), e.signUpOf(c.browser)
	s, a, ok := e.signedIn(c.browser)
	if !ok {
		return clientJSON(c.browser, []any{}, nil, signIn, signUp, e.now()), nil
	}
	one, err := e.activeSession(c, s, a)
	return clientJSON(c.browser, []any{one}, s.ID, signIn, signUp, s.CreatedAt), err
}

func (e *Emulator) activeSession(c *call, s session, a account) (dict, error) {
	token, err := e.tokens.session(s, c.origin, e.now())
	return ownSessionJSON(c.browser, s, a, "active", token, e.now()), err
}

// own returns who is signed in where the call comes from. A 401 makes clerk-js
// look at its client again.
func (e *Emulator) own(c *call) (session, account, error) {
	s, a, ok := e.signedIn(c.browser)
	if !ok {
		return s, a, &failure{status: http.StatusUnauthorized, code: "signed_out", message: "You are signed out."}
	}
	return s, a, nil
}

// ownSession returns the session that the path names, which must be that of the
// browser.
func (e *Emulator) ownSession(c *call) (session, account, error) {
	s, a, err := e.own(c)
	if err == nil && s.ID != c.PathValue("id") {
		return s, a, &failure{status: http.StatusUnauthorized, code: "signed_out", message: "This session is not one of this browser."}
	}
	return s, a, err
}
