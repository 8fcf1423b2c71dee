package db

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

const (
	// MaxCandidates is how many posts that match, the newest ones, are ranked.
	MaxCandidates = 1000

	// sample is how many of the newest posts tell how rare a word is.
	sample = 500

	// searchTime is how long a search may look. On a machine that is not busy
	// few take a twentieth of it; posts and phrases that were made to cost much
	// would take many times as long.
	searchTime = 250 * time.Millisecond

	// maxBeginning is how much of a post's HTML its beginning is taken from, in
	// bytes.
	maxBeginning = 2 << 10
)

// SearchParams says what is searched.
type SearchParams struct {
	Query    Query
	AuthorID int64       // 0: everybody
	After    SearchPlace // the zero place: from the beginning
	Through  SearchPlace // the last page begins behind it; the zero place: there is one
	PageSize int         // less than 1 is 1
	MaxPosts int         // with Through: on all pages together; less than 1 is 1
	Plain    bool        // without marked titles and snippets, which cost most
}

// Found is a part of what a search finds, the best match first.
type Found struct {
	Posts   []FoundPost
	Matches int         // how many posts match, at most MaxCandidates
	Bounded bool        // older posts match too; they are not among Matches
	Late    bool        // time ran out: older posts may match too, and not all matches are marked
	Next    SearchPlace // of the next page; the zero place: there is none
}

// A FoundPost is a post that matches.
type FoundPost struct {
	ID                     int64
	PublishedAt, UpdatedAt Time
	AuthorID               int64
	AuthorName             Text
	AuthorUsername         *string
	AuthorImageURL         Text
	Title                  string
	MarkedTitle            []Piece
	Snippet                []Piece // of the content; empty when that is

	score float64
}

// SearchPosts returns published posts that match a query, ranked by BM25 with a
// word in the title counting more than one in the content, the newest of equals
// first. A search that is gone on with After, or come back to with Through, keeps
// the scores of its first page: no post is shown twice or left out because others
// were written meanwhile. What takes too long is left, and the rest returned. The
// error is ErrPlace when a place is of another query.
func (d *DB) SearchPosts(ctx context.Context, p SearchParams) (Found, error) {
	if p.Query.Empty() {
		return Found{}, nil
	}
	found, err := d.searchPosts(ctx, p)
	if err != nil {
		return Found{}, fmt.Errorf("search posts: %w", err)
	}
	return found, nil
}

func (d *DB) searchPosts(ctx context.Context, p SearchParams) (Found, error) {
	if !p.After.isOf(p.Query) || !p.Through.isOf(p.Query) {
		return Found{}, ErrPlace
	}
	place := p.After
	if place.isZero() {
		place = p.Through
	}
	first := place.isZero()
	if first {
		var err error
		if place.asOf, err = d.getNewestPostID(ctx); err != nil {
			return Found{}, err
		}
	}
	inTime, cancel := context.WithTimeout(ctx, d.searchTime)
	defer cancel()
	rows, err := d.candidates(inTime, searchWordsParams{Expression: p.Query.expression(p.AuthorID), AsOf: place.asOf, Candidates: MaxCandidates + 1})
	if err != nil && !late(ctx, inTime) {
		return Found{}, err
	}
	found := Found{Bounded: len(rows) > MaxCandidates, Matches: min(len(rows), MaxCandidates), Late: err != nil}
	if len(rows) == 0 {
		return found, nil
	}
	if first {
		if place.ranking, err = d.newRanking(ctx, inTime, p.Query, place.asOf, rows[0].Info); err != nil {
			return Found{}, err
		}
	}
	all := place.rank(rows[:found.Matches])
	all = all[p.After.countIn(all):]
	if !p.Through.isZero() {
		p.PageSize = min(p.Through.countIn(all)+p.PageSize, p.MaxPosts)
	}
	p.PageSize = max(p.PageSize, 1)
	err = d.fillPage(ctx, inTime, &found, p, place.ranking, all)
	return found, err
}

// late reports whether the time of a search has run out, and nothing else.
func late(ctx, inTime context.Context) bool { return inTime.Err() != nil && ctx.Err() == nil }

// candidates is searchWords, but keeps what was found before an error.
func (d *DB) candidates(ctx context.Context, p searchWordsParams) ([]searchWordsRow, error) {
	rows, err := d.reader.QueryContext(ctx, searchWords, p.Expression, p.AsOf, p.Candidates)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []searchWordsRow
	for rows.Next() {
		var row searchWordsRow
		if err := rows.Scan(&row.Docid, &row.Info); err != nil {
			return all, err
		}
		all = append(all, row)
	}
	return all, rows.Err()
}

// newRanking looks at how rare the terms are among the newest posts. Of a
// single term it does not matter; those that there is no time for count as if
// all posts had them.
func (d *DB) newRanking(ctx, inTime context.Context, q Query, asOf int64, info matchInfo) (ranking, error) {
	r := ranking{asOf: asOf, average: info.averageLength(), weights: bytes.Repeat([]byte{1}, len(q.terms))}
	if len(q.terms) == 1 {
		return r, nil
	}
	posts := min(int64(info.posts()), sample)
	for i, t := range q.terms {
		having, err := d.countNewest(inTime, countNewestParams{Expression: t.String(), After: asOf - sample, AsOf: asOf})
		if err != nil && late(ctx, inTime) {
			break
		}
		if err != nil {
			return ranking{}, err
		}
		r.weights[i] = rarity(having, max(posts, having))
	}
	return r, nil
}

// fillPage reads the posts to be shown. One that was hidden since it was found is
// left out.
func (d *DB) fillPage(ctx, inTime context.Context, found *Found, p SearchParams, by ranking, all []ranked) error {
	for _, r := range all {
		if len(found.Posts) == p.PageSize {
			last := found.Posts[p.PageSize-1]
			found.Next = SearchPlace{ranking: by, last: ranked{id: last.ID, score: last.score}}
			return nil
		}
		row, err := d.getFoundPost(ctx, r.id)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return err
		}
		found.Late = found.Late || inTime.Err() != nil
		post, err := d.foundPost(ctx, row, p, found.Late)
		if err != nil {
			return err
		}
		post.score = r.score
		found.Posts = append(found.Posts, post)
	}
	return nil
}

// foundPost returns a post as it is shown. In a hurry that is without
// marks in the content, of which the beginning is shown.
func (d *DB) foundPost(ctx context.Context, row getFoundPostRow, p SearchParams, hurry bool) (FoundPost, error) {
	post := FoundPost{
		ID:             row.ID,
		PublishedAt:    row.PublishedAt,
		UpdatedAt:      row.UpdatedAt,
		AuthorID:       row.AuthorID,
		AuthorName:     row.AuthorName,
		AuthorUsername: row.AuthorUsername,
		AuthorImageURL: row.AuthorImageURL,
		Title:          row.Title,
	}
	if p.Plain {
		return post, nil
	}
	post.MarkedTitle = p.Query.mark(row.Title)
	if hurry {
		post.Snippet = Query{}.snippet(plainText(clipBytes(row.ContentHTML, maxBeginning)))
		return post, nil
	}
	poll, err := d.pollText(ctx, row.ID, row.Question)
	post.Snippet = p.Query.snippet(plainText(clipBytes(row.ContentHTML, maxSearched)) + poll)
	return post, err
}
