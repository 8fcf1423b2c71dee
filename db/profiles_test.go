package db_test

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"testing"

	"inkwell/db"
	"inkwell/db/dbtest"
)

func bioOf(source string) db.PostContent {
	return db.PostContent{Source: source, HTML: "<p>" + source + "</p>", RenderVersion: 1}
}

// profile returns the profile of a user who is there.
func profile(t *testing.T, d *db.DB, id int64) db.GetProfileRow {
	t.Helper()
	row, err := d.GetProfile(t.Context(), id)
	check(t, err)
	return row
}

func TestProfile(t *testing.T) {
	d, _ := withClock(t)
	ada, ben := newUser(t, d, "user_ada"), newUser(t, d, "user_ben")
	if got, want := profile(t, d, ada.ID), (db.GetProfileRow{User: ada}); got != want {
		t.Errorf("the profile of who has said nothing is %+v, want %+v", got, want)
	}
	check(t, d.SetQuote(t.Context(), ada.ID, "That brain of mine", "Ada"))
	check(t, d.SetBio(t.Context(), ada.ID, bioOf("I count"), 0))
	got := profile(t, d, ada.ID)
	if got.Quote != "That brain of mine" || got.QuoteBy != "Ada" || got.Bio != "I count" || got.BioHTML != "<p>I count</p>" {
		t.Errorf("the profile is %+v", got)
	}
	check(t, d.SetQuote(t.Context(), ada.ID, "", "Nobody"))
	if got := profile(t, d, ada.ID); got.Quote != "" || got.QuoteBy != "" || got.Bio != "I count" {
		t.Errorf("without the quote the profile is %+v", got)
	}
	if got, want := profile(t, d, ben.ID), (db.GetProfileRow{User: ben}); got != want {
		t.Errorf("another's profile is %+v, want %+v", got, want)
	}
	if _, err := d.GetProfile(t.Context(), 99); !errors.Is(err, sql.ErrNoRows) {
		t.Errorf("the profile of nobody: %v, want sql.ErrNoRows", err)
	}
}

// Two windows do not overwrite each other's bio, also when the clock stands
// still.
func TestBioVersions(t *testing.T) {
	d, _ := withClock(t)
	ada := newUser(t, d, "user_ada")
	set := func(text string, version int64) error {
		return d.SetBio(t.Context(), ada.ID, bioOf(text), db.Time(version))
	}
	check(t, set("first", 0))
	seen := profile(t, d, ada.ID).BioUpdatedAt
	if err := set("another first", 0); !errors.Is(err, db.ErrStale) {
		t.Errorf("a second first bio: %v, want ErrStale", err)
	}
	check(t, d.SetQuote(t.Context(), ada.ID, "A quote", "")) // is no change of the bio
	check(t, set("second", seen))
	if err := set("another second", seen); !errors.Is(err, db.ErrStale) {
		t.Errorf("a second second bio: %v, want ErrStale", err)
	}
	if got := profile(t, d, ada.ID); got.Bio != "second" || got.BioUpdatedAt <= seen || got.Quote != "A quote" {
		t.Errorf("the profile is %+v", got)
	}
}

