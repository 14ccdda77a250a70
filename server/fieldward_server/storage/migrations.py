"""The schema's history: each step applied once, in one transaction with the record of it.

A step is never edited once it has been released; what changes is a further step.
"""

from __future__ import annotations

from fieldward_server.storage.driver import Driver
from fieldward_sync.errors import CallerMistake

RECORD_OF_STEPS = "CREATE TABLE IF NOT EXISTS migration (name TEXT PRIMARY KEY)"
"""What a driver's ``prepare`` makes."""

_AUTHORITIES = """
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
    PRIMARY KEY (authority, practitioner)
);
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
)
"""

# What an accepted edit writes (record, edit, record_rule, member, feed) refers to nothing in the
# schema: PostgreSQL asks once for every row, which took longer than all the rest of loading it.
# All of it is written in one place, ``services.records.book``, and a contract looks for strays.
_RECORDS = """
CREATE TABLE record (
    authority TEXT NOT NULL,
    record_id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    view BLOB NOT NULL,
    shielded INTEGER NOT NULL,
    conflicts INTEGER NOT NULL,
    PRIMARY KEY (authority, record_id)
);
CREATE INDEX record_in_conflict ON record (authority, record_id) WHERE conflicts > 0;
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
    PRIMARY KEY (authority, actor, counter, content_hash)
)
"""

_PARTITIONS = """
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
CREATE TABLE sealed_file (
    authority TEXT NOT NULL,
    name TEXT NOT NULL,
    partition_id TEXT NOT NULL,
    dropped_at INTEGER,
    PRIMARY KEY (authority, name),
    FOREIGN KEY (authority, partition_id) REFERENCES partition
)
"""

_DEVICES = """
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
CREATE TABLE partition_grant (
    authority TEXT NOT NULL,
    device TEXT NOT NULL,
    generation INTEGER NOT NULL,
    practitioner TEXT NOT NULL,
    partition_id TEXT NOT NULL,
    given_at INTEGER NOT NULL,
    taken_at INTEGER,
    PRIMARY KEY (authority, device, generation, practitioner, partition_id),
    FOREIGN KEY (authority, device, generation, practitioner) REFERENCES holder,
    FOREIGN KEY (authority, partition_id) REFERENCES partition
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
    PRIMARY KEY (authority, device, generation, number),
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
)
"""

_TURNS = """
CREATE TABLE turn (
    job TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    until INTEGER NOT NULL,
    done_at INTEGER NOT NULL
)
"""

# Refers to nothing, as above: eight keys a record.
_SEARCH_KEYS = """
CREATE TABLE search_key (
    authority TEXT NOT NULL,
    key TEXT NOT NULL,
    record_id TEXT NOT NULL,
    PRIMARY KEY (authority, key, record_id)
) WITHOUT ROWID
"""

_ENQUIRIES = """
CREATE TABLE enquiry_log (
    authority TEXT NOT NULL PRIMARY KEY REFERENCES authority,
    head BLOB NOT NULL
);
CREATE TABLE enquiry (
    authority TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    device TEXT NOT NULL,
    generation INTEGER NOT NULL,
    header BLOB NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (authority, sequence),
    FOREIGN KEY (authority, device, generation) REFERENCES device
)
"""

_RECORD_CAPS = """
ALTER TABLE device ADD COLUMN record_cap INTEGER NOT NULL DEFAULT 10000;
ALTER TABLE invitation ADD COLUMN record_cap INTEGER NOT NULL DEFAULT 10000
"""

_SETTLING = """
ALTER TABLE inbox ADD COLUMN number INTEGER NOT NULL DEFAULT 0;
ALTER TABLE inbox ADD COLUMN decision TEXT NOT NULL DEFAULT '';
ALTER TABLE inbox ADD COLUMN decided_at INTEGER NOT NULL DEFAULT 0;
UPDATE inbox SET number = (
    SELECT count(*) FROM inbox earlier WHERE earlier.authority = inbox.authority
    AND (earlier.received_at, earlier.actor, earlier.counter, earlier.content_hash)
     <= (inbox.received_at, inbox.actor, inbox.counter, inbox.content_hash)
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
CREATE INDEX notice_by_reader ON notice (authority, practitioner, read_at)
"""

_REDACTIONS = """
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
ALTER TABLE partition_grant ADD COLUMN offered_feed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE partition_grant ADD COLUMN hidden_feed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE partition_grant ADD COLUMN gone_feed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE partition_grant ADD COLUMN lost_feed INTEGER;
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
)
"""

# For what is hidden of a record later: which partitions it left lately.
_REMOVALS = """
CREATE INDEX removals_of_a_record ON feed (authority, record_id) WHERE removed = 1
"""

_DISPUTES = """
ALTER TABLE record ADD COLUMN disputes INTEGER NOT NULL DEFAULT 0;
CREATE INDEX record_disputed ON record (authority, record_id) WHERE disputes > 0
"""
_PARTED = "ALTER TABLE device ADD COLUMN parted INTEGER NOT NULL DEFAULT 0"

_FORMER_KEYS = """
CREATE TABLE former_key (
    authority TEXT NOT NULL,
    device TEXT NOT NULL,
    generation INTEGER NOT NULL,
    practitioner TEXT NOT NULL,
    signing_key BLOB NOT NULL,
    replaced_at INTEGER NOT NULL,
    PRIMARY KEY (authority, device, generation, practitioner, signing_key),
    FOREIGN KEY (authority, device, generation, practitioner) REFERENCES holder
)
"""

_SUCCESSION = """
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
ALTER TABLE partition_key ADD COLUMN seen_at INTEGER
"""

