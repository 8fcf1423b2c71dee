package clerk

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/url"
	"strings"
	"time"
)

// User is what an application needs of Clerk's user object.
type User struct {
	ID            string
	Email         *string // the primary address, else the first verified one; nil means none
	EmailVerified bool    // of Email

	Username, FirstName, LastName *string // nil means none

	Name     string // first and last name, else the username, else empty
	ImageURL string // https, or empty
	Role     string // "member", "moderator" or "admin": public_metadata.role

	Banned        bool
	Locked        bool // after wrong passwords; Clerk does not say when it ends
	Deprovisioned bool // removed from the directory of a company

	CreatedAt, UpdatedAt time.Time // zero means not known
}

// maxID bounds an id, in bytes. Clerk's have 32.
const maxID = 255

func decodeUser(data []byte) (User, error) {
	o, err := decodeObject(data)
	if err != nil {
		return User{}, err
	}
	return o.user()
}

// user reads Clerk's user object. It is lenient about what is missing or null
// and strict about types: a wrong type may hide that a user is banned.
func (o object) user() (User, error) {
	r := reader{object: o}
	u := User{
		ID:            r.id(),
		Username:      r.text("username"),
		FirstName:     r.text("first_name"),
		LastName:      r.text("last_name"),
		Role:          r.role(),
		Banned:        field[bool](&r, "banned"),
		Locked:        field[bool](&r, "locked"),
		Deprovisioned: field[bool](&r, "deprovisioned"),
		CreatedAt:     r.time("created_at"),
		UpdatedAt:     r.time("updated_at"),
	}
	u.Email, u.EmailVerified = r.email()
	u.ImageURL = picture(field[string](&r, "image_url"))
	u.Name = u.name()
	return u, r.err
}

func (u *User) name() string {
	var parts []string
	for _, part := range []*string{u.FirstName, u.LastName} {
		if part != nil && strings.TrimSpace(*part) != "" {
			parts = append(parts, strings.TrimSpace(*part))
		}
	}
	if len(parts) == 0 && u.Username != nil {
		return strings.TrimSpace(*u.Username)
	}
	return strings.Join(parts, " ")
}

// An object is a JSON object. Unlike a struct it takes keys literally, so that
// "ID" is not "id"; of two equal keys the last counts.
type object map[string]json.RawMessage

func decodeObject(data []byte) (object, error) {
	var o object
	if err := json.Unmarshal(data, &o); err != nil || o == nil {
		return nil, errors.New("not a JSON object")
	}
	return o, nil
}

// id returns a member that can be used as an id, or "".
func (o object) id(key string) string {
	var id string
	raw, ok := o[key]
	if !ok || json.Unmarshal(raw, &id) != nil || len(id) > maxID || id != printable(id) {
		return ""
	}
	return id
}

// A reader takes fields out of an object and keeps the first error.
type reader struct {
	object
	err error
}

// field returns a member, or the zero value when it is absent or null.
func field[T any](r *reader, key string) T {
	var value T
	raw, ok := r.object[key]
	if ok && json.Unmarshal(raw, &value) != nil {
		r.fail(fmt.Errorf("%s is not of the expected type", key))
		var zero T
		return zero
	}
	return value
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// id returns the member "id", without which an object is of no use.
func (r *reader) id() string {
	id := r.object.id("id")
	if id == "" {
		r.fail(errors.New("id is missing or not usable"))
	}
	return id
}

func (r *reader) text(key string) *string {
	value := field[*string](r, key)
	if value == nil {
		return nil
	}
	clean := printable(*value)
	return &clean
}

// time returns a member in Unix milliseconds. 1760000000000.0 is one, too.
func (r *reader) time(key string) time.Time {
	ms := field[*float64](r, key)
	if ms == nil {
		return time.Time{}
	}
	if *ms < 0 || *ms > maxMilliseconds || *ms != math.Trunc(*ms) {
		r.fail(fmt.Errorf("%s is not a time in milliseconds", key))
		return time.Time{}
	}
	return time.UnixMilli(int64(*ms)).UTC()
}

const maxMilliseconds = 253402300799999 // the end of the year 9999

// role returns the role in public_metadata, which only the instance's owner
// can write. Whatever is not a role is a member's.
func (r *reader) role() string {
	metadata, err := decodeObject(r.object["public_metadata"])
	if err != nil {
		return "member"
	}
	var role string
	if json.Unmarshal(metadata["role"], &role) == nil && (role == "moderator" || role == "admin") {
		return role
	}
	return "member"
}

// An address is one of a user's e-mail addresses.
type address struct {
	id, email string
	verified  bool
}

// email returns the primary address, else the first verified one, else nil.
// The first of the list means nothing.
func (r *reader) email() (email *string, verified bool) {
	primary := field[string](r, "primary_email_address_id")
	var chosen *address
	for _, raw := range field[[]json.RawMessage](r, "email_addresses") {
		a := r.address(raw)
		if a.email == "" {
			continue
		}
		if primary != "" && a.id == primary {
			return &a.email, a.verified
		}
		if chosen == nil && a.verified {
			chosen = &a
		}
	}
	if chosen == nil {
		return nil, false
	}
	return &chosen.email, true
}

func (r *reader) address(raw json.RawMessage) address {
	o, err := decodeObject(raw)
	if err != nil {
		r.fail(errors.New("email_addresses holds something that is not an object"))
		return address{}
	}
	entry := reader{object: o}
	a := address{id: field[string](&entry, "id"), email: printable(field[string](&entry, "email_address"))}
	if verification := field[object](&entry, "verification"); verification != nil {
		a.verified = field[string](&reader{object: verification}, "status") == "verified"
	}
	if entry.err != nil {
		r.fail(fmt.Errorf("email_addresses: %w", entry.err))
	}
	return a
}

// picture returns the URL of a picture that a page may show, or "".
func picture(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
		return ""
	}
	return s
}

// printable returns s without control characters: a NUL ends a text for
// SQLite, and none of them belongs into a name.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, s)
}
