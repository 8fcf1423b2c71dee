package clerk

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/go-jose/go-jose/v3"
)

// A keySource knows the public keys that session tokens are signed with.
type keySource interface {
	// key returns the key of an id. It is safe for concurrent use.
	key(ctx context.Context, id string) (*rsa.PublicKey, *tokenError)
}

// A fixedKey is the one key that the settings give. The id does not matter.
type fixedKey struct{ public *rsa.PublicKey }

func (k fixedKey) key(context.Context, string) (*rsa.PublicKey, *tokenError) { return k.public, nil }

var errNotPEM = errors.New("not an RSA public key in PEM")

// parsePEM reads a public key; `\n` may stand for the ends of lines.
func parsePEM(text string) (fixedKey, error) {
	block, _ := pem.Decode([]byte(strings.TrimSpace(strings.ReplaceAll(text, `\n`, "\n"))))
	if block == nil || block.Type != "PUBLIC KEY" {
		return fixedKey{}, errNotPEM
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	public, ok := key.(*rsa.PublicKey)
	if err != nil || !ok {
		return fixedKey{}, errNotPEM
	}
	return fixedKey{public}, nil
}

func unknownKey(id string) *tokenError {
	if id == "" {
		id = "undefined"
	}
	return &tokenError{code: keyMismatch, text: fmt.Sprintf("Unable to find a signing key in JWKS that matches the kid='%s' of the provided session token. "+
		"Please make sure that the __session cookie or the HTTP authorization header contain a Clerk-generated session JWT. "+
		"Go to your Dashboard and validate your secret and public keys are correct. Contact support@clerk.com if the issue persists.", id)}
}

func fetchError(err error) *tokenError {
	if status, ok := errors.AsType[*apiError](err); ok && status.Status == http.StatusUnauthorized {
		return &tokenError{code: secretKeyInvalid, text: "The Clerk Secret Key is invalid. Go to your Dashboard and copy it from the API keys page.", err: err}
	}
	return &tokenError{code: keysNotLoaded, text: "The key set could not be loaded from the Backend API.", err: err}
}

var errNoKeys = errors.New("the key set holds no signing key")

// fetchKeys returns the RSA signing keys of the instance by id; at least one.
func (a *API) fetchKeys(ctx context.Context) (map[string]*rsa.PublicKey, error) {
	body, err := a.get(ctx, "/jwks", nil)
	if err != nil {
		return nil, err
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(body, &set); err != nil {
		return nil, errors.New("the key set is not JSON of the expected form")
	}
	keys := map[string]*rsa.PublicKey{}
	for _, raw := range set.Keys {
		var key jose.JSONWebKey
		if key.UnmarshalJSON(raw) != nil {
			continue // of a kind that is made later than this program
		}
		if public, ok := key.Key.(*rsa.PublicKey); ok && key.Use != "enc" && key.KeyID != "" {
			keys[key.KeyID] = public
		}
	}
	if len(keys) == 0 {
		return nil, errNoKeys
	}
	return keys, nil
}
