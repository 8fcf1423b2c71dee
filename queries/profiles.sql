-- name: GetProfile :one
-- GetProfile returns a user and what they say of themselves, also of one who is
-- not active. A deleted user is sql.ErrNoRows.
SELECT sqlc.embed(users),
    CAST(coalesce(profiles.quote, '') AS TEXT) AS quote,
    CAST(coalesce(profiles.quote_by, '') AS TEXT) AS quote_by,
    CAST(coalesce(profiles.bio_updated_at, 0) AS BIGINT) AS bio_updated_at,
    CAST(coalesce(profiles.bio, '') AS TEXT) AS bio,
    CAST(coalesce(profiles.bio_html, '') AS TEXT) AS bio_html
FROM users
LEFT JOIN profiles ON profiles.user_id = users.id
WHERE users.id = sqlc.arg(id) AND users.deleted_at IS NULL;

-- name: getBioTime :one
-- getBioTime returns when the user's bio was last changed.
SELECT bio_updated_at
FROM profiles
WHERE user_id = sqlc.arg(user_id);

-- name: setBio :exec
-- setBio stores a bio, an empty one too.
INSERT INTO profiles (user_id, bio_updated_at, render_version, bio, bio_html)
VALUES (sqlc.arg(user_id), sqlc.arg(bio_updated_at), sqlc.arg(render_version), sqlc.arg(bio), sqlc.arg(bio_html))
ON CONFLICT (user_id) DO UPDATE
SET bio_updated_at = excluded.bio_updated_at,
    render_version = excluded.render_version,
    bio = excluded.bio,
    bio_html = excluded.bio_html;

-- name: getQuote :one
-- getQuote returns the quote on a user's profile, an empty one too.
SELECT quote, quote_by
FROM profiles
WHERE user_id = sqlc.arg(user_id);

-- name: setQuote :exec
-- setQuote stores a quote, an empty one too.
INSERT INTO profiles (user_id, quote, quote_by)
VALUES (sqlc.arg(user_id), sqlc.arg(quote), sqlc.arg(quote_by))
ON CONFLICT (user_id) DO UPDATE
SET quote = excluded.quote, quote_by = excluded.quote_by;

-- name: ListStaleBios :many
-- ListStaleBios returns the next page_size bios after the user after_id that an
-- older renderer than version rendered, by user.
SELECT user_id, bio_updated_at, bio
FROM profiles
WHERE user_id > sqlc.arg(after_id) AND render_version < sqlc.arg(version) AND bio <> ''
ORDER BY user_id
LIMIT CAST(sqlc.arg(page_size) AS BIGINT);

-- name: setBioRendering :exec
-- setBioRendering stores a new rendering of a bio that is still the version of
-- bio_updated_at.
UPDATE profiles
SET bio_html = sqlc.arg(bio_html), render_version = sqlc.arg(render_version)
WHERE user_id = sqlc.arg(user_id) AND bio_updated_at = sqlc.arg(bio_updated_at);

-- name: deleteProfileOf :exec
-- deleteProfileOf removes all that a user said of themselves.
DELETE FROM profiles
WHERE user_id = (SELECT id FROM users WHERE clerk_id = sqlc.arg(clerk_id));
