package main

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/joho/godotenv"

	"inkwell/clerk"
	"inkwell/handlers"
)

// settings say how the program runs. README.md describes each.
type settings struct {
	addr      string
	database  string // path
	publicURL string // origin, or ""
	dev       bool
	scripts   string // folder of ClerkJS for the stand-in, or ""

	clerk          clerk.Config
	webhookSecrets []string
	sessionKey     string // base64; "": the one kept beside the database
	trustedProxies []netip.Prefix
}

const (
	defaultAddr     = "127.0.0.1:8080"
	defaultDatabase = "inkwell.db"
	devDatabase     = "inkwell-dev.db"
)

// clerkVariables are those that belong to a Clerk instance.
var clerkVariables = []string{
	"CLERK_PUBLISHABLE_KEY", "NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY", "CLERK_SECRET_KEY", "CLERK_JWT_KEY", "CLERK_API_URL",
	"CLERK_PROXY_URL", "CLERK_AUTHORIZED_PARTIES", "CLERK_WEBHOOK_SIGNING_SECRET", "SIGNING_SECRET",
}

// readSettings takes each setting from its flag, else from the environment,
// else from the file .env, else the default. Its error names all that is wrong.
func readSettings(args []string, getenv func(string) string, stderr io.Writer) (settings, error) {
	var set settings
	flags := flag.NewFlagSet("inkwell", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // main prints the error
	flags.StringVar(&set.addr, "addr", "", "`address` to listen on (ADDR; default "+defaultAddr+")")
	flags.StringVar(&set.database, "db", "", "`path` of the SQLite file (DATABASE_PATH; default "+defaultDatabase+", with -dev "+devDatabase+")")
	flags.StringVar(&set.publicURL, "url", "", "public `origin` such as https://posts.example.com (PUBLIC_URL; default that of each request)")
	flags.BoolVar(&set.dev, "dev", false, "run with a stand-in for Clerk and demo posts, for this machine alone: no account, no network")
	flags.StringVar(&set.scripts, "dev-clerk-js", "", "with -dev: `folder` with the real ClerkJS, laid out as node_modules is, in the place of a small stand-in")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(stderr, "Inkwell serves posts; \"inkwell sync\" compares its users with Clerk's, once. The flags of both are:")
			flags.SetOutput(stderr)
			flags.PrintDefaults()
			return set, err
		}
		return set, flagError(err)
	}
	if flags.NArg() > 0 {
		return set, noFlag(flags.Arg(0))
	}
	l := &settingsReader{get: getenv}
	if !set.dev {
		l.readDotEnv()
	}
	l.read(&set)
	return set, l.error()
}

func noFlag(word string) error { return fmt.Errorf("%q is no flag: see -help", word) }

// flagError says in our words what package flag, which has no types for it,
// finds wrong.
func flagError(err error) error {
	if name, unknown := strings.CutPrefix(err.Error(), "flag provided but not defined: "); unknown {
		return noFlag(name)
	}
	if name, bare := strings.CutPrefix(err.Error(), "flag needs an argument: "); bare {
		return fmt.Errorf("%s needs a value behind it: see -help", name)
	}
	return fmt.Errorf("%w: see -help", err)
}

// A settingsReader looks settings up and collects what is wrong with them.
type settingsReader struct {
	get      func(string) string
	problems []string
}

func (l *settingsReader) problem(format string, args ...any) {
	l.problems = append(l.problems, fmt.Sprintf(format, args...))
}

func (l *settingsReader) error() error {
	if len(l.problems) == 0 {
		return nil
	}
	return fmt.Errorf("cannot start:\n  - %s", strings.Join(l.problems, "\n  - "))
}

// readDotEnv lets the file .env in the working directory speak where the
// environment does not.
func (l *settingsReader) readDotEnv() {
	file, err := godotenv.Read()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return
	case err != nil:
		l.problem("the file .env cannot be read: check its quotes and names; each line is NAME=value")
		return
	}
	getenv := l.get
	l.get = func(name string) string {
		if value := getenv(name); value != "" {
			return value
		}
		return file[name]
	}
}

// fill sets a value that no flag has set.
func (l *settingsReader) fill(value *string, name, fallback string) {
	if *value == "" {
		*value = strings.TrimSpace(l.get(name))
	}
	if *value == "" {
		*value = fallback
	}
}

func (l *settingsReader) read(set *settings) {
	l.fill(&set.addr, "ADDR", defaultAddr)
	if _, _, err := net.SplitHostPort(set.addr); err != nil {
		l.problem("ADDR (-addr) is %q: it has to be host:port, such as %s", set.addr, defaultAddr)
	}
	l.readSessionKey(set)
	if set.dev {
		l.readDev(set)
		return
	}
	if set.scripts != "" {
		l.problem("-dev-clerk-js is for the stand-in for Clerk alone: add -dev, or leave it out")
	}
	l.fill(&set.database, "DATABASE_PATH", defaultDatabase)
	l.fill(&set.publicURL, "PUBLIC_URL", "")
	set.publicURL = strings.ToLower(strings.TrimRight(set.publicURL, "/"))
	l.readProxies(set)
	l.readClerk(set)
	l.readWebhookSecrets(set)
}

