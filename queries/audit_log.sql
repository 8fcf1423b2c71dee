-- name: insertAudit :exec
-- insertAudit notes a change in the log of them.
INSERT INTO audit_log (changed_at, user_id, action, table_name, row_key, before, after)
VALUES (sqlc.arg(changed_at), sqlc.arg(user_id), sqlc.arg(action), sqlc.arg(table_name), sqlc.arg(row_key), sqlc.narg(before), sqlc.narg(after));

-- name: purgeAudits :execrows
-- purgeAudits removes at most batch_size notes of changes before a time.
DELETE FROM audit_log
WHERE id IN (
    SELECT old.id
    FROM audit_log AS old
    WHERE old.changed_at < sqlc.arg(since)
    ORDER BY old.changed_at
    LIMIT sqlc.arg(batch_size)
);
