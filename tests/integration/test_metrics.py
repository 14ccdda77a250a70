"""Figures for Prometheus: counted by all workers together, shown on a listener of their own."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from api_actors import AUTHORITY, START, Board, FieldDevice
from fieldward_server.api.context import service_of
from fieldward_server.api.metrics import MetricsPage
from fieldward_server.jobs import jobs, run_once
from fieldward_server.metrics import DATABASE_CODES
from fieldward_server.services.distribution.partitions import create_partition
from fieldward_sync.errors import RetryLater
from fieldward_sync.keys import hpke_public_key
from fieldward_sync.signing import public_key
from http_server import Server, serving
from served import free_port

Labels = dict[str, str]


class Page:
    """What a metrics page says, and what it said of a figure before."""

    def __init__(self, text: str) -> None:
        self.samples = [
            sample for family in text_string_to_metric_families(text) for sample in family.samples
        ]
        self.names = set(re.findall("^# TYPE (\\S+)", text, re.MULTILINE))
        self.labels = {
            (sample.name, label): {
                each.labels[label] for each in self.samples if each.name == sample.name
            }
            for sample in self.samples
            for label in sample.labels
        }

    def value(self, name: str, **labels: str) -> float:
        """A figure; 0 if nothing was counted under these labels yet."""
        found = [s.value for s in self.samples if s.name == name and s.labels == labels]
        return found[0] if found else 0.0


class Watched:
    """A board with one application, and its metrics page."""

    def __init__(self, folder: Path) -> None:
        self.board = Board(folder / "data")
        app = self.board.another_application()
        self.client = app.test_client()
        self._page = MetricsPage(app)
        self.platform = service_of(app).platform

    def page(self, path: str = "/metrics") -> Page:
        """The page as it is now."""
        told: list[str] = []
        body = self._page(
            {"REQUEST_METHOD": "GET", "PATH_INFO": path},
            lambda status, _: told.append(status),  # type: ignore[arg-type]
        )
        assert told == ["200 OK"]
        return Page(b"".join(body).decode())


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    watched = Watched(tmp_path)
    yield watched
    watched.board.close()


@pytest.fixture
def device(watched: Watched) -> FieldDevice:
    return FieldDevice.enrolled(watched.board)


def test_every_request_is_counted_by_route_status_and_code(
    watched: Watched, device: FieldDevice
) -> None:
    answered = {"route": "/v1/sync", "status": "200", "code": ""}
    refused = {"route": "/v1/files/<name>", "status": "404", "code": "not-found"}
    before = watched.page()
    device.sync().send(watched.client)
    watched.client.get(f"/v1/files/{'ab' * 32}")
    watched.client.open("/nowhere", method="INVENTED")
    after = watched.page()
    for labels in (answered, refused):
        name = "fieldward_http_requests_total"
        assert after.value(name, **labels) == before.value(name, **labels) + 1
    took = "fieldward_http_request_duration_seconds_count"
    assert after.value(took, route="/v1/sync") == before.value(took, route="/v1/sync") + 1
    assert after.value(took, route="none") == before.value(took, route="none") + 1


def test_syncs_are_counted_however_they_end(watched: Watched, device: FieldDevice) -> None:
    """P9: whoever only counts what succeeded never sees who fails."""
    name = "fieldward_syncs_total"
    before = watched.page()
    used = device.sync(next_hpke_key=hpke_public_key(bytes(32)))
    assert used.send(watched.client).status_code == 200
    assert used.send(watched.client).status_code == 409
    held = device.sync_request().held
    complete = device.sync(held=type(held)(1, watched_state(watched), b"", 0, ()))
    assert complete.send(watched.client).status_code == 200
    after = watched.page()
    for outcome, code, times in (
        ("unfinished", "", 1),
        ("refused", "counter-used", 1),
        ("complete", "", 1),
    ):
        labels = {"outcome": outcome, "code": code}
        assert after.value(name, **labels) == before.value(name, **labels) + times, outcome
    leases = "fieldward_leases_renewed_total"
    assert after.value(leases) == before.value(leases) + 1


def test_enquiries_are_counted_by_how_they_end_and_by_nothing_else(
    watched: Watched, device: FieldDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "fieldward_enquiries_total"
    before = watched.page()
    found_nobody = device.enquiry({"family": "Okafor", "born": "2021-03-04"})
    assert found_nobody.send(watched.client).status_code == 200
    assert found_nobody.send(watched.client).status_code == 409
    assert device.enquiry({}, record_id="ada").send(watched.client).status_code == 200
    with monkeypatch.context() as patch:
        patch.setattr("fieldward_server.services.look_ups.enquiry_log.lock", lambda *_: 1 / 0)
        assert device.enquiry({"born": "2021"}).send(watched.client).status_code == 500
    after = watched.page()
    for outcome, times in (("nothing", 2), ("refused", 1), ("failed", 1), ("shown", 0)):
        counted = after.value(name, outcome=outcome) - before.value(name, outcome=outcome)
        assert counted == times, outcome


def watched_state(watched: Watched) -> int:
    """The number of the distribution that the device would be offered."""
    there = watched.board.contents()
    changes = (row for table in ("holder", "partition") for row in there[table])
    return max(int(it) for row in changes for it in re.findall(r"_state': (\d+)", row))


def test_a_sync_that_the_database_failed_is_counted_as_ours(
    watched: Watched, device: FieldDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = watched.page()

    def busy(*_: object, **__: object) -> None:
        raise RetryLater("database-busy", "The database cannot take this now.")

    monkeypatch.setattr("fieldward_server.api.device_api.synchronise", busy)
    assert device.sync().send(watched.client).status_code == 503
    labels = {"outcome": "failed", "code": "database-busy"}
    after = watched.page()
    assert after.value("fieldward_syncs_total", **labels) == 1 + before.value(
        "fieldward_syncs_total", **labels
    )


def test_what_the_database_could_not_do_is_counted(watched: Watched) -> None:
    before = watched.page()
    for code in DATABASE_CODES:
        with pytest.raises(RetryLater), watched.platform.storage.transaction():
            raise RetryLater(code, "…")
    with pytest.raises(RetryLater), watched.platform.storage.reading():
        raise RetryLater("offline", "not the database's fault")
    after = watched.page()
    name = "fieldward_database_errors_total"
    for code in DATABASE_CODES:
        assert after.value(name, code=code) == before.value(name, code=code) + 1
    assert ("fieldward_database_errors_total", "code") in after.labels
    assert after.labels[name, "code"] <= DATABASE_CODES
    took = "fieldward_database_transaction_duration_seconds_count"
    assert after.value(took, kind="writing") == before.value(took, kind="writing") + 3
    with watched.platform.storage.reading():
        assert watched.page().value("fieldward_database_transactions_open") == 1
    assert watched.page().value("fieldward_database_transactions_open") == 0


def test_a_database_that_cannot_be_read_is_down_and_leaves_the_other_figures(
    tmp_path: Path,
) -> None:
    watched = Watched(tmp_path)
    assert watched.page().value("fieldward_database_up") == 1
    watched.board.close()
    (tmp_path / "data" / "fieldward.db").write_bytes(b"no database, only some bytes" * 100)
    page = watched.page()
    assert page.value("fieldward_database_up") == 0
    assert "fieldward_syncs_total" in page.names


def test_how_far_sealing_is_behind_is_looked_up(watched: Watched) -> None:
    create_partition(
        watched.platform,
        authority=AUTHORITY,
        partition="late",
        title="Late",
        rules=["all"],
        actor="test",
        reason="routine",
        now=START,
    )
    page = watched.page()
    assert page.value("fieldward_partitions_behind", authority=AUTHORITY) == 2
    assert page.value("fieldward_unsealed_changes", authority=AUTHORITY) == 2
    before = page.value("fieldward_job_items_total", job="seal-partitions")
    sealing = jobs(seal_every_seconds=1)[0]
    assert run_once(watched.platform, sealing, holder="test", now=watched.board.clock)
    page = watched.page()
    assert page.value("fieldward_partitions_behind", authority=AUTHORITY) == 0
    assert page.value("fieldward_partitions", authority=AUTHORITY) == 2
    assert page.value("fieldward_job_items_total", job="seal-partitions") == before + 2
    assert page.value("fieldward_job_last_done_timestamp_seconds", job="seal-partitions") == START


def test_no_label_names_a_child_a_device_or_a_person(watched: Watched, device: FieldDevice) -> None:
    """U6: an alert that is made of them leads to the command line, and tells nothing itself."""
    device.sync().send(watched.client)
    page = watched.page()
    allowed = {"route", "status", "code", "outcome", "job", "kind", "le", "authority", "access"}
    allowed |= {"version", "python"}
    assert {label for _, label in page.labels} <= allowed
    values = {value for found in page.labels.values() for value in found}
    assert not values & {device.device, "p-1", "Ann Poole", public_key(device.identity).hex()}


def test_names_follow_the_conventions(watched: Watched, device: FieldDevice) -> None:
    device.sync().send(watched.client)
    for sample in watched.page().samples:
        assert re.fullmatch(r"fieldward_[a-z0-9_]+", sample.name)
        if "duration" in sample.name:
            assert "_seconds" in sample.name


def test_every_figure_is_documented_and_none_that_is_not(watched: Watched) -> None:
    operations = (Path(__file__).parents[2] / "docs/operations.md").read_text()
    assert watched.page().names == set(re.findall(r"`(fieldward_[a-z_]+)`", operations))


def test_the_page_is_no_route_of_what_devices_call(watched: Watched) -> None:
    assert watched.client.get("/metrics").status_code == 401


@pytest.fixture(scope="module")
def scraped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str, Board]]:
    """A server with two workers, and the address of its metrics."""
    folder = tmp_path_factory.mktemp("scraped")
    listen = f"127.0.0.1:{free_port()}"
    board = Board(
        folder / "data", began=int(time.time()), workers="2", threads="1", metrics_listen=listen
    )
    with serving(board, folder) as server:
        yield server, listen, board


def scrape(server: Server, listen: str, path: str = "/metrics") -> tuple[int, str]:
    answer = Server(server.process, f"http://{listen}", server.log).ask("GET", path)
    return answer.status, answer.body.decode()


def test_what_both_workers_answered_is_counted_together(
    scraped: tuple[Server, str, Board],
) -> None:
    server, listen, _ = scraped
    labels = {"route": "/health/live", "status": "200", "code": ""}
    for asked in range(1, 31):
        assert server.ask("GET", "/health/live").status == 200
        page = Page(scrape(server, listen)[1])
        assert page.value("fieldward_http_requests_total", **labels) == asked


def test_each_listener_answers_what_is_its_own_whatever_the_request_says(
    scraped: tuple[Server, str, Board],
) -> None:
    server, listen, _ = scraped
    assert server.ask("GET", "/metrics", headers={"Host": listen}).status == 401
    assert scrape(server, listen, "/health/live")[0] == 404
    assert scrape(server, listen, "/v1/openapi.json")[0] == 404


def test_a_server_that_ends_leaves_no_counts_behind(tmp_path: Path) -> None:
    board = Board(tmp_path / "data", metrics_listen=f"127.0.0.1:{free_port()}")
    with serving(board, tmp_path) as server:
        port = server.address.rpartition(":")[2]
        folder = board.config.data_folder / "metrics" / port
        assert list(folder.glob("counter_*.db"))
    assert not folder.exists()
