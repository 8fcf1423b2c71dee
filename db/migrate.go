package db

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/golang-migrate/migrate/v4"
	"github.com/golang-migrate/migrate/v4/database/sqlite3"
	"github.com/golang-migrate/migrate/v4/source/iofs"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrateFile brings the database at path to the newest schema, once a time.
func migrateFile(ctx context.Context, path string) (err error) {
	unlock, err := lockFile(ctx, path+".lock")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	handle, err := openForMigration(path)
	if err != nil {
		return err
	}
	defer handle.Close()
	have, err := schemaVersion(ctx, handle)
	if err != nil {
		return err
	}
	want, err := newestVersion()
	if err != nil {
		return err
	}
	if have > want {
		return fmt.Errorf("a newer release of this program has written it (schema %d, this one knows %d): start that release, or restore a backup from before it", have, want)
	}
	if have == want {
		return nil
	}
	return upgrade(ctx, handle, path, have)
}

// openForMigration returns a handle without foreign keys: with them, dropping
// a table that is rebuilt would delete what refers to it.
func openForMigration(path string) (*sql.DB, error) {
	return openHandle(path, 1, "_journal_mode=WAL&_synchronous=FULL&_foreign_keys=off&_txlock=immediate")
}

// schemaVersion returns the number of the last migration, 0 for a new file.
func schemaVersion(ctx context.Context, handle *sql.DB) (version int, err error) {
	var tables, ours int
	err = handle.QueryRowContext(ctx, `SELECT count(*), coalesce(sum(name = 'schema_migrations'), 0) FROM sqlite_schema WHERE type = 'table'`).Scan(&tables, &ours)
	if err != nil {
		return 0, err
	}
	if ours == 0 && tables > 0 {
		return 0, errors.New("it belongs to another program: choose another path")
	}
	if ours == 0 {
		return 0, nil
	}
	var dirty bool
	err = handle.QueryRowContext(ctx, "SELECT version, dirty FROM schema_migrations").Scan(&version, &dirty)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err == nil && dirty {
		err = dirtyError(version)
	}
	return version, err
}

func dirtyError(version int) error {
	return fmt.Errorf("its change to schema %d was broken off and may be half done: put a copy from before it in its place (the file whose name ends in .v%d, or a backup; without either and without data remove the file), then start again", version, version-1)
}

// newestVersion returns the number of the last migration that this program has.
func newestVersion() (int, error) {
	files, err := migrations.ReadDir("migrations") // sorted
	if err != nil {
		return 0, err
	}
	number, _, _ := strings.Cut(files[len(files)-1].Name(), "_")
	return strconv.Atoi(number)
}

// upgrade runs the migrations after version, on a file with data only when a
// copy is made.
func upgrade(ctx context.Context, handle *sql.DB, path string, version int) error {
	if version > 0 {
		if err := copyDatabase(ctx, handle, fmt.Sprintf("%s.v%d", path, version)); err != nil {
			return fmt.Errorf("copy it before changing its schema: %w", err)
		}
	}
	m, err := newMigrator(handle)
	if err != nil {
		return err
	}
	if err := m.Up(); err != nil {
		return fmt.Errorf("change its schema: %w", err)
	}
	return checkForeignKeys(ctx, handle)
}

func newMigrator(handle *sql.DB) (*migrate.Migrate, error) {
	source, err := iofs.New(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	target, err := sqlite3.WithInstance(handle, &sqlite3.Config{})
	if err != nil {
		return nil, err
	}
	return migrate.NewWithInstance("iofs", source, "sqlite3", target)
}

// copyDatabase writes a compact copy to a new file at path, in place of an
// older one.
func copyDatabase(ctx context.Context, handle *sql.DB, path string) error {
	if err := os.RemoveAll(path); err != nil {
		return err
	}
	if err := createFile(path); err != nil { // VACUUM would give it the mode of the umask
		return err
	}
	_, err := handle.ExecContext(ctx, "VACUUM INTO ?", path)
	return err
}

// checkForeignKeys makes sure that every reference leads to a row.
func checkForeignKeys(ctx context.Context, handle *sql.DB) error {
	var table string
	err := handle.QueryRowContext(ctx, `SELECT "table" FROM pragma_foreign_key_check LIMIT 1`).Scan(&table)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	return fmt.Errorf("rows of the table %s refer to rows that are not there: restore a backup", table)
}
