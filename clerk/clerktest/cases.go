package clerktest

import (
	_ "embed"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"testing"

	"inkwell/clerk"
)

// A Case is a request, and what package clerk makes of it.
type Case struct {
	ID   string
	Name string
	Want Want

	recorded recording
}

// A recording is a request and what Clerk's own server SDK made of it, as
// testdata/handshake-cases.json has them. The file says what the fields mean.
type recording struct {
	ID       string                     `json:"id"`
	Name     string                     `json:"name"`
	Source   json.RawMessage            `json:"source"` // empty: not from Clerk's own suite
	Instance string                     `json:"instance"`
	Keys     string                     `json:"keys"`
	Options  map[string]json.RawMessage `json:"options"`
	Tokens   map[string]tokenSpec       `json:"tokens"`
	BAPI     struct {
		Payloads map[string]tokenSpec `json:"handshake_payload"`
		Refresh  *refreshSpec         `json:"refresh"`
	} `json:"bapi"`
	Request struct {
		Method  string            `json:"method"`
		Path    string            `json:"path"`
		Query   map[string]string `json:"query"`
		Headers map[string]string `json:"headers"`
		Cookies map[string]string `json:"cookies"`
	} `json:"request"`
	Oracle oracle `json:"oracle"`
}

type refreshSpec struct {
	Status     int      `json:"status"`
	Cookies    []string `json:"cookies"`
	FreshState string   `json:"fresh_state"`
	ErrorCode  string   `json:"error_code"`
}

type oracle struct {
	State    string `json:"state"` // or "throws"
	Reason   string `json:"reason"`
	Message  string `json:"message"`
	Location *struct {
		Base  string            `json:"base"`
		Query map[string]string `json:"query"`
	} `json:"location"`
	Headers      map[string]string `json:"headers"`
	DebugHeaders []string          `json:"debug_headers"`
	SetCookie    []string          `json:"set_cookie"`
	ToAuth       struct {
		UserID string `json:"user_id"`
	} `json:"to_auth"`
}

//go:embed testdata/handshake-cases.json
var recordings []byte

// Cases returns the recorded cases, without those that are about satellites
// and the synchronisation of organizations, which package clerk does not have.
// Their answers are those of Clerk's SDK, but for what package clerk does
// otherwise on purpose.
func Cases(t testing.TB) []*Case {
	t.Helper()
	var file struct {
		Cases []json.RawMessage `json:"cases"`
		Extra []json.RawMessage `json:"extra_cases"`
	}
	if err := json.Unmarshal(recordings, &file); err != nil {
		t.Fatal(err)
	}
	var cases []*Case
	for _, raw := range slices.Concat(file.Cases, file.Extra) {
		r, err := fillIn(raw)
		if err != nil {
			t.Fatal(err)
		}
		if !r.outOfScope() {
			cases = append(cases, &Case{ID: r.ID, Name: r.Name, Want: r.want(), recorded: r})
		}
	}
	return cases
}

func (r *recording) outOfScope() bool {
	_, satellite := r.Options["isSatellite"]
	organization := r.Oracle.Location != nil && r.Oracle.Location.Query["organization_id"] != ""
	return satellite || organization || r.Oracle.Reason == "active-organization-mismatch"
}

// Config returns the settings of the case. Every client is a trusted proxy, as
// it is for Clerk's SDK.
func (c *Case) Config(t testing.TB) clerk.Config {
	t.Helper()
	config := Config(c.recorded.production())
	config.JWTKey = ""
	config.TrustedProxies = everybody()
	config.HTTPClient = Client(c.recorded.backend())
	options := c.recorded.Options
	for name, into := range map[string]any{"proxyUrl": &config.ProxyURL, "authorizedParties": &config.AuthorizedParties} {
		if raw, ok := options[name]; ok {
			if err := json.Unmarshal(raw, into); err != nil {
				t.Fatal(err)
			}
		}
	}
	return config
}

func (r *recording) production() bool { return r.Instance == "prod" }

// backend is the Backend API of a case.
func (r *recording) backend() http.Handler {
	published := &InstanceKey().PublicKey
	if r.Keys == "mismatched" {
		published = &StrangerKey().PublicKey
	}
	mux := http.NewServeMux()
	mux.Handle("GET /v1/jwks", Answer(http.StatusOK, JWKS(KeyID, published)))
	for nonce, payload := range r.BAPI.Payloads {
		good := Answer(http.StatusOK, map[string]any{"directives": payload.Directives})
		mux.HandleFunc("GET /v1/clients/handshake_payload", func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("nonce") != nonce {
				Answer(http.StatusNotFound, Error("resource_not_found"))(w, r)
				return
			}
			good(w, r)
		})
	}
	if refresh := r.BAPI.Refresh; refresh != nil {
		mux.Handle("POST /v1/sessions/sess_1/refresh", refresh.answer())
	}
	return mux
}

func (s *refreshSpec) answer() http.Handler {
	if s.ErrorCode != "" {
		return Answer(s.Status, Error(s.ErrorCode))
	}
	return Answer(s.Status, map[string]any{"object": "cookies", "cookies": s.Cookies})
}

// NewRequest returns the request of the case, as a server gets it.
func (c *Case) NewRequest() *http.Request {
	recorded := c.recorded.Request
	query := url.Values{}
	for name, value := range recorded.Query {
		query.Set(name, value)
	}
	r := httptest.NewRequest(recorded.Method, App+recorded.Path+"?"+query.Encode(), nil)
	r.Header.Set("Accept", "*/*")
	for name, value := range recorded.Headers {
		r.Header.Set(name, value)
	}
	if host := r.Header.Get("Host"); host != "" {
		r.Host = host
	}
	r.Header.Del("Host")
	for _, name := range slices.Sorted(maps.Keys(recorded.Cookies)) {
		r.Header.Add("Cookie", name+"="+recorded.Cookies[name])
	}
	return r
}

// redirects is how many redirects in a row the request comes from.
func (r *recording) redirects() int {
	n, _ := strconv.Atoi(r.Request.Cookies[clerk.RedirectCountCookie])
	return n
}

// pending reports whether a session of the case is.
func (r *recording) pending() bool { return r.Tokens["session"].ExtraClaims["sts"] == "pending" }
