-- An authority: its keys, who works for it, and what was done in its name.

CREATE TABLE authority (
    authority TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    incarnation INTEGER NOT NULL,
    state_number INTEGER NOT NULL,
    event_number INTEGER NOT NULL,
    edit_counter INTEGER NOT NULL,
    root_key BLOB NOT NULL,
    trust BLOB NOT NULL,
    trust_version INTEGER NOT NULL,
    answer_key BLOB NOT NULL,
    edit_seed BLOB NOT NULL,
    backup_begun INTEGER NOT NULL DEFAULT 0,
    backup_done INTEGER NOT NULL DEFAULT 0,
    kept_until INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE incarnation (
    authority TEXT NOT NULL REFERENCES authority,
    incarnation INTEGER NOT NULL,
    began_at INTEGER NOT NULL,
    PRIMARY KEY (authority, incarnation)
);

CREATE TABLE serving (
    authority TEXT NOT NULL PRIMARY KEY REFERENCES authority,
    incarnation INTEGER NOT NULL
);

CREATE TABLE prepared_keys (
    authority TEXT NOT NULL PRIMARY KEY REFERENCES authority,
    answer_key BLOB NOT NULL,
    edit_seed BLOB NOT NULL
);

CREATE TABLE earlier_edit_seed (
    authority TEXT NOT NULL REFERENCES authority,
    trust_version INTEGER NOT NULL,
    edit_seed BLOB NOT NULL,
    PRIMARY KEY (authority, trust_version)
);

CREATE TABLE administrator (
    authority TEXT NOT NULL REFERENCES authority,
    administrator TEXT NOT NULL,
    name TEXT NOT NULL,
    public_key BLOB NOT NULL,
    added_at INTEGER NOT NULL,
    added_by TEXT NOT NULL,
    removed_at INTEGER,
    counter_high INTEGER NOT NULL,
    counter_window BLOB NOT NULL,
    PRIMARY KEY (authority, administrator),
    UNIQUE (authority, public_key)
);

CREATE TABLE practitioner (
    authority TEXT NOT NULL REFERENCES authority,
    practitioner TEXT NOT NULL,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    team TEXT NOT NULL,
    vetted_until INTEGER NOT NULL,
    trained_until INTEGER NOT NULL,
    suspended_at INTEGER NOT NULL DEFAULT 0,
    employer TEXT NOT NULL,
    manager TEXT NOT NULL,
    PRIMARY KEY (authority, practitioner)
);
CREATE INDEX suspended_practitioner ON practitioner (authority, practitioner) WHERE suspended_at > 0;

CREATE TABLE event (
    authority TEXT NOT NULL REFERENCES authority,
    number INTEGER NOT NULL,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (authority, number)
);

CREATE TABLE incident (
    authority TEXT NOT NULL REFERENCES authority,
    device TEXT NOT NULL,
    generation INTEGER NOT NULL,
    kind TEXT NOT NULL,
    detail TEXT NOT NULL,
    number INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (authority, device, generation, kind, detail)
);

CREATE TABLE register_line (
    authority TEXT NOT NULL REFERENCES authority,
    number INTEGER NOT NULL,
    entry BLOB NOT NULL,
    PRIMARY KEY (authority, number)
);
