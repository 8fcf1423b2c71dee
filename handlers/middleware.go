package handlers

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/gzhttp"
	"github.com/klauspost/compress/gzip"
)

// maxBody is how many bytes a request may carry.
const maxBody = 1 << 20

// middleware wraps next in what every request passes, outermost first: log,
// headers, recover, compression, cross-origin protection, body limit.
func (s *Server) middleware(next http.Handler, publicURL string) (http.Handler, error) {
	protection := http.NewCrossOriginProtection()
	if publicURL != "" {
		if err := protection.AddTrustedOrigin(publicURL); err != nil {
			return nil, err
		}
	}
	protection.SetDenyHandler(s.unguarded(func(http.ResponseWriter, *http.Request) error { return errCrossOrigin }))
	compress, err := gzhttp.NewWrapper(gzhttp.MinSize(1024), gzhttp.CompressionLevel(gzip.BestSpeed))
	if err != nil {
		return nil, err
	}
	h := http.MaxBytesHandler(next, maxBody)
	h = protection.Handler(h)
	h = except(livePath, h, compress(h))
	h = s.recovering(h)
	h = s.withHeaders(h)
	return s.logged(h), nil
}

// except serves one path plainly: what is sent of a stream must not wait for
// more to be compressed with.
func except(path string, plain, other http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == path {
			plain.ServeHTTP(w, r)
			return
		}
		other.ServeHTTP(w, r)
	})
}

// A logEntry is what becomes known of a request for its line in the log.
type logEntry struct {
	id   string
	auth string // why nobody is signed in, in Clerk's words; "" when somebody is
}

type logEntryKey struct{}

// logEntryOf returns the entry of a request, for who answers it to add to.
func logEntryOf(r *http.Request) *logEntry {
	entry, ok := r.Context().Value(logEntryKey{}).(*logEntry)
	if !ok {
		return &logEntry{}
	}
	return entry
}

// requestID names a request in the log and in the answer to an error.
func requestID(r *http.Request) string { return logEntryOf(r).id }

// logged writes one line for each request. It names no query and no header:
// tokens travel in both.
func (s *Server) logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		entry := &logEntry{id: rand.Text()[:12]}
		rec := &recorder{ResponseWriter: w}
		defer func() { s.logRequest(r, entry, rec, time.Since(began)) }() // also when the connection is cut
		next.ServeHTTP(rec, r.WithContext(context.WithValue(r.Context(), logEntryKey{}, entry)))
	})
}

func (s *Server) logRequest(r *http.Request, entry *logEntry, rec *recorder, took time.Duration) {
	level := slog.LevelInfo
	if rec.status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	s.log.LogAttrs(r.Context(), level, "request",
		slog.String("id", entry.id), slog.String("method", r.Method), slog.String("path", r.URL.Path),
		slog.Int("status", rec.status), slog.Int64("bytes", rec.bytes), slog.Duration("took", took),
		slog.String("client", s.clientAddr(r)), slog.String("auth", entry.auth))
}

// A recorder remembers what was answered.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (rec *recorder) WriteHeader(status int) {
	if rec.status == 0 && status >= http.StatusOK {
		rec.status = status
	}
	rec.ResponseWriter.WriteHeader(status)
}

func (rec *recorder) Write(b []byte) (int, error) {
	if rec.status == 0 {
		rec.status = http.StatusOK
	}
	n, err := rec.ResponseWriter.Write(b)
	rec.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (rec *recorder) Unwrap() http.ResponseWriter { return rec.ResponseWriter }

// recovering answers 500 when a handler panics, and logs where. What was
// written already cannot be taken back: the connection is cut.
func (s *Server) recovering(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(v)
			}
			err := fmt.Errorf("panic: %v\n%s", v, debug.Stack())
			if rec, ok := w.(*recorder); ok && rec.status != 0 {
				s.log.Error("failed", "id", requestID(r), "error", err)
				panic(http.ErrAbortHandler)
			}
			s.fail(w, r, err)
		}()
		next.ServeHTTP(w, r)
	})
}

// clientAddr returns the address the request came from: the last one that is
// no trusted proxy.
func (s *Server) clientAddr(r *http.Request) string {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	addr := peer.Addr().Unmap().WithZone("")
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		if !s.trusted(addr) {
			break
		}
		next, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			break
		}
		addr = next.Unmap()
	}
	return addr.String()
}

func (s *Server) trusted(addr netip.Addr) bool {
	return slices.ContainsFunc(s.trustedProxies, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// isHTTPS reports whether the browser speaks HTTPS, to us or to a proxy.
func (s *Server) isHTTPS(r *http.Request) bool {
	return strings.HasPrefix(s.auth.Origin(r), "https:")
}
