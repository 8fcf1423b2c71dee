package clerk_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"inkwell/clerk"
)

func TestSuffix(t *testing.T) {
	vectors := map[string]string{
		"pk_live_Y2xlcmsuY2xlcmsuZGV2JA":                                       "1Z8AzTQD",
		"pk_test_Y2xlcmsuY2xlcmsuZGV2JA":                                       "QvfNY2dr",
		"pk_test_ZW5vdWdoLWFscGFjYS04Mi5jbGVyay5hY2NvdW50cy5sY2xjbGVyay5jb20k": "jtYvyt_H",
		"pk_test_eHh4eHh4LXhhYWFhYS1hYS5jbGVyay5hY2NvdW50cy5sY2xjbGVyay5jb20k": "tZJdb-5s",
	}
	for key, want := range vectors {
		if got := clerk.Suffix(key); got != want {
			t.Errorf("Suffix(%q) = %q, want %q", key, got, want)
		}
	}
}

func TestParsePublishableKey(t *testing.T) {
	tests := []struct {
		name, key, host string // host is empty for an error
		production      bool
	}{
		{"production without padding", "pk_live_Y2xlcmsuY2xlcmsuZGV2JA", "clerk.clerk.dev", true},
		{"production with padding", "pk_live_Y2xlcmsuY2xlcmsuZGV2JA==", "clerk.clerk.dev", true},
		{"development", clerk.NewPublishableKey("a-b-1.clerk.accounts.dev", false), "a-b-1.clerk.accounts.dev", false},
		{"empty", "", "", false},
		{"secret key", "sk_test_Y2xlcmsuY2xlcmsuZGV2JA", "", false},
		{"other mode", "pk_prod_Y2xlcmsuY2xlcmsuZGV2JA", "", false},
		{"no host", "pk_test_", "", false},
		{"four parts", "pk_test_Y2xlcmsuY2xlcmsuZGV2JA_x", "", false},
		{"not base64", "pk_test_%%%%", "", false},
		{"no dollar", "pk_test_Y2xlcmsuY2xlcmsuZGV2", "", false},
		{"two dollars", clerk.NewPublishableKey("clerk.example.com$", false), "", false},
		{"no dot", clerk.NewPublishableKey("clerk", false), "", false},
		{"more than a host", clerk.NewPublishableKey("clerk.example.com/x", false), "", false},
		{"directive in a policy", clerk.NewPublishableKey("a.b; script-src *", false), "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := clerk.ParsePublishableKey(tt.key)
			if (err != nil) != (tt.host == "") || got.Host != tt.host || got.Production != tt.production {
				t.Errorf("ParsePublishableKey(%q) = %+v, %v; want host %q, production %t", tt.key, got, err, tt.host, tt.production)
			}
		})
	}
}

func TestFrontend(t *testing.T) {
	tests := []struct {
		name, proxy, script, origin string
	}{
		{"direct", "", "https://clerk.example.com/npm/@clerk/clerk-js@6/dist/clerk.browser.js", "https://clerk.example.com"},
		{"path", "/__clerk", "/__clerk/npm/@clerk/clerk-js@6/dist/clerk.browser.js", ""},
		{"absolute", "https://www.example.com/__clerk/", "https://www.example.com/__clerk/npm/@clerk/clerk-js@6/dist/clerk.browser.js", "https://www.example.com"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := config(true)
			c.ProxyURL = tt.proxy
			got := newAuthenticator(t, c).Frontend()
			if got.ScriptURL != tt.script || got.Origin != tt.origin || got.ProxyURL != tt.proxy || got.PublishableKey != c.PublishableKey {
				t.Errorf("Frontend() = %+v, want script %s, origin %s", got, tt.script, tt.origin)
			}
			if want := strings.Replace(tt.script, "clerk-js@6/dist/clerk.", "ui@1/dist/ui.", 1); got.UIScriptURL != want {
				t.Errorf("UIScriptURL = %s, want %s", got.UIScriptURL, want)
			}
		})
	}
}

func TestSignInURL(t *testing.T) {
	tests := []struct {
		name, host, portal, want string
	}{
		{"production", "clerk.example.com", "", "https://accounts.example.com/sign-in?redirect_url=http%3A%2F%2Flocalhost%2F%3Fa%3Db"},
		{"development", "a-b-1.clerk.accounts.dev", "", "https://a-b-1.accounts.dev/sign-in?redirect_url=http%3A%2F%2Flocalhost%2F%3Fa%3Db"},
		{"other host", "auth.example.com", "", "https://auth.example.com/sign-in?redirect_url=http%3A%2F%2Flocalhost%2F%3Fa%3Db"},
		{"given", "clerk.example.com", "/__clerk/sign-in", "/__clerk/sign-in?redirect_url=http%3A%2F%2Flocalhost%2F%3Fa%3Db"},
		{"given with a query", "clerk.example.com", "/in?x=1", "/in?x=1&redirect_url=http%3A%2F%2Flocalhost%2F%3Fa%3Db"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := config(true)
			c.PublishableKey, c.SignInPortal = clerk.NewPublishableKey(tt.host, true), tt.portal
			if got := newAuthenticator(t, c).SignInURL("http://localhost/?a=b"); got != tt.want {
				t.Errorf("SignInURL = %s, want %s", got, tt.want)
			}
		})
	}
}

