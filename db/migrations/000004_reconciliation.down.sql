ALTER TABLE users DROP COLUMN seen_at;
DROP TABLE syncs;
DROP TABLE ended_sessions;
DROP INDEX webhook_events_body;
DROP INDEX webhook_events_newest;
ALTER TABLE webhook_events DROP COLUMN body;
