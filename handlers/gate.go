package handlers

import (
	"net/netip"
	"sync"
)

// A gate bounds how many streams are open, in all and from one address. It is
// safe for concurrent use.
type gate struct {
	limit, limitEach int

	mu   sync.Mutex
	open int
	from map[netip.Prefix]int
}

func newGate(limit, limitEach int) *gate {
	return &gate{limit: limit, limitEach: limitEach, from: map[netip.Prefix]int{}}
}

// enter lets a stream from an address in, until leave is called. The error
// says why it may not be.
func (g *gate) enter(address string) (leave func(), err error) {
	household := householdOf(address)
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.open >= g.limit:
		return nil, errStreamsFull
	case g.from[household] >= g.limitEach:
		return nil, errStreamsMany
	}
	g.open++
	g.from[household]++
	return func() { g.leave(household) }, nil
}

func (g *gate) leave(household netip.Prefix) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open--
	g.from[household]--
	if g.from[household] == 0 {
		delete(g.from, household)
	}
}

// householdOf returns the addresses that belong to one line: of IPv6 everybody
// has 2⁶⁴. What is no address belongs to all others that are none.
func householdOf(address string) netip.Prefix {
	addr, err := netip.ParseAddr(address)
	if err != nil {
		return netip.Prefix{}
	}
	bits := addr.BitLen()
	if addr.Is6() {
		bits = 64
	}
	household, _ := addr.Prefix(bits) // so many bits there are
	return household
}
