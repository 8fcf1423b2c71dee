// Package handlers answers every HTTP request of the program: it joins what
// clerk, db, live, templates and static know, and is the only package that knows
// URLs and htmx.
package handlers

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/sessions"
	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"

	"inkwell/clerk"
	"inkwell/db"
	"inkwell/live"
	"inkwell/static"
	"inkwell/templates"
)

// Config is what a Server needs. All fields but WebhookSecrets and DashboardURL
// must be set.
type Config struct {
	DB             *db.DB
	Clerk          clerk.Config
	WebhookSecrets []string // none: the webhook answers 500
	DashboardURL   string   // of a stand-in for Clerk: its page of webhooks; "": Clerk's
	SessionKeys    [][]byte // pairs of a 64-byte and a 32-byte key, newest first
	Log            *slog.Logger
}

// Server is the whole site as an http.Handler. It is safe for concurrent use.
type Server struct {
	db       *db.DB
	auth     *clerk.Authenticator
	clerkAPI *clerk.API
	webhooks *clerk.WebhookVerifier // nil: no secret is configured
	cookies  *sessions.CookieStore
	pages    *templates.Set
	items    *templates.Memo[postItem]
	bars     *templates.Memo[newsView]
	views    *viewCounter
	markdown *templates.Markdown
	static   *static.Files
	policies policies
	log      *slog.Logger

	apiPage      apiPage
	dashboard    dashboard
	unconfigured rate.Sometimes // says that there is no webhook secret

	trustedProxies []netip.Prefix

	hub        *live.Hub[*change]
	showingsMu sync.Mutex // two begin none twice
	showings   *lru.Cache[change, *showing]
	streams    *gate
	pollsDue   sync.Map // ids of posts whose votes have changed, which publishPoll will say
	closings   alarm    // a poll may close at another time: see tellClosings
	limits     *limiter

	handler    http.Handler
	buffers    sync.Pool      // of *bytes.Buffer
	completing sync.Map       // Clerk's ids of users who are being made known here
	refreshing sync.Map       // ids of users who wait for what Clerk says of them
	syncing    atomic.Bool    // the users are being compared with Clerk's
	background sync.WaitGroup // what goes on after an answer
	loops      sync.WaitGroup // what runs until Close
	stop       context.CancelFunc
	running    context.Context // ends when Close is called
}

// rememberedItems is how many posts of lists are kept rendered: the first pages
// of the feed as each kind of reader sees them, in about 2 MB.
const rememberedItems = 1000

// A design is what is the same for every site of the program.
type design struct {
	files   *static.Files
	pages   *templates.Set
	apiPage apiPage
}

// newDesign returns the design, which is made once: it takes longer and weighs more
// than all else of a site, and a test makes hundreds of them.
var newDesign = sync.OnceValues(func() (design, error) {
	files, err := static.New()
	if err != nil {
		return design{}, err
	}
	pages, err := templates.Parse(files.URL)
	if err != nil {
		return design{}, err
	}
	apiPage, err := newAPIPage()
	return design{files, pages, apiPage}, err
})

// New returns the site. The caller closes it.
func New(c Config) (*Server, error) {
	design, err := newDesign()
	if err != nil {
		return nil, err
	}
	auth, err := clerk.New(c.Clerk)
	if err != nil {
		return nil, err
	}
	s := &Server{
		db:             c.DB,
		auth:           auth,
		clerkAPI:       auth.API(),
		cookies:        newCookieStore(c.SessionKeys),
		pages:          design.pages,
		apiPage:        design.apiPage,
		views:          newViewCounter(maxReadings),
		markdown:       templates.NewMarkdown(),
		static:         design.files,
		policies:       newPolicies(auth.Frontend()),
		log:            c.Log,
		dashboard:      newDashboard(c.DashboardURL),
		unconfigured:   rate.Sometimes{Interval: time.Hour},
		trustedProxies: c.Clerk.TrustedProxies,
		hub:            newHub(),
		closings:       newAlarm(),
		streams:        newGate(maxStreams, maxStreamsEach),
	}
	if s.items, err = templates.NewMemo[postItem](design.pages, "post-item", rememberedItems); err != nil {
		return nil, err
	}
	if s.bars, err = templates.NewMemo[newsView](design.pages, "news", rememberedItems); err != nil {
		return nil, err
	}
	if s.showings, err = lru.New[change, *showing](rememberedShowings); err != nil {
		return nil, err
	}
	if s.limits, err = newLimiter(maxBuckets); err != nil {
		return nil, err
	}
	if len(c.WebhookSecrets) > 0 {
		if s.webhooks, err = clerk.NewWebhookVerifier(c.WebhookSecrets...); err != nil {
			return nil, err
		}
	}
	if s.handler, err = s.middleware(s.router(), c.Clerk.PublicURL); err != nil {
		return nil, fmt.Errorf("public URL: %w", err)
	}
	s.running, s.stop = context.WithCancel(context.Background())
	return s, nil
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Close ends what runs in the background and waits for it. No request may be
// under way or come any more. The database must still be open.
func (s *Server) Close() {
	s.stop()
	s.background.Wait()
	s.loops.Wait()
	s.writeViews(context.Background())
}
