-- What sqlc is to think of the virtual table, which it cannot read.
CREATE TABLE post_search (
    docid       INTEGER NOT NULL,
    title       TEXT    NOT NULL,
    content     TEXT    NOT NULL,
    author      TEXT    NOT NULL,
    post_search TEXT    NOT NULL -- the hidden column: all of them, for MATCH
);

-- The parts that the words of the table are kept in: those of a level are of
-- about one size.
CREATE TABLE post_search_segdir (
    level INTEGER NOT NULL,
    idx   INTEGER NOT NULL
);
