"""One encoding of each value."""

from __future__ import annotations

from collections.abc import Iterator

from second_implementation.encoding import document, pack
from vectors.cases import Case, Topic, refused, valid
from vectors.outcomes import Outcome
from vectors.topics.world import AUTHORITY, DEVICE, GENERATION, NOW, PRACTITIONER, order

MARKER = b"fieldward/order/1\n"
SEVEN_AND_WIPE = b"\x07\xa4wipe"


def _look_up(terms: bytes) -> bytes:
    """A look-up whose terms are packed already."""
    packed = (
        *map(pack, ("search", "shown", PRACTITIONER, None, "home-visit", NOW)),
        terms,
        *map(pack, ([], [], b"")),
    )
    return b"fieldward/look-up/1\n\x9a" + b"".join(packed)


def _order(*fields: object) -> bytes:
    return document("order", *fields)


def _cases() -> Iterator[Case]:
    good = order()
    whole = (AUTHORITY, DEVICE, GENERATION, 7, "wipe", NOW)

    def of_order(name: str, why: str, code: Outcome, data: bytes, max_bytes: int = 1 << 20) -> Case:
        return refused(name, why, code, document="Order", data=data, max_bytes=max_bytes)

    yield valid("order", "an order as it is", document="Order", data=good, max_bytes=len(good))
    malformed = Outcome.MALFORMED
    yield of_order("too-long", "longer than its place", Outcome.TOO_LARGE, good, len(good) - 1)
    for name, why, data in (
        ("other-kind", "another kind's marker", good.replace(b"/order/", b"/lease/")),
        ("other-version", "another version", good.replace(b"/1\n", b"/2\n")),
        ("no-marker", "the array alone", good[len(MARKER) :]),
        ("carriage-return", "another line end", good.replace(b"\n", b"\r\n", 1)),
        ("empty", "nothing at all", b""),
    ):
        yield of_order(name, why, Outcome.WRONG_KIND, data)
    for name, why, data in (
        ("marker-alone", "no array", MARKER),
        ("cut", "the last byte is missing", good[:-1]),
        ("trailing", "a byte too many", good + b"\xc0"),
        ("field-missing", "five fields", _order(*whole[:-1])),
        ("field-more", "seven fields", _order(*whole, 0)),
        ("a-map", "a map instead of an array", MARKER + pack({"authority": AUTHORITY})),
        (
            "long-integer",
            "7 in two bytes",
            good.replace(SEVEN_AND_WIPE, b"\xcc\x07" + SEVEN_AND_WIPE[1:]),
        ),
        (
            "long-text",
            "a short text with a length byte",
            good.replace(b"\xa4wipe", b"\xd9\x04wipe"),
        ),
        ("long-array", "a short array with a length", good.replace(b"\x96", b"\xdc\x00\x06", 1)),
        ("signed-integer", "7 as a signed byte", good.replace(b"\x07\xa4", b"\xd0\x07\xa4")),
        (
            "float",
            "7.0 for 7",
            good.replace(SEVEN_AND_WIPE, b"\xcb\x40\x1c" + bytes(6) + b"\xa4wipe"),
        ),
        ("bytes-for-text", "a byte string", good.replace(b"\xa4wipe", b"\xc4\x04wipe")),
        ("boolean-for-integer", "true for 1", _order(*whole[:3], True, *whole[4:])),
        ("nil", "nil where a value must be", _order(*whole[:3], None, *whole[4:])),
        ("count-too-high", "2**53", _order(*whole[:3], 2**53, *whole[4:])),
        ("count-negative", "-1", _order(*whole[:3], -1, *whole[4:])),
        ("word-unknown", "a kind of order that is none", _order(*whole[:4], "burn", NOW)),
        ("id-misshaped", "capitals in an id", _order(AUTHORITY, DEVICE.upper(), *whole[2:])),
        ("not-utf-8", "text that is none", good.replace(b"wipe", b"wip\xff")),
    ):
        yield of_order(name, why, malformed, data)

    in_order = pack({"born": "2021", "family": "Okafor"})
    pair = pack("born") + pack("2021"), pack("family") + pack("Okafor")
    for name, why, terms, code in (
        ("map", "map keys in order", in_order, Outcome.VALID),
        ("map-unordered", "map keys in another order", b"\x82" + pair[1] + pair[0], malformed),
        ("map-repeated", "the same key twice", b"\x82" + pair[0] + pair[0], malformed),
        ("map-long", "a short map with a length", b"\xde\x00\x02" + in_order[1:], malformed),
        ("extension", "an extension type for a value", b"\x81\xa1a\xd4\x01\x00", malformed),
    ):
        made = Case(
            name, why, code, {"document": "LookUp", "data": _look_up(terms), "max_bytes": 1 << 20}
        )
        yield made


TOPIC = Topic("encoding", "by hand, byte by byte; MessagePack is not that of the code", _cases)
