package emulator_test

import (
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"inkwell/clerk/emulator"
)

// numbers returns the numbers of the users whom the events are about, in the
// order of the deliveries.
func (rec *receiver) numbers() []int {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	var list []int
	for _, ev := range rec.events {
		n, err := strconv.Atoi(*ev.User.LastName)
		if err != nil {
			rec.t.Error(err)
		}
		list = append(list, n)
	}
	return list
}

// settled returns an emulator whose ready users the program knows; later events
// are delivered as the options say.
func settled(t *testing.T, o emulator.Options) (*emulator.Emulator, *receiver) {
	t.Helper()
	rec, delivery := &receiver{t: t}, o.Delivery
	o.Client, o.Delivery = emulator.InProcess(rec), emulator.Delivery{}
	e := newEmulator(t, o)
	rec.secret = e.WebhookSecret()
	e.DeliverTo(endpoint)
	flush(t, e)
	rec.events, rec.bodies, rec.ids = nil, nil, nil
	if err := e.SetDelivery(delivery); err != nil {
		t.Fatal(err)
	}
	return e, rec
}

func createUsers(t *testing.T, e *emulator.Emulator, n int) {
	t.Helper()
	if _, err := e.CreateUsers(n); err != nil {
		t.Fatal(err)
	}
}

func TestDelivery(t *testing.T) {
	tests := []struct {
		name             string
		delivery         emulator.Delivery
		wantMin, wantMax int           // of 200 users, whom the program is told of
		wantEach         int           // how often
		wantTook         time.Duration // shuffled, at least
	}{
		{"good day", emulator.Delivery{}, 200, 200, 1, 0},
		{"delay", emulator.Delivery{Delay: time.Minute}, 200, 200, 1, time.Minute},
		{"repeat", emulator.Delivery{Repeat: 2}, 200, 200, 3, 0},
		{"repeat and delay", emulator.Delivery{Repeat: 2, Delay: time.Second}, 200, 200, 3, 2 * time.Second},
		{"shuffle", emulator.Delivery{Shuffle: true}, 200, 200, 1, 0},
		{"shuffle and delay", emulator.Delivery{Shuffle: true, Delay: time.Second}, 200, 200, 1, time.Second},
		{"drop some", emulator.Delivery{Drop: .3}, 110, 170, 1, 0},
		{"drop all", emulator.Delivery{Drop: 1, Repeat: 1}, 0, 0, 0, 0},
		{"everything", emulator.Delivery{Delay: time.Second, Repeat: 1, Shuffle: true, Drop: .3}, 110, 170, 2, 2 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, rec := settled(t, emulator.Options{Delivery: tt.delivery})
				begin := time.Now()
				createUsers(t, e, 200)
				flush(t, e)
				if took := time.Since(begin); took < tt.wantTook || took > tt.wantTook && !tt.delivery.Shuffle {
					t.Errorf("it took %v, want %v", took, tt.wantTook)
				}
				times, order := map[int]int{}, []int{}
				for _, n := range rec.numbers() {
					if times[n]++; times[n] == 1 {
						order = append(order, n)
					}
				}
				if n := len(order); n < tt.wantMin || n > tt.wantMax {
					t.Errorf("the program was told of %d users, want %d to %d", n, tt.wantMin, tt.wantMax)
				}
				for n, got := range times {
					if got != tt.wantEach {
						t.Errorf("the program was told of user %d %d times, want %d", n, got, tt.wantEach)
					}
				}
				if slices.IsSorted(order) == tt.delivery.Shuffle {
					t.Errorf("the order is %v", order)
				}
				if slices.Sort(rec.ids); len(slices.Compact(rec.ids)) != len(order) {
					t.Error("sent again, an event has another id")
				}
			})
		})
	}
}

// Of events that come one after the other, a later one can overtake. One goes
// whenever one is due, so that all are gone when the last one is.
func TestShuffleReachesAllThatWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, rec := settled(t, emulator.Options{Delivery: emulator.Delivery{Delay: time.Minute, Shuffle: true}})
		begin := time.Now()
		for range 50 {
			createUsers(t, e, 1)
			<-time.After(time.Second) // of the bubble's clock
		}
		flush(t, e)
		if got := rec.numbers(); len(got) != 50 || slices.IsSorted(got) {
			t.Errorf("the order is %v", got)
		}
		if took, want := time.Since(begin), 49*time.Second+time.Minute; took != want {
			t.Errorf("it took %v, want %v", took, want)
		}
	})
}

func TestSeed(t *testing.T) {
	sent := func(seed uint64) []int {
		e, rec := settled(t, emulator.Options{Seed: seed, Delivery: emulator.Delivery{Repeat: 1, Shuffle: true, Drop: .5}})
		createUsers(t, e, 50)
		flush(t, e)
		return rec.numbers()
	}
	first := sent(1)
	if again := sent(1); !slices.Equal(first, again) {
		t.Errorf("the same seed gives %v and %v", first, again)
	}
	if other := sent(2); slices.Equal(first, other) {
		t.Errorf("another seed gives the same %v", other)
	}
}

func TestDeliveryChangesWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, rec := settled(t, emulator.Options{Delivery: emulator.Delivery{Delay: time.Hour}})
		createUsers(t, e, 3)
		synctest.Wait()
		if n := len(rec.numbers()); n != 0 {
			t.Errorf("%d events did not wait", n)
		}
		begin, want := time.Now(), emulator.Delivery{Repeat: 1}
		if err := e.SetDelivery(want); err != nil {
			t.Fatal(err)
		}
		flush(t, e)
		if n := len(rec.numbers()); n != 6 || e.Delivery() != want || time.Since(begin) > 0 {
			t.Errorf("%d events after %v by %+v, want 6 at once", n, time.Since(begin), e.Delivery())
		}
	})
}

func TestDeliveryOutOfRange(t *testing.T) {
	e := newEmulator(t, emulator.Options{})
	tests := []struct {
		delivery emulator.Delivery
		good     bool
	}{
		{emulator.Delivery{Delay: time.Hour, Repeat: 20, Drop: 1}, true},
		{emulator.Delivery{Delay: -1}, false},
		{emulator.Delivery{Delay: time.Hour + 1}, false},
		{emulator.Delivery{Repeat: -1}, false},
		{emulator.Delivery{Repeat: 21}, false},
		{emulator.Delivery{Drop: -.1}, false},
		{emulator.Delivery{Drop: 1.1}, false},
		{emulator.Delivery{Drop: math.NaN()}, false},
	}
	for _, tt := range tests {
		before := e.Delivery()
		if err := e.SetDelivery(tt.delivery); (err == nil) != tt.good || !tt.good && e.Delivery() != before {
			t.Errorf("%+v gives the error %v and leaves %+v", tt.delivery, err, e.Delivery())
		}
		if _, err := emulator.New(emulator.Options{Delivery: tt.delivery}); (err == nil) != tt.good {
			t.Errorf("at the start, %+v gives the error %v", tt.delivery, err)
		}
	}
}

// Where nobody listens, the oldest events go, here those of the ready users.
func TestWaitingIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("10,000 webhooks take a while")
	}
	taken := 0
	program := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { taken++ })
	e := newEmulator(t, emulator.Options{Client: emulator.InProcess(program)})
	createUsers(t, e, 10_000)
	e.DeliverTo(endpoint)
	flush(t, e)
	if taken != 10_000 {
		t.Errorf("%d webhooks waited, want 10,000", taken)
	}
}

// With many users the state file is large: it is not written for each event.
func TestStateFileIsWrittenSeldom(t *testing.T) {
	file := filepath.Join(t.TempDir(), "clerk.json")
	synctest.Test(t, func(t *testing.T) {
		var versions []os.FileInfo
		look := func() {
			info, err := os.Stat(file)
			if err != nil {
				t.Error(err)
			} else if n := len(versions); n == 0 || !os.SameFile(versions[n-1], info) {
				versions = append(versions, info)
			}
		}
		program := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { look() })
		e := newEmulator(t, emulator.Options{StateFile: file, Client: emulator.InProcess(program)})
		look()
		createUsers(t, e, 300)
		e.DeliverTo(endpoint)
		flush(t, e)
		look()
		if n := len(versions); n != 3 { // the first, with the users, and without their events
			t.Errorf("the file was written %d times, want 3", n)
		}
	})
}

// What was dropped is gone; what waits or was not taken comes after the next
// start.
func TestDeliveryAcrossAStart(t *testing.T) {
	tests := []struct {
		name     string
		delivery emulator.Delivery
		failures int
		want     int // after the next start, of 5
	}{
		{"taken", emulator.Delivery{}, 0, 0},
		{"dropped", emulator.Delivery{Drop: 1}, 0, 0},
		{"refused", emulator.Delivery{}, 1000, 5},
		{"waiting", emulator.Delivery{Delay: time.Hour}, 0, 5},
	}
	for _, tt := range tests {
		file := filepath.Join(t.TempDir(), "clerk.json")
		synctest.Test(t, func(t *testing.T) {
			rec := &receiver{failures: tt.failures}
			e := receive(t, rec, file)
			if err := e.SetDelivery(tt.delivery); err != nil {
				t.Fatal(err)
			}
			e.DeliverTo(endpoint)
			if tt.delivery.Delay == 0 {
				flush(t, e)
			}
			e.Close()
			next := new(receiver)
			e = receive(t, next, file)
			e.DeliverTo(endpoint)
			flush(t, e)
			if n := len(next.types()); n != tt.want {
				t.Errorf("%s: %d are taken after the next start, want %d", tt.name, n, tt.want)
			}
		})
	}
}

// The error of a delivery says the same each time: all that is wrong.
func TestDeliveryProblems(t *testing.T) {
	const want = "emulator: A webhook is sent again 0 to 20 times. The delay is a number of seconds from 0 to 3600. The share that is never sent is from 0 to 100 percent."
	for range 20 {
		_, err := emulator.New(emulator.Options{Delivery: emulator.Delivery{Delay: -1, Repeat: -1, Drop: -1}})
		if err == nil || err.Error() != want {
			t.Fatalf("%v, want %s", err, want)
		}
	}
}
