// Inkwell is a place to write and read posts, run by its owner on one machine.
// README.md says how to start it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"inkwell/clerk/emulator"
	"inkwell/db"
	"inkwell/handlers"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Getenv, os.Stderr)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "inkwell:", err)
		os.Exit(1)
	}
}

// Limits of a connection. An event stream lifts its own write limit.
const (
	headerTimeout   = 5 * time.Second
	readTimeout     = 15 * time.Second
	writeTimeout    = 30 * time.Second
	idleTimeout     = 60 * time.Second
	maxHeader       = 32 << 10 // bytes
	shutdownTimeout = 8 * time.Second
)

// run serves until ctx is done, then lets what is under way finish. It returns
// nil after a clean stop. What it has to say goes to stderr.
func run(ctx context.Context, args []string, getenv func(string) string, stderr io.Writer) error {
	set, err := readSettings(args, getenv, stderr)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", set.addr)
	if err != nil {
		return fmt.Errorf("cannot listen on %s: %w: stop what is there, or choose another address with -addr", set.addr, err)
	}
	defer listener.Close()
	_, err = os.Stat(set.database)
	fresh := errors.Is(err, os.ErrNotExist)
	database, err := db.Open(ctx, set.database)
	if err != nil {
		return err
	}
	p := program{settings: set, db: database, log: newLogger(set, stderr), fresh: fresh}
	err = p.serve(ctx, listener, stderr)
	return errors.Join(err, database.Close())
}

// newLogger writes JSON for machines, and with -dev only what a developer has
// to see, for people.
func newLogger(set settings, stderr io.Writer) *slog.Logger {
	if set.dev {
		return slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	return slog.New(slog.NewJSONHandler(stderr, nil))
}

// A program is what runs between start and stop.
type program struct {
	settings
	db    *db.DB
	log   *slog.Logger
	fresh bool // the database was made just now
}

// serve answers requests on the listener until ctx is done.
func (p *program) serve(ctx context.Context, listener net.Listener, stderr io.Writer) error {
	config, err := p.siteConfig()
	if err != nil {
		return err
	}
	origin := "http://" + listener.Addr().String()
	var standIn *emulator.Emulator // of Clerk; nil without -dev
	if p.dev {
		if standIn, err = emulator.New(emulator.Options{StateFile: p.database + ".clerk.json", Log: p.log}); err != nil {
			return err
		}
		defer standIn.Close()
		config.Clerk, config.WebhookSecrets = standIn.Config(), []string{standIn.WebhookSecret()}
	}
	site, err := handlers.New(config)
	if err != nil {
		return err
	}
	defer site.Close()
	var handler http.Handler = site
	if p.dev {
		handler = standIn.Handler(site)
	}
	server := newHTTPServer(handler)
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	if p.dev {
		if err := p.prepareDemo(ctx, standIn, site, origin); err != nil {
			return err
		}
	}
	site.KeepUp()
	fmt.Fprintln(stderr, p.readyLine(origin))
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		return stopServer(server)
	}
}

// prepareDemo gives a new development database its users and some posts.
func (p *program) prepareDemo(ctx context.Context, standIn *emulator.Emulator, site *handlers.Server, origin string) error {
	standIn.DeliverTo(origin + handlers.WebhookPath)
	if !p.fresh {
		return nil
	}
	if err := site.WriteDemo(ctx, standIn.Users()); err != nil {
		return fmt.Errorf("demo posts: %w", err)
	}
	return nil
}

// readyLine says that requests are answered, and where.
func (p *program) readyLine(origin string) string {
	if p.publicURL != "" {
		return fmt.Sprintf("Inkwell is ready on %s for %s", origin, p.publicURL)
	}
	if p.dev {
		return fmt.Sprintf("Inkwell is ready: %s\nDevelopment: sign in with one click, no account needed. Everything is kept in %s.", origin, p.database)
	}
	return "Inkwell is ready: " + origin
}

func newHTTPServer(handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          log.New(io.Discard, "", 0), // what breaks a connection is no matter of ours
	}
}

// stopServer takes no more requests and waits for those under way.
func stopServer(server *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	err := server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return server.Close()
	}
	return err
}
