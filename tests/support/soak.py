"""``fieldward soak``: the loop's rules for as long as asked, against processes that are killed.

The server is a process with two workers, each device a process of its own. At random moments one
of them is killed with SIGKILL and started again; what the rules of the loop promise must hold all
the same. It goes in rounds, each on a new database: a round ends as a program of the machine does,
with everybody syncing in peace and everything checked.

The seed decides what is done and how long after that a kill is sent; what it meets is up to the
machine it runs on. At a failure the round's program is written down, to be run again.
"""

from __future__ import annotations

import json
import random
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import click

from far_hand import FarHand, Killed
from fieldward_client import SyncOutcome, SyncReport
from loop import Loop, MovingClock, Wire
from loop_hand import Hand
from loop_machine import WORKERS, TheLoop
from postgres import Cluster, fresh_database, postgres_cluster
from served import Served, free_port

STEPS_OF_A_ROUND = 60
KILLS = {"server": 0.05, "worker": 0.08, "device": 0.15}
"""How often a step comes with a kill of each."""
KILL_WITHIN_SECONDS = 0.25
INTERRUPTED = (
    "write",
    "look",
    "sync",
    "sync_all_at_once",
    "restart",
    "read_notices",
    "hand_over",
    "come_back",
)
"""The rules that may be interrupted. Others command, in this process: nothing of them is killed."""
CLOCK_BY_HAND = ("wait",)
PATIENCE_SYNCS = 20

Step = tuple[str, dict[str, Any], str, float]
"""A rule, its arguments, what is killed during it, and after how many seconds."""


class RealTime(MovingClock):
    """The machine's clock, which the server's process has too."""

    @property
    def wall(self) -> int:
        return int(time.time())

    @wall.setter
    def wall(self, seconds: int) -> None:
        """It is not moved."""


class ServedLoop(Loop):
    """The service in processes of its own; commands go to its database from here."""

    def __init__(self, folder: Path, database_url: str | None) -> None:
        host = f"127.0.0.1:{free_port()}"
        super().__init__(folder, database_url, host=host)
        self.clock = RealTime()
        settings = {
            "FIELDWARD_DATA_FOLDER": str(folder / "server"),
            "FIELDWARD_DATABASE_URL": self.config.database_url,
            "FIELDWARD_PUBLIC_AUTHORITY": host,
            "FIELDWARD_LISTEN_PORT": host.partition(":")[2],
            "FIELDWARD_WORKERS": str(WORKERS),
        }
        self.served = Served(settings, folder / "log")
        self.served.start()

    def close(self) -> None:
        self.served.stop()
        super().close()

    def kill_a_worker(self, luck: random.Random) -> None:
        """SIGKILL to one worker; the process above it starts another."""
        pid = self.served.process_group
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        if children:
            self.served.kill_one(int(luck.choice(children)))


