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
	"sync"
	"time"

	"github.com/go-jose/go-jose/v3"
)

const (
	keysFresh       = 5 * time.Minute  // how long a fetched key set is used
	unknownKeyPause = 30 * time.Second // between two fetches for keys that the set lacks
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

// A keySet is the instance's key set, fetched from the Backend API when it is
// needed. Each fetch replaces it, so that a revoked key is soon refused.
type keySet struct {
	fetch func(context.Context) (map[string]*rsa.PublicKey, error)
	now   func() time.Time

	mu      sync.Mutex
	keys    map[string]*rsa.PublicKey
	fetched time.Time // when keys came
	unknown time.Time // when a fetch for a key that was not there began
	flight  *keyFetch // nil when none is under way
}

// A keyFetch is one fetch that any number of requests wait for.
type keyFetch struct {
	done chan struct{}
	err  error // set before done is closed
}

func (s *keySet) key(ctx context.Context, id string) (*rsa.PublicKey, *tokenError) {
	key, flight := s.lookup(ctx, id)
	if flight == nil {
		return found(key, id)
	}
	select {
	case <-flight.done:
	case <-ctx.Done():
		return nil, &tokenError{code: unexpectedError, text: "The request ended before the key set was loaded.", err: ctx.Err()}
	}
	if flight.err != nil {
		return nil, fetchError(flight.err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return found(s.keys[id], id)
}

// lookup returns the key of an id, or a fetch to wait for. Both are nil when
// the id is unknown and the set too young to ask again: anybody can make up
// ids.
func (s *keySet) lookup(ctx context.Context, id string) (*rsa.PublicKey, *keyFetch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if fresh := s.keys != nil && now.Sub(s.fetched) < keysFresh; fresh {
		key := s.keys[id]
		if key != nil || now.Sub(s.unknown) < unknownKeyPause {
			return key, nil
		}
		s.unknown = now
	}
	if s.flight == nil {
		s.flight = &keyFetch{done: make(chan struct{})}
		go s.run(context.WithoutCancel(ctx), s.flight) // others wait for it too
	}
	return nil, s.flight
}

func (s *keySet) run(ctx context.Context, flight *keyFetch) {
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	keys, err := s.fetch(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.keys, s.fetched = keys, s.now()
	}
	s.flight, flight.err = nil, err
	close(flight.done)
}

func found(key *rsa.PublicKey, id string) (*rsa.PublicKey, *tokenError) {
	if key != nil {
		return key, nil
	}
	if id == "" {
		id = "undefined"
	}
	return nil, &tokenError{code: keyMismatch, text: fmt.Sprintf("Unable to find a signing key in JWKS that matches the kid='%s' of the provided session token. "+
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
