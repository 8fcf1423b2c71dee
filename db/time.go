package db

import (
	"fmt"
	"math"
	"time"
)

// Time is a moment in UTC to the millisecond, as Unix milliseconds: what the
// database keeps. The zero Time is none at all, NULL or not known.
type Time int64

// MaxTime is after every other Time. The first page of a list comes before it.
const MaxTime Time = math.MaxInt64

// TimeOf returns t cut to the millisecond. The zero time.Time is the zero Time.
func TimeOf(t time.Time) Time {
	if t.IsZero() {
		return 0
	}
	return Time(t.UnixMilli())
}

// now returns the present moment.
func now() Time { return TimeOf(time.Now()) }

// Time returns t in UTC. The zero Time is the zero time.Time.
func (t Time) Time() time.Time {
	if t == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(t)).UTC()
}

// Add returns t moved by d, cut to the millisecond.
func (t Time) Add(d time.Duration) Time { return t + Time(d.Milliseconds()) }

// Scan reads an INTEGER or NULL. It implements sql.Scanner.
func (t *Time) Scan(src any) error {
	n, ok := src.(int64)
	*t = Time(n)
	if !ok && src != nil {
		return fmt.Errorf("a time is a number of milliseconds, not %T", src)
	}
	return nil
}
