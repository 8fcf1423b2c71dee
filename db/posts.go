package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

const (
	// UndoPeriod is how long a deleted post can be restored by who deleted it, and
	// a discarded working copy by the author.
	UndoPeriod = 10 * time.Minute

	// PurgeAfter is how long a deleted post is kept.
	PurgeAfter = 30 * 24 * time.Hour
)

// CreatePostParams describes a new post.
type CreatePostParams struct {
	AuthorID      int64
	Title         string // "": untitled, of a draft only
	Content       string // Markdown
	ContentHTML   string // Content, rendered by RenderVersion and sanitised
	Excerpt       string // of Content, as plain text
	RenderVersion int64
	Published     bool
	FormKey       string    // the same each time the same form is sent; "": no form
	Poll          *PollText // nil: none
}

// CreatePost stores a new post. When the author's post of the same FormKey,
// title and content is there already, or a draft that Autosave made of that
// form, CreatePost returns that one, changed to what it is to be now, with its
// poll. The error may be ErrTitleTaken, ErrUntitled, ErrPollInUse, ErrInactive
// or ErrHidden.
func (d *DB) CreatePost(ctx context.Context, p CreatePostParams) (Post, error) {
	if p.Published && p.Title == "" {
		return Post{}, fmt.Errorf("create post: %w", ErrUntitled)
	}
	var post Post
	err := d.write(ctx, func(ctx context.Context, q *Queries) error {
		err := requireActive(ctx, q, p.AuthorID)
		if err != nil {
			return err
		}
		if post, err = formPost(ctx, q, p); errors.Is(err, sql.ErrNoRows) {
			return d.insertPost(ctx, q, p, &post)
		}
		if err != nil {
			return err
		}
		changed, err := setPoll(ctx, q, post.ID, p.Poll)
		sent := p.onto(post)
		if err != nil || !changed && sent == post {
			return err
		}
		post = sent
		return d.savePost(ctx, q, &post)
	})
	if err != nil {
		return Post{}, fmt.Errorf("create post: %w", err)
	}
	return post, nil
}

func (d *DB) insertPost(ctx context.Context, q *Queries, p CreatePostParams, post *Post) (err error) {
	if *post, err = q.createPost(ctx, d.newPost(p)); err != nil {
		return titleTaken(err)
	}
	if p.Poll == nil {
		return nil
	}
	return insertPoll(ctx, q, post.ID, *p.Poll)
}

func requireActive(ctx context.Context, q *Queries, userID int64) error {
	user, err := q.GetUser(ctx, userID)
	if errors.Is(err, sql.ErrNoRows) || err == nil && !user.Active() {
		return ErrInactive
	}
	return err
}

// formPost returns what the form made when it was sent before, or by itself.
func formPost(ctx context.Context, q *Queries, p CreatePostParams) (Post, error) {
	if p.FormKey == "" {
		return Post{}, sql.ErrNoRows
	}
	return q.getFormPost(ctx, getFormPostParams{
		AuthorID: p.AuthorID,
		FormKey:  Text(p.FormKey),
		Title:    p.Title,
		Content:  p.Content,
	})
}

// onto returns the post that the form made as it is to be now.
func (p CreatePostParams) onto(post Post) Post {
	content := PostContent{Source: p.Content, HTML: p.ContentHTML, Excerpt: p.Excerpt, RenderVersion: p.RenderVersion}
	return UpdatePostParams{Title: &p.Title, Content: &content, Published: &p.Published}.apply(post)
}

func (d *DB) newPost(p CreatePostParams) createPostParams {
	post := createPostParams{
		AuthorID:      p.AuthorID,
		Title:         p.Title,
		TitleKey:      titleKey(p.Title),
		Content:       p.Content,
		ContentHTML:   p.ContentHTML,
		Excerpt:       p.Excerpt,
		RenderVersion: p.RenderVersion,
		Published:     p.Published,
		FormKey:       Text(p.FormKey),
		CreatedAt:     d.now(),
	}
	if p.Published {
		post.PublishedAt = int64(post.CreatedAt)
	}
	return post
}

// UpdatePostParams says what to change of a post; what is nil stays as it is.
type UpdatePostParams struct {
	ID        int64
	Title     *string
	Content   *PostContent
	Published *bool
	Poll      *PollText // with votes it cannot be changed
	Version   Time      // Post.UpdatedAt as the editor saw it; 0: whatever it is now
	FormKey   string    // of the editor, for what Autosave has saved of it; "": none
}

// PostContent is the content of a post in all its forms.
type PostContent struct {
	Source        string // Markdown
	HTML          string // Source, rendered by RenderVersion and sanitised
	Excerpt       string // of Source, as plain text
	RenderVersion int64
}