func TestOrigin(t *testing.T) {
	tests := []struct {
		name, public, proxies string
		headers               map[string]string
		want                  string
	}{
		{"the request's own", "", "", nil, "http://localhost:4000"},
		{"a stranger's headers", "", "", map[string]string{"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"}, "http://localhost:4000"},
		{"another proxy's headers", "", "198.51.100.0/24", map[string]string{"X-Forwarded-Host": "evil.example"}, "http://localhost:4000"},
		{"a trusted proxy's headers", "", "192.0.2.0/24", map[string]string{"X-Forwarded-Host": "a.example, b.example", "X-Forwarded-Proto": "https,http"}, "https://a.example"},
		{"default port", "", "192.0.2.0/24", map[string]string{"X-Forwarded-Host": "a.example:443", "X-Forwarded-Proto": "https"}, "https://a.example"},
		{"other port", "", "192.0.2.0/24", map[string]string{"X-Forwarded-Host": "[2001:db8::1]:80", "X-Forwarded-Proto": "https"}, "https://[2001:db8::1]:80"},
		{"default port of an address", "", "192.0.2.0/24", map[string]string{"X-Forwarded-Host": "[2001:db8::1]:80"}, "http://[2001:db8::1]"},
		{"nonsense of a trusted proxy", "", "192.0.2.0/24", map[string]string{"X-Forwarded-Host": "a.example/x?", "X-Forwarded-Proto": "javascript"}, "http://localhost:4000"},
		{"configured", "https://Posts.Example.com/", "192.0.2.0/24", map[string]string{"X-Forwarded-Host": "a.example"}, "https://posts.example.com"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := config(true)
			c.PublicURL = tt.public
			if tt.proxies != "" {
				c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix(tt.proxies)}
			}
			r := get("/", nil)
			for name, value := range tt.headers {
				r.Header.Set(name, value)
			}
			if got := newAuthenticator(t, c).Origin(r); got != tt.want {
				t.Errorf("Origin = %s, want %s", got, tt.want)
			}
		})
	}
}

func TestValidate(t *testing.T) {
	tests := []struct {
		name   string
		change func(*clerk.Config)
		want   []string // a word of each problem, in their order
	}{
		{"good", func(c *clerk.Config) {}, nil},
		{"all that can be given", func(c *clerk.Config) {
			c.JWTKey = strings.ReplaceAll(c.JWTKey, "\n", `\n`)
			c.APIURL, c.ProxyURL, c.PublicURL = "http://127.0.0.1:4811", "/__clerk", "https://posts.example.com"
			c.AuthorizedParties = []string{"https://posts.example.com", "http://localhost:8080", "chrome-extension://abc"}
		}, nil},
		{"nothing", func(c *clerk.Config) { *c = clerk.Config{} }, []string{"CLERK_PUBLISHABLE_KEY is not set", "CLERK_SECRET_KEY is not set"}},
		{"swapped", func(c *clerk.Config) { c.PublishableKey, c.SecretKey = c.SecretKey, c.PublishableKey }, []string{"CLERK_PUBLISHABLE_KEY is not", "CLERK_SECRET_KEY is not"}},
		{"modes differ", func(c *clerk.Config) { c.SecretKey = devKey }, []string{"different instances"}},
		{"secret of two modes", func(c *clerk.Config) { c.SecretKey = "sk_live_sk_test_x" }, []string{"CLERK_SECRET_KEY is not"}},
		{"secret with a line end", func(c *clerk.Config) { c.SecretKey += "\n" }, []string{"CLERK_SECRET_KEY"}},
		{"key is no PEM", func(c *clerk.Config) { c.JWTKey = "abc" }, []string{"CLERK_JWT_KEY"}},
		{"key is a private one", func(c *clerk.Config) { c.JWTKey = strings.ReplaceAll(c.JWTKey, "PUBLIC", "PRIVATE") }, []string{"CLERK_JWT_KEY"}},
		{"proxy with a query", func(c *clerk.Config) { c.ProxyURL = "https://example.com/?a" }, []string{"CLERK_PROXY_URL"}},
		{"URLs", func(c *clerk.Config) {
			c.APIURL, c.ProxyURL, c.PublicURL = "api.clerk.com", "//evil.example", "posts.example.com"
		}, []string{"CLERK_API_URL", "CLERK_PROXY_URL", "PUBLIC_URL"}},
		{"party with a path", func(c *clerk.Config) {
			c.AuthorizedParties = []string{"https://a.example/", "b.example", ""}
		}, []string{"CLERK_AUTHORIZED_PARTIES", "CLERK_AUTHORIZED_PARTIES"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := config(true)
			tt.change(&c)
			got := c.Validate()
			if !slices.EqualFunc(got, tt.want, func(err error, want string) bool { return strings.Contains(err.Error(), want) }) {
				t.Errorf("Validate() = %v, want %q", got, tt.want)
			}
			for _, err := range got {
				if strings.Contains(err.Error(), "abcdefghijklmnop") {
					t.Errorf("%q holds a secret", err)
				}
			}
			if _, err := clerk.New(c); (err != nil) != (len(tt.want) > 0) {
				t.Errorf("New: %v", err)
			}
		})
	}
}
