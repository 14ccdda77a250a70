"""One encoding per value: whatever else arrives is refused by name."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from typing import Annotated, ClassVar

import msgspec
import pytest

from fieldward_sync.encoding import Message, Part, decode, encode
from fieldward_sync.errors import PeerBrokeProtocol
from program import environment


class Item(Part, frozen=True):
    count: int
    name: Annotated[str, msgspec.Meta(max_length=3)]


class Parcel(Message, frozen=True):
    marker: ClassVar[bytes] = b"fieldward/parcel/1"
    items: tuple[Item, ...]
    labels: dict[str, int]
    note: str = ""


PARCEL = Parcel((Item(1, "abc"),), {"b": 1, "a": 2})
GOOD = encode(PARCEL)
HEAD = b"fieldward/parcel/1\n"


@dataclass(frozen=True)
class Case:
    name: str
    data: bytes
    code: str = "malformed"


CASES = [
    Case("nothing", b"", "wrong-kind"),
    Case("another kind", GOOD.replace(b"parcel", b"packet"), "wrong-kind"),
    Case("another version", GOOD.replace(b"/1\n", b"/2\n"), "wrong-kind"),
    Case("a trailing byte", GOOD + b"\x00"),
    Case("a byte missing", GOOD[:-1]),
    Case("a field missing", HEAD + msgspec.msgpack.encode([[]])),
    Case("a defaulted field left out", HEAD + msgspec.msgpack.encode([[], {}])),
    Case("a field too many", HEAD + msgspec.msgpack.encode([[], {}, "", 1])),
    Case("a string too long", HEAD + msgspec.msgpack.encode([[[1, "abcd"]], {}, ""])),
    Case("a number as text", HEAD + msgspec.msgpack.encode([[["1", "abc"]], {}, ""])),
    Case("unsorted keys", HEAD + msgspec.msgpack.encode([[], {"b": 1, "a": 2}, ""])),
    Case("a number in a long form", HEAD + b"\x93\x91\x92\xcc\x01\xa1a\x80\xa0"),
    Case("nested without end", HEAD + b"\x91" * 10_000),
    Case("larger than allowed", GOOD + b"\x00" * 1_000, "too-large"),
]


def test_a_value_comes_back_as_it_was() -> None:
    assert decode(Parcel, GOOD, max_bytes=200) == PARCEL


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_is_refused(case: Case) -> None:
    with pytest.raises(PeerBrokeProtocol) as refusal:
        decode(Parcel, case.data, max_bytes=20_000 if case.code != "too-large" else 200)
    assert refusal.value.code == case.code


MANY_THREADS = """
from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from fieldward_sync.encoding import Part, pack, unpack

THREADS = 8
sys.setswitchinterval(1e-6)
together = Barrier(THREADS)
KINDS = "class K0(Part, frozen=True):\\n    last: int\\n"
for n in range(1, 12):  # each holds the one before
    KINDS += f"class K{n}(Part, frozen=True):\\n"
    KINDS += f"    inner: K{n - 1}\\n    more: tuple[K{n - 1}, ...]\\n"


def meet(kind, data):
    together.wait()
    return unpack(kind, data)


with ThreadPoolExecutor(THREADS) as threads:
    for _ in range(40):
        exec(KINDS)
        value = K0(1)
        datas = [pack(value := kind(value, ())) for kind in (K1, K2, K3, K4, K5, K6, K7, K8, K9)]
        kinds = [K9, K5, K8, K3, K7, K9, K4, K9]
        wanted = [datas[int(kind.__name__[1:]) - 1] for kind in kinds]
        assert len(list(threads.map(meet, kinds, wanted))) == THREADS
"""


def test_threads_that_meet_a_kind_for_the_first_time_together_all_read_it() -> None:
    """msgspec itself would end the process: each of them looks into the kind, one lets the others
    see what it has found so far."""
    many = subprocess.run(
        [sys.executable, "-c", MANY_THREADS],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (many.returncode, many.stderr) == (0, "")
