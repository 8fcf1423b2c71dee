package db_test

import (
	"fmt"
	"testing"

	"inkwell/db"
	"inkwell/db/dbtest"
)

// benchDB returns a database of 200 users and 20,000 posts.
func benchDB(b *testing.B) *db.DB {
	b.Helper()
	d := dbtest.New(b)
	fill(b, d, 200, 20000)
	b.ReportAllocs()
	return d
}

func BenchmarkListPosts(b *testing.B) {
	d := benchDB(b)
	for name, page := range map[string]db.ListPostsParams{
		"first": {BeforeAt: db.MaxTime, PageSize: 20},
		"deep":  {BeforeAt: 1000 * 60000, BeforeID: 1000, PageSize: 20},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if rows, err := d.ListPosts(b.Context(), page); err != nil || len(rows) != 20 {
					b.Fatal(len(rows), err)
				}
			}
		})
	}
}

func BenchmarkGetPost(b *testing.B) {
	d := benchDB(b)
	for i := int64(0); b.Loop(); i++ {
		if _, err := d.GetPost(b.Context(), 1+i%20000); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGetUserByClerkID(b *testing.B) {
	d := benchDB(b)
	for b.Loop() {
		if _, err := d.GetUserByClerkID(b.Context(), "user_77"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCreatePost(b *testing.B) {
	d := benchDB(b)
	for i := 0; b.Loop(); i++ {
		post := db.CreatePostParams{AuthorID: 1, Title: fmt.Sprint("New ", i), Content: "Text", ContentHTML: "<p>Text</p>", Excerpt: "Text", Published: true, FormKey: fmt.Sprint(i)}
		if _, err := d.CreatePost(b.Context(), post); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkApplyEvent(b *testing.B) {
	d := benchDB(b)
	for i := 1; b.Loop(); i++ {
		event := db.Event{SvixID: fmt.Sprint("msg_", i), Type: "user.updated", At: db.Time(i), User: &db.UserData{ClerkID: "user_77", Name: "Name", UpdatedAt: db.Time(i)}}
		if outcome, err := d.ApplyEvent(b.Context(), event); outcome != db.OutcomeApplied {
			b.Fatal(outcome, err)
		}
	}
}

// BenchmarkOpen opens and closes an existing database of 20,000 posts.
func BenchmarkOpen(b *testing.B) {
	path := benchDB(b).Path()
	for b.Loop() {
		d, err := db.Open(b.Context(), path)
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := d.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}
