-- name: GetAutosavedDraft :one
-- GetAutosavedDraft returns the author's draft that saved itself last, at since
-- or later, and that nobody has saved since by pressing a button.
SELECT id, title, updated_at
FROM posts
WHERE author_id = sqlc.arg(author_id)
  AND autosaved_by IS NOT NULL
  AND published = 0
  AND deleted_at IS NULL
  AND updated_at >= sqlc.arg(since)
ORDER BY updated_at DESC
LIMIT 1;

-- name: GetWorkingCopy :one
-- GetWorkingCopy returns what was typed into the form of a published post and
-- neither sent nor discarded.
SELECT *
FROM working_copies
WHERE post_id = sqlc.arg(post_id) AND discarded_at IS NULL;

-- name: GetDiscardedCopy :one
-- GetDiscardedCopy returns the working copy of a post that was discarded last, at
-- since or later.
SELECT *
FROM working_copies
WHERE post_id = sqlc.arg(post_id) AND discarded_at >= sqlc.arg(since)
ORDER BY discarded_at DESC, saved_at DESC, id DESC
LIMIT 1;

-- name: ListWorkingCopies :many
-- ListWorkingCopies returns all that is kept of what was typed into forms of a
-- post, also what was discarded.
SELECT *
FROM working_copies
WHERE post_id = sqlc.arg(post_id)
ORDER BY id;

-- name: HasFormPost :one
-- HasFormPost reports whether a form has made a post, which is not deleted.
SELECT EXISTS (SELECT 1 FROM posts WHERE author_id = sqlc.arg(author_id) AND form_key = sqlc.arg(form_key) AND deleted_at IS NULL) AS found;

-- name: getPostOfForm :one
-- getPostOfForm returns the latest post that a form has made.
SELECT *
FROM posts
WHERE author_id = sqlc.arg(author_id)
  AND form_key = sqlc.arg(form_key)
  AND deleted_at IS NULL
ORDER BY id DESC
LIMIT 1;

-- name: saveWorkingCopy :exec
-- saveWorkingCopy stores the working copy of a post, of a form that may have
-- discarded one. That of another form must not be there.
INSERT INTO working_copies (post_id, form_key, version, saved_at, title, content)
VALUES (sqlc.arg(post_id), sqlc.arg(form_key), sqlc.arg(version), sqlc.arg(saved_at), sqlc.arg(title), sqlc.arg(content))
ON CONFLICT (post_id, form_key) DO UPDATE
SET saved_at = excluded.saved_at, discarded_at = NULL, title = excluded.title, content = excluded.content;

-- name: discardWorkingCopy :exec
-- discardWorkingCopy discards the working copy of a post, if there is one.
UPDATE working_copies
SET discarded_at = sqlc.arg(discarded_at)
WHERE post_id = sqlc.arg(post_id) AND discarded_at IS NULL;

-- name: leaveDiscardedCopy :exec
-- leaveDiscardedCopy takes the discarded copy of a form from it, if that holds
-- another text than it has now. The copy is nobody's until it is brought back.
UPDATE working_copies
SET form_key = lower(hex(randomblob(16)))
WHERE post_id = sqlc.arg(post_id) AND form_key = sqlc.arg(form_key) AND discarded_at IS NOT NULL
  AND (title <> sqlc.arg(title) OR content <> sqlc.arg(content));

-- name: restoreWorkingCopy :execrows
-- restoreWorkingCopy brings back a working copy of a post that was discarded at
-- since or later. None must stand.
UPDATE working_copies
SET discarded_at = NULL
WHERE id = sqlc.arg(id) AND post_id = sqlc.arg(post_id) AND discarded_at >= sqlc.arg(since);

-- name: trimDiscardedCopies :exec
-- trimDiscardedCopies keeps the copies of a post that were discarded last.
DELETE FROM working_copies
WHERE id IN (
    SELECT old.id
    FROM working_copies AS old
    WHERE old.post_id = sqlc.arg(post_id) AND old.discarded_at IS NOT NULL
    ORDER BY old.discarded_at DESC, old.saved_at DESC, old.id DESC
    LIMIT -1 OFFSET CAST(sqlc.arg(kept) AS BIGINT)
);

-- name: purgeWorkingCopies :execrows
-- purgeWorkingCopies removes at most batch_size working copies that were
-- discarded before a time.
DELETE FROM working_copies
WHERE id IN (
    SELECT old.id
    FROM working_copies AS old
    WHERE old.discarded_at < sqlc.arg(before)
    ORDER BY old.discarded_at
    LIMIT CAST(sqlc.arg(batch_size) AS BIGINT)
);

-- name: deleteWorkingCopyOf :exec
-- deleteWorkingCopyOf removes the working copy of a post if the form holds it.
DELETE FROM working_copies
WHERE post_id = sqlc.arg(post_id) AND form_key = sqlc.arg(form_key);

-- name: addViews :exec
-- addViews counts views of a post.
UPDATE posts
SET views = views + sqlc.arg(views)
WHERE id = sqlc.arg(id);
