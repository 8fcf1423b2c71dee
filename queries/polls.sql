-- name: GetPoll :one
-- GetPoll returns the poll of a post, whatever the state of the post. A post
-- without one is sql.ErrNoRows.
SELECT *
FROM polls
WHERE post_id = sqlc.arg(post_id);

-- name: ListPollOptions :many
-- ListPollOptions returns the options of a post's poll in the author's order,
-- each with the number of its votes.
SELECT *
FROM poll_options
WHERE post_id = sqlc.arg(post_id)
ORDER BY id;

-- name: GetVote :one
-- GetVote returns the id of the option that a user voted for in the poll of a
-- post. No vote is sql.ErrNoRows.
SELECT option_id
FROM votes
WHERE post_id = sqlc.arg(post_id) AND user_id = sqlc.arg(user_id);

-- name: ListClosedPolls :many
-- ListClosedPolls returns the posts whose polls have closed after a time and not
-- after another one, in that order, whatever the state of the posts.
SELECT post_id
FROM polls
WHERE closes_at > sqlc.arg(after) AND closes_at <= sqlc.arg(until)
ORDER BY closes_at, post_id;

-- name: GetNextClosing :one
-- GetNextClosing returns when the next poll closes after a time. No such poll is
-- sql.ErrNoRows.
SELECT closes_at
FROM polls
WHERE closes_at > sqlc.arg(after)
ORDER BY closes_at
LIMIT 1;

-- name: getPublicPoll :one
-- getPublicPoll returns the poll of a post that everybody may read.
SELECT polls.*
FROM polls
JOIN posts ON posts.id = polls.post_id
WHERE polls.post_id = sqlc.arg(post_id)
  AND posts.published = 1
  AND posts.deleted_at IS NULL;

-- name: createPoll :exec
-- createPoll gives a post a question.
INSERT INTO polls (post_id, question, closes_at)
VALUES (sqlc.arg(post_id), sqlc.arg(question), NULLIF(CAST(sqlc.arg(closes_at) AS BIGINT), 0));

-- name: createPollOption :exec
-- createPollOption adds the last option.
INSERT INTO poll_options (post_id, label)
VALUES (sqlc.arg(post_id), sqlc.arg(label));

-- name: deletePoll :exec
-- deletePoll removes a poll with its options and votes.
DELETE FROM polls
WHERE post_id = sqlc.arg(post_id);

-- name: closePoll :execrows
-- closePoll closes a poll that is open now.
UPDATE polls
SET closes_at = sqlc.arg(now)
WHERE post_id = sqlc.arg(post_id)
  AND (closes_at IS NULL OR closes_at > sqlc.arg(now));

-- name: saveVote :execrows
-- saveVote makes an option the user's only vote in a poll.
INSERT INTO votes (post_id, user_id, option_id, voted_at)
VALUES (sqlc.arg(post_id), sqlc.arg(user_id), sqlc.arg(option_id), sqlc.arg(voted_at))
ON CONFLICT (post_id, user_id) DO UPDATE
SET option_id = excluded.option_id,
    voted_at = excluded.voted_at
WHERE votes.option_id <> excluded.option_id;

-- name: deleteVote :execrows
-- deleteVote withdraws the user's vote.
DELETE FROM votes
WHERE post_id = sqlc.arg(post_id) AND user_id = sqlc.arg(user_id);

-- name: deleteVotesOf :exec
-- deleteVotesOf withdraws all votes of a user.
DELETE FROM votes
WHERE user_id = (SELECT id FROM users WHERE clerk_id = sqlc.arg(clerk_id));

-- name: ListVotesOf :many
-- ListVotesOf returns all that a user voted for, by post.
SELECT polls.post_id, polls.question, poll_options.label, votes.voted_at
FROM votes
JOIN polls ON polls.post_id = votes.post_id
JOIN poll_options ON poll_options.id = votes.option_id
WHERE votes.user_id = sqlc.arg(user_id)
ORDER BY votes.post_id;
