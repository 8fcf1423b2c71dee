package handlers

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"inkwell/clerk"
	"inkwell/clerk/clerktest"
	"inkwell/db/dbtest"
)

// A target is the site, over HTTP, for a Clerk instance whose Backend API
// counts what it is asked.
type target struct {
	*httptest.Server
	suffix string // of the instance's cookies
	began  time.Time

	mu    sync.Mutex
	asked []string
}

func newTarget(t *testing.T, production bool) *target {
	t.Helper()
	s := &target{began: time.Now()}
	mux := http.NewServeMux()
	mux.Handle("GET /v1/jwks", clerktest.Answer(http.StatusOK, clerktest.JWKS(clerktest.KeyID, &clerktest.InstanceKey().PublicKey)))
	config := clerktest.Config(production)
	config.JWTKey = ""
	config.Now = func() time.Time { return clerktest.Now().Add(time.Since(s.began)) }
	config.HTTPClient = clerktest.Client(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.asked = append(s.asked, r.URL.Path)
		s.mu.Unlock()
		mux.ServeHTTP(w, r)
	}))
	data := dbtest.New(t)
	saveUser(t, data, "user_1")
	s.Server = serveHTTP(t, data, config)
	s.suffix = "_" + clerk.Suffix(config.PublishableKey)
	return s
}

// send sends header lines as they stand.
func (s *target) send(t *testing.T, path string, lines ...string) *answer {
	t.Helper()
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: localhost:4000\r\nConnection: close\r\nSec-Fetch-Dest: document\r\n%s\r\n\r\n", path, strings.Join(lines, "\r\n"))
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	res.Request = &http.Request{Method: http.MethodGet, URL: &url.URL{Path: path}}
	return &answer{Response: res, t: t, body: string(body)}
}

// checkCalls makes sure that nothing was asked of the Backend API but its key
// set, and that no more often than time allows: once, a few times for keys that
// it lacks, and once more every five seconds.
func (s *target) checkCalls(t *testing.T) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	allowed := 1 + 5 + int(time.Since(s.began)/(5*time.Second))
	if len(s.asked) > allowed || slices.ContainsFunc(s.asked, func(path string) bool { return path != "/v1/jwks" }) {
		t.Errorf("the Backend API was asked for %q, want its key set at most %d times", s.asked, allowed)
	}
}

// signedOut makes sure that nobody is signed in, that nothing broke, and that
// the request had no say in the headers.
func (a *answer) signedOut() {
	a.t.Helper()
	status := a.Header.Get("X-Clerk-Auth-Status")
	refused := a.StatusCode == http.StatusBadRequest || a.StatusCode == http.StatusRequestHeaderFieldsTooLarge // by net/http
	switch {
	case a.StatusCode >= http.StatusInternalServerError, strings.Contains(a.body, "account-menu"):
		a.t.Errorf("= %d\n%.500s", a.StatusCode, a.body)
	case !refused && status != "signed-out" && status != "handshake":
		a.t.Errorf("= %d, %q", a.StatusCode, status)
	case a.Header.Get("Injected") != "":
		a.t.Error("the request set a header of the answer")
	}
	if location := a.Header.Get("Location"); location != "" && !strings.HasPrefix(location, "https://"+clerktest.Host+"/v1/client/handshake?") {
		a.t.Errorf("it leads to %s", location)
	}
	for _, cookie := range a.Cookies() {
		if cookie.Name != clerk.RedirectCountCookie {
			a.t.Errorf("it sets %s", cookie)
		}
	}
}

func goodToken() string { return clerktest.Sign(clerktest.SessionClaims(nil), nil, clerktest.Good) }

// forged returns tokens of which none may sign anybody in.
func forged() map[string]string {
	tokens := map[string]string{}
	for _, some := range []map[string]string{wrongKeys(), wrongHeaders(), wrongPayloads(), wrongSignatures()} {
		maps.Copy(tokens, some)
	}
	return tokens
}

// signed makes a session token with other claims, or members of its header,
// than usual.
func signed(claims clerktest.Claims, header map[string]any, how clerktest.Signature) string {
	return clerktest.Sign(clerktest.SessionClaims(claims), header, how)
}

