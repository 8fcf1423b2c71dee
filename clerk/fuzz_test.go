package clerk_test

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/http/httpguts"

	"inkwell/clerk"
	"inkwell/clerk/clerktest"
)

// FuzzToken looks for a token that signs in somebody whom the instance's key
// has not signed in. Without a signature of its own a token gets a good one, so
// that what is behind the signature is tried too.
func FuzzToken(f *testing.F) {
	good := strings.Split(sign(sessionClaims(nil), nil, ""), ".")
	const head = `{"alg":"RS256","kid":"ins_1","typ":"JWT"}`
	for _, seed := range [][3]string{
		{segment(good[0]), segment(good[1]), segment(good[2])},
		{head, `{"sub":"user_1","exp":1795262460,"iat":1795262400,"nbf":1795262390}`, ""},
		{head, `{"sub":"user_1","exp":1795262460.5,"sub":"user_2"}`, ""},
		{head, `{"SUB":"user_1","Exp":1e300}`, ""},
		{head, `{"sub":"user_1","exp":"1e999","iat":[],"sts":"pending","azp":1,"iss":null}`, ""},
		{head, `{"sub":"mch_1","exp":1e999,"iss":"https://clerk.example.com"}`, ""},
		{`{"alg":"none"}`, `{"sub":"user_1","exp":9e9}`, "x"},
		{`{"alg":"HS256","typ":"JWT"}`, `{"sub":"user_1","exp":9e9}`, ""},
		{`{"alg":"RS256","cat":"cl_B7d4PD222AAA","typ":"at+jwt","crit":["b64"],"b64":false}`, "\xff", ""},
		{`{"alg":"RS256","jwk":{"kty":"RSA","n":"AQ","e":"AQAB"},"kid":1}`, `[]`, "\x00"},
	} {
		f.Add([]byte(seed[0]), []byte(seed[1]), []byte(seed[2]))
	}
	a := newAuthenticator(f, config(true))
	f.Fuzz(func(t *testing.T, header, payload, signature []byte) {
		token := clerktest.SignText(header, payload, clerktest.Good)
		if len(signature) > 0 {
			token = token[:strings.LastIndex(token, ".")+1] + base64.RawURLEncoding.EncodeToString(signature)
		}
		byHeader := get("/", nil)
		byHeader.Header.Set("Authorization", "Bearer "+token)
		for _, r := range []*http.Request{withSession(token), byHeader} {
			result, err := a.Authenticate(r)
			if err != nil {
				t.Fatal(err)
			}
			checkResult(t, result)
			if result.State == clerk.SignedIn && result.Claims.Subject != signedIn(token) {
				t.Errorf("%+v signed in by\n%s\n%s", result.Claims, header, payload)
			}
		}
	})
}

// signedIn returns who is signed in by a token, found out as simply as can be;
// empty for nobody.
func signedIn(token string) string {
	parts := strings.Split(token, ".")
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if rsa.VerifyPKCS1v15(&clerktest.InstanceKey().PublicKey, crypto.SHA256, sum[:], []byte(segment(parts[2]))) != nil {
		return ""
	}
	var header, payload map[string]any
	if json.Unmarshal([]byte(segment(parts[0])), &header) != nil || json.Unmarshal([]byte(segment(parts[1])), &payload) != nil {
		return ""
	}
	user, _ := payload["sub"].(string)
	expires, _ := payload["exp"].(float64)
	before, _ := payload["nbf"].(float64)
	issued, _ := payload["iat"].(float64)
	seconds, typ, iss := float64(now.Unix()), header["typ"], payload["iss"]
	switch {
	case header["alg"] != "RS256", typ != nil && typ != "JWT", iss != nil && iss != "https://"+host, payload["sts"] == "pending",
		expires <= seconds-5, before > seconds+5, issued > seconds+5, strings.HasPrefix(user, "mch_"):
		return ""
	}
	return user
}

// segment is the text of a part of a token.
func segment(part string) string {
	text, _ := base64.RawURLEncoding.DecodeString(part)
	return string(text)
}

