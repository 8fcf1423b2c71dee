package main

import (
	"encoding/base64"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"inkwell/clerk"
)

// goodSettings are those of a development instance.
func goodSettings() map[string]string {
	return map[string]string{
		"CLERK_PUBLISHABLE_KEY": clerk.NewPublishableKey("quick-ant-1.clerk.accounts.dev", false),
		"CLERK_SECRET_KEY":      "sk_test_" + strings.Repeat("a", 42),
	}
}

func readFrom(args []string, env map[string]string) (settings, error) {
	return readSettings(args, func(name string) string { return env[name] }, io.Discard)
}

func TestSettingsComeFromTheNearestPlace(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile(".env", []byte("ADDR=127.0.0.1:1\nDATABASE_PATH=file.db\nPUBLIC_URL=https://file.example.com\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := goodSettings()
	env["DATABASE_PATH"], env["PUBLIC_URL"] = "env.db", "https://env.example.com"
	set, err := readFrom([]string{"-url", "https://flag.example.com/"}, env)
	if err != nil {
		t.Fatal(err)
	}
	for _, got := range [][2]string{{set.addr, "127.0.0.1:1"}, {set.database, "env.db"}, {set.publicURL, "https://flag.example.com"}} {
		if got[0] != got[1] {
			t.Errorf("a setting is %q, want %q", got[0], got[1])
		}
	}
}

func TestDefaults(t *testing.T) {
	t.Chdir(t.TempDir())
	set, err := readFrom(nil, goodSettings())
	if err != nil || set.addr != defaultAddr || set.database != "inkwell.db" {
		t.Errorf("settings = %q %q, %v", set.addr, set.database, err)
	}
	set, err = readFrom([]string{"-dev"}, map[string]string{"DATABASE_PATH": "real.db"})
	if err != nil || set.database != "inkwell-dev.db" {
		t.Errorf("with -dev the database is %q, %v; want one of its own", set.database, err)
	}
	set, err = readFrom([]string{"-dev", "-db", "mine.db"}, nil)
	if err != nil || set.database != "mine.db" {
		t.Errorf("with -dev -db the database is %q, %v", set.database, err)
	}
	set, err = readFrom([]string{"-dev", "-dev-clerk-js", "scripts"}, nil)
	if err != nil || set.scripts != "scripts" {
		t.Errorf("with -dev -dev-clerk-js the scripts are in %q, %v", set.scripts, err)
	}
}

func TestDevReadsNoDotEnv(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile(".env", []byte("ADDR=0.0.0.0:1\nCLERK_SECRET_KEY=sk_live_x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	set, err := readFrom([]string{"-dev"}, nil)
	if err != nil || set.addr != defaultAddr {
		t.Errorf("settings = %q, %v", set.addr, err)
	}
}

func TestBadSettings(t *testing.T) {
	t.Chdir(t.TempDir())
	with := func(pairs ...string) map[string]string {
		env := goodSettings()
		for pair := range slices.Chunk(pairs, 2) {
			env[pair[0]] = pair[1]
		}
		return env
	}
	tests := []struct {
		name string
		args []string
		env  map[string]string
		want []string // all in the one message
	}{
		{"nothing set", nil, nil, []string{"CLERK_PUBLISHABLE_KEY", "CLERK_SECRET_KEY", "-dev"}},
		{"no port", []string{"-addr", "localhost"}, goodSettings(), []string{"ADDR"}},
		{"not an origin", []string{"-url", "posts.example.com/blog"}, goodSettings(), []string{"PUBLIC_URL"}},
		{"modes differ", nil, with("CLERK_SECRET_KEY", "sk_live_"+strings.Repeat("a", 42)), []string{"CLERK_SECRET_KEY"}},
		{"no PEM", nil, with("CLERK_JWT_KEY", "hello"), []string{"CLERK_JWT_KEY"}},
		{"blank secret", nil, with("CLERK_WEBHOOK_SIGNING_SECRET", "  "), []string{"CLERK_WEBHOOK_SIGNING_SECRET"}},
		{"short secret", nil, with("SIGNING_SECRET", "whsec_YWJj"), []string{"SIGNING_SECRET"}},
		{"no range", nil, with("TRUSTED_PROXIES", "10.0.0.0/8, proxy"), []string{"TRUSTED_PROXIES", "proxy"}},
		{"short session key", nil, with("SESSION_KEY", "YWJj"), []string{"SESSION_KEY", "openssl"}},
		{"several", nil, with("TRUSTED_PROXIES", "x", "SESSION_KEY", "x", "ADDR", "x"), []string{"TRUSTED_PROXIES", "SESSION_KEY", "ADDR"}},
		{"dev for everybody", []string{"-dev", "-addr", ":8080"}, nil, []string{"-dev", "127.0.0.1"}},
		{"dev on an address of the net", []string{"-dev", "-addr", "192.0.2.1:80"}, nil, []string{"-dev"}},
		{"dev with a real key", []string{"-dev"}, map[string]string{"CLERK_SECRET_KEY": "sk_live_x"}, []string{"CLERK_SECRET_KEY"}},
		{"dev with a webhook secret", []string{"-dev"}, map[string]string{"CLERK_WEBHOOK_SIGNING_SECRET": "x"}, []string{"CLERK_WEBHOOK_SIGNING_SECRET"}},
		{"scripts for the stand-in without it", []string{"-dev-clerk-js", "."}, goodSettings(), []string{"-dev-clerk-js", "add -dev"}},
		{"a word", []string{"serve"}, goodSettings(), []string{`"serve" is no flag: see -help`}},
		{"an unknown flag", []string{"-x"}, goodSettings(), []string{`"-x" is no flag: see -help`}},
		{"a flag without its value", []string{"-db"}, goodSettings(), []string{"-db needs a value", "-help"}},
		{"a flag with a wrong value", []string{"-dev=perhaps"}, goodSettings(), []string{"perhaps", "-dev", "-help"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := readFrom(tt.args, tt.env)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error is %q, want %q in it", err, want)
				}
			}
			for _, secret := range []string{"sk_test_aaa", "sk_live_"} {
				if strings.Contains(err.Error(), secret+"aaa") || strings.Contains(err.Error(), "YWJj") {
					t.Errorf("the error tells a secret: %q", err)
				}
			}
		})
	}
}

func TestHelp(t *testing.T) {
	var out strings.Builder
	_, err := readSettings([]string{"-help"}, func(string) string { return "" }, &out)
	if err != flag.ErrHelp || !strings.Contains(out.String(), "-dev") {
		t.Errorf("-help = %v\n%s", err, out.String())
	}
}

func TestSessionKeys(t *testing.T) {
	set := settings{database: filepath.Join(t.TempDir(), "posts.db")}
	made, err := set.sessionKeys()
	if err != nil {
		t.Fatal(err)
	}
	kept, err := set.sessionKeys()
	if err != nil || !slices.EqualFunc(made, kept, slices.Equal) {
		t.Errorf("the second start has other keys (%v)", err)
	}
	file := set.database + ".session-key"
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key file: %v, %v; want mode 0600", info, err)
	}
	if err := os.WriteFile(file, []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := set.sessionKeys(); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("a damaged key file: %v, want an error that names it", err)
	}
	key := base64.StdEncoding.EncodeToString(make([]byte, 96))
	set.sessionKey = key + "," + key
	if keys, err := set.sessionKeys(); err != nil || len(keys) != 4 || len(keys[0]) != 64 || len(keys[3]) != 32 {
		t.Errorf("two keys that are set = %d, %v; want two pairs", len(keys), err)
	}
}
