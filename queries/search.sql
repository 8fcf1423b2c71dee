-- name: hasChanged :one
-- hasChanged reports whether the words of a post or the name of a user may have
-- changed.
SELECT EXISTS (SELECT 1 FROM changed_posts) AS posts,
    EXISTS (SELECT 1 FROM changed_people) AS people;

-- name: listChangedPosts :many
-- listChangedPosts returns the last changes of posts, the last first.
SELECT *
FROM changed_posts
ORDER BY place DESC
LIMIT CAST(sqlc.arg(page_size) AS BIGINT);

-- name: getIndexedPost :one
-- getIndexedPost returns of a post that everybody may read what is indexed, but
-- for the options of its poll; without a poll its question is empty.
SELECT posts.author_id,
    posts.title,
    posts.content_html,
    coalesce(polls.question, '') AS question
FROM posts
LEFT JOIN polls ON polls.post_id = posts.id
WHERE posts.id = sqlc.arg(id) AND posts.published = 1 AND posts.deleted_at IS NULL;

-- name: listPostsToIndex :many
-- listPostsToIndex returns the ids of the newest posts before one. Those that
-- another program gave no positive number are left out.
SELECT id
FROM posts
WHERE id > 0 AND id < sqlc.arg(before_id)
ORDER BY id DESC
LIMIT CAST(sqlc.arg(page_size) AS BIGINT);

-- name: unindexPost :exec
-- unindexPost takes a post out of the index, if it is there.
DELETE FROM post_search
WHERE docid = sqlc.arg(id);

-- name: indexPost :exec
-- indexPost stores the words of a post, after unindexPost.
INSERT INTO post_search (docid, title, content, author)
VALUES (sqlc.arg(id), sqlc.arg(title), sqlc.arg(content), sqlc.arg(author));

-- name: forgetChangedPosts :exec
-- forgetChangedPosts notes that the index has come to the changes from a place on.
DELETE FROM changed_posts
WHERE place >= sqlc.arg(place);

-- name: isScattered :one
-- isScattered reports whether the index is kept in parts that can be merged.
SELECT EXISTS (SELECT 1 FROM post_search_segdir GROUP BY level HAVING count(*) > 1) AS scattered;

-- name: mergeIndex :exec
-- mergeIndex writes about 200 pages of the index anew, in fewer parts: a search
-- reads all of them.
INSERT INTO post_search (post_search)
VALUES ('merge=200,2');

-- name: getSearchProgress :one
-- getSearchProgress returns how far the index is.
SELECT *
FROM search_progress;

-- name: clearSearchProgress :exec
-- clearSearchProgress forgets how far the index is.
DELETE FROM search_progress;

-- name: setSearchProgress :exec
-- setSearchProgress notes it, after clearSearchProgress.
INSERT INTO search_progress (version, before_id)
VALUES (sqlc.arg(version), sqlc.arg(before_id));

-- name: searchWords :many
-- searchWords returns the newest posts up to the one with the id as_of that
-- match, with what matchinfo says of each in the format 'naly'.
SELECT docid, CAST(matchinfo(post_search, 'naly') AS BLOB) AS info
FROM post_search
WHERE post_search MATCH CAST(sqlc.arg(expression) AS TEXT) AND docid <= sqlc.arg(as_of)
ORDER BY docid DESC
LIMIT CAST(sqlc.arg(candidates) AS BIGINT);

-- name: countNewest :one
-- countNewest counts those of the posts with ids above after up to as_of that
-- match. The limit, which is never met, keeps SQLite from dropping the order, in
-- which the index is read no further than it must be.
SELECT count(*)
FROM (
    SELECT docid
    FROM post_search
    WHERE post_search MATCH CAST(sqlc.arg(expression) AS TEXT) AND docid > sqlc.arg(after) AND docid <= sqlc.arg(as_of)
    ORDER BY docid DESC
    LIMIT 1000000
);

-- name: getNewestPostID :one
-- getNewestPostID returns the id of the last post that was made, 0 for none.
SELECT CAST(coalesce(max(id), 0) AS BIGINT) AS id
FROM posts;

-- name: getFoundPost :one
-- getFoundPost returns what a search shows of a post that everybody may read.
SELECT posts.id,
    posts.title,
    posts.content_html,
    coalesce(polls.question, '') AS question,
    posts.published_at,
    posts.updated_at,
    posts.author_id,
    coalesce(users.name, '') AS author_name,
    users.username AS author_username,
    coalesce(users.image_url, '') AS author_image_url
FROM posts
JOIN users ON users.id = posts.author_id
LEFT JOIN polls ON polls.post_id = posts.id
WHERE posts.id = sqlc.arg(id) AND posts.published = 1 AND posts.deleted_at IS NULL;
