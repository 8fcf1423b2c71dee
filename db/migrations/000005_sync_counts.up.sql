-- How far a comparison is, and what of it no webhook is to be expected for.
ALTER TABLE syncs ADD COLUMN total INTEGER NOT NULL DEFAULT 0; -- users that Clerk has; 0: it did not say
ALTER TABLE syncs ADD COLUMN lost  INTEGER NOT NULL DEFAULT 0; -- of those added, changed and deleted: their event should have come
