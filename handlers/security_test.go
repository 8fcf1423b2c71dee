package handlers

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// always are the headers that every answer has as they stand here.
var always = map[string]string{
	"X-Content-Type-Options":       "nosniff",                         // ASVS 3.4.4
	"Referrer-Policy":              "strict-origin-when-cross-origin", // ASVS 3.4.5
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin",
}

// contentTypes are all that answers with a body may have, ASVS 4.1.1.
var contentTypes = []string{
	"text/html; charset=utf-8", "text/plain; charset=utf-8", "text/css; charset=utf-8", "text/javascript; charset=utf-8",
	"application/json", "application/problem+json", "image/svg+xml",
}

// headerProblems returns what an answer's headers lack. Every answer of every
// test is held against it.
func headerProblems(res *http.Response, body string) []string {
	problems := policyProblems(res.Header.Get("Content-Security-Policy"))
	for name, want := range always {
		if got := res.Header.Get(name); got != want {
			problems = append(problems, fmt.Sprintf("%s is %q, want %q", name, got, want))
		}
	}
	if kind := res.Header.Get("Content-Type"); body != "" && !slices.Contains(contentTypes, kind) {
		problems = append(problems, fmt.Sprintf("Content-Type is %q", kind))
	}
	handshake := res.StatusCode == http.StatusTemporaryRedirect // has the headers that Clerk's own SDK gives it
	if origin := res.Header.Get("Access-Control-Allow-Origin"); origin != "" && !handshake {
		problems = append(problems, "other origins may read this: "+origin) // ASVS 3.4.2
	}
	return problems
}

// policyProblems checks a Content-Security-Policy, ASVS 3.4.3 and 3.4.6.
func policyProblems(policy string) []string {
	var problems []string
	directives := strings.Split(policy, "; ")
	for _, want := range []string{"default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"} {
		if !slices.Contains(directives, want) {
			problems = append(problems, fmt.Sprintf("Content-Security-Policy %q lacks %s", policy, want))
		}
	}
	for _, word := range strings.Fields(policy) {
		if strings.Contains(word, "unsafe") || slices.Contains([]string{"*", "http:", "https:", "data:"}, strings.TrimSuffix(word, ";")) {
			problems = append(problems, "Content-Security-Policy says "+word)
		}
	}
	return problems
}
