-- name: endSession :exec
-- endSession notes that a session has ended. It stays ended since it was first
-- noted.
INSERT INTO ended_sessions (session_id, ended_at)
VALUES (sqlc.arg(session_id), sqlc.arg(ended_at))
ON CONFLICT (session_id) DO NOTHING;

-- name: purgeSessions :execrows
-- purgeSessions forgets at most batch_size sessions that ended before a time.
DELETE FROM ended_sessions
WHERE session_id IN (
    SELECT old.session_id
    FROM ended_sessions AS old
    WHERE old.ended_at < sqlc.arg(before)
    ORDER BY old.ended_at
    LIMIT CAST(sqlc.arg(batch_size) AS BIGINT)
);
