"""Loading a folder of record files, one for each authority: a verdict for each, and no file twice.

What has been loaded is noted in the folder, for the authority as it was then: by its root key and
incarnation. On another server, or after a restore from a backup, the note does not hold and the
file is loaded again; what is there already does not change by it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import msgspec

from fieldward_server.cli.known_authorities import KnownAuthority
from fieldward_server.cli.record_files import format_of, read_records
from fieldward_server.cli.record_loading import (
    Call,
    Rejects,
    load_keeping_rejects,
    rejects_path_for,
)
from fieldward_server.durable import sync
from fieldward_sync.errors import CallerMistake, Error, RetryLater
from fieldward_sync.invitations import fingerprint

NOTES = "loaded.json"
_FILE = re.compile(r"(E\d{8})\.(?i:ndjson|csv)")


class Note(msgspec.Struct, frozen=True):
    """That a file was loaded, as it was then, into an authority, as that was then."""

    file: str
    bytes: int
    modified_ns: int
    root_key: str
    """Its fingerprint."""
    incarnation: int


@dataclass(frozen=True)
class FileVerdict:
    """What became of one file."""

    file: str
    authority: str
    outcome: Literal["loaded", "loaded-before", "failed"]
    rows: dict[str, int] = field(default_factory=dict)
    """How many had each outcome; none where the file was loaded before."""
    rejects: str | None = None
    """Where the refused rows stand."""
    reason: str = ""
    """Why it failed, and what to do."""

    @property
    def is_good(self) -> bool:
        """Whether nobody has to do anything about it."""
        return self.outcome != "failed" and self.rejects is None


class RecordFolder:
    """A folder of files called by the codes of authorities: ``E08000039.ndjson`` or ``.csv``."""

    def __init__(self, folder: Path) -> None:
        """``CallerMistake("no-records")`` if there is no such file, ``"loaded-notes"`` if its notes
        cannot be read."""
        self._folder = folder
        self.files = sorted(file for file in folder.iterdir() if _FILE.fullmatch(file.name))
        if not self.files:
            raise CallerMistake(
                "no-records",
                f"There is no file in {folder} that is called by the code of an authority.",
                next_step="Call them E08000039.ndjson or E08000039.csv.",
            )
        self._notes = self._read_notes()

    def load(
        self, call_for: Callable[[str], Call], *, advance: Callable[[int], None]
    ) -> Iterator[FileVerdict]:
        """Load what has not been loaded yet; ``advance`` gets bytes as they are done with.

        ``call_for`` gives the commands for an authority. A file that fails stops no other;
        ``RetryLater`` where the server is away: the same again goes on there.
        """
        for file in self.files:
            authority = file.name.partition(".")[0]
            try:
                yield self._load(file, authority, call_for(authority), advance)
            except RetryLater:
                raise
            except (Error, OSError) as e:
                why = e.diagnostics() if isinstance(e, Error) else str(e)
                yield FileVerdict(file.name, authority, "failed", reason=why)

    def _load(
        self, file: Path, authority: str, call: Call, advance: Callable[[int], None]
    ) -> FileVerdict:
        note = _note(file, KnownAuthority.read(authority, call("authority/trust")))
        if self._notes.get(file.name) == note:
            advance(note.bytes)
            return FileVerdict(file.name, authority, "loaded-before")
        format_name, counts = format_of(file.name), Counter[str]()
        kept_at = rejects_path_for(str(file), format_name, None)
        with file.open("rb") as opened:
            records = read_records(opened, format_name)
            with Rejects(kept_at, records.header) as rejects:
                for judged in load_keeping_rejects(call, records.rows, rejects):
                    advance(sum(len(row.raw) for row, _ in judged))
                    counts.update(verdict.outcome for _, verdict in judged)
        self._keep(note)
        told = None if rejects.path is None else str(rejects.path)
        return FileVerdict(file.name, authority, "loaded", dict(counts), told)

    def _read_notes(self) -> dict[str, Note]:
        path = self._folder / NOTES
        if not path.exists():
            return {}
        try:
            return msgspec.json.decode(path.read_bytes(), type=dict[str, Note])
        except msgspec.MsgspecError as e:
            raise CallerMistake(
                "loaded-notes",
                f"{path} is not what was written there.",
                next_step="Remove it: the files are then loaded again, which doubles nothing.",
            ) from e

    def _keep(self, note: Note) -> None:
        self._notes[note.file] = note
        path = self._folder / NOTES
        unfinished = path.with_suffix(".unfinished")
        unfinished.write_bytes(msgspec.json.format(msgspec.json.encode(self._notes)))
        sync(unfinished)
        unfinished.replace(path)
        sync(self._folder)


def _note(file: Path, known: KnownAuthority) -> Note:
    """Taken before the file is read: what is changed meanwhile is loaded again."""
    found = file.stat()
    return Note(
        file=file.name,
        bytes=found.st_size,
        modified_ns=found.st_mtime_ns,
        root_key=fingerprint(known.root_key).hex(),
        incarnation=known.trust.incarnation,
    )
