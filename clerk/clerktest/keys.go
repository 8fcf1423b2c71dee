package clerktest

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"math/big"
	"sync"
)

// The key pairs stand in files, so that a token that a fuzzer has kept is as
// good in the next run as it was. They protect nothing.
var (
	//go:embed testdata/instance.pem
	instancePEM []byte
	//go:embed testdata/stranger.pem
	strangerPEM []byte
)

// InstanceKey is the key pair of the instance.
func InstanceKey() *rsa.PrivateKey { return instanceKey() }

// StrangerKey is the key pair of somebody else.
func StrangerKey() *rsa.PrivateKey { return strangerKey() }

var (
	instanceKey = sync.OnceValue(func() *rsa.PrivateKey { return mustParse(instancePEM) })
	strangerKey = sync.OnceValue(func() *rsa.PrivateKey { return mustParse(strangerPEM) })
)

func mustParse(text []byte) *rsa.PrivateKey {
	block, _ := pem.Decode(text)
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		panic(err)
	}
	return key
}

// PublicPEM returns a key as it stands in CLERK_JWT_KEY.
func PublicPEM(key *rsa.PublicKey) string {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// JWK returns a key as it stands in a key set.
func JWK(id string, key *rsa.PublicKey) map[string]any {
	return map[string]any{
		"kty": "RSA", "use": "sig", "alg": "RS256", "kid": id,
		"n": base64.RawURLEncoding.EncodeToString(key.N.Bytes()),
		"e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(key.E)).Bytes()),
	}
}

// JWKS returns a key set with one key.
func JWKS(id string, key *rsa.PublicKey) any {
	return map[string]any{"keys": []any{JWK(id, key)}}
}

// Claims are the payload of a token.
type Claims map[string]any

// SessionClaims returns the claims of a good session token of user_1, from
// [Now] on for a minute. Overrides replace claims; nil removes one.
func SessionClaims(overrides Claims) Claims {
	now := Now().Unix()
	c := Claims{
		"iss": "https://" + Host, "sub": "user_1", "sid": "sess_1", "azp": App, "sts": "active", "v": 2,
		"iat": now, "nbf": now - 10, "exp": now + 60,
	}
	maps.Copy(c, overrides)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	return c
}

// A Signature says how a token is signed.
type Signature string

const (
	Good     Signature = ""          // RS256 with the instance's key
	WrongKey Signature = "wrong_key" // RS256 with the stranger's key
	HS256    Signature = "HS256"     // with the public key for a secret, which verifiers have fallen for
	Unsigned Signature = "none"
)

// Sign makes a JWT. Members of header replace the usual ones; nil removes one.
func Sign(c Claims, header map[string]any, how Signature) string {
	head := map[string]any{"alg": "RS256", "typ": "JWT", "kid": KeyID}
	if how == HS256 || how == Unsigned {
		head["alg"] = string(how)
	}
	maps.Copy(head, header)
	maps.DeleteFunc(head, func(_ string, v any) bool { return v == nil })
	return SignText(mustMarshal(head), mustMarshal(c), how)
}

// SignText makes a token of any header and payload, be they JSON or not.
func SignText(header, payload []byte, how Signature) string {
	text := segment(header) + "." + segment(payload)
	return text + "." + segment(signature(text, how))
}

func mustMarshal(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}

func segment(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func signature(text string, how Signature) []byte {
	key := InstanceKey()
	switch how {
	case Unsigned:
		return nil
	case HS256:
		mac := hmac.New(sha256.New, []byte(PublicPEM(&key.PublicKey)))
		mac.Write([]byte(text))
		return mac.Sum(nil)
	case WrongKey:
		key = StrangerKey()
	}
	sum := sha256.Sum256([]byte(text))
	signed, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		panic(err)
	}
	return signed
}