func TestBioRendering(t *testing.T) {
	d, _ := withClock(t)
	ada, ben, eve := newUser(t, d, "user_ada"), newUser(t, d, "user_ben"), newUser(t, d, "user_eve")
	for _, user := range []db.User{ada, ben} {
		check(t, d.SetBio(t.Context(), user.ID, bioOf("text"), 0))
	}
	check(t, d.SetQuote(t.Context(), eve.ID, "Only a quote", ""))
	stale := func(version, after int64) []int64 {
		t.Helper()
		rows, err := d.ListStaleBios(t.Context(), db.ListStaleBiosParams{AfterID: after, Version: version, PageSize: 10})
		check(t, err)
		var ids []int64
		for _, row := range rows {
			ids = append(ids, row.UserID)
		}
		return ids
	}
	if got := append(stale(2, 0), stale(2, ada.ID)...); !slices.Equal(got, []int64{ada.ID, ben.ID, ben.ID}) || len(stale(1, 0)) > 0 {
		t.Errorf("the stale bios are of %v; of the current version %v", got, stale(1, 0))
	}
	at := db.Time(profile(t, d, ada.ID).BioUpdatedAt)
	check(t, d.SetBioRendering(t.Context(), ada.ID, at-1, "too late", 2))
	check(t, d.SetBioRendering(t.Context(), ben.ID, at, "<p>anew</p>", 2))
	if a, b := profile(t, d, ada.ID), profile(t, d, ben.ID); a.BioHTML != "<p>text</p>" || b.BioHTML != "<p>anew</p>" {
		t.Errorf("the bios are %q and %q", a.BioHTML, b.BioHTML)
	}
	if got := stale(2, 0); !slices.Equal(got, []int64{ada.ID}) {
		t.Errorf("the stale bios are of %v then", got)
	}
}

// What a user said of themselves goes with them, whatever deletes them.
func TestDeletionTakesTheProfile(t *testing.T) {
	ways := map[string]func(*testing.T, *db.DB) error{
		"webhook": func(t *testing.T, d *db.DB) error {
			_, err := d.ApplyEvent(t.Context(), db.Event{SvixID: "msg_1", Type: "user.deleted", At: 30, DeletedClerkID: "user_ada"})
			return err
		},
		"here": func(t *testing.T, d *db.DB) error { return d.DeleteUser(t.Context(), "user_ada") },
	}
	for name, remove := range ways {
		t.Run(name, func(t *testing.T) {
			d, _ := withClock(t)
			ada, ben := newUser(t, d, "user_ada"), newUser(t, d, "user_ben")
			for _, user := range []db.User{ada, ben} {
				check(t, d.SetBio(t.Context(), user.ID, bioOf("text"), 0))
				check(t, d.SetQuote(t.Context(), user.ID, "A quote", "Somebody"))
			}
			check(t, remove(t, d))
			if _, err := d.GetProfile(t.Context(), ada.ID); !errors.Is(err, sql.ErrNoRows) {
				t.Errorf("the profile of a deleted user: %v, want sql.ErrNoRows", err)
			}
			if n := dbtest.Value[int](t, d, "SELECT count(*) FROM profiles"); n != 1 {
				t.Errorf("%d profiles are left, want the other's", n)
			}
			if err := d.SetBio(t.Context(), ada.ID, bioOf("back"), 0); !errors.Is(err, db.ErrInactive) {
				t.Errorf("SetBio of a deleted user: %v, want ErrInactive", err)
			}
			if err := d.SetQuote(t.Context(), ada.ID, "Back", ""); !errors.Is(err, db.ErrInactive) {
				t.Errorf("SetQuote of a deleted user: %v, want ErrInactive", err)
			}
		})
	}
}

func TestDeleteUser(t *testing.T) {
	d, clock := withClock(t)
	ada, err := d.SaveUser(t.Context(), db.UserData{ClerkID: "user_ada", Email: ptr("ada@example.com"), Name: "Ada", UpdatedAt: 10})
	check(t, err)
	post := newPost(t, d, ada.ID, "Kept until then")
	check(t, d.DeleteUser(t.Context(), "user_ada"))
	deleted, err := d.GetUser(t.Context(), ada.ID)
	check(t, err)
	if deleted.DeletedAt != clock.at || deleted.Email != nil || deleted.Name != "" {
		t.Errorf("the deleted user is %+v", deleted)
	}
	if _, err := d.GetPost(t.Context(), post.ID); !errors.Is(err, sql.ErrNoRows) {
		t.Errorf("a post of a deleted user: %v, want sql.ErrNoRows", err)
	}
	clock.at++
	check(t, d.DeleteUser(t.Context(), "user_ada"))
	if again, err := d.GetUser(t.Context(), ada.ID); again.DeletedAt != deleted.DeletedAt || err != nil {
		t.Errorf("deleted again, the user is %+v, %v", again, err)
	}
}

