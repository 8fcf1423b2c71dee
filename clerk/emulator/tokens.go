package emulator

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v3"
)

// tokenLifetime is Clerk's: short, because a token cannot be taken back.
const tokenLifetime = time.Minute

// sessionCategory marks a token as a session token, in the header "cat".
const sessionCategory = "cl_B7d4PD111AAA"

// An issuer signs the tokens of an instance.
type issuer struct {
	name   string // the Frontend API's URL, the claim "iss"
	public jose.JSONWebKey
	signer jose.Signer // of what has no category
	ofUser jose.Signer // of session tokens
}

// newIssuer reads a private key in PEM, known by the instance's id.
func newIssuer(instanceID, name, key string) (*issuer, error) {
	block, _ := pem.Decode([]byte(key))
	if block == nil {
		return nil, errors.New("the signing key is not PEM")
	}
	private, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	i := &issuer{name: name, public: jose.JSONWebKey{Key: private.Public(), KeyID: instanceID, Algorithm: string(jose.RS256), Use: "sig"}}
	signing := jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: private, KeyID: instanceID}}
	options := new(jose.SignerOptions).WithType("JWT")
	if i.signer, err = jose.NewSigner(signing, options); err != nil {
		return nil, err
	}
	options = new(jose.SignerOptions).WithType("JWT").WithHeader("cat", sessionCategory)
	i.ofUser, err = jose.NewSigner(signing, options)
	return i, err
}

// session returns a session token of version 2. Party is the origin it is made
// for; empty when it is not known.
func (i *issuer) session(s session, party string, at time.Time) (string, error) {
	issued := at.Unix()
	claims := map[string]any{
		"v": 2, "iss": i.name, "sub": s.UserID, "sid": s.ID, "sts": "active",
		"iat": issued, "nbf": issued - 10, "exp": issued + int64(tokenLifetime/time.Second),
		"jti": rand.Text(), "fva": factorAge(s, at), "pla": "u:free", "fea": "",
	}
	if party != "" {
		claims["azp"] = party
	}
	return sign(i.ofUser, claims)
}

// sessionIn returns the session's id in a session token of ours, expired or
// not; empty for any other text.
func (i *issuer) sessionIn(token string) string {
	signed, err := jose.ParseSigned(token)
	if err != nil || len(signed.Signatures) != 1 || signed.Signatures[0].Header.Algorithm != string(jose.RS256) ||
		signed.Signatures[0].Header.ExtraHeaders["cat"] != sessionCategory {
		return ""
	}
	body, err := signed.Verify(i.public)
	if err != nil {
		return ""
	}
	var claims struct {
		SessionID string `json:"sid"`
	}
	if json.Unmarshal(body, &claims) != nil {
		return ""
	}
	return claims.SessionID
}

// handshake returns the token that carries Set-Cookie headers to the program.
func (i *issuer) handshake(directives []string) (string, error) {
	return sign(i.signer, map[string]any{"handshake": directives})
}

func sign(signer jose.Signer, claims map[string]any) (string, error) {
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}

// factorAge is how many minutes ago the session's user proved who they are, by
// a first and by a second factor; -1 is never.
func factorAge(s session, at time.Time) [2]int {
	return [2]int{max(0, int(at.Sub(s.CreatedAt)/time.Minute)), -1}
}

// sharedKey is the signing key of all emulators in memory. Making one takes
// about 100 ms, which tests would pay again and again.
var sharedKey = sync.OnceValue(newSigningKey)

func newSigningKey() string {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err) // Go's own source of randomness does not fail
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
}
