package emulator_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"inkwell/clerk/emulator"
)

func TestRestart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "clerk.json")
	before := newEmulator(t, emulator.Options{StateFile: file})
	cookies, err := before.SignIn("user_dev_ada")
	if err != nil {
		t.Fatal(err)
	}
	made, err := before.CreateUser("new@example.com")
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the state file is %v, %v; want mode 0600", info, err)
	}

	before.Close()
	after := newEmulator(t, emulator.Options{StateFile: file})
	if after.WebhookSecret() != before.WebhookSecret() || after.Config().SecretKey != before.Config().SecretKey {
		t.Error("a restart changes the secrets")
	}
	b := newBrowser(t, newSite(t, after))
	b.client.Jar.SetCookies(b.origin(), cookies)
	b.wantUser("after a restart", "user_dev_ada")
	if users := after.Users(); len(users) != 6 || users[5].ID != made.ID {
		t.Errorf("after a restart the users are %v", users)
	}
	if left, _ := filepath.Glob(file + ".*"); !slices.Equal(left, []string{file + ".lock"}) {
		t.Errorf("left behind: %v", left)
	}
}

// Two programs would overwrite what the other one has kept.
func TestStateFileIsForOne(t *testing.T) {
	file := filepath.Join(t.TempDir(), "clerk.json")
	first := newEmulator(t, emulator.Options{StateFile: file})
	for range 2 {
		if _, err := emulator.New(emulator.Options{StateFile: file}); err == nil || !strings.Contains(err.Error(), "another program uses the state file "+file) {
			t.Fatalf("a second emulator begins with %v", err)
		}
	}
	if _, err := first.CreateUser("new@example.com"); err != nil {
		t.Errorf("the first goes on with %v", err)
	}
	first.Close()
	second := newEmulator(t, emulator.Options{StateFile: file})
	if _, err := first.CreateUser("late@example.com"); err == nil {
		t.Error("a closed emulator still writes the file")
	}
	if n := len(second.Users()); n != 6 || len(first.Users()) != 6 {
		t.Errorf("%d users after the first and %d in it, want 6", n, len(first.Users()))
	}
	second.Close()
	if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // a start that fails keeps no lock
		if _, err := emulator.New(emulator.Options{StateFile: file}); err == nil || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("a damaged file gives %v", err)
		}
	}
}

func TestReadOnly(t *testing.T) {
	file := filepath.Join(t.TempDir(), "clerk.json")
	if _, err := emulator.New(emulator.Options{StateFile: file, ReadOnly: true}); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("without a file: %v", err)
	}
	writer := newEmulator(t, emulator.Options{StateFile: file})
	if _, err := writer.CreateUser("new@example.com"); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	rec := &receiver{t: t}
	reader := newEmulator(t, emulator.Options{StateFile: file, ReadOnly: true, Client: emulator.InProcess(rec)})
	if _, body := backend(t, reader, "GET", "/users/count", nil); decode(t, body)["total_count"] != 6.0 {
		t.Errorf("the users there are %s, want 6", body)
	}
	if _, err := reader.SignIn("user_dev_ada"); err == nil {
		t.Error("it signs somebody in")
	}
	if status, body := backend(t, reader, "DELETE", "/users/user_dev_ada", nil); status != http.StatusInternalServerError || strings.Contains(body, file) {
		t.Errorf("deleting somebody = %d %s, want 500", status, body)
	}
	reader.DeliverTo(endpoint)
	flush(t, reader)
	reader.Close()
	after, err := os.ReadFile(file)
	if err != nil || !bytes.Equal(after, before) || len(rec.types()) > 0 {
		t.Errorf("the file has changed, or %d webhooks were sent; %v", len(rec.types()), err)
	}
	if _, err := writer.CreateUser("newer@example.com"); err != nil {
		t.Errorf("the one that has the file goes on with %v", err)
	}
}

// What a kill leaves behind half-written is gone with the next change.
func TestHalfWrittenStateFile(t *testing.T) {
	dir := t.TempDir()
	file, part := filepath.Join(dir, "clerk.json"), filepath.Join(dir, "clerk.json.new")
	if err := os.WriteFile(part, []byte(`{"SecretKey":`), 0o644); err != nil {
		t.Fatal(err)
	}
	newEmulator(t, emulator.Options{StateFile: file})
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the state file is %v, %v; want mode 0600", info, err)
	}
	if _, err := os.Stat(part); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the half is still there: %v", err)
	}
}

