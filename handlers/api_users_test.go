package handlers

import (
	"net/http"
	"strings"
	"testing"

	"inkwell/db/dbtest"
)

func TestAPIProfile(t *testing.T) {
	site := newSite(t)
	c := site.as(ada)
	path := "/api/users/1" // she is the first
	first := decode[apiProfile](site.guest().api("GET", path, "").status(http.StatusOK))
	if first.Name != "Ada Lovelace" || first.Bio+first.Quote+first.QuoteBy != "" || first.Role != "member" || first.Suspended {
		t.Errorf("who has said nothing has the profile %+v", first)
	}
	changed := decode[apiProfile](c.api("PATCH", "/api/me", `{"bio":" I *count*.\r\n","quote":"A brain","quote_by":"Ada"}`).status(http.StatusOK))
	if changed.Bio != "I *count*." || !strings.Contains(changed.BioHTML, "<em>count</em>") || changed.Quote != "A brain" || changed.QuoteBy != "Ada" {
		t.Errorf("after a change the profile is %+v", changed)
	}
	site.guest().get("/users/1").shows("#bio", "I count.").shows("#quote", "A brain")
	for _, who := range []*client{site.guest(), site.as(admin), c} {
		a := who.api("GET", path, "").status(http.StatusOK)
		if strings.Contains(a.body, "@") {
			t.Errorf("a profile tells an e-mail address: %s", a.body)
		}
		if got := decode[apiProfile](a); got.ID != changed.ID || got.Quote != changed.Quote || got.Bio != changed.Bio {
			t.Errorf("the profile reads %+v, want %+v", got, changed)
		}
	}
	site.guest().api("GET", "/api/users/99", "").problem(http.StatusNotFound, "nothing here")
	site.guest().api("GET", "/api/users/ada", "").problem(http.StatusNotFound, "nothing here")
}

func TestAPIProfileOfASuspendedUser(t *testing.T) {
	site := newSite(t)
	site.as(moderator).api("PATCH", "/api/me", `{"bio":"Secret","quote":"Secret"}`).status(http.StatusOK)
	data := userData(site.clerkUser(moderator))
	data.Banned, data.UpdatedAt = true, data.UpdatedAt+1
	user, err := site.db.SaveUser(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	got := decode[apiProfile](site.guest().api("GET", "/api"+profilePath(user.ID), "").status(http.StatusOK))
	if !got.Suspended || got.Bio+got.BioHTML+got.Quote+got.QuoteBy != "" || got.Role != "member" || got.Name != "Katherine Johnson" {
		t.Errorf("the profile of a suspended moderator is %+v", got)
	}
}

func TestAPIProfileMerges(t *testing.T) {
	long := func(n int) string { return strings.Repeat("é", n) }
	tests := []struct {
		name, body             string
		wantStatus             int
		wantDetail             string
		wantBio, wantQuote, by string
	}{
		{"nothing", `{}`, 200, "", "Bio", "Quote", "By"},
		{"null", `{"bio":null,"quote":null,"quote_by":null}`, 200, "", "Bio", "Quote", "By"},
		{"bio", `{"bio":"New"}`, 200, "", "New", "Quote", "By"},
		{"bio removed", `{"bio":" \n"}`, 200, "", "", "Quote", "By"},
		{"quote", `{"quote":"New"}`, 200, "", "Bio", "New", "By"},
		{"quote removed", `{"quote":""}`, 200, "", "Bio", "", ""},
		{"name", `{"quote_by":"New"}`, 200, "", "Bio", "Quote", "New"},
		{"name removed", `{"quote_by":""}`, 200, "", "Bio", "Quote", ""},
		{"name alone", `{"quote":"","quote_by":"New"}`, 422, "quote: Write what was said", "Bio", "Quote", "By"},
		{"bio too long", `{"bio":"` + long(maxBio+1) + `","quote":"New"}`, 422, "bio: That is 2001 characters", "Bio", "Quote", "By"},
		{"quote too long", `{"bio":"New","quote":"` + long(maxQuote+1) + `"}`, 422, "quote: That is 301 characters", "Bio", "Quote", "By"},
		{"name of two lines", `{"bio":"New","quote_by":"a\nb"}`, 422, "quote_by: A name is one line", "Bio", "Quote", "By"},
		{"control character", `{"bio":"a\u0000"}`, 422, "bio: ", "Bio", "Quote", "By"},
		{"half a character", `{"quote":"a\ud800"}`, 422, "half of a character", "Bio", "Quote", "By"},
		{"wrong type", `{"bio":true}`, 422, "bio: It has to be a string, and not bool", "Bio", "Quote", "By"},
		{"not JSON", `bio=New`, 400, "not JSON", "Bio", "Quote", "By"},
		{"array", `[]`, 422, "object", "Bio", "Quote", "By"},
		{"what is Clerk's", `{"name":"Eve","role":"admin","email":"e@example.com"}`, 200, "", "Bio", "Quote", "By"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			site := newSite(t)
			c := site.as(ada)
			c.api("PATCH", "/api/me", `{"bio":"Bio","quote":"Quote","quote_by":"By"}`).status(http.StatusOK)
			a := c.api("PATCH", "/api/me", tt.body).status(tt.wantStatus)
			if tt.wantStatus != http.StatusOK {
				a.problem(tt.wantStatus, tt.wantDetail)
			}
			got := decode[apiProfile](c.api("GET", "/api/users/1", "").status(http.StatusOK))
			if got.Bio != tt.wantBio || got.Quote != tt.wantQuote || got.QuoteBy != tt.by || got.Name != "Ada Lovelace" || got.Role != "member" {
				t.Errorf("PATCH %s makes %+v", tt.body, got)
			}
		})
	}
}

// What the API stores the form can show and store again.
func TestAPIProfileAndFormsAgree(t *testing.T) {
	site := newSite(t)
	c := site.as(ada)
	c.api("PATCH", "/api/me", `{"bio":"<b>\n\n\"&amp;\"","quote":"<i>one\ntwo","quote_by":"\"&\""}`).status(http.StatusOK)
	before := dbtest.Value[string](t, site.db, "SELECT bio || quote || quote_by FROM profiles")
	c.submit("/users/1/bio", c.get("/users/1/bio").fields("form#bio")).status(http.StatusSeeOther)
	c.submit("/users/1/quote", c.get("/users/1/quote").fields("form#quote")).status(http.StatusSeeOther)
	if after := dbtest.Value[string](t, site.db, "SELECT bio || quote || quote_by FROM profiles"); after != before {
		t.Errorf("after edits that change nothing the profile is %q, want %q", after, before)
	}
}
