-- name: ListEvents :many
-- ListEvents returns a page of the stored events, newest first: at most
-- page_size events after the one with the key (before_at, before_id), its
-- received_at and svix_id. The first page comes before MaxTime. Outcome, type
-- and user choose among them unless they are empty; user is Clerk's id or a
-- part of the name, the username or the address, where A to Z are a to z.
--
-- The page is chosen in an index that holds all that is searched.
SELECT webhook_events.svix_id,
    webhook_events.type,
    webhook_events.outcome,
    webhook_events.error,
    webhook_events.body IS NOT NULL AS retryable,
    webhook_events.dismissed_at,
    webhook_events.received_at,
    webhook_events.clerk_id,
    users.name AS user_name,
    users.username AS user_username,
    users.email AS user_email
FROM webhook_events
LEFT JOIN users ON users.clerk_id = webhook_events.clerk_id
WHERE webhook_events.svix_id IN (
    SELECT found.svix_id
    FROM webhook_events AS found
    WHERE found.received_at <= sqlc.arg(before_at)
      AND (found.received_at < sqlc.arg(before_at) OR found.svix_id < sqlc.arg(before_id))
      AND (found.outcome = sqlc.arg(outcome) OR sqlc.arg(outcome) = '')
      AND (found.type = sqlc.arg(type) OR sqlc.arg(type) = '')
      AND (CAST(sqlc.arg(user) AS TEXT) = ''
        OR found.clerk_id = sqlc.arg(user)
        OR found.clerk_id IN (
            SELECT named.clerk_id
            FROM users AS named
            JOIN (SELECT '%' || replace(replace(replace(CAST(sqlc.arg(user) AS TEXT), '!', '!!'), '%', '!%'), '_', '!_') || '%' AS pattern) AS sought
            WHERE (named.name LIKE sought.pattern ESCAPE '!')
               OR (named.username LIKE sought.pattern ESCAPE '!')
               OR (named.email LIKE sought.pattern ESCAPE '!')))
    ORDER BY found.received_at DESC, found.svix_id DESC
    LIMIT CAST(sqlc.arg(page_size) AS BIGINT))
ORDER BY webhook_events.received_at DESC, webhook_events.svix_id DESC;

-- name: GetEvent :one
-- GetEvent returns an event as ListEvents does, or sql.ErrNoRows.
SELECT webhook_events.svix_id,
    webhook_events.type,
    webhook_events.outcome,
    webhook_events.error,
    webhook_events.body IS NOT NULL AS retryable,
    webhook_events.dismissed_at,
    webhook_events.received_at,
    webhook_events.clerk_id,
    users.name AS user_name,
    users.username AS user_username,
    users.email AS user_email
FROM webhook_events
LEFT JOIN users ON users.clerk_id = webhook_events.clerk_id
WHERE webhook_events.svix_id = sqlc.arg(svix_id);

-- name: ListEventsOf :many
-- ListEventsOf returns a page of the stored events about the user of Clerk's id,
-- newest first, as ListEvents does. It reads over those about others.
SELECT svix_id, type, outcome, received_at
FROM webhook_events
WHERE clerk_id = sqlc.arg(clerk_id)
  AND received_at <= sqlc.arg(before_at)
  AND (received_at < sqlc.arg(before_at) OR svix_id < sqlc.arg(before_id))
ORDER BY received_at DESC, svix_id DESC
LIMIT CAST(sqlc.arg(page_size) AS BIGINT);

-- name: CountEvents :many
-- CountEvents returns how many of the stored events have each outcome.
SELECT outcome, count(*) AS events
FROM webhook_events
GROUP BY outcome
ORDER BY outcome;

-- name: CountOpenDeadLetters :one
-- CountOpenDeadLetters returns how many dead letters nobody has dismissed.
SELECT count(*)
FROM webhook_events
WHERE outcome = 'dead_letter' AND dismissed_at IS NULL;

