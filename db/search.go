package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

const (
	// MaxCandidates is how many posts that match, the newest ones, are ranked.
	MaxCandidates = 1000

	// sample is how many of the newest posts tell how rare a word is.
	sample = 500
)

// SearchParams says what is searched.
type SearchParams struct {
	Query    Query
	AuthorID int64       // 0: everybody
	After    SearchPlace // the zero place: the first page
	PageSize int
	Plain    bool // without marked titles and snippets, which cost most
}

// Found is a page of what a search finds, the best match first.
type Found struct {
	Posts   []FoundPost
	Matches int         // how many posts match, at most MaxCandidates
	Bounded bool        // older posts match too; they are not among Matches
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

// SearchPosts returns a page of the published posts that match a query, ranked
// by BM25 with a word in the title counting more than one in the content, the
// newest of equals first. A search that is gone on with After keeps the scores
// of its first page: no post is shown twice or left out because others were
// written meanwhile. The error is ErrPlace when After is of another query.
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
	place := p.After
	first := place.isZero()
	var err error
	if first {
		place.asOf, err = d.getNewestPostID(ctx)
	} else if len(place.weights) != len(p.Query.terms) {
		err = ErrPlace
	}
	if err != nil {
		return Found{}, err
	}
	rows, err := d.searchWords(ctx, searchWordsParams{Expression: p.Query.expression(p.AuthorID), AsOf: place.asOf, Candidates: MaxCandidates + 1})
	if err != nil || len(rows) == 0 {
		return Found{}, err
	}
	if first {
		if place.ranking, err = d.newRanking(ctx, p.Query, place.asOf, rows[0].Info); err != nil {
			return Found{}, err
		}
	}
	found := Found{Bounded: len(rows) > MaxCandidates}
	rows = rows[:min(len(rows), MaxCandidates)]
	found.Matches = len(rows)
	err = d.fillPage(ctx, &found, p, place, place.rank(rows))
	return found, err
}

// newRanking looks at how rare the terms are among the newest posts. Of a
// single term it does not matter.
func (d *DB) newRanking(ctx context.Context, q Query, asOf int64, info matchInfo) (ranking, error) {
	r := ranking{asOf: asOf, average: info.averageLength(), weights: []byte{1}}
	if len(q.terms) == 1 {
		return r, nil
	}
	r.weights = nil
	posts := min(int64(info.posts()), sample)
	for _, t := range q.terms {
		having, err := d.countNewest(ctx, countNewestParams{Expression: t.String(), After: asOf - sample, AsOf: asOf})
		if err != nil {
			return ranking{}, err
		}
		r.weights = append(r.weights, rarity(having, max(posts, having)))
	}
	return r, nil
}

// fillPage reads the posts of a page. One that was hidden since it was found is
// left out.
func (d *DB) fillPage(ctx context.Context, found *Found, p SearchParams, after SearchPlace, all []ranked) error {
	for _, r := range all {
		if !p.After.isZero() && r.compare(after.last) <= 0 {
			continue
		}
		if len(found.Posts) == p.PageSize {
			last := found.Posts[p.PageSize-1]
			found.Next = SearchPlace{ranking: after.ranking, last: ranked{id: last.ID, score: last.score}}
			return nil
		}
		row, err := d.getFoundPost(ctx, r.id)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return err
		}
		found.Posts = append(found.Posts, newFoundPost(row, p, r.score))
	}
	return nil
}

func newFoundPost(row getFoundPostRow, p SearchParams, score float64) FoundPost {
	post := FoundPost{
		ID:             row.ID,
		PublishedAt:    row.PublishedAt,
		UpdatedAt:      row.UpdatedAt,
		AuthorID:       row.AuthorID,
		AuthorName:     row.AuthorName,
		AuthorUsername: row.AuthorUsername,
		AuthorImageURL: row.AuthorImageURL,
		Title:          row.Title,
		score:          score,
	}
	if !p.Plain {
		post.MarkedTitle = p.Query.mark(row.Title)
		post.Snippet = p.Query.snippet(plainText(clipBytes(row.ContentHTML, maxSearched)))
	}
	return post
}