func wrongKeys() map[string]string {
	type header = map[string]any
	stranger := clerktest.JWK(clerktest.KeyID, &clerktest.StrangerKey().PublicKey)
	tokens := map[string]string{
		"HS256 with the public key":      signed(nil, nil, clerktest.HS256),
		"HS256 said to be RS256":         signed(nil, header{"alg": "RS256"}, clerktest.HS256),
		"another key":                    signed(nil, nil, clerktest.WrongKey),
		"another key with its address":   signed(nil, header{"jku": "https://evil.example/jwks"}, clerktest.WrongKey),
		"another key with it":            signed(nil, header{"jwk": stranger}, clerktest.WrongKey),
		"another key with a chain":       signed(nil, header{"x5u": "https://evil.example/x", "x5c": []string{"AA=="}}, clerktest.WrongKey),
		"another key under a foreign id": signed(nil, header{"kid": "ins_evil"}, clerktest.WrongKey),
		"under a foreign id":             signed(nil, header{"kid": "ins_other"}, clerktest.Good),
		"under an id that is a path":     signed(nil, header{"kid": "../../v1/users"}, clerktest.Good),
		"under no id":                    signed(nil, header{"kid": nil}, clerktest.Good),
		"id of another type":             signed(nil, header{"kid": []int{1}}, clerktest.Good),
		"id of 8 KB":                     signed(nil, header{"kid": strings.Repeat("k", 8<<10)}, clerktest.Good),
	}
	for i := range 20 {
		id := fmt.Sprintf("ins_made_up_%d", i)
		tokens["under "+id] = signed(nil, header{"kid": id}, clerktest.Good)
	}
	return tokens
}

func wrongHeaders() map[string]string {
	type header = map[string]any
	tokens := map[string]string{
		"alg of another type":      signed(nil, header{"alg": 256}, clerktest.Good),
		"no alg":                   signed(nil, header{"alg": nil}, clerktest.Good),
		"alg in small letters":     signed(nil, header{"alg": "rs256"}, clerktest.Good),
		"typ of another type":      signed(nil, header{"typ": header{"JWT": true}}, clerktest.Good),
		"typ of a machine":         signed(nil, header{"typ": "at+jwt"}, clerktest.Good),
		"typ of a logout":          signed(nil, header{"typ": "logout+jwt"}, clerktest.Good),
		"category of a template":   signed(nil, header{"cat": "cl_B7d4PD222AAA"}, clerktest.Good),
		"category of a machine":    signed(nil, header{"cat": "cl_B7d4PD333AAA"}, clerktest.Good),
		"category of another type": signed(nil, header{"cat": []string{"cl_B7d4PD111AAA"}}, clerktest.Good),
		"empty category":           signed(nil, header{"cat": ""}, clerktest.Good),
		"critical extension":       signed(nil, header{"crit": []string{"b64"}, "b64": false}, clerktest.Good),
		"a line end in its type":   signed(nil, header{"typ": "a\r\nInjected: 1"}, clerktest.Good),
	}
	for _, alg := range []string{"none", "None", "NONE", "nOnE", ""} {
		tokens[fmt.Sprintf("alg %q and no signature", alg)] = signed(nil, header{"alg": alg}, clerktest.Unsigned)
		tokens[fmt.Sprintf("alg %q and the signature of RS256", alg)] = signed(nil, header{"alg": alg}, clerktest.Good)
	}
	return tokens
}

func wrongPayloads() map[string]string {
	// raw signs what need not be JSON.
	raw := func(payload string) string {
		return clerktest.SignText([]byte(`{"alg":"RS256","kid":"ins_1"}`), []byte(payload), clerktest.Good)
	}
	return map[string]string{
		"user is an object":                 signed(clerktest.Claims{"sub": map[string]any{"id": "user_1"}}, nil, clerktest.Good),
		"end beyond all numbers":            raw(`{"sub":"user_1","exp":1e999}`),
		"end is a long text":                signed(clerktest.Claims{"exp": strings.Repeat("9", 4000)}, nil, clerktest.Good),
		"end before all time":               signed(clerktest.Claims{"exp": -1e300, "iat": -1e300, "nbf": -1e300}, nil, clerktest.Good),
		"issue after all time":              signed(clerktest.Claims{"iat": 1e300, "exp": 1e300}, nil, clerktest.Good),
		"issue is a long text, another key": signed(clerktest.Claims{"iat": strings.Repeat("9", 4000)}, nil, clerktest.WrongKey),
		"end after all time, another key":   signed(clerktest.Claims{"exp": 1e300, "iat": 1e300}, nil, clerktest.WrongKey),
		"deep":                              raw(deep(5000)),
		"deep header":                       clerktest.SignText([]byte(deep(5000)), []byte(`{"sub":"user_1"}`), clerktest.Good),
		"a list":                            raw(`[{"sub":"user_1"}]`),
		"null":                              clerktest.SignText([]byte("null"), []byte("null"), clerktest.Good),
		"not UTF-8":                         clerktest.SignText([]byte(`{"alg":"RS256","kid":"\xff"}`), []byte("{\"sub\":\"\xff\xfe\"}"), clerktest.Good),
		"a NUL":                             clerktest.SignText([]byte(`{"alg":"RS256","kid":"ins_1\u0000"}`), []byte(`{"sub":"user_1"}`), clerktest.Good),
		"five parts":                        goodToken() + ".a.b",
		"parts that are empty":              "..",
	}
}

