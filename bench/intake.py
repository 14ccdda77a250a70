"""How fast children are made up, and how fast records are loaded, through to either database."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

from bench import baseline_ndjson
from bench.results import Row, at_least
from bench.run import CASELOAD, WHOLE, Run
from bench.stage import CASELOAD_TEAM, SEED
from bench.timing import timed
from children import AUTHORITY
from office import Administrator, Office
from served import serving


def population_rows(run: Run) -> Iterator[Row]:
    """The command, from its start to a whole file."""
    count, file = run.scale.generated, run.folder / "population.ndjson"
    with timed() as took:
        subprocess.run(
            [
                *(sys.executable, "-m", "fieldward_server.cli", "population", "generate"),
                *("--authority", AUTHORITY, "--children", str(count), "--seed", str(SEED)),
                *("--output", str(file)),
            ],
            check=True,
            stdout=subprocess.DEVNULL,
        )
    size = file.stat().st_size
    file.unlink()
    yield at_least("population made up", count / took.seconds, "records/s", 20_000)
    yield Row("a record of it, as a line of JSON", size / count, "bytes")


def loading_rows(run: Run) -> Iterator[Row]:
    """The command, to a server with a worker more than there are cores, as one that loads much
    should have, and an authority with two partitions; every verdict is durable when it comes.

    Beside it what the same machine does of the plain stream: machines differ by half and more.
    """
    count, file = run.scale.loaded, run.folder / "children.ndjson"
    lines = run.children.lines[:count]
    file.write_text("".join(f"{line}\n" for line in lines))
    plain = baseline_ndjson.measure(lines, run.folder / "plain", rounds=run.scale.rounds)
    streamed = count / plain.seconds
    for database, url in (("SQLite", None), ("PostgreSQL", run.new_postgres_url())):
        office = Office(run.folder / f"office-{database}")
        office.folder.mkdir()
        office.operator.settings["FIELDWARD_WORKERS"] = str(len(os.sched_getaffinity(0)) + 1)
        if url is not None:
            office.operator.settings["FIELDWARD_DATABASE_URL"] = url
        with serving(office.operator.settings, office.folder / "log"):
            administrator = _founded(office)
            with timed() as took:
                administrator.does("records", "load", str(file))
            loaded = count / took.seconds
            yield at_least(f"loaded, {database}", loaded, "records/s", 5_000, baseline=streamed)
            with timed() as took:
                administrator.does("records", "load", str(file))
            yield Row(f"loaded again, unchanged, {database}", count / took.seconds, "records/s")


def _founded(office: Office) -> Administrator:
    """The administrator of an authority with an empty caseload and an empty large partition."""
    administrator = office.newcomer(AUTHORITY)
    administrator.does("administrator", "bootstrap", "mo", "--name", "Mo Malik")
    secrets = str(administrator.folder / "keys")
    administrator.does("authority", "create", "--name", "Sheffield", "--secrets", secrets)
    for partition, rule in ((CASELOAD, f"team:{CASELOAD_TEAM}"), (WHOLE, "all")):
        administrator.does("partition", "create", partition, "--title", partition, "--rule", rule)
    return administrator
