"""Loading a file of records: several calls under way, every row accounted for in its order."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import msgspec
from msgspec.structs import replace

from fieldward_server.cli.record_files import Row, loaded_first
from fieldward_sync.errors import CallerMistake, RetryLater

Call = Callable[..., dict[str, Any]]
"""Has a command carried out (``signed.Commander``)."""

ROWS_OF_A_CALL = 1000
BYTES_OF_A_CALL = 2 << 20
"""As JSON within JSON; the server takes four MiB, at most 2,000 lines."""
CALLS_AT_ONCE = 6
"""Two for each worker of a server that loads much: one whose batch is loaded, and one that has been
recorded meanwhile. To be recorded it waits for whichever batch is being written."""
BATCHES_AT_ONCE = 2 * CALLS_AT_ONCE
"""Read ahead, so that a call that is answered out of its turn is followed by another at once."""
PAUSES_SECONDS = (0.5, 2.0, 8.0)
"""Before a call is made again that found the server busy or away: loading twice doubles nothing."""

OWNER_ONLY = 0o600


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """What became of one row. No value of the record is repeated here."""

    line: int
    """Of the file, from 1."""
    outcome: str
    """``created``, ``changed``, ``unchanged`` or ``refused``."""
    record_id: str
    field: str
    """The first field that is wrong; empty for the whole record, or where nothing is."""
    reason: str
    rejects_line: int | None = None
    """Where the row begins in the file of what was refused."""


@dataclass
class _Batch:
    """Rows that go together; those that cannot be sent keep their place among the others."""

    rows: list[Row] = field(default_factory=list)
    lines: list[msgspec.Raw] = field(default_factory=list)
    """Encoded for the call: only then is it known how long they are."""
    bytes: int = 0
    record_ids: set[str] = field(default_factory=set)

    def add(self, row: Row) -> None:
        self.rows.append(row)
        if not row.reason:
            line = msgspec.json.encode(row.record)
            self.lines.append(msgspec.Raw(line))
            self.bytes += len(line)
            self.record_ids.add(row.record_id)

    @property
    def is_full(self) -> bool:
        return len(self.rows) >= ROWS_OF_A_CALL or self.bytes >= BYTES_OF_A_CALL


def load_rows(call: Call, rows: Iterable[Row]) -> Iterator[list[tuple[Row, Verdict]]]:
    """Load rows and give what became of each, in their order, those of a call at a time, once it is
    durable.

    Rows of one record are never under way at the same time: the later one is loaded later.
    """
    with ThreadPoolExecutor(CALLS_AT_ONCE) as pool:
        under_way: deque[tuple[_Batch, Future[list[dict[str, Any]]]]] = deque()
        try:
            for batch in _batches(rows):
                while len(under_way) == BATCHES_AT_ONCE or _meets(batch, under_way):
                    yield _judged(*under_way.popleft())
                under_way.append((batch, pool.submit(_send, call, batch.lines)))
            while under_way:
                yield _judged(*under_way.popleft())
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def load_keeping_rejects(
    call: Call, rows: Iterable[Row], rejects: Rejects
) -> Iterator[list[tuple[Row, Verdict]]]:
    """The same, and what is refused is kept."""
    for judged in load_rows(call, rows):
        yield [
            (row, replace(verdict, rejects_line=rejects.add(row)))
            if verdict.outcome == "refused"
            else (row, verdict)
            for row, verdict in judged
        ]


class Rejects:
    """The file of what was refused, in the format of the file it came from; made when needed.

    It holds children's data: nobody else may read it, and no file that is there is written over.
    """

    def __init__(self, path: Path, header: bytes) -> None:
        self._path = path
        self._header = header
        self._file: BinaryIO | None = None
        self._lines = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()

    @property
    def path(self) -> Path | None:
        """Where it is, once there is one."""
        return self._path if self._file is not None else None

    def add(self, row: Row) -> int:
        """Keep a row as it stood; the number of its line there."""
        if self._file is None:
            handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
            self._file = os.fdopen(handle, "wb")
            self._write(self._header)
        begins = self._lines + 1
        self._write(row.raw)
        return begins

    def _write(self, raw: bytes) -> None:
        if self._file is None or not raw:
            return
        ended = raw if raw.endswith(b"\n") else raw + b"\n"
        self._file.write(ended)
        self._lines += ended.count(b"\n")


def rejects_path_for(file: str, format_name: str, wanted: Path | None) -> Path:
    """Where what is refused will stand: where it was asked for, else beside the file as
    ``<file>.rejects``, with a number if there is one already. What is refused of rejects that were
    mended has the next number.

    ``CallerMistake("rejects-file")`` if it cannot be made there.
    """
    path = wanted or _free_path(Path(f"records.{format_name}" if file == "-" else file))
    if path.exists():
        raise _no_rejects(f"{path} is there already.")
    if not os.access(path.parent, os.W_OK):
        raise _no_rejects(f"Nothing can be written in {path.parent}.")
    return path


def _free_path(file: Path) -> Path:
    first, number = file.with_name(f"{loaded_first(file.name)}.rejects"), 1
    path = first
    while path.exists():
        number += 1
        path = first.with_name(f"{first.name}.{number}")
    return path


def _no_rejects(why: str) -> CallerMistake:
    return CallerMistake(
        "rejects-file",
        f"What is refused would have no place: {why}",
        next_step="Name another file with --rejects; nothing has been loaded.",
    )


def _batches(rows: Iterable[Row]) -> Iterator[_Batch]:
    batch = _Batch()
    for row in rows:
        batch.add(row)
        if batch.is_full:
            yield batch
            batch = _Batch()
    if batch.rows:
        yield batch


def _meets(batch: _Batch, under_way: Iterable[tuple[_Batch, object]]) -> bool:
    return any(not batch.record_ids.isdisjoint(other.record_ids) for other, _ in under_way)


def _send(call: Call, lines: list[msgspec.Raw]) -> list[dict[str, Any]]:
    if not lines:
        return []
    for pause in PAUSES_SECONDS:
        try:
            verdicts: list[dict[str, Any]] = call("records/load", lines=lines)["verdicts"]
        except RetryLater:
            time.sleep(pause)
        else:
            return verdicts
    last: list[dict[str, Any]] = call("records/load", lines=lines)["verdicts"]
    return last


def _judged(batch: _Batch, sent: Future[list[dict[str, Any]]]) -> list[tuple[Row, Verdict]]:
    verdicts = iter(sent.result())
    return [
        (
            row,
            Verdict(row.line, "refused", row.record_id, "", row.reason)
            if row.reason
            else Verdict(**{**next(verdicts), "line": row.line}),
        )
        for row in batch.rows
    ]
