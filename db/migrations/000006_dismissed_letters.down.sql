DROP INDEX webhook_events_bodies;
DROP INDEX webhook_events_open;
ALTER TABLE webhook_events DROP COLUMN dismissed_at;
