-- Drafts by when they were changed or, by a moderator, hidden: the order in which
-- their author sees them.
CREATE INDEX posts_drafts ON posts (author_id, (CASE WHEN hidden_at > updated_at THEN hidden_at ELSE updated_at END) DESC, id DESC)
WHERE published = 0 AND deleted_at IS NULL;
