"""What vectors are made of: cases by topic, secrets that are the same in every run, and the one
thing that cannot be made again byte for byte."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from second_implementation.keys import HybridKey, hpke_seal
from vectors.outcomes import Outcome

FORMAT = "fieldward/vectors/1"
FOLDER = Path(__file__).parent
RECORDED = FOLDER / "recorded.json"


@dataclass(frozen=True)
class Case:
    """One input and what is expected of it; at most one thing is wrong with it."""

    name: str
    why: str
    expect: Outcome
    content: Mapping[str, Any]


@dataclass(frozen=True)
class Topic:
    """The cases of one file."""

    name: str
    source: str
    make: Callable[[], Iterable[Case]]

    def text(self) -> str:
        """The file, byte strings in hexadecimal."""
        content = {"format": FORMAT, "source": self.source, "cases": list(self._cases())}
        return json.dumps(content, indent=1, ensure_ascii=False) + "\n"

    @property
    def path(self) -> Path:
        """Where it lies."""
        return FOLDER / f"{self.name}.json"

    def _cases(self) -> Iterator[dict[str, Any]]:
        for case in self.make():
            yield {
                "name": case.name,
                "why": case.why,
                **_plain(case.content),
                "expect": case.expect.value,
            }


def valid(name: str, why: str, /, **content: Any) -> Case:
    """A case that is accepted."""
    return Case(name, why, Outcome.VALID, content)


def refused(name: str, why: str, code: Outcome, /, **content: Any) -> Case:
    """A case with exactly one thing wrong."""
    return Case(name, why, code, content)


def secret(name: str, length: int = 32) -> bytes:
    """Bytes that nobody should use for anything else: the same in every run."""
    return hashlib.shake_256(f"fieldward vectors: {name}".encode()).digest(length)


def changed(data: bytes, place: int = -1) -> bytes:
    """The same with one bit turned over."""
    found = bytearray(data)
    found[place] ^= 1
    return bytes(found)


def hpke_sealed(seed: bytes, info: bytes, plaintext: bytes) -> bytes:
    """Sealed to the key pair of a seed, over an encapsulation that was recorded for it.

    ML-KEM draws its randomness inside the library; all that follows from it is made by hand.
    """
    encapsulated = bytes.fromhex(_recorded()["encapsulated"][seed.hex()])
    shared = HybridKey.of(seed).decapsulate(encapsulated)
    return hpke_seal(shared, encapsulated, info, plaintext)


@cache
def _recorded() -> Any:
    return json.loads(RECORDED.read_text())


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(each) for each in value]
    return value
