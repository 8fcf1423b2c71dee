-- An administrator who has seen a dead letter puts it away. Then it is not
-- tried again.
ALTER TABLE webhook_events ADD COLUMN dismissed_at INTEGER CHECK (dismissed_at IS NULL OR (outcome = 'dead_letter' AND body IS NULL));
CREATE INDEX webhook_events_open ON webhook_events (received_at) WHERE outcome = 'dead_letter' AND dismissed_at IS NULL;
CREATE INDEX webhook_events_bodies ON webhook_events (received_at) WHERE body IS NOT NULL;
