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
	"strings"
	"syscall"
	"time"

	"inkwell/clerk/emulator"
	"inkwell/db"
	"inkwell/handlers"
)

func main() {
	debug.SetGCPercent(gcPercent)
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryGoal)
	}
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

// memoryGoal is where the heap has to be collected more often than that. As many
// streams as may be open, of less than 30 kB each, leave room below it.
const memoryGoal = 270 << 20 // bytes

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
	if len(args) > 0 && args[0] == "sync" {
		return runSync(ctx, args[1:], getenv, stderr)
	}
	set, err := readSettings(args, getenv, stderr)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", set.addr)
	if err != nil {
		return fmt.Errorf("cannot listen on %s: %w: stop what is there, or choose another address with -addr", set.addr, err)
	}
	defer listener.Close()
	database, err := db.Open(ctx, set.database)
	if err != nil {
		return err
	}
	p := program{settings: set, db: database, log: newLogger(set, stderr)}
	err = p.serve(ctx, listener, stderr)
	return errors.Join(err, database.Close())
}

// newLogger writes JSON for machines, and with -dev only what a developer has
// to see, for people.
func newLogger(set settings, stderr io.Writer) *slog.Logger {
	if set.dev {
		return peopleLogger(stderr, slog.LevelWarn)
	}
	return slog.New(slog.NewJSONHandler(stderr, nil))
}

// peopleLogger writes what is at least as bad as level, for people.
func peopleLogger(stderr io.Writer, level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level}))
}

// A program is what runs between start and stop.
type program struct {
	settings
	db  *db.DB
	log *slog.Logger
}

// serve answers requests on the listener until ctx is done.
func (p *program) serve(ctx context.Context, listener net.Listener, stderr io.Writer) error {
	if p.dev {
		return p.serveDev(ctx, listener, stderr)
	}
	site, err := p.site(nil)
	if err != nil {
		return err
	}
	defer site.Close()
	return p.answer(ctx, listener, stderr, site, site)
}

// standIn opens the stand-in for Clerk that belongs to the database; one alone
// may change what it keeps.
func (p *program) standIn(readOnly bool) (*emulator.Emulator, error) {
	return emulator.New(emulator.Options{
		StateFile: p.database + ".clerk.json", ReadOnly: readOnly, ScriptDir: p.scripts, WebhookPage: "/admin/webhooks", Log: p.log,
	})
}

// site returns the site, for the Clerk instance of the settings or, if there is
// one, the stand-in.
func (p *program) site(standIn *emulator.Emulator) (*handlers.Server, error) {
	config, err := p.siteConfig()
	if err != nil {
		return nil, err
	}
	if standIn != nil {
		config.Clerk, config.WebhookSecrets = standIn.Config(), []string{standIn.WebhookSecret()}
		config.DashboardURL = emulator.Prefix + "/webhooks"
	}
	return handlers.New(config)
}

// serveDev serves with a stand-in for Clerk on the same origin. An empty database
// gets its users and some posts.
func (p *program) serveDev(ctx context.Context, listener net.Listener, stderr io.Writer) error {
	standIn, err := p.standIn(false)
	if errors.Is(err, emulator.ErrInUse) {
		return fmt.Errorf("%w, or choose another database with -db", err)
	}
	if err != nil {
		return err
	}
	defer standIn.Close()
	site, err := p.site(standIn)
	if err != nil {
		return err
	}
	defer site.Close()
	if err := site.WriteDemo(ctx, standIn.Users()); err != nil {
		return fmt.Errorf("demo posts: %w", err)
	}
	standIn.DeliverTo(origin(listener) + handlers.WebhookPath)
	return p.answer(ctx, listener, stderr, site, standIn.Handler(site))
}

func origin(listener net.Listener) string { return "http://" + listener.Addr().String() }

// answer lets handler answer requests, says so, and stops when ctx is done.
func (p *program) answer(ctx context.Context, listener net.Listener, stderr io.Writer, site *handlers.Server, handler http.Handler) error {
	server := newHTTPServer(handler, p.log)
	server.RegisterOnShutdown(site.EndStreams)
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

// runSync is the command "inkwell sync": it compares the users with Clerk's
// once, also while the site is served. It takes the settings of the site.
func runSync(ctx context.Context, args []string, getenv func(string) string, stderr io.Writer) error {
	set, err := readSettings(args, getenv, stderr)
	if err != nil {
		return err
	}
	if _, err := os.Stat(set.database); err != nil { // Open would make one
		return fmt.Errorf("there are no users to compare: start the site once, or check -db: %w", err)
	}
	database, err := db.Open(ctx, set.database)
	if err != nil {
		return err
	}
	p := program{settings: set, db: database, log: peopleLogger(stderr, slog.LevelError)}
	return errors.Join(p.sync(ctx, stderr), database.Close())
}

// sync compares the users once, shows on a terminal how far it is, and sums up.
func (p *program) sync(ctx context.Context, stderr io.Writer) error {
	var standIn *emulator.Emulator
	if p.dev {
		var err error
		if standIn, err = p.standIn(true); err != nil {
			return err
		}
		defer standIn.Close()
	}
	site, err := p.site(standIn)
	if err != nil {
		return err
	}
	defer site.Close()
	end := ""
	var report func(db.Sync)
	if isTerminal(stderr) {
		report, end = func(s db.Sync) { fmt.Fprint(stderr, progressLine(s)) }, "\n"
	}
	sync, err := site.SyncUsers(ctx, report)
	fmt.Fprint(stderr, end)
	if ctx.Err() != nil {
		return errors.New("interrupted: start it again within a day, and it goes on where it was")
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(stderr, "Compared %d users with Clerk's: %d were missing here, %d were out of date, %d are gone at Clerk.\n",
		sync.Checked, sync.Added, sync.Changed, sync.Deleted)
	return nil
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

const barWidth = 30

// progressLine says how far a comparison is, over what was said before.
func progressLine(s db.Sync) string {
	deleted := ""
	if s.Deleted > 0 {
		deleted = fmt.Sprintf(", %d deleted", s.Deleted)
	}
	if s.Total == 0 {
		return fmt.Sprintf("\r%d users%s", s.Checked, deleted)
	}
	done := int(min(s.Checked, s.Total) * barWidth / s.Total)
	return fmt.Sprintf("\r[%s%s] %d of %d users%s", strings.Repeat("#", done), strings.Repeat("-", barWidth-done), s.Checked, s.Total, deleted)
}
