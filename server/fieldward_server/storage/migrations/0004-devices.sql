-- Devices, who holds what on them, what they were ordered, and their journals.

CREATE TABLE invitation (
    authority TEXT NOT NULL,
    invitation_id BLOB NOT NULL,
    practitioner TEXT NOT NULL,
    partitions BLOB NOT NULL,
    proof_key BLOB NOT NULL,
    expires INTEGER NOT NULL,
    used_for BLOB NOT NULL,
    device TEXT NOT NULL,
    generation INTEGER NOT NULL,
    record_cap INTEGER NOT NULL,
    hpke_key BLOB,
    PRIMARY KEY (authority, invitation_id),
    FOREIGN KEY (authority, practitioner) REFERENCES practitioner
);
CREATE INDEX invitation_by_id ON invitation (invitation_id);

CREATE TABLE device (
    authority TEXT NOT NULL REFERENCES authority,
    device TEXT NOT NULL,
    generation INTEGER NOT NULL,
    name TEXT NOT NULL,
    identity_key BLOB NOT NULL,
    journal_key BLOB NOT NULL,
    assurance TEXT NOT NULL,
    enrolled_at INTEGER NOT NULL,
    access TEXT NOT NULL,
    counter_high INTEGER NOT NULL,
    counter_window BLOB NOT NULL,
    order_number INTEGER NOT NULL,
    wipe TEXT NOT NULL,
    journal_head BLOB NOT NULL,
    edits_taken INTEGER NOT NULL,
    edits_ahead BLOB NOT NULL,
    last_contact INTEGER NOT NULL,
    last_complete INTEGER NOT NULL,
    pending_edits INTEGER NOT NULL,
    journal_size INTEGER NOT NULL,
    record_cap INTEGER NOT NULL,
    parted INTEGER NOT NULL,
    hand_over BLOB,
    enquiries BLOB,
    PRIMARY KEY (authority, device, generation)
);
CREATE INDEX device_by_key ON device (authority, identity_key);

CREATE TABLE holder (
    authority TEXT NOT NULL,
    device TEXT NOT NULL,
    generation INTEGER NOT NULL,
    practitioner TEXT NOT NULL,
    signing_key BLOB NOT NULL,
    changed_state INTEGER NOT NULL,
    lease_secret BLOB,
    lease_id BLOB NOT NULL,
    lease_issued INTEGER NOT NULL,
    lease_closes INTEGER NOT NULL,
    lease_destroys INTEGER NOT NULL,
    ring_hash BLOB NOT NULL,
    PRIMARY KEY (authority, device, generation, practitioner),
    FOREIGN KEY (authority, device, generation) REFERENCES device,
    FOREIGN KEY (authority, practitioner) REFERENCES practitioner
);

CREATE TABLE former_key (
    authority TEXT NOT NULL,
    device TEXT NOT NULL,
    generation INTEGER NOT NULL,
    practitioner TEXT NOT NULL,
    signing_key BLOB NOT NULL,
    replaced_at INTEGER NOT NULL,
    PRIMARY KEY (authority, device, generation, practitioner, signing_key),
    FOREIGN KEY (authority, device, generation, practitioner) REFERENCES holder
);

CREATE TABLE partition_grant (
    authority TEXT NOT NULL,
    device TEXT NOT NULL,
    generation INTEGER NOT NULL,
    practitioner TEXT NOT NULL,
    partition_id TEXT NOT NULL,
    given_at INTEGER NOT NULL,
    taken_at INTEGER,
    offered_feed INTEGER NOT NULL,
    hidden_feed INTEGER NOT NULL,
    gone_feed INTEGER NOT NULL,
    lost_feed INTEGER,
    keys_until INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (authority, device, generation, practitioner, partition_id),
    FOREIGN KEY (authority, device, generation, practitioner) REFERENCES holder,
    FOREIGN KEY (authority, partition_id) REFERENCES partition
);

CREATE TABLE confirmation (
    authority TEXT NOT NULL,
    device TEXT NOT NULL,
    generation INTEGER NOT NULL,
    practitioner TEXT NOT NULL,
    partition_id TEXT NOT NULL,
    hidden_feed INTEGER NOT NULL,
    gone_feed INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (authority, device, generation, practitioner, partition_id, hidden_feed, gone_feed),
    FOREIGN KEY (authority, device, generation, practitioner, partition_id)
        REFERENCES partition_grant
);

CREATE TABLE device_order (
    authority TEXT NOT NULL,
    device TEXT NOT NULL,
    generation INTEGER NOT NULL,
    number INTEGER NOT NULL,
    kind TEXT NOT NULL,
    signed BLOB NOT NULL,
    issued INTEGER NOT NULL,
    seen_at INTEGER,
    receipt BLOB,
    receipt_at INTEGER,
    withdrawn_at INTEGER,
    PRIMARY KEY (authority, device, generation, number),
    FOREIGN KEY (authority, device, generation) REFERENCES device
);

CREATE TABLE wipe_request (
    authority TEXT NOT NULL,
    device TEXT NOT NULL,
    generation INTEGER NOT NULL,
    asked_by TEXT NOT NULL,
    asked_at INTEGER NOT NULL,
    waits_until INTEGER NOT NULL,
    PRIMARY KEY (authority, device, generation),
    FOREIGN KEY (authority, device, generation) REFERENCES device
);

CREATE TABLE journal_box (
    authority TEXT NOT NULL,
    device TEXT NOT NULL,
    generation INTEGER NOT NULL,
    box BLOB NOT NULL,
    header BLOB NOT NULL,
    PRIMARY KEY (authority, device, generation, box),
    FOREIGN KEY (authority, device, generation) REFERENCES device
);

CREATE TABLE journal_entry (
    authority TEXT NOT NULL,
    device TEXT NOT NULL,
    generation INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    header BLOB NOT NULL,
    body BLOB NOT NULL,
    received_at INTEGER NOT NULL,
    PRIMARY KEY (authority, device, generation, sequence),
    FOREIGN KEY (authority, device, generation) REFERENCES device
);

CREATE TABLE journal_seal (
    authority TEXT NOT NULL,
    device TEXT NOT NULL,
    generation INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    signed BLOB NOT NULL,
    received_at INTEGER NOT NULL,
    PRIMARY KEY (authority, device, generation, epoch),
    FOREIGN KEY (authority, device, generation) REFERENCES device
);

CREATE TABLE journal_fork (
    authority TEXT NOT NULL,
    device TEXT NOT NULL,
    generation INTEGER NOT NULL,
    item_hash BLOB NOT NULL,
    item BLOB NOT NULL,
    received_at INTEGER NOT NULL,
    PRIMARY KEY (authority, device, generation, item_hash),
    FOREIGN KEY (authority, device, generation) REFERENCES device
);
