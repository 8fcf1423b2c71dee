package db

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
)

// listChanged brings the directory up to date with users who have changed.
func (q *Queries) listChanged(ctx context.Context) error {
	ids, err := q.listChangedPeople(ctx, maxIndexed)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := q.listPerson(ctx, id); err != nil {
			return err
		}
		if err := q.forgetChangedPerson(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// listPerson puts a user into the directory as they are now, or takes them out.
func (q *Queries) listPerson(ctx context.Context, id int64) error {
	user, err := q.GetUser(ctx, id)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	key := searchKey(user)
	if key == "" || !user.Active() {
		return q.deletePerson(ctx, id)
	}
	return q.savePerson(ctx, savePersonParams{UserID: id, SearchKey: key})
}

// searchKey is what a user is sorted by and found by: the name, folded, and the
// username on a line of its own, so that nothing is found across the two. It is
// "" for a user of whom Clerk has not told us.
func searchKey(u User) string {
	var username string
	if u.Username != nil {
		username = FoldName(*u.Username)
	}
	name := cmp.Or(FoldName(string(u.Name)), username)
	if name == "" {
		return ""
	}
	return name + "\n" + username
}
