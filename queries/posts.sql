-- name: GetPost :one
-- GetPost returns a post, a draft too, what readers see of its author and, of a
-- hidden one, the name of the moderator. A deleted post is sql.ErrNoRows.
SELECT sqlc.embed(posts),
    coalesce(users.name, '') AS author_name,
    users.username AS author_username,
    coalesce(users.image_url, '') AS author_image_url,
    (SELECT count(*) FROM poll_options WHERE poll_options.post_id = posts.id) AS poll_options,
    coalesce(moderators.name, '') AS hidden_by_name,
    moderators.username AS hidden_by_username
FROM posts
JOIN users ON users.id = posts.author_id
LEFT JOIN users AS moderators ON moderators.id = posts.hidden_by
WHERE posts.id = sqlc.arg(id) AND posts.deleted_at IS NULL;

-- name: ListPosts :many
-- ListPosts returns a page of the feed, newest publication first: at most
-- page_size posts after the one with the key (before_at, before_id), its
-- published_at and id. The first page comes before MaxTime.
SELECT posts.id,
    posts.title,
    posts.excerpt,
    posts.published_at,
    posts.updated_at,
    posts.views,
    posts.author_id,
    coalesce(users.name, '') AS author_name,
    users.username AS author_username,
    coalesce(users.image_url, '') AS author_image_url,
    (SELECT count(*) FROM poll_options WHERE poll_options.post_id = posts.id) AS poll_options
FROM posts
JOIN users ON users.id = posts.author_id
WHERE posts.published = 1
  AND posts.deleted_at IS NULL
  AND posts.published_at <= sqlc.arg(before_at)
  AND (posts.published_at < sqlc.arg(before_at) OR posts.id < sqlc.arg(before_id))
ORDER BY posts.published_at DESC, posts.id DESC
LIMIT CAST(sqlc.arg(page_size) AS BIGINT);

-- name: ListPostsOf :many
-- ListPostsOf is ListPosts of one author.
SELECT posts.id,
    posts.title,
    posts.excerpt,
    posts.published_at,
    posts.updated_at,
    posts.views,
    posts.author_id,
    coalesce(users.name, '') AS author_name,
    users.username AS author_username,
    coalesce(users.image_url, '') AS author_image_url,
    (SELECT count(*) FROM poll_options WHERE poll_options.post_id = posts.id) AS poll_options
FROM posts
JOIN users ON users.id = posts.author_id
WHERE posts.author_id = sqlc.arg(author_id)
  AND posts.published = 1
  AND posts.deleted_at IS NULL
  AND posts.published_at <= sqlc.arg(before_at)
  AND (posts.published_at < sqlc.arg(before_at) OR posts.id < sqlc.arg(before_id))
ORDER BY posts.published_at DESC, posts.id DESC
LIMIT CAST(sqlc.arg(page_size) AS BIGINT);

-- name: ListFullPosts :many
-- ListFullPosts is ListPosts with everything that belongs to a post.
SELECT sqlc.embed(posts),
    coalesce(users.name, '') AS author_name,
    users.username AS author_username,
    coalesce(users.image_url, '') AS author_image_url,
    (SELECT count(*) FROM poll_options WHERE poll_options.post_id = posts.id) AS poll_options
FROM posts
JOIN users ON users.id = posts.author_id
WHERE posts.published = 1
  AND posts.deleted_at IS NULL
  AND posts.published_at <= sqlc.arg(before_at)
  AND (posts.published_at < sqlc.arg(before_at) OR posts.id < sqlc.arg(before_id))
ORDER BY posts.published_at DESC, posts.id DESC
LIMIT CAST(sqlc.arg(page_size) AS BIGINT);

-- name: ListFullPostsOf :many
-- ListFullPostsOf returns the page_size latest posts of one author with
-- everything that belongs to them.
SELECT sqlc.embed(posts),
    coalesce(users.name, '') AS author_name,
    users.username AS author_username,
    coalesce(users.image_url, '') AS author_image_url,
    (SELECT count(*) FROM poll_options WHERE poll_options.post_id = posts.id) AS poll_options
FROM posts
JOIN users ON users.id = posts.author_id
WHERE posts.author_id = sqlc.arg(author_id)
  AND posts.published = 1
  AND posts.deleted_at IS NULL
ORDER BY posts.published_at DESC, posts.id DESC
LIMIT CAST(sqlc.arg(page_size) AS BIGINT);

