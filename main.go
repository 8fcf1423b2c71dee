// Inkwell is a place to write and read posts, run by its owner on one machine.
// README.md says how to start it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"inkwell/clerk/emulator"
	"inkwell/db"
	"inkwell/handlers"
)

func main() {
	debug.SetGCPercent(gcPercent)
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

// gcPercent lets the heap, a few megabytes alive, grow to five times that before
// it is collected: by default that is a good part of the work for a page.
const gcPercent = 400

// Limits of a connection.
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
	if p.dev {
		return p.serveDev(ctx, listener, stderr)
	}
	config, err := p.siteConfig()
	if err != nil {
		return err
	}
	site, err := handlers.New(config)
	if err != nil {
		return err
	}
	defer site.Close()
	return p.answer(ctx, listener, stderr, site, site)
}

// serveDev serves with a stand-in for Clerk on the same origin. A new database
// gets its users and some posts.
func (p *program) serveDev(ctx context.Context, listener net.Listener, stderr io.Writer) error {
	standIn, err := emulator.New(emulator.Options{StateFile: p.database + ".clerk.json", ScriptDir: p.scripts, Log: p.log})
	if err != nil {
		return err
	}
	defer standIn.Close()
	config, err := p.siteConfig()
	if err != nil {
		return err
	}
	config.Clerk, config.WebhookSecrets = standIn.Config(), []string{standIn.WebhookSecret()}
	site, err := handlers.New(config)
	if err != nil {
		return err
	}
	defer site.Close()
	if p.fresh {
		if err := site.WriteDemo(ctx, standIn.Users()); err != nil {
			return fmt.Errorf("demo posts: %w", err)
		}
	}
	standIn.DeliverTo(origin(listener) + handlers.WebhookPath)
	return p.answer(ctx, listener, stderr, site, standIn.Handler(site))
}

func origin(listener net.Listener) string { return "http://" + listener.Addr().String() }

// answer lets handler answer requests, says so, and stops when ctx is done.
func (p *program) answer(ctx context.Context, listener net.Listener, stderr io.Writer, site *handlers.Server, handler http.Handler) error {
	server := newHTTPServer(handler, p.log)
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	site.KeepUp()
	fmt.Fprintln(stderr, p.readyLine(origin(listener)))
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		return stopServer(server)
	}
}

// readyLine says that requests are answered, and where.
func (p *program) readyLine(origin string) string {
	if p.publicURL != "" {
		return fmt.Sprintf("Inkwell is ready on %s for %s", origin, p.publicURL)
	}
	line := "Inkwell is ready: " + origin
	if !p.dev {
		return line
	}
	how := "with one click"
	if p.scripts != "" {
		how = fmt.Sprintf("as ada with the password %s, or with the code %s", emulator.ReadyPassword, emulator.Code)
	}
	return fmt.Sprintf("%s\nDevelopment: sign in %s, no account needed. Everything is kept in %s.", line, how, p.database)
}

func newHTTPServer(handler http.Handler, logger *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelWarn),

		DisableGeneralOptionsHandler: true, // "OPTIONS *" is answered with our headers too
	}
}

// stopServer takes no more requests and waits for those under way. An error
// says that some were cut off.
func stopServer(server *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		return fmt.Errorf("requests were cut off after %s: %w", shutdownTimeout, errors.Join(err, server.Close()))
	}
	return nil
}
