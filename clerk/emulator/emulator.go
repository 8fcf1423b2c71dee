// Package emulator stands in for a Clerk instance, so that a program can be run
// and tested with no account and no network.
//
// It speaks Clerk's own protocol: session tokens of a minute, the handshake, the
// Frontend API as clerk-js 6 and @clerk/ui 1 ask it, the Backend API, signed
// webhooks, and a sign-in page that needs no JavaScript. The program in front of
// it takes exactly the path it takes in production; only its [clerk.Config]
// differs. By its publishable key it is a development or a production instance.
//
// People sign in by password or by a code, as everywhere, and the ready users
// have [ReadyPassword]. No e-mail is sent: the code is always [Code]. The pages
// of ours ask for neither: one click is enough.
//
// Nothing here is a secret kept from whoever reaches it: anybody may sign in as
// anybody. That is why it answers loopback addresses and loopback host names
// alone, and refuses the key of an instance that could exist.
//
// It has users with one e-mail address, names, a username and a password, and
// one session a browser. Social and enterprise sign-in, second factors, phone
// numbers, organizations and pictures are left out.
package emulator

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

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
	// mode 0600. Empty: they are kept in memory alone. One emulator at a time
	// has it, by a lock on a file beside it.
	StateFile string

	// ReadOnly opens the StateFile, which must be there, as it is at this
	// moment, also while another emulator has it. Changes are refused, and no
	// webhook is sent. It means nothing without a StateFile.
	ReadOnly bool

	// PublishableKey is a key for a host that cannot exist: one below .example,
	// .invalid, .localhost, .test or .emulator.clerk.accounts.dev. With one that
	// begins with pk_live_ the emulator is a production instance. Empty: a fixed
	// one of a development instance, so that cookies outlive a new state file.
	PublishableKey string

	// HandshakeToken makes handshakes bring all that they have to say in a
	// signed token. Otherwise they bring a nonce when they are asked for one.
	HandshakeToken bool

	// ScriptDir is a folder with ClerkJS as npm lays it out: below it are
	// @clerk/clerk-js/dist and @clerk/ui/dist. Empty: small stand-ins of ours.
	ScriptDir string

	// WebhookPage is the path of the program's own page about webhooks, to which
	// ours leads. Empty: there is none.
	WebhookPage string

	// Client delivers webhooks; nil: one that waits 5 seconds for an answer.
	// Redirects are never followed.
	Client *http.Client

	// Delivery is how webhooks are delivered until it is changed.
	Delivery Delivery

	// Seed decides what Delivery leaves to chance: with the same seed, the same
	// events have the same luck.
	Seed uint64

	Now func() time.Time // nil: time.Now
	Log *slog.Logger     // nil: nothing is logged
}

// An Emulator stands in for one Clerk instance. Make it with [New]. Its methods
// are safe for concurrent use.
type Emulator struct {
	greeter     greeter // knows the instance, too
	tokenAlways bool    // see Options.HandshakeToken
	now         func() time.Time
	log         *slog.Logger

	scripts     fs.FS // by their paths in npm's folder
	webhookPage string
	tokens      *issuer
	courier     *courier
	api         http.Handler // the Frontend and the Backend API, below /v1

	// What is under way, in memory alone.
	signIns *lru.Cache[string, signIn]  // by browser
	signUps *lru.Cache[string, signUp]  // by browser
	nonces  *lru.Cache[string, payload] // of handshakes

	mu    sync.Mutex // serialises changes
	file  *stateFile
	state atomic.Pointer[state]
}

// New returns an emulator with the ready users of a first start, or with what
// the state file holds. A file that another emulator has, that cannot be read
// or that is of the other kind of instance is an error that names it; it is
// left as it is. So is a ScriptDir that lacks a script, and a Delivery out of
// its range.
func New(o Options) (*Emulator, error) {
	if o.PublishableKey == "" {
		o.PublishableKey = clerk.NewPublishableKey(defaultHost, false)
	}
	instance, err := unrealInstance(o.PublishableKey)
	if err != nil {
		return nil, err
	}
	if err := o.Delivery.check(); err != nil {
		return nil, err
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	e := &Emulator{
		greeter: greeter{instance}, tokenAlways: o.HandshakeToken, now: o.Now, log: o.Log, webhookPage: o.WebhookPage,
		signIns: newest[signIn](maxAttempts), signUps: newest[signUp](maxAttempts), nonces: newest[payload](maxNonces),
	}
	if e.now == nil {
		e.now = time.Now
	}
	if e.scripts, err = openScripts(o.ScriptDir); err != nil {
		return nil, err
	}
	if e.file, err = openStateFile(o.StateFile, o.ReadOnly); err != nil {
		return nil, err
	}
	if err := e.start(o); err != nil {
		return nil, errors.Join(err, e.file.close())
	}
	return e, nil
}

// start loads the state and what follows from it.
func (e *Emulator) start(o Options) error {
	s, err := e.file.load(secretPrefix(e.greeter.Instance), e.now())
	if err != nil {
		return err
	}
	e.state.Store(s)
	if e.tokens, err = newIssuer(s.InstanceID, "https://"+e.greeter.Host, s.SigningKey); err != nil {
		return damaged(o.StateFile, err)
	}
	if e.courier, err = newCourier(o, s.WebhookSecret); err != nil {
		return damaged(o.StateFile, err)
	}
	if !o.ReadOnly {
		e.courier.add(false, s.Pending...)
	}
	e.api = e.apiRoutes()
	return nil
}

// newest returns a store of things by their secret names, which holds the n that
// were last used.
func newest[T any](n int) *lru.Cache[string, T] {
	store, err := lru.New[string, T](n)
	if err != nil {
		panic(err) // n is a constant above 0
	}
	return store
}

// Config returns the settings with which package clerk uses the emulator. Its
// HTTPClient answers the Backend API in the process: no port is needed.
func (e *Emulator) Config() clerk.Config {
	return clerk.Config{
		PublishableKey: e.greeter.PublishableKey,
		SecretKey:      e.state.Load().SecretKey,
		APIURL:         apiURL,
		ProxyURL:       Prefix,
		SignInPortal:   Prefix + "/sign-in",
		HTTPClient:     inProcessClient(e.api),
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
	mux.Handle("GET "+Prefix+"/.well-known/jwks.json", e.answer(e.jwks))
	mux.Handle("GET "+Prefix+"/ready-users.json", e.answer(e.listReadyUsers))
	mux.HandleFunc("GET "+Prefix+"/npm/@clerk/{package}/dist/{file...}", e.showScript)
	e.portalRoutes(mux)
	e.webhookRoutes(mux)
	return mux
}

// apiRoutes returns both APIs. Their paths never meet.
func (e *Emulator) apiRoutes() http.Handler {
	mux := http.NewServeMux()
	e.frontendRoutes(mux)
	e.backendRoutes(mux)
	return e.withMethods(mux)
}

// secretPrefix begins the secret key of an instance.
func secretPrefix(i clerk.Instance) string {
	if i.Production {
		return "sk_live_"
	}
	return "sk_test_"
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
	if !unreal {
		return clerk.Instance{}, fmt.Errorf("emulator: the publishable key is that of a real instance (%s): use a key for a host below .test, or none", instance.Host)
	}
	return instance, nil
}
