package db_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// SQLite prepares a query anew each time when its LIMIT is a bare parameter: it
// would plan by the number. That is a third of what a page of the feed costs.
func TestQueriesStayPrepared(t *testing.T) {
	files, err := filepath.Glob("../queries/*.sql")
	check(t, err)
	if len(files) == 0 {
		t.Fatal("there are no queries")
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		check(t, err)
		if strings.Contains(string(text), "LIMIT sqlc.arg(") {
			t.Errorf("%s has a bare LIMIT: write LIMIT CAST(sqlc.arg(page_size) AS BIGINT)", filepath.Base(name))
		}
	}
}