_LIKENESSES = """
CREATE INDEX record_shielded ON record (authority, record_id) WHERE shielded = 1;
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
CREATE INDEX likeness_undecided ON likeness (authority, record_id) WHERE decision = ''
"""

_MERGES = """
CREATE TABLE merge (
    authority TEXT NOT NULL REFERENCES authority,
    record_id TEXT NOT NULL,
    into_id TEXT NOT NULL,
    members BLOB NOT NULL,
    partitions BLOB NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (authority, record_id)
);
CREATE INDEX merge_into ON merge (authority, into_id)
"""

_HAND_OVERS = """
ALTER TABLE invitation ADD COLUMN hpke_key BLOB;
ALTER TABLE device ADD COLUMN hand_over BLOB
"""
_ENQUIRIES_MADE = "ALTER TABLE device ADD COLUMN enquiries BLOB"

_WIPES = """
ALTER TABLE device_order ADD COLUMN withdrawn_at INTEGER;
CREATE TABLE wipe_request (
    authority TEXT NOT NULL,
    device TEXT NOT NULL,
    generation INTEGER NOT NULL,
    asked_by TEXT NOT NULL,
    asked_at INTEGER NOT NULL,
    waits_until INTEGER NOT NULL,
    PRIMARY KEY (authority, device, generation),
    FOREIGN KEY (authority, device, generation) REFERENCES device
)
"""

_WAYS = """
ALTER TABLE partition ADD COLUMN way TEXT NOT NULL DEFAULT 'offline';
ALTER TABLE partition_grant ADD COLUMN keys_until INTEGER NOT NULL DEFAULT 0
"""

_TRANSFERS = """
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
)
"""

_REGISTER_LINES = """
CREATE TABLE register_line (
    authority TEXT NOT NULL REFERENCES authority,
    number INTEGER NOT NULL,
    entry BLOB NOT NULL,
    PRIMARY KEY (authority, number)
)
"""

_SUSPENSIONS = """
ALTER TABLE practitioner ADD COLUMN suspended_at INTEGER NOT NULL DEFAULT 0;
CREATE INDEX suspended_practitioner ON practitioner (authority, practitioner) WHERE suspended_at > 0
"""

_SHIELD_REVIEWS = """
CREATE TABLE shield_review (
    authority TEXT NOT NULL REFERENCES authority,
    record_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    by TEXT NOT NULL,
    again_by INTEGER NOT NULL,
    PRIMARY KEY (authority, record_id)
)
"""

_EMPLOYERS = """
ALTER TABLE practitioner ADD COLUMN employer TEXT NOT NULL DEFAULT '';
ALTER TABLE practitioner ADD COLUMN manager TEXT NOT NULL DEFAULT ''
"""

STEPS = {
    "0001-authorities": _AUTHORITIES,
    "0002-records": _RECORDS,
    "0003-partitions": _PARTITIONS,
    "0004-devices": _DEVICES,
    "0005-turns": _TURNS,
    "0006-search-keys": _SEARCH_KEYS,
    "0007-enquiries": _ENQUIRIES,
    "0008-record-caps": _RECORD_CAPS,
    "0009-settling": _SETTLING,
    "0010-redactions": _REDACTIONS,
    "0011-removals": _REMOVALS,
    "0012-disputes": _DISPUTES,
    "0013-former-keys": _FORMER_KEYS,
    "0014-parted": _PARTED,
    "0015-key-succession": _SUCCESSION,
    "0016-likenesses": _LIKENESSES,
    "0017-merges": _MERGES,
    "0018-enquiries-made": _ENQUIRIES_MADE,
    "0019-wipes": _WIPES,
    "0020-ways": _WAYS,
    "0021-transfers": _TRANSFERS,
    "0022-hand-overs": _HAND_OVERS,
    "0023-register-lines": _REGISTER_LINES,
    "0024-suspensions": _SUSPENSIONS,
    "0025-shield-reviews": _SHIELD_REVIEWS,
    "0026-employers": _EMPLOYERS,
}
"""Name to statements, in order."""


def pending(driver: Driver) -> tuple[str, ...]:
    """The steps still to be applied; ``CallerMistake("database-newer")`` as ``apply``."""
    applied = _applied(driver) if "migration" in driver.tables() else frozenset()
    return tuple(name for name in STEPS if name not in applied)


def apply(driver: Driver) -> tuple[str, ...]:
    """Apply what is pending and give its names.

    Several may call this at once: each step is applied by one of them. Raises
    ``CallerMistake("database-newer")`` for a database with steps that this version does not know.
    """
    driver.prepare()
    applied = tuple(name for name in pending(driver) if _apply(driver, name))
    driver.settle()
    return applied


def _apply(driver: Driver, name: str) -> bool:
    with driver.transaction() as transaction:
        # Whoever else applies this step holds the row: we wait here, and then it is done.
        recorded = transaction.execute(
            "INSERT INTO migration (name) VALUES (:name) ON CONFLICT DO NOTHING RETURNING name",
            name=name,
        )
        if not recorded:
            return False
        for statement in STEPS[name].split(";"):
            transaction.execute(statement)
        return True


def _applied(driver: Driver) -> frozenset[str]:
    with driver.reading() as transaction:
        applied = {row["name"] for row in transaction.execute("SELECT name FROM migration")}
    if unknown := sorted(applied - STEPS.keys()):
        raise CallerMistake(
            "database-newer",
            f"The database was changed by a later version of Fieldward ({unknown[0]}).",
            next_step="Install that version or a later one; nothing was changed.",
        )
    return frozenset(applied)
