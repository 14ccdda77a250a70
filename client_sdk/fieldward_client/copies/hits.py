"""What a search answers: hits, or plainly why there are none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal, overload


class Answer(Enum):
    """What a search comes to."""

    SHOWN = "shown"
    """There are hits."""
    TOO_MANY = "too-many"
    """More fit about equally well than a page holds; none is listed. Ask for more to go by."""
    NOT_ON_THIS_DEVICE = "not-on-this-device"
    """Nobody whom this device holds. That is not to say that there is no such child: enquire."""
    NO_SUCH_CHILD = "no-such-child"
    """Nobody in the authority's whole index whom an ordinary reader could find by this."""


@dataclass(frozen=True)
class Hit:
    """A record that fits a search: enough to tell one child from another.

    A field that is empty is not shown, or not known. What says who the child is stays out of
    ``repr``, and so out of other people's logs.
    """

    record_id: str
    family: str = field(repr=False)
    given: str = field(repr=False)
    born: str = field(repr=False)
    postcode_district: str = field(repr=False)
    """The outward half of the postcode of the current or last known address."""
    shielded: bool
    conflicts: tuple[str, ...]
    """Paths with several values; above stands the first of them."""
    pending: bool
    """Whether an edit made on this device has not come back from the server yet."""
    score: float
    """How well it fits, from 0 to 1."""
    agreement: Mapping[str, str]
    """Why it is a hit: for each term given of which the record shows something, how far it agrees
    (``exact``, ``known-spelling``, ``part``, ``sounds-alike``, ``swapped``, ``one-slip``,
    ``beginning``, ``similar``, ``one-in-common``, ``different``). ``order`` is there where names
    agree as ``former`` ones or exchanged (``swapped``)."""
    partition: str
    """The title of the partition that holds it; empty for an answer from the server."""
    as_at: int
    """When this was last known to be the server's state, in seconds since 1970 UTC."""
    stale: bool


@dataclass(frozen=True)
class Unsearched:
    """A partition that its holder may search, and that was not searched here."""

    title: str
    why: Literal["on-line-only", "until-sync"]
    """``on-line-only``: nothing of it is on any device. ``until-sync``: its keys are not here. It
    is held warm, or its key was replaced and the lease not renewed; a sync while this practitioner
    is at the device brings them. ``Session.enquire`` finds those of both."""


@dataclass(frozen=True)
class Hits(Sequence[Hit]):
    """A search's hits, best first, and its answer in a word."""

    answer: Answer
    hits: tuple[Hit, ...] = ()
    add: tuple[str, ...] = ()
    """Where too many fit: the terms that would tell them apart, the best first."""
    unsearched: tuple[Unsearched, ...] = ()
    """Where somebody who fits could be, too; said whatever the answer is."""

    @overload
    def __getitem__(self, index: int) -> Hit: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Hit]: ...

    def __getitem__(self, index: int | slice) -> Hit | Sequence[Hit]:
        return self.hits[index]

    def __len__(self) -> int:
        return len(self.hits)