func wrongSignatures() map[string]string {
	good := goodToken()
	text, encoded := good[:strings.LastIndex(good, ".")+1], good[strings.LastIndex(good, ".")+1:]
	signature, _ := base64.RawURLEncoding.DecodeString(encoded)
	tokens := map[string]string{
		"another's signature":     clerktest.Sign(clerktest.SessionClaims(clerktest.Claims{"sid": "sess_2"}), nil, clerktest.WrongKey)[:len(text)] + encoded,
		"no signature":            text,
		"signature with padding":  good + "==",
		"signature twice":         good + encoded,
		"a zero before it":        text + base64.RawURLEncoding.EncodeToString(append([]byte{0}, signature...)),
		"signature of zeros":      text + base64.RawURLEncoding.EncodeToString(make([]byte, len(signature))),
		"signature is the number": text + base64.RawURLEncoding.EncodeToString(clerktest.InstanceKey().N.Bytes()),
	}
	for _, i := range []int{0, len(signature) - 1} {
		for bit := range 8 {
			flipped := slices.Clone(signature)
			flipped[i] ^= 1 << bit
			tokens[fmt.Sprintf("bit %d of byte %d", bit, i)] = text + base64.RawURLEncoding.EncodeToString(flipped)
		}
	}
	return tokens
}

// deep is a payload that is as deep as it is long.
func deep(n int) string {
	return `{"sub":"user_1","x":` + strings.Repeat("[", n) + strings.Repeat("]", n) + "}"
}

// Whatever carries a forged token, and whatever the kind of instance: it signs
// nobody in, breaks nothing and costs no calls.
func TestForgedTokens(t *testing.T) {
	for _, production := range []bool{true, false} {
		site := newTarget(t, production)
		carriers := map[string]func(string) []string{
			"cookie": func(token string) []string { return []string{"Cookie: __session=" + token + uat("")} },
			"suffixed cookie": func(token string) []string {
				return []string{"Cookie: __session" + site.suffix + "=" + token + uat(site.suffix)}
			},
			"header": func(token string) []string {
				return []string{"Authorization: Bearer " + token, "Cookie: a=b" + uat("")}
			},
		}
		for carrier, lines := range carriers {
			t.Run(fmt.Sprintf("production %t, %s", production, carrier), func(t *testing.T) {
				for name, token := range forged() {
					t.Run(name, func(t *testing.T) { site.send(t, "/", lines(token)...).signedOut() })
				}
				site.send(t, "/", lines(goodToken())...).status(http.StatusOK).shows("#account-menu", "user_1")
			})
		}
		site.checkCalls(t)
	}
}

// uat is the cookies that a session needs beside it.
func uat(suffix string) string {
	return "; __client_uat" + suffix + "=1; __clerk_db_jwt" + suffix + "=dvb_1; __clerk_db_jwt=dvb_1"
}

func TestForgedHandshakes(t *testing.T) {
	site := newTarget(t, true)
	session := "__session=" + goodToken() + "; Path=/"
	forge := func(how clerktest.Signature, header map[string]any) string {
		return clerktest.Sign(clerktest.Claims{"handshake": []string{session, "injected=1"}}, header, how)
	}
	tokens := map[string]string{
		"another key":     forge(clerktest.WrongKey, nil),
		"HS256":           forge(clerktest.HS256, nil),
		"alg none":        forge(clerktest.Unsigned, nil),
		"with its key":    forge(clerktest.WrongKey, map[string]any{"jwk": clerktest.JWK(clerktest.KeyID, &clerktest.StrangerKey().PublicKey)}),
		"foreign id":      forge(clerktest.WrongKey, map[string]any{"kid": "ins_evil"}),
		"of a machine":    forge(clerktest.Good, map[string]any{"cat": "cl_B7d4PD333AAA"}),
		"other typ":       forge(clerktest.Good, map[string]any{"typ": "at+jwt"}),
		"another's claim": clerktest.SignText([]byte(`{"alg":"RS256","kid":"ins_1"}`), []byte(`{"handshake":"`+session+`"}`), clerktest.Good),
		"deep":            clerktest.SignText([]byte(`{"alg":"RS256","kid":"ins_1"}`), []byte(`{"handshake":`+deep(5000)+`}`), clerktest.Good),
		"nothing of one":  "x",
		"100 KB":          strings.Repeat("x", 100<<10),
	}
	for name, token := range tokens {
		t.Run(name, func(t *testing.T) {
			site.send(t, "/?__clerk_handshake="+token).signedOut()
			site.send(t, "/", "Cookie: __clerk_handshake="+token).signedOut()
		})
	}
	site.checkCalls(t)
}

