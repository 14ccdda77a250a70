"""``python -m bench.country``: the country's records made and loaded, through to either database.

    python -m bench.country --folder FOLDER [--part 1/10 | --whole] [--small] [--output FILE]

By default a tenth of England: all 153 authorities, a tenth of the children of each, through the
commands that an operator has. A tenth takes some 8 GB for each database, of which nothing is kept,
and 1.5 GB for the files in the folder: a run that was interrupted goes on with those that
are not there. The rows are kept in ``bench/results/country.json``.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path

from bench.database import postgres_bytes, sqlite_bytes
from bench.memory import Peaks, watched
from bench.page import keep
from bench.processor import cpu_seconds
from bench.results import COUNTRY, Row, as_lines, at_least
from bench.stage import SEED
from bench.timing import Took, timed
from fieldward_server.population import AUTHORITIES, CHILDREN_OF_ENGLAND, Country
from office import Administrator, Office
from postgres import fresh_database, postgres_cluster
from program import FIELDWARD, environment
from served import serving

CHILDREN_OF_A_SMALL_ONE = 1_000
AUTHORITIES_OF_A_SMALL_ONE = 3


def rows_of(folder: Path, *, children: int, authorities: int) -> Iterator[Row]:
    """Made once, loaded into both databases."""
    england = folder / "england"
    yield from _making(england, children)
    with ExitStack() as resources:
        cluster = resources.enter_context(postgres_cluster(durable=True))
        url = resources.enter_context(fresh_database(cluster))
        for database, at in (("SQLite", None), ("PostgreSQL", url)):
            yield from _loading(england, database, at, folder, authorities)


def _making(england: Path, children: int) -> Iterator[Row]:
    unmade = Country.begin(england, children=children, seed=SEED).unmade()
    words = ("population", "generate", "--england", "--output", str(england))
    took, peaks = _run(*words, "--children", str(children), "--seed", str(SEED))
    if made := sum(share.children for share in unmade):
        what = f"{children:,} children of all authorities made up"
        yield at_least(what, made / took.seconds, "records/s", 20_000)
        yield Row(f"{what}: memory of the largest process", peaks.largest, "MB")
    size = sum(file.stat().st_size for file in england.glob("*.ndjson"))
    yield Row(f"{children:,} children of all authorities: a line of JSON", size / children, "bytes")


def _loading(
    england: Path, database: str, url: str | None, folder: Path, authorities: int
) -> Iterator[Row]:
    with tempfile.TemporaryDirectory(prefix="office-", dir=folder) as kept:
        office = Office(Path(kept))
        office.operator.settings |= {"FIELDWARD_WORKERS": "2", "FIELDWARD_LOG_LEVEL": "warning"}
        if url is not None:
            office.operator.settings["FIELDWARD_DATABASE_URL"] = url
        with serving(office.operator.settings, office.folder / "log") as served:
            mo = _administrator_of_all(office, authorities)
            loaded = _files_of(england, mo.folder / "england", authorities)
            group, before = served.process_group, _bytes(office, url)
            spent = cpu_seconds(lambda each: each.group == group)
            with watched(lambda each: each.group == group) as of_the_server:
                words = ("records", "load-folder", str(mo.folder / "england"))
                took, of_the_command = _run(*words, settings=mo.settings)
            spent = cpu_seconds(lambda each: each.group == group) - spent
            grown = _bytes(office, url) - before
            again, _ = _run(*words, settings=mo.settings)
        what = f"{loaded:,} records of {authorities} authorities loaded, {database}"
        yield at_least(what, loaded / took.seconds, "records/s", 5_000)
        yield Row(f"{what}: server CPU", spent / loaded * 1000, "ms/record")
        yield Row(f"{what}: the database", grown / loaded, "bytes/record")
        yield Row(f"{what}: memory of the command", of_the_command.largest, "MB")
        yield Row(
            f"{what}: memory of the server, its processes together", of_the_server.together, "MB"
        )
        yield Row(f"{what}: the same again, passed over", again.seconds, "s")


def _administrator_of_all(office: Office, authorities: int) -> Administrator:
    """One key, let in by each authority, each founded (decision 0005)."""
    mo = office.newcomer(next(iter(AUTHORITIES)))
    for code in list(AUTHORITIES)[:authorities]:
        mo.settings["FIELDWARD_AUTHORITY"] = code
        mo.does("administrator", "bootstrap", "mo", "--name", "Mo Malik")
        secrets = str(mo.folder / f"keys-{code}")
        mo.does("authority", "create", "--name", AUTHORITIES[code].name, "--secrets", secrets)
    return mo


def _files_of(england: Path, to: Path, authorities: int) -> int:
    """A folder of the files of these authorities, and how many records they have."""
    to.mkdir()
    records = 0
    for code in list(AUTHORITIES)[:authorities]:
        file = england / f"{code}.ndjson"
        if file.exists():
            (to / file.name).symlink_to(file.resolve())
            with file.open("rb") as lines:
                records += sum(1 for _ in lines)
    return records


def _run(*words: str, settings: dict[str, str] | None = None) -> tuple[Took, Peaks]:
    """Run a command that must succeed: how long it took, and the memory of its processes."""
    with (
        timed() as took,
        subprocess.Popen(
            [*FIELDWARD, *words],
            env=environment(**(settings or {})),
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        ) as process,
        watched(lambda each: each.group == process.pid) as peaks,
    ):
        process.wait()
    if process.returncode:
        raise RuntimeError(f"the command failed: {words}")
    return took, peaks


def _bytes(office: Office, url: str | None) -> int:
    return sqlite_bytes(office.folder / "data") if url is None else postgres_bytes(url)


def main(arguments: Sequence[str]) -> int:
    """Make, load, measure; the exit code. What does not hold is said, and stops nobody."""
    parser = argparse.ArgumentParser(prog="python -m bench.country")
    parser.add_argument("--folder", type=Path, required=True, help="where to keep the files")
    parser.add_argument("--part", type=Fraction, default=Fraction(1, 10), help="of England")
    parser.add_argument("--whole", action="store_true", help="all of it")
    parser.add_argument("--small", action="store_true", help="tiny sizes: does it run?")
    parser.add_argument("--output", type=Path, help="where to keep the rows")
    asked = parser.parse_args(arguments)
    children = int(CHILDREN_OF_ENGLAND * (1 if asked.whole else asked.part))
    authorities = len(AUTHORITIES)
    if asked.small:
        children, authorities = CHILDREN_OF_A_SMALL_ONE, AUTHORITIES_OF_A_SMALL_ONE
    rows = list(rows_of(asked.folder, children=children, authorities=authorities))
    for line in as_lines(rows):
        sys.stdout.write(line + "\n")
    output = asked.output or (None if asked.small else COUNTRY)
    if output is not None:
        keep(rows, output)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
