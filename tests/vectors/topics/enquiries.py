"""On-line enquiries: asked, answered, and on record."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

from second_implementation.encoding import document
from second_implementation.keys import HybridKey, label
from second_implementation.merkle import peaks
from vectors.cases import Case, Topic, changed, hpke_sealed, refused, secret, valid
from vectors.outcomes import Outcome
from vectors.topics.boxes import look_up
from vectors.topics.world import (
    AUDIT_SEED,
    AUTHORITY,
    DEVICE,
    EDIT_SEED,
    ENQUIRY_ANSWER_SEED,
    GENERATION,
    INCARNATION,
    PRACTITIONER,
    view,
)

ENQUIRER: list[Any] = [AUTHORITY, INCARNATION, DEVICE, GENERATION, PRACTITIONER]
ANOTHER_GENERATION: list[Any] = [AUTHORITY, INCARNATION, DEVICE, GENERATION + 1, PRACTITIONER]
QUERY = secret("query", 16)
TERMS = {"family": "Okafor", "born": "2021-03"}
HIT = [
    "child-1",
    "Okafor",
    "Ada",
    "2021-03-04",
    "M14",
    False,
    ["name.given"],
    93,
    {"family": "exact", "born": "exact"},
]


def enquiry(**part: Any) -> bytes:
    """A search, unless told otherwise."""
    asked = {
        "reason": "duty-desk",
        "on_behalf_of": "p-9",
        "query": QUERY,
        "terms": TERMS,
        "record_id": None,
        "answer_key": HybridKey.of(ENQUIRY_ANSWER_SEED).public,
        **part,
    }
    return document("enquiry", *asked.values())


def request(asked: bytes, *, enquirer: Sequence[Any] = ENQUIRER) -> bytes:
    """An enquiry as it travels."""
    return document("enquiry-request", hpke_sealed(EDIT_SEED, label("enquiry", *enquirer), asked))


def enquired(
    outcome: str, *, add: Sequence[str] = (), hits: Sequence[Any] = (), view: Any = None
) -> bytes:
    """What an enquiry came to."""
    return document("enquired", outcome, add, hits, view)


def padded(found: bytes, size: int = 4096) -> bytes:
    """An answer with what brings it to a size."""
    return found + b"\x80" + bytes(size - len(found) - 1)


def answer(found: bytes, *, query: bytes = QUERY, enquirer: Sequence[Any] = ENQUIRER) -> bytes:
    """An answer as it travels."""
    return sealed_answer(padded(found), query=query, enquirer=enquirer)


def sealed_answer(
    plaintext: bytes, *, query: bytes = QUERY, enquirer: Sequence[Any] = ENQUIRER
) -> bytes:
    """The same of what has its size already, or has not."""
    info = label("enquiry-answer", *enquirer, query)
    return document("enquiry-answer", hpke_sealed(ENQUIRY_ANSWER_SEED, info, plaintext))


def entry(sequence: int, *, authority: str = AUTHORITY) -> tuple[bytes, bytes]:
    """The header and the sealed look-up of an entry of the authority's log."""
    body = hpke_sealed(AUDIT_SEED, label("enquiry-entry", *ENQUIRER), look_up())
    body_hash = hashlib.sha256(body).digest()
    return document("enquiry-entry", authority, sequence, *ENQUIRER[1:], body_hash), body


def head(*entries: tuple[bytes, bytes]) -> bytes:
    """How far the log has come."""
    leaves = [header for header, _ in entries]
    return document("enquiry-log-head", AUTHORITY, [len(leaves), peaks(leaves)])


EXAMPLES = {
    "EnquiryRequest": request(enquiry()),
    "Enquiry": enquiry(),
    "EnquiryAnswer": answer(enquired("shown", hits=[HIT])),
    "Enquired": enquired("shown", add=["given"], hits=[HIT], view=view("child-1", 3)),
    "EnquiryHeader": entry(0)[0],
    "EnquiryLogHead": head(entry(0)),
}


def _cases() -> Iterator[Case]:
    yield from _asked()
    yield from _answered()
    yield from _logged()


