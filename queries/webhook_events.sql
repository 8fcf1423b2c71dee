-- name: hasWebhookEvent :one
-- hasWebhookEvent reports whether the event is stored.
SELECT EXISTS (SELECT 1 FROM webhook_events WHERE svix_id = sqlc.arg(svix_id));

-- name: insertWebhookEvent :exec
-- insertWebhookEvent stores an event with what became of it.
INSERT INTO webhook_events (svix_id, type, clerk_id, outcome, error, received_at)
VALUES (sqlc.arg(svix_id), sqlc.arg(type), sqlc.arg(clerk_id), sqlc.arg(outcome), sqlc.arg(error), sqlc.arg(received_at));
