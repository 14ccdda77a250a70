-- What is distributed, by which rules, under which keys and in which files.

CREATE TABLE partition (
    authority TEXT NOT NULL REFERENCES authority,
    partition_id TEXT NOT NULL,
    title TEXT NOT NULL,
    key_epoch INTEGER NOT NULL,
    digest_key BLOB NOT NULL,
    feed INTEGER NOT NULL,
    records INTEGER NOT NULL,
    digest BLOB NOT NULL,
    redaction_feed INTEGER NOT NULL,
    manifest BLOB,
    manifest_feed INTEGER NOT NULL,
    image_feed INTEGER NOT NULL,
    image_records INTEGER NOT NULL,
    file_epochs BLOB NOT NULL,
    published_state INTEGER NOT NULL,
    way TEXT NOT NULL DEFAULT 'offline',
    PRIMARY KEY (authority, partition_id)
);

CREATE TABLE partition_rule (
    authority TEXT NOT NULL,
    rule TEXT NOT NULL,
    partition_id TEXT NOT NULL,
    PRIMARY KEY (authority, rule, partition_id),
    FOREIGN KEY (authority, partition_id) REFERENCES partition
);

CREATE TABLE partition_key (
    authority TEXT NOT NULL,
    partition_id TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    wrapped BLOB NOT NULL,
    seen_at INTEGER,
    PRIMARY KEY (authority, partition_id, epoch),
    FOREIGN KEY (authority, partition_id) REFERENCES partition
);

CREATE TABLE record_rule (
    authority TEXT NOT NULL,
    rule TEXT NOT NULL,
    record_id TEXT NOT NULL,
    PRIMARY KEY (authority, rule, record_id)
) WITHOUT ROWID;

CREATE TABLE member (
    authority TEXT NOT NULL,
    partition_id TEXT NOT NULL,
    record_id TEXT NOT NULL,
    element BLOB NOT NULL,
    PRIMARY KEY (authority, partition_id, record_id)
) WITHOUT ROWID;
CREATE INDEX partitions_of_a_record ON member (authority, record_id);

CREATE TABLE feed (
    authority TEXT NOT NULL,
    partition_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    record_id TEXT NOT NULL,
    removed INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (authority, partition_id, number)
) WITHOUT ROWID;
-- For what is hidden of a record later, which partitions it left lately.
CREATE INDEX removals_of_a_record ON feed (authority, record_id) WHERE removed = 1;

CREATE TABLE redaction (
    authority TEXT NOT NULL,
    partition_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    record_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (authority, partition_id, number),
    FOREIGN KEY (authority, partition_id) REFERENCES partition
);
CREATE INDEX redactions_of_a_record ON redaction (authority, record_id);

CREATE TABLE sealed_file (
    authority TEXT NOT NULL,
    name TEXT NOT NULL,
    partition_id TEXT NOT NULL,
    dropped_at INTEGER,
    PRIMARY KEY (authority, name),
    FOREIGN KEY (authority, partition_id) REFERENCES partition
);
