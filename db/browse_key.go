package db

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"math"
	"strconv"
	"strings"
)

// A Key is what tells a row from the others of its table: the values of the
// columns Table.Key, each an int64, float64, string or []byte.
type Key []any

var errBadKey = errors.New("this is no key of a row")

// String writes the key so that ParseKey reads the same, in letters that stand
// for themselves in an address. A key of one integer is written in digits.
func (k Key) String() string {
	parts := make([]string, len(k))
	for i, v := range k {
		parts[i] = encodeValue(v)
	}
	return strings.Join(parts, ".")
}

func encodeValue(v any) string {
	switch v := v.(type) {
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return "r" + strconv.FormatUint(math.Float64bits(v), 36)
	case string:
		return "t" + base64.RawURLEncoding.EncodeToString([]byte(v))
	case []byte:
		return "b" + base64.RawURLEncoding.EncodeToString(v)
	}
	return "n"
}

// ParseKey reads what Key.String wrote. There is one way to write a key.
func ParseKey(s string) (Key, error) {
	var key Key
	for part := range strings.SplitSeq(s, ".") {
		v, err := decodeValue(part)
		if err != nil {
			return nil, errBadKey
		}
		key = append(key, v)
	}
	if key.String() != s {
		return nil, errBadKey
	}
	return key, nil
}

func decodeValue(s string) (any, error) {
	if s == "" {
		return nil, errBadKey
	}
	switch s[0] {
	case 'r':
		bits, err := strconv.ParseUint(s[1:], 36, 64)
		return math.Float64frombits(bits), err
	case 't':
		b, err := base64.RawURLEncoding.DecodeString(s[1:])
		return string(b), err
	case 'b':
		return base64.RawURLEncoding.DecodeString(s[1:])
	}
	return strconv.ParseInt(s, 10, 64)
}

// Digest returns a short text that differs when two values do.
func Digest(v any) string {
	sum := sha256.Sum256([]byte(encodeValue(v)))
	return hex.EncodeToString(sum[:8])
}
