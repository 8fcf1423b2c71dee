package db_test

import (
	"testing"
	"time"

	"inkwell/db"
)

func TestTime(t *testing.T) {
	zone := time.FixedZone("elsewhere", 3600)
	tests := []struct {
		in   time.Time
		want db.Time
		out  string
	}{
		{time.Date(2026, 11, 21, 1, 2, 3, 4_999_999, zone), 1795219323004, "2026-11-21T00:02:03.004Z"},
		{time.UnixMilli(1), 1, "1970-01-01T00:00:00.001Z"},
		{time.UnixMilli(-1), -1, "1969-12-31T23:59:59.999Z"},
		{time.Time{}, 0, "0001-01-01T00:00:00Z"},
	}
	for _, tt := range tests {
		got := db.TimeOf(tt.in)
		if out := got.Time().Format(time.RFC3339Nano); got != tt.want || out != tt.out {
			t.Errorf("TimeOf(%v) = %d, %s, want %d, %s", tt.in, got, out, tt.want, tt.out)
		}
	}
	if got := db.Time(1000).Add(1500 * time.Microsecond); got != 1001 {
		t.Errorf("Add = %d, want 1001", got)
	}
	for _, src := range []any{int64(7), nil, "seven"} {
		at := db.Time(1)
		err := at.Scan(src)
		if want := map[any]db.Time{int64(7): 7}[src]; at != want || (err != nil) != (src == "seven") {
			t.Errorf("Scan(%v) = %d, %v, want %d", src, at, err, want)
		}
	}
}
