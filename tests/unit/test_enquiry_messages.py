"""The messages of on-line enquiries: their shapes, and the log that they are kept in."""

from __future__ import annotations

import msgspec
import pytest

from fieldward_sync.encoding import decode, encode
from fieldward_sync.enquiries import MAX_ENQUIRY_BYTES, Enquirer, Enquiry, EnquiryLogHead
from fieldward_sync.errors import PeerBrokeProtocol
from fieldward_sync.journal import LookUp

ENQUIRER = Enquirer("E08000039", 1, "d-1", 1, "p-1")
SEARCH = Enquiry("clinic", None, bytes(16), {"family": "Okafor"}, None, bytes(1216))
OPENING = Enquiry("clinic", None, b"", {}, "ada", bytes(1216))


def written(**changed: object) -> bytes:
    """An enquiry as a foreign program might write it."""
    fields = {name: getattr(SEARCH, name) for name in SEARCH.__struct_fields__}
    return Enquiry.marker + b"\n" + msgspec.msgpack.encode([*{**fields, **changed}.values()])


@pytest.mark.parametrize("enquiry", [SEARCH, OPENING], ids=["search", "opening"])
def test_an_enquiry_comes_back_as_it_went(enquiry: Enquiry) -> None:
    assert decode(Enquiry, encode(enquiry), max_bytes=MAX_ENQUIRY_BYTES) == enquiry


@pytest.mark.parametrize(
    "changed",
    [
        {"terms": {}},
        {"record_id": "ada"},
        {"query": b""},
        {"query": b"short"},
        {"terms": {"family": "x" * 101}},
        {"terms": {"Family": "x"}},
        {"terms": {f"t{'x' * n}": "x" for n in range(17)}},
        {"answer_key": bytes(32)},
        {"terms": {}, "record_id": "ADA"},
        {"reason": "Duty desk"},
    ],
    ids=[
        "neither searches nor opens",
        "does both",
        "a search without a query's id",
        "half a query's id",
        "a long term",
        "no name of a term",
        "many terms",
        "no key",
        "no record's id",
        "no reason's code",
    ],
)
def test_an_enquiry_of_another_shape_is_malformed(changed: dict[str, object]) -> None:
    with pytest.raises(PeerBrokeProtocol, match="malformed"):
        decode(Enquiry, written(**changed), max_bytes=MAX_ENQUIRY_BYTES)


def test_a_look_up_has_a_whole_querys_id_or_none() -> None:
    for query in (b"", bytes(16)):
        look_up = LookUp("search", "too-many", "p-1", None, "clinic", 0, {}, (), (), query)
        assert decode(LookUp, encode(look_up), max_bytes=1024) == look_up
    cut = encode(look_up).replace(b"\xc4\x10" + bytes(16), b"\xc4\x0f" + bytes(15))
    with pytest.raises(PeerBrokeProtocol, match="malformed"):
        decode(LookUp, cut, max_bytes=1024)


def test_a_log_takes_only_what_comes_next_and_is_whole() -> None:
    empty = EnquiryLogHead.first("E08000039")
    one = empty.take(header := empty.header(b"body", enquirer=ENQUIRER), b"body")
    assert one.size == 1
    for refused, body in ((header, b"body"), (one.header(b"body", enquirer=ENQUIRER), b"other")):
        with pytest.raises(PeerBrokeProtocol):
            one.take(refused, body)
    with pytest.raises(PeerBrokeProtocol, match="journal-gap"):
        EnquiryLogHead.first("E06000001").take(header, b"body")
