package db

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/mattn/go-sqlite3"
)

// createFile creates the file at path for this user alone, unless it is there.
// SQLite gives the files that it keeps beside it the same mode.
func createFile(path string) error {
	// A file that is there is not even opened: closing it would end the locks
	// that SQLite holds on it in this process.
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	switch {
	case err == nil:
		return f.Close()
	case errors.Is(err, fs.ErrExist):
		return notFolder(path)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("the folder %s does not exist: create it or choose another", filepath.Dir(path))
	}
	return fmt.Errorf("it cannot be created: let this user write to the folder or choose another (%w)", err)
}

func notFolder(path string) error {
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		return errors.New("that is a folder: give the path of a file in it")
	}
	return err
}

// lockFile waits until this process alone holds the lock of the file at path,
// which it creates. The lock ends with the process at the latest.
func lockFile(ctx context.Context, path string) (unlock func() error, err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("its lock file cannot be opened: let this user write to the folder (%w)", err)
	}
	retry := time.NewTicker(10 * time.Millisecond)
	defer retry.Stop()
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return f.Close, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close())
		}
		select {
		case <-retry.C:
		case <-ctx.Done():
			return nil, errors.Join(fmt.Errorf("wait for %s: %w", path, ctx.Err()), f.Close())
		}
	}
}

// explain adds to an error of SQLite what the operator can do.
func explain(err error) error {
	var e sqlite3.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code {
	case sqlite3.ErrNotADB:
		return fmt.Errorf("the file is no SQLite database: choose another path or restore a backup (%w)", err)
	case sqlite3.ErrCorrupt:
		return fmt.Errorf("the file is damaged: restore a backup (%w)", err)
	case sqlite3.ErrReadonly, sqlite3.ErrCantOpen, sqlite3.ErrPerm:
		return fmt.Errorf("it cannot be written: let this user write to the file and its folder (%w)", err)
	case sqlite3.ErrBusy, sqlite3.ErrLocked:
		return fmt.Errorf("another program locks it: stop that program (%w)", err)
	}
	return err
}
