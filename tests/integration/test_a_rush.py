"""Hundreds of devices fetch at once from a real server, and nobody else notices.

Readers that stop reading take every place for as long as a test wants; what is asked for is larger
than the kernel keeps for them.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from string import ascii_lowercase
from threading import Event, Lock

import pytest

from api_actors import AUTHORITY, Board, FieldDevice
from children import child
from fieldward_client import Device, HttpTransport, SyncOutcome
from fieldward_server.services.distribution.sealing import seal_partitions
from fieldward_server.services.records.loading import load_records
from fieldward_server.services.upkeep.figures import read_figures
from fieldward_sync.http_signatures import verify_answer
from fieldward_sync.keys import hpke_public_key
from fieldward_sync.messages import Held
from fieldward_sync.problems import TURN_HEADER, Crowded
from http_server import Answer, Server, serving
from program import environment

PASSPHRASE = "correct horse battery staple"
LARGE = os.urandom(300_000)
ENDLESS = bytes(64 << 20)
"""More than the kernel takes for a reader who does not read."""
DEVICES = 240
LONGEST_WAIT_SECONDS = 2
PATIENCE_SECONDS = 120


HOST = {"public_authority": "fieldward.example"}
"""What devices of the tests' own sign for; the SDK's sign for where they call."""


@dataclass
class Scene:
    """A server, and files on it."""

    board: Board
    server: Server

    def __post_init__(self) -> None:
        self.large = self.board.platform.files.write(LARGE)
        self.endless = self.board.platform.files.write(ENDLESS)

    def fetch(self, name: str, turn: str = "", **headers: str) -> Answer:
        given = {TURN_HEADER: turn} if turn else {}
        return self.server.ask("GET", f"/v1/files/{name}", headers={**given, **headers})

    @contextmanager
    def every_place_taken(self) -> Iterator[None]:
        """By readers who stop after the first byte."""
        config = self.board.config
        host, port = self.server.address.removeprefix("http://").split(":")
        with ExitStack() as readers:
            taken = 0
            while taken < config.workers * config.downloads:
                reader = readers.enter_context(socket.create_connection((host, int(port))))
                reader.sendall(f"GET /v1/files/{self.endless} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
                taken += reader.recv(12) == b"HTTP/1.1 200"
            yield


@pytest.fixture
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scene]:
    settings = getattr(request, "param", {**HOST, "workers": "2", "threads": "4"})
    board = Board(tmp_path / "data", began=int(time.time()), **settings)
    with serving(board, tmp_path) as server:
        yield Scene(board, server)
    board.close()


@dataclass
class Rush:
    """Devices that fetch a file and do as they are told, but for the longest waits."""

    scene: Scene
    asked: list[int] = field(default_factory=list)
    """In the order in which they were told to wait."""
    done: list[int] = field(default_factory=list)
    """In the order in which they got it."""
    refusals: int = 0
    lock: Lock = field(default_factory=Lock)

    def has_asked(self, devices: int) -> bool:
        """Whether so many have been told to wait."""
        return len(self.asked) >= devices

    def __call__(self, device: int) -> None:
        transport, waited = HttpTransport(self.scene.server.address), False
        while True:
            try:
                pieces = list(transport.fetch(f"/v1/files/{self.scene.large}", offset=0))
            except Crowded as told:
                with self.lock:
                    self.refusals += 1
                    if not waited:
                        self.asked.append(device)
                waited = True
                time.sleep(min(told.after_seconds, LONGEST_WAIT_SECONDS) + Random(device).random())
                continue
            assert b"".join(piece for _, piece in pieces) == LARGE
            with self.lock:
                self.done.append(device)
            return


def wait_until(holds: Callable[[], bool]) -> None:
    """Look again until it holds; not for ever."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def quiet_syncs(scene: Scene, over: Event) -> list[int]:
    """Somebody who holds something syncs until the rush is over; how each was answered."""
    device = FieldDevice.enrolled(scene.board)
    answers = []
    while not over.is_set():
        scene.board.clock.seconds = int(time.time())
        answers.append(scene.server.send(device.sync(held=Held(0, 1, b"", 0, ()))).status)
    return answers


