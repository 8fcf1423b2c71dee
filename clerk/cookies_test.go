package clerk_test

import (
	"fmt"
	"testing"

	"inkwell/clerk"
)

// The rules by which the cookies with or without suffix count, each by a
// request that no earlier rule decides.
func TestWhichCookies(t *testing.T) {
	suffix := map[bool]string{}
	for _, production := range []bool{false, true} {
		suffix[production] = "_" + clerk.Suffix(clerk.NewPublishableKey(host, production))
	}
	user := func(name string, overrides claims) string {
		c := sessionClaims(overrides)
		c["sub"] = name
		return sign(c, nil, "")
	}
	older := claims{"iat": now.Unix() - 30}
	const uat = "1"
	tests := []struct {
		name                  string
		development           bool
		plain, suffixed       string
		plainUAT, suffixedUAT string
		want                  string // the user, or else the reason
	}{
		{"1: not a token", false, "x", user("suffixed", nil), uat, uat, "token-invalid"},
		{"1: no issuer", false, user("plain", claims{"iss": nil}), user("suffixed", nil), uat, uat, "plain"},
		{"1: empty issuer", false, user("plain", claims{"iss": ""}), user("suffixed", nil), uat, uat, "token-invalid-issuer"},
		{"2: another instance's", false, user("plain", claims{"iss": "https://clerk.other.com"}), user("suffixed", nil), uat, uat, "suffixed"},
		{"2: issuer of another type", false, user("plain", claims{"iss": 1}), user("suffixed", nil), uat, uat, "suffixed"},
		{"3: nothing with a suffix", false, user("plain", nil), "", uat, "", "plain"},
		{"4: the plain one is newer", false, user("plain", nil), user("suffixed", older), uat, uat, "plain"},
		{"4: newer, but signed out", false, user("plain", nil), user("suffixed", older), "0", uat, "suffixed"},
		{"5: signed out with a suffix only", false, user("plain", nil), user("suffixed", nil), uat, "0", "plain"},
		{"6: expired in development", true, "", user("suffixed", claims{"exp": now.Unix()}), "0", uat, "session-token-and-uat-missing"},
		{"6: expired in production", false, "", user("suffixed", claims{"exp": now.Unix() - 60}), "0", uat, "session-token-expired-refresh-non-eligible-no-refresh-cookie"},
		{"6: good in development", true, "", user("suffixed", claims{"exp": now.Unix() + 1}), "0", uat, "suffixed"},
		{"7: session with a suffix alone", false, user("plain", older), user("suffixed", nil), uat, "", "plain"},
		{"8: equally new", false, user("plain", nil), user("suffixed", nil), uat, uat, "suffixed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := suffix[!tt.development]
			cookies := map[string]string{
				"__session": tt.plain, "__session" + s: tt.suffixed, "__client_uat": tt.plainUAT, "__client_uat" + s: tt.suffixedUAT,
				"__clerk_db_jwt": "dvb_1", "__clerk_db_jwt" + s: "dvb_1",
			}
			for name, value := range cookies {
				if value == "" {
					delete(cookies, name)
				}
			}
			got := authenticate(t, config(!tt.development), get("/", cookies))
			if who := subject(got) + got.Reason; who != tt.want {
				t.Errorf("%s, want %s", who, tt.want)
			}
		})
	}
}

func TestCookieParsing(t *testing.T) {
	token := sign(sessionClaims(nil), nil, "")
	uat := fmt.Sprint("__client_uat=", now.Unix()-3600)
	tests := []struct {
		name    string
		headers []string
		reason  string
	}{
		{"usual", []string{uat + "; __session=" + token}, ""},
		{"two headers", []string{uat, "__session=" + token}, ""},
		{"blanks", []string{"  " + uat + " ;__session = " + token + "  ;"}, ""},
		{"the first of a name", []string{uat + "; __session=" + token + "; __session=x"}, ""},
		{"the first of a name is bad", []string{uat + "; __session=x; __session=" + token}, "token-invalid"},
		{"percent-encoded", []string{uat + "; __session=%65" + token[1:]}, ""},
		{"encoding that is none", []string{uat + "; __session=%zz"}, "token-invalid"},
		{"quotes are part of a value", []string{uat + `; __session="` + token + `"`}, "token-invalid"},
		{"a name alone", []string{"__client_uat; __session"}, "session-token-and-uat-missing"},
		{"in another case", []string{uat + "; __SESSION=" + token}, "client-uat-but-no-session-token"},
		{"uat with garbage behind it", []string{"__client_uat=12abc; __session=" + token}, ""},
		{"uat that is no number", []string{"__client_uat=abc; __session=" + token}, "session-token-but-no-client-uat"},
		{"uat beyond all numbers", []string{"__client_uat=99999999999999999999; __session=" + token}, "session-token-iat-before-client-uat"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := get("/", nil)
			r.Header["Cookie"] = tt.headers
			if got := authenticate(t, config(true), r); got.Reason != tt.reason {
				t.Errorf("reason %q, want %q", got.Reason, tt.reason)
			}
		})
	}
}

func TestAuthorizationHeader(t *testing.T) {
	token := sign(sessionClaims(nil), nil, "")
	tests := []struct{ name, header, reason string }{
		{"bearer", "Bearer " + token, ""},
		{"token alone", token, ""},
		{"other scheme", "Basic dXNlcjpwYXNz", "session-token-and-uat-missing"},
		{"scheme in another case", "bearer " + token, "session-token-and-uat-missing"},
		{"scheme alone", "Bearer", "token-invalid"},
		{"more than a token", "Bearer " + token + " x", ""},
		{"a machine's", "Bearer " + sign(sessionClaims(claims{"sub": "mch_1"}), nil, ""), "token-type-mismatch"},
		{"JSON", `Bearer {"payload":"a.b.c"}`, "token-invalid"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := get("/", nil)
			r.Header.Set("Authorization", tt.header)
			if got := authenticate(t, config(true), r); got.Reason != tt.reason {
				t.Errorf("reason %q, want %q", got.Reason, tt.reason)
			}
		})
	}
}
