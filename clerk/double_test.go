package clerk_test

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"inkwell/clerk"
)

const (
	kid      = "ins_1"
	host     = "clerk.example.com"
	app      = "http://localhost:4000"
	devKey   = "sk_test_abcdefghijklmnop"
	liveKey  = "sk_live_abcdefghijklmnop"
	category = "cl_B7d4PD111AAA"
)

// now is when the tests take place.
var now = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// keys are two key pairs, made once: the instance's and a stranger's.
var keys = sync.OnceValue(func() [2]*rsa.PrivateKey {
	var pair [2]*rsa.PrivateKey
	for i := range pair {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		pair[i] = key
	}
	return pair
})

// A double stands in for Clerk's Backend API: an http.RoundTripper that
// answers with a handler, without a network.
type double struct{ http.Handler }

func (d double) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	return w.Result(), nil
}

func (d double) client() *http.Client { return &http.Client{Transport: d} }

// answer returns a handler of one JSON answer.
func answer(status int, body any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(body)
	}
}

// jwks is a key set with one key.
func jwks(id string, key *rsa.PublicKey) any {
	return map[string]any{"keys": []any{map[string]any{
		"kty": "RSA", "use": "sig", "alg": "RS256", "kid": id,
		"n": base64.RawURLEncoding.EncodeToString(key.N.Bytes()),
		"e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(key.E)).Bytes()),
	}}}
}

func publicPEM(key *rsa.PublicKey) string {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// config returns the settings of an instance whose sessions can be verified
// without its Backend API.
func config(production bool) clerk.Config {
	c := clerk.Config{
		PublishableKey: clerk.NewPublishableKey(host, production),
		SecretKey:      devKey,
		JWTKey:         publicPEM(&keys()[0].PublicKey),
		HTTPClient:     double{http.NotFoundHandler()}.client(),
		Now:            func() time.Time { return now },
	}
	if production {
		c.SecretKey = liveKey
	}
	return c
}

func newAuthenticator(t testing.TB, c clerk.Config) *clerk.Authenticator {
	t.Helper()
	a, err := clerk.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

type claims map[string]any

// sessionClaims are those of a good session token; overrides replace them, nil
// removes.
func sessionClaims(overrides claims) claims {
	c := claims{
		"iss": "https://" + host, "sub": "user_1", "sid": "sess_1", "azp": app, "sts": "active", "v": 2,
		"iat": now.Unix(), "nbf": now.Unix() - 10, "exp": now.Unix() + 60,
	}
	maps.Copy(c, overrides)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	return c
}

// sign makes a JWT. Members of header replace the usual ones; nil removes. How
// is "" for the instance's key, wrong_key, HS256 (with the public key as the
// secret, which verifiers have fallen for) or none.
func sign(c claims, header map[string]any, how string) string {
	head := map[string]any{"alg": "RS256", "typ": "JWT", "kid": kid}
	if how == "HS256" || how == "none" {
		head["alg"] = how
	}
	maps.Copy(head, header)
	maps.DeleteFunc(head, func(_ string, v any) bool { return v == nil })
	text := segment(head) + "." + segment(c)
	return text + "." + base64.RawURLEncoding.EncodeToString(signature(text, how))
}

func segment(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

func signature(text, how string) []byte {
	switch how {
	case "none":
		return nil
	case "HS256":
		mac := hmac.New(sha256.New, []byte(publicPEM(&keys()[0].PublicKey)))
		mac.Write([]byte(text))
		return mac.Sum(nil)
	}
	key := keys()[0]
	if how == "wrong_key" {
		key = keys()[1]
	}
	sum := sha256.Sum256([]byte(text))
	signed, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		panic(err)
	}
	return signed
}
