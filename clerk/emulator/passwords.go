package emulator

import (
	"sync"
	"unicode/utf8"

	"golang.org/x/crypto/bcrypt"
)

const (
	// ReadyPassword is the password of every ready user.
	ReadyPassword = "inkwell-dev"

	// Code is the code that every e-mail would bring if any were sent. It is
	// the one that Clerk's own test addresses have.
	Code = "424242"
)

// Clerk's limits: characters at least, bytes at most.
const (
	minPassword = 8
	maxPassword = 72
)

// hashPassword returns what is kept of a password, at the least cost there is:
// nobody's real one belongs here, but somebody may type it.
func hashPassword(param, password string) (string, error) {
	switch {
	case utf8.RuneCountInString(password) < minPassword:
		return "", wrong(param, "form_password_length_too_short", "Passwords must be 8 characters or more.")
	case len(password) > maxPassword:
		return "", wrong(param, "form_password_length_too_long", "Passwords must be less than 73 characters.")
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	return string(hash), err
}

// isPassword reports whether password is the one whose hash was kept; no
// password is that of an empty hash.
func isPassword(hash, password string) bool {
	return bcrypt.CompareHashAndPassword([]byte(hash), []byte(password)) == nil
}

// readyHash is that of ReadyPassword.
var readyHash = sync.OnceValue(func() string {
	hash, err := hashPassword("password", ReadyPassword)
	if err != nil {
		panic(err) // the password is one of ours
	}
	return hash
})
