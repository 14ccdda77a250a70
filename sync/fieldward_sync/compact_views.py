"""Views as the rows of an image: what its records have in common stands in it once.

Most of a view's bytes are paths, and names and addresses that many others have too. A row names
shapes of paths and shared values by their numbers; a seventh of the bytes is left, and a view costs
no more to read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Hashable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain, repeat
from typing import TypeVar

import msgspec
from msgspec import Raw

from fieldward_sync.encoding import Part, pack, unpack_authentic
from fieldward_sync.errors import PeerBrokeProtocol
from fieldward_sync.names import Count
from fieldward_sync.records import Value
from fieldward_sync.views import View, ViewValue

Shape = tuple[str, ...]
"""A beginning of paths, and then how those of one member go on: ``carers/``, ``.family``,
``.given``. Without a beginning there is no member, and the rest are whole paths."""

_Picked = tuple[str, int, Sequence[tuple[int, str]]]
"""Of a shape, its beginning, how many paths it has, and the places and ends of those that are
read."""

_read_value = msgspec.msgpack.Decoder(Value).decode
_MISFITS = (LookupError, StopIteration, msgspec.MsgspecError, UnicodeDecodeError)
"""What a row raises that does not fit what it names."""
_SHARED_FROM = 2
"""A value that so many have stands once, apart."""


class CompactView(Part, frozen=True):
    """A row: a view without what it has in common with others."""

    revision: Count
    shielded: bool
    numbers: tuple[Count, ...]
    """Of its values; the last counts for all that follow."""
    shapes: tuple[Count, ...]
    members: tuple[str, ...]
    """One for each shape that has a beginning."""
    values: tuple[Value, ...]
    """An integer is the number of a shared value; a value that is an integer is always shared."""


class Common:
    """What the records of an image have in common."""

    def __init__(self, shapes: bytes, values: bytes) -> None:
        """Raise ``PeerBrokeProtocol`` for bytes that are none of ours."""
        self.shapes, self.values = shapes, values
        read: tuple[Shape, ...] = unpack_authentic(tuple[Shape, ...], shapes)
        if not all(read):
            raise _malformed()
        self._shapes = [(shape[0], shape[1:]) for shape in read]
        # Each is read when it is needed: of many thousands, few are ever shown.
        self._values: list[Raw] = unpack_authentic(list[Raw], values)
        self._texts: dict[int, str] = {}
        self._doubled = {n for n, shape in enumerate(read) if len({*shape}) < len(shape)}

    def view(self, record_id: str, row: bytes) -> View:
        """The view that ``Compacting`` wrote; ``PeerBrokeProtocol`` for anything else."""
        found = unpack_authentic(CompactView, row)
        try:
            paths, numbers, values = self._paths(found), _numbers(found), self._read(found.values)
        except _MISFITS as e:
            raise _malformed() from e
        shown = tuple(map(ViewValue, paths, numbers, values))
        return View(record_id, found.revision, found.shielded, shown)

    def reader(self, wanted: Container[str]) -> Callable[[str, bytes], View]:
        """As ``view``, for what is at some paths alone, and in some collections, by how the paths
        of their members begin: a search looks at a few values of each of many records."""
        picked = [
            (
                beginning,
                len(ends),
                [(place, end) for place, end in enumerate(ends) if (beginning or end) in wanted],
            )
            for beginning, ends in self._shapes
        ]
        return partial(self._part, picked)

    def _part(self, picked: Sequence[_Picked], record_id: str, row: bytes) -> View:
        found = unpack_authentic(CompactView, row)
        numbers, written = found.numbers or (0,), found.values
        shown, start, members = list[ViewValue](), 0, iter(found.members)
        last = len(numbers) - 1
        try:
            for shape in found.shapes:
                beginning, count, ends = picked[shape]
                member = next(members) if beginning else ""
                for place, end in ends:
                    at = start + place
                    value = written[at]
                    if type(value) is int:
                        value = self._texts.get(value) or self._shared(value)
                    number = numbers[at] if at < last else numbers[last]
                    shown.append(ViewValue(beginning + member + end, number, value))
                start += count
            _require_as_many(start, found)
        except _MISFITS as e:
            raise _malformed() from e
        return View(record_id, found.revision, found.shielded, tuple(shown))

    def packed_view(self, record_id: str, row: bytes) -> tuple[int, bytes]:
        """The same view's revision and bytes. No value is read that stands apart: what a digest
        covers takes half the time so."""
        found = unpack_authentic(CompactView, row)
        apart, none = self._values, len(self._values)
        try:
            paths, numbers = self._paths(found), _numbers(found)
            values = [
                # Below zero Python would count it from the end.
                apart[each if each >= 0 else none] if type(each) is int else each
                for each in found.values
            ]
        except _MISFITS as e:
            raise _malformed() from e
        shown = list(zip(paths, numbers, values, strict=False))
        return found.revision, pack((record_id, found.revision, found.shielded, shown))

    def may_conflict(self, row: bytes) -> bool:
        """Whether a row has some path twice; without that nothing in it is a conflict."""
        if not self._doubled:
            return False
        found = unpack_authentic(CompactView, row)
        return not self._doubled.isdisjoint(found.shapes)

    def _paths(self, found: CompactView) -> list[str]:
        """The paths of its values, in their order."""
        paths, members = list[str](), iter(found.members)
        for number in found.shapes:
            beginning, ends = self._shapes[number]
            if beginning:
                before = beginning + next(members)
                paths += [before + end for end in ends]
            else:
                paths += ends
        _require_as_many(len(paths), found)
        return paths

    def _read(self, written: Iterable[Value]) -> list[Value]:
        """Values, those that stand apart among them."""
        known, shared = self._texts.get, self._shared
        return [(known(each) or shared(each)) if type(each) is int else each for each in written]

    def _shared(self, number: int) -> Value:
        if number < 0:  # Python would count it from the end
            raise LookupError(number)
        value: Value = _read_value(self._values[number])
        if isinstance(value, str):
            self._texts[number] = value
        return value


def _require_as_many(paths: int, found: CompactView) -> None:
    if paths != len(found.values):
        raise LookupError(paths)


def _numbers(found: CompactView) -> Iterable[int]:
    """The numbers of its values; they go on beyond the last."""
    return chain(found.numbers, repeat(found.numbers[-1] if found.numbers else 0))


class Taken(msgspec.Struct, frozen=True, gc=False):
    """A row whose numbers are ``Compacting``'s own."""

    revision: Count
    shielded: bool
    numbers: tuple[Count, ...]
    shapes: tuple[int, ...]
    members: tuple[str, ...]
    values: tuple[int, ...]