-- name: GetNewestEventTime :one
-- GetNewestEventTime returns when the newest event came, or sql.ErrNoRows.
SELECT received_at
FROM webhook_events
ORDER BY received_at DESC
LIMIT 1;

-- name: GetDeadLetter :one
-- GetDeadLetter returns a dead letter that can be tried again: its body is
-- kept. There is sql.ErrNoRows for any other event.
SELECT *
FROM webhook_events
WHERE svix_id = sqlc.arg(svix_id) AND outcome = 'dead_letter' AND body IS NOT NULL;

-- name: insertEvent :execrows
-- insertEvent stores an event with what becomes of it. It changes no row when
-- the event is known.
INSERT INTO webhook_events (svix_id, type, clerk_id, outcome, error, body, received_at)
VALUES (sqlc.arg(svix_id), sqlc.arg(type), sqlc.arg(clerk_id), sqlc.arg(outcome), sqlc.arg(error), sqlc.arg(body), sqlc.arg(received_at))
ON CONFLICT (svix_id) DO NOTHING;

-- name: setOutcome :exec
-- setOutcome corrects what became of an event.
UPDATE webhook_events
SET outcome = sqlc.arg(outcome)
WHERE svix_id = sqlc.arg(svix_id);

-- name: settleDeadLetter :exec
-- settleDeadLetter stores what became of a dead letter in another attempt.
-- Without an error it is none any more, and its body goes.
UPDATE webhook_events
SET clerk_id = sqlc.arg(clerk_id),
    outcome = sqlc.arg(outcome),
    error = sqlc.arg(error),
    body = CASE WHEN CAST(sqlc.arg(outcome) AS TEXT) = 'dead_letter' THEN body END
WHERE svix_id = sqlc.arg(svix_id);

-- name: dismissDeadLetter :execrows
-- dismissDeadLetter puts a dead letter away that nobody has put away yet.
UPDATE webhook_events
SET dismissed_at = sqlc.arg(dismissed_at), body = NULL
WHERE svix_id = sqlc.arg(svix_id) AND outcome = 'dead_letter' AND dismissed_at IS NULL;

-- name: dismissDeadLetters :execrows
-- dismissDeadLetters puts at most batch_size dead letters away that came until
-- a time and that nobody has put away yet.
UPDATE webhook_events
SET dismissed_at = sqlc.arg(dismissed_at), body = NULL
WHERE svix_id IN (
    SELECT seen.svix_id
    FROM webhook_events AS seen
    WHERE seen.outcome = 'dead_letter' AND seen.dismissed_at IS NULL AND seen.received_at <= sqlc.arg(until)
    ORDER BY seen.received_at
    LIMIT CAST(sqlc.arg(batch_size) AS BIGINT));

-- name: clearBodies :exec
-- clearBodies removes what dead letters hold of a user, if the user is deleted.
-- Deletions hold nothing, and may still tell when it was.
UPDATE webhook_events
SET body = NULL
WHERE body IS NOT NULL
  AND type <> 'user.deleted'
  AND webhook_events.clerk_id = (
    SELECT users.clerk_id
    FROM users
    WHERE users.clerk_id = sqlc.arg(clerk_id) AND users.deleted_at IS NOT NULL);

-- name: purgeBodies :execrows
-- purgeBodies removes at most batch_size bodies that came before a time.
UPDATE webhook_events
SET body = NULL
WHERE svix_id IN (
    SELECT old.svix_id
    FROM webhook_events AS old
    WHERE old.body IS NOT NULL AND old.received_at < sqlc.arg(before)
    ORDER BY old.received_at
    LIMIT CAST(sqlc.arg(batch_size) AS BIGINT));

-- name: purgeEvents :execrows
-- purgeEvents removes at most batch_size events that came before a time.
DELETE FROM webhook_events
WHERE svix_id IN (
    SELECT old.svix_id
    FROM webhook_events AS old
    WHERE old.received_at < sqlc.arg(before)
    ORDER BY old.received_at
    LIMIT CAST(sqlc.arg(batch_size) AS BIGINT)
);
