-- name: GetLastSync :one
-- GetLastSync returns the reconciliation that was started last, finished or
-- not, or sql.ErrNoRows.
SELECT *
FROM syncs
ORDER BY id DESC
LIMIT 1;

-- name: GetLastFinishedSync :one
-- GetLastFinishedSync returns the last reconciliation that came to its end, or
-- sql.ErrNoRows.
SELECT *
FROM syncs
WHERE finished_at IS NOT NULL
ORDER BY id DESC
LIMIT 1;

-- name: GetLastMendingSync :one
-- GetLastMendingSync returns the last reconciliation of those started after a
-- time that came to its end and mended users whose event should have come, or
-- sql.ErrNoRows. If it is not the first that came to its end, repeated is set.
SELECT sqlc.embed(syncs),
    EXISTS (SELECT 1 FROM syncs AS earlier WHERE earlier.finished_at IS NOT NULL AND earlier.id < syncs.id) AS repeated
FROM syncs
WHERE syncs.started_at > sqlc.arg(after)
  AND syncs.finished_at IS NOT NULL
  AND syncs.lost > 0
ORDER BY syncs.id DESC
LIMIT 1;

-- name: GetFirstSyncTime :one
-- GetFirstSyncTime returns when the first reconciliation was started, or
-- sql.ErrNoRows.
SELECT started_at
FROM syncs
ORDER BY id
LIMIT 1;

-- name: ListMissingUsers :many
-- ListMissingUsers returns live users, by id, whom a reconciliation has not
-- seen although they were here before it started: at most page_size after the
-- one with the id after_id.
SELECT users.id, users.clerk_id
FROM syncs
JOIN users ON users.created_at < syncs.started_at AND users.seen_at < syncs.started_at
WHERE syncs.id = sqlc.arg(sync_id)
  AND users.id > sqlc.arg(after_id)
  AND users.deleted_at IS NULL
ORDER BY users.id
LIMIT CAST(sqlc.arg(page_size) AS BIGINT);

-- name: getSync :one
-- getSync returns a reconciliation.
SELECT *
FROM syncs
WHERE id = sqlc.arg(id);

-- name: startSync :one
-- startSync inserts a reconciliation that has seen nobody yet.
INSERT INTO syncs (instance, started_at)
VALUES (sqlc.arg(instance), sqlc.arg(started_at))
RETURNING *;

-- name: setSyncError :exec
-- setSyncError notes why a reconciliation was broken off; NULL: it goes on. One
-- that another process has finished stays as it is.
UPDATE syncs
SET error = sqlc.arg(error), cause = sqlc.arg(cause)
WHERE id = sqlc.arg(id) AND finished_at IS NULL;

-- name: advanceSync :one
-- advanceSync moves a reconciliation behind a page and adds what the page
-- brought.
UPDATE syncs
SET cursor = sqlc.arg(cursor),
    checked = checked + sqlc.arg(checked),
    added = added + sqlc.arg(added),
    changed = changed + sqlc.arg(changed),
    lost = lost + sqlc.arg(lost)
WHERE id = sqlc.arg(id)
RETURNING *;

-- name: setSyncTotal :one
-- setSyncTotal notes how many users Clerk has.
UPDATE syncs
SET total = sqlc.arg(total)
WHERE id = sqlc.arg(id)
RETURNING *;

-- name: countDeleted :one
-- countDeleted counts a user whom a reconciliation deleted.
UPDATE syncs
SET deleted = deleted + 1
WHERE id = sqlc.arg(id)
RETURNING *;

-- name: finishSync :one
-- finishSync notes that a reconciliation has come to its end.
UPDATE syncs
SET finished_at = sqlc.arg(finished_at), error = NULL, cause = NULL
WHERE id = sqlc.arg(id)
RETURNING *;

-- name: seeUser :execrows
-- seeUser notes that a reconciliation, which started at a time, has seen a
-- user. It changes one row when that is the first time.
UPDATE users
SET seen_at = sqlc.arg(seen_at)
WHERE clerk_id = sqlc.arg(clerk_id) AND seen_at < sqlc.arg(started_at);
