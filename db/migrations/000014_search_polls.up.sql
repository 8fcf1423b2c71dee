-- Posts whose words may have changed, a row for each change: no index has to be
-- kept beside, and none of the rows before has to be found.
DROP TRIGGER posts_inserted;
DROP TRIGGER posts_updated;
DROP TRIGGER posts_deleted_for_good;

ALTER TABLE changed_posts RENAME TO old_changed_posts;

CREATE TABLE changed_posts (
    place   INTEGER PRIMARY KEY,
    post_id INTEGER NOT NULL
) STRICT;

INSERT INTO changed_posts (place, post_id) SELECT place, post_id FROM old_changed_posts;

DROP TABLE old_changed_posts;

CREATE TRIGGER posts_inserted AFTER INSERT ON posts
WHEN new.published = 1 AND new.deleted_at IS NULL
BEGIN
    INSERT INTO changed_posts (post_id) VALUES (new.id);
END;

CREATE TRIGGER posts_updated AFTER UPDATE OF author_id, title, published, deleted_at, content_html ON posts
WHEN (old.published = 1 AND old.deleted_at IS NULL) OR (new.published = 1 AND new.deleted_at IS NULL)
BEGIN
    INSERT INTO changed_posts (post_id) VALUES (new.id);
END;

CREATE TRIGGER posts_deleted_for_good AFTER DELETE ON posts
WHEN old.published = 1 AND old.deleted_at IS NULL
BEGIN
    INSERT INTO changed_posts (post_id) VALUES (old.id);
END;

-- What a post asks is searched with it. One row is enough for all options of a
-- poll; those of a deleted poll go one by one, too.
CREATE TRIGGER options_inserted AFTER INSERT ON poll_options BEGIN
    INSERT INTO changed_posts (post_id)
    SELECT id FROM posts
    WHERE id = new.post_id AND published = 1 AND deleted_at IS NULL
      AND id IS NOT (SELECT post_id FROM changed_posts ORDER BY place DESC LIMIT 1);
END;

CREATE TRIGGER options_renamed AFTER UPDATE OF label ON poll_options BEGIN
    INSERT INTO changed_posts (post_id)
    SELECT id FROM posts
    WHERE id = new.post_id AND published = 1 AND deleted_at IS NULL
      AND id IS NOT (SELECT post_id FROM changed_posts ORDER BY place DESC LIMIT 1);
END;

CREATE TRIGGER options_deleted AFTER DELETE ON poll_options BEGIN
    INSERT INTO changed_posts (post_id)
    SELECT id FROM posts
    WHERE id = old.post_id AND published = 1 AND deleted_at IS NULL
      AND id IS NOT (SELECT post_id FROM changed_posts ORDER BY place DESC LIMIT 1);
END;

CREATE TRIGGER questions_changed AFTER UPDATE OF question ON polls BEGIN
    INSERT INTO changed_posts (post_id)
    SELECT id FROM posts
    WHERE id = new.post_id AND published = 1 AND deleted_at IS NULL
      AND id IS NOT (SELECT post_id FROM changed_posts ORDER BY place DESC LIMIT 1);
END;