func TestHostileHeaders(t *testing.T) {
	good, bad := goodToken(), clerktest.Sign(clerktest.SessionClaims(nil), nil, clerktest.WrongKey)
	many := strings.Repeat("__session=x; ", 200)
	tests := []struct {
		name  string
		lines []string
	}{
		{"a cookie of 100 KB", []string{"Cookie: __session=" + strings.Repeat("x", 100<<10) + uat("")}},
		{"a good cookie beside one of 100 KB", []string{"Cookie: x=" + strings.Repeat("x", 100<<10), "Cookie: __session=" + good + uat("")}},
		{"a header of 2 MB", []string{"Cookie: __session=" + strings.Repeat("x", 2<<20)}},
		{"200 cookies", []string{"Cookie: " + many + "__session=" + good + uat("")}},
		{"200 cookies of other names", []string{"Cookie: " + strings.ReplaceAll(many, "=x", good[:50]+"=x") + uat("")}},
		{"200 headers", slices.Repeat([]string{"Cookie: __session=x" + uat("")}, 200)},
		{"the first session counts", []string{"Cookie: __session=" + bad + "; __session=" + good + uat("")}},
		{"the first session counts over headers", []string{"Cookie: __session=" + bad, "Cookie: __session=" + good + uat("")}},
		{"the first is empty", []string{"Cookie: __session=; __session=" + good + "; __client_uat=0" + uat("")}},
		{"the first time counts", []string{"Cookie: __session=" + good + "; __client_uat=99999999999999999999" + uat("")}},
		{"a time beyond all numbers", []string{"Cookie: __session=" + good + "; __client_uat=" + strings.Repeat("9", 5000)}},
		{"a time that is a text", []string{"Cookie: __session=" + good + "; __client_uat=NaN"}},
		{"a time in other digits", []string{"Cookie: __session=" + good + "; __client_uat=١"}},
		{"a name that is encoded", []string{"Cookie: %5F%5Fsession=" + good + uat("")}},
		{"a NUL behind it, encoded", []string{"Cookie: __session=" + good + "%00" + uat("")}},
		{"a blank before it, encoded", []string{"Cookie: __session=%20" + good + uat("")}},
		{"a line end in it, encoded", []string{"Cookie: __session=" + good + "%0d%0aInjected:%201" + uat("")}},
		{"encoded twice", []string{"Cookie: __session=" + strings.ReplaceAll(good, ".", "%252E") + uat("")}},
		{"encoded by halves", []string{"Cookie: __session=" + good + "%2" + uat("")}},
		{"quoted", []string{`Cookie: __session="` + good + `"` + uat("")}},
		{"a line end in the browser's name", []string{"Cookie: __clerk_db_jwt=a%0d%0aInjected:%201; __client_uat=1"}},
		{"a line end in the count", []string{"Cookie: __clerk_redirect_count=1%0d%0aInjected:%201; __client_uat=1"}},
		{"a count below all numbers", []string{"Cookie: __clerk_redirect_count=-9223372036854775809; __client_uat=1"}},
		{"not UTF-8", []string{"Cookie: __session=\xff\xfe\xc0\x80" + uat(""), "X-Forwarded-Host: \xff"}},
		{"a bare CR", []string{"Cookie: __session=a\rInjected: 1" + uat("")}},
		{"a NUL", []string{"Cookie: __session=a\x00b" + uat("")}},
		{"a folded line", []string{"Cookie: __session=" + good, " Injected: 1"}},
		{"20 Authorization headers", slices.Repeat([]string{"Authorization: Bearer " + bad}, 20)},
		{"of 20 Authorization headers the first counts", append([]string{"Authorization: Bearer x"}, slices.Repeat([]string{"Authorization: Bearer " + good}, 19)...)},
		{"a bad header beats good cookies", []string{"Authorization: Bearer x", "Cookie: __session=" + good + uat("")}},
		{"a header that is a path", []string{"Authorization: ../../v1/jwks"}},
		{"a header of many words", []string{"Authorization: Bearer " + strings.Repeat("x ", 5000)}},
		{"a header of another scheme", []string{"Authorization: Token " + good}},
		{"a header that is not UTF-8", []string{"Authorization: Bearer \xff\xfe"}},
		{"another site's address", []string{"X-Forwarded-Host: evil.example", "X-Forwarded-Proto: javascript", "Cookie: __client_uat=1"}},
	}
	for _, production := range []bool{true, false} {
		site := newTarget(t, production)
		for _, tt := range tests {
			t.Run(fmt.Sprintf("production %t, %s", production, tt.name), func(t *testing.T) { site.send(t, "/", tt.lines...).signedOut() })
		}
		site.checkCalls(t)
		site.send(t, "/", "Cookie: __session="+good+"; __session="+bad+uat("")).status(http.StatusOK).shows("#account-menu", "user_1")
	}
}