class TheSoak(TheLoop):
    """The loop's machine on processes, and without a machine to draw for it."""

    loop: ServedLoop
    cluster: Cluster | None = None

    def __init__(self) -> None:
        self.in_peace = True
        super().__init__()

    @contextmanager
    def new_database(self) -> Iterator[str | None]:
        if self.cluster is None:
            yield None
        else:
            with fresh_database(self.cluster) as url:
                yield url

    def new_loop(self, database_url: str | None) -> ServedLoop:
        return ServedLoop(self.folder, database_url)

    def new_hand(self, name: str) -> tuple[Hand, Wire | None]:
        hand = FarHand(self.folder / name)
        self.resources.callback(hand.end)
        return hand, None

    def check(self, report: SyncReport, fault: str | None) -> None:
        """While things are killed a sync may end early; nobody may be refused or distrusted."""
        wrong = {SyncOutcome.REFUSED, SyncOutcome.DISTRUSTED}
        assert report.outcome not in wrong, report
        assert not self.in_peace or report.outcome is not SyncOutcome.OFFLINE, report

    def run(self, step: Step, luck: random.Random) -> None:
        """Do one step, and kill what it says meanwhile."""
        name, arguments, killed, after = step
        self.in_peace = not killed
        with self.killing(killed, after, arguments, luck):
            try:
                getattr(self, name)(**arguments)
            except Killed:
                assert killed == "device"
        if killed == "device":
            for person in self.posts if "person" not in arguments else (arguments["person"],):
                self.revive(person)
        self.in_peace = True
        self.no_accepted_edit_is_forgotten_by_the_device_before_its_verdict()

    def revive(self, person: str) -> None:
        """A killed device is opened again. What is durable there was typed, told or not."""
        post = self.posts[person]
        assert isinstance(post.hand, FarHand)
        post.hand.kill()
        post.hand.revive()
        known = {*post.typed, *post.fragile}
        told = [edit for edit in sorted(post.hand.unsent()) if edit not in known]
        post.typed += told
        if told:
            self.muddled.add(person)

    @contextmanager
    def killing(
        self, what: str, after: float, arguments: dict[str, Any], luck: random.Random
    ) -> Iterator[None]:
        hands = [
            post.hand
            for person, post in self.posts.items()
            if arguments.get("person", person) == person and isinstance(post.hand, FarHand)
        ]

        def kill() -> None:
            time.sleep(after)
            if what == "device":
                for hand in hands:
                    hand.kill()
            elif what == "worker":
                self.loop.kill_a_worker(luck)
            else:
                self.loop.served.kill()
                self.loop.served.start()

        killer = Thread(target=kill) if what else None
        if killer is not None:
            killer.start()
        try:
            yield
        finally:
            if killer is not None:
                killer.join()

    def settle_down(self) -> None:
        """In peace, and with the patience that a server wants which has just been started."""
        for _ in range(PATIENCE_SYNCS):
            reports = [post.hand.sync() for post in self.posts.values()]
            if all(report.outcome is SyncOutcome.COMPLETE for report in reports):
                break
            time.sleep(0.5)
        super().settle_down()


def steps(luck: random.Random) -> Iterator[Step]:
    """A round's program, drawn from the rules of the machine."""
    rules = {
        name: member.choices
        for name, member in vars(TheLoop).items()
        if hasattr(member, "choices") and name not in CLOCK_BY_HAND
    }
    usual = [name for name in INTERRUPTED for _ in range(3)]
    for _ in range(STEPS_OF_A_ROUND):
        name = luck.choice([*rules, *usual])
        arguments = {key: luck.choice(choices) for key, choices in rules[name].items()}
        killed = ""
        if name in INTERRUPTED:
            (killed,) = luck.choices(["", *KILLS], [1 - sum(KILLS.values()), *KILLS.values()])
        yield name, arguments, killed, luck.uniform(0, KILL_WITHIN_SECONDS) if killed else 0.0


def play(program: list[Step], luck: random.Random, until: Callable[[], bool]) -> None:
    """Play a round; raises what does not hold."""
    machine = TheSoak()
    with ExitStack() as ending:
        ending.callback(machine.resources.close)
        for number, step in enumerate(program):
            if until():
                del program[number:]
                break
            if step[0] == "end_of_a_device" and machine.is_full():
                continue
            machine.run(step, luck)
        machine.settle_down()
        machine.all_holds()


def soak(seed: int, minutes: float, database: str, replay: Path | None) -> int:
    """Play rounds until the time is over, or the one program that is given; the exit code."""
    deadline = time.monotonic() + minutes * 60
    number, done = 0, 0
    with ExitStack() as resources:
        if database == "postgresql":
            TheSoak.cluster = resources.enter_context(postgres_cluster(durable=True))
        while number == 0 or (time.monotonic() < deadline and replay is None):
            luck = random.Random(f"{seed}/{number}")
            program = json.loads(replay.read_text()) if replay else list(steps(luck))
            click.echo(f"seed {seed}, round {number}: {len(program)} steps on {database}")
            try:
                play(program, luck, lambda: replay is None and time.monotonic() > deadline)
            except Exception:  # noqa: BLE001 # whatever it is, it is what was looked for
                kept = Path(f"soak-{seed}-{number}.json")
                kept.write_text(json.dumps(program))
                again = f"fieldward soak --database {database} --replay {kept}"
                click.echo(f"{traceback.format_exc()}Does not hold. Again: {again}", err=True)
                return 1
            number, done = number + 1, done + len(program)
    click.echo(f"All holds: {done} steps in {number} rounds.")
    return 0
