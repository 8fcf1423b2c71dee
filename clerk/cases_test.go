package clerk_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"inkwell/clerk"
)

// The cases of testdata/handshake-cases.json are requests and what Clerk's own
// server SDK made of them. The file says what the fields mean.
type testCase struct {
	ID       string                     `json:"id"`
	Name     string                     `json:"name"`
	Source   json.RawMessage            `json:"source"` // empty: not from Clerk's own suite
	Instance string                     `json:"instance"`
	Keys     string                     `json:"keys"`
	Options  map[string]json.RawMessage `json:"options"`
	Tokens   map[string]tokenSpec       `json:"tokens"`
	BAPI     struct {
		Payloads map[string]tokenSpec `json:"handshake_payload"`
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

type tokenSpec struct {
	State        string           `json:"state"`
	Offsets      map[string]int64 `json:"offsets"`
	ExtraClaims  map[string]any   `json:"extra_claims"`
	RemoveClaims []string         `json:"remove_claims"`
	Header       map[string]any   `json:"header"`
	Sign         string           `json:"sign"`
	Directives   []string         `json:"directives"`
	FreshState   string           `json:"fresh_state"`
	FreshOffsets map[string]int64 `json:"fresh_offsets"`
	FreshSign    string           `json:"fresh_sign"`
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
	Refreshed bool `json:"refresh_called"`
}

func TestClerksCases(t *testing.T) {
	for _, raw := range readCases(t) {
		c := fillIn(t, raw)
		t.Run(c.ID+" "+c.Name, func(t *testing.T) {
			if why := c.outOfScope(); why != "" {
				t.Skip(why)
			}
			c.differ()
			result, err := newAuthenticator(t, c.config(t)).Authenticate(c.request())
			c.check(t, result, err)
		})
	}
}

func readCases(t *testing.T) []json.RawMessage {
	text, err := os.ReadFile("testdata/handshake-cases.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Cases []json.RawMessage `json:"cases"`
		Extra []json.RawMessage `json:"extra_cases"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	return slices.Concat(file.Cases, file.Extra)
}

// outOfScope returns which feature of Clerk's SDK that this package has not a
// case is about.
func (c *testCase) outOfScope() string {
	switch {
	case string(c.Options["isSatellite"]) == "true":
		return "satellite"
	case c.Oracle.Reason == "active-organization-mismatch",
		c.Oracle.Location != nil && c.Oracle.Location.Query["organization_id"] != "":
		return "organization synchronisation"
	case c.Oracle.Refreshed, strings.Contains(c.Oracle.Reason, "missing-sid-claim"):
		return "refresh by cookie"
	}
	return ""
}

// differ replaces the answer of Clerk's SDK by ours where they differ on
// purpose.
func (c *testCase) differ() {
	redirects, _ := strconv.Atoi(c.Request.Cookies["__clerk_redirect_count"])
	switch {
	case c.Oracle.Reason == "primary-domain-cross-origin-sync":
		c.Oracle = oracle{State: "signed-in"}
		c.Oracle.ToAuth.UserID = "user_12345"
	case c.Oracle.Reason == "primary-responds-to-syncing":
		c.Oracle = oracle{State: "signed-out", Reason: "session-token-and-uat-missing", DebugHeaders: []string{"x-clerk-auth-reason", "x-clerk-auth-status"}}
	case c.Oracle.State == "handshake" && redirects > 3:
		c.Oracle = oracle{State: "signed-out", Reason: c.Oracle.Reason, Message: c.Oracle.Message, DebugHeaders: c.Oracle.DebugHeaders}
	case c.Oracle.State == "signed-in" && c.Tokens["session"].ExtraClaims["sts"] == "pending":
		c.Oracle = oracle{State: "signed-out", Reason: "session-pending", Message: "The session has tasks that the user must finish first.",
			DebugHeaders: []string{"x-clerk-auth-message", "x-clerk-auth-reason", "x-clerk-auth-status"}}
	}
}

func (c *testCase) config(t *testing.T) clerk.Config {
	config := config(c.Instance == "prod")
	config.JWTKey = ""
	config.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")} // httptest's clients
	config.HTTPClient = double{c.backend()}.client()
	c.option(t, "proxyUrl", &config.ProxyURL)
	c.option(t, "authorizedParties", &config.AuthorizedParties)
	return config
}

func (c *testCase) option(t *testing.T, name string, into any) {
	if raw, ok := c.Options[name]; ok {
		if err := json.Unmarshal(raw, into); err != nil {
			t.Fatal(err)
		}
	}
}

// backend is the Backend API of a case.
func (c *testCase) backend() http.Handler {
	published := &keys()[0].PublicKey
	if c.Keys == "mismatched" {
		published = &keys()[1].PublicKey
	}
	mux := http.NewServeMux()
	mux.Handle("GET /v1/jwks", answer(200, jwks(kid, published)))
	mux.HandleFunc("GET /v1/clients/handshake_payload", func(w http.ResponseWriter, r *http.Request) {
		payload, ok := c.BAPI.Payloads[r.URL.Query().Get("nonce")]
		if !ok {
			answer(404, map[string]any{"errors": []any{}})(w, r)
			return
		}
		answer(200, map[string]any{"directives": payload.Directives})(w, r)
	})
	return mux
}

func (c *testCase) request() *http.Request {
	query := url.Values{}
	for name, value := range c.Request.Query {
		query.Set(name, value)
	}
	r := httptest.NewRequest(c.Request.Method, app+c.Request.Path+"?"+query.Encode(), nil)
	for name, value := range c.Request.Headers {
		r.Header.Set(name, value)
	}
	if h := r.Header.Get("Host"); h != "" {
		r.Host = h
	}
	for _, name := range slices.Sorted(maps.Keys(c.Request.Cookies)) {
		r.Header.Add("Cookie", name+"="+c.Request.Cookies[name])
	}
	return r
}

func (c *testCase) check(t *testing.T, got clerk.Result, err error) {
	want := c.Oracle
	if want.State == "throws" {
		if err == nil {
			t.Errorf("no error, want one; state %s", got.State)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if got.State.String() != want.State || got.Reason != want.Reason {
		t.Errorf("%s %q, want %s %q", got.State, got.Reason, want.State, want.Reason)
	}
	pattern := "^" + strings.ReplaceAll(regexp.QuoteMeta(want.Message), "<time>", ".+") + "$"
	if !regexp.MustCompile(pattern).MatchString(got.Message) {
		t.Errorf("message %q, want %q", got.Message, want.Message)
	}
	if user := subject(got); user != want.ToAuth.UserID {
		t.Errorf("user %q, want %q", user, want.ToAuth.UserID)
	}
	if cookies := got.Header["Set-Cookie"]; !slices.Equal(cookies, want.SetCookie) {
		t.Errorf("Set-Cookie %q, want %q", cookies, want.SetCookie)
	}
	c.checkHeaders(t, got.Header)
	c.checkLocation(t, got.Header.Get("Location"))
}

func subject(r clerk.Result) string {
	if r.Claims == nil {
		return ""
	}
	return r.Claims.Subject
}

func (c *testCase) checkHeaders(t *testing.T, got http.Header) {
	names := slices.Concat(c.Oracle.DebugHeaders, slices.Collect(maps.Keys(c.Oracle.Headers)))
	for name, value := range c.Oracle.Headers {
		if got.Get(name) != value {
			t.Errorf("%s: %q, want %q", name, got.Get(name), value)
		}
	}
	for name := range got {
		if name = strings.ToLower(name); name != "location" && name != "set-cookie" && !slices.Contains(names, name) {
			t.Errorf("unexpected header %s: %s", name, got.Get(name))
		}
	}
	for _, name := range c.Oracle.DebugHeaders {
		if got.Get(name) == "" {
			t.Errorf("header %s is missing", name)
		}
	}
}

func (c *testCase) checkLocation(t *testing.T, got string) {
	want := c.Oracle.Location
	if want == nil {
		if got != "" {
			t.Errorf("Location %s, want none", got)
		}
		return
	}
	u, err := url.Parse(got)
	if err != nil {
		t.Fatal(err)
	}
	if base := u.Scheme + "://" + u.Host + u.Path; base != want.Base {
		t.Errorf("Location %s, want %s", base, want.Base)
	}
	query := map[string]string{}
	for name, values := range u.Query() {
		query[name] = strings.Join(values, " and ")
	}
	if !maps.Equal(query, want.Query) {
		t.Errorf("Location's query %q, want %q", query, want.Query)
	}
}

var placeholder = regexp.MustCompile(`\{\{([^{}+-]+)([+-]\d+)?\}\}`)

// values are what stands for the placeholders of a case.
type values map[string]string

func (v values) fill(text string) string {
	return placeholder.ReplaceAllStringFunc(text, func(whole string) string {
		parts := placeholder.FindStringSubmatch(whole)
		value, ok := v[parts[1]]
		if parts[2] == "" || !ok {
			return value
		}
		base, _ := strconv.Atoi(value)
		offset, _ := strconv.Atoi(parts[2])
		return strconv.Itoa(base + offset)
	})
}

// fillIn makes the tokens of a case and puts them in place.
func fillIn(t *testing.T, raw json.RawMessage) *testCase {
	var plain testCase
	if err := json.Unmarshal(raw, &plain); err != nil {
		t.Fatal(err)
	}
	suffix := clerk.Suffix(clerk.NewPublishableKey(host, plain.Instance == "prod"))
	v := values{
		"app": app, "pk_host": host, "suffix": suffix, "kid": kid, "now": strconv.FormatInt(now.Unix(), 10),
		"accounts_host": strings.Replace(host, "clerk.", "accounts.", 1),
	}
	for _, spec := range slices.Concat(slices.Collect(maps.Values(plain.Tokens)), slices.Collect(maps.Values(plain.BAPI.Payloads))) {
		if spec.FreshState != "" || spec.FreshOffsets != nil {
			v["fresh.jwt"] = v.fresh(spec, plain.Source == nil)
		}
	}
	for name, spec := range plain.Tokens {
		v.mint(name, spec)
	}
	c := &testCase{}
	if err := json.Unmarshal([]byte(v.fill(string(raw))), c); err != nil {
		t.Fatal(err)
	}
	return c
}

func (v values) mint(name string, spec tokenSpec) {
	if spec.Directives != nil {
		for i, d := range spec.Directives {
			spec.Directives[i] = v.fill(d)
		}
		v[name+".jwt"] = sign(claims{"handshake": spec.Directives}, spec.Header, spec.Sign)
		return
	}
	c := v.claims(spec.State, spec.Offsets, spec.ExtraClaims)
	v[name+".iat"] = fmt.Sprint(c["iat"])
	for _, claim := range spec.RemoveClaims {
		delete(c, claim)
	}
	v[name+".jwt"] = sign(c, spec.Header, spec.Sign)
}

// fresh makes the session token that a handshake brings. Clerk's own cases
// have less in theirs than ours.
func (v values) fresh(spec tokenSpec, ours bool) string {
	extra := map[string]any{}
	if ours {
		extra = map[string]any{"sub": "user_fresh", "iss": "https://{{pk_host}}", "sid": "sess_1", "azp": "{{app}}"}
	}
	return sign(v.claims(spec.FreshState, spec.FreshOffsets, extra), nil, spec.FreshSign)
}

func (v values) claims(state string, offsets map[string]int64, extra map[string]any) claims {
	iat := map[string]int64{"expired": -600, "early": 600}[state]
	c := claims{"sub": "user_12345", "iat": now.Unix() + iat, "nbf": now.Unix() + iat - 10, "exp": now.Unix() + iat + 60}
	for name, offset := range offsets {
		c[name] = now.Unix() + offset
	}
	for name, value := range extra {
		if text, ok := value.(string); ok {
			value = v.fill(text)
		}
		c[name] = value
	}
	return c
}
