package db_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"inkwell/db"
	"inkwell/db/dbtest"
)

// holders returns the tables and columns in which a text stands.
func holders(t *testing.T, d *db.DB, text string) (found []string) {
	t.Helper()
	tables, err := d.Tables(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		if table.Kind == "virtual" {
			continue // its words are in its shadows
		}
		for _, c := range table.Columns {
			query := fmt.Sprintf("SELECT count(*) FROM %q WHERE instr(lower(CAST(%q AS TEXT)), ?)", table.Name, c.Name)
			if dbtest.Value[int64](t, d, query, text) > 0 {
				found = append(found, table.Name+"."+c.Name)
			}
		}
	}
	return found
}

// forgettable stores a post, a poll and a profile with the text "quagga" in all
// that a user writes, and changes and deletes some of it by hand.
func forgettable(t *testing.T, d *db.DB, admin, author db.User) (post db.Post) {
	t.Helper()
	byHand := func(name string, key db.Key, values map[string]any) {
		t.Helper()
		change := db.RowChange{By: admin.ID, Table: table(t, d, name), Key: key, Values: values}
		var err error
		if values != nil {
			err = d.UpdateRow(t.Context(), change)
		} else {
			err = d.DeleteRow(t.Context(), change)
		}
		check(t, err)
	}
	dbtest.Exec(t, d, "INSERT INTO profiles (user_id, bio, quote) VALUES (?, 'My quagga', 'Quagga')", author.ID)
	for i := range 2 {
		var err error
		post, err = d.CreatePost(t.Context(), db.CreatePostParams{AuthorID: author.ID, Title: fmt.Sprint("Quagga ", i), Content: "quagga", ContentHTML: "quagga", Published: true, FormKey: "secret"})
		check(t, err)
		dbtest.Exec(t, d, "INSERT INTO polls (post_id, question) VALUES (?, 'Quagga?')", post.ID)
		dbtest.Exec(t, d, "INSERT INTO poll_options (post_id, label) VALUES (?, 'Quagga')", post.ID)
		byHand("posts", db.Key{post.ID}, map[string]any{"content": "another quagga"})
		if i == 0 {
			byHand("posts", db.Key{post.ID}, nil)
		}
	}
	byHand("profiles", db.Key{author.ID}, map[string]any{"quote": "Two quaggas"})
	return post
}

// What a deleted user wrote is nowhere, and neither is it in the log of what
// administrators did with it, nor are secrets.
func TestNothingIsLeftOfTheDeleted(t *testing.T) {
	d, clock := withClock(t)
	admin, author, other := newUser(t, d, "user_admin"), newUser(t, d, "user_gone"), newUser(t, d, "user_stays")
	forgettable(t, d, admin, author)
	kept := newPost(t, d, other.ID, "Kept")
	check(t, d.UpdateRow(t.Context(), db.RowChange{By: admin.ID, Table: table(t, d, "posts"), Key: db.Key{kept.ID}, Values: map[string]any{"views": int64(7)}}))
	if got := audits(t, d); strings.Contains(got, "secret key") || !strings.Contains(got, `"form_key":"(kept secret)"`) || !strings.Contains(got, "uagga") {
		t.Errorf("the log says %s", got)
	}
	check(t, d.DeleteUser(t.Context(), author.ClerkID))
	for _, holder := range holders(t, d, "quagga") {
		if strings.HasPrefix(holder, "audit_log") {
			t.Errorf("once the user is deleted, %s holds what they wrote", holder)
		}
	}
	clock.at = clock.at.Add(db.PurgeAfter + time.Millisecond)
	_, err := d.PurgePosts(t.Context())
	check(t, err)
	check(t, d.KeepIndex(t.Context()))
	if got := holders(t, d, "quagga"); got != nil {
		t.Errorf("what they wrote is left in %v", got)
	}
	if got := audits(t, d); !strings.Contains(got, `{"views":0`) || strings.Count(got, "\n") < 5 {
		t.Errorf("the log says %s, want that there were changes, and what others' were", got)
	}
}

// A post that was purged is not in the log either.
func TestPurgedPostsLeaveTheLog(t *testing.T) {
	d, clock := withClock(t)
	admin, author := newUser(t, d, "user_admin"), newUser(t, d, "user_stays")
	post := newPost(t, d, author.ID, "Post")
	check(t, d.UpdateRow(t.Context(), db.RowChange{By: admin.ID, Table: table(t, d, "posts"), Key: db.Key{post.ID}, Values: map[string]any{"content": "quagga"}}))
	check(t, d.DeletePost(t.Context(), post.ID, author.ID))
	clock.at = clock.at.Add(db.PurgeAfter + time.Millisecond)
	_, err := d.PurgePosts(t.Context())
	check(t, err)
	if got := holders(t, d, "quagga"); got != nil {
		t.Errorf("what was purged is left in %v", got)
	}
}