// readDev keeps the stand-in, where anybody may sign in as anybody, away from
// the net, from a real instance and from a real site's database.
func (l *settingsReader) readDev(set *settings) {
	if set.database == "" {
		set.database = devDatabase
	}
	if set.publicURL != "" {
		l.problem("-dev is for this machine alone and has no public origin: leave -url out")
	}
	host, _, _ := net.SplitHostPort(set.addr)
	if addr, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !addr.IsLoopback()) {
		l.problem("-dev listens on this machine alone: use -addr 127.0.0.1:PORT, not %s", set.addr)
	}
	for _, name := range clerkVariables {
		if l.get(name) != "" {
			l.problem("-dev stands in for Clerk, but %s is set: unset it, or start without -dev", name)
		}
	}
}

func (l *settingsReader) readClerk(set *settings) {
	set.clerk = clerk.Config{
		PublishableKey: strings.TrimSpace(l.get("CLERK_PUBLISHABLE_KEY")),
		SecretKey:      strings.TrimSpace(l.get("CLERK_SECRET_KEY")),
		JWTKey:         l.get("CLERK_JWT_KEY"),
		APIURL:         strings.TrimSpace(l.get("CLERK_API_URL")),
		ProxyURL:       strings.TrimSpace(l.get("CLERK_PROXY_URL")),
		PublicURL:      set.publicURL,
		TrustedProxies: set.trustedProxies,
	}
	if set.clerk.PublishableKey == "" {
		set.clerk.PublishableKey = strings.TrimSpace(l.get("NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY"))
	}
	set.clerk.AuthorizedParties = listed(l.get("CLERK_AUTHORIZED_PARTIES"))
	for _, problem := range set.clerk.Validate() {
		l.problem("%s", problem)
	}
	if set.clerk.PublishableKey == "" && set.clerk.SecretKey == "" {
		l.problem("or start with -dev: that needs no account at Clerk")
	}
}

func (l *settingsReader) readWebhookSecrets(set *settings) {
	value := l.get("CLERK_WEBHOOK_SIGNING_SECRET")
	if value == "" {
		value = l.get("SIGNING_SECRET")
	}
	if value == "" {
		return
	}
	set.webhookSecrets = clerk.ParseSecrets(value)
	if _, err := clerk.NewWebhookVerifier(set.webhookSecrets...); err != nil {
		l.problem("%v", err)
	}
}

func (l *settingsReader) readProxies(set *settings) {
	for _, text := range listed(l.get("TRUSTED_PROXIES")) {
		prefix, err := netip.ParsePrefix(text)
		if addr, addrErr := netip.ParseAddr(text); addrErr == nil {
			prefix, err = netip.PrefixFrom(addr, addr.BitLen()), nil
		}
		if err != nil {
			l.problem("TRUSTED_PROXIES has %q: it has to be a list of addresses or ranges such as 10.0.0.0/8", text)
			continue
		}
		set.trustedProxies = append(set.trustedProxies, prefix)
	}
}

func listed(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || unicode.IsSpace(r) })
}

// Sizes of the keys of the app's own cookie, in bytes.
const (
	hashKeySize    = 64
	encryptKeySize = 32
)

func (l *settingsReader) readSessionKey(set *settings) {
	set.sessionKey = l.get("SESSION_KEY")
	if set.sessionKey == "" {
		return
	}
	if _, err := parseSessionKeys(set.sessionKey); err != nil {
		l.problem("SESSION_KEY: %v: make one with `openssl rand -base64 96 | tr -d '\\n'`", err)
	}
}

// parseSessionKeys reads base64 of 96 bytes, several separated by commas, the
// newest first, into pairs of keys.
func parseSessionKeys(s string) ([][]byte, error) {
	var keys [][]byte
	for _, text := range listed(s) {
		key, err := base64.StdEncoding.DecodeString(text)
		if err != nil || len(key) != hashKeySize+encryptKeySize {
			return nil, errors.New("each key has to be base64 of 96 bytes")
		}
		keys = append(keys, key[:hashKeySize], key[hashKeySize:])
	}
	if len(keys) == 0 {
		return nil, errors.New("there is no key in it")
	}
	return keys, nil
}

// sessionKeys returns the keys of the app's own cookie: those that are set,
// else those in the file beside the database, which is made when it is missing.
func (set settings) sessionKeys() ([][]byte, error) {
	if set.sessionKey != "" {
		return parseSessionKeys(set.sessionKey)
	}
	path := set.database + ".session-key"
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		text, err = makeSessionKey(path)
	}
	if err != nil {
		return nil, fmt.Errorf("session key: %w", err)
	}
	keys, err := parseSessionKeys(string(text))
	if err != nil {
		return nil, fmt.Errorf("session key in %s: %w: remove the file to get a new one", path, err)
	}
	return keys, nil
}

// makeSessionKey makes the file with a new key and returns what is in it. Of
// several programs that do so at once, all get the key of the first.
func makeSessionKey(path string) ([]byte, error) {
	key := make([]byte, hashKeySize+encryptKeySize)
	rand.Read(key)                                                   // never fails
	file, err := os.CreateTemp(filepath.Dir(path), ".session-key-*") // with mode 0600
	if err != nil {
		return nil, err
	}
	defer os.Remove(file.Name())
	_, err = fmt.Fprintln(file, base64.StdEncoding.EncodeToString(key))
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return nil, err
	}
	if err := os.Link(file.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		if err := os.Rename(file.Name(), path); err != nil { // where there are no links
			return nil, err
		}
	}
	return os.ReadFile(path)
}

// siteConfig is what the settings say of the site.
func (p *program) siteConfig() (handlers.Config, error) {
	keys, err := p.sessionKeys()
	return handlers.Config{
		DB:             p.db,
		Clerk:          p.clerk,
		WebhookSecrets: p.webhookSecrets,
		SessionKeys:    keys,
		Log:            p.log,
	}, err
}
