"""What was acknowledged survives a server's crash and a database's fail-over (invariant 11).

Real devices work against the real service, two workers, while something is killed under them.
Whatever a device was told the service has, must be there afterwards.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

from children import AUTHORITY, PHONE, child
from fieldward_client import Device, SyncOutcome
from fieldward_server.storage import edits, journals
from fieldward_server.storage.journals import Journal
from fieldward_sync.names import device_actor
from loop import Loop
from loop_hand import PASSPHRASE
from postgres import new_database, replicated_pair
from served import free_port, serving

WORKERS = 3
UNDER_LOAD_SECONDS = 3.0
HELD_SECONDS = 1.5
PATIENCE_SECONDS = 60.0


class Worker:
    """A device whose practitioner looks up, writes and syncs without a pause.

    It remembers what it was told: the edits with a verdict, the look-ups that were taken.
    """

    def __init__(self, home: Path, server_url: str, code: str, record_id: str) -> None:
        self._record_id = record_id
        self._rest = Event()
        self._thread = Thread(target=self._work)
        self._failure: Exception | None = None
        self.device = Device.enrol(home, server_url, code, passphrase=PASSPHRASE)
        assert self.device.sync().outcome is SyncOutcome.COMPLETE
        status = self.device.status()
        self.journal = Journal(AUTHORITY, status.device, status.generation)
        self.acknowledged_edits: set[int] = set()
        self.acknowledged_look_ups = 0
        self.outcomes: list[SyncOutcome] = []

    def begin(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """Let the round under way come to its end."""
        self._rest.set()
        self._thread.join(PATIENCE_SECONDS)
        assert not self._thread.is_alive()
        if self._failure is not None:
            raise self._failure

    def sync(self) -> SyncOutcome:
        """One sync, and what it acknowledged."""
        report = self.device.sync()
        self.acknowledged_edits |= {verdict.counter for verdict in report.verdicts}
        self.acknowledged_look_ups = self.device.status().look_ups_delivered
        self.outcomes.append(report.outcome)
        return report.outcome

    def _work(self) -> None:
        try:
            while not self._rest.is_set():
                with self.device.session("home-visit") as session:
                    session.search(family="Okafor")
                    number = len(self.outcomes)
                    session.open(self._record_id).edit(PHONE, f"07700 9{number:05}")
                self.sync()
        except Exception as e:  # noqa: BLE001 # raised again in the test's own thread
            self._failure = e


@contextmanager
def work_under_way(loop: Loop, server_url: str) -> Iterator[list[Worker]]:
    """Devices at work for the length of the block; afterwards they rest and are closed."""
    workers = []
    for n in range(WORKERS):
        loop.practitioner(f"p-{n}")
        code = loop.code("caseload", practitioner=f"p-{n}")
        workers.append(Worker(loop.folder / f"device-{n}", server_url, code, f"r-{n}"))
    for worker in workers:
        worker.begin()
    try:
        yield workers
    finally:
        for worker in workers:
            worker.end()


def on_service(folder: Path, database_url: str) -> tuple[Loop, dict[str, str], str]:
    """A service with children and a caseload: how to serve it, and where."""
    host = f"127.0.0.1:{free_port()}"
    loop = Loop(folder, database_url, host=host)
    loop.load(*(child(f"r-{n}") for n in range(WORKERS)))
    loop.partition("caseload", "team:HV-1")
    settings = {
        "FIELDWARD_DATA_FOLDER": str(folder / "server"),
        "FIELDWARD_DATABASE_URL": database_url,
        "FIELDWARD_PUBLIC_AUTHORITY": host,
        "FIELDWARD_LISTEN_PORT": host.partition(":")[2],
        "FIELDWARD_WORKERS": "2",
    }
    return loop, settings, f"http://{host}"


def require_everything_acknowledged(loop: Loop, workers: list[Worker]) -> None:
    """Every edit under its dot, and every look-up in its place, as they were acknowledged."""
    with loop.platform.storage.reading() as transaction:
        for n, worker in enumerate(workers):
            actor = device_actor(worker.journal.device, worker.journal.generation)
            merged = {
                edit.counter
                for edit in edits.of_record(transaction, AUTHORITY, f"r-{n}")
                if edit.actor == actor
            }
            assert worker.acknowledged_edits <= merged
            size = worker.acknowledged_look_ups
            kept = journals.entries(transaction, worker.journal, first=0, last=size)
            assert [entry.sequence for entry in kept] == list(range(size))


def require_that_work_goes_on(loop: Loop, workers: list[Worker]) -> None:
    """Each device completes a sync, its edits all with a verdict and its journal unbroken."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    for worker in workers:
        while worker.sync() is not SyncOutcome.COMPLETE:
            assert time.monotonic() < deadline, worker.outcomes
            time.sleep(0.2)
        assert worker.device.status().pending_edits == 0
    require_everything_acknowledged(loop, workers)
    assert not loop.incidents()


def require_that_it_was_a_load(workers: list[Worker]) -> None:
    for worker in workers:
        assert len(worker.acknowledged_edits) > UNDER_LOAD_SECONDS
        assert worker.acknowledged_look_ups > UNDER_LOAD_SECONDS


def close(loop: Loop, workers: list[Worker]) -> None:
    for worker in workers:
        worker.device.close()
    loop.close()


def test_what_was_acknowledged_survives_the_fail_over_of_the_database(tmp_path: Path) -> None:
    """The last commits before the crash never reach the standby: then they are not acknowledged
    either. The service finds the new primary by itself."""
    with replicated_pair() as pair:
        database = new_database(pair.primary)
        loop, settings, server_url = on_service(tmp_path, pair.dsn(database))
        with serving(settings, tmp_path / "log"):
            with work_under_way(loop, server_url) as workers:
                time.sleep(UNDER_LOAD_SECONDS)
                pair.primary.hold_replication()
                time.sleep(HELD_SECONDS)
                pair.primary.kill()
                pair.standby.promote()
                time.sleep(HELD_SECONDS)
            require_that_it_was_a_load(workers)
            loop.reconnect()
            require_everything_acknowledged(loop, workers)
            require_that_work_goes_on(loop, workers)
            close(loop, workers)


def test_what_was_acknowledged_survives_kill_9_of_the_service(tmp_path: Path) -> None:
    loop, settings, server_url = on_service(tmp_path, f"sqlite:///{tmp_path / 'fieldward.db'}")
    with serving(settings, tmp_path / "log") as served:
        with work_under_way(loop, server_url) as workers:
            for _ in range(3):
                time.sleep(UNDER_LOAD_SECONDS / 3)
                served.kill()
                served.start()
        require_that_it_was_a_load(workers)
        require_everything_acknowledged(loop, workers)
        require_that_work_goes_on(loop, workers)
        close(loop, workers)
