"""Files of records, as authorities have them: NDJSON, or a table as a spreadsheet saves it (CSV).

A file is read row by row, each with the bytes it stands in. What cannot be sent is told with the
number of its line, and nothing of a file is ever passed over in silence.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, BinaryIO, NamedTuple

import msgspec

from fieldward_sync import limits
from fieldward_sync.errors import CallerMistake
from fieldward_sync.field_classes import FIELD_RULES, MEMBER_ID, SETS
from fieldward_sync.schema import REQUIRED_FIELDS, is_flag

NDJSON, CSV = "ndjson", "csv"

MAX_ROW_BYTES = 256 * 1024
"""A record with everything that it may hold is less than half as long."""

MAX_LINES_OF_A_ROW = 100
"""No field of a record has several lines; a cell may, and is refused as a whole."""

DELIMITERS = ",;\t"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"

ADDRESS_COLUMNS = (
    "address.kind",
    *(f"address.lines/{number}" for number in range(1, limits.MAX_ADDRESS_LINES + 1)),
    "address.postcode",
    "address.intends_return",
)
COLUMNS = (
    "record_id",
    "authority",
    *(
        column
        for pattern in FIELD_RULES
        for column in (ADDRESS_COLUMNS if pattern == "address" else (pattern,))
    ),
)
"""What a column may be called; ``*`` stands for a member's id of the file's own choosing."""

REQUIRED_COLUMNS = tuple(
    column for column in COLUMNS if column in REQUIRED_FIELDS or column == "address.kind"
)

_FLAGS = {"true": True, "false": False}

_NOT_UTF8 = "This is not UTF-8: save the file in that encoding."
_TOO_LONG = f"This is longer than the {MAX_ROW_BYTES} bytes that a record may take."
_NOT_PAIRED = "The quotation marks in this line do not pair."
_REJECTS = re.compile(r"(?:\.rejects(?:\.[0-9]+)?)+\Z")


# No dataclass: there are thousands of them at a time, and each takes long to make and to collect.
class Row(msgspec.Struct, frozen=True, gc=False):
    """One row of a file: what to send of it, or why there is nothing to send."""

    line: int
    """Of the file, from 1: where the row begins."""
    raw: bytes
    """As it stands in the file."""
    record: str = ""
    """The record as one line of JSON."""
    record_id: str = ""
    reason: str = ""
    """What is wrong with it, where it cannot be sent."""


@dataclass(frozen=True)
class RecordFile:
    """An opened file of records."""

    header: bytes
    """What every file of this kind has to begin with; empty where it is nothing."""
    rows: Iterator[Row]


def format_of(name: str) -> str:
    """The format of a file with this name; what was refused of a file has the file's own."""
    return CSV if PurePath(loaded_first(name)).suffix.lower() == ".csv" else NDJSON


def loaded_first(name: str) -> str:
    """The name of the file of which one with this name may be the rejects, mended or not."""
    return _REJECTS.sub("", name)


def read_records(file: BinaryIO, format_name: str) -> RecordFile:
    """The rows of a file; blank ones are passed over.

    ``CallerMistake``: "no-header", "not-utf-8" or "columns", for a table whose columns are not
    those of records: nothing in it could be understood.
    """
    return _read_table(file) if format_name == CSV else RecordFile(b"", _read_lines(file))


# --- NDJSON ------------------------------------------------------------------------------------


class _Named(msgspec.Struct):
    """What a line has to tell before it is sent."""

    record_id: str


def _read_lines(file: BinaryIO) -> Iterator[Row]:
    for number, raw in enumerate(file, start=1):
        content = raw.removeprefix(BYTE_ORDER_MARK) if number == 1 else raw
        if not content.strip():
            continue
        if len(content) > MAX_ROW_BYTES:
            yield Row(number, raw, reason=_TOO_LONG)
            continue
        try:
            record = content.decode().strip()
        except UnicodeDecodeError:
            yield Row(number, raw, reason=_NOT_UTF8)
            continue
        if record:  # else it is blank to the server, which has no verdict on it
            yield Row(number, raw, record, _record_id_in(record))


def _record_id_in(line: str) -> str:
    """Which record a line is about, empty where it does not say: the server tells what is wrong."""
    try:
        return msgspec.json.decode(line, type=_Named).record_id
    except (msgspec.MsgspecError, RecursionError):
        return ""


# --- CSV ---------------------------------------------------------------------------------------