-- name: GetLastPostID :one
-- GetLastPostID returns the highest id of a post, 0 when there is none.
SELECT CAST(coalesce(max(id), 0) AS BIGINT) AS id
FROM posts;

-- name: ListPublicPosts :many
-- ListPublicPosts returns what all readers may see of the posts after the id
-- after_id, up to until_id.
SELECT id, title, updated_at
FROM posts
WHERE id > sqlc.arg(after_id)
  AND id <= sqlc.arg(until_id)
  AND published = 1
  AND deleted_at IS NULL
ORDER BY id;

-- name: ListDrafts :many
-- ListDrafts returns a page of an author's posts that are not published, last
-- changed or hidden first: at most page_size drafts after the one with the key
-- (before_at, before_id), its changed_at and id. The first page comes before
-- MaxTime.
SELECT posts.id, posts.title, posts.excerpt, posts.views, posts.created_at, posts.updated_at, posts.hidden_reason,
    CAST(CASE WHEN posts.hidden_at > posts.updated_at THEN posts.hidden_at ELSE posts.updated_at END AS BIGINT) AS changed_at,
    (SELECT count(*) FROM poll_options WHERE poll_options.post_id = posts.id) AS poll_options
FROM posts
WHERE posts.author_id = sqlc.arg(author_id)
  AND posts.published = 0
  AND posts.deleted_at IS NULL
  AND CASE WHEN posts.hidden_at > posts.updated_at THEN posts.hidden_at ELSE posts.updated_at END <= sqlc.arg(before_at)
  AND (CASE WHEN posts.hidden_at > posts.updated_at THEN posts.hidden_at ELSE posts.updated_at END < sqlc.arg(before_at) OR posts.id < sqlc.arg(before_id))
ORDER BY CASE WHEN posts.hidden_at > posts.updated_at THEN posts.hidden_at ELSE posts.updated_at END DESC, posts.id DESC
LIMIT CAST(sqlc.arg(page_size) AS BIGINT);

-- name: ListFullDrafts :many
-- ListFullDrafts is ListDrafts with everything that belongs to a post.
SELECT sqlc.embed(posts),
    CAST(CASE WHEN posts.hidden_at > posts.updated_at THEN posts.hidden_at ELSE posts.updated_at END AS BIGINT) AS changed_at,
    (SELECT count(*) FROM poll_options WHERE poll_options.post_id = posts.id) AS poll_options
FROM posts
WHERE posts.author_id = sqlc.arg(author_id)
  AND posts.published = 0
  AND posts.deleted_at IS NULL
  AND CASE WHEN posts.hidden_at > posts.updated_at THEN posts.hidden_at ELSE posts.updated_at END <= sqlc.arg(before_at)
  AND (CASE WHEN posts.hidden_at > posts.updated_at THEN posts.hidden_at ELSE posts.updated_at END < sqlc.arg(before_at) OR posts.id < sqlc.arg(before_id))
ORDER BY CASE WHEN posts.hidden_at > posts.updated_at THEN posts.hidden_at ELSE posts.updated_at END DESC, posts.id DESC
LIMIT CAST(sqlc.arg(page_size) AS BIGINT);

-- name: ListPublishedIDs :many
-- ListPublishedIDs returns the ids of what a user has published and not
-- withdrawn, deleted posts and hidden ones too, last changed first: at most
-- page_size.
SELECT posts.id
FROM posts
JOIN users ON users.id = posts.author_id
WHERE users.clerk_id = sqlc.arg(clerk_id) AND (posts.published = 1 OR posts.hidden_at IS NOT NULL)
ORDER BY posts.updated_at DESC, posts.id DESC
LIMIT CAST(sqlc.arg(page_size) AS BIGINT);

-- name: ListStalePosts :many
-- ListStalePosts returns the next page_size posts after the id after_id,
-- deleted ones too, that an older renderer than version rendered, by id. It
-- reads over all posts that it does not return.
SELECT id, updated_at, content
FROM posts
WHERE id > sqlc.arg(after_id) AND render_version < sqlc.arg(version)
ORDER BY id
LIMIT CAST(sqlc.arg(page_size) AS BIGINT);

-- name: ListPostIDsOf :many
-- ListPostIDsOf returns the ids of all posts of an author, also of those that
-- are not published and those that are deleted.
SELECT id
FROM posts
WHERE author_id = sqlc.arg(author_id)
ORDER BY id;

