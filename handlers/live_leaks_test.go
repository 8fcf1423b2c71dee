package handlers

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A pipes is a network within the process, whose connections hold nothing: who
// writes waits for who reads.
type pipes struct {
	dialled chan net.Conn
	closed  chan struct{}
}

func newPipes() *pipes { return &pipes{make(chan net.Conn), make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.dialled:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.closed); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

// ask sends a request for a stream and returns the connection with the answer's
// status and what comes after it.
func (p *pipes) ask(c *client, method string, place livePlace) (net.Conn, *bufio.Reader, int, error) {
	near, far := net.Pipe()
	p.dialled <- far
	go c.request(method, place.URL(), "").Write(near)
	lines := bufio.NewReader(near)
	res, err := http.ReadResponse(lines, nil)
	if err != nil {
		return near, lines, 0, err
	}
	return near, lines, res.StatusCode, nil
}

// However a stream ends, nothing of it is left: no place among those that are
// counted, and no goroutine, with which the bubble of the test could not end.
func TestStreamsLeaveNothing(t *testing.T) {
	reads := func(lines *bufio.Reader) { io.Copy(io.Discard, lines) }
	tests := []struct {
		name   string
		end    func(s *testSite, server *http.Server, conn net.Conn, lines *bufio.Reader)
		within time.Duration
	}{
		{"the reader leaves", func(_ *testSite, _ *http.Server, conn net.Conn, _ *bufio.Reader) { conn.Close() }, 0},
		{"the reader takes nothing", func(_ *testSite, _ *http.Server, _ net.Conn, _ *bufio.Reader) {}, heartbeat + sendLimit},
		{"the reader takes a part", func(s *testSite, _ *http.Server, _ net.Conn, lines *bufio.Reader) {
			s.publishPost(1, true, true)
			io.ReadFull(lines, make([]byte, 300))
		}, sendLimit},
		{"it is old", func(_ *testSite, _ *http.Server, _ net.Conn, lines *bufio.Reader) { go reads(lines) }, streamAge * 5 / 4},
		{"its reader is banned", func(s *testSite, _ *http.Server, _ net.Conn, lines *bufio.Reader) {
			go reads(lines)
			s.publish(change{kind: rightsChanged, who: ada})
		}, 0},
		{"the site shuts down", func(_ *testSite, server *http.Server, _ net.Conn, lines *bufio.Reader) {
			go reads(lines)
			server.Shutdown(context.Background())
		}, time.Second},
		{"the server is closed", func(_ *testSite, server *http.Server, _ net.Conn, _ *bufio.Reader) { server.Close() }, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				site, network := newSite(t), newPipes()
				server := &http.Server{Handler: site.Server}
				server.RegisterOnShutdown(site.EndStreams)
				go server.Serve(network)
				defer server.Close()
				post := site.post(grace, "Long", strings.Repeat("word ", 5000), true)
				conns := map[net.Conn]*bufio.Reader{}
				for range 3 {
					conn, lines, status, err := network.ask(site.as(ada), "GET", site.page(post))
					if err != nil || status != http.StatusOK {
						t.Fatal(status, err)
					}
					conns[conn] = lines
				}
				for conn, lines := range conns {
					go tt.end(site, server, conn, lines)
				}
				time.Sleep(tt.within)
				synctest.Wait()
				if site.streams.open != 0 || len(site.streams.from) != 0 {
					t.Errorf("%d streams are counted from %d addresses, want none", site.streams.open, len(site.streams.from))
				}
				for conn := range conns {
					conn.Close()
				}
			})
		})
	}
}

// Who is refused, or asks for the head alone, leaves nothing either.
func TestRefusedStreamsLeaveNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		site, network := newSite(t), newPipes()
		server := &http.Server{Handler: site.Server}
		go server.Serve(network)
		defer server.Close()
		for _, tt := range []struct {
			method string
			limit  int
			want   int
		}{{"GET", 0, http.StatusServiceUnavailable}, {"HEAD", 1, http.StatusOK}} {
			site.streams = newGate(tt.limit, 1)
			conn, _, status, err := network.ask(site.guest(), tt.method, site.here())
			if err != nil && !errors.Is(err, io.EOF) || status != tt.want {
				t.Errorf("%s = %d, %v; want %d", tt.method, status, err, tt.want)
			}
			conn.Close()
			synctest.Wait()
			if site.streams.open != 0 {
				t.Errorf("%s: %d streams are counted", tt.method, site.streams.open)
			}
		}
	})
}