def _asked() -> Iterator[Case]:
    def asks(asked: bytes, **part: Any) -> dict[str, Any]:
        return {
            "kind": "request",
            "seed": EDIT_SEED,
            "enquirer": ENQUIRER,
            "data": request(asked, **part),
        }

    opening = enquiry(terms={}, record_id="child-1")
    at_once = enquiry(terms={}, record_id="child-1", query=b"", on_behalf_of=None)
    for name, why, asked in (
        ("search", "by terms", enquiry()),
        ("opening", "one record, found by a search", opening),
        ("opening-at-once", "one record, found by no search", at_once),
    ):
        yield valid(name, why, **asks(asked), opened=asked)
    for name, why, asked in (
        ("both", "terms, and a record to open", enquiry(record_id="child-1")),
        ("neither", "nothing is asked", enquiry(terms={})),
        ("query-missing", "a search without a query's id", enquiry(query=b"")),
        ("query-short", "half a query's id", enquiry(query=QUERY[:8])),
        ("term-name", "a term that cannot be one", enquiry(terms={"Family": "Okafor"})),
        ("term-long", "a term of 101 characters", enquiry(terms={"family": "o" * 101})),
        ("answer-key", "no key", enquiry(answer_key=b"")),
    ):
        yield refused(name, why, Outcome.MALFORMED, **asks(asked))
    yield refused(
        "another-enquirer",
        "sealed by another generation of the device",
        Outcome.SEAL_BROKEN,
        **asks(enquiry(), enquirer=ANOTHER_GENERATION),
    )
    yield refused(
        "another-kind", "a look-up where an enquiry must be", Outcome.WRONG_KIND, **asks(look_up())
    )


def _answered() -> Iterator[Case]:
    def answers(found: bytes, **part: Any) -> dict[str, Any]:
        return {
            "kind": "answer",
            "seed": ENQUIRY_ANSWER_SEED,
            "enquirer": ENQUIRER,
            "query": QUERY,
            "data": answer(found, **part),
        }

    hits = enquired("shown", hits=[HIT])
    for name, why, found in (
        ("hits", "of a search", hits),
        ("record", "of an opening", enquired("shown", view=view("child-1", 3))),
        ("nothing", "nobody fits", enquired("nothing")),
        ("too-many", "what to add", enquired("too-many", add=["given", "postcode"])),
    ):
        yield valid(name, why, **answers(found), opened=found)
    for name, why, part in (
        ("another-query", "it answers another query", {"query": secret("another query", 16)}),
        ("somebody-else", "it answers somebody else", {"enquirer": ANOTHER_GENERATION}),
    ):
        yield refused(name, why, Outcome.SEAL_BROKEN, **answers(hits, **part))
    for name, why, found in (
        ("hits-too-many", "more than a page", enquired("shown", hits=[HIT] * 21)),
        ("percent", "more than all of it", enquired("shown", hits=[[*HIT[:7], 101, HIT[8]]])),
        ("outcome", "an outcome that is none", enquired("some")),
    ):
        yield refused(name, why, Outcome.MALFORMED, **answers(found))
    for name, why, plaintext in (
        ("padding-missing", "as long as what it says", hits),
        ("padding-size", "padded to a size that is none", padded(hits, 2048)),
        ("padding-longer", "padded to more than the next size", padded(hits, 16384)),
        ("padding-begins", "zeros alone behind it", hits + bytes(4096 - len(hits))),
        ("padding-other", "other bytes than zeros behind it", padded(hits)[:-1] + b"\x01"),
    ):
        yield refused(
            name, why, Outcome.MALFORMED, **{**answers(hits), "data": sealed_answer(plaintext)}
        )


def _logged() -> Iterator[Case]:
    one, two, three = entry(0), entry(1), entry(2)

    def logs(*entries: tuple[bytes, bytes]) -> dict[str, Any]:
        return {
            "kind": "log",
            "seed": AUDIT_SEED,
            "head": head(one),
            "entries": entries,
        }

    yield valid(
        "log", "it goes on", **logs(two, three), after=head(one, two, three), opened=look_up()
    )
    for name, why, code, entries in (
        ("log-gap", "an entry is missing", Outcome.JOURNAL_GAP, [three]),
        ("log-again", "an entry that has had its turn", Outcome.JOURNAL_GAP, [one]),
        (
            "log-another-authority",
            "an entry of another authority",
            Outcome.JOURNAL_GAP,
            [entry(1, authority="E08000003")],
        ),
        ("log-body", "another body", Outcome.JOURNAL_BODY, [(two[0], changed(two[1]))]),
        ("log-header", "a byte too many", Outcome.MALFORMED, [(two[0] + b"\x00", two[1])]),
    ):
        yield refused(name, why, code, **logs(*entries))


TOPIC = Topic(
    "enquiries",
    "documents and HPKE by hand, encapsulations from recorded.json; roots by RFC 6962's own"
    " recursion over all leaves",
    _cases,
)
