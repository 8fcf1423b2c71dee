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
	"path/filepath"
	"slices"
	"strings"
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
	if err := next.save(e.file); err != nil {
		return fmt.Errorf("emulator: keep the state: %w", err)
	}
	e.state.Store(next)
	e.courier.forget(len(settled))
	e.courier.add(false, next.Pending[known:]...)
	e.deliver()
	return nil
}

// openState reads the state in file. Without one, or without a name, it is the
// state of a first start.
func openState(file, secretPrefix string, now time.Time) (*state, error) {
	if file == "" {
		return newState(sharedKey(), secretPrefix, now), nil
	}
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		s := newState(newSigningKey(), secretPrefix, now)
		return s, s.save(file)
	}
	if err != nil {
		return nil, fmt.Errorf("emulator: read the state: %w", err)
	}
	s := new(state)
	if err := json.Unmarshal(text, s); err != nil {
		return nil, damaged(file, err)
	}
	if s.InstanceID == "" || s.SecretKey == "" || s.Users == nil || s.Sessions == nil {
		return nil, damaged(file, errors.New("a part is missing"))
	}
	if !strings.HasPrefix(s.SecretKey, secretPrefix) {
		return nil, damaged(file, errors.New("it is that of the other kind of instance, development or production"))
	}
	s.update()
	return s, nil
}

// update adds what a state file of an older program lacks.
func (s *state) update() {
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
func newState(signingKey, secretPrefix string, now time.Time) *state {
	secret := make([]byte, 24)
	rand.Read(secret)
	s := &state{
		InstanceID:    "ins_" + rand.Text(),
		SecretKey:     secretPrefix + rand.Text(),
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

// save puts the state in file, whole or not at all.
func (s *state) save(file string) error {
	if file == "" {
		return nil
	}
	content, err := json.Marshal(s)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".new-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails once it is renamed
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), file)
}