func TestPostsOfAnAuthor(t *testing.T) {
	d, clock := withClock(t)
	ada, ben := newUser(t, d, "user_ada"), newUser(t, d, "user_ben")
	var all, published []int64
	for i := range 7 {
		clock.at += db.Time(i % 2)
		newPost(t, d, ben.ID, fmt.Sprint("Ben's ", i))
		post := newPost(t, d, ada.ID, fmt.Sprint("Post ", i))
		all, published = append(all, post.ID), slices.Insert(published, 0, post.ID)
	}
	gone := newPost(t, d, ada.ID, "Deleted")
	check(t, d.DeletePost(t.Context(), gone.ID, ada.ID))
	draft, err := d.CreatePost(t.Context(), db.CreatePostParams{AuthorID: ada.ID, Title: "Draft"})
	check(t, err)

	var got []int64
	page := db.ListPostsOfParams{AuthorID: ada.ID, BeforeAt: db.MaxTime, PageSize: 3}
	for {
		rows, err := d.ListPostsOf(t.Context(), page)
		check(t, err)
		if len(rows) == 0 {
			break
		}
		for _, row := range rows {
			got = append(got, row.ID)
			page.BeforeAt, page.BeforeID = row.PublishedAt, row.ID
		}
	}
	if !slices.Equal(got, published) {
		t.Errorf("ListPostsOf gives %v, want %v", got, published)
	}
	ids, err := d.ListPostIDsOf(t.Context(), ada.ID)
	if want := append(all, gone.ID, draft.ID); err != nil || !slices.Equal(ids, want) {
		t.Errorf("ListPostIDsOf gives %v, %v, want %v", ids, err, want)
	}
	if post, err := d.GetAnyPost(t.Context(), gone.ID); err != nil || post.Title != "Deleted" || post.DeletedAt == 0 {
		t.Errorf("GetAnyPost of a deleted post gives %+v, %v", post, err)
	}
}

func TestRemoveAndRestoreQuote(t *testing.T) {
	d := dbtest.New(t)
	ada := newUser(t, d, "user_ada").ID
	first, second := db.Quote{Text: "First", By: "Ada"}, db.Quote{Text: "First"}
	remove := func(want db.Quote) {
		t.Helper()
		if removed, err := d.RemoveQuote(t.Context(), ada); err != nil || removed != want {
			t.Errorf("RemoveQuote = %+v, %v, want %+v", removed, err, want)
		}
	}
	stands := func(want db.Quote) {
		t.Helper()
		if got := profile(t, d, ada); (db.Quote{Text: got.Quote, By: got.QuoteBy}) != want {
			t.Errorf("the quote is %q by %q, want %+v", got.Quote, got.QuoteBy, want)
		}
	}
	remove(db.Quote{}) // of who has no profile
	check(t, d.RestoreQuote(t.Context(), ada, first))
	stands(first)
	check(t, d.RestoreQuote(t.Context(), ada, first)) // sent twice
	remove(first)
	stands(db.Quote{})
	remove(db.Quote{})
	check(t, d.SetQuote(t.Context(), ada, second.Text, second.By))
	if err := d.RestoreQuote(t.Context(), ada, first); !errors.Is(err, db.ErrStale) {
		t.Errorf("RestoreQuote over another: %v, want ErrStale", err)
	}
	stands(second)
	if _, err := d.RemoveQuote(t.Context(), 99); !errors.Is(err, db.ErrInactive) {
		t.Errorf("RemoveQuote of nobody: %v, want ErrInactive", err)
	}
	if err := d.RestoreQuote(t.Context(), 99, first); !errors.Is(err, db.ErrInactive) {
		t.Errorf("RestoreQuote of nobody: %v, want ErrInactive", err)
	}
}
