-- Which host's turn a scheduled job is.

CREATE TABLE turn (
    job TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    until INTEGER NOT NULL,
    done_at INTEGER NOT NULL
);
