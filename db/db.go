// Package db keeps the data of the program in one SQLite file. All SQL runs
// here.
//
// There are two kinds of handles on the file. Reads are the methods of Queries,
// which sqlc writes from the folder queries; through a DB they run on a pool of
// connections that cannot write. The data browser has one of its own of that
// kind, so that its looks hold up nobody. Every change is a method of DB: one
// transaction on the only connection that can write. It is on disk when the
// method returns without an error; an error means that nothing has changed
// (only a disk that fails in the middle of a commit may leave either).
package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"
)

// A DB is an open database. It is safe for concurrent use.
type DB struct {
	*Queries // reads; bound to the handle that cannot write

	path    string
	file    os.FileInfo // of the open file
	reader  *sql.DB
	browser *sql.DB // reads as the reader does, for looks that may take long
	writer  *sql.DB
	now     func() Time

	patience time.Duration // of a change that waits for others
	lookTime time.Duration // that a look of the data browser may take

	searchTime time.Duration // that a search may look
}

const (
	readers     = 4
	browsers    = 2
	busyTimeout = 5 * time.Second // for other programs that lock the file
	pingTimeout = 2 * time.Second
)

// Open opens the database file at path, which it creates with mode 0600 when
// there is none, and brings it to the newest schema; of several processes that
// do so at once one works and the others wait for it. An error is a sentence
// for the operator: what is wrong with which file, and what to do.
func Open(ctx context.Context, path string) (*DB, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	d, err := open(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("database %s: %w", path, explain(err))
	}
	return d, nil
}

func open(ctx context.Context, path string) (*DB, error) {
	if err := createFile(path); err != nil {
		return nil, err
	}
	if err := migrateFile(ctx, path); err != nil {
		return nil, err
	}
	writer, err := openHandle(path, 1, "_journal_mode=WAL&_synchronous=FULL&_foreign_keys=on&_txlock=immediate")
	if err != nil {
		return nil, err
	}
	const readOnly = "mode=ro&_query_only=on&_synchronous=FULL&_foreign_keys=on"
	reader, err := openHandle(path, readers, readOnly)
	if err != nil {
		return nil, errors.Join(err, writer.Close())
	}
	browser, err := openHandle(path, browsers, readOnly)
	if err != nil {
		return nil, errors.Join(err, reader.Close(), writer.Close())
	}
	d := &DB{Queries: New(reader), path: path, reader: reader, browser: browser, writer: writer, now: now, patience: busyTimeout, lookTime: browseTime, searchTime: searchTime}
	if err := d.check(ctx); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	if d.file, err = os.Stat(path); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// openHandle returns a handle of at most size connections, each of which is
// opened with the same options and kept. It touches nothing yet.
func openHandle(path string, size int, options string) (*sql.DB, error) {
	options += fmt.Sprintf("&_busy_timeout=%d&_stmt_cache_size=64", busyTimeout.Milliseconds())
	dsn := url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: options}
	handle, err := sql.Open("sqlite3", dsn.String())
	if err != nil {
		return nil, err
	}
	handle.SetMaxOpenConns(size)
	handle.SetMaxIdleConns(size)
	return handle, nil
}

// check makes sure that the file can be written, because SQLite would open it
// for reading alone, and that the driver understood the options, because it
// says nothing about those that it does not know.
func (d *DB) check(ctx context.Context) error {
	if _, err := d.writer.ExecContext(ctx, "DELETE FROM schema_migrations WHERE version < 0"); err != nil {
		return err
	}
	const query = `SELECT format('%s %d %d %d %d', journal_mode, synchronous, foreign_keys, query_only, timeout)
FROM pragma_journal_mode, pragma_synchronous, pragma_foreign_keys, pragma_query_only, pragma_busy_timeout`
	for _, check := range []struct {
		handle    *sql.DB
		queryOnly int
	}{{d.writer, 0}, {d.reader, 1}, {d.browser, 1}} {
		want := fmt.Sprintf("wal 2 1 %d %d", check.queryOnly, busyTimeout.Milliseconds())
		var got string
		if err := check.handle.QueryRowContext(ctx, query).Scan(&got); err != nil {
			return err
		}
		if got != want {
			return fmt.Errorf("its settings are %q and not %q: WAL needs a file system on this machine, not a network share", got, want)
		}
	}
	return nil
}

// queue waits for the only connection that can write, as long as SQLite itself
// would wait: who waits longer has given up, and must not find their change
// made later.
func (d *DB) queue(ctx context.Context) (*sql.Conn, error) {
	waiting, cancel := context.WithTimeout(ctx, d.patience)
	defer cancel()
	conn, err := d.writer.Conn(waiting)
	if err != nil && ctx.Err() == nil && waiting.Err() != nil {
		return nil, errQueue
	}
	return conn, err
}

// inPlace returns an error when the file at the path is not the open one any
// more: what is written into a file that was removed is lost when we stop.
func (d *DB) inPlace() error {
	info, err := os.Stat(d.path)
	if err != nil || !os.SameFile(info, d.file) {
		return errMoved
	}
	return nil
}

// Path returns the absolute path of the file.
func (d *DB) Path() string { return d.path }

// Ping returns an error when the database does not answer soon, for reading
// and for writing.
func (d *DB) Ping(ctx context.Context) error {
	if err := d.inPlace(); err != nil {
		return fmt.Errorf("ping database: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	for _, handle := range []*sql.DB{d.reader, d.writer} {
		var version int
		if err := handle.QueryRowContext(ctx, "SELECT version FROM schema_migrations").Scan(&version); err != nil {
			return fmt.Errorf("ping database: %w", err)
		}
	}
	return nil
}

// Close waits for what runs and closes the database; the writer last, because
// only the writer can clear away the write-ahead log.
//
// It leaves no statistics (PRAGMA optimize): those of a young database make
// SQLite sort the whole feed when it has grown, and without any it takes the
// index that the query was written for.
func (d *DB) Close() error { return errors.Join(d.reader.Close(), d.browser.Close(), d.writer.Close()) }

// write runs fn in one transaction, which is rolled back when fn returns an
// error or panics; what is searched changes with it. A context that ends while others write gives the place in
// the queue up; what has begun is carried through, because to watch the context
// costs more than the few statements of a change. So would a sql.Tx, which
// starts a goroutine to watch one.
func (d *DB) write(ctx context.Context, fn func(ctx context.Context, q *Queries) error) error {
	if err := d.inPlace(); err != nil {
		return err
	}
	conn, err := d.queue(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx = context.WithoutCancel(ctx)
	if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	committed := false
	defer func() {
		if !committed {
			conn.ExecContext(ctx, "ROLLBACK") // fails where SQLite has done so by itself
		}
	}()
	q := New(conn)
	if err := fn(ctx, q); err != nil {
		return err
	}
	if err := q.indexChanged(ctx); err != nil {
		return err
	}
	_, err = conn.ExecContext(ctx, "COMMIT")
	committed = err == nil
	return err
}

// purge calls remove, which removes at most batch rows in a transaction, as
// long as there are more, and returns how many rows that were. Other changes
// can be made meanwhile.
func (d *DB) purge(ctx context.Context, remove func(ctx context.Context, q *Queries, batch int64) (int64, error)) (int64, error) {
	const batch = 100
	var total int64
	for {
		var n int64
		err := d.write(ctx, func(ctx context.Context, q *Queries) (err error) {
			n, err = remove(ctx, q, batch)
			return err
		})
		if err != nil {
			return total, err
		}
		total += n
		if n < batch {
			return total, nil
		}
	}
}
