package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"html"
	"math"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// maxIndexed is how many posts, and how many users, a change works on besides
// its own: other programs may have changed many, or a user with many posts was
// deleted. KeepIndex comes to the rest.
const maxIndexed = 50

// indexChanged brings the search index and the directory up to date with what
// has changed.
func (q *Queries) indexChanged(ctx context.Context) error {
	changed, err := q.hasChanged(ctx)
	if err != nil {
		return err
	}
	if changed.People {
		if err := q.listChanged(ctx); err != nil {
			return fmt.Errorf("directory: %w", err)
		}
	}
	if changed.Posts {
		if err := q.indexChangedPosts(ctx); err != nil {
			return fmt.Errorf("search index: %w", err)
		}
	}
	return nil
}

func (q *Queries) indexChangedPosts(ctx context.Context) error {
	changes, err := q.listChangedPosts(ctx, maxIndexed)
	if err != nil || len(changes) == 0 {
		return err
	}
	ids := make([]int64, len(changes))
	for i, c := range changes {
		ids[i] = c.PostID
	}
	if err := q.indexPosts(ctx, ids); err != nil {
		return err
	}
	return q.forgetChangedPosts(ctx, changes[len(changes)-1].Place)
}

// indexPosts puts the posts of these ids into the index as they are now, or
// takes them out of it. It sorts the ids: rising ones cost least.
func (q *Queries) indexPosts(ctx context.Context, ids []int64) error {
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		if err := q.unindexPost(ctx, id); err != nil {
			return err
		}
		post, err := q.getIndexedPost(ctx, id)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return err
		}
		poll, err := q.pollText(ctx, id, post.Question)
		if err != nil {
			return err
		}
		err = q.indexPost(ctx, indexPostParams{
			ID:      id,
			Title:   indexed(post.Title),
			Content: indexed(plainText(post.ContentHTML) + poll),
			Author:  authorWord(post.AuthorID),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// pollText returns the poll of a post as it is searched behind the content; ""
// for no question.
func (q *Queries) pollText(ctx context.Context, postID int64, question string) (string, error) {
	if question == "" {
		return "", nil
	}
	options, err := q.ListPollOptions(ctx, postID)
	labels := make([]string, len(options))
	for i, o := range options {
		labels[i] = o.Label
	}
	return " " + question + " " + strings.Join(labels, ", "), err
}

// indexed returns the words of a text as the index keeps them.
func indexed(text string) string {
	var b strings.Builder
	for w := range words(norm.NFC.String(text)) {
		b.WriteString(w.text)
		b.WriteByte(' ')
	}
	return b.String()
}

// plainText returns the text of sanitised HTML, on one line.
func plainText(sanitised string) string {
	var b strings.Builder
	for sanitised != "" {
		text, rest, _ := strings.Cut(sanitised, "<")
		b.WriteString(html.UnescapeString(text))
		tag, after, _ := strings.Cut(rest, ">")
		if !isInline(tag) {
			b.WriteByte(' ')
		}
		sanitised = after
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// isInline reports whether a tag can stand inside a word.
func isInline(tag string) bool {
	name, _, _ := strings.Cut(strings.TrimPrefix(tag, "/"), " ")
	return slices.Contains([]string{"a", "code", "del", "em", "strong"}, name)
}

// KeepIndex completes the search index and the directory for what was written
// before there was an index, by another program, or when words were made in
// another way, or when a change was too large to be worked on at once. It is for
// every start, after the deletion of a user, and now and then; when there is
// nothing to do it costs nothing. Other changes can be made meanwhile. An end of ctx
// loses nothing that was done.
func (d *DB) KeepIndex(ctx context.Context) error {
	for more := true; more; {
		err := d.write(ctx, func(ctx context.Context, q *Queries) (err error) {
			more, err = q.indexMore(ctx)
			return err
		})
		if err != nil {
			return fmt.Errorf("keep index: %w", err)
		}
	}
	if err := d.gatherIndex(ctx); err != nil {
		return fmt.Errorf("keep index: %w", err)
	}
	return nil
}

// gatherIndex brings together the parts that every change has left of the index:
// it makes a search of common words more than twice as quick.
func (d *DB) gatherIndex(ctx context.Context) error {
	const enough = 10_000 // steps for an index of 8 GB
	for range enough {
		scattered, err := d.isScattered(ctx)
		if err != nil || !scattered {
			return err
		}
		if err := d.write(ctx, func(ctx context.Context, q *Queries) error { return q.mergeIndex(ctx) }); err != nil {
			return err
		}
	}
	return nil
}

// indexMore works on some of the posts that the index has not come to yet, and
// reports whether there may be others.
func (q *Queries) indexMore(ctx context.Context) (bool, error) {
	const batch = 100
	progress, err := q.getSearchProgress(ctx)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return false, err
	}
	if progress.Version != searchVersion {
		progress = SearchProgress{Version: searchVersion, BeforeID: math.MaxInt64}
		if err := q.markPeopleChanged(ctx); err != nil {
			return false, err
		}
	}
	ids, err := q.listPostsToIndex(ctx, listPostsToIndexParams{BeforeID: progress.BeforeID, PageSize: batch})
	if err != nil {
		return false, err
	}
	if len(ids) == 0 && progress.BeforeID <= 0 {
		changed, err := q.hasChanged(ctx)
		return changed.Posts || changed.People, err
	}
	progress.BeforeID = 0
	if len(ids) > 0 {
		progress.BeforeID = ids[len(ids)-1]
	}
	if err := q.indexPosts(ctx, ids); err != nil {
		return false, err
	}
	if err := q.clearSearchProgress(ctx); err != nil {
		return false, err
	}
	return true, q.setSearchProgress(ctx, setSearchProgressParams(progress))
}
