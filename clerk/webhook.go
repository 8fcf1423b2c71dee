package clerk

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"time"

	svix "github.com/svix/svix-webhooks/go"
)

const (
	// minSecret is how many bytes of key a signing secret must have. Clerk's
	// have 24.
	minSecret = 16

	// earliestMilliseconds is where a timestamp begins to be in milliseconds;
	// below, it is in seconds, as in the examples of Clerk's specification.
	earliestMilliseconds = 1e11
)

// ErrSignature says that a webhook is not signed with any of the secrets, or
// not within five minutes.
var ErrSignature = errors.New("clerk: webhook signature is not good")

// ErrNotJSON says that the body of a webhook is not JSON.
var ErrNotJSON = errors.New("clerk: webhook is not JSON")

// An UnusableError says that a webhook is JSON but not an event that can be
// used. Sending it again would not help.
type UnusableError struct {
	Problem string

	// Body is what may be kept of it, for ParseEvent of a later version: all but
	// the metadata that only the instance's own programs are to see. It is ""
	// when that cannot be told apart.
	Body string
}

func (e *UnusableError) Error() string { return "clerk: unusable webhook: " + e.Problem }

// A WebhookVerifier checks the signatures of webhooks. It is safe for
// concurrent use.
type WebhookVerifier struct {
	hooks []*svix.Webhook // one for each secret
}

// ParseSecrets splits signing secrets that commas or blanks separate.
func ParseSecrets(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(", \t\r\n", r) })
}

// NewWebhookVerifier returns a verifier that accepts what is signed with any
// of the secrets, "whsec_…" each. While secrets are rotated there are two.
func NewWebhookVerifier(secrets ...string) (*WebhookVerifier, error) {
	if len(secrets) == 0 {
		return nil, errors.New("CLERK_WEBHOOK_SIGNING_SECRET is not set: copy it from the webhook endpoint's page in the Clerk dashboard")
	}
	v := &WebhookVerifier{}
	for _, secret := range secrets {
		secret = strings.TrimSpace(secret)
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
		if err != nil || len(key) < minSecret {
			return nil, fmt.Errorf("CLERK_WEBHOOK_SIGNING_SECRET is not whsec_ and the base64 of at least %d bytes: copy it from the webhook endpoint's page in the Clerk dashboard", minSecret)
		}
		hook, err := svix.NewWebhookRaw(key)
		if err != nil {
			return nil, fmt.Errorf("CLERK_WEBHOOK_SIGNING_SECRET: %w", err)
		}
		v.hooks = append(v.hooks, hook)
	}
	return v, nil
}

// signatureHeaders are those of a webhook that is signed.
var signatureHeaders = [...]string{"Svix-Id", "Svix-Timestamp", "Svix-Signature"}

// Signed reports whether a webhook has all that a signature needs. Of one that
// has not, the body need not be read.
func Signed(h http.Header) bool {
	for _, name := range signatureHeaders {
		if h.Get(name) == "" {
			return false
		}
	}
	return true
}

// Verify checks the signature over the exact bytes of a body; h holds the
// headers svix-id, svix-timestamp and svix-signature. The error is
// [ErrSignature] with what is wrong, for the log.
func (v *WebhookVerifier) Verify(body []byte, h http.Header) error {
	// Clerk sends the headers under these names alone; the library would take
	// others too, and then there is no svix-id to know the event by.
	signed := http.Header{}
	for _, name := range signatureHeaders {
		signed.Set(name, h.Get(name))
	}
	var problem error
	for _, hook := range v.hooks {
		if problem = hook.Verify(body, signed); problem == nil {
			return nil
		}
	}
	return fmt.Errorf("%w: %w", ErrSignature, problem)
}

// Event checks a webhook as Verify does and reads it as [ParseEvent] does,
// with the errors of both.
func (v *WebhookVerifier) Event(body []byte, h http.Header) (Event, error) {
	if err := v.Verify(body, h); err != nil {
		return Event{}, err
	}
	return ParseEvent(body, h.Get("svix-id"))
}

