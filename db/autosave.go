package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// AutosaveParams says of which post a form is, and what stands in it.
type AutosaveParams struct {
	PostID   int64 // 0: of a new post
	AuthorID int64
	FormText
}

// FormText is what stands in a form while somebody types.
type FormText struct {
	FormKey string // tells this form from all others; never ""
	Version Time   // Post.UpdatedAt when the form was opened; 0 of a new post
	Title   string // "": none yet
	Content PostContent
}

// Autosave keeps what stands in a form that nobody has sent yet: of a draft in
// its own place, which it makes when there is none, of a post that is published
// or hidden as its working copy, which nobody else sees. It returns the time from which the
// text is kept. What was sent wins, whichever came first: the error is ErrStale
// when the post was changed, or the form sent, since it was opened, or when
// another form holds the working copy; else it may be sql.ErrNoRows,
// ErrTitleTaken or ErrInactive.
func (d *DB) Autosave(ctx context.Context, p AutosaveParams) (Time, error) {
	var at Time
	err := d.write(ctx, func(ctx context.Context, q *Queries) error {
		if err := requireActive(ctx, q, p.AuthorID); err != nil {
			return err
		}
		post, err := p.post(ctx, q)
		switch {
		case p.PostID == 0 && errors.Is(err, sql.ErrNoRows):
			post, err = d.autosaveNew(ctx, q, p)
		case err == nil && post.HasReaders():
			at, err = d.autosaveCopy(ctx, q, p, post)
			return err
		case err == nil:
			post, err = d.autosaveDraft(ctx, q, p, post)
		}
		at = post.UpdatedAt
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("autosave: %w", err)
	}
	return at, nil
}

// HasReaders reports whether others than its author read a post that is not
// deleted: everybody when it is published, moderators while it is hidden. What is
// typed is not to reach them before it is sent.
func (p Post) HasReaders() bool { return p.Published || p.HiddenAt != 0 }

// post returns the post that the form is of.
func (p AutosaveParams) post(ctx context.Context, q *Queries) (Post, error) {
	if p.PostID != 0 {
		return q.getLivePost(ctx, p.PostID)
	}
	return q.getPostOfForm(ctx, getPostOfFormParams{AuthorID: p.AuthorID, FormKey: Text(p.FormKey)})
}

// autosavedBy reports whether the last change of a post was an autosave of the
// form.
func autosavedBy(post Post, formKey string) bool {
	return formKey != "" && string(post.AutosavedBy) == formKey
}

func (d *DB) autosaveNew(ctx context.Context, q *Queries, p AutosaveParams) (Post, error) {
	draft := d.newPost(CreatePostParams{
		AuthorID: p.AuthorID, Title: p.Title, FormKey: p.FormKey,
		Content: p.Content.Source, ContentHTML: p.Content.HTML, Excerpt: p.Content.Excerpt, RenderVersion: p.Content.RenderVersion,
	})
	draft.AutosavedBy = Text(p.FormKey)
	post, err := q.createPost(ctx, draft)
	return post, titleTaken(err)
}

func (d *DB) autosaveDraft(ctx context.Context, q *Queries, p AutosaveParams, old Post) (Post, error) {
	if old.UpdatedAt != p.Version && !autosavedBy(old, p.FormKey) {
		return old, ErrStale
	}
	if old.Title == p.Title && old.Content == p.Content.Source {
		return old, nil
	}
	post := UpdatePostParams{Title: &p.Title, Content: &p.Content}.apply(old)
	post.AutosavedBy = Text(p.FormKey)
	return post, d.savePost(ctx, q, &post)
}

func (d *DB) autosaveCopy(ctx context.Context, q *Queries, p AutosaveParams, post Post) (Time, error) {
	held, err := q.GetWorkingCopy(ctx, post.ID)
	switch none := errors.Is(err, sql.ErrNoRows); {
	case err != nil && !none:
		return 0, err
	case none && post.UpdatedAt != p.Version, !none && held.FormKey != p.FormKey:
		return 0, ErrStale
	}
	now := d.now()
	text := p.copyOf(post.ID, now)
	err = q.leaveDiscardedCopy(ctx, leaveDiscardedCopyParams{PostID: post.ID, FormKey: text.FormKey, Title: text.Title, Content: text.Content})
	if err != nil {
		return 0, err
	}
	return now, q.saveWorkingCopy(ctx, text)
}

// AddViews adds to the views of posts, by their ids. Posts that are gone are
// passed over.
func (d *DB) AddViews(ctx context.Context, views map[int64]int64) error {
	err := d.write(ctx, func(ctx context.Context, q *Queries) error {
		for id, n := range views {
			if err := q.addViews(ctx, addViewsParams{ID: id, Views: n}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("add views: %w", err)
	}
	return nil
}