-- name: GetAnyPost :one
-- GetAnyPost returns a post, also one that is deleted.
SELECT *
FROM posts
WHERE id = sqlc.arg(id);

-- name: getLivePost :one
-- getLivePost returns a post that is not deleted.
SELECT *
FROM posts
WHERE id = sqlc.arg(id) AND deleted_at IS NULL;

-- name: getFormPost :one
-- getFormPost returns the post that was made of a form with this key: when it
-- was sent, with this text, or by itself.
SELECT *
FROM posts
WHERE author_id = sqlc.arg(author_id)
  AND form_key = sqlc.arg(form_key)
  AND (title = sqlc.arg(title) AND content = sqlc.arg(content) OR autosaved_by = sqlc.arg(form_key))
  AND deleted_at IS NULL
LIMIT 1;

-- name: createPost :one
-- createPost stores a new post.
INSERT INTO posts (author_id, title, title_key, published, created_at, updated_at, published_at, form_key, autosaved_by, render_version, excerpt, content, content_html)
VALUES (sqlc.arg(author_id), sqlc.arg(title), sqlc.arg(title_key), sqlc.arg(published), sqlc.arg(created_at), sqlc.arg(created_at), NULLIF(CAST(sqlc.arg(published_at) AS BIGINT), 0),
    sqlc.arg(form_key), sqlc.arg(autosaved_by), sqlc.arg(render_version), sqlc.arg(excerpt), sqlc.arg(content), sqlc.arg(content_html))
RETURNING *;

-- name: updatePost :exec
-- updatePost stores what may change of a post.
UPDATE posts
SET title = sqlc.arg(title),
    title_key = sqlc.arg(title_key),
    published = sqlc.arg(published),
    updated_at = sqlc.arg(updated_at),
    published_at = NULLIF(CAST(sqlc.arg(published_at) AS BIGINT), 0),
    autosaved_by = sqlc.arg(autosaved_by),
    render_version = sqlc.arg(render_version),
    excerpt = sqlc.arg(excerpt),
    content = sqlc.arg(content),
    content_html = sqlc.arg(content_html)
WHERE id = sqlc.arg(id);

-- name: GetRenderVersion :one
-- GetRenderVersion returns the version of the renderer that has rendered all
-- posts and bios, 0 when none has.
SELECT CAST(coalesce(max(version), 0) AS BIGINT) AS version
FROM renderings;

-- name: clearRenderVersion :exec
-- clearRenderVersion forgets it.
DELETE FROM renderings;

-- name: setRenderVersion :exec
-- setRenderVersion notes it, after clearRenderVersion.
INSERT INTO renderings (version)
VALUES (sqlc.arg(version));

-- name: setRendering :exec
-- setRendering stores a new rendering of a post that is still the version of
-- updated_at.
UPDATE posts
SET content_html = sqlc.arg(content_html),
    excerpt = sqlc.arg(excerpt),
    render_version = sqlc.arg(render_version)
WHERE id = sqlc.arg(id) AND updated_at = sqlc.arg(updated_at);

-- name: deletePost :exec
-- deletePost marks a post as deleted.
UPDATE posts
SET deleted_at = sqlc.arg(deleted_at), deleted_by = sqlc.arg(deleted_by)
WHERE id = sqlc.arg(id);

-- name: deletePostsOf :exec
-- deletePostsOf hides all posts of an author, for good: nobody may restore
-- them, nor those that were deleted before.
UPDATE posts
SET deleted_at = coalesce(deleted_at, sqlc.arg(deleted_at)), deleted_by = NULL
WHERE author_id = (SELECT id FROM users WHERE clerk_id = sqlc.arg(clerk_id))
  AND (deleted_at IS NULL OR deleted_by IS NOT NULL);

-- name: restorePost :one
-- restorePost brings back a post that the user deleted at since or later.
UPDATE posts
SET deleted_at = NULL, deleted_by = NULL
WHERE id = sqlc.arg(id)
  AND deleted_by = sqlc.arg(deleted_by)
  AND deleted_at >= sqlc.arg(since)
RETURNING *;

-- name: purgePosts :execrows
-- purgePosts removes at most batch_size posts that were deleted before a time.
DELETE FROM posts
WHERE id IN (
    SELECT old.id
    FROM posts AS old
    WHERE old.deleted_at < sqlc.arg(before)
    ORDER BY old.deleted_at, old.id
    LIMIT CAST(sqlc.arg(batch_size) AS BIGINT)
);
