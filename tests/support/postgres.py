"""PostgreSQL for the tests: a throwaway cluster of Debian's server, reached by a Unix socket only.

PostgreSQL refuses to run as root, so for root the cluster belongs to the system user ``postgres``
that Debian's package makes. Sorting follows a language, as an operator's database usually does:
what depends on byte order has to ask for it.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

OWNER = "postgres" if os.geteuid() == 0 else None
NOT_DURABLE = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off"


@dataclass(frozen=True)
class Cluster:
    """A running PostgreSQL server of our own. ``folder`` holds its data, socket and log."""

    folder: Path

    def dsn(self, database: str) -> str:
        """The address of one of its databases."""
        return _dsn(database, self.folder)

    def kill(self) -> None:
        """Kill every process of the server at once, as a failing machine would."""
        # The postmaster first: it would take the death of another for a reason to start anew.
        for pid in (self._postmaster(), *self._processes()):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def hold_replication(self) -> None:
        """From now on nothing more reaches a standby; a commit that waits for one does not end."""
        senders = [pid for pid in self._processes() if b"walsender" in _title(pid)]
        assert senders, "nobody follows this server"
        for pid in senders:
            os.kill(pid, signal.SIGSTOP)

    def promote(self) -> None:
        """Make a standby the primary, and wait until it takes writes."""
        control = str(_programs() / "pg_ctl")
        _command(self.folder, control, "--wait", "--pgdata", str(self.folder / "data"), "promote")

    def _postmaster(self) -> int:
        return int((self.folder / "data" / "postmaster.pid").read_text().split()[0])

    def _processes(self) -> tuple[int, ...]:
        """The children of the postmaster, each in a session of its own."""
        pid = self._postmaster()
        return tuple(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


@dataclass(frozen=True)
class Pair:
    """A primary, and a standby that it waits for before a commit is acknowledged."""

    primary: Cluster
    standby: Cluster

    def dsn(self, database: str) -> str:
        """The address of a database on whichever of the two takes writes."""
        both = _dsn(database, self.primary.folder, self.standby.folder)
        return f"{both}&target_session_attrs=read-write"


@contextmanager
def postgres_cluster(*, durable: bool) -> Iterator[Cluster]:
    """A fresh cluster for the length of the block.

    Without ``durable`` it is quicker, and a crash of the machine could lose what it acknowledged:
    right for every test but those about crashes.
    """
    programs = _programs()
    with _own_folder() as folder:
        _initialise(programs, folder)
        with _running(programs, folder, durable=durable):
            yield Cluster(folder)


@contextmanager
def kept_cluster(folder: Path) -> Iterator[Cluster]:
    """A durable cluster that stays in a folder, for the length of the block and of later ones."""
    programs = _programs()
    if not (folder / "data").exists():
        folder.mkdir(parents=True, exist_ok=True)
        if OWNER is not None:
            shutil.chown(folder, OWNER)
        _initialise(programs, folder)
    with _running(programs, folder, durable=True):
        yield Cluster(folder)


@contextmanager
def replicated_pair(*, synchronous: bool = True) -> Iterator[Pair]:
    """A primary and its standby for the length of the block; either may be killed in it."""
    programs = _programs()
    with _own_folder() as first, _own_folder() as second:
        _initialise(programs, first)
        with _running(programs, first, durable=True):
            primary, standby = Cluster(first), Cluster(second)
            _command(
                second,
                *(str(programs / "pg_basebackup"), "--dbname", primary.dsn("postgres")),
                *("--pgdata", str(second / "data"), "--write-recovery-conf", "--no-sync"),
                "--checkpoint=fast",
            )
            if synchronous:
                with psycopg.connect(primary.dsn("postgres"), autocommit=True) as connection:
                    connection.execute("ALTER SYSTEM SET synchronous_standby_names = 'FIRST 1 (*)'")
                    connection.execute("SELECT pg_reload_conf()")
            with _running(programs, second, durable=True):
                yield Pair(primary, standby)


@contextmanager
def _own_folder() -> Iterator[Path]:
    # Not pytest's own folders: nobody else may enter them, and socket paths end at 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="fieldward-"))
    if OWNER is not None:
        shutil.chown(folder, OWNER)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _dsn(database: str, *folders: Path) -> str:
    hosts = ",".join(quote(str(folder), safe="") for folder in folders)
    return f"postgresql://fieldward@/{database}?host={hosts}"


def _title(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return b""


def _is_dead(folder: Path) -> bool:
    """Whether a server was killed and left its note that it runs."""
    note = folder / "data" / "postmaster.pid"
    return note.exists() and not Path(f"/proc/{note.read_text().split()[0]}").exists()


def _programs() -> Path:
    """The folder of the newest installed server's programs."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda initdb: int(initdb.parts[4])
    )
    if not found:
        pytest.fail(
            "There is no PostgreSQL server here (/usr/lib/postgresql/*/bin/initdb). `make test` "
            "installs it; by hand: apt-get install postgresql",
            pytrace=False,
        )
    return found[-1].parent


def _initialise(programs: Path, folder: Path) -> None:
    _command(
        folder,
        *(str(programs / "initdb"), "--pgdata", str(folder / "data"), "--username", "fieldward"),
        *("--auth", "trust", "--encoding", "UTF8", "--locale", "C.UTF-8"),
        *("--locale-provider", "icu", "--icu-locale", "en-GB", "--no-sync"),
    )


@contextmanager
def _running(programs: Path, folder: Path, *, durable: bool) -> Iterator[None]:
    control = (str(programs / "pg_ctl"), "--wait", "--pgdata", str(folder / "data"))
    options = f"-k {folder} -c listen_addresses= {'' if durable else NOT_DURABLE}"
    _command(folder, *control, "--log", str(folder / "log"), "--options", options, "start")
    try:
        yield
    finally:
        if not _is_dead(folder):
            _command(folder, *control, "--mode", "immediate", "stop")


def _command(folder: Path, *command: str) -> None:
    """Run one of PostgreSQL's programs as the cluster's owner; fail with all it said.

    Its words go to a file: a pipe would stay open for as long as the server lives.
    """
    said = folder / "said"
    with said.open("wb") as output:
        status = subprocess.run(
            command,
            cwd=folder,
            user=OWNER,
            group=OWNER,
            extra_groups=None if OWNER is None else [],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        ).returncode
    if status != 0:
        log = folder / "log"
        words = said.read_text() + (log.read_text() if log.exists() else "")
        pytest.fail(f"{' '.join(command)} failed ({status}):\n{words}", pytrace=False)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """One cluster for the whole run, quick rather than durable."""
    with postgres_cluster(durable=False) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def postgres_dsn(postgres: Cluster) -> str:
    """The address of the cluster's maintenance database, for a superuser."""
    return postgres.dsn("postgres")


@contextmanager
def fresh_database(cluster: Cluster) -> Iterator[str]:
    """The address of a new and empty database, which is gone after the block."""
    name = new_database(cluster)
    yield cluster.dsn(name)
    with psycopg.connect(cluster.dsn("postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def new_database(cluster: Cluster) -> str:
    """The name of a new and empty database."""
    name = f"test_{uuid4().hex}"
    with psycopg.connect(cluster.dsn("postgres"), autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name))
        )
    return name


@pytest.fixture
def postgres_database(postgres: Cluster) -> Iterator[str]:
    """The address of a new and empty database, which is gone after the test."""
    with fresh_database(postgres) as url:
        yield url
