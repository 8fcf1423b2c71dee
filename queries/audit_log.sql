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
    LIMIT CAST(sqlc.arg(batch_size) AS BIGINT)
);

-- name: forgetAuditsOf :exec
-- forgetAuditsOf blanks what the log holds of a user's posts, also of those
-- that are gone by now, of their polls and votes, and of the profile. That there
-- was a change stays.
UPDATE audit_log
SET before = CASE WHEN before IS NOT NULL THEN '{}' END,
    after = CASE WHEN after IS NOT NULL THEN '{}' END
WHERE (audit_log.table_name = 'profiles' AND CAST(audit_log.row_key AS INTEGER) = CAST(sqlc.arg(user_id) AS INTEGER))
  OR (audit_log.table_name = 'votes' AND json_extract(coalesce(audit_log.before, audit_log.after), '$.user_id') = CAST(sqlc.arg(user_id) AS INTEGER))
  OR (audit_log.table_name IN ('posts', 'polls', 'poll_options')
    AND CASE audit_log.table_name WHEN 'poll_options' THEN json_extract(coalesce(audit_log.before, audit_log.after), '$.post_id') ELSE CAST(audit_log.row_key AS INTEGER) END IN (
      SELECT posts.id
      FROM posts
      WHERE posts.author_id = CAST(sqlc.arg(user_id) AS INTEGER)
      UNION
      SELECT CAST(noted.row_key AS INTEGER)
      FROM audit_log AS noted
      WHERE noted.table_name = 'posts' AND json_extract(coalesce(noted.before, noted.after), '$.author_id') = CAST(sqlc.arg(user_id) AS INTEGER)));

-- name: forgetPurgedAudits :exec
-- forgetPurgedAudits blanks what the log holds of the posts that purgePosts
-- removes, and of their polls.
UPDATE audit_log
SET before = CASE WHEN before IS NOT NULL THEN '{}' END,
    after = CASE WHEN after IS NOT NULL THEN '{}' END
WHERE audit_log.table_name IN ('posts', 'polls', 'poll_options')
  AND CASE audit_log.table_name WHEN 'poll_options' THEN json_extract(coalesce(audit_log.before, audit_log.after), '$.post_id') ELSE CAST(audit_log.row_key AS INTEGER) END IN (
    SELECT old.id
    FROM posts AS old
    WHERE old.deleted_at < sqlc.arg(purge_before)
    ORDER BY old.deleted_at, old.id
    LIMIT CAST(sqlc.arg(batch_size) AS BIGINT)
  );
