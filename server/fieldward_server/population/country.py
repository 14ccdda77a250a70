"""All children of England in a folder, a file for each authority: made once, however often it is
interrupted.

A file is there whole or not at all, so what is there is not made again. The folder says which
population it holds: files of two would share NHS numbers.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from fieldward_server.durable import sync, write_new
from fieldward_server.population.authorities import AUTHORITIES
from fieldward_server.population.blocks import Share
from fieldward_server.population.generator import Lines, ndjson, plan
from fieldward_sync.errors import CallerMistake

CHILDREN_OF_ENGLAND = 11_000_000
_ABOUT = "population.json"


class _Population(msgspec.Struct, frozen=True):
    """What a folder says of itself."""

    children: int
    seed: int


@dataclass(frozen=True)
class Country:
    """A population of all authorities, in a folder."""

    folder: Path
    children: int
    shares: tuple[Share, ...]

    @classmethod
    def begin(cls, folder: Path, *, children: int, seed: int) -> Country:
        """Take a folder that is empty, or go on with one that holds this very population.

        ``CallerMistake("other-population")`` if it holds another, or something else.
        """
        about, wanted = folder / _ABOUT, _Population(children, seed)
        if about.exists():
            if msgspec.json.decode(about.read_bytes()) != msgspec.to_builtins(wanted):
                raise _other(f"{folder} holds another population: {about.read_text()}")
        elif folder.exists() and any(folder.iterdir()):
            raise _other(f"{folder} holds something else.")
        else:
            write_new(about, msgspec.json.encode(wanted))
        return cls(folder, children, plan(AUTHORITIES, children=children, seed=seed))

    def file(self, share: Share) -> Path:
        """Where the children of an authority are, once they are there."""
        return self.folder / f"{share.authority}.ndjson"

    def unmade(self) -> tuple[Share, ...]:
        """The authorities whose files are not there."""
        return tuple(share for share in self.shares if not self.file(share).exists())

    def make(self, *, processes: int) -> Iterator[int]:
        """Make the files that are not there; gives how many records it has just made."""
        todo = self.unmade()
        made = ndjson(todo, processes=processes)
        for share in todo:
            yield from self._write(share, made)

    def _write(self, share: Share, made: Iterator[Lines]) -> Iterator[int]:
        """One file, from the next lines that are made: these are the share's."""
        unfinished = self.file(share).with_suffix(".unfinished")
        with unfinished.open("wb") as file:
            for _ in range(share.blocks):
                lines = next(made)
                file.write(lines.data)
                yield lines.records
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(self.file(share))
        sync(self.folder)


def _other(why: str) -> CallerMistake:
    return CallerMistake(
        "other-population",
        why,
        next_step="Name an empty folder, or give the same --children and --seed to go on there.",
    )
