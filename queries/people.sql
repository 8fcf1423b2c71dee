-- name: ListPeople :many
-- ListPeople returns a page of the users whose name or username contains
-- a text that FoldName made, "" being in all, by name: at most page_size after
-- the one with the key (after_key, after_id), its search_key and id. The first
-- page comes after ("", 0).
SELECT people.search_key,
    users.id,
    users.name,
    users.username,
    users.image_url,
    users.role,
    users.clerk_created_at,
    users.created_at,
    (SELECT count(*) FROM posts WHERE posts.author_id = users.id AND posts.published = 1 AND posts.deleted_at IS NULL) AS posts
FROM people
CROSS JOIN users -- in this order, whatever the statistics say
WHERE users.id = people.user_id
  AND people.search_key >= sqlc.arg(after_key)
  AND (people.search_key > sqlc.arg(after_key) OR people.user_id > sqlc.arg(after_id))
  AND instr(people.search_key, sqlc.arg(search)) > 0
ORDER BY people.search_key, people.user_id
LIMIT CAST(sqlc.arg(page_size) AS BIGINT);

-- name: CountPeople :one
-- CountPeople counts the users whom ListPeople returns on all its pages.
SELECT count(*)
FROM people
WHERE instr(search_key, sqlc.arg(search)) > 0;

-- name: listChangedPeople :many
-- listChangedPeople returns the ids of users whose name may have changed.
SELECT user_id
FROM changed_people
LIMIT CAST(sqlc.arg(page_size) AS BIGINT);

-- name: savePerson :exec
-- savePerson puts a user into the directory.
INSERT INTO people (user_id, search_key)
VALUES (sqlc.arg(user_id), sqlc.arg(search_key))
ON CONFLICT (user_id) DO UPDATE
SET search_key = excluded.search_key;

-- name: deletePerson :exec
-- deletePerson takes a user out of the directory, if they are in it.
DELETE FROM people
WHERE user_id = sqlc.arg(user_id);

-- name: forgetChangedPerson :exec
-- forgetChangedPerson notes that the directory has come to a changed user.
DELETE FROM changed_people
WHERE user_id = sqlc.arg(user_id);

-- name: markPeopleChanged :exec
-- markPeopleChanged has everybody put into the directory anew.
INSERT INTO changed_people (user_id)
SELECT id
FROM users
WHERE deleted_at IS NULL
ON CONFLICT (user_id) DO NOTHING;
