-- How far a comparison is, what it found that webhooks should have told, and
-- why it was broken off.
ALTER TABLE syncs ADD COLUMN total INTEGER NOT NULL DEFAULT 0; -- users that Clerk has; 0: it did not say
ALTER TABLE syncs ADD COLUMN lost  INTEGER NOT NULL DEFAULT 0; -- of those added and changed: their event should have come
ALTER TABLE syncs ADD COLUMN cause TEXT; -- the kind of the error
