// Package emulator stands in for a Clerk development instance, so that a
// program can be run and tested with no account and no network.
//
// It speaks Clerk's own protocol: development browsers, session tokens of a
// minute, the handshake, the Frontend and Backend API, signed webhooks, and a
// sign-in page that needs no JavaScript. The program in front of it takes
// exactly the path it takes in production; only its [clerk.Config] differs.
//
// Nothing here is a secret kept from whoever reaches it: anybody may sign in as
// anybody. That is why it answers loopback addresses and loopback host names
// alone, and refuses the key of an instance that could exist.
package emulator

import (
	"crypto/subtle"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"inkwell/clerk"
)

// Prefix is the path below which the emulator answers, on the program's own
// origin.
const Prefix = "/__clerk"

// defaultHost is one label deeper than the hosts Clerk gives to its development
// instances, which clerk-js recognises by how they end.
const defaultHost = "app" + emulatorDomain

// apiURL is where clients believe the Backend API to be. The name cannot exist
// (RFC 2606), so a request that misses Config().HTTPClient reaches nobody.
const apiURL = "https://clerk-emulator.invalid"

// Options are the settings of an [Emulator]. The zero value is a good one for
// tests.
type Options struct {
	// StateFile keeps users, sessions and keys over a restart, as JSON with
	// mode 0600. Empty: they are kept in memory alone.
	StateFile string

	// PublishableKey is a development key for a host that cannot exist: one
	// below .example, .invalid, .localhost, .test or .emulator.clerk.accounts.dev.
	// Empty: a fixed one, so that cookies outlive a new state file.
	PublishableKey string

	// ScriptDir is a folder with ClerkJS as npm lays it out: below it are
	// @clerk/clerk-js/dist and @clerk/ui/dist. Empty: small stand-ins of ours.
	ScriptDir string

	// Client delivers webhooks; nil: one that waits 5 seconds for an answer.
	// Redirects are never followed.
	Client *http.Client

	Now func() time.Time // nil: time.Now
	Log *slog.Logger     // nil: nothing is logged
}

// An Emulator stands in for one Clerk instance. Make it with [New]. Its methods
// are safe for concurrent use.
type Emulator struct {
	file     string
	instance clerk.Instance
	now      func() time.Time
	log      *slog.Logger

	scripts fs.FS // by their paths in npm's folder
	tokens  *issuer
	courier *courier
	api     http.Handler // the Frontend and the Backend API, below /v1

	mu    sync.Mutex // serialises changes
	state atomic.Pointer[state]
}

// New returns an emulator with the ready users of a first start, or with what
// the state file holds. A file that cannot be read as such is an error that
// names it; it is left as it is.
func New(o Options) (*Emulator, error) {
	if o.PublishableKey == "" {
		o.PublishableKey = clerk.NewPublishableKey(defaultHost, false)
	}
	instance, err := unrealInstance(o.PublishableKey)
	if err != nil {
		return nil, err
	}
	e := &Emulator{file: o.StateFile, instance: instance, now: o.Now, log: o.Log}
	if e.now == nil {
		e.now = time.Now
	}
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	if e.scripts, err = openScripts(o.ScriptDir); err != nil {
		return nil, err
	}
	s, err := openState(o.StateFile, e.now())
	if err != nil {
		return nil, err
	}
	e.state.Store(s)
	if e.tokens, err = newIssuer(s.InstanceID, "https://"+instance.Host, s.SigningKey); err != nil {
		return nil, damaged(o.StateFile, err)
	}
	if e.courier, err = newCourier(o.Client, s.WebhookSecret); err != nil {
		return nil, damaged(o.StateFile, err)
	}
	e.api = e.apiRoutes()
	return e, nil
}

// Config returns the settings with which package clerk uses the emulator. Its
// HTTPClient answers the Backend API in the process: no port is needed.
func (e *Emulator) Config() clerk.Config {
	return clerk.Config{
		PublishableKey: e.instance.PublishableKey,
		SecretKey:      e.state.Load().SecretKey,
		APIURL:         apiURL,
		ProxyURL:       Prefix,
		SignInPortal:   Prefix + "/sign-in",
		HTTPClient:     InProcess(e.api),
		Now:            e.now,
	}
}