// A state file of a program that knew neither passwords nor metadata.
func TestOldStateFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "clerk.json")
	first := newEmulator(t, emulator.Options{StateFile: file})
	cookies, err := first.SignIn("user_dev_katherine")
	if err != nil {
		t.Fatal(err)
	}
	first.Close()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	old := decode(t, string(text))
	for _, u := range old["Users"].(object) {
		for _, name := range []string{"Password", "Metadata", "LastSignInAt"} {
			delete(u.(object), name)
		}
	}
	for _, s := range old["Sessions"].(object) {
		delete(s.(object), "RefreshToken")
	}
	if text, err = json.Marshal(old); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}

	e := newEmulator(t, emulator.Options{StateFile: file})
	b := newBrowser(t, newSite(t, e))
	b.client.Jar.SetCookies(b.origin(), cookies)
	b.wantUser("with the old session", "user_dev_katherine")
	v := newVisitor(t, e)
	v.must("POST", "/client/sign_ins", "identifier", "katherine", "strategy", "password", "password", emulator.ReadyPassword)
	if role := v.must("GET", "/me")["public_metadata"].(object)["role"]; role != "moderator" {
		t.Errorf("the role is %v", role)
	}
}

// What somebody typed as a password is not in the state file.
func TestPasswordsAreNotKept(t *testing.T) {
	file := filepath.Join(t.TempDir(), "clerk.json")
	e := newEmulator(t, emulator.Options{StateFile: file})
	v := newVisitor(t, e)
	v.enter("user_dev_ada")
	const secret = "correct horse battery"
	v.must("POST", "/me/change_password", "current_password", emulator.ReadyPassword, "new_password", secret)
	v.must("POST", "/client/sign_ups", "email_address", "new@example.com", "password", secret)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), secret) || strings.Contains(string(text), emulator.ReadyPassword) || strings.Contains(string(text), "new@example.com") {
		t.Errorf("the state file holds a password, or who has not signed up: %s", text)
	}
}

func TestStateFileOfTheOtherKind(t *testing.T) {
	for kind, key := range kinds {
		file := filepath.Join(t.TempDir(), "clerk.json")
		newEmulator(t, emulator.Options{StateFile: file, PublishableKey: key}).Close()
		for other, key := range kinds {
			e, err := emulator.New(emulator.Options{StateFile: file, PublishableKey: key})
			if kind == other && err != nil || kind != other && (err == nil || !strings.Contains(err.Error(), file+" belongs to the other kind")) {
				t.Errorf("a %s instance takes the file of a %s one with %v", other, kind, err)
			}
			if e != nil {
				e.Close()
			}
		}
	}
}

func TestDamagedStateFile(t *testing.T) {
	for _, text := range []string{"", "{", "null", "[]", `{"Users":{}}`, `{"InstanceID":"ins_1","SecretKey":"sk_test_1","WebhookSecret":"","SigningKey":"x","Users":{},"Sessions":{}}`} {
		file := filepath.Join(t.TempDir(), "clerk.json")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := emulator.New(emulator.Options{StateFile: file}); err == nil || !strings.Contains(err.Error(), "remove "+file) {
			t.Errorf("a state file with %q gives the error %v", text, err)
		}
		if kept, _ := os.ReadFile(file); string(kept) != text {
			t.Errorf("a state file with %q was overwritten", text)
		}
	}
}

// What cannot be kept has not happened.
func TestStateThatCannotBeKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "dir")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	e := newEmulator(t, emulator.Options{StateFile: filepath.Join(dir, "clerk.json")})
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := e.CreateUser("new@example.com"); err == nil {
		t.Error("a user was made though there is nowhere to keep them")
	}
	v := newVisitor(t, e)
	v.wantFailure(500, "internal_clerk_error", "", "POST", "/client/sign_ins", "strategy", "ticket", "ticket", "user_dev_ada")
	for _, path := range []string{"/__clerk/sign-in", "/__clerk/v1/client/sign_ins?__clerk_db_jwt=" + v.browser} {
		w := serve(e, local("POST", path, "identifier=user_dev_ada&strategy=ticket&ticket=user_dev_ada"))
		if body := w.Body.String(); w.Code != http.StatusInternalServerError || !strings.Contains(body, "could not keep its state") || strings.Contains(body, dir) {
			t.Errorf("POST %s = %d %s, want 500 and no path", path, w.Code, body)
		}
	}
	if n := len(e.Users()); n != 5 {
		t.Errorf("%d users, want 5", n)
	}
}
