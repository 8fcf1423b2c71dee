-- name: ListReportedPosts :many
-- ListReportedPosts returns a page of the published posts that are reported,
-- the one reported longest ago first: at most page_size after the one whose
-- oldest report has the id after_id.
SELECT reports.id AS first_report_id,
    posts.id,
    posts.title,
    posts.excerpt,
    posts.published_at,
    posts.author_id,
    coalesce(users.name, '') AS author_name,
    users.username AS author_username,
    coalesce(users.image_url, '') AS author_image_url,
    (SELECT count(*) FROM reports AS same WHERE same.post_id = posts.id) AS reports,
    CAST((SELECT max(same.id) FROM reports AS same WHERE same.post_id = posts.id) AS BIGINT) AS last_report_id
FROM reports
JOIN posts ON posts.id = reports.post_id
JOIN users ON users.id = posts.author_id
WHERE reports.id > sqlc.arg(after_id)
  AND posts.published = 1
  AND posts.deleted_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM reports AS earlier WHERE earlier.post_id = reports.post_id AND earlier.id < reports.id)
ORDER BY reports.id
LIMIT CAST(sqlc.arg(page_size) AS BIGINT);

-- name: ListReports :many
-- ListReports returns the reports of posts, the oldest first: of each post the
-- first page_size, and what their reporters are called.
SELECT sqlc.embed(reports),
    coalesce(users.name, '') AS reporter_name,
    users.username AS reporter_username,
    users.deleted_at AS reporter_deleted_at
FROM posts
JOIN reports ON reports.post_id = posts.id
JOIN users ON users.id = reports.reporter_id
WHERE reports.id < coalesce(
    (SELECT next.id FROM reports AS next WHERE next.post_id = posts.id ORDER BY next.id LIMIT 1 OFFSET CAST(sqlc.arg(page_size) AS BIGINT)),
    9223372036854775807)
  AND posts.id IN (sqlc.slice(posts)) -- last: sqlc counts the parameters behind it wrongly
ORDER BY reports.id;

-- name: HasReported :one
-- HasReported reports whether a user has reported a post, and no moderator has
-- decided on it.
SELECT EXISTS (SELECT 1 FROM reports WHERE post_id = sqlc.arg(post_id) AND reporter_id = sqlc.arg(reporter_id)) AS found;

-- name: ListReportsBy :many
-- ListReportsBy returns a page of the reports of a reader that no moderator has
-- decided on: at most page_size with an id above after_id.
SELECT *
FROM reports
WHERE reporter_id = sqlc.arg(reporter_id) AND id > sqlc.arg(after_id)
ORDER BY id
LIMIT CAST(sqlc.arg(page_size) AS BIGINT);

-- name: ListActs :many
-- ListActs returns a page of what moderators have done, newest first: at most
-- page_size acts with an id below before_id.
SELECT sqlc.embed(moderation_log),
    coalesce(moderators.name, '') AS by_name,
    moderators.username AS by_username,
    moderators.deleted_at AS by_deleted_at,
    coalesce(users.name, '') AS user_name,
    users.username AS user_username,
    users.deleted_at AS user_deleted_at
FROM moderation_log
JOIN users AS moderators ON moderators.id = moderation_log.by_id
JOIN users ON users.id = moderation_log.user_id
WHERE moderation_log.id < sqlc.arg(before_id)
ORDER BY moderation_log.id DESC
LIMIT CAST(sqlc.arg(page_size) AS BIGINT);

-- name: hidePost :exec
-- hidePost takes a post away from its readers.
UPDATE posts
SET published = 0,
    hidden_at = sqlc.arg(hidden_at),
    hidden_by = sqlc.arg(hidden_by),
    hidden_reason = sqlc.arg(hidden_reason)
WHERE id = sqlc.arg(id);

-- name: unhidePost :exec
-- unhidePost gives it back to them.
UPDATE posts
SET published = 1, hidden_at = NULL, hidden_by = NULL, hidden_reason = NULL
WHERE id = sqlc.arg(id);

-- name: listPublishedOf :many
-- listPublishedOf returns the published posts of an author, all of them.
SELECT id, title
FROM posts
WHERE author_id = sqlc.arg(author_id) AND published = 1 AND deleted_at IS NULL
ORDER BY id;

-- name: createReport :execrows
-- createReport stores a report, unless the reporter has reported the post.
INSERT INTO reports (post_id, reporter_id, kind, text, created_at)
VALUES (sqlc.arg(post_id), sqlc.arg(reporter_id), sqlc.arg(kind), sqlc.arg(text), sqlc.arg(created_at))
ON CONFLICT (post_id, reporter_id) DO NOTHING;

-- name: removeReports :execrows
-- removeReports removes the reports of a post up to the one with the id last_id.
DELETE FROM reports
WHERE post_id = sqlc.arg(post_id) AND id <= sqlc.arg(last_id);

-- name: logAct :exec
-- logAct notes an act. A post_id of 0 is none.
INSERT INTO moderation_log (act, by_id, user_id, post_id, title, reason, reports, created_at)
VALUES (sqlc.arg(act), sqlc.arg(by_id), sqlc.arg(user_id), NULLIF(CAST(sqlc.arg(post_id) AS BIGINT), 0), sqlc.arg(title), sqlc.arg(reason), sqlc.arg(reports), sqlc.arg(created_at));

-- name: GetLastBanID :one
-- GetLastBanID returns the id of the last act by which a user was banned or let
-- in again, 0 when there is none.
SELECT CAST(coalesce(max(id), 0) AS BIGINT) AS id
FROM moderation_log
WHERE user_id = sqlc.arg(user_id) AND post_id IS NULL;

-- name: getLastBan :one
-- getLastBan returns that act.
SELECT id, act
FROM moderation_log
WHERE user_id = sqlc.arg(user_id) AND post_id IS NULL
ORDER BY id DESC
LIMIT 1;

-- name: clearReportsOf :exec
-- clearReportsOf forgets what a user wrote in reports. That they reported stays,
-- until it is decided.
UPDATE reports
SET text = ''
WHERE reporter_id = (SELECT id FROM users WHERE clerk_id = sqlc.arg(clerk_id));

-- name: clearTitles :exec
-- clearTitles forgets the titles of a user's posts in the log.
UPDATE moderation_log
SET title = NULL
WHERE user_id = (SELECT id FROM users WHERE clerk_id = sqlc.arg(clerk_id));