// WebhookSecret returns the secret that webhooks are signed with: "whsec_…".
func (e *Emulator) WebhookSecret() string { return e.state.Load().WebhookSecret }

// Handler serves the emulator below [Prefix] and passes everything else to app.
// A request from elsewhere than a loopback address, or for a host name that is
// not a loopback one (DNS rebinding), is refused with 403, for app too.
// X-Forwarded-* headers are not believed.
func (e *Emulator) Handler(app http.Handler) http.Handler {
	own := e.guarded(e.routes())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !isLocal(r):
			secure(w.Header())
			http.Error(w, "This is a development server: it answers requests from this machine, for a name such as localhost, alone.", http.StatusForbidden)
		case r.URL.Path == Prefix || strings.HasPrefix(r.URL.Path, Prefix+"/"):
			own.ServeHTTP(w, r)
		default:
			app.ServeHTTP(w, r)
		}
	})
}

// routes lists every URL of the emulator.
func (e *Emulator) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle(Prefix+"/v1/", http.StripPrefix(Prefix, e.api))
	mux.Handle("GET "+Prefix+"/.well-known/jwks.json", answer(e.jwks))
	mux.Handle("GET "+Prefix+"/ready-users.json", answer(e.listReadyUsers))
	mux.HandleFunc("GET "+Prefix+"/npm/@clerk/{package}/dist/{file...}", e.showScript)
	e.portalRoutes(mux)
	return mux
}

// apiRoutes lists the Frontend API, which knows a browser, and the Backend API,
// which knows the secret key. Their paths never meet.
func (e *Emulator) apiRoutes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /v1/dev_browser", answer(e.createBrowser))
	mux.Handle("GET /v1/environment", answer(e.showEnvironment))
	mux.Handle("PATCH /v1/environment", answer(e.showEnvironment))
	mux.Handle("GET /v1/client", answer(e.showClient))
	mux.HandleFunc("GET /v1/client/handshake", e.handshake)
	mux.Handle("POST /v1/client/sign_ins", answer(e.createSignIn))
	mux.Handle("POST /v1/client/sign_ups", answer(e.createSignUp))
	mux.Handle("DELETE /v1/client/sessions", answer(e.deleteSessions))
	mux.Handle("POST /v1/client/sessions/{id}/tokens", answer(e.createToken))
	mux.Handle("POST /v1/client/sessions/{id}/touch", answer(e.touchSession))
	mux.Handle("POST /v1/client/sessions/{id}/end", answer(e.endSession))
	mux.Handle("POST /v1/client/sessions/{id}/remove", answer(e.endSession))

	mux.Handle("GET /v1/jwks", e.withSecret(e.jwks))
	mux.Handle("GET /v1/users", e.withSecret(e.listUsers))
	mux.Handle("GET /v1/users/{id}", e.withSecret(e.getUser))
	mux.Handle("POST /v1/sessions/{id}/revoke", e.withSecret(e.revokeSession))
	return withMethods(mux)
}

// withSecret admits to the Backend API who shows the secret key.
func (e *Emulator) withSecret(f answer) answer {
	return func(r *http.Request) (any, error) {
		secret, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if subtle.ConstantTimeCompare([]byte(secret), []byte(e.state.Load().SecretKey)) != 1 {
			return nil, &failure{http.StatusUnauthorized, "clerk_key_invalid", "The provided Clerk Secret Key is invalid."}
		}
		return f(r)
	}
}

const emulatorDomain = ".emulator.clerk.accounts.dev"

// unrealInstance reads a key that no instance at Clerk can have. Clerk's own
// development hosts are one label shorter than ours.
func unrealInstance(key string) (clerk.Instance, error) {
	instance, err := clerk.ParsePublishableKey(key)
	if err != nil {
		return clerk.Instance{}, fmt.Errorf("emulator: %w", err)
	}
	reserved := func(domain string) bool { return strings.HasSuffix(instance.Host, domain) }
	unreal := slices.ContainsFunc([]string{".example", ".invalid", ".localhost", ".test", emulatorDomain}, reserved)
	if instance.Production || !unreal {
		return clerk.Instance{}, fmt.Errorf("emulator: the publishable key is that of a real instance (%s): use a pk_test_ key for a host below .test, or none", instance.Host)
	}
	return instance, nil
}
