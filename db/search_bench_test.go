package db_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"
	"time"

	"inkwell/db"
)

// vocabulary are words of one to five syllables; the first is the commonest.
func vocabulary(random *rand.Rand) []string {
	all := make([]string, 30_000)
	for i := range all {
		for range 1 + random.IntN(5) {
			all[i] += string("bcdfghklmnprst"[random.IntN(14)]) + string("aeiou"[random.IntN(5)])
		}
	}
	all[0] = "common"
	return all
}

// benchSearch returns a database of 100,000 posts, each of which holds the word
// everywhere, of 1,000 authors.
func benchSearch(b *testing.B) *db.DB {
	b.Helper()
	d := hasty(b)
	random := rand.New(rand.NewPCG(1, 2))
	words := vocabulary(random)
	zipf := rand.NewZipf(random, 1.1, 5, uint64(len(words)-1))
	text := func(n int) string {
		all := make([]string, n)
		for i := range all {
			all[i] = words[zipf.Uint64()]
		}
		return strings.Join(all, " ")
	}
	tx, err := d.Writer().Begin()
	if err != nil {
		b.Fatal(err)
	}
	for i := range 1000 {
		_, err = tx.Exec("INSERT INTO users (clerk_id, name, created_at, updated_at) VALUES (?, ?, 1, 1)", fmt.Sprint("user_", i), text(2))
		if err != nil {
			b.Fatal(err)
		}
	}
	for i := range 100_000 {
		_, err = tx.Exec(`INSERT INTO posts (author_id, title, published, created_at, updated_at, published_at, content, content_html) VALUES (?, ?, 1, ?, ?, ?, '', ?)`,
			1+i%1000, fmt.Sprint(text(5), " ", i), i+1, i+1, i+1, "<p>everywhere "+text(80)+"</p>")
		if err != nil {
			b.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		b.Fatal(err)
	}
	keepIndex(b, d)
	return d
}

// keepIndex has the index come to what was written past it.
func keepIndex(t testing.TB, d *db.DB) {
	t.Helper()
	if err := d.KeepIndex(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// BenchmarkSearchPosts searches 100,000 posts of about 80 words.
func BenchmarkSearchPosts(b *testing.B) {
	d := benchSearch(b)
	for _, q := range []struct {
		name, typed string
		author      int64
	}{
		{"commonest word", "common ", 0},
		{"word of all", "everywhere ", 0},
		{"prefix of all", "every", 0},
		{"prefix of one letter", "c", 0},
		{"two common words", "everywhere common ", 0},
		{"four and a prefix", "everywhere common everywhere c", 0},
		{"phrase of common words", `"everywhere common"`, 0},
		{"phrase that is nowhere", `"common everywhere"`, 0},
		{"rare word", "99999 ", 0},
		{"common and rare", "everywhere 99999 ", 0},
		{"nothing", "zebrazebra ", 0},
		{"common and nothing", "common zebrazebra ", 0},
		{"prefix of an author", "c", 7},
		{"sixteen common prefixes", "b c d f g h k l m n p r s t ba c", 0},
	} {
		p := db.SearchParams{Query: db.ParseQuery(q.typed), AuthorID: q.author, PageSize: 20}
		b.Run(q.name, func(b *testing.B) {
			b.ReportAllocs()
			defer reportCPU(b)()
			for b.Loop() {
				if _, err := d.SearchPosts(b.Context(), p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkSearchLongPosts finds 20 posts of the largest size, whose snippets
// cost more than the search.
func BenchmarkSearchLongPosts(b *testing.B) {
	d := hasty(b)
	ada := newUser(b, d, "user_ada")
	const size = 40_000 // code points
	for i := range 20 {
		for _, text := range []string{"a ", "слово ещё ", "東京"} {
			write(b, d, ada.ID, fmt.Sprint("Long ", text, i), "<p>"+strings.Repeat(text, size/len([]rune(text)))+" finis</p>")
		}
	}
	for name, typed := range map[string]string{
		"word":       "a ",
		"phrases":    `a "a a" "a a a" "a a a a" "a a a a a" "a a a a a a" `,
		"not all":    `слово "слово ещё" long `,
		"unspaced":   "東京",
		"at the end": "finis ",
	} {
		p := db.SearchParams{Query: db.ParseQuery(typed), PageSize: 20}
		b.Run(name, func(b *testing.B) {
			defer reportCPU(b)()
			for b.Loop() {
				if _, err := d.SearchPosts(b.Context(), p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// reportCPU begins to measure what the process computes, which what it returns
// reports for each operation.
func reportCPU(b *testing.B) func() {
	b.Helper()
	began := cpuTime(b)
	return func() { b.ReportMetric(float64((cpuTime(b)-began).Microseconds())/float64(b.N), "cpu-us/op") }
}

// cpuTime is what the process has computed so far.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// BenchmarkListPeople looks for people among 10,000.
func BenchmarkListPeople(b *testing.B) {
	d := hasty(b)
	random := rand.New(rand.NewPCG(1, 2))
	words := vocabulary(random)
	tx, err := d.Writer().Begin()
	if err != nil {
		b.Fatal(err)
	}
	for i := range 10_000 {
		_, err := tx.Exec("INSERT INTO users (clerk_id, name, username, created_at, updated_at) VALUES (?, ?, ?, 1, 1)",
			fmt.Sprint("user_", i), words[random.IntN(len(words))]+" "+words[random.IntN(len(words))], fmt.Sprint("user", i))
		if err != nil {
			b.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		b.Fatal(err)
	}
	keepIndex(b, d)
	for name, p := range map[string]db.ListPeopleParams{
		"first page": {},
		"middle":     {AfterKey: "m", AfterID: 1},
		"one":        {Search: "user9876"},
		"nobody":     {Search: "nobody here"},
	} {
		p.PageSize = 41
		b.Run(name, func(b *testing.B) {
			defer reportCPU(b)()
			for b.Loop() {
				if _, err := d.ListPeople(b.Context(), p); err != nil {
					b.Fatal(err)
				}
				if _, err := d.CountPeople(b.Context(), p.Search); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
