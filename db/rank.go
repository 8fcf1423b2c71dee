package db

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"
)

// The parameters of BM25, as most use them, and how many times as much a word
// counts in a title.
const (
	saturation  = 1.2
	lengthShare = 0.75
	titleWeight = 4
)

// columns is how many post_search has: title, content and author.
const columns = 3

// A ranking is what the scores of a search go by. The pages of one search share
// it, so that a post has the same score on all of them.
type ranking struct {
	asOf    int64  // the newest post when the search began
	average uint32 // length of a post, in words
	weights []byte // of each term, in sixteenths: rare ones count more
}

// A ranked post is a candidate with its place in the order of what was found.
type ranked struct {
	id    int64
	score float64
}

// compare puts the best first, and of equals the newest.
func (r ranked) compare(other ranked) int {
	return cmp.Or(cmp.Compare(other.score, r.score), cmp.Compare(other.id, r.id))
}

// A matchInfo is what matchinfo('naly') says of a post: how many posts there
// are, the average length of each column, the lengths in this post, and for
// each term the hits in each column.
type matchInfo []byte

func (m matchInfo) at(i int) uint32 { return binary.NativeEndian.Uint32(m[4*i:]) }

func (m matchInfo) posts() uint32 { return m.at(0) }

func (m matchInfo) averageLength() uint32 { return m.at(1) + m.at(2) }

func (m matchInfo) length() uint32 { return m.at(1+columns) + m.at(2+columns) }

func (m matchInfo) hits(term int) (title, content uint32) {
	i := 1 + 2*columns + term*columns
	return m.at(i), m.at(i + 1)
}

// score returns how well a post matches, by BM25. It depends on the ranking and
// the post alone.
func (r ranking) score(m matchInfo) float64 {
	norm := 1 - lengthShare + lengthShare*float64(m.length())/float64(max(r.average, 1))
	var sum float64
	for i, weight := range r.weights {
		title, content := m.hits(i)
		hits := titleWeight*float64(title) + float64(content)
		sum += float64(weight) * hits * (saturation + 1) / (hits + saturation*norm)
	}
	return sum
}

// rank returns the candidates in order.
func (r ranking) rank(rows []searchWordsRow) []ranked {
	all := make([]ranked, len(rows))
	for i, row := range rows {
		all[i] = ranked{id: row.Docid, score: r.score(row.Info)}
	}
	slices.SortFunc(all, ranked.compare)
	return all
}

// rarity returns the weight of a term that so many of the posts have.
func rarity(having, posts int64) byte {
	idf := math.Log(1 + (float64(posts-having)+0.5)/(float64(having)+0.5))
	return byte(min(max(math.Round(16*idf), 1), math.MaxUint8))
}
