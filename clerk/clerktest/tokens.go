package clerktest

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"inkwell/clerk"
)

// A tokenSpec describes a token of a recording.
type tokenSpec struct {
	State        string           `json:"state"`
	Offsets      map[string]int64 `json:"offsets"`
	ExtraClaims  map[string]any   `json:"extra_claims"`
	RemoveClaims []string         `json:"remove_claims"`
	Header       map[string]any   `json:"header"`
	Sign         Signature        `json:"sign"`
	Directives   []string         `json:"directives"`
	FreshState   string           `json:"fresh_state"`
	FreshOffsets map[string]int64 `json:"fresh_offsets"`
	FreshSign    Signature        `json:"fresh_sign"`
}

var placeholder = regexp.MustCompile(`\{\{([^{}+-]+)([+-]\d+)?\}\}`)

// values are what stands for the placeholders of a recording.
type values map[string]string

func (v values) fill(text string) string {
	return placeholder.ReplaceAllStringFunc(text, func(whole string) string {
		parts := placeholder.FindStringSubmatch(whole)
		value, ok := v[parts[1]]
		if parts[2] == "" || !ok {
			return value
		}
		base, _ := strconv.Atoi(value)
		offset, _ := strconv.Atoi(parts[2])
		return strconv.Itoa(base + offset)
	})
}

// fillIn makes the tokens of a recording and puts them in place.
func fillIn(raw json.RawMessage) (filled recording, err error) {
	var plain recording
	if err := json.Unmarshal(raw, &plain); err != nil {
		return recording{}, err
	}
	v := values{
		"app": App, "pk_host": Host, "kid": KeyID, "now": strconv.FormatInt(Now().Unix(), 10),
		"suffix":        clerk.Suffix(clerk.NewPublishableKey(Host, plain.production())),
		"accounts_host": strings.Replace(Host, "clerk.", "accounts.", 1),
	}
	for _, spec := range plain.fresh() {
		v["fresh.jwt"] = v.fresh(spec, plain.Source == nil)
	}
	for name, spec := range plain.Tokens {
		v.mint(name, spec)
	}
	return filled, json.Unmarshal([]byte(v.fill(string(raw))), &filled)
}

// fresh returns what brings a fresh session token: at most one in a recording.
func (r *recording) fresh() []tokenSpec {
	all := slices.Concat(slices.Collect(maps.Values(r.Tokens)), slices.Collect(maps.Values(r.BAPI.Payloads)))
	if r.BAPI.Refresh != nil {
		all = append(all, tokenSpec{FreshState: r.BAPI.Refresh.FreshState})
	}
	return slices.DeleteFunc(all, func(s tokenSpec) bool { return s.FreshState == "" && s.FreshOffsets == nil })
}

func (v values) mint(name string, spec tokenSpec) {
	if spec.Directives != nil {
		for i, d := range spec.Directives {
			spec.Directives[i] = v.fill(d)
		}
		v[name+".jwt"] = Sign(Claims{"handshake": spec.Directives}, spec.Header, spec.Sign)
		return
	}
	c := v.claims(spec.State, spec.Offsets, spec.ExtraClaims)
	v[name+".iat"] = fmt.Sprint(c["iat"])
	for _, claim := range spec.RemoveClaims {
		delete(c, claim)
	}
	v[name+".jwt"] = Sign(c, spec.Header, spec.Sign)
}

// fresh makes the session token that a handshake or a refresh brings. Clerk's
// own cases have less in theirs than ours.
func (v values) fresh(spec tokenSpec, ours bool) string {
	extra := map[string]any{}
	if ours {
		extra = map[string]any{"sub": "user_fresh", "iss": "https://{{pk_host}}", "sid": "sess_1", "azp": "{{app}}"}
	}
	return Sign(v.claims(spec.FreshState, spec.FreshOffsets, extra), nil, spec.FreshSign)
}

func (v values) claims(state string, offsets map[string]int64, extra map[string]any) Claims {
	now := Now().Unix()
	iat := now + map[string]int64{"expired": -600, "early": 600}[state]
	c := Claims{"sub": "user_12345", "iat": iat, "nbf": iat - 10, "exp": iat + 60}
	for name, offset := range offsets {
		c[name] = now + offset
	}
	for name, value := range extra {
		if text, ok := value.(string); ok {
			value = v.fill(text)
		}
		c[name] = value
	}
	return c
}
