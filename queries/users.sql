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

-- name: GetSessionUser :one
-- GetSessionUser returns a user by Clerk's id, whatever their state, and
-- whether a session is known to have ended.
SELECT sqlc.embed(users),
    EXISTS (SELECT 1 FROM ended_sessions WHERE session_id = sqlc.arg(session_id)) AS session_ended
FROM users
WHERE clerk_id = sqlc.arg(clerk_id);

-- name: ListRecentUsers :many
-- ListRecentUsers returns Clerk's ids of the live users of whom something was
-- heard last, at most page_size.
SELECT clerk_id
FROM users
WHERE deleted_at IS NULL
ORDER BY updated_at DESC
LIMIT CAST(sqlc.arg(page_size) AS BIGINT);

-- name: HasUsers :one
-- HasUsers reports whether there has ever been a user: one who is deleted is
-- one, too.
SELECT EXISTS (SELECT 1 FROM users) AS found;

-- name: ensureUser :exec
-- ensureUser inserts a user of whom only the id is known. A row that is there
-- stays as it is.
INSERT INTO users (clerk_id, created_at, updated_at)
VALUES (sqlc.arg(clerk_id), sqlc.arg(now), sqlc.arg(now))
ON CONFLICT (clerk_id) DO NOTHING;

-- name: upsertUser :execrows
-- upsertUser writes what Clerk says of a user, unless the user is deleted or
-- the row holds something newer. The key (clerk_updated_at, event_at,
-- event_rank, event_id) of an event must be greater than the row's. An
-- event_rank of 0 is a snapshot of the Backend API: it wins over an event of
-- the same clerk_updated_at that did not come later than Clerk was asked for
-- it, and leaves that event's part of the key. Heard_at is when the event came or Clerk was asked.
INSERT INTO users (clerk_id, email, email_verified, username, first_name, last_name, name, image_url, role,
    banned, locked, deprovisioned, clerk_created_at, clerk_updated_at, event_at, event_rank, event_id, created_at, updated_at)
VALUES (sqlc.arg(clerk_id), sqlc.arg(email), sqlc.arg(email_verified), sqlc.arg(username), sqlc.arg(first_name),
    sqlc.arg(last_name), sqlc.arg(name), sqlc.arg(image_url), sqlc.arg(role), sqlc.arg(banned), sqlc.arg(locked),
    sqlc.arg(deprovisioned), sqlc.arg(clerk_created_at), sqlc.arg(clerk_updated_at), sqlc.arg(event_at),
    sqlc.arg(event_rank), sqlc.arg(event_id), sqlc.arg(heard_at), sqlc.arg(heard_at))
ON CONFLICT (clerk_id) DO UPDATE
SET email = excluded.email,
    email_verified = excluded.email_verified,
    username = excluded.username,
    first_name = excluded.first_name,
    last_name = excluded.last_name,
    name = excluded.name,
    image_url = excluded.image_url,
    role = excluded.role,
    banned = excluded.banned,
    locked = excluded.locked,
    deprovisioned = excluded.deprovisioned,
    clerk_created_at = excluded.clerk_created_at,
    clerk_updated_at = excluded.clerk_updated_at,
    event_at = CASE WHEN excluded.event_rank = 0 AND users.clerk_updated_at = excluded.clerk_updated_at THEN users.event_at ELSE excluded.event_at END,
    event_rank = CASE WHEN excluded.event_rank = 0 AND users.clerk_updated_at = excluded.clerk_updated_at THEN users.event_rank ELSE excluded.event_rank END,
    event_id = CASE WHEN excluded.event_rank = 0 AND users.clerk_updated_at = excluded.clerk_updated_at THEN users.event_id ELSE excluded.event_id END,
    updated_at = excluded.updated_at
WHERE users.deleted_at IS NULL
  AND (users.clerk_updated_at < excluded.clerk_updated_at
    OR (users.clerk_updated_at = excluded.clerk_updated_at
      AND ((excluded.event_rank = 0 AND users.updated_at <= excluded.updated_at)
        OR users.event_at < excluded.event_at
        OR (users.event_at = excluded.event_at
          AND (users.event_rank < excluded.event_rank
            OR (users.event_rank = excluded.event_rank AND users.event_id < excluded.event_id))))));

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
