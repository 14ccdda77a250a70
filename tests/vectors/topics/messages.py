"""One good example of every document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from second_implementation.encoding import document
from second_implementation.keys import HybridKey, signed
from second_implementation.time_codes import statement as time_statement
from vectors.cases import Case, Topic, secret, valid
from vectors.topics import enquiries
from vectors.topics.boxes import look_up, proposal, sealed_entry, signed_header
from vectors.topics.distribution import manifest
from vectors.topics.journal import entry, seal
from vectors.topics.leases import LEASE_ID, SECRETS, WARM_KEYS, WARM_SEED, grant, lease, warm_keys
from vectors.topics.orders import receipt
from vectors.topics.views import SERVER, edit
from vectors.topics.world import (
    ANSWER_SEED,
    AUTHORITY,
    DEVICE,
    EPOCH,
    GENERATION,
    IDENTITY_KEY,
    IDENTITY_SEED,
    NOW,
    PARTITION,
    PRACTITIONER,
    PRACTITIONER_HPKE_SEED,
    ROOT_KEY,
    SIGNING_KEY,
    TRUST,
    order,
    trust,
)


def _notice(kind: str, path: str | None, counter: int, reason: str) -> list[Any]:
    notice_id = secret(f"notice {counter}")[:16]
    actor = f"{DEVICE}.{GENERATION}"
    return [notice_id, kind, "child-1", path, actor, counter, reason, NOW]


def _made() -> dict[str, bytes]:
    signed_lease, sealed_secrets = grant()
    one = entry(0, 0)
    verdicts = [
        [7, 3, "merged", "", [[PARTITION, 12]]],
        [8, 0, "refused", "out-of-scope", []],
    ]
    distribution = document(
        "distribution",
        AUTHORITY,
        1,
        DEVICE,
        GENERATION,
        PRACTITIONER,
        5,
        NOW,
        NOW + 86_400,
        [manifest()],
        ["hv-9"],
        [["hv-8", "Refuge"]],
        [PARTITION],
    )
    request: list[Any] = [
        [1, 5, LEASE_ID, 499, [["hv-9", 0, 0], [PARTITION, 12, 9]], True],
        1,
        [["box", signed_header("journal")], one, seal(0, [one])],
        1,
        [[signed_header("edits"), 0, [sealed_entry("edits", 0, proposal(7))]]],
        [signed(IDENTITY_SEED, receipt())],
        7,
        1,
        False,
        HybridKey.of(PRACTITIONER_HPKE_SEED).public,
        [secret("notice")[:16]],
        "platform",
        [[PRACTITIONER, NOW]],
        secret("next journal key"),
        3,
        [[7, "order-stale"], [0, "order-unreadable"]],
        HybridKey.of(WARM_SEED).public,
        [LEASE_ID, 1, 5],
    ]
    answer: list[Any] = [
        "active",
        1,
        1,
        7,
        verdicts,
        [signed(ANSWER_SEED, order())],
        trust(),
        [signed_lease, sealed_secrets],
        "",
        signed(ANSWER_SEED, distribution),
        4,
        3,
        [
            _notice("settled", "involvements/a1.phone", 7, "confirmed-by-family"),
            _notice("admitted", None, 8, "checked-with-author"),
        ],
        True,
        2,
        warm_keys(),
        secret("invitation id"),
        [
            secret("invitation id"),
            [signed_lease, sealed_secrets],
            signed(ANSWER_SEED, distribution),
        ],
        [PRACTITIONER],
    ]
    admitted = edit(
        SERVER,
        1,
        {"name.given": "Ada", "school.code": None},
        basis="checked-with-author",
        base=3,
        admits=[f"{DEVICE}.{GENERATION}", 8],
    )
    return {
        "Trust": TRUST,
        "EnrolRequest": document(
            "enrol",
            secret("invitation id"),
            IDENTITY_KEY,
            SIGNING_KEY,
            secret("journal key"),
            "file",
            "Tablet 7",
            secret("proof"),
        ),
        "EnrolAnswer": document(
            "enrolled", AUTHORITY, DEVICE, GENERATION, PRACTITIONER, ROOT_KEY, trust()
        ),
        "JoinRequest": document(
            "join", secret("invitation id"), SIGNING_KEY, secret("proof of joining")
        ),
        "JoinAnswer": document("joined", PRACTITIONER),
        "SyncRequest": document("sync", *request),
        "SyncAnswer": document("synced", *answer),
        "LeaseGrant": document("lease-grant", signed_lease, sealed_secrets),
        "Lease": lease(sealed_secrets),
        "LeaseSecrets": SECRETS,
        "WarmKeys": WARM_KEYS,
        "Distribution": distribution,
        "FileContext": document("file", AUTHORITY, 1, PARTITION, EPOCH, "segment", 4, 9),
        "BoxHeader": signed_header("edits")[0],
        "Proposal": proposal(7),
        "Edit": document("edit", *admitted),
        "LookUp": look_up(),
        "EntryHeader": one[1],
        "EpochSeal": seal(0, [one])[1][0],
        "JournalHead": document("journal-head", DEVICE, 1, [0, []], 0, 0, SIGNING_KEY),
        **enquiries.EXAMPLES,
        "Order": order(),
        "Receipt": receipt(),
        "TimeStatement": time_statement(
            AUTHORITY, DEVICE, GENERATION, secret("time challenge", 10), NOW
        ),
        "ClockState": document("clock", NOW, NOW, [NOW, 1000, "boot-1"], 0),
    }


def _cases() -> Iterator[Case]:
    for name, data in _made().items():
        yield valid(
            name, "whole, with a value in every field that may have one", document=name, data=data
        )


TOPIC = Topic("messages", "by hand, field by field", _cases)
