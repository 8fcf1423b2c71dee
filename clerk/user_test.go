package clerk_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"inkwell/clerk"
)

// decode returns the user of a JSON object as the Backend API gives it.
func decode(t *testing.T, object string) (clerk.User, error) {
	t.Helper()
	return newAPI(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, object)
	})).User(t.Context(), "user_1")
}

func value(s *string) string {
	if s == nil {
		return "nil"
	}
	return *s
}

func TestUserFields(t *testing.T) {
	const verified, unverified = `"verification":{"status":"verified"}`, `"verification":{"status":"unverified"}`
	tests := []struct {
		name, fields string
		want         string // email, whether it is verified, name, role
	}{
		{"nothing", ``, "nil false  member"},
		{"nulls", `"first_name":null,"last_name":null,"username":null,"email_addresses":null,"public_metadata":null,"image_url":null,"banned":null`, "nil false  member"},
		{"primary is not the first", `"primary_email_address_id":"b","email_addresses":[{"id":"a","email_address":"a@x",` + verified + `},{"id":"b","email_address":"b@x",` + unverified + `}]`, "b@x false  member"},
		{"first verified", `"primary_email_address_id":null,"email_addresses":[{"email_address":"a@x","verification":null},{"email_address":"b@x",` + verified + `},{"email_address":"c@x",` + verified + `}]`, "b@x true  member"},
		{"none verified", `"email_addresses":[{"id":"","email_address":"a@x",` + unverified + `}],"primary_email_address_id":""`, "nil false  member"},
		{"dangling", `"email_addresses":[],"primary_email_address_id":"a"`, "nil false  member"},
		{"both names", `"first_name":" Ada ","last_name":"Lovelace","username":"ada"`, "nil false Ada Lovelace member"},
		{"last name alone", `"first_name":" ","last_name":"Lovelace"`, "nil false Lovelace member"},
		{"username", `"first_name":"","username":"ada"`, "nil false ada member"},
		{"controls", `"first_name":"A\u0000d\na\u007f"`, "nil false Ada member"},
		{"moderator", `"public_metadata":{"role":"moderator"}`, "nil false  moderator"},
		{"administrator", `"public_metadata":{"role":"admin"}`, "nil false  admin"},
		{"unknown role", `"public_metadata":{"role":"root"}`, "nil false  member"},
		{"role in capitals", `"public_metadata":{"Role":"admin"}`, "nil false  member"},
		{"role of another type", `"public_metadata":{"role":["admin"]}`, "nil false  member"},
		{"metadata of another type", `"public_metadata":"admin"`, "nil false  member"},
		{"what users write themselves", `"unsafe_metadata":{"role":"admin"},"private_metadata":{"role":"admin"}`, "nil false  member"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			u, err := decode(t, strings.TrimSuffix(`{"id":"user_1",`+tt.fields, ",")+"}")
			if got := fmt.Sprint(value(u.Email), " ", u.EmailVerified, " ", u.Name, " ", u.Role); err != nil || got != tt.want {
				t.Errorf("%q, %v, want %q", got, err, tt.want)
			}
		})
	}
}

func TestUserPicture(t *testing.T) {
	for url, want := range map[string]string{
		"https://img.clerk.com/x": "https://img.clerk.com/x",
		"http://img.clerk.com/x":  "",
		"javascript:alert(1)":     "",
		"//img.clerk.com/x":       "",
		"https:/x":                "",
		"https://u:p@h/":          "",
		`https://h/\n`:            "",
	} {
		u, err := decode(t, `{"id":"user_1","image_url":"`+url+`"}`)
		if err != nil || u.ImageURL != want {
			t.Errorf("picture %s: %q, %v, want %q", url, u.ImageURL, err, want)
		}
	}
}

// A wrong type may hide that a user is banned, so nothing of such a user is used.
func TestUserOfWrongTypes(t *testing.T) {
	for _, object := range []string{
		`{}`, `{"id":null}`, `{"id":""}`, `{"id":1}`, `{"ID":"user_1"}`,
		`{"id":"user_1","banned":"true"}`, `{"id":"user_1","locked":1}`, `{"id":"user_1","deprovisioned":{}}`,
		`{"id":"user_1","first_name":1}`, `{"id":"user_1","image_url":[]}`,
		`{"id":"user_1","email_addresses":{}}`, `{"id":"user_1","email_addresses":[1]}`, `{"id":"user_1","email_addresses":[{"email_address":1}]}`,
		`{"id":"user_1","email_addresses":[{"email_address":"a@x","verification":"verified"}]}`,
		`{"id":"user_1","updated_at":"1760000000000"}`, `{"id":"user_1","updated_at":-1}`, `{"id":"user_1","updated_at":0.5}`, `{"id":"user_1","created_at":1e18}`,
	} {
		if u, err := decode(t, object); err == nil {
			t.Errorf("%s: %+v, want an error", object, u)
		}
	}
}
