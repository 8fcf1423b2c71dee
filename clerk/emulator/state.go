package emulator

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"
)

// A state is all that an emulator remembers. Once it is an emulator's it does
// not change: readers need no lock, and [Emulator.change] puts another in its
// place.
type state struct {
	InstanceID    string // also the id of the signing key
	SecretKey     string // of the Backend API
	WebhookSecret string
	SigningKey    string // PEM
	Users         map[string]account
	Sessions      map[string]session // by browser: one has one session
	Pending       []event            // not yet delivered, oldest first
}

func (s *state) clone() *state {
	c := *s
	c.Users, c.Sessions, c.Pending = maps.Clone(s.Users), maps.Clone(s.Sessions), slices.Clone(s.Pending)
	return &c
}

// change runs edit on a copy of the state. The copy becomes the state when edit
// agrees and the copy is on disk; otherwise nothing has happened. Events that
// edit adds are then delivered; those that are settled go.
func (e *Emulator) change(edit func(*state) error) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	next, settled := e.state.Load().clone(), e.courier.done()
	next.forget(settled)
	known := len(next.Pending)
	if err := edit(next); err != nil {
		return err
	}
	if err := e.file.save(next); err != nil {
		return fmt.Errorf("emulator: keep the state: %w", err)
	}
	e.state.Store(next)
	e.courier.forget(len(settled))
	e.courier.add(false, next.Pending[known:]...)
	e.deliver()
	return nil
}

// ErrInUse is the error of [New] for a state file that another emulator writes.
var ErrInUse = errors.New("another program uses the state file")

// A stateFile is where a state is kept: in memory alone when it has no path.
type stateFile struct {
	path string
	lock *os.File // held; nil: it is not ours to write
}

// openStateFile makes the file ours until it is closed, unless it is only to be
// read.
func openStateFile(path string, readOnly bool) (*stateFile, error) {
	if path == "" || readOnly {
		return &stateFile{path: path}, nil
	}
	lock, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("emulator: lock the state: %w", err)
	}
	err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	switch {
	case err == nil:
		return &stateFile{path, lock}, nil
	case errors.Is(err, syscall.EWOULDBLOCK):
		err = fmt.Errorf("emulator: %w %s: stop that program first", ErrInUse, path)
	default:
		err = fmt.Errorf("emulator: lock the state: %w", err)
	}
	return nil, errors.Join(err, lock.Close())
}

// close lets others have the file. What is in it can be read on.
func (f *stateFile) close() error {
	lock := f.lock
	f.lock = nil
	if lock == nil {
		return nil
	}
	return lock.Close()
}

// load reads the state. Without a path, or without a file where we may write
// one, it is the state of a first start. Prefix begins the secret keys of this
// kind of instance.
func (f *stateFile) load(prefix string, now time.Time) (*state, error) {
	if f.path == "" {
		return newState(sharedKey(), prefix, now), nil
	}
	content, err := os.ReadFile(f.path)
	if errors.Is(err, fs.ErrNotExist) && f.lock != nil {
		s := newState(newSigningKey(), prefix, now)
		return s, f.save(s)
	}
	if err != nil {
		return nil, fmt.Errorf("emulator: read the state: %w", err)
	}
	s := new(state)
	if err := json.Unmarshal(content, s); err != nil {
		return nil, damaged(f.path, err)
	}
	if s.InstanceID == "" || s.SecretKey == "" || s.Users == nil || s.Sessions == nil {
		return nil, damaged(f.path, errors.New("a part is missing"))
	}
	if !strings.HasPrefix(s.SecretKey, prefix) {
		return nil, fmt.Errorf("emulator: the state file %s belongs to the other kind of instance, development or production: name another file", f.path)
	}
	s.upgrade()
	return s, nil
}

// save puts the state in the file, whole or not at all.
func (f *stateFile) save(s *state) error {
	if f.path == "" {
		return nil
	}
	if f.lock == nil {
		return fmt.Errorf("%s is only open to be read", f.path)
	}
	content, err := json.Marshal(s)
	if err != nil {
		return err
	}
	part := f.path + ".new" // always this one: a kill leaves no other copy of the secrets
	if err := os.Remove(part); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	defer os.Remove(part) // fails once it is renamed
	if err := writeNew(part, content); err != nil {
		return err
	}
	return os.Rename(part, f.path)
}

// writeNew makes a file for this user alone, on disk when it returns.
func writeNew(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Sync(), f.Close())
}

// upgrade adds what a state file of an older program lacks.
func (s *state) upgrade() {
	for id, a := range s.Users {
		if a.Metadata == nil {
			a.setMetadata(publicMetadata, dict{"role": a.Role})
		}
		if strings.HasPrefix(id, readyPrefix) && a.Password == "" {
			a.Password = readyHash()
		}
		s.Users[id] = a
	}
}

func damaged(file string, err error) error {
	return fmt.Errorf("emulator: the state file is damaged: remove %s to start with new users and keys: %w", file, err)
}

// newState returns the state of a first start: the ready users, of whom the
// program has yet to be told.
func newState(signingKey, prefix string, now time.Time) *state {
	secret := make([]byte, 24)
	rand.Read(secret)
	s := &state{
		InstanceID:    "ins_" + rand.Text(),
		SecretKey:     prefix + rand.Text(),
		WebhookSecret: "whsec_" + base64.StdEncoding.EncodeToString(secret),
		SigningKey:    signingKey,
		Users:         map[string]account{},
		Sessions:      map[string]session{},
	}
	for _, a := range readyAccounts(now) {
		s.Users[a.ID] = a
		s.announceUser(userCreated, a, now)
	}
	return s
}
