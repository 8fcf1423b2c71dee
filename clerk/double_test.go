package clerk_test

import (
	"crypto/rsa"
	"net/http"
	"testing"

	"inkwell/clerk"
	"inkwell/clerk/clerktest"
)

// The instance of package clerktest, by the short names that the tests here
// have for it.
const (
	kid      = clerktest.KeyID
	host     = clerktest.Host
	app      = clerktest.App
	devKey   = clerktest.SecretKeyTest
	liveKey  = clerktest.SecretKeyLive
	category = "cl_B7d4PD111AAA"
)

type claims = clerktest.Claims

var now = clerktest.Now()

// keys are the instance's key pair and a stranger's.
func keys() [2]*rsa.PrivateKey {
	return [2]*rsa.PrivateKey{clerktest.InstanceKey(), clerktest.StrangerKey()}
}

// A double stands in for Clerk's Backend API.
type double struct{ http.Handler }

func (d double) client() *http.Client { return clerktest.Client(d.Handler) }

func answer(status int, body any) http.HandlerFunc { return clerktest.Answer(status, body) }

func jwks(id string, key *rsa.PublicKey) any { return clerktest.JWKS(id, key) }

func publicPEM(key *rsa.PublicKey) string { return clerktest.PublicPEM(key) }

func config(production bool) clerk.Config { return clerktest.Config(production) }

func sessionClaims(overrides claims) claims { return clerktest.SessionClaims(overrides) }

func sign(c claims, header map[string]any, how string) string {
	return clerktest.Sign(c, header, clerktest.Signature(how))
}

func newAuthenticator(t testing.TB, c clerk.Config) *clerk.Authenticator {
	t.Helper()
	a, err := clerk.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// subject returns who is signed in; empty when nobody is.
func subject(r clerk.Result) string {
	if r.Claims == nil {
		return ""
	}
	return r.Claims.Subject
}
