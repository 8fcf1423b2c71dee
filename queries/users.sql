-- name: GetUser :one
-- GetUser returns a user by id, whatever their state.
SELECT *
FROM users
WHERE id = sqlc.arg(id);

-- name: GetUserByClerkID :one
-- GetUserByClerkID returns a user by Clerk's id, whatever their state.
SELECT *
FROM users
WHERE clerk_id = sqlc.arg(clerk_id);

-- name: ensureUser :exec
-- ensureUser inserts a user of whom only the id is known. A row that is there
-- stays as it is.
INSERT INTO users (clerk_id, created_at, updated_at)
VALUES (sqlc.arg(clerk_id), sqlc.arg(now), sqlc.arg(now))
ON CONFLICT (clerk_id) DO NOTHING;

-- name: updateUser :execrows
-- updateUser writes what Clerk says of a user, unless the user is deleted or
-- the row holds something newer. The key (clerk_updated_at, event_at,
-- event_rank, event_id) of an event must be greater than the row's. An
-- event_rank of 0 is a snapshot of the Backend API: it wins over an event of
-- the same clerk_updated_at and leaves that event's part of the key.
UPDATE users
SET email = sqlc.arg(email),
    email_verified = sqlc.arg(email_verified),
    username = sqlc.arg(username),
    first_name = sqlc.arg(first_name),
    last_name = sqlc.arg(last_name),
    name = sqlc.arg(name),
    image_url = sqlc.arg(image_url),
    role = sqlc.arg(role),
    banned = sqlc.arg(banned),
    locked = sqlc.arg(locked),
    deprovisioned = sqlc.arg(deprovisioned),
    clerk_created_at = sqlc.arg(clerk_created_at),
    event_at = CASE WHEN CAST(sqlc.arg(event_rank) AS INTEGER) = 0 AND clerk_updated_at = sqlc.arg(clerk_updated_at) THEN event_at ELSE sqlc.arg(event_at) END,
    event_rank = CASE WHEN CAST(sqlc.arg(event_rank) AS INTEGER) = 0 AND clerk_updated_at = sqlc.arg(clerk_updated_at) THEN event_rank ELSE sqlc.arg(event_rank) END,
    event_id = CASE WHEN CAST(sqlc.arg(event_rank) AS INTEGER) = 0 AND clerk_updated_at = sqlc.arg(clerk_updated_at) THEN event_id ELSE sqlc.arg(event_id) END,
    clerk_updated_at = sqlc.arg(clerk_updated_at),
    updated_at = sqlc.arg(now)
WHERE clerk_id = sqlc.arg(clerk_id)
  AND deleted_at IS NULL
  AND (clerk_updated_at < sqlc.arg(clerk_updated_at)
    OR (clerk_updated_at = sqlc.arg(clerk_updated_at)
      AND (CAST(sqlc.arg(event_rank) AS INTEGER) = 0
        OR event_at < sqlc.arg(event_at)
        OR (event_at = sqlc.arg(event_at)
          AND (event_rank < sqlc.arg(event_rank)
            OR (event_rank = sqlc.arg(event_rank) AND event_id < sqlc.arg(event_id)))))));

-- name: deleteUser :execrows
-- deleteUser makes a user a tombstone: nothing personal stays and nothing
-- brings the user back. Of several deletions the earliest counts, in whatever
-- order they come.
UPDATE users
SET email = NULL,
    email_verified = 0,
    username = NULL,
    first_name = NULL,
    last_name = NULL,
    name = NULL,
    image_url = NULL,
    role = 'member',
    banned = 0,
    locked = 0,
    deprovisioned = 0,
    clerk_created_at = 0,
    clerk_updated_at = 0,
    event_at = 0,
    event_rank = 0,
    event_id = '',
    deleted_at = sqlc.arg(deleted_at),
    updated_at = sqlc.arg(now)
WHERE clerk_id = sqlc.arg(clerk_id)
  AND (deleted_at IS NULL OR deleted_at > sqlc.arg(deleted_at));
