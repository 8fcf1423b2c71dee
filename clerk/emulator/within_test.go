package emulator

import (
	"strings"
	"testing"
)

// Whatever the target, the browser stays on the origin.
func FuzzWithin(f *testing.F) {
	for _, target := range []string{"/", "/posts?a=b#c", "http://localhost:8080/", "http://localhost:8080", "//evil.example", `/\evil.example`, "https:evil.example", "http://localhost:8080@evil.example/", "/\t/evil.example", "é", "/é?é", "http://localhost:8080//evil.example", "/%zz", "http://[::1"} {
		f.Add(target)
	}
	const origin = "http://localhost:8080"
	f.Fuzz(func(t *testing.T, target string) {
		u, ok := within(origin, target)
		if !ok {
			return
		}
		rest, inside := strings.CutPrefix(withQuery(u, "name", "value"), origin)
		if !inside || rest == "" || !strings.ContainsRune("/?#", rune(rest[0])) {
			t.Errorf("%q leads to %q", target, u)
		}
		if strings.ContainsFunc(rest, func(c rune) bool { return c <= ' ' || c == '\\' || c == 0x7f }) {
			t.Errorf("%q leads to %q, which a browser reads otherwise", target, u)
		}
	})
}