// An Event is what a webhook tells. At most one of User, DeletedUserID and
// EndedSessionID is set; other types than theirs have none.
type Event struct {
	ID     string    // the svix-id: one event has the same each time it is sent
	Type   string    // such as "user.created"; Clerk adds types
	At     time.Time // when it happened; zero when the event does not say
	UserID string    // whom it is about, also when it is unusable; empty for nobody

	User           *User  // of user.created and user.updated
	DeletedUserID  string // of user.deleted
	EndedSessionID string // of session.ended, session.removed and session.revoked
}

// ParseEvent reads a webhook that is verified. The errors are [ErrNotJSON] and
// [*UnusableError]; the event's ID, Type and UserID are set as far as they are
// known. Only events of users can be unusable: the end of a session that cannot
// be told is an event like any other.
func ParseEvent(body []byte, svixID string) (Event, error) {
	e := Event{ID: svixID}
	var envelope object
	err := json.Unmarshal(body, &envelope)
	if _, broken := errors.AsType[*json.SyntaxError](err); broken {
		return e, ErrNotJSON
	}
	if err := e.parse(envelope); err != nil {
		e.User, e.DeletedUserID = nil, ""
		return e, &UnusableError{err.Error(), keepable(envelope)}
	}
	return e, nil
}

// keepable returns an event about an object without the metadata of that object
// that no reader may want.
func keepable(envelope object) string {
	data, err := decodeObject(envelope["data"])
	if err != nil {
		return ""
	}
	delete(data, "private_metadata")
	delete(data, "unsafe_metadata")
	kept := maps.Clone(envelope)
	kept["data"], err = json.Marshal(data)
	if err != nil {
		return ""
	}
	body, err := json.Marshal(kept)
	if err != nil {
		return ""
	}
	return string(body)
}

// parse reads the object of an event; nil: it is something else.
func (e *Event) parse(envelope object) error {
	if envelope == nil {
		return errors.New("not a JSON object")
	}
	r := reader{object: envelope}
	e.Type = printable(field[string](&r, "type"))
	if e.Type == "" {
		return errors.New("type is missing")
	}
	data, _ := decodeObject(envelope["data"]) // nil: only events of users need it
	e.UserID = data.id("user_id")
	switch e.Type {
	case "user.created", "user.updated":
		e.At, e.UserID = r.timestamp(), data.id("id")
		return errors.Join(r.err, e.parseUser(data))
	case "user.deleted":
		e.At, e.UserID = r.timestamp(), data.id("id")
		return errors.Join(r.err, e.parseDeleted(data))
	case "session.ended", "session.removed", "session.revoked":
		e.EndedSessionID = data.id("id")
	}
	return nil
}

var errNoData = errors.New("data is not a JSON object")

// parseUser reads the user of an event. One that does not say when it was
// changed was so when the event happened.
func (e *Event) parseUser(data object) error {
	if data == nil {
		return errNoData
	}
	user, err := data.user()
	if err != nil {
		return fmt.Errorf("data: %w", err)
	}
	if user.UpdatedAt.IsZero() {
		user.UpdatedAt = e.At
	}
	if e.At.IsZero() {
		e.At = user.UpdatedAt
	}
	if e.At.IsZero() {
		return errors.New("timestamp is missing")
	}
	e.User = &user
	return nil
}

func (e *Event) parseDeleted(data object) error {
	if data == nil {
		return errNoData
	}
	r := reader{object: data}
	e.DeletedUserID = r.id()
	if e.At.IsZero() {
		r.fail(errors.New("timestamp is missing"))
	}
	return r.err
}

// timestamp returns when an event happened; zero when it does not say.
func (r *reader) timestamp() time.Time {
	at := field[*float64](r, "timestamp")
	if at != nil && *at > 0 && *at < earliestMilliseconds {
		r.object["timestamp"] = json.RawMessage(fmt.Sprintf("%.0f", *at*1000))
	}
	return r.time("timestamp")
}
