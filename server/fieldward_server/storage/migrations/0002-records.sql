-- The index: what is in it, what was edited, and what became of edits.
--
-- What an accepted edit writes (record, edit, record_rule, member, feed, search_key) refers to
-- nothing. PostgreSQL asks once for every row, which took longer than all the rest of loading it.
-- All of it is written in one place, services.records.book, and a contract looks for strays.

CREATE TABLE record (
    authority TEXT NOT NULL,
    record_id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    view BLOB NOT NULL,
    shielded INTEGER NOT NULL,
    conflicts INTEGER NOT NULL,
    disputes INTEGER NOT NULL,
    PRIMARY KEY (authority, record_id)
);
CREATE INDEX record_in_conflict ON record (authority, record_id) WHERE conflicts > 0;
CREATE INDEX record_disputed ON record (authority, record_id) WHERE disputes > 0;
CREATE INDEX record_shielded ON record (authority, record_id) WHERE shielded = 1;

CREATE TABLE carried_over (
    authority TEXT NOT NULL,
    record_id TEXT NOT NULL,
    incarnation INTEGER NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (authority, record_id, incarnation),
    FOREIGN KEY (authority, record_id) REFERENCES record,
    FOREIGN KEY (authority, incarnation) REFERENCES incarnation
);

CREATE TABLE edit (
    authority TEXT NOT NULL,
    record_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    actor TEXT NOT NULL,
    counter INTEGER NOT NULL,
    origin TEXT NOT NULL,
    body BLOB NOT NULL,
    proposal_hash BLOB NOT NULL,
    verdict BLOB NOT NULL,
    received_at INTEGER NOT NULL,
    PRIMARY KEY (authority, record_id, number),
    UNIQUE (authority, actor, counter)
);

CREATE TABLE inbox (
    authority TEXT NOT NULL REFERENCES authority,
    actor TEXT NOT NULL,
    counter INTEGER NOT NULL,
    content_hash BLOB NOT NULL,
    content BLOB NOT NULL,
    practitioner TEXT NOT NULL,
    code TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    number INTEGER NOT NULL,
    decision TEXT NOT NULL DEFAULT '',
    decided_at INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (authority, actor, counter, content_hash)
);
CREATE INDEX inbox_by_number ON inbox (authority, number);

CREATE TABLE notice (
    authority TEXT NOT NULL REFERENCES authority,
    notice_id BLOB NOT NULL,
    practitioner TEXT NOT NULL,
    notice BLOB NOT NULL,
    at INTEGER NOT NULL,
    read_at INTEGER,
    PRIMARY KEY (authority, notice_id)
);
CREATE INDEX unread_notice ON notice (authority, practitioner, at, notice_id)
    WHERE read_at IS NULL;

CREATE TABLE likeness (
    authority TEXT NOT NULL REFERENCES authority,
    record_id TEXT NOT NULL,
    like_id TEXT NOT NULL,
    bits INTEGER NOT NULL,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    counter INTEGER NOT NULL,
    decision TEXT NOT NULL,
    decided_at INTEGER NOT NULL,
    PRIMARY KEY (authority, record_id, like_id)
);
CREATE INDEX likeness_to ON likeness (authority, like_id);
CREATE INDEX likeness_undecided ON likeness (authority, record_id) WHERE decision = '';

CREATE TABLE merge (
    authority TEXT NOT NULL REFERENCES authority,
    record_id TEXT NOT NULL,
    into_id TEXT NOT NULL,
    members BLOB NOT NULL,
    partitions BLOB NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (authority, record_id)
);
CREATE INDEX merge_into ON merge (authority, into_id);

CREATE TABLE transfer (
    authority TEXT NOT NULL REFERENCES authority,
    transfer_id TEXT NOT NULL,
    record_id TEXT NOT NULL,
    giver TEXT NOT NULL,
    taker TEXT NOT NULL,
    state TEXT NOT NULL,
    offered_at INTEGER NOT NULL,
    ended_at INTEGER NOT NULL,
    PRIMARY KEY (authority, transfer_id)
);
CREATE INDEX transfers_of_a_record ON transfer (authority, record_id);

CREATE TABLE departure (
    authority TEXT NOT NULL REFERENCES authority,
    record_id TEXT NOT NULL,
    taker TEXT NOT NULL,
    partitions BLOB NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (authority, record_id)
);

CREATE TABLE shield_review (
    authority TEXT NOT NULL REFERENCES authority,
    record_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    by TEXT NOT NULL,
    again_by INTEGER NOT NULL,
    PRIMARY KEY (authority, record_id)
);

CREATE TABLE search_key (
    authority TEXT NOT NULL,
    key TEXT NOT NULL,
    record_id TEXT NOT NULL,
    PRIMARY KEY (authority, key, record_id)
) WITHOUT ROWID;
