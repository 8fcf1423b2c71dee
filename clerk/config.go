package clerk

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// Config describes a Clerk instance and the application that uses it.
type Config struct {
	PublishableKey string // CLERK_PUBLISHABLE_KEY
	SecretKey      string // CLERK_SECRET_KEY

	// JWTKey is the instance's public key in PEM; `\n` may stand for the ends
	// of lines. Empty means that the keys are fetched from the Backend API.
	JWTKey string

	APIURL   string // origin of the Backend API; empty means https://api.clerk.com
	ProxyURL string // of the Frontend API: absolute, or a path such as "/__clerk"; empty means none

	// AuthorizedParties lists the origins whose tokens are accepted. When it is
	// set, a token must name one of them.
	AuthorizedParties []string

	PublicURL      string         // origin of the application; empty means the request's own
	TrustedProxies []netip.Prefix // whose X-Forwarded headers are believed

	// SignInPortal is a sign-in page that works without our script; empty
	// means the Account Portal that Clerk hosts for the instance.
	SignInPortal string

	HTTPClient *http.Client     // for the Backend API; nil means a new one. It follows no redirect and, without a timeout of its own, waits five seconds
	Now        func() time.Time // nil means time.Now
}

// Validate returns all that is wrong with c; none when it can be used. Each
// error names the setting by its environment variable and says what to do.
// None holds a secret.
func (c Config) Validate() []error {
	checks := []error{
		c.checkPublishableKey(),
		c.checkSecretKey(),
		c.checkModes(),
		c.checkJWTKey(),
		check("CLERK_API_URL", c.APIURL, isOrigin, "is not an origin such as https://api.clerk.com"),
		check("CLERK_PROXY_URL", c.ProxyURL, isProxyURL, "is neither an absolute URL such as https://example.com/__clerk nor a path such as /__clerk"),
		check("PUBLIC_URL", c.PublicURL, isOrigin, "is not an origin such as https://posts.example.com"),
	}
	for _, party := range c.AuthorizedParties {
		checks = append(checks, check("CLERK_AUTHORIZED_PARTIES", party, isParty, "is not an origin such as https://posts.example.com: give scheme and host, without a path"))
	}
	var problems []error
	for _, err := range checks {
		if err != nil {
			problems = append(problems, err)
		}
	}
	return problems
}

func (c Config) checkPublishableKey() error {
	const where = "copy it from the API keys page of the Clerk dashboard"
	if c.PublishableKey == "" {
		return errors.New("CLERK_PUBLISHABLE_KEY is not set: " + where)
	}
	if _, err := ParsePublishableKey(c.PublishableKey); err != nil {
		return errors.New("CLERK_PUBLISHABLE_KEY is not a publishable key, which starts with pk_test_ or pk_live_: " + where)
	}
	return nil
}

func (c Config) checkSecretKey() error {
	const where = "copy it from the API keys page of the Clerk dashboard"
	if c.SecretKey == "" {
		return errors.New("CLERK_SECRET_KEY is not set: " + where)
	}
	rest, live := strings.CutPrefix(c.SecretKey, liveSecretPrefix)
	rest, test := strings.CutPrefix(rest, "sk_test_")
	if live == test || rest == "" || !isTokenText(rest) {
		return errors.New("CLERK_SECRET_KEY is not a secret key, which starts with sk_test_ or sk_live_: " + where)
	}
	return nil
}

// checkModes compares the kinds of instance that two good keys belong to.
func (c Config) checkModes() error {
	instance, err := ParsePublishableKey(c.PublishableKey)
	if err != nil || c.checkSecretKey() != nil || instance.Production == strings.HasPrefix(c.SecretKey, liveSecretPrefix) {
		return nil
	}
	return errors.New("CLERK_PUBLISHABLE_KEY and CLERK_SECRET_KEY are of different instances, one development and one production: copy both from the same page of the Clerk dashboard")
}

func (c Config) checkJWTKey() error {
	if c.JWTKey == "" {
		return nil
	}
	if _, err := parsePEM(c.JWTKey); err != nil {
		return errors.New("CLERK_JWT_KEY is not an RSA public key in PEM: copy the JWKS public key from the API keys page of the Clerk dashboard, with \\n for the ends of lines, or leave it out")
	}
	return nil
}

// check returns an error when a setting is there and not good.
func check(name, value string, good func(string) bool, problem string) error {
	if value == "" || good(value) {
		return nil
	}
	return fmt.Errorf("%s %s", name, problem)
}

// parseOrigin reads an http or https origin; a slash may follow it.
func parseOrigin(s string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSuffix(s, "/"))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Scheme+"://"+u.Host != u.String() {
		return nil, errors.New("not an origin")
	}
	u.Host = withoutDefaultPort(u.Scheme, strings.ToLower(u.Host))
	return u, nil
}

func isOrigin(s string) bool {
	_, err := parseOrigin(s)
	return err == nil
}

// isParty accepts what browsers send as Origin, an extension's too.
func isParty(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme != "" && u.Host != "" && s == originOf(u)
}

func isProxyURL(s string) bool {
	u, err := url.Parse(s)
	if err != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.User != nil {
		return false
	}
	if u.Host != "" {
		return u.Scheme == "http" || u.Scheme == "https"
	}
	return u.Scheme == "" && strings.HasPrefix(s, "/") && !strings.HasPrefix(s, "//") && !strings.Contains(s, `\`)
}
