DROP TABLE working_copies;
ALTER TABLE posts DROP COLUMN autosaved_by;