// UpdatePost changes a post and returns it as it is then. What Autosave has
// saved of the same form does not count as a change of somebody else, and its
// working copy goes. Each change moves UpdatedAt forward; the first publication
// sets PublishedAt for good. The error may be sql.ErrNoRows, ErrStale,
// ErrTitleTaken, ErrUntitled, ErrPollInUse, ErrInactive or ErrHidden.
func (d *DB) UpdatePost(ctx context.Context, p UpdatePostParams) (Post, error) {
	var post Post
	err := d.write(ctx, func(ctx context.Context, q *Queries) error {
		old, err := q.getLivePost(ctx, p.ID)
		if err == nil {
			err = requireActive(ctx, q, old.AuthorID)
		}
		if err != nil {
			return err
		}
		if p.Version != 0 && p.Version != old.UpdatedAt && !autosavedBy(old, p.FormKey) {
			return ErrStale
		}
		post = p.apply(old)
		if post.Published && post.Title == "" {
			return ErrUntitled
		}
		if err := q.deleteWorkingCopyOf(ctx, deleteWorkingCopyOfParams{PostID: p.ID, FormKey: p.FormKey}); err != nil {
			return err
		}
		changed, err := setPoll(ctx, q, p.ID, p.Poll)
		if err != nil || !changed && post == old {
			return err
		}
		return d.savePost(ctx, q, &post)
	})
	if err != nil {
		return Post{}, fmt.Errorf("update post: %w", err)
	}
	return post, nil
}

// apply returns post with the changes, but not their times.
func (p UpdatePostParams) apply(post Post) Post {
	post.AutosavedBy = ""
	if p.Title != nil {
		post.Title = *p.Title
		post.TitleKey = titleKey(*p.Title)
	}
	if p.Content != nil {
		post.Content = p.Content.Source
		post.ContentHTML = p.Content.HTML
		post.Excerpt = p.Content.Excerpt
		post.RenderVersion = p.Content.RenderVersion
	}
	if p.Published != nil {
		post.Published = *p.Published
	}
	return post
}

// savePost sets the times of a changed post and stores it.
func (d *DB) savePost(ctx context.Context, q *Queries, post *Post) error {
	if post.Published && post.HiddenAt != 0 {
		return ErrHidden
	}
	now := d.now()
	if post.Published && post.PublishedAt == 0 {
		post.PublishedAt = now
	}
	post.UpdatedAt = max(now, post.UpdatedAt+1) // the clock may stand still or go back
	err := q.updatePost(ctx, updatePostParams{
		ID:            post.ID,
		Title:         post.Title,
		TitleKey:      post.TitleKey,
		Published:     post.Published,
		UpdatedAt:     post.UpdatedAt,
		PublishedAt:   int64(post.PublishedAt),
		AutosavedBy:   post.AutosavedBy,
		RenderVersion: post.RenderVersion,
		Excerpt:       post.Excerpt,
		Content:       post.Content,
		ContentHTML:   post.ContentHTML,
	})
	return titleTaken(err)
}

// DeletePost hides a post. The user with the id by may restore it for
// UndoPeriod. The error may be sql.ErrNoRows.
func (d *DB) DeletePost(ctx context.Context, id, by int64) error {
	err := d.write(ctx, func(ctx context.Context, q *Queries) error {
		post, err := q.getLivePost(ctx, id)
		if err != nil {
			return err
		}
		if err := q.deletePost(ctx, deletePostParams{ID: id, DeletedBy: &by, DeletedAt: d.now()}); err != nil {
			return err
		}
		return d.logOfOther(ctx, q, ActDelete, by, post)
	})
	if err != nil {
		return fmt.Errorf("delete post: %w", err)
	}
	return nil
}

// RestorePost brings back a post that the user with the id by deleted within
// UndoPeriod. The error may be sql.ErrNoRows or ErrTitleTaken.
func (d *DB) RestorePost(ctx context.Context, id, by int64) (Post, error) {
	var post Post
	err := d.write(ctx, func(ctx context.Context, q *Queries) (err error) {
		since := d.now().Add(-UndoPeriod)
		if post, err = q.restorePost(ctx, restorePostParams{ID: id, DeletedBy: &by, Since: since}); err != nil {
			return titleTaken(err)
		}
		return d.logOfOther(ctx, q, ActUndelete, by, post)
	})
	if err != nil {
		return Post{}, fmt.Errorf("restore post: %w", err)
	}
	return post, nil
}

// PurgePosts removes for good what was deleted more than PurgeAfter ago, and
// returns how many posts that were; the log of changes holds nothing of them any
// more. Other changes can be made meanwhile.
func (d *DB) PurgePosts(ctx context.Context) (int64, error) {
	before := d.now().Add(-PurgeAfter)
	n, err := d.purge(ctx, func(ctx context.Context, q *Queries, batch int64) (int64, error) {
		if err := q.forgetPurgedAudits(ctx, forgetPurgedAuditsParams{PurgeBefore: before, BatchSize: batch}); err != nil {
			return 0, err
		}
		return q.purgePosts(ctx, purgePostsParams{Before: before, BatchSize: batch})
	})
	if err != nil {
		return n, fmt.Errorf("purge posts: %w", err)
	}
	return n, nil
}