class Compacting:
    """Writes the rows of an image from one view after the other.

    What they have in common is known once all have come. Until then rows are kept in numbers of our
    own, and the views can go: all of them at once would take a gigabyte.
    """

    def __init__(self) -> None:
        self._shapes, self._keys = _Numbers[Shape](), _Numbers[_Key]()

    def take(self, view: View) -> Taken:
        """A view's row in our own numbers, of which each of its values has one."""
        shapes, members = _shapes([each.path for each in view.values])
        return Taken(
            view.revision,
            view.shielded,
            _without_repeats([each.number for each in view.values]),
            tuple(map(self._shapes.__getitem__, shapes)),
            tuple(members),
            tuple(map(self._keys.__getitem__, _keys([each.value for each in view.values]))),
        )

    def written(self, taken: Sequence[Taken]) -> tuple[Common, Iterator[bytes]]:
        """What the rows that were taken have in common, and in their order the rows without it."""
        counts = Counter(chain.from_iterable([row.values for row in taken]))
        shared = [
            (-counts[number], key if isinstance(key, bytes) else pack(key), number)
            for key, number in self._keys.items()
            if counts[number] >= _SHARED_FROM or isinstance(key, int)
        ]
        shared.sort()  # the most frequent first: their numbers are the shortest
        values: list[Value] = [
            _read_value(key) if isinstance(key, bytes) else key for key in self._keys
        ]
        for place, (_, _, number) in enumerate(shared):
            values[number] = place
        known, used = list(self._shapes), chain.from_iterable([row.shapes for row in taken])
        shapes = {number: place for place, number in enumerate(dict.fromkeys(used))}
        common = Common(
            pack([known[number] for number in shapes]),
            pack([Raw(packed) for _, packed, _ in shared]),
        )
        return common, (
            pack(
                CompactView(
                    row.revision,
                    row.shielded,
                    row.numbers,
                    tuple(map(shapes.__getitem__, row.shapes)),
                    row.members,
                    tuple([values[number] for number in row.values]),
                )
            )
            for row in taken
        )


_Key = str | int | bytes
"""A value as one that can be counted: texts and integers as they are, of others the bytes."""
_Numbered = TypeVar("_Numbered", bound=Hashable)


class _Numbers(dict[_Numbered, int]):
    """Numbers for what is asked for, from 0 on."""

    def __missing__(self, new: _Numbered) -> int:
        self[new] = len(self)
        return self[new]


def _keys(values: Iterable[Value]) -> list[_Key]:
    return [
        value if isinstance(value, str) or type(value) is int else pack(value) for value in values
    ]


def _shapes(paths: Iterable[str]) -> tuple[list[Shape], list[str]]:
    """The shapes of these paths in their order, and the members of those that have one."""
    shapes, members = list[list[str]](), list[str]()
    shape = list[str]()
    before: str | None = None
    for path in paths:
        head, point, field = path.partition(".")
        if head == before:
            shape.append(point + field)
            continue
        collection, stroke, member = head.partition("/")
        if stroke:
            members.append(member)
            shape = [collection + stroke, point + field]
            shapes.append(shape)
            before = head
        elif before == "":
            shape.append(path)
        else:
            shape = ["", path]
            shapes.append(shape)
            before = ""
    return list(map(tuple, shapes)), members


def _without_repeats(numbers: list[int]) -> tuple[int, ...]:
    """The numbers up to the first of the equal ones at their end."""
    if numbers.count(numbers[-1] if numbers else 0) == len(numbers):
        return tuple(numbers[:1])
    while numbers[-1] == numbers[-2]:
        numbers.pop()
    return tuple(numbers)


def _malformed() -> PeerBrokeProtocol:
    return PeerBrokeProtocol("image-malformed", "A record's row does not fit its image.")
