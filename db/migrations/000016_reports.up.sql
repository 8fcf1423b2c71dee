-- The first report of a post, and the last, however many there are.
CREATE INDEX reports_post ON reports (post_id);