// FuzzCookies looks for cookies, a query and an Authorization header that sign
// in somebody else than the user of the one token there is, or that lead a
// browser elsewhere.
func FuzzCookies(f *testing.F) {
	good, expired := sign(sessionClaims(nil), nil, ""), sign(sessionClaims(claims{"iat": now.Unix() - 600, "exp": now.Unix() - 540}), nil, "")
	forged := sign(sessionClaims(claims{"sub": "user_evil"}), nil, "none")
	brought := sign(claims{"handshake": []string{"__session=" + good + "; Path=/"}}, nil, "")
	suffix := clerk.Suffix(clerk.NewPublishableKey(host, true))
	for _, seed := range [][3]string{
		{"__session=" + good + "; __client_uat=1; __clerk_db_jwt=dvb_1", "", ""},
		{"__session_" + suffix + "=" + good + "; __client_uat_" + suffix + "=1; __session=" + forged, "", ""},
		{"__session=" + expired + "; __client_uat=1; __refresh_" + suffix + "=rt_1; __clerk_db_jwt=dvb_1", "", ""},
		{"__session=" + forged + "; __session=" + good + "; __client_uat=1", "a=b", ""},
		{"__session=%65" + good[1:] + "%; __client_uat=12abc", "", ""},
		{"__client_uat=1; __clerk_redirect_count=-1", "a=%zz&__clerk_db_jwt", ""},
		{"", "__clerk_handshake=" + forged, ""},
		{"", "a=1&__clerk_handshake=" + brought + "&__clerk%5Fhelp", ""},
		{"__clerk_handshake=" + brought, "", ""},
		{"__clerk_handshake_nonce=n_1", "__clerk_redirect_url=https://evil.example/", ""},
		{"", "__clerk_handshake_nonce=../users", "Bearer " + forged},
		{"", "", "Bearer " + good},
		{"__session=%0d%0a; __clerk_db_jwt=%0d%0aa", ";", "Bearer ."},
	} {
		f.Add(seed[0], seed[1], seed[2], true)
		f.Add(seed[0], seed[1], seed[2], false)
	}
	backend := http.NewServeMux()
	backend.Handle("GET /v1/clients/handshake_payload", answer(200, map[string]any{"directives": []string{"__session=" + good}}))
	backend.Handle("POST /v1/sessions/sess_1/refresh", answer(200, map[string]any{"cookies": []string{"__session=" + good}}))
	authenticators := both(f, backend)
	f.Fuzz(func(t *testing.T, cookie, query, authorization string, production bool) {
		target, err := url.ParseRequestURI("/?" + query)
		if err != nil {
			t.Skip("no server hands this on")
		}
		r := httptest.NewRequest(http.MethodGet, app+"/", nil)
		r.URL.RawQuery = target.RawQuery
		r.Header = http.Header{"Accept": {"text/html"}, "Cookie": {cookie}, "Authorization": {authorization}}
		result, err := authenticators[production].Authenticate(r)
		checkError(t, err, production)
		checkResult(t, result)
		if result.State == clerk.SignedIn && result.Claims.Subject != "user_1" {
			t.Errorf("signed in: %+v", result.Claims)
		}
	})
}

// FuzzHandshake looks for directives of a handshake, as a token or the Backend
// API brings them, that are not what they should be and do harm.
func FuzzHandshake(f *testing.F) {
	good := sign(sessionClaims(nil), nil, "")
	for _, directives := range []string{
		`["__session=` + good + `; Path=/","__client_uat=1; Domain=example.com; Path=/; Max-Age=31536000; SameSite=Lax"]`,
		`["__session=x","__session_1234=` + good + `"]`,
		`["__session=` + good + `=","__session="]`,
		`["__session=` + sign(sessionClaims(claims{"sub": "user_evil"}), nil, "wrong_key") + `"]`,
		`["a\r\nInjected: 1","\u0000",";","=","__session"]`,
		`[]`, `null`, `{}`, `[1]`, `["", null]`, `[["__session=x"]]`, `"__session=x"`, `[`,
	} {
		for flags := range 4 {
			f.Add([]byte(directives), flags&1 == 0, flags&2 == 0)
		}
	}
	f.Fuzz(func(t *testing.T, directives []byte, nonce, production bool) {
		body := []byte(`{"directives":` + string(directives) + `}`)
		authenticators := both(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(body) }))
		path := "/a?__clerk_handshake_nonce=n_1&b"
		if !nonce {
			payload := []byte(`{"handshake":` + string(directives) + `}`)
			path = "/a?b&__clerk_handshake=" + clerktest.SignText([]byte(`{"alg":"RS256","kid":"ins_1"}`), payload, clerktest.Good)
		}
		result, err := authenticators[production].Authenticate(get(path, map[string]string{clerk.DevBrowserCookie: "dvb_1"}))
		checkError(t, err, production)
		checkResult(t, result)
		if result.State == clerk.SignedIn && result.Claims.Subject != "user_1" {
			t.Errorf("signed in: %+v", result.Claims)
		}
	})
}

// both returns the authenticators of the production and the development
// instance.
func both(t testing.TB, backend http.Handler) map[bool]*clerk.Authenticator {
	authenticators := map[bool]*clerk.Authenticator{}
	for _, production := range []bool{false, true} {
		c := config(production)
		c.HTTPClient = double{backend}.client()
		authenticators[production] = newAuthenticator(t, c)
	}
	return authenticators
}

// checkError makes sure that an error is a development instance's handshake.
func checkError(t *testing.T, err error, production bool) {
	t.Helper()
	if _, ok := err.(*clerk.HandshakeError); err != nil && (!ok || production) {
		t.Errorf("error %v", err)
	}
}

// checkResult makes sure of what holds for every result.
func checkResult(t *testing.T, result clerk.Result) {
	t.Helper()
	if in := result.State == clerk.SignedIn; in != (result.Claims != nil) || in && result.Reason != "" {
		t.Errorf("%s %q with %v", result.State, result.Reason, result.Claims)
	}
	for name, values := range result.Header {
		for _, value := range values {
			if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
				t.Errorf("header %q: %q", name, value)
			}
		}
	}
	location := result.Header.Get("Location")
	to, err := url.Parse(location)
	switch {
	case err != nil:
		t.Errorf("Location %q: %v", location, err)
	case result.State == clerk.Handshake && !strings.HasPrefix(location, "https://"+host+"/v1/client/handshake?"):
		t.Errorf("%s leads to %q", result.State, location)
	case result.State != clerk.Handshake && location != "" && originOf(to) != app:
		t.Errorf("%s leads to %q", result.State, location)
	}
}

func originOf(u *url.URL) string { return u.Scheme + "://" + u.Host }
