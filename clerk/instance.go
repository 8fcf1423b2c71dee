package clerk

import (
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"net/url"
	"strings"
)

// Names of the cookies in which Clerk's browser script and its servers keep a
// session on the application's domain.
//
// SessionCookie, ClientUATCookie and DevBrowserCookie also exist with a suffix,
// see [Instance.Suffixed]; RefreshCookie exists only with it; the others exist
// only without. DevBrowserCookie, HandshakeCookie and HandshakeNonceCookie name
// query parameters too, which win over the cookies.
const (
	SessionCookie        = "__session"
	ClientUATCookie      = "__client_uat"
	RefreshCookie        = "__refresh"
	DevBrowserCookie     = "__clerk_db_jwt"
	HandshakeCookie      = "__clerk_handshake"
	HandshakeNonceCookie = "__clerk_handshake_nonce"
	RedirectCountCookie  = "__clerk_redirect_count"
)

const (
	testKeyPrefix = "pk_test_"
	liveKeyPrefix = "pk_live_"
	suffixLength  = 8

	liveSecretPrefix = "sk_live_"
)

// Instance is what a publishable key says about a Clerk instance, see
// [ParsePublishableKey].
type Instance struct {
	PublishableKey string
	Host           string // of the Frontend API, such as "clerk.example.com"
	Production     bool   // else a development instance

	suffix string
}

var errPublishableKey = errors.New("not a publishable key: it is pk_test_ or pk_live_ and the base64 of the Frontend API's host and a $")

// ParsePublishableKey reads a publishable key: "pk_test_" or "pk_live_", then
// base64, padded or not, of the Frontend API's host and "$".
func ParsePublishableKey(key string) (Instance, error) {
	encoded, production := strings.CutPrefix(key, liveKeyPrefix)
	if !production {
		var development bool
		if encoded, development = strings.CutPrefix(key, testKeyPrefix); !development {
			return Instance{}, errPublishableKey
		}
	}
	decoded, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(encoded, "="))
	if err != nil {
		return Instance{}, errPublishableKey
	}
	host, ok := strings.CutSuffix(string(decoded), "$")
	if !ok || !strings.Contains(host, ".") || strings.ContainsFunc(host, notInHost) {
		return Instance{}, errPublishableKey
	}
	return Instance{PublishableKey: key, Host: host, Production: production, suffix: Suffix(key)}, nil
}

// NewPublishableKey returns the key of an instance whose Frontend API is at
// host. It is the inverse of [ParsePublishableKey].
func NewPublishableKey(host string, production bool) string {
	prefix := testKeyPrefix
	if production {
		prefix = liveKeyPrefix
	}
	return prefix + base64.StdEncoding.EncodeToString([]byte(host+"$"))
}

// Suffix returns what tells the cookies of one instance from those of another
// on the same domain: 8 characters made from the publishable key.
func Suffix(publishableKey string) string {
	sum := sha1.Sum([]byte(publishableKey)) // an identifier of Clerk's, not a protection
	return base64.URLEncoding.EncodeToString(sum[:])[:suffixLength]
}

// Suffixed returns the name of a cookie as this instance alone uses it.
func (i Instance) Suffixed(cookie string) string {
	if i.suffix == "" { // made by hand
		i.suffix = Suffix(i.PublishableKey)
	}
	return cookie + "_" + i.suffix
}

// accountPortal returns the origin of the pages that Clerk hosts for the
// instance: x.accounts.dev for x.clerk.accounts.dev, accounts.example.com for
// clerk.example.com.
func (i Instance) accountPortal() string {
	for _, label := range []string{"clerk.accounts.", "clerk."} {
		if before, after, found := strings.Cut(i.Host, label); found {
			return "https://" + before + "accounts." + after
		}
	}
	return "https://" + i.Host
}

// Frontend is what pages need to load Clerk's browser script.
type Frontend struct {
	PublishableKey string
	ProxyURL       string // for data-clerk-proxy-url; empty means none
	ScriptURL      string // Clerk's script
	UIScriptURL    string // its components, needed only where one is shown

	// Origin is where the scripts come from and connect to. Empty means the
	// application's own origin.
	Origin string
}

// PictureOrigin is where Clerk keeps the pictures of its users.
const PictureOrigin = "https://img.clerk.com"

// Sources are the sources that Clerk's scripts need in the directives of a
// Content-Security-Policy, beside 'self'.
//
// The components need more: Style, with a nonce that is given to Clerk.load,
// and data: in img-src for the marks in their forms.
//
// See https://clerk.com/docs/security/clerk-csp.
type Sources struct{ Script, Style, Connect, Worker, Frame []string }

// The field for a code adds two style elements without the nonce: an empty one
// and one that hides a caret.
const (
	emptyStyle = "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"
	caretStyle = "'sha256-KQDhUccuEkZUQDnfbVDeY+ev2LZ+73AQR7ro4JppAY8='"
)

// Sources returns what a page that loads the scripts has to allow.
func (f Frontend) Sources() Sources {
	const challenges, protection = "https://challenges.cloudflare.com", "https://*.protect.clerk.com"
	s := Sources{
		Script:  []string{challenges, protection},
		Style:   []string{emptyStyle, caretStyle},
		Connect: []string{protection + ":*"},
		Worker:  []string{"blob:"},
		Frame:   []string{challenges, protection},
	}
	if f.Origin != "" {
		s.Script, s.Connect = append(s.Script, f.Origin), append(s.Connect, f.Origin)
	}
	return s
}

// newFrontend returns what pages need when the Frontend API is at base, which
// is a path when it is served under the application's own origin.
func newFrontend(c Config, base string) Frontend {
	f := Frontend{
		PublishableKey: c.PublishableKey,
		ProxyURL:       c.ProxyURL,
		ScriptURL:      base + "/npm/@clerk/clerk-js@6/dist/clerk.browser.js",
		UIScriptURL:    base + "/npm/@clerk/ui@1/dist/ui.browser.js",
	}
	if u, err := url.Parse(base); err == nil && u.Host != "" {
		f.Origin = originOf(u)
	}
	return f
}

func originOf(u *url.URL) string { return u.Scheme + "://" + u.Host }

func notInHost(r rune) bool {
	return !strings.ContainsRune("-.:", r) && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
}