def test_hundreds_at_once_all_get_their_copy_in_order_and_nobody_elses_sync_fails(
    scene: Scene,
) -> None:
    """P8"""
    rush, over = Rush(scene), Event()
    with ThreadPoolExecutor(DEVICES + 1) as threads:
        others = threads.submit(quiet_syncs, scene, over)
        with scene.every_place_taken():
            waves = []
            for first in range(0, DEVICES, DEVICES // 3):
                waves += [threads.submit(rush, each) for each in range(first, first + DEVICES // 3)]
                wait_until(partial(rush.has_asked, len(waves)))
                time.sleep(1.1)  # the line knows in which second one asked
            assert not rush.done
        for each in waves:
            each.result(PATIENCE_SECONDS)
        over.set()
        answers = others.result(PATIENCE_SECONDS)
    assert sorted(rush.done) == list(range(DEVICES))
    assert rush.refusals >= DEVICES
    early = rush.done[: DEVICES // 3]
    late = rush.done[-DEVICES // 3 :]
    wave = DEVICES // 3
    # Chance would give a third. Who is woken late by a busy machine comes after others.
    assert sum(each < wave for each in early) > wave / 2
    assert sum(each >= 2 * wave for each in late) > wave / 2
    assert len(answers) > 20
    assert set(answers) == {200}


def test_readers_who_stop_reading_stop_nobody_else(scene: Scene) -> None:
    device = FieldDevice.enrolled(scene.board)
    with scene.every_place_taken():
        for _ in range(20):
            assert scene.fetch(scene.large).status == 503
            assert scene.server.send(device.sync(held=Held(0, 1, b"", 0, ()))).status == 200
        assert scene.server.ask("GET", "/health/ready").status == 200


def test_what_is_small_never_waits(scene: Scene) -> None:
    small = scene.board.platform.files.write(bytes(65_536))
    with scene.every_place_taken():
        assert scene.fetch(small).status == 200
        rest = scene.fetch(scene.large, Range=f"bytes={len(LARGE) - 65_536}-")
        assert (rest.status, rest.body) == (206, LARGE[-65_536:])
        assert scene.fetch(scene.large, **{"If-None-Match": f'"{scene.large}"'}).status == 304
        assert scene.fetch(scene.large, Range="bytes=1-").status == 503


def test_places_come_free_however_a_download_ends(scene: Scene) -> None:
    places = scene.board.config.workers * scene.board.config.downloads
    with scene.every_place_taken():
        pass  # all of them hang up
    for _ in range(4 * places):
        scene.fetch(scene.large, Range="bytes=5-4")
        scene.server.ask("HEAD", f"/v1/files/{scene.large}")
    turn, answers = "", []
    for _ in range(400):
        answers.append(answer := scene.fetch(scene.large, turn))
        if answer.status == 503:
            turn = answer.headers["fieldward-turn"]
            time.sleep(0.02)  # until the server has seen that they are gone
    assert [answer.status for answer in answers[-4 * places :]] == 4 * places * [200]


ONE_PLACE = {"workers": "1", "threads": "4", "downloads": "1"}


@pytest.mark.parametrize("scene", [{**HOST, **ONE_PLACE}], indirect=True)
def test_a_first_sync_waits_and_what_a_device_delivers_does_not(scene: Scene) -> None:
    device = FieldDevice.enrolled(scene.board)
    key = hpke_public_key(bytes(32))
    with scene.every_place_taken():
        first = device.sync(next_hpke_key=key)
        told = scene.server.send(first)
        assert (told.status, b'"crowded"' in told.body) == (503, True)
        assert int(told.headers["retry-after"]) > 0
        verify_answer(
            told.headers,
            status=503,
            body=told.body,
            request_signature=first.headers["signature"],
            public_keys=scene.board.answer_keys(),
        )
        assert scene.server.send(device.sync(held=Held(0, 1, b"", 0, ()))).status == 200
        assert scene.server.send(device.sync(more=True, next_hpke_key=key)).status == 200
        assert scene.server.send(device.sync()).status == 200  # locked: it only delivers
    turn = told.headers["fieldward-turn"]
    statuses = set()

    def is_let_in() -> bool:
        again = device.sync(next_hpke_key=key).with_headers(Fieldward_Turn=turn)
        statuses.add(scene.server.send(again).status)
        return 200 in statuses

    wait_until(is_let_in)  # the server has to see that the readers are gone
    assert statuses <= {200, 503}
    assert "request.failed" not in scene.server.log.text()


WAITING_DEVICE = """
import sys
from fieldward_client import Device

with Device.open(sys.argv[1], passphrase=sys.argv[2]) as device:
    print(device.sync(lambda progress: print(progress.step, flush=True)), flush=True)
"""


def load(board: Board, first: int, last: int) -> None:
    """Children whose names no compression makes small."""
    letters = Random(first)
    lines = [
        child(
            f"r-{each}",
            name={"family": "".join(letters.choices(ascii_lowercase, k=60)), "given": "Ada"},
        )
        for each in range(first, last)
    ]
    now = int(time.time())
    verdicts = load_records(
        board.platform, lines, authority=AUTHORITY, actor="test", reason="routine", now=now
    )
    assert {verdict.outcome for verdict in verdicts} == {"created"}
    while any(each.behind for each in read_figures(board.platform).partitions):
        seal_partitions(board.platform, now)  # unless the server's own job is at it


@pytest.mark.parametrize("scene", [ONE_PLACE], indirect=True)
def test_a_device_killed_while_it_waits_has_the_state_before(scene: Scene, tmp_path: Path) -> None:
    """And, while it waits, nobody else has the folder."""
    board, home = scene.board, tmp_path / "device"
    load(board, 0, 2)
    device = Device.enrol(home, scene.server.address, board.invitation(), passphrase=PASSPHRASE)
    with device:
        assert device.sync().outcome is SyncOutcome.COMPLETE
        assert [held.records for held in device.status().partitions] == [2]
    load(board, 2, 1_500)
    with scene.every_place_taken():
        waiting = subprocess.Popen(
            [sys.executable, "-c", WAITING_DEVICE, str(home), PASSPHRASE],
            env=environment(),
            stdout=subprocess.PIPE,
            text=True,
        )
        assert waiting.stdout is not None
        with waiting.stdout:
            while (said := waiting.stdout.readline()) != "wait\n":
                assert said, "it did not have to wait"
            in_the_way = subprocess.run(
                [sys.executable, "-c", WAITING_DEVICE, str(home), PASSPHRASE],
                env=environment(),
                capture_output=True,
                text=True,
                check=False,
            )
            assert "[folder-in-use]" in in_the_way.stderr
            waiting.send_signal(signal.SIGKILL)
            waiting.wait(PATIENCE_SECONDS)
        with Device.open(home, passphrase=PASSPHRASE) as device:
            assert [held.records for held in device.status().partitions] == [2]
            with device.session("home-visit") as session:
                assert session.open("r-0")["name.given"] == "Ada"
    with Device.open(home, passphrase=PASSPHRASE) as device:
        report = device.sync()
        assert report.outcome is SyncOutcome.COMPLETE
        assert [held.records for held in device.status().partitions] == [1_500]
        kept = sum(file.stat().st_size for file in (home / "files").iterdir())
        assert report.bytes_fetched <= kept
