-- What administrators changed by hand, each change stored together with its
-- effect. A row is written as a JSON object; of an edit only what it changed.
CREATE TABLE audit_log (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    changed_at INTEGER NOT NULL,
    user_id    INTEGER NOT NULL REFERENCES users (id),
    action     TEXT    NOT NULL CHECK (action IN ('add', 'edit', 'delete')),
    table_name TEXT    NOT NULL,
    row_key    TEXT    NOT NULL,
    before     TEXT,
    after      TEXT,
    CHECK ((action = 'add') = (before IS NULL)),
    CHECK ((action = 'delete') = (after IS NULL))
) STRICT;

CREATE INDEX audit_log_row ON audit_log (table_name, row_key);
CREATE INDEX audit_log_changed ON audit_log (changed_at);
