package db

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"math"
	"slices"
)

// A SearchPlace is a place in what a search found, with what its scores went
// by. The zero SearchPlace is the beginning.
type SearchPlace struct {
	ranking
	last ranked // the post before
}

func (p SearchPlace) isZero() bool { return p.last.id == 0 }

// isOf reports whether the place can be one in what the query finds.
func (p SearchPlace) isOf(q Query) bool { return p.isZero() || len(p.weights) == len(q.terms) }

// countIn returns how many of the posts in order come up to the place.
func (p SearchPlace) countIn(all []ranked) int {
	if p.isZero() {
		return 0
	}
	i, there := slices.BinarySearchFunc(all, p.last, ranked.compare)
	if there {
		i++
	}
	return i
}

// String returns the place as ParseSearchPlace reads it, "" for the beginning.
func (p SearchPlace) String() string {
	if p.isZero() {
		return ""
	}
	var b []byte
	for _, n := range []uint64{uint64(p.asOf), uint64(p.average), uint64(p.last.id)} {
		b = binary.AppendUvarint(b, n)
	}
	b = binary.BigEndian.AppendUint64(b, math.Float64bits(p.last.score))
	return base64.RawURLEncoding.EncodeToString(append(b, p.weights...))
}

// ParseSearchPlace reads what String wrote, or returns ErrPlace.
func ParseSearchPlace(s string) (SearchPlace, error) {
	if s == "" {
		return SearchPlace{}, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return SearchPlace{}, ErrPlace
	}
	r := bytes.NewReader(b)
	var numbers [3]uint64
	for i := range numbers {
		if numbers[i], err = binary.ReadUvarint(r); err != nil || numbers[i] > math.MaxInt64 {
			return SearchPlace{}, ErrPlace
		}
	}
	var score [8]byte
	if n, _ := r.Read(score[:]); n < len(score) || r.Len() == 0 || r.Len() > MaxTerms {
		return SearchPlace{}, ErrPlace
	}
	p := SearchPlace{
		ranking: ranking{asOf: int64(numbers[0]), average: uint32(numbers[1]), weights: b[len(b)-r.Len():]},
		last:    ranked{id: int64(numbers[2]), score: math.Float64frombits(binary.BigEndian.Uint64(score[:]))},
	}
	if p.String() != s { // one place, one name
		return SearchPlace{}, ErrPlace
	}
	return p, nil
}
