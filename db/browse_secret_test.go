package db_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"inkwell/db"
	"inkwell/db/dbtest"
)

// Of a secret the browser tells only whether there is one, however it is asked.
func TestSecretsAreKept(t *testing.T) {
	d := dbtest.New(t)
	ada := newUser(t, d, "user_ada")
	post, err := d.CreatePost(t.Context(), db.CreatePostParams{AuthorID: ada.ID, Title: "One", FormKey: "quagga", Published: true})
	check(t, err)
	dbtest.Exec(t, d, "UPDATE posts SET autosaved_by = 'quagga'")
	dbtest.Exec(t, d, "INSERT INTO working_copies (post_id, form_key, version, saved_at, title, content) VALUES (?, 'quagga', 1, 1, '', '')", post.ID)
	dbtest.Exec(t, d, "INSERT INTO webhook_events (svix_id, type, outcome, error, body, received_at) VALUES ('msg_1', 'user.updated', 'dead_letter', 'no', 'quagga', 1)")
	for _, secret := range []struct{ table, column string }{
		{"posts", "form_key"}, {"posts", "autosaved_by"}, {"working_copies", "form_key"}, {"webhook_events", "body"},
	} {
		t.Run(secret.table+" "+secret.column, func(t *testing.T) {
			target := table(t, d, secret.table)
			rows, err := d.Rows(t.Context(), db.RowQuery{Table: target, Limit: 10, Cut: 80})
			check(t, err)
			row, err := d.Row(t.Context(), target, rows[0].Key)
			check(t, err)
			seen := fmt.Sprint(rows, row)
			check(t, d.Export(t.Context(), db.RowQuery{Table: target}, func(r db.Record) error {
				seen += fmt.Sprint(r)
				return nil
			}))
			if strings.Contains(seen, "quagga") || strings.Count(seen, "(kept secret)") < 3 {
				t.Errorf("the browser shows %s", seen)
			}
			for _, q := range []db.RowQuery{{Sort: secret.column}, {Filters: []db.Filter{{Column: secret.column, Op: db.OpHas, Value: "q"}}}} {
				q.Table, q.Limit = target, 10
				if _, err := d.Rows(t.Context(), q); !errors.Is(err, db.ErrNoColumn) {
					t.Errorf("rows chosen by the secret: %v", err)
				}
			}
		})
	}
	posts := table(t, d, "posts")
	check(t, d.DeleteRow(t.Context(), db.RowChange{By: ada.ID, Table: posts, Key: db.Key{post.ID}}))
	if got := audits(t, d); strings.Contains(got, "quagga") || !strings.Contains(got, "(kept secret)") {
		t.Errorf("the log of changes holds %s", got)
	}
}

// The rows of a view are handed over while they are read: of an endless one no
// more than somebody takes.
func TestExportOfView(t *testing.T) {
	d := dbtest.New(t)
	dbtest.Exec(t, d, "CREATE VIEW endless AS WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n) SELECT i FROM n")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	enough, taken := errors.New("enough"), 0
	err := d.Export(ctx, db.RowQuery{Table: table(t, d, "endless")}, func(db.Record) error {
		if taken++; taken == 1000 {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) || taken != 1000 {
		t.Errorf("%d rows and %v", taken, err)
	}
}