class _Lines:
    """A file's lines as the csv module wants them, which remembers those of the row it is at.

    Bytes that are no UTF-8 travel through as surrogates, which no text in a file can hold.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._returned: list[bytes] = []
        self._row: list[bytes] = []
        self._next = 1

    def begin_row(self) -> int:
        """The number of the line at which the next row begins."""
        self._row = []
        return self._next

    @property
    def raw(self) -> bytes:
        """The row so far, as it stands."""
        return b"".join(self._row)

    def return_all_but_first(self) -> None:
        """Take the row back to its first line: those after it are read again."""
        self._returned = [*self._row[1:], *self._returned]
        self._next -= len(self._row) - 1
        del self._row[1:]

    def __iter__(self) -> Iterator[str]:
        while line := self._returned.pop(0) if self._returned else self._file.readline():
            # Else it would go on to the end of the file for a quotation mark that is open.
            if len(self._row) == MAX_LINES_OF_A_ROW:
                self._returned.insert(0, line)
                raise csv.Error("too many lines")
            self._row.append(line)
            self._next += 1
            yield line.removeprefix(BYTE_ORDER_MARK).decode(errors="surrogateescape")


def _read_table(file: BinaryIO) -> RecordFile:
    lines = _Lines(file)
    header = next(iter(lines), "")
    delimiter = _delimiter_of(header)
    if _has_other_bytes(header):
        raise CallerMistake("not-utf-8", _NOT_UTF8, next_step="Then load that.")
    try:
        columns = [name.strip() for name in next(csv.reader([header], delimiter=delimiter), [])]
    except csv.Error as e:
        raise CallerMistake(
            "no-header",
            "The names of the columns cannot be read: they are too long, or lines end in CR.",
            next_step="Save the file as CSV in UTF-8, with lines that end in LF or CRLF.",
        ) from e
    _check_columns(columns)
    return RecordFile(lines.raw, _read_rows(lines, columns, delimiter))


def _has_other_bytes(text: str) -> bool:
    """Whether some of it was no UTF-8 (see ``_Lines``)."""
    return any("\udc80" <= each <= "\udcff" for each in text)


def _delimiter_of(header: str) -> str:
    """That which splits the header into the most columns of ours; spreadsheets differ by country
    (csv.Sniffer guesses, and is wrong about a header alone)."""
    return max(DELIMITERS, key=lambda each: sum(map(_is_column, header.strip().split(each))))


def _is_column(name: str) -> bool:
    return _pattern_of(name.strip().strip('"')) in COLUMNS


def _pattern_of(column: str) -> str:
    """A column's name with ``*`` for a member's id."""
    container, slash, rest = column.partition("/")
    member_id, dot, field = rest.partition(".")
    if slash and dot and container in SETS and MEMBER_ID.fullmatch(member_id):
        return f"{container}/*.{field}"
    return "" if "*" in column else column


def _check_columns(columns: Sequence[str]) -> None:
    if not any(columns):
        raise CallerMistake(
            "no-header",
            "The file is empty, or does not begin with the names of its columns.",
            next_step="`fieldward records columns` lists them.",
        )
    unknown = [name for name in columns if _pattern_of(name) not in COLUMNS]
    missing = [name for name in REQUIRED_COLUMNS if name not in columns]
    repeated = sorted({name for name in columns if columns.count(name) > 1})
    faults = {"Unknown": unknown, "Missing": missing, "More than once": repeated}
    told = [
        f"{fault}: {', '.join(repr(name[:40]) for name in names[:5])}"
        + (f" and {len(names) - 5} more." if len(names) > 5 else ".")
        for fault, names in faults.items()
        if names
    ]
    if told:
        raise CallerMistake(
            "columns",
            f"The columns are not those of records. {' '.join(told)}",
            next_step="`fieldward records columns` lists them; the first line has to name them.",
        )


def _read_rows(lines: _Lines, names: Sequence[str], delimiter: str) -> Iterator[Row]:
    columns = [_Column.named(name) for name in names]
    while True:
        line = lines.begin_row()
        reader = csv.reader(iter(lines), delimiter=delimiter, strict=True)
        try:
            cells = next(reader, None)
        except csv.Error:
            lines.return_all_but_first()
            yield Row(line, lines.raw, reason=_NOT_PAIRED)
            continue
        if cells is None:
            return
        if any(cell.strip() for cell in cells):
            yield _row(line, lines.raw, cells, columns)


class _Column(NamedTuple):
    """Where the cells of a column stand in a record."""

    containers: tuple[str, ...]
    name: str
    is_flag: bool

    @classmethod
    def named(cls, column: str) -> _Column:
        *containers, name = re.split(r"[/.]", column)
        return cls((*containers,), name, is_flag(_pattern_of(column)))


def _row(line: int, raw: bytes, cells: Sequence[str], columns: Sequence[_Column]) -> Row:
    if len(raw) > MAX_ROW_BYTES:
        return Row(line, raw, reason=_TOO_LONG)
    if len(cells) != len(columns):
        return Row(line, raw, reason=f"There are {len(cells)} cells under {len(columns)} columns.")
    record: dict[str, Any] = {}
    for cell, (containers, name, takes_flag) in zip(cells, columns, strict=True):
        if text := cell.strip():
            inner = record
            for container in containers:
                inner = inner.setdefault(container, {})
            # Spreadsheets write TRUE; what is neither is the server's to refuse.
            inner[name] = _FLAGS.get(text.lower(), text) if takes_flag else text
    if by_number := record.get("address", {}).get("lines"):
        record["address"]["lines"] = [by_number[number] for number in sorted(by_number)]
    try:
        encoded = msgspec.json.encode(record).decode()
    except UnicodeEncodeError:
        return Row(line, raw, reason=_NOT_UTF8)
    return Row(line, raw, encoded, record.get("record_id", ""))
